package report

import (
	_ "embed"
	"io"

	"homefleet/fleet/metrics"
)

//go:embed runs.html
var runsSource string

// runsPage is what several runs have in common, in the words and order of its
// page.
type runsPage struct {
	frame
	Name    string
	Heading string
	Ends    []string // of the runs that are no pass
	Rows    [][]string
	Notes   []string
	Runs    []runRow
	Pairs   []pair
}

// runRow is one of the runs.
type runRow struct {
	N       int
	Run     string
	Began   string
	Verdict verdict
}

// RunsHTML writes what several runs of one measurement have in common as one
// self-contained page, as [HTML] does; of one run it is the page that HTML
// writes.
func RunsHTML(w io.Writer, all *metrics.Runs) error {
	if all.Planned == 1 {
		return HTML(w, all.Results[0])
	}
	first := all.Results[0]
	p := &runsPage{
		frame: newFrame(nameOf(first) + ": several runs · homefleet"), Name: nameOf(first), Heading: capital(runsHeading(all)),
		Ends: capitals(runEnds(all)), Rows: figureRows(all), Notes: capitals(figureNotes(all)), Pairs: newSide("", first).Pairs,
	}
	for i, r := range all.Results {
		row := runRow{N: i + 1, Run: r.Run, Verdict: newVerdict(r)}
		if !r.Started.IsZero() {
			row.Began = moment(r.Started)
		}
		p.Runs = append(p.Runs, row)
	}
	return render(w, runsSource, p)
}
