package incident

import (
	"context"
	"errors"
	"slices"
	"time"

	"homefleet/scenarios"
)

// Strike makes the last incident of a scenario happen, as [With] returns that, from its
// At on, which counts from now. It may be called from any goroutine: before Run it waits
// for that, at most until ctx is done. The error is [ErrEnded] when the run has ended,
// and another where the incident needs a broker that is ours. It returns the entry as it is
// then.
func (s *Scheduler) Strike(ctx context.Context, sc *scenarios.Scenario) (Happening, error) {
	number := len(sc.Incidents) - 1
	in := &sc.Incidents[number]
	if TakesBroker(in.Kind) && s.config.Broker == nil {
		return Happening{}, errors.New("the broker is not ours to take away; want the embedded one")
	}
	n := int(s.strikes.Add(1))
	var entry *Happening
	err := s.order(ctx, func() {
		start := time.Now().Add(in.At)
		from := start.Sub(s.zero)
		of := scenarios.Occurrence{Incident: number, N: n, From: from, To: from + in.For}
		entry = s.happenings.plan(s, sc, of, true)
		s.at(start, func() {
			if entry.isEnded() {
				return
			}
			of.From = start.Sub(s.zero) // which is another where the measuring has begun meanwhile
			of.To = of.From + in.For
			s.begin(sc, of, entry)
		})
		s.proceed()
	})
	if err != nil {
		return Happening{}, err
	}
	return s.happenings.copyOf(entry), nil
}

// Next is the occurrence that an incident of sc, its last, would be if it was struck now: of
// whom a share of its target means depends on how many were struck before. It may be called
// from any goroutine.
func (s *Scheduler) Next(sc *scenarios.Scenario) scenarios.Occurrence {
	return scenarios.Occurrence{Incident: len(sc.Incidents) - 1, N: int(s.strikes.Load()) + 1}
}

// TakesBroker reports whether an incident takes the broker away, so that it needs one that
// is ours.
func TakesBroker(kind scenarios.IncidentKind) bool { return kind == brokerOutage.name }

// With returns a scenario with one more incident, which is checked and has its defaults;
// its Every, Times and Chance are not looked at. It stands behind the others, so that it
// draws other devices. Where the scenario is a shard, the incident strikes those of the
// shard's own devices that its target means, and nobody if it means none. The scenario
// that is given stays as it is, and may be read meanwhile.
func With(of *scenarios.Scenario, in scenarios.Incident) (*scenarios.Scenario, error) {
	in.Every, in.Times, in.Chance = 0, 0, 0
	sc := *of
	sc.Groups = slices.Clone(sc.Groups) // Check fills in defaults, and others read
	for i := range sc.Groups {
		if m := sc.Groups[i].Misbehave; m != nil {
			sc.Groups[i].Misbehave = new(*m)
		}
	}
	sc.Controllers, sc.Watchers, sc.Expect = nil, nil, nil
	sc.Duration, sc.Phases = 0, scenarios.Phases{}
	// The others were checked in the whole scenario, and a shard need not have
	// anybody whom they mean.
	sc.Incidents = slices.Clone(of.Incidents)
	for i := range sc.Incidents {
		sc.Incidents[i].Target = scenarios.Target{}
	}
	target := in.Target
	if share := target.Share; sc.Part.N > 1 && share >= 0 && share <= 1 {
		in.Target = scenarios.Target{} // whom it means may be in another shard
	}
	sc.Incidents = append(sc.Incidents, in)
	if err := sc.Check(); err != nil {
		return nil, err
	}
	in = sc.Incidents[len(sc.Incidents)-1]
	in.Target = target
	sc.Incidents = append(slices.Clone(of.Incidents), in)
	return &sc, nil
}
