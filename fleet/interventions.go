package fleet

import (
	"errors"
	"fmt"
	"time"

	"homefleet/fleet/events"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
)

// Interventions are what somebody does to the run while it runs, for its result. Their
// moments are those of [Fleet.Clock].
func (f *Fleet) Interventions() *metrics.Interventions { return &f.interventions }

// Events is where those hear of what happens who look on; nil: nobody can.
func (f *Fleet) Events() *events.Hub { return f.deviceEnv.Events }

// Looks are what the devices are like; nil where journals are not kept either.
func (f *Fleet) Looks() responder.Looks {
	return f.deviceEnv.Looks[:min(len(f.everybody()), len(f.deviceEnv.Looks))]
}

// Clock is the present moment on the run's own clock.
func (f *Fleet) Clock() time.Duration { return f.now() }

// WallTime is a moment of the run's own clock by the wall clock.
func (f *Fleet) WallTime(at time.Duration) time.Time { return f.clock.Epoch.Add(at) }

// OffsetOf is a moment of the run's own clock on that of results: from the start of
// measuring or, where there is none, of the run.
func (f *Fleet) OffsetOf(at time.Duration) time.Duration { return at - f.zeroOffset() }

// WatchersUp reports whether all who are to watch the devices do: watchers and the auditor.
func (f *Fleet) WatchersUp() bool {
	watchers := f.watchers.Presence()
	seen := f.auditor == nil || f.auditors.Presence().Settled > 0 || f.aside && f.now() > f.env.Timeout // for whom nobody waits
	return watchers.Settled >= watchers.Devices && seen
}

// OwnsBroker reports whether incidents can take the broker away.
func (f *Fleet) OwnsBroker() bool { return f.embedded }

// Unaudited is why nothing is known of Will Messages; nil: they are audited.
func (f *Fleet) Unaudited() error {
	why := f.blind.Load()
	switch {
	case f.audit == nil:
		return errors.New("nobody audits Will Messages in this run")
	case f.aside && why != nil:
		return fmt.Errorf("nobody audits Will Messages in this run: the auditor cannot watch: %w", *why)
	}
	return nil
}
