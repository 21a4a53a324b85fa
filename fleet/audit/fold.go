package audit

import (
	"math"
	"slices"
	"time"
)

// fold takes the oldest record away that is in the sums for good, if there are
// too many.
func (s *stripe) fold(b *book) bool {
	if len(b.records) > mostRecords {
		d := s.docket()
		d.closing = true
		s.settle(b, &b.records[0], b.find(&b.records[0], d))
		b.drop(0)
		return true
	}
	decided := 0
	for i := range b.records {
		if b.records[i].settled() {
			decided++
		}
	}
	if decided <= keepDecided {
		return false
	}
	for i := range b.records {
		if s.foldFrom(b, i) {
			return true
		}
	}
	return false
}

// foldFrom takes away the oldest record of a session, and with it those whose
// CONNECT may have been first, so that no record stays whose verdict hangs on one
// that is gone.
func (s *stripe) foldFrom(b *book, oldest int) bool {
	var folded [mostRecords]bool
	first := &b.records[oldest]
	folded[oldest] = true
	end := first.connectedBy(s.rules)
	for grown := first.state != unheardOf; grown; {
		grown = false
		for i := range b.records {
			r := &b.records[i]
			if folded[i] || r.state == unheardOf || r.session != first.session || r.asked > end {
				continue
			}
			if r.asked < first.asked {
				return false // not the oldest
			}
			folded[i], grown = true, true
			end = max(end, r.connectedBy(s.rules))
		}
	}
	for i := range b.records {
		if folded[i] && !(b.records[i].settled() && s.past(b, &b.records[i])) {
			return false
		}
	}
	for i := len(b.records) - 1; i >= 0; i-- {
		if folded[i] {
			b.drop(i)
		}
	}
	return true
}

// connectedBy is when the broker had taken the session, if it did.
func (r *record) connectedBy(u rules) time.Duration {
	if r.state == unanswered {
		return after(r.answered, u.late)
	}
	return r.answered
}

// settled reports whether a record is likely to stay as it is.
func (r *record) settled() bool { return r.decided && !r.open() }

// flush is for how long a Will may still be on its way, whether it is late or was
// queued for an auditor that is back.
const flush = 10 * time.Second

// past reports whether nothing is to be expected of a connection any more.
func (s *stripe) past(b *book, r *record) bool {
	last := r.asked
	if r.isSilent {
		last = max(last, r.lastSent)
	}
	if r.isEnded {
		last = max(last, r.to)
	}
	if len(r.seen) > 0 {
		last = max(last, r.seen[len(r.seen)-1].at)
	} else if f := b.find(r, s.docket()); f.due && f.bound.limit != never {
		last = max(last, f.bound.limit)
	}
	if g := s.rules.gaps[len(s.rules.gaps)-1]; g.from != math.MinInt64 && last >= g.from-s.rules.late {
		last = max(last, g.to)
	}
	return s.now > after(last, flush)
}

func (b *book) drop(i int) {
	r := &b.records[i]
	if r.state == unanswered && r.hasWill && len(r.seen) == 0 {
		if len(b.doubtful) == mostDoubtful {
			b.doubtful = slices.Delete(b.doubtful, 0, 1)
		}
		b.doubtful = append(b.doubtful, doubt{r.conn, r.asked})
	}
	b.records = slices.Delete(b.records, i, i+1)
	if n := len(b.records); cap(b.records) > 8 && n < cap(b.records)/3 { // after a storm
		b.records = append(make([]record, 0, n+2), b.records...)
	}
}
