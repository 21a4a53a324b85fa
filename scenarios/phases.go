package scenarios

import (
	"time"

	"homefleet/scenarios/tomlfault"
)

const (
	defaultMeasure = 30 * time.Second
	watchersDrain  = 5 * time.Second  // for messages on their way to them
	afterIncidents = 10 * time.Second // for what the last one set off
	maxPhase       = 365 * 24 * time.Hour
)

// phaseKeys are the keys of [phases].
var phaseKeys = describe[Phases](table{name: "[phases]", keys: []key{
	{name: "connect", form: span(1, maxPhase), def: 30 * time.Second, doc: "at most; whoever is not up then is a straggler"},
	{name: "wait_for", form: share(""), def: 1.0, doc: "how many of the devices must be up before the connect phase ends early"},
	{name: "warm_up", form: span(0, maxPhase), defDoc: "`\"0s\"`", doc: "requests, telemetry and states are sent and not measured: what came of them is told apart"},
	{name: "measure", form: span(1, maxPhase), defDoc: "the longest sum of stages, at least 10 s more than incidents take, else `\"30s\"`",
		doc: "requests are recorded; not shorter than the stages"},
	{name: "drain", form: span(0, maxPhase), defDoc: "the longest `timeout`, and `\"5s\"` with watchers",
		doc: "at most; ends when nothing is outstanding, held back, or on its way to a watcher"},
	{name: "pacing", form: oneOf{texts(Precise, Thrifty)}, defDoc: "`\"precise\"`",
		doc: "by what requests keep to their moments: a timer of the kernel's, late by some tens of microseconds, for some 40 µs of CPU a moment; " +
			"or Go's own, late by up to a millisecond. Precise is so on Linux, and as long as there are no more than some 6,500 moments a second"},
}})

// Length returns how long the run lasts once the fleet is connected.
func (p Phases) Length() time.Duration { return p.WarmUp + p.Measure + p.Drain }

// fill puts the defaults in the place of what is zero. The controllers have
// theirs.
func (p *Phases) fill(s *Scenario) {
	if p.filled || !s.Measured() {
		return
	}
	d := defaultPhases(s)
	phaseKeys.fill(p)
	switch p.Drain {
	case 0:
		p.Drain = d.Drain
	case None:
		p.Drain = 0
	}
	if p.Measure == 0 {
		p.Measure = d.Measure
	}
	p.filled = true
}

// defaultPhases returns the defaults that depend on the rest of the scenario.
func defaultPhases(s *Scenario) Phases {
	p := Phases{filled: true}
	for i := range s.Controllers {
		p.Measure = max(p.Measure, s.Controllers[i].Length())
		p.Drain = max(p.Drain, s.Controllers[i].Timeout)
	}
	for i := range s.Groups {
		p.Measure = max(p.Measure, min(s.Groups[i].stagesLength(), maxPhase))
	}
	if len(s.Watchers) > 0 {
		p.Drain = max(p.Drain, watchersDrain)
	}
	if p.Measure <= 0 {
		p.Measure = defaultMeasure
	}
	for i := range s.Incidents {
		p.Measure = max(p.Measure, min(s.Incidents[i].end()+afterIncidents, maxPhase))
	}
	return p
}

func readPhases(r *reader) {
	t, s := r.top.Table("phases"), r.s
	if !s.Measured() && !r.top.Holds("phases") && !r.top.Holds("expect") {
		phaseKeys.known(t)
		return
	}
	s.Phases = defaultPhases(s)
	phaseKeys.read(t, &s.Phases)
}

func checkPhases(c *checker) {
	s, r := c.s, c.rules("phases")
	if !s.Measured() {
		return
	}
	p := &s.Phases
	if s.Duration != 0 {
		c.rules("").errorf("duration", "remove it and say [phases] measure", "duration stands in a scenario that measures; want [phases] to say how long it lasts")
	}
	phaseKeys.check(r, p)
	if !r.ok("measure") {
		return
	}
	checkDeviceStages(c)
	for i := range s.Controllers {
		checkAmount(c, c.rules(controllerPath(i)), &s.Controllers[i])
	}
}

// checkAmount checks how much the controllers do against how long there is.
func checkAmount(ch *checker, r rules, c *Controllers) {
	p := &ch.s.Phases
	if !ch.doc.Clean(r.path) {
		return
	}
	key := "rate"
	switch {
	case c.Arrival == Bursts:
		key = "burst"
	case len(c.Stages) > 0:
		key = "stage"
	case c.RatePerController > 0:
		key = "rate_per_controller"
	}
	n := c.Requests(p.Measure)
	switch length := c.Length(); {
	case length > p.Measure:
		ch.rules("phases").errorf("measure", "leave measure out: the stages say how long it takes", "measure is %s, but the stages of %s last %s",
			tomlfault.FormatDuration(p.Measure), tomlfault.Short(c.Name), tomlfault.FormatDuration(length))
	case n > maxRequests:
		r.errorf(key, "lower the rate, or measure for a shorter time", "that makes %.2g requests in %s; want at most 2^40", n, tomlfault.FormatDuration(p.Measure))
	case c.Arrival.open() && n < 1:
		r.warnf(key, "raise the rate, or measure for longer", "that makes no request in %s", tomlfault.FormatDuration(p.Measure))
	}
	if p.Drain < c.Timeout && ch.doc.OK("phases.drain") && ch.doc.OK("phases") {
		ch.rules("phases").warnf("drain", "leave drain out: it is the longest time-out by default",
			"drain is %s, but the time-out of %s is %s: the last requests are given up before it", tomlfault.FormatDuration(p.Drain), tomlfault.Short(c.Name), tomlfault.FormatDuration(c.Timeout))
	}
}
