package fleet

import (
	"slices"
	"time"

	"homefleet/devices/faces"
	"homefleet/fleet/client"
	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
	"homefleet/fleet/survey"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// What the fleet gives its sessions to work with stands here: nothing of theirs knows
// a fleet.

// newEnv makes what all sessions have in common.
func (f *Fleet) newEnv(o *Options) {
	c := &f.scenario.Connect
	f.env = &client.Env{
		Clock: f.clock, Dial: o.Dial, Broker: o.BrokerName, Seed: f.scenario.Seed,
		Log: f.log, Faults: &client.FaultLog{Log: f.log}, TakeOvers: &client.TakeOvers{Log: f.log}, Stop: f.stop, FailFast: o.FailFast,
		Timeout: c.Timeout, KeepAlive: c.KeepAlive, SessionExpiry: expirySeconds(c.SessionExpiry),
		ReceiveMaximum: c.ReceiveMaximum, MaximumPacket: load.MaximumPacket(f.scenario),
		Counts: f.counts, Recorder: f.recorder, Buffers: transport.NewBuffers(client.ReadSize, client.ReadSize),
		Period: f.period, Tried: f.tried, Welcomed: f.noteLimits,
	}
	if f.env.Broker == "" {
		f.env.Broker = "the broker"
	}
}

// newCohorts makes those of all sessions.
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
	set := func(c *client.Cohort, size int) {
		c.Log, c.Faults, c.Counts, c.Size = f.log, f.env.Faults, f.counts, size
		c.Lost = f.lost
		c.Lowered, c.Changed = f.lowered, f.news.tell
		if c.Ready = make(chan struct{}); size == 0 {
			c.IsReady()
		}
	}
	set(&f.devices, sc.Count()-sc.Absent())
	f.devices.Devices, f.devices.Absent = true, sc.Absent()
	f.devices.Lowered = func(name string, asked, granted byte) {
		f.loweredBelow(name, asked, granted, f.commandQoS)
	}
	set(&f.controllers, controllers)
	f.controllers.Timed = true
	set(&f.watchers, watchers)
	set(&f.duplicates, -1)
	f.duplicates.Hidden = true
	f.auditors = client.Cohort{Log: f.log, Faults: f.env.Faults, Counts: &f.unseen, Size: -1, Timed: true, Hidden: true, Lasting: true, Changed: f.news.tell}
}

// deviceProfile returns that of the devices of a group. Where the next run begins with
// new sessions, nobody will come back for theirs.
func (f *Fleet) deviceProfile(g *scenarios.Group) *client.Profile {
	c := &f.scenario.Connect
	return &client.Profile{
		Cohort:      &f.devices,
		Backoff:     client.BackoffPolicy{Naive: g.Backoff == scenarios.Naive, Min: g.BackoffMin, Max: g.BackoffMax, Reset: c.BackoffReset},
		Labels:      f.names.Labels(g.Kind.Name, "", ""),
		EndsSession: !c.Resume,
		V311:        f.scenario.Speaks311(g.MQTT),
	}
}

// fewDevices is up to how many devices the log tells of single ones.
const fewDevices = 25

// newDeviceEnv makes what the devices have in common. Who follows their messages is added
// when that is known.
func (f *Fleet) newDeviceEnv(voices map[*scenarios.Group]faces.Voice, o *Options) *responder.Env {
	e := &responder.Env{
		Client: f.env, Scenario: f.scenario, Run: f.run, Availability: responder.AvailabilityOf(f.scenario),
		Voices:      voices,
		Credentials: f.credentials, Dial: o.DialFor, NoRetain: f.noRetain.Load, Few: f.scenario.Count() <= fewDevices,
		// A duplicate leaves its session to the device.
		Duplicates:      &client.Profile{Cohort: &f.duplicates, Backoff: client.BackoffPolicy{Min: 200 * time.Millisecond, Max: 2 * time.Second}},
		DuplicateStream: func(device int) int { return identity{duplicateRole, device}.stream() },
		AuditEnv:        responder.AuditEnv{Audit: f.audit, Auditor: f.auditor, AuditorQoS: f.auditorQoS(), Asks: f.asksDevices, Retained: f.audit != nil && !f.aside},
		DeliveryEnv:     responder.DeliveryEnv{Place: f.place},
	}
	if e.Events = o.Events; o.Events != nil && o.Journals {
		e.Journals = responder.NewJournals(f.scenario.Count())
		e.Looks = make(responder.Looks, f.scenario.Count()+MostAdded)
	}
	return e
}

// backoffOf returns how all connect again that are no devices.
func backoffOf(c *scenarios.Connect) client.BackoffPolicy {
	return client.BackoffPolicy{Naive: c.Backoff == scenarios.Naive, Min: c.BackoffMin, Max: c.BackoffMax, Reset: c.BackoffReset}
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
func (f *Fleet) lost() { f.losses.Add(f.now()) }

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
func (f *Fleet) now() time.Duration { return f.clock.Now() }

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
	switch at -= zero.Sub(f.clock.Epoch); {
	case at < -p.WarmUp:
		return metrics.InConnect
	case at < 0:
		return metrics.InWarmUp
	case at < p.Measure:
		return metrics.InMeasure
	}
	return metrics.InDrain
}

// loadEnv is what the controllers work with.
func (f *Fleet) loadEnv() load.Env {
	return load.Env{
		Client: f.env, Run: f.run, RunID: f.runID, Credentials: f.credentials, Dial: f.deviceEnv.Dial, Told: f.told.Requests,
		// Of a device that somebody else runs nobody knows.
		Present:             func(device int) bool { return device >= len(f.responders) || f.responders[device].IsUp() },
		ResponseInformation: func() { f.responseInfo.Store(true) },
		Idle: func() {
			f.idle.Add(1)
			f.news.tell()
		},
	}
}

// oneWayTopics returns what reports whether a topic is one of state or telemetry: what
// devices report by themselves, but for their availability.
func (f *Fleet) oneWayTopics() func(topic []byte) bool {
	var reports []string
	for i := range f.scenario.Groups {
		reports = append(reports, f.scenario.Groups[i].Reports().All...)
	}
	presence := f.deviceEnv.Availability.Filters(f.scenario)
	return func(topic []byte) bool {
		matches := func(filter string) bool { return wire.Match(filter, string(topic)) }
		return slices.ContainsFunc(reports, matches) && !slices.ContainsFunc(presence, matches)
	}
}

// watcherProfile is that of the watchers of a group.
func (f *Fleet) watcherProfile(spec *scenarios.Watchers) *client.Profile {
	c := &f.scenario.Connect
	return &client.Profile{Cohort: &f.watchers, Backoff: backoffOf(c), EndsSession: !c.Resume, V311: f.scenario.Speaks311(spec.MQTT)}
}

// watcherEnv is what the watchers work with, but for their ledger.
func (f *Fleet) watcherEnv() *load.WatcherEnv {
	e := &load.WatcherEnv{
		Client: f.env, Run: f.run, Credentials: f.credentials, Dial: f.deviceEnv.Dial, Place: f.place, OneWay: f.oneWayTopics(),
		Will: func(p *wire.Publish) (int, uint32, bool) {
			device, number, run := responder.ConnectionOf(p)
			return device, number, run == f.run && f.numbered(device) != nil
		},
		AppendConnection: func(user []byte, device int, number uint32) []byte {
			return f.numbered(device).AppendConnection(user, number)
		},
	}
	if f.audit != nil {
		e.Consumed = f.audit.Consumed
	}
	if f.surveys {
		e.Shared = survey.Sharing(f.surveyConfig(true))
	}
	return e
}
