package report

import (
	"slices"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// times writes the table of all distributions of all requests. Where there is no
// room for it, some columns are left out, and if that does not do, the units move up
// to their figures.
func (w *writer) times(s *metrics.Snapshot) {
	var rows []timingRow
	for _, l := range curveLines {
		if h := s.Series[metrics.Series{Metric: l.metric}]; h.Total() > 0 {
			rows = append(rows, newTimingRow(lower(l.name), l.help, l.metric, h))
		}
	}
	ofRequests := len(rows)
	for _, row := range otherRows(s) {
		row.Name = lower(row.Name)
		rows = append(rows, row)
	}
	if rows == nil {
		return
	}
	w.heading("times")
	columns := []string{"samples"}
	for _, p := range shownPercentiles() {
		columns = append(columns, words.Percentile(p))
	}
	columns = append(columns, "max", "mean")
	cells := [][]string{columns}
	name, marked := 0, false
	for _, row := range rows {
		line := []string{row.Samples}
		for _, c := range row.Cells {
			line = append(line, c.Value)
		}
		cells = append(cells, line)
		name = max(name, width(row.Name))
	}
	short, without := w.narrowed(cells, 2+name)
	if widthAfter(columnWidths(short), 2+name) > w.width {
		joinUnits(cells)
		short, without = w.narrowed(cells, 2+name)
	}
	widths := columnWidths(short)
	if widthAfter(widths, 2+name) > w.width { // no table, but the same in words
		without = nil
		for i, row := range rows {
			var parts []string
			for k, c := range cells[i+1] {
				parts = append(parts, cells[0][k]+" "+c)
			}
			w.wrapped(2, row.Name+": "+strings.Join(parts, ", "))
		}
	} else {
		w.line(w.paint(Dim, strings.Repeat(" ", 2+name)+tableLine(short[0], widths)))
		for i, row := range rows {
			w.line("  ", pad(row.Name, name), tableLine(short[i+1], widths))
		}
	}
	for _, row := range rows {
		if row.Missing != "" {
			w.wrapped(2, row.Missing)
		}
	}
	if ofRequests > 0 {
		w.dim(overText)
	}
	for _, line := range short {
		marked = marked || slices.ContainsFunc(line, func(s string) bool { return strings.HasPrefix(s, wide) })
	}
	if marked {
		w.dim(wide + ": " + wideHelp)
	}
	if without != nil {
		w.dim("a wider terminal shows the " + words.List(without) + ", too")
	}
}

// joinUnits moves units up to their figures.
func joinUnits(cells [][]string) {
	for _, line := range cells {
		for i := range line {
			line[i] = strings.ReplaceAll(line[i], " ", "")
		}
	}
}

// widthAfter is how many columns a table takes with what stands before it.
func widthAfter(widths []int, before int) int {
	for _, n := range widths {
		before += 2 + n
	}
	return before
}

// narrowed leaves out those columns of which the others say most, as long as the table
// has no room, and returns which. Where there is no room even so, all are as they were.
func (w *writer) narrowed(cells [][]string, before int) (short [][]string, without []string) {
	short = cells
	for _, name := range []string{"mean", words.Percentile(99.9)} {
		if widthAfter(columnWidths(short), before) <= w.width {
			return short, without
		}
		at := slices.Index(short[0], name)
		var next [][]string
		for _, line := range short {
			next = append(next, slices.Concat(line[:at], line[at+1:]))
		}
		short, without = next, append(without, name)
	}
	if widthAfter(columnWidths(short), before) > w.width {
		return cells, nil
	}
	return short, without
}
