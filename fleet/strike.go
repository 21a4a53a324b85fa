package fleet

import (
	"context"
	"errors"
	"slices"
	"time"

	"homefleet/scenarios"
)

// Strike makes an incident happen, from its At on, which counts from now. Its
// Every, Times and Chance are not looked at. It is checked like one of the
// scenario, and may be called from any goroutine: before [Fleet.Run] it waits for
// that, at most until ctx is done. Where the fleet is a shard, it strikes those of
// the shard's own devices that the target means, and nobody if it means none.
func (f *Fleet) Strike(ctx context.Context, in scenarios.Incident) error {
	sc, err := f.withIncident(in)
	if err != nil {
		return err
	}
	number := len(sc.Incidents) - 1
	in = sc.Incidents[number]
	switch {
	case in.Kind == scenarios.SlowLink:
		f.expectSlow(sc)
	case in.Kind == scenarios.BrokerOutage && f.outage == nil:
		return errors.New("the broker is not ours to take away; want the embedded one")
	}
	n := int(f.strikes.Add(1))
	return f.order(ctx, func(w *weather) {
		start := time.Now().Add(in.At)
		w.at(start, func() {
			from := start.Sub(w.zero)
			w.begin(sc, scenarios.Occurrence{Incident: number, N: n, From: from, To: from + in.For})
		})
		w.proceed()
	})
}

// withIncident returns the scenario with one more incident, which is checked and has
// its defaults. It stands behind the others, so that it draws other devices.
func (f *Fleet) withIncident(in scenarios.Incident) (*scenarios.Scenario, error) {
	in.Every, in.Times, in.Chance = 0, 0, 0
	sc := *f.scenario
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
	sc.Incidents = slices.Clone(f.scenario.Incidents)
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
	sc.Incidents = append(slices.Clone(f.scenario.Incidents), in)
	return &sc, nil
}
