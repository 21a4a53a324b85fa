package metrics

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"homefleet/devices/words"
)

// Expectation is one line of a scenario's [expect] table: a metric, and what
// its value must be.
//
//	[expect]
//	"response.p99"             = "< 250ms"
//	"response.p99{kind=light}" = "<= 300ms"
//	"requests.lost"            = { want = "== 0", abort = true }
//	"requests.late"            = "< 0.1%"
//	"devices.online"           = ">= 99.9%"
//	"requests.rate"            = "between 490/s and 510/s"
//
// The grammar of the key and of the value, with white space allowed between
// the tokens of the value and nowhere else:
//
//	key       = metric [ "{" dimension "=" name "}" ] .
//	metric    = one of the Catalogue .
//	dimension = "kind" | "stage" | "controller" | "phase" | "watcher" .
//
//	want      = operator quantity | "between" quantity "and" quantity .
//	operator  = "<" | "<=" | "==" | "!=" | ">=" | ">" .
//	quantity  = duration | number [ "%" | "/s" | "/min" | "/h" ] .
//	duration  = number unit { number unit } .
//	unit      = "ns" | "us" | "µs" | "ms" | "s" | "m" | "h" .
//	number    = digits [ "." digits ] .
//
// A duration is for metrics of time and a rate for rates. A count is a plain
// whole number, or where the catalogue names a whole, a share of it in
// percent. "between" includes both ends.
//
// With abort the run ends as soon as the expectation cannot hold any more, as
// far as that can be known: see [Expectation.Broken].
type Expectation struct {
	Abort   bool // end the run early
	Implied bool // not the scenario's: see [Implied]

	metric string // as written, without label
	label  Label
	want   want

	figure *figure    // one of these three
	timed  *statistic //
	count  string     //

	series Metric // of timed
	unit   Unit   // of the metric
	of     string // its whole
}

// ExpectFault is what is wrong with one side of an expectation.
type ExpectFault struct {
	InKey      bool // in the metric, not in what is wanted
	Start, End int  // the bytes at fault
	Text       string
	Hint       string // what would be right; may be ""
}

func (f *ExpectFault) Error() string {
	if f.Hint == "" {
		return f.Text
	}
	return f.Text + "; " + f.Hint
}

// ParseExpectation reads one expectation. The name of a label must be one of
// names, if that is not nil. There is at most one fault of the metric and one
// of what is wanted; the expectation is good if there is none.
func ParseExpectation(metric, wanted string, names *LabelNames) (Expectation, []*ExpectFault) {
	var e Expectation
	var faults []*ExpectFault
	fault := e.parseKey(metric, names)
	known := fault == nil
	if fault != nil {
		fault.InKey = true
		faults = append(faults, fault)
	}
	if e.want, fault = parseWant(wanted); fault == nil && known {
		fault = e.fits()
	}
	if fault != nil {
		faults = append(faults, fault)
	}
	return e, faults
}

// parseKey reads the metric with its label.
func (e *Expectation) parseKey(key string, names *LabelNames) *ExpectFault {
	name, label, labelled := strings.Cut(key, "{")
	e.metric = name
	info, ok := e.find(name)
	if !ok {
		f := &ExpectFault{Start: 0, End: len(name), Text: fmt.Sprintf("there is no metric %q", name)}
		if name == "" {
			f.Text = "there is no metric"
		}
		f.Hint = "`homefleet metrics` lists what there is, such as " + strings.Join(closestMetrics(name), ", ")
		if near, ok := nearestMetric(name); ok {
			f.Hint = fmt.Sprintf("did you mean %q? `homefleet metrics` lists them all", near)
		}
		return f
	}
	e.unit, e.of = info.Unit, info.Of
	if !labelled {
		return nil
	}
	at := len(name)
	inner, closed := strings.CutSuffix(label, "}")
	dim, value, ok := strings.Cut(inner, "=")
	switch {
	case !info.Labels && !phased(name):
		return &ExpectFault{Start: at, End: len(key), Text: name + " is of the whole run: it has no labels"}
	case !closed || !ok || dim == "" || value == "" || strings.ContainsAny(inner, "{}"):
		return &ExpectFault{
			Start: at, End: len(key), Text: fmt.Sprintf("%q is no label", key[at:]),
			Hint: "want one such as {kind=light}, {stage=NAME} or {controller=NAME}",
		}
	}
	i := slices.Index(dimensionNames[:], dim)
	if i < int(ByKind) {
		f := &ExpectFault{Start: at + 1, End: at + 1 + len(dim), Text: fmt.Sprintf("there is no label %q", dim)}
		f.Hint = "want one of " + strings.Join(dimensionNames[ByKind:], ", ")
		if near, ok := words.Nearest(dim, dimensionNames[ByKind:]); ok {
			f.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		return f
	}
	e.label = Label{Dimension(i), value}
	if byPhase := e.label.Dimension == ByPhase; byPhase && !phased(name) || !byPhase && !info.Labels {
		f := &ExpectFault{Start: at, End: len(key), Text: name + " has no such label", Hint: "want one such as {phase=connect}"}
		if byPhase {
			f.Text, f.Hint = name+" is of the measuring: it has no phases", "want {kind=NAME}, {stage=NAME} or {controller=NAME}, or none"
		}
		return f
	}
	if watched := strings.HasPrefix(name, "delivery."); watched != (e.label.Dimension == ByWatcher) {
		f := &ExpectFault{Start: at, End: len(key), Text: name + " is of no group of watchers", Hint: "want {kind=NAME}, {stage=NAME} or {controller=NAME}, or none"}
		if watched {
			f.Text, f.Hint = name+" has no such label", "want one such as {watcher=NAME}"
		}
		return f
	}
	if names == nil || slices.Contains(names.of(e.label.Dimension), value) {
		return nil
	}
	start := at + 1 + len(dim) + 1
	f := &ExpectFault{Start: start, End: start + len(value), Text: fmt.Sprintf("the scenario has no %s %q", dim, value)}
	switch known := names.of(e.label.Dimension); {
	case len(known) == 0:
		f.Hint = fmt.Sprintf("it names no %s at all", dim)
	default:
		f.Hint = "want one of " + strings.Join(known, ", ")
		if near, ok := words.Nearest(value, known); ok {
			f.Hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
	return f
}

// find looks a metric up and notes where its value comes from.
func (e *Expectation) find(name string) (MetricInfo, bool) {
	for i := range figureTable {
		if figureTable[i].Name == name {
			e.figure = &figureTable[i]
			return e.figure.MetricInfo, true
		}
	}
	for i := range countTable {
		if countTable[i].name == name {
			e.count = name
			return MetricInfo{Name: name, Unit: UnitCount}, true
		}
	}
	for _, t := range timedTable {
		rest, ok := strings.CutPrefix(name, t.metric.String()+".")
		if !ok {
			continue
		}
		for _, st := range statistics() {
			if st.name == rest {
				e.series, e.timed = t.metric, &st
				info := MetricInfo{Name: name, Unit: UnitTime, Labels: true}
				if st.name == "count" {
					info.Unit = UnitCount
				}
				return info, true
			}
		}
	}
	return MetricInfo{}, false
}

// nearestMetric returns the metric that was most likely meant.
func nearestMetric(name string) (string, bool) {
	all := Catalogue()
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
		// "lost" is as good as "requests.lost", "response" as "response.p99".
		if name != "" && (strings.HasSuffix(names[i], "."+name) || names[i] == name+".p99") {
			return names[i], true
		}
	}
	return words.Nearest(name, names)
}

// closestMetrics returns the three metrics whose names are most like one that is none.
func closestMetrics(name string) []string {
	all := Catalogue()
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	if name == "" {
		return []string{"response.p99", "requests.lost", "devices.online"}
	}
	return words.Closest(name, names, 3)
}

// fits checks that what is wanted is of the metric's kind.
func (e *Expectation) fits() *ExpectFault {
	ends := []quantity{e.want.a}
	if e.want.op == opBetween {
		ends = append(ends, e.want.b)
	}
	for _, q := range ends {
		f := &ExpectFault{Start: q.start, End: q.end}
		var ok bool
		switch e.unit {
		case UnitTime:
			ok = q.unit == UnitTime
			f.Text, f.Hint = e.metric+" is a time", `want a number with a unit, such as "250ms"`
		case UnitRate:
			ok = q.unit == UnitRate
			f.Text, f.Hint = e.metric+" is a rate", `want one such as "490/s"`
		case UnitCount:
			switch {
			case q.unit == UnitShare && e.of == "":
				f.Text, f.Hint = e.metric+" is a count of which there is no whole", "want a whole number"
			case q.unit == UnitShare:
				ok = q.value <= 100
				f.Text = "a share is at most 100%"
			default:
				ok = q.unit == UnitCount && q.whole
				f.Text, f.Hint = e.metric+" is a count", "want a whole number"
				if e.of != "" {
					f.Hint = fmt.Sprintf("want a whole number, or a share of %s such as \"1%%\"", e.of)
				}
			}
		}
		if !ok {
			return f
		}
	}
	if e.want.op == opBetween {
		a, b := e.want.a, e.want.b
		if a.unit != b.unit {
			return &ExpectFault{Start: b.start, End: b.end, Text: "one end is a share and the other a number", Hint: "want both alike"}
		}
		if a.value > b.value {
			return &ExpectFault{Start: a.start, End: b.end, Text: "the first end is above the second", Hint: "swap them"}
		}
	}
	return nil
}

// Metric returns the metric with its label, as in the scenario.
func (e *Expectation) Metric() string { return e.metric + e.label.String() }

// Want returns what is wanted, as in the scenario but for the white space.
func (e *Expectation) Want() string { return e.want.String() }

// String returns both: "response.p99 < 250ms".
func (e *Expectation) String() string { return e.Metric() + " " + e.Want() }

// Series returns the distribution that the expectation is about, for
// [Recorder.Progress]. ok is false if it is about something else.
func (e *Expectation) Series() (s Series, ok bool) {
	return Series{e.series, e.label}, e.timed != nil
}

// CanAbort returns an error that says why abort has no sense for this
// expectation, or nil.
func (e *Expectation) CanAbort() error {
	switch {
	case e.want.op == opMoreThan || e.want.op == opAtLeast || e.want.op == opNot:
		return errors.New("cannot end a run early: what is too little now may be enough later; want <, <=, == or between")
	case e.metric == "wills.missing":
		return errors.New("cannot end a run early: a Will that is missing may still come, late")
	case strings.HasPrefix(e.metric, "retained."):
		return fmt.Errorf("cannot end a run early: %s is known in the end only", e.metric)
	case e.figure != nil && !e.figure.grows, e.timed != nil && e.timed.name == "min":
		return fmt.Errorf("cannot end a run early: %s goes up and down", e.metric)
	}
	return nil
}
