package fleet

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// bulletins are the incidents that happened, for the time line, on the fleet's
// clock: the start of measuring may still be unknown. Their memory is bounded.
type bulletins struct {
	mu   sync.Mutex
	seen []metrics.Incident
}

// mostBulletins bounds them; a time line with more cannot be read.
const mostBulletins = 200

func (b *bulletins) add(in metrics.Incident) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) < mostBulletins {
		b.seen = append(b.seen, in)
	}
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

// recoveries are those under way, and the results of those that are complete.
type recoveries struct {
	mu   sync.Mutex
	open []*recovery
	done []metrics.Recovery
}

// mostRecoveries bounds the results that are kept: when there are more, those of
// which everybody was back soonest are let go.
const mostRecoveries = 500

func (r *recoveries) add(rec *recovery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, rec)
}

// fold turns what is complete by now into results. zero is the start of
// measuring and now a moment, both on the fleet's clock.
func (r *recoveries) fold(zero, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = slices.DeleteFunc(r.open, func(rec *recovery) bool {
		if now < rec.to || !rec.complete() {
			return false
		}
		if one := rec.result(zero); one.Affected > 0 {
			r.keep(one)
		}
		return true
	})
}

func (r *recoveries) keep(one metrics.Recovery) {
	r.done = append(r.done, one)
	if len(r.done) <= mostRecoveries {
		return
	}
	quickest := 0
	for i := range r.done {
		if *r.done[i].Online.All < *r.done[quickest].Online.All {
			quickest = i
		}
	}
	r.done = slices.Delete(r.done, quickest, quickest+1)
}

// all returns the results in the order in which the incidents happened; those
// that are not over by now are left out.
func (r *recoveries) all(zero, now time.Duration) []metrics.Recovery {
	r.fold(zero, now)
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.done)
	for _, rec := range r.open {
		if now < rec.to {
			continue
		}
		if one := rec.result(zero); one.Affected > 0 {
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(a, b metrics.Recovery) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Incident, b.Incident), strings.Compare(a.Group, b.Group))
	})
	return all
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
func (r *recoveries) waiting(zero, now time.Duration) bool {
	r.fold(zero, now)
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.open, func(rec *recovery) bool { return now >= rec.to })
}
