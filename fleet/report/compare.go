package report

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// comparison is a comparison in the words and order of its page.
type comparison struct {
	frame
	Name    string
	Remarks []string
	Changes []string // the sentences of what is more than noise, worse first
	Sides   []side
	Rows    []deltaRow
}

// side is one of the two results.
type side struct {
	Name    string
	Verdict verdict
	Pairs   []pair
}

// deltaRow is one figure of both.
type deltaRow struct {
	Name, Before, After, Change, Noise string
	Class, Sign, Verdict, Sentence     string
}

// Compare writes a comparison of two results as one self-contained page, as
// [HTML] does.
func Compare(w io.Writer, c metrics.Comparison, before, after *metrics.Result) error {
	p := &comparison{
		frame: newFrame(nameOf(after) + ": compared · homefleet"), Name: nameOf(after), Remarks: capitals(c.Remarks),
		Sides: []side{newSide("Before", before), newSide("After", after)},
	}
	for _, g := range changeGroups {
		for _, d := range c.Deltas {
			if d.Verdict != g.change {
				continue
			}
			row := newDeltaRow(d)
			row.Class = g.class
			if d.Verdict != metrics.Within && d.Verdict != metrics.CannotTell {
				p.Changes = append(p.Changes, d.Sentence)
			}
			p.Rows = append(p.Rows, row)
		}
	}
	return render(w, compareSource, p)
}

func newSide(name string, r *metrics.Result) side {
	s := side{Name: name, Verdict: newVerdict(r)}
	started := ""
	if !r.Started.IsZero() {
		started = moment(r.Started)
	}
	for _, p := range []pair{
		{"Scenario", r.Scenario.Name, ""}, {"SHA-256", r.Scenario.Digest, ""}, {"Run", r.Run, ""}, {"Broker", cmp.Or(brokerName(r), r.Broker.URL), ""},
		{"Measured", span(r.Measured), ""}, {"Began", started, ""}, {"Planned", words.Grouped(r.Totals.Planned), ""}, {"Answered", words.Grouped(r.Totals.Answered), ""},
		{"Attended", r.AttendedText(), ""}, {"homefleet", r.Tool, ""},
	} {
		if p.Value != "" {
			s.Pairs = append(s.Pairs, p)
		}
	}
	return s
}

func newDeltaRow(d metrics.Delta) deltaRow {
	row := deltaRow{
		Name: d.Name, Before: valueText(d.Unit, d.Before), After: valueText(d.Unit, d.After), Change: "from 0", Noise: none,
		Verdict: string(d.Verdict), Sentence: capital(d.Sentence),
	}
	switch diff := d.After - d.Before; {
	case diff == 0:
		row.Change = "none"
	case d.Before != 0:
		const many = 10 // from here on a factor says more than a share
		if ratio := d.After / d.Before; ratio >= many {
			row.Change = fmt.Sprintf("× %.0f", ratio)
		} else {
			row.Change = fmt.Sprintf("%+.1f%%", 100*diff/d.Before)
		}
	}
	if d.Method != "" {
		row.Noise = "± " + valueText(d.Unit, d.Noise)
	}
	switch {
	case d.After > d.Before:
		row.Sign = "▲"
	case d.After < d.Before:
		row.Sign = "▼"
	}
	return row
}

// valueText is a value of a delta: seconds, percent, events a second.
func valueText(u metrics.Unit, v float64) string {
	switch u {
	case metrics.UnitTime:
		return words.Span(time.Duration(v * float64(time.Second)))
	case metrics.UnitRate:
		return words.Rate(v)
	case metrics.UnitShare:
		return words.Percent(v, 2)
	}
	return words.Number(v, 3)
}
