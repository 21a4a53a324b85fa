package conformance

import (
	"slices"
	"strings"
)

// Statement is one thing that the standard says and that a client can see.
type Statement struct {
	Clause string // of MQTT 5.0, or with "3.1.1: " in front, of that
	Title  string
	Group  Group
	Does   string // what the check does, a sentence
	Wants  string // what has to come of it, a sentence
	Slow   bool   // takes longer than all others together

	needs   need
	proves  feature
	check   func(r *run)
	control func(r *run) // nil: that of its group
	proof   string       // what its control is, a sentence; "": the same without its fault
}

// Name is what no other statement is called.
func (s *Statement) Name() string { return s.Clause + " " + s.Title }

// Old reports whether the statement is about version 3.1.1 (or 3.1), not 5.0.
func (s *Statement) Old() bool {
	return strings.HasPrefix(s.Clause, "3.1.1: ") || strings.HasPrefix(s.Clause, "3.1: ")
}

// Needs says which set-up of the broker the statement is about; "" is any.
func (s *Statement) Needs() string { return s.needs.String() }

// Group is what a statement is about.
type Group string

// The groups, in the order in which they are shown.
const (
	Format    Group = "format"
	Connect   Group = "connect"
	Session   Group = "session"
	Publish   Group = "publish"
	QoS       Group = "qos"
	Flow      Group = "flow"
	Subscribe Group = "subscribe"
	Shared    Group = "shared"
	Retained  Group = "retained"
	Expiry    Group = "expiry"
	Alias     Group = "alias"
	Wills     Group = "wills"
	Requests  Group = "request-response"
	Limits    Group = "limits"
	Old       Group = "3.1.1"
)

// Groups lists the groups in the order in which they are shown.
func Groups() []Group {
	return []Group{Format, Connect, Session, Publish, QoS, Flow, Subscribe, Shared, Retained, Expiry, Alias, Wills, Requests, Limits, Old}
}

// Statements returns all statements, those of a group together.
func Statements() []Statement {
	var all []Statement
	for _, part := range []struct {
		group      Group
		statements []Statement
	}{
		{Format, formatStatements}, {Format, firstStatements}, {Connect, connectStatements}, {Session, sessionStatements}, {Publish, publishStatements},
		{QoS, qosStatements}, {Flow, flowStatements}, {Subscribe, subscribeStatements}, {Shared, sharedStatements}, {Retained, retainedStatements},
		{Expiry, expiryStatements}, {Alias, aliasStatements}, {Wills, willStatements}, {Requests, requestStatements}, {Limits, limitStatements},
		{Old, oldFormatStatements}, {Old, oldStatements}, {Old, versionStatements},
	} {
		for _, s := range part.statements {
			s.Group = part.group
			all = append(all, s)
		}
	}
	return all
}

// Select returns the statements that a word of --only stands for: a group, a
// clause, all clauses beneath one ("3.1.2" is "3.1.2-4" too), or a part of a title.
func Select(all []Statement, word string) []Statement {
	word = strings.ToLower(strings.TrimSpace(word))
	var exact, titled []Statement
	for _, s := range all {
		clause := strings.ToLower(s.Clause)
		under := strings.HasPrefix(clause, word) && len(clause) > len(word) && strings.ContainsRune("-.", rune(clause[len(word)]))
		switch {
		case string(s.Group) == word, clause == word, under, strings.ToLower(s.Name()) == word:
			exact = append(exact, s)
		case word != "" && strings.Contains(strings.ToLower(s.Title), word):
			titled = append(titled, s)
		}
	}
	if exact != nil {
		return exact
	}
	return titled
}

// Clauses lists the clauses that there are, each once.
func Clauses(all []Statement) []string {
	var out []string
	for _, s := range all {
		if !slices.Contains(out, s.Clause) {
			out = append(out, s.Clause)
		}
	}
	return out
}

// feature is something that checks of other things rest upon: who waits for a Will
// has subscribed for it. The lowest are the most basic.
type feature uint32

const (
	ping       feature = 1 << iota // PINGREQ is answered
	subscribed                     // a subscription works from the SUBACK on
	received                       // a message comes, and once
	ordered                        // in the order in which it was sent
	qos1
	qos2
	resumed
	unsubscribed
	retaining
	sharing
	identified // Subscription Identifiers
	willed
)

// need is a set-up of the broker that a statement is about. Its CONNACK tells
// most of them.
type need byte

const (
	anyBroker need = iota
	lowQoS
	noRetain
	serverKeepAlive
	noWildcards
	noIdentifiers
	noShared
	noAliases
	users
	forbidden
	responseInformation
	otherUser
	bridged
)

var needNames = [...]string{
	"", "a Maximum QoS of 1", "Retain Available 0", "a Server Keep Alive of at most 3 s", "Wildcard Subscription Available 0",
	"Subscription Identifier Available 0", "Shared Subscription Available 0", "a server that takes no Topic Aliases",
	"a user name and password, without which the server lets nobody in", "a topic that the user is forbidden (--forbidden-topic)",
	"Response Information", "a second user, who is given Response Information, too (--other-username)",
	"a second broker that it is bridged to (--bridged-to)",
}

func (n need) String() string { return needNames[n] }
