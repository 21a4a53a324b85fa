package load

import (
	"math"
	"time"

	"homefleet/fleet/draws"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// Slot is one planned request of one controller.
type Slot struct {
	Planned time.Duration // from the start of measuring
	target  int           // index of the group's targets
	payload int           // index of the group's payloads
	labels  metrics.Labels
	paused  bool // it is not sent
}

// Stream yields the slots of one controller in order. It depends on the
// scenario, its seed, the controller's number, and what somebody has made of the load
// alone, and is a plain value: a copy yields the same again.
type Stream struct {
	group *Group
	pace  *pace
	index int     // of the controller in the group
	place int     // the same in the whole group, of which a shard has a part ...
	of    int     // ... of so many
	count uint64  // slots so far
	n     float64 // number of the last one among those of the group
	sum   float64 // Poisson: arrivals of the group's unit process so far
}

// Stream returns the slots of one controller of the group, from its first.
func (g *Group) Stream(index int) Stream {
	place, of := g.Spec.Place(index)
	return Stream{group: g, pace: g.pace, index: index, place: place, of: of}
}

// Next returns the next slot, or false when there are no more.
func (s *Stream) Next() (Slot, bool) {
	g := s.group
	switch g.Spec.Arrival {
	case scenarios.Poisson:
		// Each controller is a Poisson process of its own with a part of the
		// rate; all of them together are one with the whole.
		draw := draws.Chance(g.seed, s.place, draws.Arrival, s.count)
		s.sum += -math.Log1p(-draw) * float64(g.Spec.Count)
		s.n = s.sum
	case scenarios.Bursts:
		s.n = float64(uint64(s.index) + s.count*uint64(g.Spec.Count))
	default:
		// The slots of the whole group in turn, at the pace of those here.
		s.n = float64(uint64(s.place)+s.count*uint64(s.of)) * float64(g.Spec.Count) / float64(s.of)
	}
	s.count++
	return s.last()
}

// last returns the slot that Next returned last, as the pace has it now.
func (s *Stream) last() (Slot, bool) {
	planned, of, ok := s.pace.at(s.n)
	if !ok {
		return Slot{}, false
	}
	out := s.fill(planned)
	out.paused = of.paused
	if of.stage >= 0 {
		kind := out.labels.Kind
		out.labels = s.group.stages[of.stage]
		out.labels.Kind = kind
	}
	return out, true
}

// after returns the next slot of a closed group, which is due when the answer to
// an earlier one allows it.
func (s *Stream) after(planned time.Duration) Slot {
	s.count++
	return s.fill(planned)
}

// fill makes the slot that is the last by count.
func (s *Stream) fill(planned time.Duration) Slot {
	g, k := s.group, s.count-1
	out := Slot{Planned: planned, payload: int(k % uint64(len(g.Spec.Payloads))), labels: g.labels}
	switch {
	case g.Spec.Pair:
		out.target = s.index % len(g.targets)
	case g.Spec.Group == "":
		out.target = int(draws.Chance(g.seed, s.place, draws.Target, k) * float64(len(g.targets)))
	}
	if g.Spec.Group == "" {
		out.labels.Kind = g.targets[out.target].kind
	}
	return out
}
