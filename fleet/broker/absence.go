package broker

import "time"

// absence is what is due while a client is away, since the broker's start.
type absence struct {
	will      *will // waits for its Will Delay; nil otherwise
	willAt    time.Duration
	expiresAt time.Duration // 0: never
	timer     *time.Timer
}

// arm sets the timer for the next thing that is due while the client is away.
func (s *session) arm(now time.Duration) {
	a := s.absence
	at := a.expiresAt
	if a.will != nil && (at == 0 || a.willAt < at) {
		at = a.willAt
	}
	if at == 0 {
		s.back()
		return
	}
	a.timer = time.AfterFunc(at-now, s.due)
}

// back ends the absence of the client, and returns the Will that waited for its
// delay, if any. The caller holds s.mu.
func (s *session) back() *will {
	a := s.absence
	if a == nil {
		return nil
	}
	s.absence = nil
	if a.timer != nil {
		a.timer.Stop()
	}
	s.b.memory.enter(&s.owner, -costAbsence)
	s.letGo(a.will)
	return a.will
}

// due is called by the timer.
func (s *session) due() {
	b := s.b
	if !b.enter() {
		return
	}
	defer b.leave()
	b.mu.Lock()
	s.mu.Lock()
	a := s.absence
	if s.ended || s.conn != nil || a == nil {
		s.mu.Unlock()
		b.mu.Unlock()
		return
	}
	now := b.now()
	var w *will
	expired := a.expiresAt != 0 && now >= a.expiresAt
	switch {
	case expired:
		w = s.end()
	case a.will != nil && now >= a.willAt:
		w, a.will = a.will, nil
		s.letGo(w)
	}
	if !expired {
		s.arm(now)
	}
	b.keepWill(&s.owner, w)
	s.mu.Unlock()
	b.mu.Unlock()
	if expired {
		s.forget()
	}
	b.publishWill(&s.owner, w)
}
