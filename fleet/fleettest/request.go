package fleettest

import (
	"context"
	"time"

	"homefleet/fleet/requester"
)

// Answer is what came back for a request.
type Answer struct {
	Topic       string
	Payload     []byte
	ContentType string
	QoS         byte
	Retain      bool
	User        []Property // User Properties, in order
	Took        time.Duration
}

// Property is a User Property.
type Property struct{ Key, Value string }

// ErrorAnswer is an answer with a User Property "error".
type ErrorAnswer struct{ Text string }

func (e *ErrorAnswer) Error() string { return "the device answered with an error: " + e.Text }

// Request sends a request to any topic and waits for one answer. The error is
// an [*ErrorAnswer] when the device answered with one.
func (f *Fleet) Request(topic, payload string) (Answer, error) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.t.Context()), f.setup.patience)
	defer cancel()
	got, err := f.phone.Request(ctx, topic, []byte(payload), 1)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Topic: got.Topic, Payload: got.Payload, ContentType: got.ContentType, QoS: got.QoS, Retain: got.Retain, Took: got.Took}
	for _, u := range got.User {
		a.User = append(a.User, Property(u))
	}
	if text, bad := got.Fault(); bad {
		return a, &ErrorAnswer{text}
	}
	return a, nil
}

// newPhone makes the requester of a test.
func (f *Fleet) newPhone() *requester.Phone {
	return requester.NewPhone(requester.PhoneConfig{
		Name: "fleettest", Dial: f.dial, Patience: f.setup.patience,
		Login: func() (string, []byte, error) { return f.setup.username, f.setup.password, nil },
	})
}
