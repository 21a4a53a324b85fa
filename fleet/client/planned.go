package client

import "slices"

// What is to keep a session off from a later moment on stands here: ReconnectByHand takes
// it back, so that whoever has planned it asks, at that moment, whether it is still so.

// PlanDisconnect notes that the session is to be disconnected later on.
func (s *Session) PlanDisconnect(by Cause) {
	t := s.obstruct()
	t.planned = append(t.planned, by)
}

// TakePlanned takes what was planned out of the plan. It is false where it is there no more.
func (s *Session) TakePlanned(by Cause) bool {
	i := slices.Index(s.Planned(), by)
	if i < 0 {
		return false
	}
	s.obstacles.planned = slices.Delete(s.obstacles.planned, i, i+1)
	return true
}

// Planned returns what is to keep the session off later on. It is the session's own.
func (s *Session) Planned() []Cause {
	if s.obstacles == nil {
		return nil
	}
	return s.obstacles.planned
}
