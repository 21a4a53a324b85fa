package fleet

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/responder"
	"homefleet/fleet/retained"
	"homefleet/scenarios"
)

// MostAdded bounds the devices that are added to a run.
const MostAdded = 10_000

// growth is who came while the run ran.
type growth struct {
	grown   atomic.Pointer[[]*responder.Responder] // all devices; nil: nobody came
	running client.OpenGroup                       // of all but the auditor
	launch  func(*client.Session)                  // runs one of them, once that is open
	clears  atomic.Int64                           // times that what removed devices left was emptied
}

// Scenario is that of the run, to which groups may be added.
func (f *Fleet) Scenario() *scenarios.Scenario { return f.scenario }

// everybody are all devices, those that were added and those that were removed, too: a
// number is never used twice.
func (f *Fleet) everybody() []*responder.Responder {
	if all := f.grown.Load(); all != nil {
		return *all
	}
	return f.responders
}

// Fits is why a group cannot be added to the run; nil: it can.
func (f *Fleet) Fits(g *scenarios.Group) error {
	return f.scenario.Fits(g, f.audit != nil && !f.aside)
}

// Add adds a group that [scenarios.Scenario.ParseGroup] has read to a run that has begun. Its
// devices connect, unless they are not present; the scenario's incidents befall them from the
// next on, and its controllers do not command them. It may be called from any goroutine; the
// error is a [*scenarios.Misfit], or [ErrEnded] when the run is ending.
func (f *Fleet) Add(g *scenarios.Group) (all []*Device, err error) {
	if err := f.Fits(g); err != nil {
		return nil, err
	}
	voice, maker, err := g.Prepare()
	if err != nil {
		return nil, err
	}
	open := f.running.Join(func() (run []func()) {
		before := f.everybody()
		if n := len(before) - len(f.responders) + g.Total(); n > MostAdded {
			err = &scenarios.Misfit{What: fmt.Sprintf("that makes %d devices that were added to the run; want at most %d", n, MostAdded)}
			return nil
		}
		now, profile := slices.Clone(before), f.deviceProfile(g)
		whole := f.scenario.Beside(g)
		env := f.deviceEnv.Beside(whole, g, voice)
		if f.scenario.Fits(g, true) != nil { // the auditor would not hear of its Wills
			env.AuditEnv = responder.AuditEnv{Asks: f.asksDevices}
		}
		for n := range g.Total() {
			spec := whole.Device(len(before) + n)
			model := maker(deviceSeed(f.scenario.Seed, spec.Global), f.scenario.Start)
			r := responder.New(env, spec, model, profile, identity{deviceRole, spec.Global}.stream())
			if !g.Absent {
				r.Tell(func() { r.Reconnect(client.NotPresent, client.Reconnect{}) })
			}
			now, all = append(now, r), append(all, &Device{r, f})
			run = append(run, func() { f.launch(&r.Session) })
		}
		f.devices.Await(g.Total())
		f.grown.Store(&now) // before anybody can be told their numbers
		f.scenario.Add(whole)
		return run
	})
	if err == nil && !open {
		err = ErrEnded
	}
	return all, err
}

// Leave has the device be no part of the fleet from now on: it goes in an orderly way, so
// that no Will is published, and has the broker forget its session. It does not wait; [Device.Gone]
// is closed when it has gone. It is false when the device has ended, or was removed before.
func (d *Device) Leave() bool { return d.r.Leave(time.Now().Add(time.Second)) }

// Removed reports whether the device is no part of the fleet any more.
func (d *Device) Removed() bool { return d.r.IsRemoved() }

// Empty empties every topic that devices may have left retained, which have gone.
func (f *Fleet) Empty(ctx context.Context, left []*Device) (retained.Cleared, error) {
	c := f.clearing(fmt.Sprintf("%s-%d", clearerID(f.run), f.clears.Add(1)), 2)
	for _, d := range left {
		c.Devices = append(c.Devices, *d.r.Spec())
	}
	return c.Clear(ctx)
}

// retainedFilters are the filters of what devices have the broker retain.
func (f *Fleet) retainedFilters() (filters []string) {
	present := f.scenario.Availability()
	for g := range f.scenario.EachGroup() {
		filters = oneMore(filters, g.Filter(present[g].Topic))
		for _, filter := range g.Voice().Reports().Retained {
			filters = oneMore(filters, filter)
		}
	}
	return filters
}
