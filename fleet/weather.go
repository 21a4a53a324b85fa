package fleet

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/draws"
	"homefleet/fleet/faults"
	"homefleet/scenarios"
)

// weather makes incidents happen: those of the scenario, and those that somebody
// calls for. One goroutine, which [Fleet.Run] starts and waits for, goes through
// their steps in the order of time; what a step does to a device it leaves as a
// task.
type weather struct {
	fleet *Fleet
	zero  time.Time // start of measuring; of the run, if nothing is measured
	steps steps
	count int          // steps made so far
	last  client.Cause // given out last
	down  int          // occurrences that keep the embedded broker away

	duplicates sync.WaitGroup
	cancel     context.CancelFunc // of their dials
	ctx        context.Context
}

// step is something that happens at a moment.
type step struct {
	at    time.Time
	order int // among those of the same moment
	do    func()
}

// steps is a heap, the earliest first.
type steps []step

func (s steps) Len() int { return len(s) }
func (s steps) Less(i, j int) bool {
	if s[i].at.Equal(s[j].at) {
		return s[i].order < s[j].order
	}
	return s[i].at.Before(s[j].at)
}
func (s steps) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *steps) Push(x any)   { *s = append(*s, x.(step)) }
func (s *steps) Pop() any {
	old := *s
	last := old[len(old)-1]
	old[len(old)-1] = step{}
	*s = old[:len(old)-1]
	return last
}

// runWeather takes orders and makes steps until the fleet is stopped. It returns
// when nothing of it runs any more.
func (f *Fleet) runWeather() {
	w := &weather{fleet: f, zero: time.Now()}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	defer w.duplicates.Wait()
	defer w.cancel()
	defer w.calm()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := time.Hour
		if len(w.steps) > 0 {
			wait = time.Until(w.steps[0].at)
		}
		timer.Reset(wait)
		select {
		case <-f.stop:
			return
		case do := <-f.orders:
			do(w)
		case <-timer.C:
			w.proceed()
		}
	}
}

// order has the weather's goroutine do something, and waits until it is done. The
// error is [ErrEnded] when the fleet has been stopped, and the context's cause when
// that is done before the fleet runs.
func (f *Fleet) order(ctx context.Context, do func(*weather)) error {
	done := make(chan struct{})
	select {
	case <-f.stop:
		return ErrEnded
	case <-ctx.Done():
		return fmt.Errorf("waiting for the fleet to run: %w", context.Cause(ctx))
	case f.orders <- func(w *weather) { do(w); close(done) }:
		<-done
		return nil
	}
}

// forecast plans the incidents of the scenario.
func (w *weather) forecast(zero time.Time) {
	w.zero = zero
	sc := w.fleet.scenario
	all, first := sc.Occurrences(sc.Phases.Measure), w.count
	w.count += len(all) // at the same moment they come before what follows from them
	// One after the other: a day of them, all planned at once, would take megabytes.
	var plan func(i int)
	plan = func(i int) {
		if i < len(all) {
			heap.Push(&w.steps, step{zero.Add(all[i].From), first + 1 + i, func() {
				plan(i + 1)
				w.begin(sc, all[i])
			}})
		}
	}
	plan(0)
}

// proceed makes the steps that are due.
func (w *weather) proceed() {
	for now := time.Now(); len(w.steps) > 0 && client.IsDue(w.steps[0].at, now); {
		heap.Pop(&w.steps).(step).do()
	}
}

// calm ends it: what is due still happens, what is not does not, and devices
// that are away stay so, which is no recovery that failed.
func (w *weather) calm() {
	w.proceed()
	w.steps = nil
	w.fleet.recoveries.leaveOut(w.fleet.now())
	if w.down > 0 {
		w.down = 0
		w.fleet.outage.Resume() // or the fleet could not go in an orderly way
	}
}

// at plans a step.
func (w *weather) at(t time.Time, do func()) {
	w.count++
	heap.Push(&w.steps, step{t, w.count, do})
}

// stricken is one occurrence of an incident.
type stricken struct {
	w          *weather
	by         client.Cause
	draw       uint64 // what is drawn for this occurrence depends on it
	occurrence scenarios.Occurrence
	incident   *scenarios.Incident
	devices    []*responder
	recoveries map[string]*recovery // by group of devices
	from, to   time.Time
}

// begin makes an occurrence of an incident happen.
func (w *weather) begin(sc *scenarios.Scenario, o scenarios.Occurrence) {
	f := w.fleet
	in := &sc.Incidents[o.Incident]
	w.last++
	by := w.last
	s := &stricken{w: w, by: by, draw: draws.Mix(uint64(o.Incident)<<32 + uint64(o.N)), occurrence: o, incident: in, from: w.zero.Add(o.From), to: w.zero.Add(o.To),
		recoveries: make(map[string]*recovery)}
	for _, n := range sc.Affected(o) {
		s.devices = append(s.devices, f.responders[n])
	}
	if len(s.devices) == 0 {
		return
	}
	s.follow()
	s.announce()
	switch in.Kind {
	case scenarios.RouterReboot, scenarios.WiFiLoss:
		forgot := in.Kind == scenarios.RouterReboot
		s.each(func(r *responder) { r.CutNetwork(by, string(in.Kind)) },
			func(r *responder) { r.RestoreNetwork(by, forgot, s.reconnect()) })
	case scenarios.FirmwareRoll:
		s.roll()
	case scenarios.Flapping:
		s.flap()
	case scenarios.BrokerOutage:
		w.brokerOutage(s.to)
	case scenarios.IDFight:
		s.fight()
	case scenarios.SlowLink:
		link := linkOf(by, in)
		s.each(func(r *responder) { r.Slow(link) }, func(r *responder) { r.Quicken(by) })
	default: // Offline, PowerCut
		s.each(func(r *responder) { r.Disconnect(by, client.OfflineMode(in.Way)) }, func(r *responder) { r.Reconnect(by, s.reconnect()) })
	}
	s.expectBack()
}

// reconnect says how the devices return.
func (s *stricken) reconnect() client.Reconnect {
	in := s.incident
	return client.Reconnect{Wait: in.Return == scenarios.WithBackoff, Clean: in.Session == scenarios.Clean, Rename: in.Rename}
}

// follow has every struck device be followed until it is back, if that is to be
// known.
func (s *stricken) follow() {
	f := s.w.fleet
	if f.audit == nil {
		return
	}
	for _, r := range s.devices {
		group := r.spec.Group.Name
		rec := s.recoveries[group]
		if rec == nil {
			rec = &recovery{incident: s.incident.Name, group: group, from: s.from.Sub(f.clock.Epoch), to: s.to.Sub(f.clock.Epoch), over: s.to.Add(s.incident.Spread).Sub(f.clock.Epoch), unasked: !f.asks(), late: s.late, news: f.news}
			s.recoveries[group] = rec
			f.recoveries.add(rec, f.now())
		}
		rec.told()
		if !r.Tell(func() { rec.heard(); r.struckBy(rec) }) {
			rec.heard()
		}
	}
}

// expectBack has each device prove at its own moment of the Spread that it is back,
// if it was never away. It comes after what that moment lets go.
func (s *stricken) expectBack() {
	if s.incident.Spread > 0 {
		for _, r := range s.devices {
			s.w.at(s.to.Add(s.late(r)), func() { s.isOver(r) })
		}
	}
	s.w.at(s.to.Add(s.incident.Spread), func() {
		if s.incident.Spread == 0 {
			for _, r := range s.devices {
				s.isOver(r)
			}
		}
		s.w.fleet.log.Info(s.incident.Name + " is over: " + s.after())
	})
}

func (s *stricken) isOver(r *responder) {
	if rec := s.recoveries[r.spec.Group.Name]; rec != nil {
		r.Tell(func() { r.overWith(rec) })
	}
}

// each has something happen to each device at the beginning and another thing at
// the end, each at its own moment of the Spread.
func (s *stricken) each(begin, end func(*responder)) {
	for _, r := range s.devices {
		late := s.late(r)
		s.w.at(s.from.Add(late), func() { r.Tell(func() { begin(r) }) })
		s.w.at(s.to.Add(late), func() { r.Tell(func() { end(r) }) })
	}
}

// late is a device's own moment of the Spread.
func (s *stricken) late(r *responder) time.Duration {
	if s.incident.Spread == 0 {
		return 0
	}
	draw := draws.Chance(s.w.fleet.scenario.Seed, r.spec.Global, draws.Incident, s.draw)
	return time.Duration(draw * float64(s.incident.Spread))
}

// roll restarts the devices batch by batch.
func (s *stricken) roll() {
	batches := max(int(1/s.incident.Batch+0.999999), 1)
	length := s.to.Sub(s.from) / time.Duration(batches)
	for i, r := range s.devices {
		at := s.from.Add(time.Duration(i*batches/len(s.devices)) * length)
		s.w.at(at, func() { r.Tell(func() { r.Disconnect(s.by, client.OfflineMode(s.incident.Way)) }) })
		s.w.at(at.Add(length), func() { r.Tell(func() { r.Reconnect(s.by, s.reconnect()) }) })
	}
}

// flap has the devices come and go, each by itself.
func (s *stricken) flap() {
	f, in := s.w.fleet, s.incident
	for _, r := range s.devices {
		late := s.late(r)
		to := s.to.Add(late)
		count := uint64(0)
		about := func(mean time.Duration) time.Duration {
			count++
			draw := draws.Chance(f.scenario.Seed, r.spec.Global, draws.Incident, s.draw+count)
			return time.Duration((0.5 + draw) * float64(mean))
		}
		var down, up func()
		down = func() {
			if now := time.Now(); now.Before(to) {
				r.Tell(func() { r.Disconnect(s.by, client.OfflineMode(in.Way)) })
				s.w.at(client.Earlier(now.Add(about(in.Down)), to), up)
			}
		}
		up = func() {
			r.Tell(func() { r.Reconnect(s.by, s.reconnect()) })
			s.w.at(time.Now().Add(about(in.Up)), down)
		}
		s.w.at(s.from.Add(late+about(in.Up)-in.Up/2), down)
	}
}

// brokerOutage takes the embedded broker away.
func (w *weather) brokerOutage(until time.Time) {
	outage := w.fleet.outage
	if outage == nil {
		return // the check of the scenario has said so
	}
	if w.down++; w.down == 1 {
		from := w.fleet.now()
		outage.Suspend()
		to := w.fleet.now()
		for _, r := range w.fleet.responders {
			r.Tell(func() { r.BrokerLeft(from, to) })
		}
	}
	w.at(until, func() {
		if w.down--; w.down == 0 {
			outage.Resume()
		}
	})
}

// linkOf translates an incident into the faults of a connection.
func linkOf(by client.Cause, in *scenarios.Incident) client.SlowLink {
	l := client.SlowLink{By: by}
	add := func(name string, f faults.Fault) {
		l.Names = append(l.Names, fmt.Sprintf("%s %d", name, by))
		l.Faults = append(l.Faults, f)
	}
	if in.Slice > 0 {
		add("slicer", faults.Slicer{AverageSize: in.Slice, SizeVariation: in.Slice / 2, Delay: in.SliceDelay})
	}
	if in.Bandwidth > 0 {
		add("bandwidth", faults.Bandwidth{Rate: in.Bandwidth})
	}
	if in.Latency > 0 || in.Jitter > 0 {
		add("latency", faults.Latency{Latency: in.Latency, Jitter: in.Jitter})
	}
	return l
}
