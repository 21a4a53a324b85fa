package fleet

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/fleet/metrics"
)

// happenings is what happens to the devices, as it is told.
type happenings struct {
	bulletins  bulletins
	recoveries recoveries
	losses     losses
	strikes    atomic.Int64 // incidents that somebody called for
	orders     chan func(*weather)
	outage     Outage // of the embedded broker; nil: it is not ours to take away
}

// bulletins are the incidents that happened, for the time line, on the fleet's
// clock: the start of measuring may still be unknown. Their memory is bounded.
type bulletins struct {
	mu   sync.Mutex
	seen []metrics.Incident
	more int // than there is room for
}

// mostBulletins bounds them; a time line with more cannot be read.
const mostBulletins = 200

func (b *bulletins) add(in metrics.Incident) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) == mostBulletins {
		b.more++
		return
	}
	b.seen = append(b.seen, in)
}

// leftOut returns how many there were beyond those that all returns.
func (b *bulletins) leftOut() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.more
}

// all returns them with their moments counted from zero, on the fleet's clock.
func (b *bulletins) all(zero time.Duration) []metrics.Incident {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Clone(b.seen)
	for i := range all {
		all[i].At -= metrics.Span(zero)
		all[i].To -= metrics.Span(zero)
	}
	return all
}

// recoveries are those under way, and the results of those that are complete. Their
// memory is bounded: a run of a day keeps no more than one of an hour.
type recoveries struct {
	mu   sync.Mutex
	open []*recovery          // in the order in which they began
	done []metrics.Recovery   // on the fleet's clock
	more metrics.RecoverySums // of results that are not kept
}

const (
	// mostRecoveries bounds the results that are kept: when there are more, those of
	// which everybody was back soonest live on in the sums.
	mostRecoveries = 500
	// mostHerds bounds those whose herd is kept, and drawn: the gravest, too.
	mostHerds = 24
	// mostOpen bounds those under way. If devices do not come back for that many, what
	// is known of the first by then is its result.
	mostOpen = 500
)

// add begins one, at a moment on the fleet's clock.
func (r *recoveries) add(rec *recovery, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold(now)
	if len(r.open) >= mostOpen && r.open[0].over <= now {
		r.keep(r.open[0].result())
		r.open = slices.Delete(r.open, 0, 1)
	}
	r.open = append(r.open, rec)
}

// fold turns what is complete by now into results. The caller holds the lock.
func (r *recoveries) fold(now time.Duration) {
	r.open = slices.DeleteFunc(r.open, func(rec *recovery) bool {
		if now < rec.to || !rec.complete() {
			return false
		}
		r.keep(rec.result())
		return true
	})
}

func (r *recoveries) keep(one metrics.Recovery) {
	if one.Affected == 0 {
		return
	}
	r.done = append(r.done, one)
	if herds := r.mildest(true); herds.count > mostHerds {
		r.done[herds.at].Herd = nil
	}
	if len(r.done) > mostRecoveries {
		at := r.mildest(false).at
		r.more.Add(&r.done[at])
		r.done = slices.Delete(r.done, at, at+1)
	}
}

// mildest finds the result of which everybody was back soonest, the first of equals,
// and how many there are; of those that have a herd, if it is said.
func (r *recoveries) mildest(herds bool) (found struct{ at, count int }) {
	took := func(one *metrics.Recovery) metrics.Span {
		if one.Online.All == nil {
			return math.MaxInt64
		}
		return *one.Online.All
	}
	for i := range r.done {
		if herds && r.done[i].Herd == nil {
			continue
		}
		if found.count++; found.count == 1 || took(&r.done[i]) < took(&r.done[found.at]) {
			found.at = i
		}
	}
	return found
}

// all returns the results in the order in which the incidents happened, with moments
// counted from zero, and the sums of those that are not kept; those that are not over
// by now are left out. Both are on the fleet's clock.
func (r *recoveries) all(zero, now time.Duration) ([]metrics.Recovery, *metrics.RecoverySums) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold(now)
	all := slices.Clone(r.done)
	for _, rec := range r.open {
		if now < rec.to {
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
func (r *recoveries) leaveOut(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = slices.DeleteFunc(r.open, func(rec *recovery) bool { return now < rec.over })
}

// unask has nobody waited for to answer, because nobody asks any more.
func (r *recoveries) unask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.open {
		rec.mu.Lock()
		rec.unasked = true
		rec.mu.Unlock()
	}
}

// waiting reports whether devices are still on their way back.
func (r *recoveries) waiting(now time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold(now)
	return slices.ContainsFunc(r.open, func(rec *recovery) bool { return now >= rec.to })
}
