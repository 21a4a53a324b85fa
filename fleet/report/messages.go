package report

import (
	"slices"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// otherRows are the times beside those of whole requests: those of the measuring,
// then those of the phases before and after it.
func otherRows(s *metrics.Snapshot) []timingRow {
	var rows []timingRow
	for _, o := range otherTimes {
		if h := s.Series[metrics.Series{Metric: o.metric}]; h.Total() > 0 {
			rows = append(rows, newTimingRow(o.name, o.help, o.metric, h))
		}
	}
	for _, phase := range metrics.OtherPhases() {
		for _, o := range otherTimes {
			l := metrics.Label{Dimension: metrics.ByPhase, Name: phase}
			if h := s.Series[metrics.Series{Metric: o.metric, Label: l}]; h.Count() > 0 {
				rows = append(rows, newTimingRow(o.name+", "+phase, o.help, o.metric, h))
			}
		}
	}
	return rows
}

// messageRow is one count of messages, in the measuring and in each other phase.
type messageRow struct {
	name   string
	counts []int64
}

// messageRows are the counts of messages that are not zero in some phase, in the
// order of the catalogue, and the phases in which any is not, the measuring first.
func messageRows(r *metrics.Result) (phases []string, rows []messageRow) {
	phases = []string{"measure"}
	for _, phase := range metrics.OtherPhases() {
		if len(r.CountsApart[phase]) > 0 {
			phases = append(phases, phase)
		}
	}
	for _, info := range metrics.Catalogue() {
		if !metrics.OfMessages(info.Name) {
			continue
		}
		row, any := messageRow{name: info.Name}, false
		for i, phase := range phases {
			n := r.Counts[info.Name]
			if i > 0 {
				n = r.CountsApart[phase][info.Name]
			}
			row.counts, any = append(row.counts, n), any || n != 0
		}
		if any {
			rows = append(rows, row)
		}
	}
	return phases, rows
}

// noteworthy are the rows for a reader in a hurry, and the phases in which they have
// anything: telemetry and states that were sent, since they are load, and of all
// messages those that fared otherwise. A device that leaves as the run ends does not
// wait for the PUBACK of its Offline, so those are none of them.
func noteworthy(phases []string, rows []messageRow) ([]string, []messageRow) {
	var kept []messageRow
	used := make([]bool, len(phases))
	for _, row := range rows {
		of, fate, _ := strings.Cut(row.name, ".")
		if fate == "replies" || fate == "sent" && of != "telemetry" && of != "state" {
			continue
		}
		if last := len(phases) - 1; row.name == "announcements.unacknowledged" && phases[last] == "drain" {
			row.counts = slices.Clone(row.counts)
			row.counts[last] = 0
		}
		any := false
		for i, n := range row.counts {
			used[i], any = used[i] || n != 0, any || n != 0
		}
		if any {
			kept = append(kept, row)
		}
	}
	used[0] = true // the measuring, also where nothing is
	var columns []string
	for i := range phases {
		if used[i] {
			columns = append(columns, phases[i])
		}
	}
	for k, row := range kept {
		var counts []int64
		for i, n := range row.counts {
			if used[i] {
				counts = append(counts, n)
			}
		}
		kept[k].counts = counts
	}
	return columns, kept
}

// messages writes what became of messages that are no requests.
func (w *writer) messages(r *metrics.Result) {
	phases, rows := noteworthy(messageRows(r))
	if rows == nil {
		return
	}
	w.heading("messages by phase")
	name := 0
	cells := [][]string{phases}
	for _, row := range rows {
		name = max(name, width(row.name))
		var line []string
		for _, n := range row.counts {
			line = append(line, words.Grouped(n))
		}
		cells = append(cells, line)
	}
	widths := columnWidths(cells)
	total := 2 + name
	for _, n := range widths {
		total += 2 + n
	}
	if total > w.width { // no table, but the same in words
		for i, row := range rows {
			var parts []string
			for k, c := range cells[i+1] {
				parts = append(parts, phases[k]+" "+c)
			}
			w.wrapped(2, row.name+": "+strings.Join(parts, ", "))
		}
		return
	}
	w.line(w.paint(Dim, strings.Repeat(" ", 2+name)+tableLine(cells[0], widths)))
	for i, row := range rows {
		w.line("  ", pad(row.name, name), tableLine(cells[i+1], widths))
	}
}
