package report

import (
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// offline is the section of what became of Will Messages.
type offline struct {
	Tiles   []tile
	Slack   string
	Columns []string // the judgements that occurred
	Zero    string   // those that did not
	Rows    []offlineRow
	Notes   []note
}

// offlineRow is a way to go with its figures, in the order of the columns.
type offlineRow struct {
	Class, Name string
	Words       string // the judgements, where there is no room for their columns
	Cells       []mood
}

// mood is a figure and how it looks.
type mood struct{ Class, Value string }

// note is a sentence that is good, bad or neither.
type note struct{ Class, Text string }

// newOffline returns nil if nobody looked at Wills.
func newOffline(r *metrics.Result) *offline {
	a := auditOf(r)
	if a == nil {
		return nil
	}
	o := &offline{Slack: slackText(a.Slack)}
	if t := a.Wills; t != (metrics.WillTotals{}) {
		o.Tiles = willTiles(&t)
		o.table(a)
	}
	if s := unjudgedText(&a.Wills); s != "" {
		o.Notes = append(o.Notes, note{"", capital(s) + "."})
	}
	if s := testedText(a); s != "" {
		o.Notes = append(o.Notes, note{"", capital(s) + "."})
	}
	if s := consumedText(a); s != "" {
		o.Notes = append(o.Notes, note{"", capital(s) + "."})
	}
	if a.Retained != nil {
		text, bad := retainedText(a.Retained)
		n := note{"good", capital(text) + "."}
		if bad {
			n.Class = "bad"
		} else if a.Retained.Checked == 0 {
			n.Class = ""
		}
		o.Notes = append(o.Notes, n)
	}
	return o
}

func willTiles(t *metrics.WillTotals) []tile {
	bad := func(name string, n int64, note string) tile {
		x := tile{Name: name, Value: words.Grouped(n), Note: note}
		if n > 0 {
			x.Class = "bad"
		}
		return x
	}
	share := func(n, whole int64, of string) string {
		if s := words.Share(n, whole); s != "" {
			return s + " of " + of
		}
		return ""
	}
	return []tile{
		{Name: "Outages", Value: words.Grouped(t.Outages), Note: "of which " + words.Grouped(t.Due) + " with a Will to follow"},
		{Name: "Wills seen", Value: words.Grouped(t.Messages), Note: "of " + words.Grouped(t.Due) + " expected"},
		{Name: "On time", Value: words.Grouped(t.OnTime), Note: share(t.OnTime, t.Due, "those expected")},
		bad("Early, late or missing", t.Early+t.Late+t.Missing, share(t.Early+t.Late+t.Missing, t.Due, "those expected")),
		bad("Too many or altered", t.Duplicate+t.Unexpected+t.Altered, "duplicate, unexpected or altered"),
	}
}

// table lists the ways to go. Judgements that no Will met are named below it.
func (o *offline) table(a *metrics.Audit) {
	var shown []judgement
	var zero []string
	for _, j := range judgements {
		if j.of(&a.Wills) != 0 {
			shown = append(shown, j)
			o.Columns = append(o.Columns, capital(j.name))
		} else {
			zero = append(zero, j.name)
		}
	}
	o.Zero = strings.Join(zero, ", ")
	o.Columns = append([]string{"On time"}, o.Columns...)
	for _, w := range wayRows(a) {
		t := w.Totals
		row := offlineRow{Class: "good", Name: w.Name, Words: w.Words}
		if w.Bad {
			row.Class = "bad"
		}
		for _, n := range []int64{t.Outages, t.Due, t.Messages} {
			row.Cells = append(row.Cells, mood{"", words.Grouped(n)})
		}
		row.Cells = append(row.Cells, mood{"judged", words.Grouped(t.OnTime)})
		for _, j := range shown {
			c := mood{"judged quiet", words.Grouped(j.of(&t))}
			if j.fault && j.of(&t) != 0 {
				c.Class = "judged bad"
			}
			row.Cells = append(row.Cells, c)
		}
		o.Rows = append(o.Rows, row)
	}
}
