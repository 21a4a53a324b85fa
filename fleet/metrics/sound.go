package metrics

import (
	"fmt"
	"time"
)

// What is read from a file is not trusted: these are the bounds of what
// [Audit] and [Recovery] may hold.
const (
	maxWays       = 1000
	maxRecoveries = 100_000
	maxMoment     = Span(1 << 55) // ± 417 days, so that no sum of two overflows
)

func soundCounts(all ...int64) error {
	for _, n := range all {
		if n < 0 || n > maxCount {
			return fmt.Errorf("there is the count %d; want 0 to %d", n, int64(maxCount))
		}
	}
	return nil
}

func soundMoments(all ...Span) error {
	for _, at := range all {
		if at < -maxMoment || at > maxMoment {
			return fmt.Errorf("there is the time %v; want at most %v", at, time.Duration(maxMoment))
		}
	}
	return nil
}

func (t *WillTotals) sound() error {
	for _, n := range t.figures() {
		if err := soundCounts(*n); err != nil {
			return err
		}
	}
	return nil
}

func (a *Audit) sound() error {
	if a == nil {
		return nil
	}
	if len(a.Ways) > maxWays {
		return fmt.Errorf("the audit has %d ways to go; want at most %d", len(a.Ways), maxWays)
	}
	if n := len(a.Tested) + len(a.Untested); n > maxWays {
		return fmt.Errorf("the audit names %d parts of a Will; want at most %d", n, maxWays)
	}
	if err := a.Wills.sound(); err != nil {
		return fmt.Errorf("the audit: %w", err)
	}
	for i := range a.Ways {
		if err := a.Ways[i].sound(); err != nil {
			return fmt.Errorf("the audit of the way %.40q: %w", a.Ways[i].Way, err)
		}
	}
	if t := a.Retained; t != nil {
		if err := soundCounts(t.Checked, t.Right, t.Stale, t.Missing, t.Wrong); err != nil {
			return fmt.Errorf("the audit of what was retained: %w", err)
		}
	}
	if err := soundMoments(a.Slack.Early, a.Slack.Late, a.Slack.Silence); err != nil {
		return fmt.Errorf("the slack of the audit: %w", err)
	}
	return nil
}

func (r *Recovery) sound() error {
	if err := soundCounts(r.Affected, r.Overlap, r.Online.Count, r.Attempts); err != nil {
		return err
	}
	if err := soundMoments(r.At, r.To); err != nil {
		return err
	}
	for _, n := range r.Refused {
		if err := soundCounts(n); err != nil {
			return err
		}
	}
	for _, t := range []*Times{&r.Online, r.Answering} {
		if t == nil {
			continue
		}
		if err := soundCounts(t.Count); err != nil {
			return err
		}
		for _, at := range []*Span{t.Half, t.Most, t.All} {
			if at != nil && (*at < 0 || *at > maxMoment) {
				return fmt.Errorf("it took %v; want 0 to %v", *at, time.Duration(maxMoment))
			}
		}
	}
	if h := r.Reconnects; h != nil {
		if len(h.Attempts) > ReconnectIntervals || len(h.Online) != len(h.Attempts) {
			return fmt.Errorf("the herd has %d and %d intervals; want as many in both, at most %d", len(h.Attempts), len(h.Online), ReconnectIntervals)
		}
		if h.Interval <= 0 || h.Interval > maxMoment/ReconnectIntervals {
			return fmt.Errorf("the herd has intervals of %v; want 1ns to %v", h.Interval, time.Duration(maxMoment/ReconnectIntervals))
		}
		for _, list := range [][]int64{h.Attempts, h.Online} {
			if err := soundCounts(list...); err != nil {
				return err
			}
		}
	}
	return nil
}
