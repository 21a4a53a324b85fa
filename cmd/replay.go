package cmd

import (
	"context"

	"homefleet/fleet/metrics"
)

// readReplay reads the result whose interventions are to be repeated; "" is none.
func (a *app) readReplay(name string) (*metrics.Result, error) {
	if name == "" {
		return nil, nil
	}
	results, _, err := a.readResult(name)
	switch {
	case err != nil:
		return nil, misused("", "--replay: %s", unPath(err, name))
	case len(results) != 1:
		return nil, misused("--result writes one for each", "--replay: %s has %d runs; want the result of one", name, len(results))
	case len(results[0].Interventions) == 0:
		return nil, misused("a run with --control has some", "--replay: nobody has intervened in the run of %s", name)
	}
	return results[0], nil
}

// prepareReplay finds out how the interventions of another run are repeated.
func (r *running) prepareReplay(of *metrics.Result) (err error) {
	if of == nil {
		return nil
	}
	if r.replaying, err = r.steering.NewReplaying(of); err != nil {
		return misused("", "--replay: %w", err)
	}
	if of.Scenario.Digest != r.sc.Digest || of.Seed != r.sc.Seed {
		r.warn("the run that is repeated was of %s with seed %d, which is not the same: what was done may affect others", printable(of.Scenario.Name), of.Seed)
	}
	return nil
}

// replay repeats them while the run lasts. What it returns waits until that has ended.
func (r *running) replay(ctx context.Context) (wait func()) {
	if r.replaying == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.steering.Replay(ctx, r.replaying, func(in metrics.Intervention, why string) {
			r.warn("intervention %d, %s, was not repeated: %s", in.N, printable(in.Op), why)
		})
	}()
	return func() { <-done }
}
