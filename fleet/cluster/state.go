package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// State is how far a run is, for people.
type State struct {
	Run      string
	Shards   int
	There    int      // shards that have come
	Missing  []string // that are not ready, or not heard of
	Results  int
	Progress Progress // of all; Phase is that of the first that has one
	Plan     *Plan    // nil: nobody has come
	Begin    time.Time
}

// State returns how far the run is now.
func (c *Collector) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	s := State{Run: c.run, Shards: c.config.Shards, There: len(c.members), Results: len(c.results), Plan: c.plan, Begin: c.begin}
	for k := 1; k <= c.config.Shards; k++ {
		m := c.members[k]
		if m == nil || c.results[k] == nil && (!m.ready || now.Sub(m.heard) >= heardWithin) {
			s.Missing = append(s.Missing, fmt.Sprintf("%d/%d", k, c.config.Shards))
		}
		if m == nil {
			continue
		}
		if s.Progress.Phase == "" {
			s.Progress.Phase = m.progress.Phase
		}
		s.Progress.add(m.progress)
	}
	return s
}

// gathering is what shards are told before they connect their devices.
func (c *Collector) gathering() Gathering {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Gathering{Run: c.run, Shards: c.config.Shards, Delivered: slices.Sorted(maps.Keys(c.results))}
}

// Outcome returns the one result of all shards whose results are in, and which were lost.
// Without a result the error says why there is none.
func (c *Collector) Outcome() (*metrics.Result, []Lost, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lost := slices.Clone(c.lost)
	var all []*metrics.Result
	for k := 1; k <= c.config.Shards; k++ {
		if r := c.results[k]; r != nil {
			all = append(all, r)
		} else if m := c.members[k]; m != nil {
			lost = append(lost, c.lostOf(m))
		} else {
			lost = append(lost, Lost{Shard: fmt.Sprintf("%d/%d", k, c.config.Shards)})
		}
	}
	slices.SortFunc(lost, func(a, b Lost) int { return strings.Compare(a.Shard, b.Shard) })
	if len(all) == 0 {
		err := c.fault
		if err == nil {
			err = fmt.Errorf("no result came of any of %s", words.Plural(int64(c.config.Shards), "shard", "shards"))
		}
		return nil, lost, err
	}
	res, err := metrics.MergeResults(all...)
	if err != nil {
		return nil, lost, fmt.Errorf("the results do not go together: %w", err)
	}
	c.describe(res, lost)
	return res, lost, nil
}

// describe adds to a result what the collector alone knows: who was lost, which is no pass whatever
// the others measured, and who was told to end while the others went on.
func (c *Collector) describe(res *metrics.Result, lost []Lost) {
	var names []string
	for _, l := range lost {
		res.Remark(l.Sentence())
		names = append(names, l.Shard)
	}
	if len(lost) > 0 && res.Aborted == "" {
		res.Aborted = fmt.Sprintf("of %s these were lost, or were for a while: %s", words.Plural(int64(c.config.Shards), "shard", "shards"), strings.Join(some(names), ", "))
		res.Judge()
	}
	for k := 1; k <= c.config.Shards && c.stop == ""; k++ {
		if r := c.results[k]; r != nil && r.Interrupted {
			m := c.members[k]
			res.Remark(fmt.Sprintf("shard %s on %s (%s) was stopped after %s of measuring, before its end: what the others measured since then is of a fleet without these devices",
				m.name(), words.Short(m.Host), words.Plural(int64(m.Devices), "device", "devices"), time.Duration(r.Measured).Round(100*time.Millisecond)))
		}
	}
}

// Sentence says who was lost and when.
func (l Lost) Sentence() string {
	if l.Devices == 0 {
		return fmt.Sprintf("shard %s never came", l.Shard)
	}
	of := words.Plural(int64(l.Devices), "device", "devices")
	if l.First != "" {
		of += fmt.Sprintf(", %s … %s", l.First, l.Last)
	}
	when := func(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
	if l.To > 0 {
		return fmt.Sprintf("shard %s (%s) was lost from %s to %s after the beginning, when another process took its place: what the others measured then is of a fleet without these devices",
			l.Shard, of, when(l.From), when(l.To))
	}
	return fmt.Sprintf("shard %s (%s) was lost from %s after the beginning on: what the others measured since then is of a fleet without these devices",
		l.Shard, of, when(l.From))
}
