package client

import (
	"time"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// What a handler may ask its session, on the session's goroutine alone.

// Live reports whether the handler can publish: a session that is stuck is connected
// still, but neither reads nor writes.
func (s *Session) Live() bool { return s.link != nil && s.link.online && !s.link.stuck }

// IsOnline reports whether the subscriptions are in force, stuck or not.
func (s *Session) IsOnline() bool { return s.link != nil && s.link.online }

// HasConnection reports whether there is a connection, however far it has come.
func (s *Session) HasConnection() bool { return s.link != nil }

// HasNoNetwork reports whether there is a connection, but nothing gets through.
func (s *Session) HasNoNetwork() bool { return s.link != nil && s.link.noNetwork }

// Limits are those of the present connection. There must be one; before its
// CONNACK they are what the standard assumes.
func (s *Session) Limits() *Limits { return &s.link.limits }

// ConnectionNumber is that of the present connection, or of the last; 0 where there was none,
// or where they are not observed.
func (s *Session) ConnectionNumber() uint32 {
	switch {
	case s.link != nil:
		return s.link.number
	case s.observation.Numbers != nil:
		return s.observation.Numbers.Load()
	}
	return 0
}

// Resumed reports whether the broker still had the session.
func (s *Session) Resumed() bool { return s.link.present }

// CleanStarted reports whether the CONNECT had Clean Start 1.
func (s *Session) CleanStarted() bool { return s.link.clean }

// OnlineSince is when the subscriptions came into force.
func (s *Session) OnlineSince() time.Time { return s.link.up }

// ReadAt is when what is being handled was read, or what came last; only for a timed
// cohort.
func (s *Session) ReadAt() time.Time { return s.link.arrived }

// Granted is the lowest QoS of the subscriptions, and whether none was refused.
func (s *Session) Granted() (qos byte, all bool) { return s.link.granted, !s.link.unheard }

// AssuredQoS is the lowest QoS of the subscriptions that the handler needs.
func (s *Session) AssuredQoS() byte { return s.link.assured }

// AwaitsPingresp reports whether a PINGREQ is not answered yet.
func (s *Session) AwaitsPingresp() bool { return !s.link.pongBy.IsZero() }

// SlowDown has the session read nothing for so long, as a slow consumer does.
func (s *Session) SlowDown(d time.Duration) {
	s.link.dawdle += d
	s.Provoke()
}

// HasRoom reports whether a message of a QoS, as far as the broker allows that, may
// leave at once: Receive Maximum is not met (4.9).
func (s *Session) HasRoom(qos byte) bool {
	lim := &s.link.limits
	return min(qos, lim.MaximumQoS) == 0 || s.out.flying < lim.ReceiveMaximum
}

// Unacknowledged is how many messages of QoS 1 and 2 wait for an acknowledgement, or to
// be sent.
func (s *Session) Unacknowledged() int { return len(s.out.messages) }

// TakesAtOnce reports whether a message of QoS 1 or 2 would leave at once.
func (s *Session) TakesAtOnce(p *wire.Publish) bool {
	return s.out.flying < s.link.limits.ReceiveMaximum && s.out.takes(wire.PublishSize(p, s.version()))
}

// PublishSize is how long the packet of a message is.
func (s *Session) PublishSize(p *wire.Publish) int { return wire.PublishSize(p, s.version()) }

// Departure is what a handler learns as its connection has ended.
type Departure struct {
	Err           error       // why
	Way           OfflineMode // in which it went, if it was told to; else ""
	Number        uint32
	Orderly       bool          // with a DISCONNECT 0x00
	Quiet         time.Time     // the broker has heard nothing since; zero: up to the end
	Grace         time.Duration // Keep Alive
	SessionExpiry time.Duration
}

// Departure returns what is known of the present connection, which has ended.
func (s *Session) departure(err error) Departure {
	l := s.link
	d := Departure{Err: err, Number: l.number, Orderly: l.ending == EndingOrderly, Grace: l.grace, SessionExpiry: l.limits.SessionExpiry}
	if s.away {
		d.Way = s.mode
	}
	if l.silent {
		d.Quiet = s.env.Clock.Epoch.Add(l.quiet)
	}
	return d
}

// Name is what errors and logs call the handler. It may be called from any goroutine.
func (s *Session) Name() string { return s.name }

// ClientID is the present one: the broker may have assigned it.
func (s *Session) ClientID() string { return s.clientID }

// Stream is the number of its random choices. It may be called from any goroutine.
func (s *Session) Stream() int { return s.stream }

// Labels are those of what is recorded of the session.
func (s *Session) Labels() metrics.Labels { return s.profile.Labels }

// IsEnding reports whether the session has been told to go for good.
func (s *Session) IsEnding() bool { return s.stopping }

// WasOnline reports whether the session has been online at least once.
func (s *Session) WasOnline() bool { return s.wasUp }

// Cause is why the session ended for good; nil if it did not, or was told to. It may
// be called from any goroutine once the channel of Gone is closed.
func (s *Session) Cause() error { return s.cause }

// Observed reports whether anybody observes the session. It may be called from any
// goroutine.
func (s *Session) Observed() bool { return s.observation.Observer != nil }

// Duplicate returns the setup of another client with the present client id. Name,
// stream and observer are still to be filled in.
func (s *Session) Duplicate() Setup {
	c := Setup{ClientID: s.clientID, Generation: s.generation, Resume: true, Apart: true}
	c.Observation.Numbers = s.observation.Numbers
	return c
}

// What others may ask of a session, from any goroutine.

// Tell has the session's goroutine do something, in its turn. It is false when that
// goroutine has ended.
func (s *Session) Tell(do func()) bool { return s.inbox.put(do) }

// Gone returns a channel that is closed when the session's goroutine has ended.
func (s *Session) Gone() <-chan struct{} { return s.inbox.gone() }

// EndBy has the session go in an orderly way and end. A Write does not hold that up for
// longer than until.
func (s *Session) EndBy(until time.Time) { _ = s.inbox.hasten(func() { s.stopping = true }, until) }

// IsRemoved reports whether the session is no part of the fleet any more. It may be called
// from any goroutine.
func (s *Session) IsRemoved() bool { return s.removed.Load() }

// EndSoon is EndBy for a session whose Writes may take their time.
func (s *Session) EndSoon() { s.inbox.put(func() { s.stopping = true }) }

// NeverRun says that Run will not be called.
func (s *Session) NeverRun() { s.inbox.close() }
