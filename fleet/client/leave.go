package client

import (
	"context"
	"time"

	"homefleet/fleet/wire"
)

// Leave is EndBy for a session that is no part of the fleet from now on: it is counted no
// more, and the broker is to keep nothing of it. It is false when the session was told so
// before, or has ended with the fleet.
func (s *Session) Leave(until time.Time) bool {
	if !s.removed.CompareAndSwap(false, true) {
		return false
	}
	if s.inbox.hasten(func() {
		if !s.stopping {
			s.stopping, s.leaving = true, true
			s.profile.Cohort.leave(&s.standing, false)
		}
	}, until) {
		return true
	}
	if s.cause == nil {
		return false
	}
	s.profile.Cohort.leave(&s.standing, true) // it had given up, and there is nobody else who could
	return true
}

// longestLeave bounds the connection of a session that has the broker forget it.
const longestLeave = 3 * time.Second

// vanish has the broker forget the session of one that is removed while it is offline, or
// cannot say so in a DISCONNECT: it connects once more, with a session that replaces the
// other and ends with the connection (3.1.2-4, 3.1.2.11.2). Where there is no network, or no
// broker, the session stays until it expires.
func (s *Session) vanish(ctx context.Context) {
	if !s.leaving || !s.resume || !s.hasNetwork() || ctx.Err() != nil {
		return
	}
	s.resume, s.away, s.vanishing = false, false, true
	if s.obstacles != nil {
		s.obstacles.links = nil
	}
	if s.connect(ctx) == nil {
		s.hangUp(s.serveToEnd())
	} // why it could not is nobody's concern any more
}

// asVanishing makes a CONNECT the last one.
func (s *Session) asVanishing(p *wire.Connect) {
	if s.vanishing {
		p.Will, p.SessionExpiry = nil, 0
	}
}
