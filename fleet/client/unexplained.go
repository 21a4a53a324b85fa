package client

import (
	"errors"
	"time"

	"homefleet/fleet/wire"
)

// A connection that ends without our will, and a try to connect that comes to nothing, may
// have their reason in what is emulated: an incident, a client that is slow or misbehaves.
// What has none is told of.

// lost counts a connection that ended without our will.
func (s *Session) lost(err error) {
	s.counts().Lost.Add(1)
	if !s.provoked() && !s.tookItself(err) {
		s.counts().LostUnexplained.Add(1)
	}
	if lost := s.profile.Cohort.Lost; lost != nil {
		lost()
	}
}

// connectFailed tells why a connection ended that never came so far as Online. failed is
// that it counts as a try which came to nothing; it has a reason, too, where somebody
// follows how the session comes back from an incident.
func (s *Session) connectFailed(err error, failed bool) {
	if s.vanishing {
		return // nobody misses it
	}
	h, ok := s.handler.(Connecting)
	followed := ok && h.ConnectFailed(err)
	if failed && !followed && !s.provoked() {
		s.counts().FailedUnexplained.Add(1)
	}
}

// provoked reports whether what is emulated gives a reason for the end of a connection, or
// of a try to connect.
func (s *Session) provoked() bool {
	return s.struck() || s.link != nil && s.link.provoked || s.profile.Cohort.Hidden || s.env.Stopped()
}

// struck reports whether an incident gives a reason for it, or did so lately.
func (s *Session) struck() bool {
	away := s.env.BrokerAway
	return s.Obstructed() || s.hasDuplicate() || away != nil && away()
}

// Provoke notes that the session does to its broker what that may end the connection for,
// as the scenario wants it.
func (s *Session) Provoke() { s.link.provoked = true }

// tookItself reports whether a CONNECT of a connection that the session had given up has
// taken this one over.
func (s *Session) tookItself(err error) bool {
	refused, ok := errors.AsType[*RefusedError](err)
	return ok && refused.Code == wire.SessionTakenOver && s.gaveUp()
}

// gaveUp reports whether the session gave a connection up before its CONNACK, so lately
// that its CONNECT may still be on its way.
func (s *Session) gaveUp() bool {
	return s.gaveUpOn > 0 && time.Since(s.env.Clock.Time(s.gaveUpOn)) <= s.env.Timeout
}
