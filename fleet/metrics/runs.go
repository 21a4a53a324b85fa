package metrics

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// RunsVersion is the version of the documents of several runs.
const RunsVersion = 1

// maxRuns bounds the runs that are compared or summed up.
const maxRuns = 1000

// Runs is what several runs of one measurement have in common, as one JSON
// document. An interval within a run says nothing of the next run; these say
// where the median of all such runs lies.
type Runs struct {
	Version int          `json:"homefleet_runs"` // [RunsVersion]
	Tool    string       `json:"tool"`
	Planned int          `json:"planned"` // how many runs were to be made
	Figures []RunsFigure `json:"figures"` // of the runs in results
	Results []*Result    `json:"results"` // in the order in which they were run
}

// NewRuns sums results up. planned is how many there were to be.
func NewRuns(tool string, planned int, results []*Result) *Runs {
	return &Runs{Version: RunsVersion, Tool: tool, Planned: planned, Figures: SumUp(results), Results: results}
}

// RunsFigure is one figure of several runs.
type RunsFigure struct {
	RunFigure
	Median   Value   `json:"median"`
	Interval *Bounds `json:"interval,omitempty"` // 95 % of the median, by order statistics; nil: of fewer than six runs
	Least    Value   `json:"least"`
	Most     Value   `json:"most"`
	Values   []Value `json:"values"`            // one a run, in their order
	Missing  int     `json:"missing,omitempty"` // runs without the figure; the rest is of the others
}

// Bounds is an interval with both its ends in it.
type Bounds struct {
	Low  Value `json:"low"`
	High Value `json:"high"`
}

// SumUp returns the figures of results. What none of them has is left out.
func SumUp(results []*Result) []RunsFigure {
	all := []RunsFigure{}
	for _, f := range RunFigures() {
		if x := sumUp(f, results); x.Missing < len(results) {
			all = append(all, x)
		}
	}
	return all
}

func sumUp(f RunFigure, results []*Result) RunsFigure {
	x := RunsFigure{RunFigure: f, Values: []Value{}}
	for _, r := range results {
		v := f.value(&r.Snapshot)
		x.Values = append(x.Values, v)
		if v.none() {
			x.Missing++
		}
	}
	sorted := slices.Sorted(slices.Values(x.present()))
	if len(sorted) == 0 {
		return x
	}
	median, low, high, ok := medianOf(sorted)
	x.Median, x.Least, x.Most = Value(median), Value(sorted[0]), Value(sorted[len(sorted)-1])
	if ok {
		x.Interval = &Bounds{Value(low), Value(high)}
	}
	return x
}

// present lists the values of the runs that have the figure.
func (x *RunsFigure) present() []float64 {
	var all []float64
	for _, v := range x.Values {
		if !v.none() {
			all = append(all, float64(v))
		}
	}
	return all
}

// Encode writes the document, indented, with a line break at its end.
func (r *Runs) Encode(w io.Writer) error {
	return encode(w, r)
}

// DecodeResults reads a document of one run or of several: what
// [Result.Encode] or [Runs.Encode] wrote, of this version or an earlier one. planned
// is how many runs were to be made, 1 if the document is of one. Fields it does not
// know are skipped, so that later tools may add some; a later version is refused. What
// is read has been checked as far as reading it needs: counts are not negative,
// histograms are whole, the time line is in order, the histograms of reconnects are of
// a size to draw. [Result.Check] tells more.
func DecodeResults(rd io.Reader) (results []*Result, planned int, err error) {
	b, err := readDocument(rd)
	if err != nil {
		return nil, 0, err
	}
	var head struct {
		Version *int              `json:"homefleet_runs"`
		Planned int               `json:"planned"`
		Results []json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal(b, &head); err != nil || head.Version == nil {
		r, err := decodeResult(b) // which says what is wrong with it
		if err != nil {
			return nil, 0, err
		}
		return []*Result{r}, 1, nil
	}
	switch {
	case *head.Version > RunsVersion:
		return nil, 0, fmt.Errorf("reading results: the document has version %d, and this homefleet reads up to version %d: it takes a newer homefleet", *head.Version, RunsVersion)
	case *head.Version < 1:
		return nil, 0, fmt.Errorf("reading results: there is no version %d; want 1 to %d", *head.Version, RunsVersion)
	case len(head.Results) == 0:
		return nil, 0, errors.New("reading results: the document is of no run")
	case max(len(head.Results), head.Planned) > maxRuns || head.Planned < len(head.Results):
		return nil, 0, fmt.Errorf("reading results: the document has %d runs of %d planned; want at most %d, and no more than planned", len(head.Results), head.Planned, maxRuns)
	}
	for i, text := range head.Results {
		r, err := decodeResult(text)
		if err != nil {
			return nil, 0, fmt.Errorf("run %d: %w", i+1, err)
		}
		results = append(results, r)
	}
	return results, head.Planned, nil
}
