package incident

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// Losses notes when connections were lost, in bounded memory, on the clock of the run. It
// may be used from any goroutine; the zero value has none.
type Losses struct {
	mu   sync.Mutex
	seen []loss
}

// loss is a time in which connections were lost one after the other.
type loss struct {
	from, to time.Duration
	count    int
}

const (
	lossGap    = 2 * time.Second // what lies closer together is one loss
	mostLosses = 200
)

// Add notes one.
func (l *Losses) Add(at time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.seen); n > 0 && (at-l.seen[n-1].to < lossGap || n == mostLosses) {
		last := &l.seen[n-1]
		last.to = max(last.to, at)
		last.count++
		return
	}
	l.seen = append(l.seen, loss{at, at, 1})
}

// Incidents returns them for the time line, which begins at zero.
func (l *Losses) Incidents(zero time.Duration) []metrics.Incident {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []metrics.Incident
	for _, s := range l.seen {
		text := fmt.Sprintf("%d connections lost", s.count)
		if s.count == 1 {
			text = "a connection lost"
		}
		in := metrics.Incident{At: metrics.Span(s.from - zero), Text: text}
		if s.to > s.from {
			in.To = metrics.Span(s.to - zero)
		}
		out = append(out, in)
	}
	slices.SortStableFunc(out, func(a, b metrics.Incident) int { return cmp.Compare(a.At, b.At) })
	return out
}
