package fleet

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/incident"
	"homefleet/fleet/responder"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// nowhere is an Options.Dial to which no broker answers.
func nowhere(context.Context) (net.Conn, error) { return nil, net.ErrClosed }

// Who waits for devices to be up hears of it when the run ends without them, and
// does not wait for ever.
func TestReadyWhenTheRunEndsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := New(oneLight(nil), Options{Dial: nowhere})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- f.Run(t.Context()) }()
		time.Sleep(time.Minute)
		select {
		case <-f.Ready():
			t.Error("Ready() is closed while no device has been online and all still try; want it open")
		default:
		}
		f.Stop()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v; want nil", err)
		}
		select {
		case <-f.Ready():
		default:
			t.Error("Ready() is open after the run has ended; want it closed")
		}
		if p := f.Presence(); p.Settled != 0 || p.Seen != 0 {
			t.Errorf("Presence() = %+v; want nobody seen", p)
		}
	})
}

// Strike waits for the fleet to run, for as long as its context lets it.
func TestStrikeBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := broker.New(broker.Config{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		f, err := New(scenarioOf(t, hasty+"[audit]\n"+twoLamps), Options{Dial: b.Dial, Embedded: true})
		if err != nil {
			t.Fatal(err)
		}
		cut := scenarios.Incident{Kind: scenarios.Offline, For: time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		before := time.Now()
		if err := f.Strike(ctx, cut); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Strike() of a fleet that does not run = %v; want its context's error", err)
		}
		if took := time.Since(before); took != time.Minute {
			t.Errorf("Strike() took %v; want the minute that it was given", took)
		}
		struck := make(chan error, 1)
		go func() { struck <- f.Strike(t.Context(), cut) }()
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- f.Run(t.Context()) }()
		if err := <-struck; err != nil {
			t.Errorf("Strike() just before Run() = %v; want nil", err)
		}
		f.Stop()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v; want nil", err)
		}
		if err := f.Strike(t.Context(), cut); !errors.Is(err, ErrEnded) {
			t.Errorf("Strike() after Run() = %v; want %v", err, ErrEnded)
		}
	})
}

// A shard can be struck although the incidents of its scenario mean devices of
// another shard; and so may the strike itself.
func TestStrikeOnAShard(t *testing.T) {
	whole := scenarioOf(t, hasty+`
[[device]]
kind = "light"
count = 4
id = "lamp-{n}"
[[incident]]
kind = "offline"
at = "50s"
for = "1s"
target = { id = "lamp-1" }
`)
	for _, tt := range []struct {
		id  string
		off string // while it lasts
	}{{"lamp-4", "lamp-3"}, {"lamp-1", "lamp-3 lamp-4"}, {"*", ""}} {
		sc, err := whole.Shard(scenarios.Shard{K: 2, N: 2}, "r1")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			b, err := broker.New(broker.Config{Anonymous: true})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			f, err := New(sc, Options{Dial: b.Dial, Embedded: true})
			if err != nil {
				t.Fatal(err)
			}
			s := &storm{t: t, fleet: f, broker: b}
			ended := make(chan error, 1)
			go func() { ended <- f.Run(t.Context()) }()
			s.sleepTo(5 * time.Second)
			in := scenarios.Incident{Kind: scenarios.Offline, For: 10 * time.Second, Target: scenarios.Target{ID: tt.id}}
			if err := f.Strike(t.Context(), in); err != nil {
				t.Errorf("Strike(%s) = %v; want nil", tt.id, err)
			}
			s.wantOnline(10*time.Second, tt.off)
			if err := f.Strike(t.Context(), scenarios.Incident{Kind: scenarios.Offline, For: time.Second, Target: scenarios.Target{Share: 2}}); err == nil {
				t.Error("Strike() of twice all devices = nil; want an error")
			}
			f.Stop()
			if err := <-ended; err != nil {
				t.Errorf("Run() = %v; want nil", err)
			}
		})
	}
}

// A way that is none is refused, and the device stays as it was.
func TestDieInNoWay(t *testing.T) {
	brew(t, hasty+twoLamps, broker.Config{}, func(s *storm) {
		s.sleepTo(time.Second)
		d, _ := s.fleet.Device("lamp-1")
		err := d.Die(s.t.Context(), "bogus")
		if err == nil || !strings.Contains(err.Error(), "lamp-1") || !strings.Contains(err.Error(), `"bogus"`) || !strings.Contains(err.Error(), string(Unplugged)) {
			s.t.Errorf(`Die("bogus") = %v; want an error with the device, what was wrong and the ways there are`, err)
		}
		s.wantOnline(2*time.Second, "lamp-1 lamp-2")
	})
}

// Any number can be shown as a phase.
func TestPhaseString(t *testing.T) {
	for p, want := range map[Phase]string{
		Connecting: "connect", WarmingUp: "warm-up", Measuring: "measure", Draining: "drain", Running: "run", Ended: "ended",
		-1: "no phase (-1)", Ended + 1: "no phase (6)",
	} {
		if got := p.String(); got != want {
			t.Errorf("Phase(%d).String() = %q; want %q", int32(p), got, want)
		}
	}
}

// A device that the broker refuses for good after an incident will not be back from
// it: the run does not wait for that, and the result has one device less.
func TestRefusedForGoodIsNotWaitedFor(t *testing.T) {
	for _, audit := range []string{"", "audit = false\n"} {
		var refuse atomic.Bool
		var measured time.Time
		start := time.Time{}
		snap, s := brew(t, audit+`
[connect]
session_expiry = "1h"
backoff_max = "1s"
[phases]
measure = "20s"
`+twoLamps+incidentOf("power-cut", "5s", "2s"), broker.Config{Admit: func(c broker.ConnectInfo) byte {
			if refuse.Load() && c.ClientID == "lamp-1" {
				return wire.NotAuthorized
			}
			return 0
		}}, func(s *storm) {
			start, _ = s.fleet.MeasureStart()
			s.sleepTo(6 * time.Second)
			start, _ = s.fleet.MeasureStart()
			refuse.Store(true)
			err := <-s.ended
			measured = time.Now()
			s.ended <- err
		})
		if took := measured.Sub(start); took > 25*time.Second {
			t.Errorf("%sthe run ended %v after its measuring began; want soon after the 20s", audit, took)
		}
		if n := s.fleet.Presence().GaveUp; n != 1 {
			t.Errorf("%s%d devices gave up; want 1", audit, n)
		}
		if audit != "" {
			continue
		}
		if len(snap.Recoveries) != 1 {
			t.Fatalf("%d recoveries; want 1", len(snap.Recoveries))
		}
		if r := snap.Recoveries[0]; r.Affected != 2 || r.Online.Count != 1 || r.Answering.Count != 1 || r.Online.All != nil {
			t.Errorf("%d affected, %d online, %d answering again; want 2, 1 and 1", r.Affected, r.Online.Count, r.Answering.Count)
		}
	}
}

// One that is back and then refused for good, before it has answered, is not waited
// for either; nor is one that is struck too late to hear of it.
func TestWhoNeverAnswersIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stage(t, hasty+"[audit]\n"+twoLamps)
		rec, all, d := new(incident.Recovery), new(incident.Recoveries), f.responders[0]
		all.Add(rec, 0)
		f.start(t, &f.auditor.Session) // it hears, but asks nobody before it is online
		p := f.start(t, &d.Session)
		on(&d.Session, func() {
			responder.Target{Responder: d}.Follow(rec)
			d.Ponged(time.Second)
		})
		synctest.Wait()
		if !all.Waiting(time.Second) || !f.auditor.Asks(d.Spec().Global) {
			t.Fatal("the recovery is complete before the device has answered; want the auditor to ask it")
		}
		p.wantConnect()
		p.connack(wire.NotAuthorized, false, nil)
		<-d.Gone()
		synctest.Wait()
		if all.Waiting(time.Second) || f.auditor.Asks(d.Spec().Global) {
			t.Error("the recovery waits for a device that has ended, or the auditor asks it")
		}
		responder.Target{Responder: d}.Follow(rec)
		if got, _ := all.All(0, time.Second); got[0].Affected != 1 || all.Waiting(time.Second) {
			t.Errorf("%d affected; want the one that was there", got[0].Affected)
		}
	})
}

// A device that ends with the word unread that it is struck does not leave its
// incident open.
func TestStruckAsItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stage(t, hasty+"[audit]\n"+twoLamps)
		rec, all, d := new(incident.Recovery), new(incident.Recoveries), f.responders[0]
		all.Add(rec, 0)
		heard := 0
		f.devices.Changed = func() { // it has been refused for good, and reads nothing any more
			responder.Target{Responder: d}.Tell(func(d incident.Device) { heard++; d.Follow(rec) })
		}
		p := f.start(t, &d.Session)
		p.wantConnect()
		p.connack(wire.NotAuthorized, false, nil)
		<-d.Gone()
		if got, _ := all.All(0, time.Second); heard == 0 || len(got) != 0 || all.Waiting(time.Second) {
			t.Errorf("the device has heard of it %d times; recoveries %+v; want none", heard, got)
		}
	})
}
