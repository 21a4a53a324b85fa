package incident

import (
	"homefleet/fleet/client"
	"homefleet/scenarios"
)

// MostHalfOpen returns how many connections are left behind open at most: by the
// incident that leaves the most of them, until its devices are back, and by all
// after which the devices return as somebody else, for good.
func MostHalfOpen(sc *scenarios.Scenario) int {
	times := make(map[int]int)
	for _, o := range sc.Occurrences(sc.Phases.Measure) {
		times[o.Incident]++
	}
	most, kept := 0, 0
	for i := range sc.Incidents {
		in := &sc.Incidents[i]
		if !LeavesHalfOpen(in) {
			continue
		}
		struck := len(sc.Affected(scenarios.Occurrence{Incident: i}))
		if in.Rename {
			kept += struck * times[i]
		} else {
			most = max(most, struck)
		}
	}
	return min(most+kept, client.MostHalfOpen*sc.Count())
}

// MostDuplicates returns how many second clients an incident brings in at most.
func MostDuplicates(sc *scenarios.Scenario) int {
	most := 0
	for i := range sc.Incidents {
		if AddsClients(&sc.Incidents[i]) {
			most = max(most, len(sc.Affected(scenarios.Occurrence{Incident: i})))
		}
	}
	return most
}
