package fleet

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/audit"
	"homefleet/fleet/faults"
	"homefleet/fleet/wire"
)

// What devices tell the audit about their connections stands here: each fact
// with the moment, or the span of time, in which it happened at the broker.

// now is a moment as the audit counts it.
func (f *Fleet) now() time.Duration { return time.Since(f.epoch) }

// audited reports whether the session's outages are judged.
func (s *session) audited() bool { return s.fleet.audit != nil && s.numbers != nil }

// subject is the number of the device that the session is, or plays.
func (s *session) subject() int { return s.number &^ rivalNumbers }

// asked reports that a CONNECT is being sent: its Will may come before the device
// knows that it was taken.
func (s *session) asked() {
	if s.audited() {
		s.fleet.audit.Unanswered(s.subject(), s.link.number, s.attempted(audit.Forever))
	}
}

// attempted is a CONNECT without CONNACK, as far as until.
func (s *session) attempted(until time.Duration) audit.Attempt {
	l := s.link
	a := audit.Attempt{Asked: l.askedAt, GaveUp: until, Session: s.renames, Refused: l.refused, CleanStart: l.clean}
	if w, ok := s.actor.(willed); ok {
		a.HasWill, _ = w.willTerms()
	}
	return a
}

// accepted reports a CONNACK with success.
func (s *session) accepted(ack *packets.Connack) {
	// The broker has closed those of this session for this one (3.1.4-3).
	s.bury(func(g ghost) bool { return !g.darkly && g.session == s.renames })
	if !s.audited() {
		return
	}
	l := s.link
	c := audit.Connection{
		Asked: l.askedAt, Answered: s.fleet.now(), Session: s.renames,
		CleanStart: l.clean, SessionPresent: ack.SessionPresent,
		SessionExpiry: l.limits.sessionExpiry,
	}
	if w, ok := s.actor.(willed); ok {
		c.HasWill, c.WillDelay = w.willTerms()
	}
	c.KeepAlive, c.Other = l.grace, s.isRival()
	s.fleet.audit.Connected(s.subject(), l.number, c)
}

// wentSilent reports that nothing reaches the broker from here on.
func (s *session) wentSilent(way string) {
	l := s.link
	if !s.audited() || !l.connected || l.silent {
		return
	}
	l.silent, l.quiet = true, time.Now()
	l.way = way
	s.fleet.audit.Silent(s.subject(), l.number, way, l.wrote)
	if _, slow := l.conn.(*faults.Conn); slow {
		s.fleet.audit.Lost(s.subject(), l.number, l.arrives)
	}
}

// heardAgain reports that packets reach the broker again.
func (s *session) heardAgain() {
	l := s.link
	if !s.audited() || !l.silent {
		return
	}
	l.silent = false
	s.fleet.audit.Audible(s.subject(), l.number, s.fleet.now())
}

// closedGhost reports that the socket of a connection is closed that had been
// left behind.
func (s *session) closedGhost(number uint32) {
	if s.audited() && number > 0 {
		now := s.fleet.now()
		s.fleet.audit.Ended(s.subject(), number, audit.End{How: audit.Closed, From: now, To: now})
	}
}

// lostBroker reports that the broker has ended all connections between two
// moments. A device that is silent does not hear of it.
func (s *session) lostBroker(from, to time.Duration) {
	if !s.audited() {
		return
	}
	end := audit.End{Way: "lost", How: audit.ByBroker, From: from, To: to}
	if l := s.link; l != nil && l.connected && l.askedAt <= to {
		s.fleet.audit.Ended(s.subject(), l.number, end)
	}
	if s.trouble == nil {
		return
	}
	for _, g := range s.trouble.ghosts {
		if g.number > 0 {
			s.fleet.audit.Ended(s.subject(), g.number, end)
		}
	}
}

// ended reports the end of the connection; closing is when the closing began.
// It is called after the socket is closed.
func (s *session) ended(closing time.Duration, err error) {
	l := s.link
	if !s.audited() {
		return
	}
	now := s.fleet.now()
	if !l.connected {
		s.fleet.audit.Unanswered(s.subject(), l.number, s.attempted(now))
		return
	}
	if l.haunts {
		return // see closedGhost
	}
	way, ending, from := l.way, l.ending, closing
	if l.endFrom > 0 {
		from = l.endFrom
	}
	switch refused, _ := errors.AsType[*RefusedError](err); {
	case refused != nil && refused.Packet == "DISCONNECT":
		way, ending, from = orWay(way, "closed by the broker"), byBroker(refused.Code), l.lastAlive()
		if ending == audit.TakenOver {
			way = audit.WayTakenOver
		}
	case errors.Is(err, errAway) || errors.Is(err, errStopping):
		if l.overtaken {
			from = l.lastAlive()
		}
		if s.away {
			way = orWay(way, string(s.way))
		} else {
			way = orWay(way, endOfRun)
		}
	case errors.Is(err, errForgotten):
		way = orWay(way, "lost")
	default: // by whom is not known
		way, ending, from = orWay(way, "lost"), audit.ByBroker, l.lastAlive()
	}
	s.fleet.audit.Ended(s.subject(), l.number, audit.End{Way: way, How: ending, From: from, To: now,
		Confirmed: l.confirmed, Unsure: ending == audit.Orderly && !l.confirmed, SessionExpiry: l.parting})
}

// byBroker is how a connection ends with a DISCONNECT of the broker.
func byBroker(code byte) audit.Ending {
	switch code {
	case wire.SessionTakenOver:
		return audit.TakenOver
	case wire.ServerShuttingDown:
		return audit.Shutdown
	}
	return audit.ByBroker
}

// lastAlive is a moment at which the broker still had the connection for certain:
// what was read last may have lain there for as long as a busy machine did not
// get round to reading it.
func (l *link) lastAlive() time.Duration { return max(l.heard-time.Second, l.askedAt) }

// endOfRun is how reports call the outage that ends a device's part in a run.
const endOfRun = "end of the run"

func orWay(way, otherwise string) string {
	if way != "" {
		return way
	}
	return otherwise
}

// connectionKey names the User Property of a Will Message that says of which
// connection of which device it is: "run-1/12.3" is the third of device 12 in the
// run "run-1". Wills have it only where they are audited.
const connectionKey = "homefleet-connection"

// appendConnection appends the User Property to a Will's.
func (s *session) appendConnection(user []byte, number uint32) []byte {
	value := s.fleet.run + "/" + strconv.Itoa(s.subject()) + "." + strconv.FormatUint(uint64(number), 10)
	return wire.AppendUserProperty(user, connectionKey, value)
}

// connectionOf reads it; run is "" when there is none, or not such a one.
func connectionOf(p *wire.Publish) (device int, number uint32, run string) {
	if p.Props.User == nil {
		return 0, 0, ""
	}
	for k, v := range p.Props.UserProperties() {
		if k != connectionKey {
			continue
		}
		slash := strings.LastIndexByte(v, '/')
		d, n, found := strings.Cut(v[slash+1:], ".")
		device, err := strconv.Atoi(d)
		if slash < 1 || !found || err != nil || device < 0 {
			return 0, 0, ""
		}
		n64, err := strconv.ParseUint(n, 10, 32)
		if err != nil || n64 == 0 {
			return 0, 0, ""
		}
		return device, uint32(n64), v[:slash]
	}
	return 0, 0, ""
}
