package conformance

import (
	"sync"
	"time"
)

// A machine that is busy lets no goroutine run for a while: what was due then comes late, and
// what must come within a time seems not to. No broker is accused of what may be that.
const (
	beat = 50 * time.Millisecond // how often it is looked whether this process goes on
	late = time.Second           // this much too late, and it stood still
)

// stalls knows when this process stood still. The zero value knows of none.
type stalls struct {
	mu   sync.Mutex
	last time.Time
	list []stall
}

type stall struct {
	at   time.Time // when it went on
	took time.Duration
}

// mostStalls are remembered, the latest.
const mostStalls = 1000

// watch looks until the function that it returns is called, which waits for the end of it.
func (s *stalls) watch() (stop func()) {
	done := make(chan struct{})
	var looking sync.WaitGroup
	s.look(time.Now())
	looking.Go(func() {
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				s.look(time.Now())
			}
		}
	})
	return func() {
		close(done)
		looking.Wait()
	}
}

// look notes that this process goes on.
func (s *stalls) look(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := now.Sub(s.last); !s.last.IsZero() && d > beat+late {
		if len(s.list) == mostStalls {
			s.list = append(s.list[:0], s.list[1:]...)
		}
		s.list = append(s.list, stall{now, d - beat})
	}
	s.last = now
}

// since returns the longest that ended after a moment, or goes on; 0: there was none.
func (s *stalls) since(at time.Time) (longest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := time.Since(s.last); !s.last.IsZero() && d > beat+late {
		longest = d - beat
	}
	for i := len(s.list) - 1; i >= 0 && s.list[i].at.After(at); i-- {
		longest = max(longest, s.list[i].took)
	}
	return longest
}
