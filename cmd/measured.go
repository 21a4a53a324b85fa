package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"homefleet/fleet"
	"homefleet/fleet/metrics"
	"homefleet/fleet/report"
)

// ending is how a run ended that has a result: nil is well. failure is that of
// [fleet.Fleet.Result].
func (r *running) ending(res *metrics.Result, failure error) error {
	if failure == nil || res.Verdict == metrics.VerdictBroken {
		return r.alone(res, verdictError(res))
	}
	if exit, ok := errors.AsType[*exitError](failure); ok { // of ours: see [fleet.Fleet.Fail]
		return exit
	}
	hint := brokerHint(failure, r.sc.Broker.URL)
	if f, ok := errors.AsType[*fleet.Failure](failure); ok {
		hint = cmp.Or(f.Hint, hint)
	}
	return failed(hint, "%w", failure)
}

// conclude prints and writes the result of a run, which ended with end, and returns how
// the command ends.
func (r *running) conclude(res *metrics.Result, end error) error {
	if r.series != nil {
		r.series.result = res
		return end
	}
	if !r.quiet && !r.json && r.Stdout.Terminal {
		fmt.Fprintln(r.screen)
	}
	// The files first: stdout may be closed.
	putErr := r.putAll(r.outputs, metrics.NewRuns(res.Tool, 1, []*metrics.Result{res}))
	if printErr := r.printResult(res, end); printErr != nil && !outClosed(printErr) {
		return printErr
	}
	if putErr != nil {
		r.tell(&exitError{err: putErr})
		if end == nil || exitCode(end) == exitExpectation {
			if exit, ok := errors.AsType[*exitError](end); ok {
				r.tell(exit)
			}
			return &exitError{code: exitFailed, err: putErr, said: true}
		}
	}
	if !r.sc.Measured() {
		return end
	}
	if end == nil || exitCode(end) == exitExpectation {
		r.tryAfter()
	}
	if end == nil && !r.quiet && r.Stderr.Terminal {
		// The summary may be longer than the screen, and its verdict out of sight.
		colour := r.errPaint().green
		if !res.Verdict.Good() {
			colour = r.errPaint().yellow
		}
		fmt.Fprintf(r.screen, "\n%s %s\n", colour(string(res.Verdict)+":"), strings.Join(res.Sentences, "; "))
	}
	return end
}

// printResult writes the result on stdout.
func (r *running) printResult(res *metrics.Result, end error) error {
	switch {
	case r.json:
		return r.resultDocument(res)
	case end != nil && r.fleet.Presence().Seen == 0 && res.Totals.Planned == 0 && !res.Interrupted:
		return nil // there is nothing to tell but the error
	}
	return r.resultText(res)
}

// resultDocument prints a result as the one JSON document.
func (a *app) resultDocument(res *metrics.Result) error {
	a.documented = true
	if err := res.Encode(a.Stdout); err != nil {
		return failed("", "%w", err)
	}
	return nil
}

// resultText prints a result for people.
func (a *app) resultText(res *metrics.Result) error {
	if err := report.Text(a.Stdout, res, a.textOptions()); err != nil {
		return failed("", "%w", err)
	}
	return nil
}

// textOptions lay reports out for stdout.
func (a *app) textOptions() report.TextOptions {
	p := a.outPaint()
	return report.TextOptions{
		Width: min(a.Stdout.columns(), 120),
		Paint: painter(map[report.Style]func(string) string{
			report.Bold: p.bold, report.Dim: p.dim, report.Good: p.green, report.Bad: p.red, report.Warn: p.yellow,
		}),
	}
}
