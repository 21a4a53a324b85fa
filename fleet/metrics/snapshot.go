package metrics

import (
	"maps"
	"slices"
	"time"
)

// Snapshot is what is known of a run at a moment: while it lasts, of what is asked
// for, and in the end as a part of its [Result]. It shares nothing with the
// recorder it came from.
type Snapshot struct {
	Measured Span `json:"measured"` // length of the measuring so far, without warm-up and drain

	// What the recorder does not know; the caller fills it in.
	Devices     Devices                     `json:"devices"`
	Counts      map[string]int64            `json:"counts"`                    // by name: see [CountsByName]
	CountsApart map[string]map[string]int64 `json:"counts_by_phase,omitempty"` // of messages before and after the measuring: by phase ("connect", "warm-up", "drain") and name

	Totals   Totals          `json:"ledger"`
	ByLabel  []LabelOutcomes `json:"by_label,omitempty"` // in the order of the names; those of which nothing was planned are left out
	Series   Distributions   `json:"series"`
	TimeLine *TimeLine       `json:"time_line,omitempty"` // nil if it was not asked for

	// What the recorder does not know, either.
	Deliveries []Delivery `json:"deliveries,omitempty"` // of states and telemetry to watchers, by group and QoS
	Audit      *Audit     `json:"audit,omitempty"`      // of Will Messages; nil: there is none
	Recoveries []Recovery `json:"recoveries,omitempty"` // one for each time that an incident was over, or the run, and group of devices
	// RecoveriesLeftOut are sums of further ones, from which everybody was back as soon
	// or sooner; nil: there are none.
	RecoveriesLeftOut *RecoverySums `json:"recoveries_left_out,omitempty"`
}

// LabelOutcomes is what became of the requests of one label.
type LabelOutcomes struct {
	Label
	Outcomes
}

// Devices is how many devices there are and in what state.
type Devices struct {
	Total  int `json:"total"`
	Online int `json:"online"`  // now, or as the measuring ended
	Seen   int `json:"seen"`    // were online at least once
	GaveUp int `json:"gave_up"` // were refused for good
	// Offline were so as the run ended, though neither an incident nor somebody kept
	// them so; of these some may never have been online.
	Offline int `json:"offline,omitempty"`

	Added   int `json:"added,omitempty"`   // came while the run ran, since somebody wanted it so
	Removed int `json:"removed,omitempty"` // went likewise, and are counted nowhere else
}

// Snapshot returns everything there is, the time line included. It takes some
// milliseconds; while a run is measured [Recorder.Progress] disturbs it less.
// measured is the length of the measuring so far. It may be called from any
// goroutine.
func (r *Recorder) Snapshot(measured time.Duration) *Snapshot {
	var all []Series
	for m := range Metric(metricCount) {
		all = append(all, Series{Metric: m})
		for d := ByKind; d < dimensionCount; d++ {
			for _, name := range r.names.of(d) {
				all = append(all, Series{m, Label{d, name}})
			}
		}
	}
	s := r.Progress(measured, all...)
	var whole *line
	for _, sh := range r.shards {
		sh.mu.Lock()
		l := sh.line.clone()
		sh.mu.Unlock()
		if whole == nil {
			whole = l
			continue
		}
		// All shards began with the same interval: there is no error.
		_ = whole.merge(l)
	}
	s.TimeLine = whole.timeLine()
	return s
}

// Progress returns the totals and the series that are asked for, those of which
// nothing is known left out. Each takes the shards' locks for some ten microseconds.
// It may be called from any goroutine.
func (r *Recorder) Progress(measured time.Duration, want ...Series) *Snapshot {
	s := &Snapshot{Measured: Span(measured), Series: make(Distributions)}
	byLabel := [dimensionCount][]Outcomes{}
	for d := range byLabel {
		byLabel[d] = make([]Outcomes, len(r.shards[0].byLabel[d]))
	}
	for _, sh := range r.shards {
		sh.mu.Lock()
		for _, t := range sh.ledgers {
			s.Totals.Add(*t)
		}
		for d := range byLabel {
			for i := range byLabel[d] {
				byLabel[d][i].Add(sh.byLabel[d][i])
			}
		}
		sh.mu.Unlock()
	}
	for d := ByKind; d < dimensionCount; d++ {
		for i, name := range r.names.of(d) {
			if o := byLabel[d][i+1]; o.Planned > 0 {
				s.ByLabel = append(s.ByLabel, LabelOutcomes{Label{d, name}, o})
			}
		}
	}
	for _, w := range want {
		if h := r.histogram(w); h.Total() > 0 {
			s.Series[w] = h
		}
	}
	return s
}

// histogram merges one series.
func (r *Recorder) histogram(w Series) *Histogram {
	if w.Metric >= metricCount || w.Label.Dimension >= dimensionCount {
		return nil
	}
	dim, from, to := w.Label.Dimension, 0, 0
	if dim == All {
		dim, to = ByKind, len(r.names.of(ByKind))+1
	} else {
		i := slices.Index(r.names.of(dim), w.Label.Name)
		from, to = i+1, i+2
		if i < 0 {
			return nil
		}
	}
	var whole *Histogram
	for _, sh := range r.shards {
		for i := from; i < to; i++ {
			var part *Histogram
			sh.mu.Lock()
			if h := sh.series[w.Metric][dim][i]; h != nil {
				part = h.Clone() // quick; the merge is done when the lock is free again
			}
			sh.mu.Unlock()
			if whole == nil {
				whole = part
			} else {
				whole.Merge(part)
			}
		}
	}
	return whole
}

// CountTotals returns the counts of the whole run by name, which never fall while
// it lasts.
func (s *Snapshot) CountTotals() map[string]int64 {
	sum := maps.Clone(s.Counts)
	for _, counts := range s.CountsApart {
		for name, n := range counts {
			sum[name] += n
		}
	}
	return sum
}

// forget leaves out the labels that this version does not know, as a later one may
// have written them.
func (s *Snapshot) forget() {
	s.ByLabel = slices.DeleteFunc(s.ByLabel, func(b LabelOutcomes) bool { return b.Dimension == All || b.Dimension >= dimensionCount })
}

// Outcomes returns what became of the requests of a label. ok is false if
// none was planned.
func (s *Snapshot) Outcomes(l Label) (o Outcomes, ok bool) {
	if l.Dimension == All {
		t := &s.Totals
		return Outcomes{t.Planned, t.Sent, t.Answered, t.Late, t.Lost, t.Refused, t.NotSent.Total(), t.Interrupted, t.NotSent.Paused}, t.Planned > 0
	}
	i := slices.IndexFunc(s.ByLabel, func(b LabelOutcomes) bool { return b.Label == l })
	if i < 0 {
		return Outcomes{}, false
	}
	return s.ByLabel[i].Outcomes, true
}
