package fleet

import (
	"context"
	"errors"

	"homefleet/fleet/incident"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
)

// newIncidents makes the scheduler of the fleet's incidents.
func (f *Fleet) newIncidents(broker BrokerControl) {
	f.incidents = incident.New(incident.Config{
		Scenario: f.scenario, Target: func(n int) incident.Target { return responder.Target{Responder: f.responders[n]} }, Broker: broker,
		Follow: f.audit != nil, Asks: f.asksDevices, News: f.news.tell,
		Epoch: f.clock.Epoch, Stop: f.stop, Log: f.log,
	})
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
	sc, err := incident.With(f.scenario, in)
	if err != nil {
		return err
	}
	f.tolerance.ExpectDelay(slowestLink(sc))
	if err := f.incidents.Strike(ctx, sc); !errors.Is(err, incident.ErrEnded) {
		return err
	}
	return ErrEnded
}
