package report

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/fleet/metrics"
)

// sorted are expectations, failed ones first, else in the order of the scenario.
func sorted(all []metrics.Expected) []metrics.Expected {
	order := []metrics.Status{metrics.Fail, metrics.NoData, metrics.Pass}
	return slices.SortedStableFunc(slices.Values(all), func(a, b metrics.Expected) int {
		return slices.Index(order, a.Status) - slices.Index(order, b.Status)
	})
}

// tally says how many of some expectations hold, or "" if there is none.
func tally(all []metrics.Expected) string {
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d hold", len(all)-len(unkept(all)), len(all))
}

// unkept are the expectations that do not hold.
func unkept(all []metrics.Expected) []metrics.Expected {
	return slices.DeleteFunc(slices.Clone(all), func(x metrics.Expected) bool { return x.Status == metrics.Pass })
}

// needsSentence reports whether what is wanted and what was measured do not say
// by themselves why an expectation does not hold.
func needsSentence(x metrics.Expected) bool {
	return x.Status != metrics.Pass && (x.Status != metrics.Fail || x.Value == nil)
}

// actualText is the value of an expectation, and what it rests on if that is not
// much, or not all there was.
func actualText(x metrics.Expected) string {
	switch {
	case x.Actual == "":
		return none
	case x.Note != "":
		return x.Actual + ", " + x.Note
	}
	return x.Actual
}

// unkeptText says how many expectations do not hold, and of how many nobody can
// tell, or "" if all hold.
func unkeptText(r *metrics.Result) string {
	own, implied := r.Expected()
	var parts []string
	for _, x := range []struct {
		all     []metrics.Expected
		one, of string
	}{
		{own, "the one expectation", "%d of %d expectations"},
		{implied, "the one implied expectation", "%d of the %d implied expectations"},
	} {
		failed, undecided := 0, 0
		for _, e := range x.all {
			switch e.Status {
			case metrics.Pass:
			case metrics.Fail:
				failed++
			default:
				undecided++
			}
		}
		subject := func(n int) string {
			if len(x.all) == 1 {
				return x.one
			}
			return fmt.Sprintf(x.of, n, len(x.all))
		}
		switch {
		case failed == 1:
			parts = append(parts, subject(1)+" does not hold")
		case failed > 1:
			parts = append(parts, subject(failed)+" do not hold")
		}
		if undecided > 0 {
			parts = append(parts, subject(undecided)+" could not be decided")
		}
	}
	return strings.Join(parts, ", and ")
}

// expectationsOf are the rows of the page's tables.
func expectationsOf(all []metrics.Expected) []expectation {
	var rows []expectation
	for _, x := range sorted(all) {
		row := expectation{Class: "warn", Status: string(x.Status), Metric: x.Metric, Want: x.Want, Actual: actualText(x)}
		switch x.Status {
		case metrics.Pass:
			row.Class = "good"
		case metrics.Fail:
			row.Class = "bad"
		}
		if needsSentence(x) {
			row.Note = capital(x.Sentence)
		}
		rows = append(rows, row)
	}
	return rows
}

// expectedTable is a table of expectations.
type expectedTable struct {
	Name, Caption string
	Rows          []expectation
}

// ExpectedTable has the expectations of the scenario.
func (p *page) ExpectedTable() expectedTable {
	return expectedTable{"Expectations", "What the scenario wants, and what was measured; failed ones first", p.Expectations}
}

// ImpliedTable has those that it does not state.
func (p *page) ImpliedTable() expectedTable {
	return expectedTable{"Implied expectations", "What every run that sends requests is expected to do, unless the scenario says otherwise", p.Implied}
}

// expectations writes those of the scenario, and those that are implied.
func (w *writer) expectations(r *metrics.Result) {
	own, implied := r.Expected()
	w.expected("expectations", own)
	w.expected("implied", implied)
}

func (w *writer) expected(name string, all []metrics.Expected) {
	if len(all) == 0 {
		return
	}
	rows := sorted(all)
	w.heading(name + ": " + tally(all))
	const indent, gap, statusWidth = 2, 2, len(metrics.NoData)
	metric, want := 0, 0
	for _, x := range rows {
		metric, want = max(metric, width(clean(x.Metric))), max(want, width(clean(x.Want)))
	}
	for _, x := range rows {
		status := clip(clean(string(x.Status)), statusWidth)
		actual := clean(actualText(x))
		head := strings.Repeat(" ", indent) + w.paint(statusStyle(x.Status), pad(status, statusWidth)) + strings.Repeat(" ", gap)
		left := indent + statusWidth + gap
		if left+metric+gap+want+gap+width(actual) <= w.width {
			w.line(head, pad(clean(x.Metric), metric+gap), pad(clean(x.Want), want+gap), actual)
		} else {
			lines := wrap(clean(x.Metric), w.width-left)
			w.line(head, first(lines))
			for _, l := range rest(lines) {
				w.line(strings.Repeat(" ", left), l)
			}
			w.wrapped(left, "want "+clean(x.Want)+", got "+actual)
		}
		if needsSentence(x) {
			for _, l := range wrap(clean(x.Sentence), w.width-left) {
				w.line(strings.Repeat(" ", left), w.paint(Dim, l))
			}
		}
	}
}
