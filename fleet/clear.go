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
	of := f.clearing(clearerID(f.run), 1)
	of.LookOnly, of.Progress = c.LookOnly, c.Progress
	return of.Clear(ctx)
}

// clearing is what empties topics, by a client of its own.
func (f *Fleet) clearing(id string, number int) *retained.Clearing {
	return &retained.Clearing{
		Scenario: f.scenario, Run: f.run, Env: f.env, Profile: f.auditorProfile(), Stream: identity{auditorRole, number}.stream(),
		Probing: retained.Probing{Name: "clearing", ClientID: id, Credentials: f.auditorCredentials(id)},
	}
}
