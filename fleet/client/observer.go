package client

import (
	"errors"
	"sync/atomic"
	"time"

	"homefleet/fleet/faults"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Observer hears of the connections of a session: each fact with the moment, or the
// span of time, in which it happened at the broker. Moments are those of the env's
// clock. The session's goroutine calls all of it; sessions with one client id may share
// an observer, which then must be safe for concurrent use.
type Observer interface {
	// Asked takes a CONNECT: before it is sent, since its Will may come before the
	// session knows that it was taken, and once more when nobody waits for its CONNACK.
	Asked(number uint32, a Attempt)
	// Accepted takes a CONNACK with success.
	Accepted(number uint32, a Acceptance)
	// Reached takes that nothing gets through to the broker from here on, or that it
	// does so again.
	Reached(number uint32, r Reachability)
	// Ended takes the end of a connection that was accepted, also of one that had been
	// left behind half open. The broker may have ended one of which nobody hears here:
	// then it is told twice.
	Ended(number uint32, e End)
}

// Observation is who observes a session, and how its connections are numbered; the
// zero value is that nobody does.
type Observation struct {
	Observer Observer
	Numbers  *atomic.Uint32 // of the connections so far, of all sessions with the client id
}

// Attempt is a CONNECT that was not answered with success so far.
type Attempt struct {
	Asked      time.Duration // when it was sent
	GaveUp     time.Duration // when nobody waited for the answer any more; 0: somebody does
	Generation uint32        // of the client id
	Refused    bool          // by a CONNACK
	CleanStart bool
	HasWill    bool
}

// Acceptance is a CONNACK with success, and what was agreed on.
type Acceptance struct {
	Asked, Answered time.Duration
	Generation      uint32 // of the client id
	CleanStart      bool
	SessionPresent  bool
	HasWill         bool
	WillDelay       time.Duration
	SessionExpiry   time.Duration
	KeepAlive       time.Duration
}

// Reachability says whether packets get through to the broker.
type Reachability struct {
	Silent bool
	At     time.Duration // since when they do again
	Why    string        // they do not: an offline mode, or what has taken the network
	Wrote  time.Duration // then: the last packet was written
	Delays bool          // then: packets are held up on their way,
	Past   time.Duration // ... and what was written after that may have got lost
}

// End is how a connection ended.
type End struct {
	// Why is an offline mode, what had taken the network, or one of the reasons below.
	// "" is that another client has taken the session over.
	Why      string
	Ending   Ending
	From, To time.Duration // the broker saw it in between
	// Confirmed says that the broker had seen it by To, as it closed its side in answer.
	Confirmed bool
	// SessionExpiry is the Session Expiry Interval of the DISCONNECT; nil: it had none.
	SessionExpiry *time.Duration
}

// Reasons of an end that nobody here asked for, and of the one that all have.
const (
	EndLost    = "lost"
	EndClosed  = "closed by the broker"
	EndStopped = metrics.EndOfRun
)

// Ending says how the broker saw a connection end.
type Ending uint8

const (
	EndingOrderly   Ending = iota // DISCONNECT 0x00 (3.1.2-10)
	EndingWithWill                // DISCONNECT with 0x04 or another code (3.14.2.1)
	EndingClosed                  // FIN or RST without a DISCONNECT
	EndingByBroker                // the broker closed it
	EndingTakenOver               // it did so since another connection took the session (3.1.4-3)
	EndingShutdown                // it did so since it goes away
)

// account is what an observer wants to know of a connection. Moments are on the
// clock of the env.
type account struct {
	askedAt   time.Duration  // CONNECT was sent
	heard     time.Duration  // the broker still had the connection then
	pinged    time.Duration  // the PINGREQ was made that is answered next
	wrote     time.Duration  // something was written last
	arrives   time.Duration  // what was written then has reached the broker, as far as is known; only with faults
	endFrom   time.Duration  // the closing began
	quiet     time.Duration  // nothing has reached the broker since, if it is silent
	way       string         // how it was ended, as reports call that
	endsAfter *time.Duration // Session Expiry Interval of the DISCONNECT
}

// observed reports whether the connection is observed; there must be one.
func (s *Session) observed() bool { return s.link.account != nil }

// heardNow notes that something was read. What came by way of faults says nothing of
// when it was sent; an answer tells that the question was taken.
func (s *Session) heardNow() {
	l := s.link
	if l.account == nil {
		return
	}
	if _, slow := l.conn.(*faults.Conn); !slow {
		l.heard = s.env.now()
	}
}

// asks reports that a CONNECT is being sent.
func (s *Session) asks() {
	if s.observed() {
		s.observation.Observer.Asked(s.link.number, s.attempted(0))
	}
}

// attempted is a CONNECT without CONNACK, as far as until.
func (s *Session) attempted(until time.Duration) Attempt {
	l := s.link
	return Attempt{Asked: l.askedAt, GaveUp: until, Generation: s.generation, Refused: l.refused, CleanStart: l.clean, HasWill: l.hasWill}
}

// accepted reports a CONNACK with success.
func (s *Session) accepted(present bool) {
	// The broker has closed those of this session for this one (3.1.4-3).
	s.closeHalfOpen(func(h halfOpen) bool { return !h.noNetwork && h.generation == s.generation })
	if !s.observed() {
		return
	}
	l := s.link
	s.observation.Observer.Accepted(l.number, Acceptance{
		Asked: l.askedAt, Answered: s.env.now(), Generation: s.generation,
		CleanStart: l.clean, SessionPresent: present,
		HasWill: l.hasWill, WillDelay: time.Duration(l.willDelay) * time.Second,
		SessionExpiry: l.limits.SessionExpiry, KeepAlive: l.grace,
	})
}

// wentSilent reports that nothing reaches the broker from here on.
func (s *Session) wentSilent(why string) {
	l := s.link
	if !s.observed() || !l.connected || l.silent {
		return
	}
	l.silent, l.quiet = true, s.env.now()
	l.way = why
	_, slow := l.conn.(*faults.Conn)
	s.observation.Observer.Reached(l.number, Reachability{Silent: true, Why: why, Wrote: l.wrote, Delays: slow, Past: l.arrives})
}

// heardAgain reports that packets reach the broker again.
func (s *Session) heardAgain() {
	l := s.link
	if !s.observed() || !l.silent {
		return
	}
	l.silent = false
	s.observation.Observer.Reached(l.number, Reachability{At: s.env.now()})
}

// closedHalfOpen reports that the socket of a connection is closed that had been left
// behind.
func (s *Session) closedHalfOpen(number uint32) {
	if s.observation.Observer != nil && number > 0 {
		now := s.env.now()
		s.observation.Observer.Ended(number, End{Ending: EndingClosed, From: now, To: now})
	}
}

// BrokerLeft reports that the broker has ended all connections between two moments.
// A session that is silent does not hear of it.
func (s *Session) BrokerLeft(from, to time.Duration) {
	if s.observation.Observer == nil {
		return
	}
	e := End{Why: EndLost, Ending: EndingByBroker, From: from, To: to}
	if l := s.link; l != nil && l.connected && l.askedAt <= to {
		s.observation.Observer.Ended(l.number, e)
	}
	if s.obstacles == nil {
		return
	}
	for _, h := range s.obstacles.halfOpen {
		if h.number > 0 {
			s.observation.Observer.Ended(h.number, e)
		}
	}
}

// ended reports the end of the connection; closing is when the closing began.
// It is called after the socket is closed.
func (s *Session) ended(closing time.Duration, err error) {
	l := s.link
	if !s.observed() {
		return
	}
	now := s.env.now()
	if !l.connected {
		s.observation.Observer.Asked(l.number, s.attempted(now))
		return
	}
	if l.abandoned {
		return // see closedHalfOpen
	}
	way, ending, from := l.way, l.ending, closing
	if l.endFrom > 0 {
		from = l.endFrom
	}
	switch refused, _ := errors.AsType[*RefusedError](err); {
	case refused != nil && refused.Packet == "DISCONNECT":
		way, ending, from = orElse(way, EndClosed), byBroker(refused.Code), l.lastAlive()
		if ending == EndingTakenOver {
			way = ""
		}
	case errors.Is(err, ErrAway) || errors.Is(err, ErrStopping):
		if l.overtaken {
			from = l.lastAlive()
		}
		if s.away {
			way = orElse(way, string(s.mode))
		} else {
			way = orElse(way, EndStopped)
		}
	case errors.Is(err, errForgotten):
		way = orElse(way, EndLost)
	default: // by whom is not known
		way, ending, from = orElse(way, EndLost), EndingByBroker, l.lastAlive()
	}
	s.observation.Observer.Ended(l.number, End{Why: way, Ending: ending, From: from, To: now, Confirmed: l.confirmed, SessionExpiry: l.endsAfter})
}

// byBroker is how a connection ends with a DISCONNECT of the broker.
func byBroker(code byte) Ending {
	switch code {
	case wire.SessionTakenOver:
		return EndingTakenOver
	case wire.ServerShuttingDown:
		return EndingShutdown
	}
	return EndingByBroker
}

// lastAlive is a moment at which the broker still had the connection for certain:
// what was read last may have lain there for as long as a busy machine did not
// get round to reading it.
func (l *link) lastAlive() time.Duration { return max(l.heard-time.Second, l.askedAt) }

func orElse(way, otherwise string) string {
	if way != "" {
		return way
	}
	return otherwise
}
