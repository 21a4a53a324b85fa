package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"homefleet/devices/words"
)

// RunsComparison is how runs differ from earlier runs of the same.
type RunsComparison struct {
	Before  int         `json:"runs_before"`
	After   int         `json:"runs_after"`
	Bound   float64     `json:"bound"`   // an adjusted p up to it is a change
	Verdict Change      `json:"verdict"` // the gravest of all figures that are judged
	Deltas  []RunsDelta `json:"deltas"`
	Remarks []string    `json:"remarks,omitempty"` // why the runs may not be comparable at all
}

// RunsDelta is the difference in one figure.
type RunsDelta struct {
	RunFigure
	Before   RunsFigure `json:"before"`
	After    RunsFigure `json:"after"`
	Shift    *Bounds    `json:"shift,omitempty"` // 95 % interval of after less before, in the figure's unit
	P        float64    `json:"p"`               // of the Mann-Whitney U test of this figure alone
	Adjusted float64    `json:"adjusted_p"`      // for all figures that are judged; 1 if this one is not
	Least    float64    `json:"least_p"`         // the smallest adjusted p that so many runs can have
	Judged   bool       `json:"judged"`
	Headline bool       `json:"headline,omitempty"` // one of the few figures that say most
	Verdict  Change     `json:"verdict,omitempty"`  // "" if it is not judged
	Sentence string     `json:"sentence"`
}

// What a difference between runs means, beside [Worse] and [Better].
const (
	Same       Change = "same"         // no difference was found, and one in every run would have been
	TooFewRuns Change = "too few runs" // nor could one have been
)

// CompareRuns compares runs with earlier ones, figure by figure, by the
// Mann-Whitney U test over runs: each run is one sample, whatever there is in
// it. The test asks nothing of how figures are distributed; ties are taken into
// account and the distribution is exact up to 100 runs.
//
// Many figures are compared at once, and of equal runs each has its chance to
// look different. Every p is therefore adjusted for all figures that are judged
// (see adjust): the chance that anything at all is called changed between equal
// runs is at most 2.5 %. Four fifths of that go to the two figures that say most,
// the percentiles 50 and 90 of the response time (where nothing was requested, of
// the first of the other headlines that all runs have), the rest to all others
// together. A figure is worse or better if its adjusted p is at most 2.5 %; the
// same if it is not and so many runs could have told; and too few runs if they
// could not, or if some of them do not have it.
//
// It takes at least seven runs of each to tell anything, and ten to find a
// slowdown of a tenth where the medians of runs differ by some hundredths. Runs
// that were made one after another, first all of these and then all of those,
// differ by all that has changed meanwhile: make them in turn.
func CompareRuns(before, after []*Result) RunsComparison {
	c := RunsComparison{Before: len(before), After: len(after), Bound: significance, Deltas: []RunsDelta{}}
	for _, r := range slices.Concat(before, after)[1:] {
		for _, text := range incomparable(before[0], r) {
			if !slices.Contains(c.Remarks, text) {
				c.Remarks = append(c.Remarks, text)
			}
		}
	}
	c.compare(before, after)
	for i := range c.Deltas {
		d := &c.Deltas[i]
		d.Verdict = c.judge(d)
		d.Sentence = d.sentence()
		if gravity(d.Verdict) < gravity(c.Verdict) {
			c.Verdict = d.Verdict
		}
	}
	if c.Verdict == "" {
		c.Verdict = TooFewRuns // there is no figure that could be judged
	}
	return c
}

// Count is how many figures have a verdict.
func (c *RunsComparison) Count(verdict Change) int {
	n := 0
	for i := range c.Deltas {
		if c.Deltas[i].Verdict == verdict {
			n++
		}
	}
	return n
}

// headlines are of what the figures that say most may be, and headlineShare is
// how much of the chance to be wrong they have.
var headlines = []Metric{ResponseTime, StateDelivery, TelemetryPuback, ConnectConnack}

const headlineShare = 0.8

// compare fills in the differences, with every p.
func (c *RunsComparison) compare(before, after []*Result) {
	distribution := apart(len(before), len(after))
	ranks := make(map[string]*rankSums)
	for _, f := range RunFigures() {
		d := RunsDelta{RunFigure: f, Before: sumUp(f, before), After: sumUp(f, after), P: 1, Adjusted: 1, Least: 1, Judged: f.Sense != 0}
		a, b := d.Before.present(), d.After.present()
		if len(a)+len(b) == 0 {
			continue
		}
		if d.Before.Missing+d.After.Missing == 0 {
			r := newRankSums(a, b)
			ranks[f.Name] = r
			d.P = r.observed()
			if low, high, ok := shift(a, b, distribution); ok {
				d.Shift = &Bounds{Value(low), Value(high)}
			}
		}
		c.Deltas = append(c.Deltas, d)
	}
	headline := ""
	for _, m := range headlines {
		if ranks[m.String()+".p50"] != nil {
			headline = m.String()
			break
		}
	}
	for _, first := range []bool{true, false} {
		var of []*RunsDelta
		var group []*rankSums
		for i := range c.Deltas {
			d := &c.Deltas[i]
			d.Headline = d.Name == headline+".p50" || d.Name == headline+".p90"
			if r := ranks[d.Name]; r != nil && d.Judged && d.Headline == first {
				of, group = append(of, d), append(group, r)
			}
		}
		part := 1.0
		switch {
		case headline == "":
		case first:
			part = headlineShare
		default:
			part = 1 - headlineShare
		}
		adjusted, least := adjust(group)
		for i, d := range of {
			d.Adjusted, d.Least = min(1, adjusted[i]/part), min(1, least/part)
		}
	}
}

// gravity orders what a comparison may come to.
func gravity(v Change) int {
	return slices.Index([]Change{Worse, TooFewRuns, Better, Same, ""}, v)
}

func (c *RunsComparison) judge(d *RunsDelta) Change {
	switch {
	case !d.Judged:
		return ""
	case d.Before.Missing+d.After.Missing > 0:
		return TooFewRuns
	case d.Adjusted <= c.Bound:
		if d.higher() == (d.Sense > 0) {
			return Better
		}
		return Worse
	case d.Least > c.Bound:
		return TooFewRuns
	}
	return Same
}

// higher reports whether the values after lie above those before: more pairs of
// runs have it so than the other way round. The medians may be the same.
func (d *RunsDelta) higher() bool {
	above := 0
	for _, y := range d.After.present() {
		for _, x := range d.Before.present() {
			switch {
			case y > x:
				above++
			case y < x:
				above--
			}
		}
	}
	return above > 0
}

// sentence says what was found.
func (d *RunsDelta) sentence() string {
	if n := d.Before.Missing + d.After.Missing; n > 0 {
		return fmt.Sprintf("%s cannot be compared: %d of the %d runs do not have it", d.Name, n, len(d.Before.Values)+len(d.After.Values))
	}
	text := fmt.Sprintf("%s went from %s to %s", d.Name, d.Text(d.Before.Median), d.Text(d.After.Median))
	if d.Before.Median == d.After.Median {
		text = fmt.Sprintf("%s is %s in both", d.Name, d.Text(d.After.Median))
	}
	if change := d.Change(); change != "" {
		text += " (" + change + ")"
	}
	switch d.Verdict {
	case Worse, Better:
		return fmt.Sprintf("%s, %s: p %s", text, d.Verdict, PText(d.Adjusted))
	case Same:
		return fmt.Sprintf("%s, no difference was found: p %s", text, PText(d.Adjusted))
	case TooFewRuns:
		return text + ", of which nothing can be told: too few runs"
	}
	return text
}

// Change is how far the median has moved, and between what bounds the values
// have, as parts of the median before: "+10.1 % [+9.0, +11.2]". It
// is "" where there is nothing to divide by.
func (d *RunsDelta) Change() string {
	base, diff := float64(d.Before.Median), float64(d.After.Median-d.Before.Median)
	if base == 0 || math.IsInf(base, 0) || math.IsInf(diff, 0) || d.Before.none() || d.After.none() {
		return ""
	}
	part := func(v float64) string { return strings.Replace(fmt.Sprintf("%+.1f", 100*v/base), "-0.0", "+0.0", 1) }
	text := part(diff) + "%"
	if s := d.Shift; s != nil {
		text += fmt.Sprintf(" [%s, %s]", part(float64(s.Low)), part(float64(s.High)))
	}
	return text
}

// none reports whether no run has the figure.
func (x *RunsFigure) none() bool { return x.Missing == len(x.Values) }

// PText is a p for people: "0.012", "< 0.0001".
func PText(p float64) string {
	if p < 0.0001 {
		return "< 0.0001"
	}
	return words.Number(p, 4)
}
