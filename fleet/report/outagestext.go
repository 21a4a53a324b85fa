package report

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// offline writes what became of Will Messages, a row for each way to go.
func (w *writer) offline(r *metrics.Result) {
	a := auditOf(r)
	if a == nil {
		return
	}
	heading := "going offline: "
	switch bad := wrongs(&a.Wills); {
	case a.Wills == metrics.WillTotals{}:
		heading += "no device did"
	case bad > 0:
		heading += words.Plural(bad, "Will is", "Wills are") + " not as the rules want"
	case a.Wills.Due == 0 && a.Wills.Watched() == 0:
		heading += words.Plural(a.Wills.Outages, "outage", "outages") + ", no Will due; nobody could see whether one came"
	case a.Wills.MaybeDue > 0 && a.Wills.Unwatched == 0:
		heading += fmt.Sprintf("%s, after %s of them nobody knows whether a Will was due", words.Plural(a.Wills.Outages, "outage", "outages"),
			words.Grouped(a.Wills.MaybeDue))
	case a.Wills.Due == 0:
		heading += words.Plural(a.Wills.Outages, "outage", "outages") + ", no Will due and none seen"
	case a.Wills.Unwatched > 0:
		heading += fmt.Sprintf("%s, %s of %s not judged", words.Plural(a.Wills.Outages, "outage", "outages"),
			words.Grouped(a.Wills.Unwatched), words.Plural(a.Wills.Due, "Will", "Wills"))
	default:
		heading += words.Plural(a.Wills.Outages, "outage", "outages") + ", all Wills as the rules want"
	}
	lines := wrap(heading, w.width)
	w.heading(first(lines))
	for _, l := range rest(lines) {
		w.line(w.paint(Bold, l))
	}
	if a.Wills != (metrics.WillTotals{}) {
		w.ways(wayRows(a))
		if s := unjudgedText(&a.Wills); s != "" {
			w.wrapped(2, s)
		}
		w.dim(slackText(a.Slack))
		if s := testedText(a); s != "" {
			w.dim(s)
		}
	}
	if s := consumedText(a); s != "" {
		w.wrapped(2, s)
	}
	if a.Retained != nil {
		text, bad := retainedText(a.Retained)
		for _, l := range wrap(text, w.width-2) {
			if bad {
				l = w.paint(Bad, l)
			}
			w.line("  ", l)
		}
	}
}

// dim writes what explains a table.
func (w *writer) dim(text string) {
	for _, l := range wrap(clean(text), w.width-2) {
		w.line("  ", w.paint(Dim, l))
	}
}

// ways writes the table of the ways to go: what was expected, what was seen,
// and what it was in words.
func (w *writer) ways(rows []wayRow) {
	const least = 24 // columns for the words
	cells := [][]string{{"outages", "expected", "seen"}}
	name := 0
	for _, x := range rows {
		cells = append(cells, []string{words.Grouped(x.Totals.Outages), words.Grouped(x.Totals.Due), words.Grouped(x.Totals.Messages)})
		name = max(name, width(clean(x.Name)))
	}
	widths, total := columnWidths(cells), 2+name
	for _, n := range widths {
		total += 2 + n
	}
	if total += 2; total+least > w.width {
		for i, x := range rows {
			c := cells[i+1]
			w.wrapped(2, fmt.Sprintf("%s: outages %s, expected %s, seen %s: %s", clean(x.Name), c[0], c[1], c[2], x.Words))
		}
		return
	}
	w.line(w.paint(Dim, strings.Repeat(" ", 2+name)+tableLine(cells[0], widths)))
	for i, x := range rows {
		style := Good
		if x.Bad {
			style = Bad
		} else if x.Totals.Due == 0 || x.Totals.Unwatched > 0 {
			style = Dim
		}
		lines := wrap(x.Words, w.width-total)
		w.line("  ", pad(clean(x.Name), name), tableLine(cells[i+1], widths), "  ", w.paint(style, first(lines)))
		for _, l := range rest(lines) {
			w.line(strings.Repeat(" ", total), w.paint(style, l))
		}
	}
}

// mostText is how many incidents are told of in a text.
const mostText = 20

// recovery writes how devices came back, a block for each incident and group.
func (w *writer) recovery(r *metrics.Result) {
	if r.Recoveries == nil {
		return
	}
	w.heading("recovery, from the end of the incident")
	rows := gravest(r.Recoveries, mostText)
	cells := [][]string{{"devices back", "50%", "99%", "100%"}}
	for _, x := range rows {
		for _, t := range timesOf(x) {
			line := []string{backText(x, t)}
			for _, b := range backs(x, t) {
				line = append(line, b.Text)
			}
			cells = append(cells, line)
		}
	}
	const indent, name = 4, len("answering")
	widths, total := columnWidths(cells), indent+name
	for _, n := range widths {
		total += 2 + n
	}
	narrow := total > w.width
	if !narrow {
		w.line(w.paint(Dim, strings.Repeat(" ", indent+name)+tableLine(cells[0], widths)))
	}
	at := 1
	for _, x := range rows {
		title := incidentSpan(x.At, x.To) + ": " + clean(x.Incident)
		if g := groupOf(x); g != "" {
			title += " (" + clean(g) + ")"
		}
		w.wrapped(2, title)
		for i := range timesOf(x) {
			line := cells[at]
			at++
			if narrow {
				w.wrapped(indent, fmt.Sprintf("%s: %s; 50%% %s, 99%% %s, 100%% %s", timeNames[i], line[0], line[1], line[2], line[3]))
				continue
			}
			figures := tableLine(line, widths)
			if slices.Contains(line, metrics.Never) {
				figures = w.paint(Bad, figures)
			}
			w.line(strings.Repeat(" ", indent), pad(timeNames[i], name), figures)
		}
		for _, l := range wrap(clean(attemptsText(x)), w.width-indent) {
			w.line(strings.Repeat(" ", indent), w.paint(Dim, l))
		}
	}
	if n := moreRecoveries(r, len(rows)); n > 0 {
		w.dim(fmt.Sprintf("%s from which devices came back as fast or faster", words.Plural(n, "more recovery", "more recoveries")))
	}
}
