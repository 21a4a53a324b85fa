package cmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"homefleet/fleet/metrics"
	"homefleet/fleet/report"
	"homefleet/scenarios"
)

// runsFlags say how often a measurement is made.
type runsFlags struct {
	n    wholeFlag
	vary bool
}

// mostRuns bounds --runs; a comparison takes no more.
const mostRuns = 1000

func (f *runsFlags) add(fs *pflag.FlagSet) {
	fs.Var(&f.n, "runs", "make the measurement this `NUMBER` of times, and give median and interval of each figure")
	fs.BoolVar(&f.vary, "vary-seed", false, "with --runs: the second run has the seed after the first one's, and so on")
}

// wholeFlag is a flag with a whole number from 1 to mostRuns; 0 is not given.
type wholeFlag int

func (f *wholeFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.Itoa(int(*f))
}

func (f *wholeFlag) Type() string { return "number" }

// Set reads the number.
func (f *wholeFlag) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostRuns {
		return fmt.Errorf("want a whole number from 1 to %d", mostRuns)
	}
	*f = wholeFlag(n)
	return nil
}

// wanted is how many runs there are to be; 0 is one that is shown as such.
func (f *runsFlags) wanted() int { return int(f.n) }

// seed is the seed of run k.
func (f *runsFlags) seed(first uint64, k int) uint64 {
	if !f.vary {
		return first
	}
	return (first + uint64(k-1)) & (1<<63 - 1)
}

// check refuses what cannot be repeated.
func (f *runsFlags) check(sc *scenarios.Scenario, all *runFlags) error {
	switch {
	case f.n == 0 && f.vary:
		return misused("", "--vary-seed is for --runs")
	case f.n == 0:
		return nil
	case !sc.Measured():
		return misused("a [[controller]], [phases] or [expect] makes the run a measurement", "--runs is for scenarios that measure, and %s does not", sc.Name)
	case all.shard != "":
		return misused("start the shards of each run together, with a --run of its own", "--runs is for runs in one process, not for shards")
	case sc.Connect.Resume:
		return misused("", "--runs makes every run with fresh sessions, but %s says clean_start = false", sc.Name)
	case all.run != "" && len(all.run)+1+len(strconv.Itoa(int(f.n))) > 64:
		return misused("", "--run is too long for --runs, which adds the number of the run: want up to 64 characters in all")
	}
	return nil
}

// series is a run's place among the runs of one measurement.
type series struct {
	k, n   int // run k of n
	result *metrics.Result
}

// words is "run 3 of 10".
func (s *series) words() string { return fmt.Sprintf("run %d of %d", s.k, s.n) }

// again reports whether the run is one of several and not the first.
func (s *series) again() bool { return s != nil && s.k > 1 }

// repeat makes the runs of --runs, one after another, and prints what they have
// in common.
func (a *app) repeat(ctx context.Context, arg string, sc *scenarios.Scenario, f *runFlags, outputs []output) error {
	n := f.runs.wanted()
	var results []*metrics.Result
	var ends []runEnd
	var stopped error
	for k := 1; k <= n; k++ {
		if ctx.Err() != nil {
			stopped = interrupted()
			break
		}
		again := *sc
		again.Seed = f.runs.seed(sc.Seed, k)
		r := &running{app: a, sc: &again, arg: arg, id: f.runID(k), series: &series{k: k, n: n}}
		err := r.once(ctx, f)
		res := r.series.result
		if res == nil { // there was no run
			if results == nil || exitCode(err) == exitInterrupted {
				return err
			}
			ends = append(ends, runEnd{k, err})
			break
		}
		if res.Interrupted {
			stopped = interrupted()
			break
		}
		results = append(results, res)
		if err != nil {
			ends = append(ends, runEnd{k, err})
		}
		a.tellRun(r.series, res, err)
		if putErr := a.putRun(outputs, k, res); putErr != nil {
			ends = append(ends, runEnd{k, putErr})
		}
	}
	return a.repeated(n, results, ends, stopped, outputs)
}

// runEnd is how a run ended that is no pass.
type runEnd struct {
	k   int
	err error
}

// repeated prints the results of all runs that were made to their ends, and
// returns how the command ends: as the worst of the runs did.
func (a *app) repeated(n int, results []*metrics.Result, ends []runEnd, stopped error, outputs []output) error {
	if stopped != nil && !a.quiet {
		a.warn("interrupted: %d of %d runs were made to their end; what follows is of these alone", len(results), n)
	}
	if results == nil {
		return stopped
	}
	all := metrics.NewRuns(thisVersion(), n, results)
	putErr := a.putAll(outputs, all)
	printErr := a.printRuns(all)
	end := worstEnd(n, ends)
	if stopped != nil {
		end = stopped
	}
	if putErr != nil {
		a.tell(&exitError{err: putErr})
		if end == nil || exitCode(end) == exitExpectation {
			end = &exitError{code: exitFailed, err: putErr, said: true}
		}
	}
	if printErr != nil && !outClosed(printErr) {
		return printErr
	}
	return end
}

// printRuns prints what several runs have in common.
func (a *app) printRuns(all *metrics.Runs) error {
	if a.json {
		a.documented = true
		if err := all.Encode(a.Stdout); err != nil {
			return failed("", "%w", err)
		}
		return nil
	}
	if err := report.RunsText(a.Stdout, all, a.textOptions()); err != nil {
		return failed("", "%w", err)
	}
	return nil
}

// tellRun says how a run ended, as soon as it did.
func (a *app) tellRun(s *series, res *metrics.Result, end error) {
	text := string(res.Verdict)
	if end != nil {
		text = end.Error()
	}
	switch {
	case end != nil:
		a.warn("%s: %s", s.words(), text)
	case !a.quiet:
		var figures []string
		for _, f := range metrics.SumUp([]*metrics.Result{res}) {
			if f.Name == "response.p50" || f.Name == "response.p90" {
				figures = append(figures, f.Name+" "+f.Text(f.Median))
			}
		}
		fmt.Fprintf(a.screen, "%s: %s\n", s.words(), strings.Join(append([]string{text}, figures...), ", "))
	}
}

// worstEnd is the error of several runs of which some are no pass: with the
// exit code of the worst.
func worstEnd(n int, ends []runEnd) error {
	if ends == nil {
		return nil
	}
	worst := ends[0]
	for _, e := range ends {
		if exitCode(e.err) == exitFailed && exitCode(worst.err) != exitFailed {
			worst = e
		}
	}
	e := &exitError{code: exitFailed, err: worst.err}
	if exit, ok := errors.AsType[*exitError](worst.err); ok {
		e.code, e.hint = exit.code, exit.hint
	}
	e.err = fmt.Errorf("run %d of %d: %w", worst.k, n, worst.err)
	if len(ends) > 1 {
		e.err = fmt.Errorf("%d of %d runs are no pass; run %d: %w", len(ends), n, worst.k, worst.err)
	}
	return e
}
