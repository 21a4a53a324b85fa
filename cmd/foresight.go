package cmd

import (
	"strings"
	"time"

	"homefleet/fleet/incident"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// foresight knows from a scenario's plan how much there will be to measure.
type foresight struct {
	sc   *scenarios.Scenario
	plan *scenarios.LoadPlan
}

// samples is how many samples there will be of a distribution, as far as the plan
// tells; why says what is amiss where there are none.
func (f *foresight) samples(s metrics.Series) (n float64, why string, known bool) {
	of := s.Label
	switch s.Metric {
	case metrics.ResponseTime, metrics.ServiceTime, metrics.ScheduleDelay:
		n, known = f.requests(of, func(*scenarios.ControllerPlan) float64 { return 1 })
		return n, "no such request is due in " + setting(f.sc.Phases.Measure), known
	case metrics.AnswerTime:
		n, known = f.requests(of, func(c *scenarios.ControllerPlan) float64 {
			if c.Answers < 2 {
				return 0 // its time is that of the response
			}
			return float64(c.Answers)
		})
		return n, "no such request expects several answers", known
	case metrics.ConnectDial, metrics.ConnectConnack, metrics.ConnectSuback:
		switch {
		case of.Dimension == metrics.ByStage:
			return 0, "connecting belongs to no stage", true
		case of.Dimension == metrics.ByPhase && of.Name == "connect":
			return float64(f.plan.Clients), "nobody connects", true
		}
		return 0, "everybody connects before, and no incident has anybody connect again; want {phase=connect}", len(f.plan.Incidents) == 0
	case metrics.TelemetryPuback:
		return f.pubacks(of)
	case metrics.StateDelivery:
		if of.Dimension != metrics.All && of.Dimension != metrics.ByPhase {
			return 0, "deliveries are not told apart by " + of.Dimension.String(), true
		}
		telemetry, states := f.watched("")
		return telemetry * f.length(of).Seconds(), "the topics of the watchers match nothing that devices publish", !states && f.known(of)
	case metrics.WillDelay:
		if of.Dimension != metrics.All {
			return 0, "Wills are not told apart by " + of.Dimension.String(), true
		}
		n, known = f.wills()
		return n, "no incident has a Will come", known
	}
	return 0, "", false
}

// requests is how many requests of a label are due in the measuring, each counted as
// often as times says. It is not known of those that wait for answers.
func (f *foresight) requests(of metrics.Label, times func(*scenarios.ControllerPlan) float64) (n float64, known bool) {
	for i := range f.plan.Controllers {
		c := &f.plan.Controllers[i]
		due := c.Requests
		switch of.Dimension {
		case metrics.ByController:
			if c.Controllers.Name != of.Name {
				continue
			}
		case metrics.ByKind:
			due *= f.partOfKind(c, of.Name)
		case metrics.ByStage:
			due = 0
			for _, s := range c.Controllers.Stages {
				if s.Name == of.Name {
					due += (s.From + s.To) / 2 * s.For.Seconds()
				}
			}
		}
		if c.Controllers.Arrival == scenarios.Closed && of.Dimension != metrics.ByStage {
			return 0, false // the answers decide
		}
		n += due * times(c)
	}
	return n, true
}

// partOfKind is how much of what a group of controllers sends goes to devices of a
// kind. What goes to a group of devices is of none.
func (f *foresight) partOfKind(c *scenarios.ControllerPlan, kind string) float64 {
	if c.Controllers.Group != "" || c.Targets == 0 {
		return 0
	}
	n := 0
	targets := f.sc.Targets(c.Controllers)[:c.Targets]
	for _, number := range targets {
		if f.sc.Device(number).Group.Kind.Name == kind {
			n++
		}
	}
	return float64(n) / float64(len(targets))
}

// asks reports whether any request is due at all.
func (f *foresight) asks() bool {
	n, known := f.requests(metrics.Label{}, func(*scenarios.ControllerPlan) float64 { return 1 })
	return !known || n >= 0.5
}

// mute reports whether none of the devices that are commanded answers.
func (f *foresight) mute() bool {
	for i := range f.plan.Controllers {
		for _, number := range f.sc.Targets(f.plan.Controllers[i].Controllers) {
			if m := f.sc.Device(number).Group.Misbehave; m == nil || m.Drop < 1 {
				return false
			}
		}
	}
	return true
}

// pubacks is how many messages of telemetry will be acknowledged.
func (f *foresight) pubacks(of metrics.Label) (n float64, why string, known bool) {
	if of.Dimension == metrics.ByStage || of.Dimension == metrics.ByController {
		return 0, "telemetry is not told apart by " + of.Dimension.String(), true
	}
	for i := range f.sc.Groups {
		g := &f.sc.Groups[i]
		if g.QoS > 0 && g.Telemetry > 0 && (of.Dimension != metrics.ByKind || g.Kind.Name == of.Name) {
			n += float64(g.Total()) / g.Telemetry.Seconds()
		}
	}
	if n == 0 {
		return 0, "no such device sends telemetry at QoS 1 or 2", true
	}
	return n * f.length(of).Seconds(), "no telemetry is due in " + setting(f.length(of)), f.known(of)
}

// length is how long the part of the run lasts that a label is of.
func (f *foresight) length(of metrics.Label) time.Duration {
	if of.Dimension == metrics.ByPhase {
		return f.sc.Phases.WarmUp
	}
	return f.sc.Phases.Measure
}

// known reports whether it is known how long that part lasts.
func (f *foresight) known(of metrics.Label) bool {
	return of.Dimension != metrics.ByPhase || of.Name == "warm-up"
}

// mostLookedAt bounds the devices whose topics are compared with filters.
const mostLookedAt = 10_000

// watched is how much telemetry a second comes to the watchers of a name, or to all if
// that is "", once for each who is to get it, and whether states do: how many there will
// be is not known.
func (f *foresight) watched(name string) (telemetry float64, states bool) {
	every := max(1, f.sc.Count()/mostLookedAt)
	for number := 0; number < f.sc.Count(); number += every {
		d := f.sc.Device(number)
		for i := range f.sc.Watchers {
			w := &f.sc.Watchers[i]
			if name != "" && w.Name != name {
				continue
			}
			copies := float64(w.Count)
			if w.Share != "" {
				copies = 1
			}
			outline := d.Outline()
			if d.Group.Telemetry > 0 && matchesAny(w.Topics, outline.Telemetry) {
				telemetry += copies * float64(every) / d.Group.Telemetry.Seconds()
			}
			for k := range d.Group.Kind.Attributes {
				states = states || matchesAny(w.Topics, strings.ReplaceAll(outline.States, "<attribute>", d.Group.Kind.Attributes[k].Name))
			}
		}
	}
	return telemetry, states
}

func matchesAny(filters []string, topic string) bool {
	for _, filter := range filters {
		if wire.Match(filter, topic) {
			return true
		}
	}
	return false
}

// unwatched says why nothing will be known of deliveries, or "". label is that of the
// metric, without its first brace.
func (f *foresight) unwatched(label string) string {
	if len(f.sc.Watchers) == 0 {
		return "the scenario has no [[watcher]]"
	}
	_, name, _ := strings.Cut(strings.TrimSuffix(label, "}"), "=")
	if telemetry, states := f.watched(name); telemetry == 0 && !states {
		return "the topics of the watchers match nothing that devices publish"
	}
	return ""
}

// wills is how many Wills incidents have come, as far as that is known: it is not where
// devices come and go by chance, or where it depends on who notices first.
func (f *foresight) wills() (n float64, known bool) {
	known = true
	for i := range f.plan.Incidents {
		p := &f.plan.Incidents[i]
		in := p.Incident
		once, foreseen := incident.Breaks(in)
		known = known && foreseen
		if !once || p.Times == 0 {
			continue
		}
		due := 0
		for _, number := range f.sc.Affected(p.First) {
			if w := &f.sc.Device(number).Group.Will; !w.Off && w.Delay <= in.For {
				due++
			}
		}
		n += float64(due * p.Times)
	}
	return n, known
}
