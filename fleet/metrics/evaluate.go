package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
)

// Status is what became of an expectation.
type Status string

// Only a pass is one: where there is no data nothing was shown to hold.
const (
	Pass   Status = "pass"
	Fail   Status = "fail"
	NoData Status = "no data"
)

// Expected is an expectation with its actual value.
type Expected struct {
	Metric   string   `json:"metric"`
	Want     string   `json:"want"`
	Abort    bool     `json:"abort,omitempty"`
	Implied  bool     `json:"implied,omitempty"` // not the scenario's
	Status   Status   `json:"status"`
	Actual   string   `json:"actual,omitempty"` // for people
	Value    *float64 `json:"value,omitempty"`  // seconds, percent, events a second, or a number; nil if there is none
	Unit     string   `json:"unit"`             // "time", "share", "rate" or "count"
	Sentence string   `json:"sentence"`
	Note     string   `json:"note,omitempty"` // what the value rests on, where it is not on much or not on all
}

// evenEarly is how many there must be of a whole before a share of it may end
// a run.
const evenEarly = 1000

// Never is the actual value of a time that did not come: of a recovery that
// some devices are missing from.
const Never = "never"

// Evaluate compares the metric's value in s with what is wanted. A percentile is
// that of the nearest rank, however few samples there are; a note says so. What
// never came to be is a failure whatever was wanted, and so is a percentile that
// is no time, since so many requests had no answer.
func (e *Expectation) Evaluate(s *Snapshot) Expected {
	x, _, _ := e.evaluate(s)
	return x
}

// evaluate also returns the value in the unit of what is wanted, and its whole.
func (e *Expectation) evaluate(s *Snapshot) (x Expected, v, whole float64) {
	unit := e.want.a.unit
	x = Expected{Metric: e.Metric(), Want: e.Want(), Abort: e.Abort, Implied: e.Implied, Unit: unit.String()}
	v, whole, why := e.value(s)
	if e.Implied && e.metric == unacknowledgedMetric && s.Totals.Sent > 0 && s.Totals.ToAcknowledge == 0 {
		x.Status, x.Actual, x.Value = Pass, "0%", new(0.0)
		x.Sentence = x.Metric + " is 0%: the broker's Maximum QoS is 0, so that there was nothing to acknowledge"
		return x, 0, 0
	}
	if why == "" && unit == UnitShare {
		part := v
		if v = share(part, whole); whole == 0 {
			why = "there is none of " + e.of
		} else {
			x.Actual = fmt.Sprintf("%s (%s of %s)", words.Percent(v, e.want.decimals(v, 4)), words.Grouped(int64(part)), words.Grouped(int64(whole)))
		}
	}
	if why != "" {
		x.Status = NoData
		x.Sentence = fmt.Sprintf("%s has no value: %s", x.Metric, why)
		return x, 0, 0
	}
	if e.timed != nil {
		h := s.Series[Series{e.series, e.label}]
		x.Note = e.timed.note(h)
		if math.IsInf(v, 1) {
			x.Status, x.Actual = Fail, "> "+h.Bound().Round(time.Millisecond).String()
			x.Sentence = fmt.Sprintf("%s is %s: %s; want %s", x.Metric, x.Actual, noTime(h), x.Want)
			return x, v, whole
		}
	}
	if e.figure != nil {
		basis, _ := evidenceOf(e.metric, s, e.label)
		x.Note = basis.note
		if e.metric == notSentMetric && e.label.Dimension == All && !e.want.holds(v) {
			x.Note = s.Totals.NotSent.causes()
		}
	}
	if math.IsInf(v, 1) {
		x.Status, x.Actual = Fail, Never
		x.Sentence = fmt.Sprintf("%s is never: %s; want %s", x.Metric, recoveryParts[e.metric].missing(s), x.Want)
		return x, v, whole
	}
	switch unit {
	case UnitTime:
		d := time.Duration(v).Round(time.Microsecond)
		if e.want.holds(float64(d)) != e.want.holds(v) {
			d = time.Duration(v)
		}
		x.Actual = d.String()
		x.Value = new(v / float64(time.Second))
	case UnitRate:
		x.Actual = words.Number(v, e.want.decimals(v, 2)) + "/s"
		x.Value = new(v)
	case UnitCount:
		x.Actual = words.Grouped(int64(v))
		x.Value = new(v)
	case UnitShare:
		x.Value = new(v)
	}
	actual := x.Actual
	if x.Note != "" {
		actual += ", " + x.Note
	}
	if e.want.holds(v) {
		x.Status = Pass
		x.Sentence = fmt.Sprintf("%s is %s, as wanted: %s", x.Metric, actual, x.Want)
	} else {
		x.Status = Fail
		x.Sentence = fmt.Sprintf("%s is %s; want %s", x.Metric, actual, x.Want)
	}
	return x, v, whole
}

// note says on what a statistic rests, if that is little or not all there was.
func (st *statistic) note(h *Histogram) string {
	switch {
	case st.percentile > 0 && h.Few(st.percentile):
		return "few samples (" + words.Grouped(h.Total()) + ")"
	case (st.name == "mean" || st.name == "min") && h.Unanswered() > 0:
		return "of the " + words.Grouped(h.Count()) + " of " + words.Grouped(h.Total()) + " that were answered"
	}
	return ""
}

// noTime says why a percentile or maximum is no time.
func noTime(h *Histogram) string {
	n, of := h.Unanswered(), h.Total()
	if n == of {
		return fmt.Sprintf("none of %s was answered", words.Grouped(of))
	}
	return fmt.Sprintf("%s of %s (%s) had no answer, and are slower than all that had",
		words.Grouped(n), words.Grouped(of), words.Percent(share(float64(n), float64(of)), 1))
}

// value returns the metric's value and its whole, or why there is none.
func (e *Expectation) value(s *Snapshot) (v, whole float64, why string) {
	switch {
	case e.timed != nil:
		h := s.Series[Series{e.series, e.label}]
		switch {
		case h.Total() == 0:
			return 0, 0, "nothing was measured of it"
		case h.Count() == 0 && (e.timed.name == "mean" || e.timed.name == "min"):
			return 0, 0, noTime(h)
		}
		return timedValue(h, *e.timed), 0, ""
	case e.figure != nil:
		v, whole, ok := e.figure.value(s, e.label)
		watched := strings.HasPrefix(e.metric, "delivery.")
		if basis, has := evidenceOf(e.metric, s, e.label); has && basis.looked == 0 && (ok || watched) {
			return 0, 0, basis.none
		}
		switch {
		case ok:
			return v, whole, ""
		case watched:
			return 0, 0, "no state or telemetry was sent to a watcher"
		case strings.HasPrefix(e.metric, "wills."):
			return 0, 0, "there was no audit of Wills"
		case strings.HasPrefix(e.metric, "retained."):
			return 0, 0, "nobody compared what the broker retained"
		case ofRecovery(e.metric):
			return 0, 0, noRecovery(s)
		case strings.HasPrefix(e.metric, "devices."):
			return 0, 0, "there is no device"
		case strings.HasPrefix(e.metric, "answers.") && s.Totals.Planned > 0:
			return 0, 0, "there was no answer"
		}
		return 0, 0, "no request was planned" + forLabel(e.label)
	case e.count != "":
		n, ok := s.Counts[e.count]
		if e.label.Dimension == ByPhase {
			n = s.CountsApart[e.label.Name][e.count]
		}
		if !ok {
			return 0, 0, "this run did not count it"
		}
		return float64(n), 0, baseless(e.count, s.Counts)
	}
	return 0, 0, "there is no such metric"
}

// noRecovery says why there is nothing to tell of devices that came back. What
// is still open as a run is interrupted is no recovery.
func noRecovery(s *Snapshot) string {
	switch {
	case len(s.Recoveries) == 0:
		return "no incident that befell a device came to its end"
	case !slices.ContainsFunc(s.Recoveries, func(r Recovery) bool { return r.Affected > 0 }):
		return "the incidents befell no device"
	}
	return "nobody asked the devices"
}

func forLabel(l Label) string {
	if l.Dimension == All {
		return ""
	}
	return " for this " + l.Dimension.String()
}

// Broken reports whether the expectation has failed and it is of no use to go
// on: what only grows is above its bound, a percentile or mean that rests on
// enough samples (100 lie above it) is above its bound at present, or a share would be above its
// bound even if there were 1,000 of its whole. It is false whatever the values
// if [Expectation.CanAbort] has an objection. It does not look at Abort.
func (e *Expectation) Broken(s *Snapshot) bool {
	if e.CanAbort() != nil {
		return false
	}
	x, v, whole := e.evaluate(s)
	if x.Status != Fail || !e.want.exceeded(v) {
		return false
	}
	switch {
	case e.timed != nil && e.timed.percentile > 0:
		return !s.Series[Series{e.series, e.label}].Few(e.timed.percentile)
	case e.timed != nil && e.timed.name == "mean":
		return s.Series[Series{e.series, e.label}].Count() >= enoughAbove
	case e.want.a.unit == UnitShare:
		return e.want.exceeded(v * whole / math.Max(whole, evenEarly))
	}
	return true
}
