package fleet

import (
	"context"

	"homefleet/fleet/retained"
	"homefleet/scenarios"
)

// Clearing is what may be said of how [Clear] goes about it.
type Clearing struct {
	LookOnly bool                 // nothing is emptied
	Progress func(done, of int64) // from another goroutine, now and then; nil: nobody wants to know
}

// Clear empties every topic that the devices of a scenario leave retained; see
// [retained.Clearing.Clear]. It needs no fleet, and the devices must not be running.
func Clear(ctx context.Context, sc *scenarios.Scenario, o Options, c Clearing) (retained.Cleared, error) {
	o.FailFast = true
	f, err := newBare(sc, &o)
	if err != nil {
		return retained.Cleared{}, err
	}
	f.env.MaximumPacket = max(f.env.MaximumPacket, retained.MostLooked)
	leave := context.AfterFunc(ctx, f.Stop)
	defer leave()
	id := clearerID(f.run)
	return (&retained.Clearing{
		Scenario: sc, Run: f.run, Env: f.env, Profile: f.auditorProfile(), Stream: identity{auditorRole, 1}.stream(),
		Probing:  retained.Probing{Name: "clearing", ClientID: id, Credentials: f.auditorCredentials(id)},
		LookOnly: c.LookOnly, Progress: c.Progress,
	}).Clear(ctx)
}
