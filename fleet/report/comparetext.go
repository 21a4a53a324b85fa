package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"homefleet/fleet/metrics"
)

// CompareText writes a comparison for a terminal: what changed first, with its
// sentence, then what may have and cannot be told from chance, then the names of
// what did not, or of which nothing is known.
func CompareText(out io.Writer, c metrics.Comparison, before, after *metrics.Result, opt TextOptions) error {
	w := newWriter(opt)
	w.heading("compared")
	for _, x := range []struct {
		name string
		r    *metrics.Result
	}{{"before", before}, {"after", after}} {
		lines := wrap(resultLine(x.r), w.width-10)
		w.line("  ", pad(x.name, 8), first(lines))
		for _, l := range rest(lines) {
			w.line(strings.Repeat(" ", 10), l)
		}
	}
	for _, s := range c.Remarks {
		w.wrapped(2, "note: "+clean(s))
	}
	for _, g := range changeGroups {
		var rows []metrics.Delta
		for _, d := range c.Deltas {
			if d.Verdict == g.change {
				rows = append(rows, d)
			}
		}
		if rows == nil {
			continue
		}
		w.heading(fmt.Sprintf("%s: %d", g.heading, len(rows)))
		if g.style == Dim {
			var names []string
			for _, d := range rows {
				if d.Verdict == metrics.CannotTell && d.Method != "" { // there is something to look into
					w.wrapped(2, clean(d.Sentence))
					continue
				}
				names = append(names, clean(d.Name))
			}
			if names != nil {
				w.wrapped(2, strings.Join(names, ", "))
			}
			continue
		}
		for _, d := range rows {
			lines := wrap(clean(d.Sentence), w.width-4)
			w.line("  ", w.paint(g.style, first(lines)))
			for _, l := range rest(lines) {
				w.line("    ", l)
			}
		}
	}
	if len(c.Deltas) == 0 {
		w.wrapped(2, "there is no figure that both results have")
	}
	return w.flush(out)
}

// changeGroups are the differences in the order in which they are shown.
var changeGroups = []struct {
	change  metrics.Change
	heading string
	style   Style
	class   string
}{
	{metrics.Worse, "worse", Bad, "worse"},
	{metrics.Better, "better", Good, "better"},
	{metrics.Different, "different", Warn, "different"},
	{metrics.CannotTell, "cannot tell", Dim, "same"},
	{metrics.Within, "within noise", Dim, "same"},
}

// resultLine says in a line which result this is.
func resultLine(r *metrics.Result) string {
	parts := []string{clean(nameOf(r)), clean(cmp.Or(string(r.Verdict), "no verdict"))}
	if r.Run != "" {
		parts = append(parts, "run "+clean(r.Run))
	}
	parts = append(parts, span(r.Measured)+" measured")
	if !r.Started.IsZero() {
		parts = append(parts, r.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if r.AttendedText() != "" {
		parts = append(parts, "attended")
	}
	return strings.Join(parts, ", ")
}
