package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// RunsText writes what several runs of one measurement have in common for a
// terminal: how they ended, and of every figure the median over the runs, the
// interval it lies in, the least and the greatest value. It ends with what the first of
// the runs is of.
func RunsText(out io.Writer, all *metrics.Runs, opt TextOptions) error {
	w := newWriter(opt)
	w.heading(runsHeading(all))
	for _, e := range runEnds(all) {
		w.wrapped(2, w.paint(Bad, e))
	}
	w.heading("figures over the runs")
	rows := figureRows(all)
	if len(rows) == 0 {
		w.wrapped(2, "no run measured anything")
	} else {
		w.table(append([][]string{{"", "median", intervalName, "least", "most"}}, rows...))
		for _, note := range figureNotes(all) {
			w.wrapped(2, note)
		}
	}
	w.facts("the first of the runs", all.Results[0])
	return w.flush(out)
}

const intervalName = "95% interval"

// table writes cells in columns: the first one at the left, the others at the
// right. The first row are the headings.
func (w *writer) table(cells [][]string) {
	widths := columnWidths(cells)
	for i, row := range cells {
		line := "  " + pad(row[0], widths[0])
		for j, c := range row[1:] {
			line += "  " + lead(c, widths[j+1])
		}
		if i == 0 {
			line = w.paint(Dim, strings.TrimRight(line, " "))
		}
		w.line(line)
	}
}

// runsHeading is "10 runs of steady.toml: 9 pass, 1 fail".
func runsHeading(all *metrics.Runs) string {
	var verdicts []metrics.Verdict
	counts := make(map[metrics.Verdict]int)
	for _, r := range all.Results {
		if counts[r.Verdict] == 0 {
			verdicts = append(verdicts, r.Verdict)
		}
		counts[r.Verdict]++
	}
	slices.SortStableFunc(verdicts, func(a, b metrics.Verdict) int { return cmp.Compare(counts[b], counts[a]) })
	var parts []string
	for _, v := range verdicts {
		parts = append(parts, fmt.Sprintf("%d %s", counts[v], clean(cmp.Or(string(v), "without a verdict"))))
	}
	n := words.Plural(int64(len(all.Results)), "run", "runs")
	if len(all.Results) < all.Planned {
		n = fmt.Sprintf("%d of %d runs", len(all.Results), all.Planned)
	}
	return fmt.Sprintf("%s of %s: %s", n, clean(nameOf(all.Results[0])), strings.Join(parts, ", "))
}

// runEnds says of the runs that are no pass why they are none.
func runEnds(all *metrics.Runs) []string {
	var list []string
	for i, r := range all.Results {
		if !r.Verdict.Good() {
			list = append(list, fmt.Sprintf("run %d (%s): %s: %s", i+1, clean(cmp.Or(r.Run, "no id")), clean(string(r.Verdict)), clean(strings.Join(r.Sentences, "; "))))
		}
	}
	return list
}

// figureRows are the figures that are not 0 in every run.
func figureRows(all *metrics.Runs) [][]string {
	var rows [][]string
	for i := range all.Figures {
		f := &all.Figures[i]
		if nothing(f) {
			continue
		}
		interval := none
		if f.Interval != nil {
			interval = f.Text(f.Interval.Low) + " to " + f.Text(f.Interval.High)
		}
		rows = append(rows, []string{f.Name, f.Text(f.Median), interval, f.Text(f.Least), f.Text(f.Most)})
	}
	return rows
}

// nothing reports whether a share is 0 in every run.
func nothing(f *metrics.RunsFigure) bool {
	return f.Unit == metrics.UnitShare && f.Missing == 0 && f.Least == 0 && f.Most == 0
}

// figureNotes say what is not in the rows.
func figureNotes(all *metrics.Runs) []string {
	var zero, missing, notes []string
	for i := range all.Figures {
		f := &all.Figures[i]
		switch {
		case nothing(f):
			zero = append(zero, f.Name)
		case f.Missing > 0:
			missing = append(missing, fmt.Sprintf("%s (%d of %d)", f.Name, len(f.Values)-f.Missing, len(f.Values)))
		}
	}
	if zero != nil {
		notes = append(notes, "0 in every run: "+strings.Join(zero, ", "))
	}
	if missing != nil {
		notes = append(notes, "only some of the runs have: "+strings.Join(missing, ", "))
	}
	switch n := len(all.Results); {
	case n == 1:
		notes = append(notes, "one run says nothing of how runs differ")
	case n == 2:
		notes = append(notes, "these are two runs: an interval of the median takes at least six")
	case n < 6:
		notes = append(notes, fmt.Sprintf("%s: an interval of these is of %d runs; it takes at least six", none, n))
	}
	return notes
}

// CompareRunsText writes a comparison of runs for a terminal: what is worse or
// better first, with its sentence, then of what nothing can be told, then what
// is the same. before and after say what the runs are.
func CompareRunsText(out io.Writer, c *metrics.RunsComparison, before, after string, opt TextOptions) error {
	w := newWriter(opt)
	w.heading("compared over runs")
	w.wrapped(2, fmt.Sprintf("before  %s: %s", words.Plural(int64(c.Before), "run", "runs"), clean(before)))
	w.wrapped(2, fmt.Sprintf("after   %s: %s", words.Plural(int64(c.After), "run", "runs"), clean(after)))
	for _, s := range c.Remarks {
		w.wrapped(2, "note: "+clean(s))
	}
	for _, g := range []struct {
		verdict metrics.Change
		style   Style
	}{{metrics.Worse, Bad}, {metrics.Better, Good}} {
		w.changedRuns(c, g.verdict, g.style)
	}
	for _, g := range []struct {
		verdict metrics.Change
		heading string
	}{{metrics.TooFewRuns, "too few runs"}, {metrics.Same, "same"}, {"", "not judged"}} {
		rows := comparedRows(c, g.verdict, medianInterval)
		if tableWidth(rows) > w.width {
			rows = comparedRows(c, g.verdict, medianText)
		}
		if len(rows) > 1 {
			w.heading(fmt.Sprintf("%s: %d", g.heading, len(rows)-1))
			w.table(rows)
		}
	}
	w.heading("verdict: " + string(c.Verdict))
	w.wrapped(2, runsVerdict(c))
	return w.flush(out)
}

func (w *writer) changedRuns(c *metrics.RunsComparison, verdict metrics.Change, style Style) {
	first := true
	for i := range c.Deltas {
		d := &c.Deltas[i]
		if d.Verdict != verdict {
			continue
		}
		if first {
			w.heading(string(verdict))
			first = false
		}
		for j, l := range wrap(clean(d.Sentence), w.width-4) {
			if j == 0 {
				w.line("  ", w.paint(style, l))
			} else {
				w.line("    ", l)
			}
		}
	}
}

// comparedRows are the figures with a verdict, but for what is 0 in every run.
func comparedRows(c *metrics.RunsComparison, verdict metrics.Change, median func(*metrics.RunsFigure) string) [][]string {
	rows := [][]string{{"", "before", "after", "change", "p"}}
	for i := range c.Deltas {
		d := &c.Deltas[i]
		if d.Verdict != verdict || nothing(&d.Before) && nothing(&d.After) {
			continue
		}
		p := none
		if d.Judged {
			p = metrics.PText(d.Adjusted)
		}
		rows = append(rows, []string{d.Name, median(&d.Before), median(&d.After), cmp.Or(d.Change(), none), p})
	}
	return rows
}

// tableWidth is the columns that a table takes.
func tableWidth(rows [][]string) int {
	sum := 0
	for _, w := range columnWidths(rows) {
		sum += 2 + w
	}
	return sum
}

// medianText is a median over runs.
func medianText(f *metrics.RunsFigure) string {
	if f.Missing == len(f.Values) {
		return none
	}
	return f.Text(f.Median)
}

// medianInterval is a median with the interval it lies in.
func medianInterval(f *metrics.RunsFigure) string {
	if f.Interval == nil {
		return medianText(f)
	}
	return fmt.Sprintf("%s [%s, %s]", f.Text(f.Median), f.Text(f.Interval.Low), f.Text(f.Interval.High))
}

// runsVerdict says what a comparison of runs came to.
func runsVerdict(c *metrics.RunsComparison) string {
	const enough = 7 // of each; the more, the smaller the difference that is found
	switch {
	case c.Verdict == metrics.Worse || c.Verdict == metrics.Better:
		return fmt.Sprintf("the chance that equal runs differ as much in any figure is at most %s", chance(c.Bound))
	case c.Verdict == metrics.Same:
		return fmt.Sprintf("no figure differs more than runs of the same do; what is found is found with a chance to be wrong of at most %s", chance(c.Bound))
	case c.Before == 1 && c.After == 1:
		return "these are two runs: how much runs of the same differ cannot be known from them; make at least seven of each, with --runs"
	case min(c.Before, c.After) < enough:
		return "with so few runs even a figure that differs in all of them may do so by chance; make at least seven of each, with --runs"
	}
	return "some figures that are judged are not in every run, so that nothing can be told of them"
}

func chance(v float64) string { return fmt.Sprintf("%g%%", math.Round(1e4*v)/100) }
