package fleet

import (
	"context"
	"errors"
	"time"

	"homefleet/fleet/incident"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
)

// newIncidents makes the scheduler of the fleet's incidents.
func (f *Fleet) newIncidents(broker BrokerControl) {
	f.incidents = incident.New(incident.Config{
		Scenario: f.scenario, Target: func(n int) incident.Target { return responder.TargetOf(f.everybody()[n]) }, Broker: broker,
		Anybody: func(n int) incident.Target { return responder.Anybody(f.everybody()[n]) },
		Follow:  f.audit != nil, Asks: f.asksDevices, News: f.news.tell,
		Epoch: f.clock.Epoch, Stop: f.stop, Log: f.log,
	})
	f.env.BrokerAway = f.incidents.BrokerAway
}

// BrokerControl takes a broker away and brings it back, for incidents. Both are called
// from one goroutine, in turn.
type BrokerControl = incident.BrokerControl

// Strike makes an incident happen, from its At on, which counts from now. Its
// Every, Times and Chance are not looked at. It is checked like one of the
// scenario, and may be called from any goroutine: before [Fleet.Run] it waits for
// that, at most until ctx is done. Where the fleet is a shard, it strikes those of
// the shard's own devices that the target means, and nobody if it means none. The error
// is [ErrEnded] when the run has ended.
func (f *Fleet) Strike(ctx context.Context, in scenarios.Incident) error {
	_, err := f.StrikeWith(ctx, in)
	return err
}

// StrikeWith is Strike, and returns the incident with its number.
func (f *Fleet) StrikeWith(ctx context.Context, in scenarios.Incident) (incident.Happening, error) {
	sc, err := incident.With(f.scenario, in)
	if err != nil {
		return incident.Happening{}, err
	}
	f.tolerance.ExpectDelay(sc.SlowestLink())
	one, err := f.incidents.Strike(ctx, sc)
	return one, ofTheRun(err)
}

// NextStrike is the occurrence that the last incident of sc, from [incident.With], would be if
// it was struck now. It may be called from any goroutine.
func (f *Fleet) NextStrike(sc *scenarios.Scenario) scenarios.Occurrence { return f.incidents.Next(sc) }

// ExpectSlow says that connections are made as slow as by an incident, though it is none: what
// the audit sees later by that is not the broker's fault.
func (f *Fleet) ExpectSlow(as scenarios.Incident) {
	f.tolerance.ExpectDelay((&scenarios.Scenario{Incidents: []scenarios.Incident{as}}).SlowestLink())
}

// EndIncident ends the incident with a number before its time: what it has not done to
// devices yet it does not do, and all are let go now. It may be called from any goroutine.
// The errors are [incident.ErrNoIncident], [incident.ErrOver] and [ErrEnded].
func (f *Fleet) EndIncident(ctx context.Context, number int) (incident.Happening, error) {
	one, err := f.incidents.End(ctx, number)
	return one, ofTheRun(err)
}

// Happenings returns the incidents that have begun, or that somebody has planned, by their
// numbers: the last 200. It may be called from any goroutine.
func (f *Fleet) Happenings() []incident.Happening { return f.incidents.Happenings().All() }

// Recovered returns how devices came back from an incident, one result for each group of
// devices, as far as it is known by now; none where nothing is audited.
func (f *Fleet) Recovered(one *incident.Happening) []metrics.Recovery {
	return f.incidents.Recovered(one)
}

// ofTheRun is the error of a run that has ended in the words of this package.
func ofTheRun(err error) error {
	if errors.Is(err, incident.ErrEnded) {
		return ErrEnded
	}
	return err
}

// Plan has something be done at later moments, on the goroutine of the incidents: do
// calls at for each, and what that is given must not wait. What is not due when the
// measuring is over is not done. It may be called from any goroutine; the error is
// [ErrEnded] when the run has ended, or that of ctx before Run.
func (f *Fleet) Plan(ctx context.Context, do func(at func(time.Time, func()))) error {
	return ofTheRun(f.incidents.Plan(ctx, do))
}
