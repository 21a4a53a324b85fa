package fleet

import (
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
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
		for range 3 { // the referee, the lamp, the inspector
			p := b.accept()
			peers.Go(func() {
				p.wantConnect()
				p.connack(0, false, nil)
				s := p.wantSubscribe()
				if len(s.Subscriptions) == 1 && s.Subscriptions[0].Topic == "tele/+/lwt" {
					p.publish(wire.Publish{Topic: []byte("tele/lamp/lwt"), Payload: []byte(online), Retain: true})
				}
				ack := &packets.Suback{PacketID: s.PacketID, Properties: &packets.Properties{}}
				for _, o := range s.Subscriptions {
					ack.Reasons = append(ack.Reasons, o.QoS)
				}
				p.send(ack)
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
				if err := f.Strike(scenarios.Incident{Kind: scenarios.Offline, For: time.Millisecond}); err != nil {
					t.Errorf("Strike = %v; want nil", err)
				}
			}
		})
	}
	sides.Wait()
	f.Stop()
	<-ended
}
