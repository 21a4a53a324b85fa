package fleet

import (
	"fmt"
	"sync/atomic"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
)

// Phase is a part of a measured run.
type Phase int32

// The phases, in order. A run without controllers and watchers stays in
// Connecting until every device is up and is then Running.
const (
	Connecting Phase = iota
	WarmingUp
	Measuring
	Draining
	Running
	Ended
)

// phaseNames are the words for them.
var phaseNames = [...]string{"connect", "warm-up", "measure", "drain", "run", "ended"}

// String returns the phase in a word, and of a number that is none says so.
func (p Phase) String() string {
	if p < 0 || int(p) >= len(phaseNames) {
		return fmt.Sprintf("no phase (%d)", int32(p))
	}
	return phaseNames[p]
}

// phases is how far a run has come.
type phases struct {
	phase       atomic.Int32              // a Phase
	zero        atomic.Pointer[time.Time] // start of measuring, once it is known
	measured    atomic.Int64              // how long was measured, at the end
	idle        atomic.Int64              // controllers that are done
	drained     bool                      // the conductor has taken the run to its planned end
	onlineAtEnd int                       // devices, before they were stopped
	news        signal                    // for the conductor
}

// Phase returns the present phase.
func (f *Fleet) Phase() Phase { return Phase(f.phase.Load()) }

// Load is what controllers send, for whoever changes that.
func (f *Fleet) Load() *load.Governors { return f.load }

// MeasureStart returns when the measuring starts or has started; ok is false
// before that is known.
func (f *Fleet) MeasureStart() (start time.Time, ok bool) {
	if z := f.zero.Load(); z != nil {
		return *z, true
	}
	return time.Time{}, false
}

// Elapsed returns how long the measuring has lasted: 0 before it and all of it
// afterwards.
func (f *Fleet) Elapsed() time.Duration {
	switch f.Phase() {
	case Connecting, WarmingUp:
		return 0
	case Measuring:
		return min(time.Since(*f.zero.Load()), f.scenario.Phases.Measure)
	case Ended:
		return time.Duration(f.measured.Load())
	}
	return f.scenario.Phases.Measure
}

// conduct takes a measured run through its phases and stops the fleet at the
// end. It returns early when the fleet is stopped by others.
func (f *Fleet) conduct() {
	p := &f.scenario.Phases
	if !f.gather(p.Connect, p.WaitFor) {
		return
	}
	f.survey()
	begin, ok := f.agree()
	if !ok {
		return
	}
	zero := begin.Add(p.WarmUp)
	f.zero.Store(&zero)
	f.phase.Store(int32(WarmingUp))
	f.load.Begin(zero)
	if !f.sleepUntil(begin) {
		return
	}
	f.noteBegun(begin)
	if !f.sleepUntil(zero) {
		return
	}
	f.phase.Store(int32(Measuring))
	if f.incidents.Start(zero) != nil {
		return
	}
	end := zero.Add(p.Measure)
	missed := max(time.Since(zero), 0).Truncate(time.Second) // by a shard that was started again
	for tick := zero.Add(missed); tick.Before(end); tick = tick.Add(time.Second) {
		if !f.sleepUntil(tick) {
			f.measured.Store(int64(min(time.Since(zero), p.Measure)))
			return
		}
		f.recorder.Online(tick.Sub(zero), f.devices.Presence().Online)
		if f.controllers.Presence().Online < len(f.requesters) {
			f.load.CatchUp()
		}
		if f.broken() {
			f.measured.Store(int64(time.Since(zero)))
			f.end(false)
			return
		}
	}
	if !f.sleepUntil(end) {
		f.measured.Store(int64(min(time.Since(zero), p.Measure)))
		return
	}
	f.measured.Store(int64(p.Measure))
	if f.incidents.Finish() != nil {
		return
	}
	f.phase.Store(int32(Draining))
	f.load.Finish()
	asked := f.scenario.AnswersOthers() // who asks is in other processes
	for until := time.Now().Add(p.Drain); time.Now().Before(until) && (asked || int(f.idle.Load()) < len(f.requesters)); {
		if !f.await(until) {
			return
		}
	}
	f.drained = true
	if f.settleDeliveries(end.Add(p.Drain)) {
		return
	}
	f.caughtUp.Store(int64(f.now()))
	if f.audit != nil {
		f.settle()
	}
	f.end(false)
}

// gather waits until enough devices and all controllers and watchers are up, or
// the time for it is over; who is not up then is a straggler. It is false if there is
// nobody to measure, and the run ends.
func (f *Fleet) gather(most time.Duration, share float64) bool {
	for until := time.Now().Add(most); ; {
		devices, others := f.devices.Presence(), f.controllers.Presence()
		watchers := f.watchers.Presence()
		up := float64(devices.Seen) >= share*float64(devices.Devices) || devices.Settled == devices.Devices
		if f.auditor != nil && f.auditors.Presence().Settled == 0 {
			up = false
		}
		up = up && others.Settled == others.Devices && watchers.Settled == watchers.Devices
		late := !time.Now().Before(until)
		switch {
		case devices.GaveUp == devices.Devices && devices.Devices > 0, f.course.endIfNobody && f.pointless(up || late, late):
			f.end(false)
			return false
		case up:
			return true
		case late:
			if n := devices.Devices - devices.Online; n > 0 {
				f.log.Warn("devices are not up yet; going on without them", "stragglers", n, "after", most)
			}
			return true
		}
		if !f.await(until) {
			return false
		}
	}
}

// pointless reports whether the run cannot measure what it was to: nobody of a sort has come
// up, once over says that there is nobody more to wait for; the devices that had are gone
// again; or the broker has not what the scenario wants of it.
func (f *Fleet) pointless(over, late bool) bool {
	devices := f.devices.Presence()
	switch {
	case f.unfit() != nil:
		return true
	case !over:
		return false
	case late && devices.Devices > 0 && devices.Online == 0:
		return true
	}
	return nobody(devices, late) || nobody(f.controllers.Presence(), late) || nobody(f.watchers.Presence(), late)
}

// unfit is why a controller or watcher gave up whom the broker cannot serve as the scenario
// wants; nil is that none did.
func (f *Fleet) unfit() error {
	if err := f.OtherRefusal(); client.IsUnfit(err) {
		return err
	}
	return nil
}

// nobody reports whether none of them was up, and none will be: late is that they have
// had their time.
func nobody(p Presence, late bool) bool {
	return p.Devices > 0 && p.Seen == 0 && (late || p.Settled == p.Devices)
}

// sleepUntil is false when the fleet is stopped first.
func (f *Fleet) sleepUntil(t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-f.stop:
		return false
	case <-timer.C:
		return true
	}
}

// broken reports whether an expectation that is to end the run is certain to
// fail.
func (f *Fleet) broken() bool {
	var snap *metrics.Snapshot
	for i := range f.scenario.Expect {
		e := &f.scenario.Expect[i]
		if !e.Abort {
			continue
		}
		if snap == nil {
			var want []metrics.Series
			for i := range f.scenario.Expect {
				if s, ok := f.scenario.Expect[i].Series(); ok {
					want = append(want, s)
				}
			}
			snap = f.Progress(want...)
			f.addOverdue(snap)
		}
		if e.Broken(snap) {
			f.log.Warn("an expectation can no longer hold; the run ends", "expect", e.String())
			return true
		}
	}
	return false
}

// addOverdue has what is missing at watchers for too long count as lost, every so
// often: everything has as long to come as it has when the measuring is over.
func (f *Fleet) addOverdue(snap *metrics.Snapshot) {
	const least = time.Second
	if now := f.now(); f.deliveries != nil && now-f.askedOverdue >= max(f.scenario.Phases.Drain, least) {
		f.askedOverdue = now
		snap.Deliveries = f.deliveries.Overdue()
	}
}

// Snapshot returns what was measured so far, or after Run has returned, all of
// it. It may be called from any goroutine.
func (f *Fleet) Snapshot() *metrics.Snapshot {
	return f.complete(f.recorder.Snapshot(f.Elapsed()))
}

// Progress returns the totals so far and the series that are asked for, at less
// cost. It may be called from any goroutine.
func (f *Fleet) Progress(want ...metrics.Series) *metrics.Snapshot {
	return f.complete(f.recorder.Progress(f.Elapsed(), want...))
}

// complete adds what the recorder does not know.
func (f *Fleet) complete(snap *metrics.Snapshot) *metrics.Snapshot {
	p := f.Presence()
	snap.Devices = metrics.Devices{Total: p.Devices, Online: p.Online, Seen: p.Seen, GaveUp: p.GaveUp, Added: len(f.everybody()) - len(f.responders), Removed: p.Removed}
	if f.Phase() == Ended {
		snap.Devices.Online, snap.Devices.Offline = f.onlineAtEnd, f.devices.OfflineAtEnd()
	}
	snap.Counts, snap.CountsApart = metrics.CountsByName(f.counts), metrics.CountsApart(f.counts)
	if f.deliveries != nil {
		snap.Deliveries = f.deliveries.Deliveries()
	}
	f.completeAudit(snap)
	return snap
}

// closeBooks ends every ledger once its session has ended, so that each request
// has one outcome, and checks the sums. stopped says that the run did not end by
// itself.
func (f *Fleet) closeBooks(stopped bool) error {
	if err := f.closeAudit(); err != nil {
		return err
	}
	if err := f.closeDeliveries(); err != nil {
		return err
	}
	if len(f.requesters) == 0 {
		return nil
	}
	zero := f.zero.Load()
	if zero == nil {
		return nil // the load never began
	}
	now, measured := time.Since(*zero), time.Duration(f.measured.Load())
	for _, r := range f.requesters {
		if err := r.Settle(now, measured, stopped && !f.drained); err != nil {
			return err
		}
	}
	return nil
}
