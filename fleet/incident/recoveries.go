package incident

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// Recoveries are those under way, and the results of those that are complete. Their
// memory is bounded: a run of a day keeps no more than one of an hour. The zero value is
// empty; it may be used from any goroutine. Moments are on the clock of the run.
type Recoveries struct {
	mu   sync.Mutex
	open []*Recovery // in the order in which they began
	done []metrics.Recovery
	more metrics.RecoverySums // of results that are not kept
}

const (
	// mostRecoveries bounds the results that are kept: when there are more, those of
	// which everybody was back soonest live on in the sums.
	mostRecoveries = 500
	// mostHistograms bounds those whose reconnect histogram is kept, and drawn: the
	// gravest, too.
	mostHistograms = 24
	// mostOpen bounds those under way. If devices do not come back for that many, what
	// is known of the first by then is its result.
	mostOpen = 500
)

// Add begins one now.
func (r *Recoveries) Add(rec *Recovery, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold(now)
	if len(r.open) >= mostOpen && r.open[0].overAll(now) {
		r.keep(r.open[0].result())
		r.open = slices.Delete(r.open, 0, 1)
	}
	r.open = append(r.open, rec)
}

// fold turns what is complete by now into results. The caller holds the lock.
func (r *Recoveries) fold(now time.Duration) {
	r.open = slices.DeleteFunc(r.open, func(rec *Recovery) bool {
		if !rec.overBy(now) || !rec.complete() {
			return false
		}
		r.keep(rec.result())
		return true
	})
}

func (r *Recoveries) keep(one metrics.Recovery) {
	if one.Affected == 0 {
		return
	}
	r.done = append(r.done, one)
	if drawn := r.mildest(true); drawn.count > mostHistograms {
		r.done[drawn.at].Reconnects = nil
	}
	if len(r.done) > mostRecoveries {
		at := r.mildest(false).at
		r.more.Add(&r.done[at])
		r.done = slices.Delete(r.done, at, at+1)
	}
}

// mildest finds the result of which everybody was back soonest, the first of equals,
// and how many there are: of all, or of those that have a reconnect histogram.
func (r *Recoveries) mildest(drawn bool) (found struct{ at, count int }) {
	took := func(one *metrics.Recovery) metrics.Span {
		if one.Online.All == nil {
			return math.MaxInt64
		}
		return *one.Online.All
	}
	for i := range r.done {
		if drawn && r.done[i].Reconnects == nil {
			continue
		}
		if found.count++; found.count == 1 || took(&r.done[i]) < took(&r.done[found.at]) {
			found.at = i
		}
	}
	return found
}

// All returns the results in the order in which the incidents happened, with moments
// counted from zero, and the sums of those that are not kept, nil if there are none.
// Those that are not over by now are left out.
func (r *Recoveries) All(zero, now time.Duration) ([]metrics.Recovery, *metrics.RecoverySums) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold(now)
	all := slices.Clone(r.done)
	for _, rec := range r.open {
		if !rec.overBy(now) {
			continue
		}
		if one := rec.result(); one.Affected > 0 {
			all = append(all, one)
		}
	}
	for i := range all {
		all[i].At -= metrics.Span(zero)
		all[i].To -= metrics.Span(zero)
	}
	slices.SortStableFunc(all, func(a, b metrics.Recovery) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Incident, b.Incident), strings.Compare(a.Group, b.Group))
	})
	if r.more.Count == 0 {
		return all, nil
	}
	return all, new(r.more)
}

// leaveOut forgets those that are not over by now, because they never will be.
func (r *Recoveries) leaveOut(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = slices.DeleteFunc(r.open, func(rec *Recovery) bool { return !rec.overAll(now) })
}

// Unask has nobody waited for to answer, because nobody asks any more.
func (r *Recoveries) Unask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.open {
		rec.mu.Lock()
		rec.unasked = true
		rec.mu.Unlock()
	}
}

// Waiting reports whether devices are still on their way back from an incident that is
// over by now.
func (r *Recoveries) Waiting(now time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold(now)
	return slices.ContainsFunc(r.open, func(rec *Recovery) bool { return rec.overBy(now) })
}
