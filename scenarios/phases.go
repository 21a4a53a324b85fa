package scenarios

import (
	"time"

	"homefleet/scenarios/tomlfault"
)

const (
	defaultConnectPhase = 30 * time.Second
	defaultWaitFor      = 1.0
	defaultMeasure      = 30 * time.Second
	watchersDrain       = 5 * time.Second  // for messages on their way to them
	afterIncidents      = 10 * time.Second // for what the last one set off
	maxPhase            = 365 * 24 * time.Hour
)

// Length returns how long the run lasts once the fleet is connected.
func (p Phases) Length() time.Duration { return p.WarmUp + p.Measure + p.Drain }

// fill puts the defaults in the place of what is zero. The controllers have
// theirs.
func (p *Phases) fill(s *Scenario) {
	if p.filled || !s.Measured() {
		return
	}
	d := defaultPhases(s)
	p.Connect = orDefault(p.Connect, d.Connect)
	p.WaitFor = orDefault(p.WaitFor, d.WaitFor)
	p.Measure = orDefault(p.Measure, d.Measure)
	p.Drain = orDefault(p.Drain, d.Drain)
	p.filled = true
}

func defaultPhases(s *Scenario) Phases {
	p := Phases{Connect: defaultConnectPhase, WaitFor: defaultWaitFor, filled: true}
	for i := range s.Controllers {
		p.Measure = max(p.Measure, s.Controllers[i].Length())
		p.Drain = max(p.Drain, s.Controllers[i].Timeout)
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
		t.Known("connect", "wait_for", "warm_up", "measure", "drain", "pacing")
		return
	}
	s.Phases = defaultPhases(s)
	p := &s.Phases
	readPositive(t, "connect", &p.Connect)
	t.Percent("wait_for", &p.WaitFor)
	t.Duration("warm_up", &p.WarmUp)
	readPositive(t, "measure", &p.Measure)
	t.Duration("drain", &p.Drain)
	t.Choice("pacing", []string{string(Precise), string(Thrifty)}, (*string)(&p.Pacing))
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
	for _, f := range []struct {
		key  string
		d    time.Duration
		zero bool
	}{{"connect", p.Connect, false}, {"warm_up", p.WarmUp, true}, {"measure", p.Measure, false}, {"drain", p.Drain, true}} {
		switch {
		case f.d < 0 || f.d == 0 && !f.zero:
			r.errorf(f.key, "", "%s is %s; want more than 0", f.key, tomlfault.FormatDuration(f.d))
		case f.d > maxPhase:
			r.errorf(f.key, "", "%s is %s; want at most a year", f.key, tomlfault.FormatDuration(f.d))
		}
	}
	if !(p.WaitFor >= 0 && p.WaitFor <= 1) {
		r.errorf("wait_for", "", "wait_for is %v; want 0 to 1", p.WaitFor)
	}
	if p.Pacing != "" && p.Pacing != Precise && p.Pacing != Thrifty {
		r.errorf("pacing", "", "there is no %q; want %q or %q", tomlfault.Short(string(p.Pacing)), Precise, Thrifty)
	}
	if !r.ok("measure") {
		return
	}
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
