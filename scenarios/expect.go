package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/fleet/metrics"
	"homefleet/scenarios/tomlfault"
)

func readExpect(r *reader) {
	readExpectations(r.s, r.top.Table("expect"), "")
}

// readExpectations reads the expectations of a table. A metric has points in
// its name, which TOML takes for tables within tables unless the key is in
// quotation marks; both ways are one.
func readExpectations(s *Scenario, t *tomlfault.Table, prefix string) {
	for _, key := range t.Keys() {
		metric := prefix + key
		if on, ok := t.IsBool(key); ok && !on {
			s.dropExpectation(metric)
			switch implied := slices.Contains(metrics.ImpliedMetrics(), metric); {
			case implied:
				s.Without = append(s.Without, metric)
			case !t.Overlaid(key):
				t.Errorf(key, "remove it", "false is for what is implied (%s), or for a size that does without an expectation of the file",
					strings.Join(metrics.ImpliedMetrics(), ", "))
			}
			continue
		}
		if !t.IsTable(key) {
			readExpectation(s, t, key, t, key, metric, false)
			continue
		}
		sub := t.Table(key)
		if !isMetric(metric) && !sub.Has("want") && !sub.Has("abort") {
			readExpectations(s, sub, metric+".")
			continue
		}
		if !sub.Has("want") {
			sub.Errorf("want", `add want = "== 0", say`, "an expectation that does not say what is wanted")
		}
		abort := false
		sub.Bool("abort", &abort)
		readExpectation(s, t, key, sub, "want", metric, abort)
	}
}

// isMetric reports whether a name is a metric's, and not only the first part of
// some.
func isMetric(name string) bool {
	_, faults := metrics.ParseExpectation(name, "", nil)
	return !slices.ContainsFunc(faults, func(f *metrics.ExpectFault) bool { return f.InKey })
}

// readExpectation reads what is wanted of a metric: the metric stands at a key
// of one table, what is wanted at one of another, or at the same.
func readExpectation(s *Scenario, t *tomlfault.Table, key string, in *tomlfault.Table, at, metric string, abort bool) {
	var want string
	is := func(value string) string { return fmt.Sprintf("did you mean \"== %s\"?", value) }
	if !in.TextLike(at, `what it must be, such as "== 0"`, is, &want) {
		return
	}
	e, faults := metrics.ParseExpectation(metric, want, nil)
	for _, f := range faults {
		place := in.At(at)
		if f.InKey {
			place = t.At(key)
			place.Key = true
		}
		narrow(&place, f, len(metric)-len(key))
		in.ErrorAt(place, f.Hint, "%s", f.Text)
	}
	if len(faults) > 0 {
		return
	}
	if t.Overlaid(key) {
		s.dropExpectation(metric) // which may have been written the other way
	}
	for i := range s.Expect {
		if s.Expect[i].Metric() == e.Metric() {
			place := t.At(key)
			place.Key = true
			in.ErrorAt(place, "say both at once with between, as in \"between 1ms and 2ms\"", "%s stands there twice", e.Metric())
			return
		}
	}
	e.Abort = abort
	s.Expect = append(s.Expect, e)
}

func (s *Scenario) dropExpectation(metric string) {
	s.Expect = slices.DeleteFunc(s.Expect, func(e metrics.Expectation) bool { return e.Metric() == metric })
}

// narrow makes a place that of the fault's bytes. The first bytes of a metric
// may be those of the tables around its key.
func narrow(place *tomlfault.Place, f *metrics.ExpectFault, around int) {
	start, end := f.Start, f.End
	if f.InKey {
		start, end = start-around, end-around
	}
	if start >= 0 && end > start {
		place.Offset, place.Width = start, end-start
	}
}

func checkExpect(c *checker) {
	names := c.s.LabelNames()
	for i := range c.s.Expect {
		e := &c.s.Expect[i]
		path := c.expectPath(e.Metric())
		_, faults := metrics.ParseExpectation(e.Metric(), e.Want(), &names)
		for _, f := range faults {
			place := tomlfault.Place{Path: path, Key: f.InKey}
			if f.InKey {
				narrow(&place, f, 0)
			}
			c.doc.Errorf(place, f.Hint, "%s", f.Text)
		}
		if err := e.CanAbort(); e.Abort && err != nil && len(faults) == 0 {
			c.doc.Errorf(tomlfault.Place{Path: path + ".abort"}, "remove it", "%v", err)
		}
	}
}

// expectPath is where a metric stands: as a key of its own, or as tables within
// tables.
func (c *checker) expectPath(metric string) string {
	if plain := "expect." + metric; c.doc.Holds(plain) {
		return plain
	}
	return "expect." + tomlfault.Quote(metric)
}
