package scenarios

import (
	"fmt"
	"slices"
	"time"
)

const (
	maxTimes     = 100_000 // of one incident, and of all together
	maxDelay     = time.Hour
	maxSlice     = 16 << 20
	maxBandwidth = 1 << 40 // bytes a second
)

func texts[T ~string](words ...T) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return all
}

// incidentPath is where faults of an incident are reported.
func incidentPath(i int) string { return fmt.Sprintf("incident[%d]", i) }

// fillIncidents puts the defaults in the place of what is zero. The name is the
// kind's, numbered among the incidents of its kind if there are several.
func fillIncidents(s *Scenario) {
	incidents := s.Incidents
	for k := range incidents {
		i := &incidents[k]
		incidentKeys.fill(i)
		i.byClock(s)
		if i.Name != "" {
			continue
		}
		place, same := 0, 0
		for j := range incidents {
			if incidents[j].Kind == i.Kind {
				same++
				place += btoi(j <= k)
			}
		}
		switch {
		case !i.known():
			i.Name = fmt.Sprintf("incident-%d", k+1)
		case same > 1:
			i.Name = fmt.Sprintf("%s-%d", i.Kind, place)
		default:
			i.Name = string(i.Kind)
		}
	}
}

func (i *Incident) known() bool { return slices.Contains(kindNames(incidentKinds), string(i.Kind)) }

func readIncidents(r *reader) {
	for _, t := range r.top.Tables("incident") {
		var i Incident
		incidentKeys.read(t, &i)
		i.takeClock()
		if readTarget(t.Table("target"), &i.Target, r.kinds); i.Kind == BrokerOutage {
			i.Target = Target{}
		}
		r.s.Incidents = append(r.s.Incidents, i)
	}
	fillIncidents(r.s)
}

// SlowestLink returns how long the slow links of the scenario, all together, hold up a packet
// of those that count; at most an hour.
func (s *Scenario) SlowestLink() time.Duration {
	const packet = 512 // bytes: most are much shorter
	sum := time.Duration(0)
	for i := range s.Incidents {
		in := &s.Incidents[i]
		sum += in.Latency + in.Jitter
		if in.Slice > 0 {
			sum += time.Duration(packet/in.Slice) * in.SliceDelay
		}
		if in.Bandwidth > 0 {
			sum += packet * time.Second / time.Duration(in.Bandwidth)
		}
	}
	return min(sum, time.Hour)
}
