package fleet

import (
	"time"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// What a handler may ask its session, on the session's goroutine alone.

// live reports whether the handler can publish: a session that is stuck is connected
// still, but neither reads nor writes.
func (s *session) live() bool { return s.link != nil && s.link.online && !s.link.stuck }

// isOnline reports whether the subscriptions are in force, stuck or not.
func (s *session) isOnline() bool { return s.link != nil && s.link.online }

// hasConnection reports whether there is a connection, however far it has come.
func (s *session) hasConnection() bool { return s.link != nil }

// hasNoNetwork reports whether there is a connection, but nothing gets through.
func (s *session) hasNoNetwork() bool { return s.link != nil && s.link.dark }

// brokerLimits are those of the present connection. There must be one; before its
// CONNACK they are what the standard assumes.
func (s *session) brokerLimits() *limits { return &s.link.limits }

// connectionNumber is that of the present connection; 0 where they are not observed.
func (s *session) connectionNumber() uint32 { return s.link.number }

// resumed reports whether the broker still had the session.
func (s *session) resumed() bool { return s.link.present }

// cleanStarted reports whether the CONNECT had Clean Start 1.
func (s *session) cleanStarted() bool { return s.link.clean }

// onlineSince is when the subscriptions came into force.
func (s *session) onlineSince() time.Time { return s.link.up }

// readAt is when what is being handled was read, or what came last; only for a timed
// cohort.
func (s *session) readAt() time.Time { return s.link.arrived }

// granted is the lowest QoS of the subscriptions, and whether none was refused.
func (s *session) granted() (qos byte, all bool) { return s.link.granted, !s.link.unheard }

// awaitsPingresp reports whether a PINGREQ is not answered yet.
func (s *session) awaitsPingresp() bool { return !s.link.pongBy.IsZero() }

// slowDown has the session read nothing for so long, as a slow consumer does.
func (s *session) slowDown(d time.Duration) { s.link.dawdle += d }

// hasRoom reports whether a message of a QoS, as far as the broker allows that, may
// leave at once: Receive Maximum is not met (4.9).
func (s *session) hasRoom(qos byte) bool {
	lim := &s.link.limits
	return min(qos, lim.maximumQoS) == 0 || s.out.flying < lim.receiveMaximum
}

// unacknowledged is how many messages of QoS 1 and 2 wait for an acknowledgement, or to
// be sent.
func (s *session) unacknowledged() int { return len(s.out.messages) }

// takesAtOnce reports whether a message of QoS 1 or 2 would leave at once.
func (s *session) takesAtOnce(p *wire.Publish) bool {
	return s.out.flying < s.link.limits.receiveMaximum && s.out.takes(wire.PublishSize(p, wire.V5))
}

// departure is what a handler learns as its connection has ended.
type departure struct {
	err           error // why
	number        uint32
	orderly       bool          // with a DISCONNECT 0x00
	quiet         time.Time     // the broker has heard nothing since; zero: up to the end
	grace         time.Duration // Keep Alive
	sessionExpiry time.Duration
}

// departure returns what is known of the present connection, which has ended.
func (s *session) departure(err error) departure {
	l := s.link
	d := departure{err: err, number: l.number, orderly: l.ending == endingOrderly, grace: l.grace, sessionExpiry: l.limits.sessionExpiry}
	if l.silent {
		d.quiet = s.env.clock.epoch.Add(l.quiet)
	}
	return d
}

// Name is what errors and logs call the handler. It may be called from any goroutine.
func (s *session) Name() string { return s.name }

// ClientID is the present one: the broker may have assigned it.
func (s *session) ClientID() string { return s.clientID }

// Stream is the number of its random choices. It may be called from any goroutine.
func (s *session) Stream() int { return s.stream }

// Labels are those of what is recorded of the session.
func (s *session) Labels() metrics.Labels { return s.profile.labels }

// IsEnding reports whether the session has been told to go for good.
func (s *session) IsEnding() bool { return s.stopping }

// WasOnline reports whether the session has been online at least once.
func (s *session) WasOnline() bool { return s.wasUp }

// Cause is why the session ended for good; nil if it did not, or was told to. It may
// be called from any goroutine once the channel of gone is closed.
func (s *session) Cause() error { return s.cause }

// Observed reports whether anybody observes the session. It may be called from any
// goroutine.
func (s *session) Observed() bool { return s.observation.observer != nil }

// duplicate returns the setup of another client with the present client id. Name,
// stream and observer are still to be filled in.
func (s *session) duplicate() setup {
	c := setup{clientID: s.clientID, generation: s.generation, resume: true, apart: true}
	c.observation.numbers = s.observation.numbers
	return c
}

// What others may ask of a session, from any goroutine.

// tell has the session's goroutine do something, in its turn. It is false when that
// goroutine has ended.
func (s *session) tell(do func()) bool { return s.inbox.put(do) }

// gone returns a channel that is closed when the session's goroutine has ended.
func (s *session) gone() <-chan struct{} { return s.inbox.gone() }

// endBy has the session go in an orderly way and end. A Write does not hold that up for
// longer than until.
func (s *session) endBy(until time.Time) { s.inbox.hasten(func() { s.stopping = true }, until) }

// endSoon is endBy for a session whose Writes may take their time.
func (s *session) endSoon() { s.inbox.put(func() { s.stopping = true }) }

// neverRun says that run will not be called.
func (s *session) neverRun() { s.inbox.close() }
