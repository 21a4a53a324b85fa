package cmd

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// planWarnings are what a scenario's plan tells beforehand of how a run will be judged.
type planWarnings struct {
	lines []string // in words, one for each
	late  bool     // the ramp outlasts the connect phase
	none  int      // expectations that cannot come out
	few   int      // that will rest on few samples
	unfit int      // groups of controllers that command devices that are not there
}

// planWarningsOf says what of a scenario cannot come out, or rests on few samples, as
// far as its plan tells beforehand: a ramp that outlasts the connect phase, and
// expectations, implied ones too, without anything to judge or with little. What a
// broker may do is not foreseen.
func planWarningsOf(sc *scenarios.Scenario) planWarnings {
	var p planWarnings
	if !sc.Measured() {
		return p
	}
	if ramp := rampTime(sc); ramp > sc.Phases.Connect {
		p.late = true
		p.lines = append(p.lines, fmt.Sprintf("phases.connect is %s, and at connect.rate the last one begins to connect after %s", setting(sc.Phases.Connect), setting(ramp.Round(time.Millisecond))))
	}
	p.absent(sc)
	plan := sc.LoadPlan()
	f := foresight{sc: sc, plan: &plan}
	for i := range plan.Expect {
		e := &plan.Expect[i]
		if why := f.sourceless(e); why != "" {
			p.none++
			p.lines = append(p.lines, fmt.Sprintf("%s cannot come out: %s", e.Metric(), why))
			continue
		}
		s, timed := e.Series()
		if !timed {
			continue
		}
		n, why, known := f.samples(s)
		switch count := int64(math.Round(n)); {
		case !known:
		case count == 0:
			p.none++
			p.lines = append(p.lines, fmt.Sprintf("%s cannot come out: %s", e.Metric(), why))
		case percentileOf(e.Metric()) > 0 && count < metrics.Needed(percentileOf(e.Metric())):
			p.few++
			p.lines = append(p.lines, fmt.Sprintf("%s will rest on few samples (about %s)", e.Metric(), words.Grouped(count)))
		}
	}
	return p
}

// absent warns of controllers that command devices that are not present: what is asked of
// these is lost, until somebody revives them.
func (p *planWarnings) absent(sc *scenarios.Scenario) {
	if !slices.ContainsFunc(sc.Groups, func(g scenarios.Group) bool { return g.Absent || len(g.Stages) > 0 }) {
		return
	}
	for i := range sc.Controllers {
		c, away, staged, of := &sc.Controllers[i], 0, 0, 0
		for _, n := range sc.Targets(c) {
			of++
			switch g := sc.Device(n).Group; {
			case g.Absent:
				away++
			case len(g.Stages) > 0:
				staged++
			}
		}
		if staged > 0 {
			p.unfit++
			p.lines = append(p.lines, fmt.Sprintf("the controllers %s command %s, of which %s in stages: what is asked of one that is not there is lost",
				printable(c.Name), plural(of, "device"), thatCome(staged)))
		}
		if away > 0 {
			p.unfit++
			p.lines = append(p.lines, fmt.Sprintf("the controllers %s command %s, of which %s not present: what is asked of these is lost, until somebody revives them",
				printable(c.Name), plural(of, "device"), areOf(away)))
		}
	}
}

// thatCome is how many of some come.
func thatCome(n int) string {
	if n == 1 {
		return "1 comes"
	}
	return words.Grouped(int64(n)) + " come"
}

// areOf is how many of some are so.
func areOf(n int) string {
	if n == 1 {
		return "1 is"
	}
	return words.Grouped(int64(n)) + " are"
}

// words is a sentence of it, or "" if there is nothing to say. check is the command
// that says all.
func (p *planWarnings) words(check string) string {
	if len(p.lines) <= 1 {
		return strings.Join(p.lines, "")
	}
	var parts []string
	if p.late {
		parts = append(parts, "the ramp outlasts the connect phase")
	}
	if p.none > 0 {
		parts = append(parts, plural(p.none, "expectation")+" cannot come out")
	}
	if p.few > 0 {
		parts = append(parts, plural(p.few, "expectation")+" will rest on few samples")
	}
	if p.unfit > 0 {
		parts = append(parts, words.Plural(int64(p.unfit), "group of controllers", "groups of controllers")+" to devices that are not present")
	}
	return strings.Join(parts, ", ") + "; `" + check + "` says which"
}

// percentileOf is the percentile that a metric is of; 0 if it is of none.
func percentileOf(metric string) float64 {
	name, _, _ := strings.Cut(metric, "{")
	const mark = ".p" // as in "telemetry.puback.p99.9"
	at := strings.LastIndex(name, mark)
	if at < 0 {
		return 0
	}
	v, err := strconv.ParseFloat(name[at+len(mark):], 64)
	if err != nil {
		return 0
	}
	return v
}

// sourceless says what a scenario lacks for anything to be known of a metric, or "".
func (f *foresight) sourceless(e *metrics.Expectation) string {
	name, label, _ := strings.Cut(e.Metric(), "{")
	family, rest, _ := strings.Cut(name, ".")
	quiet := f.quiet()
	switch family {
	case "requests", "answers", "response", "service", "schedule", "holdback", "answer", "generator":
		switch {
		case len(f.plan.Controllers) == 0:
			return "the scenario has no [[controller]]"
		case !f.asks():
			return "no request is due in " + setting(f.sc.Phases.Measure)
		case name == "requests.lost_away" && quiet != "":
			return quiet + ", so that no device is away"
		case e.Implied && name == "answers.received" && f.mute():
			return "every device that is commanded drops its answers"
		}
	case "delivery":
		return f.unwatched(label)
	case "recovery", "reconnect":
		switch {
		case quiet != "":
			return quiet
		case strings.HasPrefix(rest, "answering.") && !f.sc.Audit.On:
			return "the scenario has no [audit], so that nobody asks the devices"
		}
	case "devices":
		if rest == "recovered" || rest == "affected" {
			return quiet
		}
	case "telemetry":
		if perSecond(f.sc) == 0 {
			return "no device has a telemetry interval"
		}
	case "wills", "retained":
		return f.unseen(family, rest)
	}
	return ""
}

// quiet says why nothing happens to the devices, or "".
func (f *foresight) quiet() string {
	switch happens := func(p scenarios.IncidentPlan) bool { return p.Times > 0 }; {
	case len(f.plan.Incidents) == 0:
		return "the scenario has no [[incident]]"
	case !slices.ContainsFunc(f.plan.Incidents, happens):
		return "no incident happens in " + setting(f.sc.Phases.Measure)
	}
	return ""
}

// unseen is sourceless for Wills and what is retained.
func (f *foresight) unseen(family, rest string) string {
	if family == "wills" && slices.Contains([]string{"sent", "answered", "unanswered"}, rest) {
		return ""
	}
	if !f.sc.Audit.On {
		return "the scenario has no [audit]"
	}
	of, _, _ := strings.Cut(rest, ".")
	if family == "retained" || !slices.Contains([]string{"on_time", "early", "late", "missing", "unwatched", "duplicate", "altered", "consumed", "learned", "delay"}, of) {
		return ""
	}
	if n, known := f.wills(); known && n == 0 {
		return "no incident has a Will come"
	}
	if rest == "learned" && !slices.ContainsFunc(f.sc.Watchers, func(w scenarios.Watchers) bool { return w.Answers }) {
		return "no [[watcher]] has answers = true"
	}
	return ""
}
