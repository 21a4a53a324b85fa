//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"

	"homefleet/fleet"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// fleetPart is homefleet itself: the models, sessions and counts that the
// command line runs, without what it prints.
type fleetPart struct {
	fleet *fleet.Fleet
	ended chan error
}

func startFleet(j *job) (part, error) {
	sc, err := homes(j, "")
	if err != nil {
		return nil, err
	}
	sc.Broker.URL = "mqtt://" + j.Broker
	if j.TLS {
		sc.Broker.URL, sc.Broker.Insecure = "mqtts://"+j.Broker, true
	}
	dialer, err := fleet.NewDialer(sc.Broker)
	if err != nil {
		return nil, err
	}
	p, err := runFleet(sc, fleet.Options{Dial: dialer.Dial, Run: "run"})
	if err != nil {
		return nil, err
	}
	return p, p.up()
}

func runFleet(sc *scenarios.Scenario, o fleet.Options) (*fleetPart, error) {
	f, err := fleet.New(sc, o)
	if err != nil {
		return nil, err
	}
	p := &fleetPart{fleet: f, ended: make(chan error, 1)}
	go func() { p.ended <- f.Run(context.Background()) }()
	return p, nil
}

// up waits until every device is online.
func (p *fleetPart) up() error {
	select {
	case <-p.fleet.Ready():
	case err := <-p.ended:
		return errors.Join(errors.New("the fleet ended before it was up"), err)
	}
	if at := p.fleet.Presence(); at.Online != at.Devices {
		return fmt.Errorf("%d of %d devices are online: %w", at.Online, at.Devices, p.fleet.Refusal())
	}
	return nil
}

func (p *fleetPart) counts() map[string]int64 {
	c := p.fleet.Counts()
	return map[string]int64{"answered": c.Messages.Total(metrics.Sent, metrics.Reply, metrics.ErrorReply), "failed": c.Lost.Load() + c.Messages.Total(metrics.Sent, metrics.ErrorReply),
		"states": c.Messages.Total(metrics.Sent, metrics.State), "telemetry": c.Messages.Total(metrics.Sent, metrics.Telemetry), "pings": c.Pings.Load(),
		"wakes": c.Wakes.Load(), "watched": c.Watched.Load()}
}
