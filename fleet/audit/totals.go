package audit

import (
	"cmp"
	"slices"
	"time"

	"homefleet/fleet/metrics"
)

func (a *Audit) totals(now time.Duration, closing bool) metrics.Audit {
	a.mu.Lock()
	sum := metrics.Audit{Slack: a.slack}
	a.mu.Unlock()
	at := make(map[string]int)
	for i := range a.stripes {
		s := &a.stripes[i]
		s.mu.Lock()
		s.now = max(s.now, now)
		s.done = s.done || closing
		for b := range s.open {
			s.judge(b)
		}
		for _, row := range s.rows {
			if row.WillTotals == (metrics.WillTotals{}) {
				continue
			}
			j, ok := at[row.Way]
			if !ok {
				j = len(sum.Ways)
				at[row.Way] = j
				sum.Ways = append(sum.Ways, metrics.WayTotals{Way: row.Way})
			}
			sum.Ways[j].Add(row.WillTotals)
			sum.Wills.Add(row.WillTotals)
		}
		s.mu.Unlock()
	}
	place := func(way string) int {
		if i := slices.Index(a.order, way); i >= 0 {
			return i
		}
		return len(a.order)
	}
	slices.SortFunc(sum.Ways, func(x, y metrics.WayTotals) int {
		return cmp.Or(cmp.Compare(place(x.Way), place(y.Way)), cmp.Compare(x.Way, y.Way))
	})
	return sum
}

// Outage is one outage of a device, or a Will without one.
type Outage struct {
	Device int
	Conn   uint32
	Way    string
	Due    bool // a Will is or was due, or may be
	// It is due between these two moments, as far as is known; with the slack it
	// may come later.
	DueFrom, DueTo time.Duration
	Seen           int // how many Wills came
	SeenAt         time.Duration
	Altered        bool // one of them was
	Consumed       bool
	Learned        bool
	Verdict        Verdict
}

// Last returns the latest outage of a device as it stands now.
func (a *Audit) Last(device int, now time.Duration) (Outage, bool) {
	all := a.Recent(device, now)
	if len(all) == 0 {
		return Outage{}, false
	}
	return all[len(all)-1], true
}

// Recent returns the latest outages of a device, in order of its connections, as
// they stand now.
func (a *Audit) Recent(device int, now time.Duration) []Outage {
	s := a.stripe(device)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.books[device]
	if b == nil {
		return nil
	}
	s.now = max(s.now, now)
	s.judge(b)
	return s.outages(b, nil)
}

// Faults returns up to limit outages of which something was wrong with the Will,
// in order of devices and their connections, of those that are not too long ago.
// It looks at every device.
func (a *Audit) Faults(limit int) []Outage {
	var list []Outage
	for i := range a.stripes {
		s := &a.stripes[i]
		s.mu.Lock()
		for _, b := range s.books {
			list = s.outages(b, list)
		}
		s.mu.Unlock()
		list = slices.DeleteFunc(list, func(o Outage) bool { return !o.fault() })
	}
	slices.SortFunc(list, func(x, y Outage) int {
		return cmp.Or(cmp.Compare(x.Device, y.Device), cmp.Compare(x.Conn, y.Conn))
	})
	return list[:min(len(list), limit)]
}

// fault reports whether the broker did wrong.
func (o *Outage) fault() bool {
	switch o.Verdict {
	case Early, Late, Missing, Unexpected:
		return true
	case OnTime:
		return o.Seen > 1 || o.Altered
	}
	return false
}

// outages appends those of a device.
func (s *stripe) outages(b *book, list []Outage) []Outage {
	d := s.docket()
	d.held = len(b.nameless) > 0
	for i := range b.records {
		r := &b.records[i]
		if !r.outage() && len(r.seen) == 0 {
			continue
		}
		f := b.find(r, d)
		o := Outage{
			Device: b.device, Conn: r.conn, Way: s.rows[f.way].Way,
			Due: f.due, DueFrom: f.bound.from, DueTo: f.bound.to,
			Seen: len(r.seen) + int(r.beyond), Altered: f.altered > 0,
			Consumed: r.consumed, Learned: r.learned,
			Verdict: f.verdict,
		}
		if len(r.seen) > 0 {
			o.SeenAt = r.seen[0].at
		}
		if f.unexpected > 0 {
			o.Verdict = Unexpected
		}
		list = append(list, o)
	}
	return list
}
