// Package users makes the configuration of the embedded broker of a users file:
// who may connect, what for, and which limits the broker keeps. It reads neither
// files nor the environment: whoever calls it has the passwords.
package users

import (
	"fmt"
	"strings"
	"time"

	"homefleet/fleet/broker"
	"homefleet/scenarios"
)

// Config returns what a checked users file says as the broker takes it. password
// returns the password of a user, or its argon2id hash, by where the file says
// that it is; its error is returned with the file and the user.
func Config(f *scenarios.UsersFile, password func(scenarios.Password) ([]byte, error)) (broker.Config, error) {
	c := broker.Config{Anonymous: f.Anonymous, Limits: limits(&f.Limits)}
	for i := range f.Users {
		u := &f.Users[i]
		var secret []byte
		if !u.Password.Certificate {
			var err error
			if secret, err = password(u.Password); err != nil {
				return broker.Config{}, fmt.Errorf("%s: user %q: %w", f.Name, u.Name, err)
			}
		}
		c.Users = append(c.Users, broker.User{
			Name: u.Name, Password: string(secret), Certificate: u.Password.Certificate,
			Publish: filters(u.Publish), Subscribe: filters(u.Subscribe),
			ResponseInformation: filter(u.ResponseInformation),
			ClientIDs:           u.ClientIDs,
			MaximumSessions:     orZero(u.MaximumSessions),
		})
	}
	return c, nil
}

// filters is never nil: a user without a list may do nothing, where to the broker
// nil is everything.
func filters(list []scenarios.Filter) []string {
	texts := make([]string, len(list))
	for i, f := range list {
		texts[i] = filter(f)
	}
	return texts
}

// filter is a filter in the broker's words: it knows clients, and not devices.
func filter(f scenarios.Filter) string { return strings.ReplaceAll(string(f), "{id}", "{client}") }

// orZero is what is not given as the broker knows it.
func orZero[T any](n *T) T {
	if n == nil {
		var zero T
		return zero
	}
	return *n
}

// orNone is a limit where zero, which to the broker is its default, is none.
func orNone[T int | time.Duration](n *T) T {
	if n != nil && *n == 0 {
		return -1
	}
	return orZero(n)
}

func limits(l *scenarios.Limits) broker.Limits {
	not := func(b *bool) bool { return b != nil && !*b }
	expiry := l.SessionExpiryMax
	if orZero(expiry) == scenarios.SessionNeverExpires {
		expiry = nil // no bound
	}
	return broker.Limits{
		MaximumQoS: l.MaximumQoS,
		NoRetain:   not(l.Retain), NoWildcards: not(l.WildcardSubscriptions),
		NoShared: not(l.SharedSubscriptions), NoSubscriptionIDs: not(l.SubscriptionIdentifiers),
		ForeignResponseTopics: l.ResponseTopic == scenarios.AnyResponseTopic,
		MaximumPacketSize:     int(orZero(l.MaximumPacketSize)),
		ReceiveMaximum:        orZero(l.ReceiveMaximum),
		TopicAliasMaximum:     orNone(l.TopicAliasMaximum),
		ServerKeepAlive:       uint16(orZero(l.KeepAlive) / time.Second),
		MaximumSessionExpiry:  orNone(expiry),
		MaximumConnections:    orZero(l.MaximumConnections), MaximumSessions: orZero(l.MaximumSessions),
		MaximumUserSessions: orZero(l.MaximumUserSessions), MaximumSubscriptions: orZero(l.MaximumSubscriptions),
		MaximumFilters: orZero(l.MaximumFilters), MaximumOverlap: orZero(l.MaximumOverlap),
		MaximumQueued: orZero(l.MaximumQueued), MaximumRetained: orZero(l.MaximumRetained),
		ClientMemory: int(orZero(l.ClientMemory)), UserMemory: int(orZero(l.UserMemory)), TotalMemory: int(orZero(l.TotalMemory)),
	}
}
