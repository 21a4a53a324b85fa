package fleet

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
)

// storm is a fleet on the embedded broker to which incidents happen.
type storm struct {
	t      *testing.T
	fleet  *Fleet
	broker *broker.Broker
	log    *lockedBuffer
	ended  runEnd
}

// brew runs a scenario to its end on the embedded broker, in a bubble of fake
// time, and returns what was measured. act, which may be nil, is called
// meanwhile. What does not add up is a fault, as is a goroutine that is left.
func brew(t *testing.T, toml string, config broker.Config, act func(*storm), options ...func(*Options)) (snap *metrics.Snapshot, s *storm) {
	t.Helper()
	sc := scenarioOf(t, toml)
	synctest.Test(t, func(t *testing.T) {
		config.Anonymous = true
		b, err := broker.New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		s = &storm{t: t, broker: b, log: new(lockedBuffer), ended: make(runEnd, 1)}
		o := Options{Dial: b.Dial, BrokerName: "the broker", Run: "r1", Embedded: true, BrokerControl: b,
			Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		for _, set := range options {
			set(&o)
		}
		s.fleet, err = New(sc, o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if t.Failed() {
				t.Logf("log of the fleet:\n%s", s.log)
			}
		}()
		go func() { s.ended <- s.fleet.Run(t.Context()) }()
		if act != nil {
			act(s)
		}
		if err := <-s.ended; err != nil {
			t.Errorf("Run() = %v; want nil", err)
		}
		snap = s.fleet.Snapshot()
		errs := []error{snap.Totals.Check()}
		if snap.Audit != nil {
			errs = append(errs, snap.Audit.Check())
		}
		for i := range snap.Recoveries {
			errs = append(errs, snap.Recoveries[i].Check())
		}
		if err := errors.Join(errs...); err != nil {
			t.Errorf("what was measured does not add up: %v", err)
		}
	})
	return snap, s
}

// incidentOf is one of a scenario's, with more lines for it.
func incidentOf(kind, at, length string, more ...string) string {
	return fmt.Sprintf("[[incident]]\nkind = %q\nat = %q\nfor = %q\n%s\n", kind, at, length, strings.Join(more, "\n"))
}

// sleepTo sleeps until a time after the measuring has begun, and then a little,
// so that what happens at that moment has happened.
func (s *storm) sleepTo(at time.Duration) {
	s.t.Helper()
	for {
		if zero, ok := s.fleet.MeasureStart(); ok {
			time.Sleep(time.Until(zero.Add(at)))
			synctest.Wait()
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// online returns the ids of the devices that are online, in the order of the
// scenario, as "lamp-1 lamp-2".
func (s *storm) online() (ids string) {
	s.t.Helper()
	for _, d := range s.fleet.Devices() {
		snap, err := d.Snapshot(s.t.Context())
		if err != nil {
			s.t.Fatalf("Snapshot(%s): %v", d.ID(), err)
		}
		if snap.Online {
			ids += " " + d.ID()
		}
	}
	return ids[min(1, len(ids)):]
}

// wantOnline checks who is online at a time.
func (s *storm) wantOnline(at time.Duration, want string) {
	s.t.Helper()
	s.sleepTo(at)
	if got := s.online(); got != want {
		s.t.Errorf("online at %v: %q; want %q", at, got, want)
	}
}

// timesText is a recovery in short: "2 of 3: half 0s most - all -".
func timesText(t metrics.Times, affected int64) string {
	text := func(at *metrics.Span) string {
		if at == nil {
			return "-"
		}
		return time.Duration(*at).Round(time.Millisecond).String()
	}
	return fmt.Sprintf("%d of %d: half %s most %s all %s", t.Count, affected, text(t.Half), text(t.Most), text(t.All))
}
