package scenarios

import (
	"slices"

	"homefleet/fleet/metrics"
)

// LoadPlan sums up for people what is measured, and with what load.
type LoadPlan struct {
	Controllers []ControllerPlan
	Watchers    []*Watchers
	Phases      Phases
	Incidents   []IncidentPlan
	Expect      []metrics.Expectation // what is implied, too
	Clients     int                   // connections in all: devices, controllers and watchers
}

// IncidentPlan sums one incident up.
type IncidentPlan struct {
	Incident    *Incident
	Times       int        // how often it happens while measuring, as the seed has it
	First, Last Occurrence // the first and the last of these times; zero without any
	Devices     int        // how many are struck the first time
}

// ControllerPlan sums one group of controllers up.
type ControllerPlan struct {
	Controllers *Controllers
	First, Last string   // ids of the controllers
	Targets     int      // devices that are commanded
	FirstTarget Device   // the first of them ...
	LastTarget  Device   // ... and the last
	OfEachGroup []Device // the first of each [[device]] that is commanded
	Answers     int      // expected to each request: the devices of the group, or 1
	Requests    float64  // due while measuring; for Poisson, on average; 0 for Closed, where the answers decide
	Rate, Peak  float64  // requests a second of the whole group, on average and at most; 0 for Closed; Bursts have no peak
}

// LoadPlan sums up what a checked scenario measures. It connects to nothing and
// is the same each time.
func (s *Scenario) LoadPlan() LoadPlan {
	p := LoadPlan{Phases: s.Phases, Expect: s.Expectations(), Clients: s.Count()}
	for i := range s.Watchers {
		p.Watchers = append(p.Watchers, &s.Watchers[i])
		p.Clients += s.Watchers[i].Count
	}
	p.Incidents = make([]IncidentPlan, len(s.Incidents))
	for i := range s.Incidents {
		p.Incidents[i].Incident = &s.Incidents[i]
	}
	for _, o := range s.Occurrences(s.Phases.Measure) {
		one := &p.Incidents[o.Incident]
		if one.Times == 0 {
			one.First, one.Devices = o, len(s.Affected(o))
		}
		one.Last = o
		one.Times++
	}
	for i := range s.Controllers {
		c := &s.Controllers[i]
		targets := s.Targets(c)
		if c.Pair {
			targets = targets[:min(c.Count, len(targets))]
		}
		p.Clients += c.Count
		one := ControllerPlan{
			Controllers: c, First: c.ID(1), Last: c.ID(c.Count), Targets: len(targets), Answers: 1,
			Requests: c.Requests(s.Phases.Measure), Peak: c.peak(),
		}
		if len(targets) > 0 {
			one.FirstTarget, one.LastTarget = s.Device(targets[0]), s.Device(targets[len(targets)-1])
			one.OfEachGroup = s.oneOfEachGroup(targets)
		}
		if c.Group != "" {
			one.Answers = len(targets)
		}
		if s.Phases.Measure > 0 {
			one.Rate = one.Requests / s.Phases.Measure.Seconds()
		}
		p.Controllers = append(p.Controllers, one)
	}
	return p
}

// oneOfEachGroup returns the first of some devices that is of each group.
func (s *Scenario) oneOfEachGroup(numbers []int) (all []Device) {
	for from, g := range s.numbered(true) {
		to := from + g.Total()
		if at := slices.IndexFunc(numbers, func(n int) bool { return from <= n && n < to }); at >= 0 {
			all = append(all, s.Device(numbers[at]))
		}
	}
	return all
}

// peak is the highest rate of the group.
func (c *Controllers) peak() float64 {
	peak := c.Rate + c.RatePerController*float64(c.Count)
	for _, st := range c.Stages {
		peak = max(peak, st.From, st.To)
	}
	return peak
}
