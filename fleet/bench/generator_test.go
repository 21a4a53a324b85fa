//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
)

// generator is a fleet's controllers without its devices: those that are
// commanded are in another process, under the same names. The ones that the
// scenario must have sleep at a broker in memory, and cost nothing once they are
// up.
type generator struct {
	*fleetPart
	start, end figures // of the measuring
	stray      atomic.Int64
}

const (
	// controllers of the generator: what the shipped scenario request-response
	// has in its size m.
	controllers = 50
	// generatorHomes are commanded. The fleet cannot be told which connection is
	// whose, but it begins them in order: devices first, and so slowly that the
	// last device has dialled before the first controller does.
	generatorHomes = 4
	generatorRamp  = 100 // connections a second
)

// startGenerator returns when all is over: its counts have what was measured.
func startGenerator(j *job) (part, error) {
	arrival := fmt.Sprintf("count = %d\npayload = \"ON\"\nrate = \"%d/s\"", controllers, j.Rate)
	if j.InFlight > 0 {
		arrival = fmt.Sprintf("payload = %q\narrival = \"closed\"\nin_flight = %d", j.Payload, j.InFlight)
	}
	sc, err := homes(j, fmt.Sprintf(`
[[controller]]
name = "phones"
attribute = "power"
%s
qos = %d
[phases]
connect = "2m"
warm_up = "2s"
measure = "%ds"
`, arrival, j.QoS, j.Measure))
	if err != nil {
		return nil, err
	}
	sc.Connect.Rate = max(generatorRamp, float64(j.Lights)/2)
	sc.Broker.URL = "mqtt://" + j.Broker
	dialer, err := fleet.NewDialer(sc.Broker)
	if err != nil {
		return nil, err
	}
	g := new(generator)
	bed, err := broker.New(broker.Config{Anonymous: true, Admit: func(c broker.ConnectInfo) byte {
		if !strings.HasPrefix(c.ClientID, "flat-") {
			g.stray.Add(1)
		}
		return 0
	}})
	if err != nil {
		return nil, err
	}
	devices := int64(sc.Count())
	var dialled atomic.Int64
	dial := func(ctx context.Context) (net.Conn, error) {
		if dialled.Add(1) <= devices {
			return bed.Dial(ctx)
		}
		return dialer.Dial(ctx)
	}
	if g.fleetPart, err = runFleet(sc, fleet.Options{Dial: dial, Run: "run"}); err != nil {
		return nil, err
	}
	return g, g.measure(sc.Phases.Measure)
}

// measure waits for the measuring and takes the figures at both of its ends.
func (g *generator) measure(length time.Duration) error {
	select {
	case err := <-g.ended:
		return errors.Join(errors.New("the fleet ended before it was up"), err)
	case <-g.fleet.Ready():
		steady()
	}
	var start time.Time
	for ok := false; !ok; {
		select {
		case err := <-g.ended:
			return errors.Join(errors.New("the fleet ended before it measured"), err)
		case <-time.After(20 * time.Millisecond):
			start, ok = g.fleet.MeasureStart()
		}
	}
	var err error
	time.Sleep(time.Until(start))
	if g.start, err = take(); err != nil {
		return err
	}
	time.Sleep(time.Until(start.Add(length)))
	if g.end, err = take(); err != nil {
		return err
	}
	select {
	case err = <-g.ended:
	case <-time.After(time.Minute):
		err = errors.New("the fleet does not end")
	}
	return err
}

func (g *generator) counts() map[string]int64 {
	t := g.fleet.Snapshot().Totals
	return map[string]int64{
		"sent": t.Sent, "answered": t.Answered, "failed": t.Sent - t.Answered,
		"not_sent":  t.NotSent.Total(),
		"stray":     g.stray.Load(), // controllers at the broker of the sleeping devices
		"user_ns":   int64((g.end.User - g.start.User) * 1e3),
		"system_ns": int64((g.end.System - g.start.System) * 1e3),
		"mallocs":   int64(g.end.Mallocs - g.start.Mallocs),
		"allocated": int64(g.end.Allocated - g.start.Allocated),
		"reads":     int64(g.end.Reads - g.start.Reads),
		"writes":    int64(g.end.Writes - g.start.Writes),
	}
}
