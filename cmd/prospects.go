package cmd

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// prospectsOf says what of a scenario cannot come out, or rests on few samples, as
// far as its plan tells beforehand: a ramp that outlasts the connect phase, and
// expectations without anything to judge or with little.
func prospectsOf(sc *scenarios.Scenario) []string {
	if !sc.Measured() {
		return nil
	}
	var all []string
	if ramp := rampTime(sc); ramp > sc.Phases.Connect {
		all = append(all, fmt.Sprintf("phases.connect is %s, and at connect.rate the last one begins to connect after %s", setting(sc.Phases.Connect), span(ramp)))
	}
	plan := sc.LoadPlan()
	for i := range plan.Expect {
		metric := plan.Expect[i].Metric()
		if why := sourceless(sc, &plan, metric); why != "" {
			all = append(all, fmt.Sprintf("%s cannot come out: %s", metric, why))
			continue
		}
		n, known := samplesOf(&plan, metric)
		p, err := strconv.ParseFloat(strings.TrimPrefix(statisticOf(metric), "p"), 64)
		if known && err == nil && int64(math.Round(n)) < metrics.Needed(p) {
			all = append(all, fmt.Sprintf("%s will rest on few samples (about %s)", metric, words.Grouped(int64(math.Round(n)))))
		}
	}
	return all
}

// sourceless says what a scenario lacks for anything to be known of a metric, or "".
func sourceless(sc *scenarios.Scenario, plan *scenarios.LoadPlan, metric string) string {
	family, _, _ := strings.Cut(metric, ".")
	switch family {
	case "requests", "answers", "response", "service", "schedule_delay":
		if len(plan.Controllers) == 0 {
			return "the scenario has no [[controller]]"
		}
	case "delivery":
		if len(plan.Watchers) == 0 {
			return "the scenario has no [[watcher]]"
		}
	case "recovery":
		if len(plan.Incidents) == 0 {
			return "the scenario has no [[incident]]"
		}
	case "telemetry":
		if perSecond(sc) == 0 {
			return "no device has a telemetry interval"
		}
	case "wills", "retained":
		if !sc.Audit.On && metric != "wills.sent" && metric != "wills.answered" && metric != "wills.unanswered" {
			return "the scenario has no [audit]"
		}
	}
	return ""
}

// samplesOf is how many samples there will be of a time, as far as the plan tells.
func samplesOf(plan *scenarios.LoadPlan, metric string) (n float64, known bool) {
	if strings.Contains(metric, "{") {
		return 0, false
	}
	switch family, _, _ := strings.Cut(metric, "."); family {
	case "response", "service", "schedule_delay":
		for i := range plan.Controllers {
			c := &plan.Controllers[i]
			if c.Controllers.Arrival == scenarios.Closed {
				return 0, false // the answers decide
			}
			n += c.Requests
		}
		return n, true
	}
	return 0, false
}

// statisticOf is the last part of a metric's name, which has a point of its own in
// "p99.9".
func statisticOf(metric string) string {
	if i := strings.Index(metric, ".p"); i >= 0 {
		return metric[i+1:]
	}
	return ""
}
