package fleet

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices/faces"
	"homefleet/fleet/broker"
	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// An incident that outlasts the measuring lets nobody back: nothing is waited for
// then, and nothing is called a recovery that failed.
func TestIncidentOutlastsTheMeasuring(t *testing.T) {
	start := time.Duration(0)
	snap, _ := brew(t, `
[connect]
session_expiry = "1h"
[phases]
measure = "20s"
[audit]
wait = "30s"
[[device]]
kind = "light"
count = 5
[device.will]
delay = "8s" # some are due when the measuring has ended
[[incident]]
kind = "offline"
way = "cut"
at = "5s"
for = "2s"
[[incident]]
kind = "offline"
way = "cut"
at = "15s"
for = "5100ms"
`, broker.Config{}, func(s *storm) {
		s.sleepTo(20 * time.Second)
		start = s.fleet.now()
		<-s.fleet.stop
		if waited := s.fleet.now() - start; waited > 15*time.Second {
			t.Errorf("the end came %v after the measuring; want no wait for devices that nobody lets back", waited)
		}
	})
	if len(snap.Recoveries) != 1 || time.Duration(snap.Recoveries[0].At) != 5*time.Second {
		t.Errorf("%d recoveries; want only that of the first incident: %+v", len(snap.Recoveries), snap.Recoveries)
	}
}

// A broker may send what it has retained before its SUBACK (3.8.4).
func TestRetainedBeforeSuback(t *testing.T) {
	sc := scenarioOf(t, "[phases]\nmeasure = \"1s\"\n[audit]\nwait = \"1s\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n")
	play(t, sc, func(t *testing.T, b *script) {
		var peers sync.WaitGroup
		var keeps atomic.Pointer[wire.Publish] // what the lamp has it retain
		keeps.Store(&wire.Publish{Topic: []byte("tele/lamp/lwt"), Payload: []byte(faces.Native().Online)})
		for range 3 { // the auditor, the lamp, the retained probe
			p := b.accept()
			peers.Go(func() {
				p.wantConnect()
				p.connack(0, false, nil)
				s := p.wantSubscribe()
				if len(s.Subscriptions) == 1 && s.Subscriptions[0].Topic == "tele/+/lwt" {
					k := keeps.Load()
					p.publish(wire.Publish{Topic: k.Topic, Payload: k.Payload, Props: k.Props, Retain: true})
				}
				ack := &packets.Suback{PacketID: s.PacketID, Properties: &packets.Properties{}}
				for _, o := range s.Subscriptions {
					ack.Reasons = append(ack.Reasons, o.QoS)
				}
				p.send(ack)
				if s.Subscriptions[0].Topic == "cmnd/lamp/#" {
					keeps.Store(new(p.wantPublish()))
				}
				p.wantEnd()
			})
		}
		peers.Wait()
		<-b.fleet.stop
		if r := b.fleet.retained.Load(); r == nil || r.Checked != 1 || r.Right != 1 {
			t.Errorf("Retained = %+v; want 1 of 1 right", r)
		}
	})
}

// Strike may be called from several goroutines: what one checks, others read.
func TestStrikeFromManySides(t *testing.T) {
	sc := scenarioOf(t, "[[device]]\nkind = \"light\"\ncount = 10\n[device.misbehave]\nlate = \"10%\"\n")
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	f, err := New(sc, Options{Dial: b.Dial})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.Run(t.Context()) }()
	<-f.Ready()
	var sides sync.WaitGroup
	for range 4 {
		sides.Go(func() {
			for range 10 {
				if err := f.Strike(t.Context(), scenarios.Incident{Kind: scenarios.Offline, For: time.Millisecond}); err != nil {
					t.Errorf("Strike = %v; want nil", err)
				}
			}
		})
	}
	sides.Wait()
	f.Stop()
	<-ended
}

// A watcher that was up and then refused for good is not waited for.
func TestGatherWithoutTheRefused(t *testing.T) {
	brew(t, `
[connect]
rate = "2/s"
[phases]
connect = "1m"
measure = "2s"
[[device]]
kind = "light"
count = 10
[[watcher]]
`, broker.Config{}, func(s *storm) {
		start := time.Now()
		time.Sleep(2 * time.Second)
		if !s.broker.Kick("watchers-1", wire.SessionTakenOver) {
			t.Fatal("there is no watcher to kick")
		}
		s.sleepTo(0)
		if d := time.Since(start); d < 4*time.Second || d > 7*time.Second {
			t.Errorf("measuring began after %v; want when the last device is up, after some 5 s", d)
		}
	})
}

// An incident that somebody calls for before the measuring is on the time line
// before its zero, as its recovery is.
func TestStrikeBeforeTheMeasuring(t *testing.T) {
	snap, s := brew(t, `
[phases]
warm_up = "20s"
measure = "10s"
[audit]
[[device]]
kind = "light"
count = 3
[[controller]]
rate = "1/s"
attribute = "power"
`, broker.Config{}, func(s *storm) {
		s.sleepTo(-15 * time.Second)
		s.strike(scenarios.Incident{Kind: scenarios.Offline, For: time.Second})
	})
	all := s.fleet.Incidents()
	if len(all) != 1 || len(snap.Recoveries) != 1 {
		t.Fatalf("incidents %+v, recoveries %+v; want one of each", all, snap.Recoveries)
	}
	if at := time.Duration(all[0].At); at != -15*time.Second || all[0].At != snap.Recoveries[0].At || all[0].To != snap.Recoveries[0].To {
		t.Errorf("the incident is at %v, its recovery at %v; want both at -15s", at, time.Duration(snap.Recoveries[0].At))
	}
}

// A device that is told to go and to return in one breath has never been gone, and
// the next loss of its connection has its back-off.
func TestOffAndOnInOneBreath(t *testing.T) {
	brew(t, `
[connect]
backoff = "naive"
backoff_min = "5s"
[phases]
measure = "30s"
[audit]
[[device]]
kind = "light"
id = "lamp"
`, broker.Config{}, func(s *storm) {
		s.sleepTo(5 * time.Second)
		d, _ := s.fleet.Device("lamp")
		d.r.Tell(func() {
			d.r.Disconnect(client.ByHand, client.ModeCut)
			d.r.Reconnect(client.ByHand, client.Reconnect{})
		})
		s.sleepTo(10 * time.Second)
		s.broker.Kick("lamp", wire.ServerBusy)
		for _, x := range []struct {
			at     time.Duration
			online int
		}{{10 * time.Second, 0}, {14 * time.Second, 0}, {16 * time.Second, 1}} {
			s.sleepTo(x.at)
			if n := s.fleet.Presence().Online; n != x.online {
				t.Errorf("%v: %d online; want %d", x.at, n, x.online)
			}
		}
	})
}

// The session of the audit ends with the run, even where those of the devices stay
// (3.14.2.2.2).
func TestNoSessionOfTheAuditStays(t *testing.T) {
	sessions := 0
	brew(t, `
[connect]
session_expiry = "1h"
clean_start = false
[phases]
measure = "2s"
[audit]
[[device]]
kind = "light"
count = 3
`, broker.Config{}, func(s *storm) {
		<-s.fleet.stop
		time.Sleep(10 * time.Second)
		sessions = s.broker.Stats().Sessions
	})
	if sessions != 3 {
		t.Errorf("%d sessions stay; want those of the 3 devices", sessions)
	}
}

// Nothing is measured where every device was refused for good.
func TestNobodyToMeasure(t *testing.T) {
	sc := scenarioOf(t, "[phases]\nmeasure = \"1h\"\n[[device]]\nkind = \"light\"\nid = \"lamp-{n}\"\ncount = 3\n[[controller]]\nrate = \"1/s\"\nattribute = \"power\"\n")
	synctest.Test(t, func(t *testing.T) {
		b, err := broker.New(broker.Config{Anonymous: true, Admit: func(c broker.ConnectInfo) byte {
			if strings.HasPrefix(c.ClientID, "lamp-") {
				return wire.NotAuthorized
			}
			return 0
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		f, err := New(sc, Options{Dial: b.Dial})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := f.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no device is left") {
			t.Errorf("Run() = %v; want that no device is left", err)
		}
		if d := time.Since(start); d > time.Minute {
			t.Errorf("it took %v; want it to end at once", d)
		}
	})
}

// What is sent in the warm-up is not measured, but told apart: telemetry, its PUBACKs and its
// deliveries, each to the message. 10 plugs report 20 times a second, for half a second each.
func TestPhasesAreToldApart(t *testing.T) {
	snap, _ := brew(t, `
seed = 5
[[device]]
kind = "plug"
count = 10
telemetry = "50ms"
qos = 1
[[watcher]]
topics = ["tele/+/state"]
qos = 1
[phases]
warm_up = "500ms"
measure = "500ms"
`, broker.Config{}, nil)
	within := func(what string, got int64) {
		t.Helper()
		if got < 95 || got > 105 { // what is on its way as a phase ends counts in the next
			t.Errorf("%s: %d; want 100", what, got)
		}
	}
	within("telemetry.sent", snap.Counts["telemetry.sent"])
	within("telemetry.sent of the warm-up", snap.CountsApart["warm-up"]["telemetry.sent"])
	for _, m := range []metrics.Metric{metrics.TelemetryPuback, metrics.StateDelivery} {
		within(fmt.Sprint(m, " measured"), snap.Series[metrics.Series{Metric: m}].Count())
		within(fmt.Sprint(m, " of the warm-up"), snap.Series[metrics.Series{Metric: m, Label: metrics.Label{Dimension: metrics.ByPhase, Name: "warm-up"}}].Count())
	}
	if n := snap.Series[metrics.Series{Metric: metrics.ConnectConnack, Label: metrics.Label{Dimension: metrics.ByPhase, Name: "connect"}}].Count(); n != 11 {
		t.Errorf("%d CONNACKs in the phase connect; want 11", n)
	}
}
