package fleet

import (
	"time"

	"homefleet/fleet/metrics"
	"homefleet/fleet/transport"
	"homefleet/scenarios"
)

// What the fleet gives its sessions to work with stands here: nothing of theirs knows
// a fleet.

// newEnv makes what all sessions have in common.
func (f *Fleet) newEnv(o *Options) {
	c := &f.scenario.Connect
	f.env = &env{
		clock: f.clock, dial: o.Dial, broker: o.BrokerName, seed: f.scenario.Seed,
		log: f.log, faults: &faultLog{log: f.log}, stop: f.stop, failFast: o.FailFast,
		timeout: c.Timeout, keepAlive: c.KeepAlive, sessionExpiry: expirySeconds(c.SessionExpiry),
		receiveMax: c.ReceiveMaximum, maximumPacket: maximumPacket(f.scenario),
		counts: f.counts, recorder: f.recorder, buffers: transport.NewBuffers(readSize, readSize),
		period: f.period, tried: f.tried, welcomed: f.noteLimits,
	}
	if f.env.broker == "" {
		f.env.broker = "the broker"
	}
}

// newCohorts makes those of all sessions that do not audit.
func (f *Fleet) newCohorts() {
	sc := f.scenario
	controllers, watchers := 0, 0
	for i := range sc.Controllers {
		controllers += sc.Controllers[i].Count
		f.commandQoS = max(f.commandQoS, sc.Controllers[i].QoS)
	}
	for i := range sc.Watchers {
		watchers += sc.Watchers[i].Count
	}
	set := func(c *cohort, size int) {
		c.log, c.faults, c.counts, c.size = f.log, f.env.faults, f.counts, size
		c.lost = f.lost
		c.lowered, c.changed = f.lowered, f.news.tell
		c.ready = make(chan struct{})
	}
	set(&f.devices, sc.Count())
	f.devices.devices = true
	f.devices.lowered = func(name string, asked, granted byte) {
		f.loweredBelow(name, asked, granted, f.commandQoS)
	}
	set(&f.controllers, controllers)
	f.controllers.timed = true
	set(&f.watchers, watchers)
	set(&f.duplicates, -1)
	f.duplicates.hidden = true
	f.watcherProfile = profile{cohort: &f.watchers, backoff: backoffOf(&sc.Connect), endsSession: !sc.Connect.Resume}
	// A duplicate leaves its session to the device.
	f.duplicateProfile = profile{cohort: &f.duplicates, backoff: backoffPolicy{min: 200 * time.Millisecond, max: 2 * time.Second}}
}

// deviceProfile returns that of the devices of a group. Where the next run begins with
// new sessions, nobody will come back for theirs.
func (f *Fleet) deviceProfile(g *scenarios.Group) *profile {
	c := &f.scenario.Connect
	return &profile{
		cohort:      &f.devices,
		backoff:     backoffPolicy{naive: g.Backoff == scenarios.Naive, min: g.BackoffMin, max: g.BackoffMax, reset: c.BackoffReset},
		labels:      f.names.Labels(g.Kind.Name, "", ""),
		endsSession: !c.Resume,
	}
}

// backoffOf returns how all connect again that are no devices.
func backoffOf(c *scenarios.Connect) backoffPolicy {
	return backoffPolicy{naive: c.Backoff == scenarios.Naive, min: c.BackoffMin, max: c.BackoffMax, reset: c.BackoffReset}
}

// maximumPacket returns what every client of the scenario lets the broker send:
// room for a topic, a Response Topic and Correlation Data of 65,535 bytes each and
// for the largest payload there is to be, at least 64 KiB, but for nothing that
// would only fill memory.
func maximumPacket(sc *scenarios.Scenario) int {
	payload := 64 << 10
	for i := range sc.Controllers {
		c := &sc.Controllers[i]
		payload = max(payload, c.PayloadSize)
		for _, p := range c.Payloads {
			payload = max(payload, len(p))
		}
	}
	return 192<<10 + payload
}

func expirySeconds(d time.Duration) uint32 {
	if d >= scenarios.SessionNeverExpires {
		return 0xFFFFFFFF
	}
	return uint32(d / time.Second)
}

// tried notes that the first try of a session has ended, so that the next may begin.
func (f *Fleet) tried() {
	if f.scenario.Connect.Rate <= 0 {
		<-f.first
	}
}

// lost notes that a connection has ended without our will.
func (f *Fleet) lost() { f.losses.add(f.now()) }

// lowered notes that a subscription was granted a lower QoS than was asked for.
func (f *Fleet) lowered(name string, asked, granted byte) {
	f.loweredBelow(name, asked, granted, asked)
}

// loweredBelow says so once, where something is sent at more.
func (f *Fleet) loweredBelow(name string, asked, granted, sent byte) {
	if granted < sent && f.saidLowered.CompareAndSwap(false, true) {
		f.log.Warn("the broker grants subscriptions a lower QoS than asked for: what it delivers comes at that",
			"first", name, "asked", asked, "granted", granted)
	}
}

// now is a moment of the run's clock.
func (f *Fleet) now() time.Duration { return f.clock.now() }

// period returns the part of the run that a moment of the fleet's clock is in.
func (f *Fleet) period(at time.Duration) metrics.Period {
	zero := f.zero.Load()
	switch {
	case !f.scenario.Measured():
		return metrics.InMeasure
	case zero == nil:
		return metrics.InConnect
	}
	p := &f.scenario.Phases
	switch at -= zero.Sub(f.clock.epoch); {
	case at < -p.WarmUp:
		return metrics.InConnect
	case at < 0:
		return metrics.InWarmUp
	case at < p.Measure:
		return metrics.InMeasure
	}
	return metrics.InDrain
}

// periodNow is period for this moment.
func (f *Fleet) periodNow() metrics.Period { return f.period(f.now()) }
