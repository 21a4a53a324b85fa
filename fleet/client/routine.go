package client

import (
	"errors"
	"time"

	"homefleet/fleet/draws"
	"homefleet/fleet/wire"
)

// doDue does what is due by now.
func (s *Session) doDue(now time.Time) error {
	l := s.link
	if IsDue(l.handshake, now) {
		what := "CONNACK"
		if l.connected {
			what = "SUBACK"
		}
		return s.fail("waiting for "+what+" from", errNoAnswer)
	}
	if !l.online {
		l.due = l.handshake
		return nil
	}
	if IsDue(l.pongBy, now) && !l.idling {
		return s.fail("waiting for PINGRESP from", errNoAnswer)
	}
	l.unasked = l.out == nil
	if h, ok := s.handler.(Routine); ok {
		l.next = s.env.Clock.Moment(h.Act(now))
	}
	if l.out == nil && IsDue(s.pingAt(), now) {
		s.Ping(now)
	}
	if l.unasked = l.unasked && l.out != nil; l.out != nil {
		s.spoke(now) // the flush that follows is as good as a ping
	}
	l.due = s.nextDue()
	l.behind = IsDue(l.due, now)
	return nil
}

// Ping asks the broker for a sign of life.
func (s *Session) Ping(now time.Time) {
	l := s.link
	s.counts().Pings.Add(1)
	b := s.buffer()
	*b = append(*b, wire.Pingreq[:]...)
	if l.pongBy.IsZero() {
		l.pongBy, l.asking = now.Add(s.env.Timeout), s.env.Clock.Moment(now)
		if l.account != nil {
			l.pinged = s.env.Clock.At(now)
		}
		l.due = Earlier(l.due, l.pongBy)
	}
}

// breath is what a Read gets where more is due already: one whose deadline is
// over reads nothing at all, and a session that is behind must still read.
const breath = 20 * time.Microsecond

// nextDue finds the earliest of all that is to be done.
func (s *Session) nextDue() time.Time {
	l := s.link
	pong := l.pongBy
	if l.idling {
		pong = time.Time{}
	}
	ping := s.pingAt()
	if l.keepAlive >= Unhurried {
		ping = s.env.Clock.OnBeat(ping)
	}
	return Earlier(Earlier(ping, pong), s.env.Clock.Time(l.next))
}

// Wake has the handler act at a time, or earlier; zero is never. It is called on the
// session's goroutine, and does nothing while the session is not online: Online says
// when it is.
func (s *Session) Wake(at time.Time) {
	if l := s.link; l != nil && l.online {
		l.next = s.env.Clock.Moment(Earlier(s.env.Clock.Time(l.next), at))
		l.due = Earlier(l.due, at)
	}
}

// spoke notes that something is written now, so that a PINGREQ is due a Keep Alive
// later (3.1.2-20). After what others may have made many sessions say at once it is
// due sooner, by a part of half of that which is each session's own: a fleet that
// came up together, or was commanded together, is not to ping together then and ever
// after.
func (s *Session) spoke(now time.Time) {
	l := s.link
	if l.keepAlive <= 0 || !l.online {
		return
	}
	l.sooner = 0
	if !l.unasked {
		phase := draws.Chance(s.env.Seed, s.stream, draws.KeepAlive, 0)
		l.sooner = time.Duration(phase * float64(l.keepAlive/2))
	}
	l.pingDue = now.Add(l.keepAlive - l.sooner)
}

// heardWhileAsking gives a PINGRESP more time because something came: it cannot
// overtake what was on its way before it, and a slow link takes long for that
// (3.1.2.10). A broker that goes on sending whole packets, but never that one, is
// given up after ten times the time-out.
func (s *Session) heardWhileAsking(now time.Time) {
	l, timeout := s.link, s.env.Timeout
	if l.framer.Partial() > 0 || now.Sub(s.env.Clock.Time(l.asking)) < 10*timeout {
		l.pongBy = now.Add(timeout)
	}
}

// pingAt returns when a PINGREQ is due; zero is never. One that telemetry makes
// needless is put off: telemetry that comes as often as the Keep Alive asks for a
// packet would else nearly always have one just ahead of it.
func (s *Session) pingAt() time.Time {
	l := s.link
	h, ok := s.handler.(Speaks)
	if !ok || l.pingDue.IsZero() {
		return l.pingDue
	}
	at := h.Speaks()
	if !at.After(l.pingDue) {
		return l.pingDue
	}
	if over := l.pingDue.Add(l.sooner + l.grace - l.keepAlive); at.After(over.Add(-lastMoment)) {
		return l.pingDue
	}
	return at.Add(2 * beat) // should it not come after all
}

// lastMoment is how long before the Keep Alive is over (3.1.2-20) nothing is put
// off any more.
const lastMoment = time.Second

// errNoAnswer is a time-out in words; it counts as one.
var errNoAnswer = noAnswer{errors.New("no answer in time")}

type noAnswer struct{ error }

func (noAnswer) Timeout() bool   { return true }
func (noAnswer) Temporary() bool { return true }

// IsDue reports whether a time has come; zero never does.
func IsDue(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// Earlier returns the earlier of two times, where zero is never.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
