package metrics

import (
	"fmt"
)

// sound checks what the rest of the package takes for granted.
func (r *Result) sound() error {
	for name, t := range map[string]*Totals{"ledger": &r.Totals, "warm_up_ledger": &r.WarmUpLedger} {
		for _, n := range t.figures() {
			if *n < 0 || *n > maxCount {
				return fmt.Errorf("the %s has the count %d; want 0 to %d", name, *n, int64(maxCount))
			}
		}
		if t.LongestQueue < 0 || t.LongestQueue > maxCount || t.LongestWait < 0 {
			return fmt.Errorf("the %s has a longest queue of %d and a longest wait of %v; want 0 to %d, and no negative time", name, t.LongestQueue, t.LongestWait, int64(maxCount))
		}
		for reason, n := range t.RefusedBy {
			if n < 0 || n > maxCount {
				return fmt.Errorf("the %s has the count %d for %.40q; want 0 to %d", name, n, reason, int64(maxCount))
			}
		}
	}
	if d := r.Devices; min(d.Total, d.Online, d.Seen, d.GaveUp, d.Offline, d.Added, d.Removed) < 0 || int64(max(d.Total, d.Online, d.Seen, d.GaveUp, d.Offline, d.Added, d.Removed)) > maxCount {
		return fmt.Errorf("there are the devices %+v; want 0 to %d of each", d, int64(maxCount))
	}
	for name, n := range r.Counts {
		if err := soundCounts(n); err != nil {
			return fmt.Errorf("the counts: %.40q: %w", name, err)
		}
	}
	for phase, counts := range r.CountsApart {
		for name, n := range counts {
			if err := soundCounts(n); err != nil {
				return fmt.Errorf("the counts of %.40q: %.40q: %w", phase, name, err)
			}
		}
	}
	for where, counts := range r.Reasons {
		for name, n := range counts {
			if err := soundCounts(n); err != nil {
				return fmt.Errorf("the reasons of %.40q: %.40q: %w", where, name, err)
			}
		}
	}
	if r.Measured < 0 {
		return fmt.Errorf("it is of %v of measuring; want a time that is not negative", r.Measured)
	}
	for i := range r.ByLabel {
		if err := r.ByLabel[i].sound(); err != nil {
			return err
		}
	}
	for series, h := range r.Series {
		if h.digits == coarseDigits {
			return fmt.Errorf("the series %.40q has %d digits; want %d", series.Metric.String(), coarseDigits, fineDigits)
		}
	}
	if err := r.Audit.sound(); err != nil {
		return err
	}
	if err := soundDeliveries(r.Deliveries); err != nil {
		return err
	}
	if len(r.Recoveries) > maxRecoveries {
		return fmt.Errorf("there are %d recoveries; want at most %d", len(r.Recoveries), maxRecoveries)
	}
	for i := range r.Recoveries {
		if err := r.Recoveries[i].sound(); err != nil {
			return fmt.Errorf("recovery %d: %w", i, err)
		}
	}
	if m := r.RecoveriesLeftOut; m != nil {
		if err := soundCounts(m.Count, m.Affected, m.Online, m.Attempts); err != nil {
			return fmt.Errorf("the recoveries that are left out: %w", err)
		}
	}
	if err := soundCounts(int64(r.IncidentsLeftOut)); err != nil {
		return fmt.Errorf("the incidents that are left out: %w", err)
	}
	return r.TimeLine.sound()
}

func (o *Outcomes) sound() error {
	for _, n := range []int64{o.Planned, o.Sent, o.Answered, o.Late, o.Lost, o.Refused, o.NotSent, o.Interrupted, o.Paused, o.unsent()} {
		if n < 0 || n > maxCount {
			return fmt.Errorf("there is the count %d; want 0 to %d", n, int64(maxCount))
		}
	}
	return nil
}

// maxPoints bounds a time line that is read.
const maxPoints = 100_000

func (t *TimeLine) sound() error {
	if t == nil {
		return nil
	}
	if t.Interval <= 0 || len(t.Points) > maxPoints || int64(t.Interval) > int64(1<<62)/maxPoints {
		return fmt.Errorf("the time line has %d intervals of %v", len(t.Points), t.Interval)
	}
	for i := range t.Points {
		p := &t.Points[i]
		if p.At != Span(i)*t.Interval {
			return fmt.Errorf("interval %d of the time line begins at %v; want %v", i, p.At, Span(i)*t.Interval)
		}
		if err := p.Outcomes.sound(); err != nil {
			return err
		}
		if p.Received < 0 || p.Received > maxCount || p.Online != nil && (*p.Online < 0 || *p.Online > maxCount) {
			return fmt.Errorf("interval %d of the time line has a count that is negative or too large", i)
		}
		if h := p.Response; h != nil && h.Count() > 0 && h.digits != coarseDigits {
			return fmt.Errorf("interval %d of the time line has a histogram of %d digits; want %d", i, h.digits, coarseDigits)
		}
	}
	return nil
}
