package cmd

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/fleet/metrics"
	"homefleet/fleet/report"
)

// resultsOf are the results alone.
func resultsOf(all []named) []*metrics.Result {
	var results []*metrics.Result
	for _, n := range all {
		results = append(results, n.Result)
	}
	return results
}

// reportRuns shows several runs of one file.
func (a *app) reportRuns(all []named, f *reportFlags) error {
	a.tellBroken(all)
	files, err := a.prepareOutputs(&f.outputs, 0)
	if err != nil {
		return err
	}
	runs := metrics.NewRuns(all[0].Tool, all[0].of, resultsOf(all))
	if err := a.putAll(files, runs); err != nil {
		return err
	}
	if err := a.printRuns(runs); err != nil && !outClosed(err) {
		return err
	}
	if !f.exitCode {
		return nil
	}
	var ends []runEnd
	for i, n := range all {
		if err := verdictError(n.Result); err != nil {
			ends = append(ends, runEnd{i + 1, err})
		}
	}
	if ends == nil && len(all) < runs.Planned {
		return &exitError{code: exitExpectation, err: fmt.Errorf("%d of %d runs are there, so that the measurement as a whole is no pass", len(all), runs.Planned)}
	}
	return worstEnd(len(all), ends)
}

// tellBroken warns of results whose sums do not hold.
func (a *app) tellBroken(all []named) {
	for i := range all {
		if err := all[i].Check(); err != nil {
			a.warn("%s: the sums do not hold: %s", all[i].name(), strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}

// runsDocument is a comparison of runs in JSON.
type runsDocument struct {
	BeforeFiles []string `json:"before"`
	AfterFiles  []string `json:"after"`
	metrics.RunsComparison
}

// compareRuns compares the runs before the dash with those behind it.
func (a *app) compareRuns(args []string, dash int, f *reportFlags) error {
	if dash < 1 || dash >= len(args) {
		return misused("", "--compare wants OLD.json... -- NEW.json...")
	}
	for _, x := range f.outputs.named() {
		if x.name != "" {
			return misused("", "%s is not for --compare", x.what)
		}
	}
	for i, arg := range args {
		if slices.Contains(args[:i], arg) {
			return misused("", "%s stands there twice: the same runs do not count twice", arg)
		}
	}
	var sides [2][]named
	for i, of := range [][]string{args[:dash], args[dash:]} {
		all, err := a.readResults(of)
		if err != nil {
			return err
		}
		if all, err = mergeShards(all); err != nil {
			return err
		}
		if err := a.tellMissing(all); err != nil {
			return err
		}
		a.tellBroken(all)
		sides[i] = all
	}
	if err := onceEach(slices.Concat(sides[0], sides[1])); err != nil {
		return err
	}
	c := metrics.CompareRuns(resultsOf(sides[0]), resultsOf(sides[1]))
	var err error
	if a.json {
		err = a.document(runsDocument{args[:dash], args[dash:], c})
	} else {
		err = report.CompareRunsText(a.Stdout, &c, strings.Join(args[:dash], ", "), strings.Join(args[dash:], ", "), a.textOptions())
	}
	if err != nil && !outClosed(err) {
		return failed("", "%w", err)
	}
	if !f.exitCode {
		return nil
	}
	switch c.Verdict {
	case metrics.Worse:
		return &exitError{code: exitExpectation, err: fmt.Errorf("worse than before: %s", plural(c.Count(metrics.Worse), "figure"))}
	case metrics.TooFewRuns:
		return &exitError{code: exitExpectation, err: fmt.Errorf("too few runs to tell: %d before and %d after", c.Before, c.After),
			hint: "make at least seven of each, with --runs; ten find smaller differences"}
	}
	return nil
}

// onceEach refuses a run that is there twice, under whatever name: it would be
// taken for two.
func onceEach(all []named) error {
	type key struct {
		run, began, shards string
	}
	seen := make(map[key]*named)
	for i := range all {
		n := &all[i]
		k := key{n.Run, n.Started.String(), strings.Join(n.Shards, " ")}
		if first := seen[k]; first != nil && !n.Started.IsZero() {
			return misused("", "%s and %s hold the same run, %s: it does not count twice", first.name(), n.name(), printable(n.Run))
		}
		seen[k] = n
	}
	return nil
}
