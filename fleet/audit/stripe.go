package audit

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// How much is remembered of a device.
const (
	keepDecided  = 2   // records, of which the sums would do
	mostRecords  = 128 // of all; more are decided as at the end of the run
	mostNameless = 64  // Wills that wait to be told whose they are
	mostDoubtful = 64  // CONNECTs without CONNACK
)

// stripe is a share of the devices.
type stripe struct {
	mu       sync.Mutex
	books    map[int]*book
	open     map[*book]struct{} // those with something undecided
	rows     []metrics.WayTotals
	rules    rules
	delay    func(device int, d time.Duration)
	followed bool
	changed  map[int]struct{} // devices, for those who follow
	news     func()
	now      time.Duration // the latest moment heard of
	done     bool          // Close was called
	_        [64]byte      // keeps neighbours' locks apart
}

// Rows that every stripe has.
const (
	wayNone = iota
	wayUnanswered
	wayTakenOver
)

// book is what is known of one device.
type book struct {
	device   int
	records  []record // in order of conn
	nameless []sighting
	// Connections without a CONNACK whose records are gone, in case that their
	// Will comes yet: nobody knows when that would be.
	doubtful []doubt
}

type doubt struct {
	conn  uint32
	asked time.Duration
}

// entry is a record while its stripe is locked.
type entry struct {
	stripe *stripe
	book   *book
	*record
}

func (a *Audit) stripe(device int) *stripe { return &a.stripes[uint(device)%stripeCount] }

// enter locks a device's stripe and finds the record, or makes it. at is a moment
// that has come.
func (a *Audit) enter(device int, conn uint32, at time.Duration) entry {
	s := a.stripe(device)
	s.mu.Lock()
	s.now = max(s.now, at)
	b := s.book(device)
	return entry{s, b, b.record(conn)}
}

// leave judges the device anew and unlocks.
func (e entry) leave() {
	e.stripe.judge(e.book)
	e.stripe.note(e.book.device)
	e.stripe.mu.Unlock()
	e.stripe.news()
}

// forget takes back what was said about a CONNECT.
func (a *Audit) forget(device int, conn uint32) {
	s := a.stripe(device)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer a.news()
	b := s.books[device]
	if b == nil {
		return
	}
	for i := range b.records {
		if b.records[i].conn == conn {
			b.records[i].state = unheardOf
			s.judge(b)
			return
		}
	}
}

func (a *Audit) nameless(device int, at time.Duration, altered bool) {
	s := a.stripe(device)
	defer a.news()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = max(s.now, at)
	b := s.book(device)
	if len(b.nameless) == mostNameless {
		s.assign(b, b.nameless[0])
		b.nameless = slices.Delete(b.nameless, 0, 1)
	}
	i, _ := slices.BinarySearchFunc(b.nameless, at, func(s sighting, at time.Duration) int { return cmp.Compare(s.at, at) })
	b.nameless = slices.Insert(b.nameless, i, sighting{at, altered})
	s.judge(b)
}

func (s *stripe) book(device int) *book {
	b := s.books[device]
	if b == nil {
		b = &book{device: device}
		s.books[device] = b
	}
	return b
}

// way returns the row of a way.
func (s *stripe) way(name string) int {
	for i := range s.rows {
		if s.rows[i].Way == name {
			return i
		}
	}
	s.rows = append(s.rows, metrics.WayTotals{Way: name})
	return len(s.rows) - 1
}

func (b *book) record(conn uint32) *record {
	i := len(b.records)
	for i > 0 && b.records[i-1].conn > conn {
		i--
	}
	if i > 0 && b.records[i-1].conn == conn {
		return &b.records[i-1]
	}
	r := record{conn: conn}
	for _, t := range b.doubtful {
		if t.conn == conn {
			r.unanswered(Attempt{Asked: t.asked, GaveUp: t.asked, HasWill: true})
		}
	}
	b.records = slices.Insert(b.records, i, r)
	return &b.records[i]
}

func (s *stripe) docket() docket { return docket{rules: s.rules, now: s.now, closing: s.done} }

// judge finds the verdicts on all connections of a device, which a fact about
// one may change for others too.
func (s *stripe) judge(b *book) {
	d := s.docket()
	kept := b.nameless[:0]
	for _, n := range b.nameless {
		if d.over(n.at) {
			s.assign(b, n)
		} else {
			kept = append(kept, n)
		}
	}
	b.nameless = kept
	d.held = len(kept) > 0
	undecided := d.held
	for i := range b.records {
		r := &b.records[i]
		s.settle(b, r, b.find(r, d))
		undecided = undecided || !r.decided
	}
	if undecided {
		s.open[b] = struct{}{}
	} else {
		delete(s.open, b)
	}
	for len(b.records) > keepDecided && s.fold(b) {
	}
}

// settle takes a verdict into the sums, in place of the one before.
func (s *stripe) settle(b *book, r *record, f finding) {
	r.decided = f.decided
	if f.tally != r.counted {
		s.note(b.device)
		r.counted.addTo(&s.rows[r.counted.way].WillTotals, -1)
		f.addTo(&s.rows[f.way].WillTotals, 1)
		r.counted = f.tally
	}
	if f.came > 0 && !r.timed {
		r.timed = true
		if s.delay != nil {
			s.delay(b.device, f.delay)
		}
	}
}

// assign finds the outage that a nameless Will is of: the oldest that is due
// just then, else the oldest whose time was over, else the oldest whose time was
// to come, and else one of which nobody knows whether the broker had it.
func (s *stripe) assign(b *book, of sighting) {
	at := of.at
	best, rank := (*record)(nil), 6
	for i := range b.records {
		r := &b.records[i]
		if len(r.seen) > 0 || !r.hasWill {
			continue
		}
		p := b.expectedWindows(r, s.rules)
		if p.n == 0 {
			continue
		}
		n := 6
		switch _, onTime := p.onTime(at, s.rules); {
		case onTime && r.outage():
			n = 1
		case onTime && r.state == accepted:
			n = 2
		case onTime:
			n = 5
		case p.never || !r.outage():
		case at > p.hull().limit:
			n = 3
		default:
			n = 4
		}
		if n < rank {
			best, rank = r, n
		}
	}
	if best != nil {
		best.see(at, of.altered)
		return
	}
	w := &s.rows[wayNone]
	w.Messages++
	w.Unexpected++
	if of.altered {
		w.Altered++
	}
}

// watch notes when the auditor watches. The caller holds a.mu.
func (a *Audit) watch(at time.Duration, watching bool) {
	gaps := slices.Clone(a.gaps) // stripes read the old ones
	last := len(gaps) - 1
	away := last >= 0 && gaps[last].to == math.MaxInt64
	switch {
	case watching && away:
		gaps[last].to = max(at, gaps[last].from)
	case !watching && !away:
		if last >= 0 {
			at = max(at, gaps[last].to)
		}
		gaps = append(gaps, gap{from: at, to: math.MaxInt64})
	default:
		return
	}
	if len(gaps) > mostGaps {
		// Nothing is judged harder for it, and hardly anything is that old.
		gaps[1].from = gaps[0].from
		gaps[1].forgot = gaps[0].forgot || gaps[1].forgot
		gaps = gaps[1:]
	}
	a.gaps = gaps
	a.reviseAll()
}

const mostGaps = 1024

// reviseAll judges everything by new rules. The caller holds a.mu.
func (a *Audit) reviseAll() {
	defer a.news()
	u := newRules(a.slack, a.gaps)
	for i := range a.stripes {
		s := &a.stripes[i]
		s.mu.Lock()
		s.rules = u
		for _, b := range s.books {
			s.judge(b)
		}
		s.mu.Unlock()
	}
}

// pending counts the outages of a stripe that may still see their Will in time.
func (s *stripe) pending(now time.Duration) (n int, until time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = max(s.now, now)
	for b := range s.open {
		s.judge(b)
		d := s.docket()
		d.held = len(b.nameless) > 0
		for i := range b.records {
			r := &b.records[i]
			if !r.outage() || len(r.seen) > 0 || r.decided {
				continue
			}
			if f := b.find(r, d); f.due && s.now <= f.bound.limit && !d.forgotten(r.asked, f.bound.limit) {
				n++
				until = max(until, f.bound.limit)
			}
		}
	}
	return n, until
}
