package metrics

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"homefleet/devices/words"
)

// Value is a figure of a run in its unit: seconds, percent, events a second, or
// a number. +Inf is a time that did not come, NaN that the run has no such
// figure; JSON has null for both, since it has no such numbers.
type Value float64

// MarshalJSON writes the number, or null if it is none.
func (v Value) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(v))
}

// none reports whether the run has no such figure.
func (v Value) none() bool { return math.IsNaN(float64(v)) }

// RunFigure is a figure by which runs are compared.
type RunFigure struct {
	Name  string `json:"name"`   // as in expectations
	Unit  Unit   `json:"unit"`   // a count that is part of a whole is a share, in percent
	Sense int    `json:"better"` // 1: more is better, -1: less is, 0: neither, so that it is shown and not judged
	value func(*Snapshot) Value
}

// runShares are the figures that are part of a whole, with what is better.
var runShares = []struct {
	name  string
	sense int
}{
	{"requests.failed", -1}, {"requests.late", -1}, {"requests.lost", -1}, {"requests.refused", -1}, {"requests.not_sent", -1},
	{"answers.errors", -1}, {"answers.duplicate", -1}, {"answers.missing_parts", -1}, {"answers.misrouted", -1}, {"answers.corrupted", -1}, {"answers.unknown", -1}, {"answers.mistaken", -1}, {"answers.of_others", -1},
	{"wills.early", -1}, {"wills.late", -1}, {"wills.missing", -1}, {"wills.duplicate", -1}, {"wills.unexpected", -1}, {"wills.altered", -1},
	{"retained.stale", -1}, {"retained.missing", -1}, {"retained.wrong", -1},
	{"delivery.altered", -1}, {"delivery.lost", -1}, {"delivery.duplicate", -1}, {"delivery.reordered", -1}, {"delivery.other_qos", -1},
	{"devices.online", 1}, {"devices.recovered", 1},
}

// runPercentiles are those of a time by which runs are judged.
var runPercentiles = []float64{50, 90, 95, 99}

// RunFigures returns the figures of runs, in the order in which they are to be
// shown: of every time the percentiles 50, 90, 95 and 99, of the requests'
// times the mean and the maximum beside them, the rates, the shares and the
// recoveries. The generator's own delay, means, maxima and the rate at which
// requests left are not judged: the first is ours, the next say what the
// percentiles say or rest on one sample, the last is the plan.
func RunFigures() []RunFigure {
	var all []RunFigure
	add := func(name string, sense int) {
		var e Expectation
		info, ok := e.find(name)
		if !ok {
			return
		}
		unit := info.Unit
		if info.Of != "" {
			unit = UnitShare
		}
		all = append(all, RunFigure{name, unit, sense, func(s *Snapshot) Value { return valueOfRun(&e, s, unit) }})
	}
	for _, t := range timedTable {
		name := t.metric.String() + "."
		for _, p := range runPercentiles {
			sense := -1
			if t.metric == ScheduleDelay {
				sense = 0
			}
			add(name+words.Percentile(p), sense)
		}
		if slices.Contains([]Metric{ResponseTime, ServiceTime, ScheduleDelay}, t.metric) {
			add(name+"mean", 0)
			add(name+"max", 0)
		}
	}
	add("requests.rate", 0)
	add("answers.rate", 1)
	add("delivery.rate", 1)
	for _, f := range runShares {
		add(f.name, f.sense)
	}
	for i := range figureTable {
		if f := &figureTable[i]; f.Unit == UnitTime {
			add(f.Name, -1)
		}
	}
	return all
}

// valueOfRun is the value of a metric in the unit of its figure.
func valueOfRun(e *Expectation, s *Snapshot, unit Unit) Value {
	v, whole, why := e.value(s)
	switch {
	case why != "" || unit == UnitShare && whole == 0:
		return Value(math.NaN())
	case unit == UnitShare:
		return Value(share(v, whole))
	case unit == UnitTime:
		return Value(v / 1e9)
	}
	return Value(v)
}

// Text is a value for people: "1.208ms", "0.4%", "never"; "none" if the run
// has no such figure.
func (f *RunFigure) Text(v Value) string {
	switch {
	case v.none():
		return "none"
	case math.IsInf(float64(v), 1):
		return Never
	}
	d := Delta{Unit: f.Unit}
	if f.Unit == UnitCount {
		return strconv.FormatFloat(float64(v), 'f', -1, 64)
	}
	return d.text(float64(v))
}
