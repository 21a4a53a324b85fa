package export

import (
	"encoding/csv"
	"io"
	"slices"
	"time"

	"homefleet/fleet/metrics"
)

// Otava writes results as CSV for the change detection of Apache Otava: a row
// for each run in the order of time, with the columns time, run, scenario,
// sha256 (of the scenario), version (of homefleet) and verdict, which are its
// attributes, and one for each figure, its metrics, named as in expectations.
// Times are in seconds, shares in percent. A figure that one of the runs does not
// have, or a time that never came, is no column: Otava takes numbers alone.
func Otava(w io.Writer, results []*metrics.Result) error {
	inOrder := slices.Clone(results)
	slices.SortStableFunc(inOrder, func(a, b *metrics.Result) int { return a.Started.Compare(b.Started) })
	figures := slices.DeleteFunc(metrics.SumUp(inOrder), func(f metrics.RunsFigure) bool {
		return slices.ContainsFunc(f.Values, func(v metrics.Value) bool { return !number(v) })
	})
	head := []string{"time", "run", "scenario", "sha256", "version", "verdict"}
	for _, f := range figures {
		head = append(head, f.Name)
	}
	rows := [][]string{head}
	for k, r := range inOrder {
		row := []string{
			r.Started.UTC().Format(time.RFC3339), oneLine(r.Run), oneLine(r.Scenario.Name), oneLine(r.Scenario.Digest),
			oneLine(r.Tool), oneLine(string(r.Verdict)),
		}
		for _, f := range figures {
			row = append(row, plain(f.Values[k]))
		}
		rows = append(rows, row)
	}
	return writing("the CSV", csv.NewWriter(w).WriteAll(rows))
}
