package incident

import (
	"fmt"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/client"
	"homefleet/fleet/draws"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// occurrence is one time that an incident happens. The goroutine of [Scheduler.Run]
// alone touches it.
type occurrence struct {
	s          *Scheduler
	by         client.Cause
	draw       uint64 // what is drawn for this occurrence depends on it
	kind       *kind
	incident   *scenarios.Incident
	targets    []Target
	recoveries map[string]*Recovery // by group of devices
	from, to   time.Time
	entry      *Happening
	ended      chan struct{} // closed when somebody ends it early
}

// strike plans something that befalls devices, or what brings that about; once the
// occurrence has been ended early, it does not happen.
func (o *occurrence) strike(t time.Time, do func()) { o.s.plans(t, do, o, true) }

// release plans something that lets devices go; it happens at once when the occurrence is
// ended early.
func (o *occurrence) release(t time.Time, do func()) { o.s.plans(t, do, o, false) }

// begin makes an occurrence of an incident happen, which has its entry.
func (s *Scheduler) begin(sc *scenarios.Scenario, of scenarios.Occurrence, entry *Happening) {
	in := &sc.Incidents[of.Incident]
	o := &occurrence{s: s, by: client.Cause(entry.Number), entry: entry, ended: make(chan struct{}), draw: draws.Mix(uint64(of.Incident)<<32 + uint64(of.N)), kind: kindOf(in.Kind), incident: in,
		from: s.zero.Add(of.From), to: s.zero.Add(of.To), recoveries: make(map[string]*Recovery)}
	for _, number := range sc.Meant(of) {
		if t := s.config.Target(number); t != nil {
			o.targets = append(o.targets, t)
		}
	}
	switch {
	case len(o.targets) == 0:
		return
	case o.kind == nil:
		s.config.Log.Error("an incident of a kind that does nothing", "incident", in.Name, "kind", in.Kind)
		return
	}
	o.follow()
	o.announce()
	o.kind.begin(o)
	o.expectBack()
}

// back says how the devices return.
func (o *occurrence) back() client.Reconnect {
	in := o.incident
	return client.Reconnect{Wait: in.Return == scenarios.WithBackoff, Clean: in.Session == scenarios.Clean, Rename: in.Rename}
}

// each has something happen to each device at the beginning and another thing at
// the end, each at its own moment of the Spread.
func (o *occurrence) each(begin, end func(Device)) {
	for _, t := range o.targets {
		late := o.late(t)
		o.strike(o.from.Add(late), func() { t.Tell(begin) })
		o.release(o.to.Add(late), func() { t.Tell(end) })
	}
}

// late is a device's own moment of the Spread.
func (o *occurrence) late(t Target) time.Duration { return o.lateOf(t.Spec().Global) }

func (o *occurrence) lateOf(device int) time.Duration {
	if o.incident.Spread == 0 {
		return 0
	}
	draw := draws.Chance(o.s.config.Scenario.Seed, device, draws.Incident, o.draw)
	return time.Duration(draw * float64(o.incident.Spread))
}

// follow has each device be followed until it is back, if that is to be known.
func (o *occurrence) follow() {
	s := o.s
	if !s.config.Follow {
		return
	}
	for _, t := range o.targets {
		group := t.Spec().Group.Name
		rec := o.recoveries[group]
		if rec == nil {
			rec = &Recovery{incident: o.incident.Name, group: group, from: s.onClock(o.from), to: s.onClock(o.to),
				over: s.onClock(o.to.Add(o.incident.Spread)), unasked: !s.config.Asks(), late: o.lateOf, news: s.config.News}
			o.recoveries[group] = rec
			s.recoveries.Add(rec, s.now())
		}
		rec.told()
		if !t.Tell(func(d Device) { rec.heard(); d.Follow(rec) }) {
			rec.heard()
		}
	}
}

// expectBack has each device prove at its own moment of the Spread that it is back,
// if it was never away. It comes after what that moment lets go.
func (o *occurrence) expectBack() {
	if o.incident.Spread > 0 {
		for _, t := range o.targets {
			o.release(o.to.Add(o.late(t)), func() { o.isOver(t) })
		}
	}
	o.release(o.to.Add(o.incident.Spread), func() {
		if o.incident.Spread == 0 {
			for _, t := range o.targets {
				o.isOver(t)
			}
		}
		delete(o.s.underWay, o.entry.Number)
		o.s.config.Log.Info(o.incident.Name + " is over: " + o.after())
	})
}

func (o *occurrence) isOver(t Target) {
	if rec := o.recoveries[t.Spec().Group.Name]; rec != nil {
		t.Tell(func(d Device) { d.IsOver(rec) })
	}
}

// announce logs the incident and puts it on the time line.
func (o *occurrence) announce() {
	text := o.before()
	o.s.config.Log.Info(text)
	o.s.underWay[o.entry.Number] = o
	event := o.s.events.Add(metrics.Incident{At: metrics.Span(o.s.onClock(o.from)), To: metrics.Span(o.s.onClock(o.to)), Text: text})
	o.s.happenings.begun(o.entry, len(o.targets), text, event)
}

// before says what is about to happen: "power cut: 25 devices in flat-03 without
// power, for 20s".
func (o *occurrence) before() string {
	name := o.incident.Name
	if name == string(o.incident.Kind) {
		name = strings.ReplaceAll(name, "-", " ")
	}
	return fmt.Sprintf("%s: %s%s %s, for %v", name, devicesText(len(o.targets)), o.where(), o.kind.what(o.incident), o.to.Sub(o.from))
}

// after says how it ended.
func (o *occurrence) after() string {
	if o.kind.staysOn {
		return "all as before for " + devicesText(len(o.targets))
	}
	return devicesText(len(o.targets)) + " may come back"
}

// where names the home that all devices belong to, if it is one.
func (o *occurrence) where() string {
	home := o.targets[0].Spec().Home
	if home == "" {
		return ""
	}
	for _, t := range o.targets {
		if t.Spec().Home != home {
			return ""
		}
	}
	return " in " + home
}

func devicesText(n int) string { return words.Plural(int64(n), "device", "devices") }
