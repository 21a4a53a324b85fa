package fleet

import (
	"slices"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// mostInterventions bounds those that a result lists.
const mostInterventions = 10_000

// interventions are what somebody did to the run while it ran.
type interventions struct {
	mu    sync.Mutex
	given int // numbers
	noted []metrics.Intervention
	more  int
}

// Intervene gives out the number of an intervention: the first is 1. It may be called
// from any goroutine.
func (f *Fleet) Intervene() int {
	i := &f.intervened
	i.mu.Lock()
	defer i.mu.Unlock()
	i.given++
	return i.given
}

// NoteIntervention enters one with its number, as of now. Its moment is filled in; those
// beyond 10,000 are only counted. It may be called from any goroutine.
func (f *Fleet) NoteIntervention(in metrics.Intervention) {
	in.At = metrics.Span(f.now())
	i := &f.intervened
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.noted) >= mostInterventions {
		i.more++
		return
	}
	i.noted = append(i.noted, in)
}

// Interventions returns how many there were.
func (f *Fleet) Interventions() int {
	i := &f.intervened
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.noted) + i.more
}

// InterventionList returns them in the order of their numbers, with their moments counted
// from the start of measuring or, where there is none, of the run; and how many more there
// were. It may be called from any goroutine.
func (f *Fleet) InterventionList() ([]metrics.Intervention, int) {
	zero := metrics.Span(f.zeroOffset())
	i := &f.intervened
	i.mu.Lock()
	defer i.mu.Unlock()
	all := slices.Clone(i.noted)
	for k := range all {
		all[k].At -= zero
	}
	slices.SortStableFunc(all, func(a, b metrics.Intervention) int { return a.N - b.N })
	return all, i.more
}

// Offset is a moment on the clock of results: from the start of measuring or, where there
// is none, of the run.
func (f *Fleet) Offset(at time.Time) time.Duration { return at.Sub(f.clock.Epoch) - f.zeroOffset() }

// WatchersUp reports whether all who are to watch the devices do: watchers and the auditor.
func (f *Fleet) WatchersUp() bool {
	watchers := f.watchers.Presence()
	return watchers.Settled >= watchers.Devices && (f.auditor == nil || f.auditors.Presence().Settled > 0)
}

// OwnsBroker reports whether incidents can take the broker away.
func (f *Fleet) OwnsBroker() bool { return f.embedded }

// Audited reports whether Will Messages are audited.
func (f *Fleet) Audited() bool { return f.audit != nil }
