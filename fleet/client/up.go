package client

// A session is online while its subscriptions are in force and packets get through: one
// that is silent, or has no network, is not, though its connection stands.

// IsUp reports whether the session is online. It may be called from any goroutine, and be a
// moment late.
func (s *Session) IsUp() bool { return s.up.Load() }

// setUp has its cohort count the session as online, or as offline.
func (s *Session) setUp(is bool) {
	switch {
	case is == s.up.Load():
		return
	case is:
		s.profile.Cohort.online(&s.standing, s.name)
	default:
		s.profile.Cohort.offline(s.name)
	}
	s.up.Store(is)
}

// isolated notes that the network of the present connection is gone, or back.
func (s *Session) isolated(why string) {
	l := s.link
	if !l.online || l.stuck {
		return
	}
	s.setUp(!l.noNetwork)
	if h, ok := s.handler.(Isolated); ok {
		h.Isolated(l.noNetwork, why)
	}
}
