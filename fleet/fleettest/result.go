package fleettest

import (
	"errors"
	"os"
	"time"

	"homefleet/fleet/metrics"
	"homefleet/fleet/report"
)

// Stop ends the run now, in an orderly way. One that measures, and is not over, is an
// interrupted one then.
func (f *Fleet) Stop() { f.fleet.Stop() }

// Result returns the result of the run: the document that `homefleet run --json`
// prints, with the verdict and the outcome of each expectation. A run that measures is
// waited for until its planned end, unless [Fleet.Stop] has ended it; any other ends
// here. [metrics.Result.Err] is the verdict as an error.
func (f *Fleet) Result() *metrics.Result {
	f.t.Helper()
	if f.whole == 0 {
		f.Stop()
	}
	select {
	case <-f.over:
	case <-time.After(f.whole + f.setup.patience):
		f.t.Fatalf("fleettest: the run is not over after %v", f.whole+f.setup.patience)
	}
	res, _ := f.fleet.Result() // why nothing was measured, if nothing was, is in it
	return res
}

// WriteReport writes the result of the run, as [Fleet.Result] returns it, to a file as
// the page that `homefleet run --report` writes.
func (f *Fleet) WriteReport(path string) {
	f.t.Helper()
	res := f.Result()
	file, err := os.Create(path)
	if err == nil {
		err = errors.Join(report.HTML(file, res), file.Close())
	}
	if err != nil {
		f.t.Fatalf("fleettest: writing the report: %v", err)
	}
}
