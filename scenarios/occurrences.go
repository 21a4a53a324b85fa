package scenarios

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// Occurrence is one time that an incident happens.
type Occurrence struct {
	Incident int // its place in [Scenario.Incidents]
	N        int // which of its times this is, from 0; the times that chance left out count too

	// From and To are from the start of measuring. With a Spread the devices are
	// struck from From to From+Spread, and let go from To to To+Spread.
	From, To time.Duration
}

// Occurrences returns when the incidents of a checked scenario happen if so long
// is measured: by the beginning, at the same moment in the order of the
// scenario. Chance is drawn from the seed, the incident's place and the time's
// number, so that the same are drawn when more is measured. What begins beyond
// the measuring does not happen; of an incident that is repeated without end,
// neither does what is not over by then, but for the first time.
func (s *Scenario) Occurrences(measure time.Duration) []Occurrence {
	var all []Occurrence
	for k := range s.Incidents {
		i := &s.Incidents[k]
		for n := range i.count(measure) {
			if i.Chance < 1 && unit(s.dice(k, n)) >= i.Chance {
				continue
			}
			from := i.begin(n)
			all = append(all, Occurrence{Incident: k, N: n, From: from, To: from + i.For})
		}
	}
	slices.SortStableFunc(all, func(a, b Occurrence) int { return cmp.Compare(a.From, b.From) })
	return all
}

// Affected returns the numbers of the devices that an occurrence strikes, in
// ascending order; for a BrokerOutage all of them. A share is drawn anew for
// each occurrence, so that it strikes others each time, and perhaps nobody. It
// takes a time that grows with the devices of the scenario.
func (s *Scenario) Affected(o Occurrence) []int {
	sel := s.struck(o.Incident, o.N)
	may := sel.may
	sel.may = func(g *Group) bool { return !g.Absent && may(g) }
	return s.selected(sel)
}

// Meant returns the same with those that are not present at first.
func (s *Scenario) Meant(o Occurrence) []int { return s.selected(s.struck(o.Incident, o.N)) }

// struck returns the devices that an incident strikes the nth time.
func (s *Scenario) struck(incident, n int) selection {
	t := s.Incidents[incident].Target
	return selection{
		target: t,
		may:    func(g *Group) bool { return g.Kind != nil && (t.Kind == nil || g.Kind == t.Kind) },
		draw:   mix64(s.dice(incident, n)),
		verb:   "strike",
	}
}

// dice are 64 random bits for the nth time of an incident.
func (s *Scenario) dice(incident, n int) uint64 {
	return mix64(mix64(mix64(s.Seed^0x696e636964656e74)+uint64(incident)) + uint64(n))
}

// begin returns when the nth time is.
func (i *Incident) begin(n int) time.Duration {
	if i.weekly.n > 0 {
		return i.At + i.weekly.nth(n)
	}
	return i.At + time.Duration(n)*i.Every
}

// again returns the shortest time from one to the next; 0: it happens once.
func (i *Incident) again() time.Duration {
	if i.weekly.n > 0 {
		return i.weekly.gap()
	}
	return i.Every
}

// count returns how often the incident can happen while so long is measured.
func (i *Incident) count(measure time.Duration) int {
	switch {
	case i.At >= measure:
		return 0
	case i.weekly.n > 0:
		return i.countWeekly(measure)
	case i.Every <= 0:
		return 1
	case i.Times > 0:
		return int(min(time.Duration(i.Times), (measure-i.At-1)/i.Every+1))
	}
	return int(1 + max(measure-i.At-i.For-i.Spread, 0)/i.Every)
}

// countWeekly is count for one that happens on some days of the week; one more than may be
// stands for all that are more.
func (i *Incident) countWeekly(measure time.Duration) int {
	most, left := maxTimes+1, i.For+i.Spread
	if i.Times > 0 {
		most, left = min(most, i.Times), 1
	}
	return 1 + sort.Search(most-1, func(n int) bool { return i.begin(n+1)+left > measure })
}

// end returns when the incident is over, with everybody let go: the last time of
// those that are bounded, the first of one without end. It is more than
// maxPhase if any part of it is.
func (i *Incident) end() time.Duration {
	repeats := max(i.Times-1, 0) * btoi(i.again() > 0)
	sum := time.Duration(0)
	if i.weekly.n == 0 && repeats > 0 && i.Every > maxPhase/time.Duration(repeats) {
		return maxPhase + 1
	}
	for _, d := range []time.Duration{i.At, i.begin(repeats) - i.At, i.For, i.Spread} {
		if sum += min(max(d, 0), maxPhase+1); sum > maxPhase {
			return maxPhase + 1
		}
	}
	return sum
}
