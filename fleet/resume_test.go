package fleet_test

import (
	"context"
	"testing"
	"testing/synctest"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// away is a scenario in which all lights are away for ten seconds, and requests
// go on.
const away = `
seed = 5
[connect]
session_expiry = "1h"
[[device]]
kind = "light"
count = 10
id = "lamp-{n}"
[[controller]]
attribute = "power"
payloads = ["ON", "OFF"]
rate = "20/s"
timeout = "1m"
[phases]
measure = "30s"
[[incident]]
kind = "offline"
way = "cut"
at = "5025ms"
for = "10s"
`

// runAway runs it on a broker with limits, with requests of a QoS.
func runAway(t *testing.T, qos byte, limits broker.Limits) (*metrics.Snapshot, error) {
	t.Helper()
	sc, faults := scenarios.Load("away", []byte(away))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	// A message goes by the lower of the QoS of who sends and who subscribes.
	sc.Controllers[0].QoS, sc.Groups[0].QoS = qos, qos
	b, err := broker.New(broker.Config{Anonymous: true, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	f, err := fleet.New(sc, fleet.Options{Dial: b.Dial, Embedded: true, BrokerControl: b})
	if err != nil {
		t.Fatal(err)
	}
	err = f.Run(context.Background())
	return f.Snapshot(), err
}

// Commands at QoS 1 and 2 that are sent while a device is away arrive when it is
// back on its session, and at QoS 2 once (4.3.3, 4.4). At QoS 0 a broker may drop
// them, and the books say how many.
func TestCommandsWhileAway(t *testing.T) {
	for qos := range byte(3) {
		if fleet.Some(qos == 1, false) {
			continue // it is as at QoS 2, of which more is said
		}
		synctest.Test(t, func(t *testing.T) {
			snap, err := runAway(t, qos, broker.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			s := &snap.Totals
			if s.Planned != 600 || s.SentAway != 200 {
				t.Fatalf("QoS %d: %d planned, %d sent to devices that were away; want 600 and 200", qos, s.Planned, s.SentAway)
			}
			lost := int64(0)
			if qos == 0 {
				lost = 200
			}
			if s.Lost != lost || s.LostAway != lost || s.Answered != 600-lost || s.Duplicates != 0 {
				t.Errorf("QoS %d: %d answered, %d lost, %d of them of devices that were away, %d duplicates; want %d, %d, %d and none",
					qos, s.Answered, s.Lost, s.LostAway, s.Duplicates, 600-lost, lost, lost)
			}
			if got := snap.Counts["devices.commands"]; got != 600-lost+10 { // each lamp was asked once whether it answers
				t.Errorf("QoS %d: devices received %d commands; want %d and 10 queries of the auditor: none twice", qos, got, 600-lost)
			}
		})
	}
}

// What a broker's queue has no room for is counted as lost to a device that was
// away: 200 commands for ten lamps, of which three each are kept.
func TestQueueLimitShowsInTheBooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		snap, err := runAway(t, 1, broker.Limits{MaximumQueued: 3})
		if err != nil {
			t.Fatal(err)
		}
		if s := &snap.Totals; s.SentAway != 200 || s.LostAway != 170 || s.Lost != 170 || s.Answered != 430 {
			t.Errorf("%d sent to devices that were away, %d of them lost, %d lost in all, %d answered; want 200, 170, 170 and 430",
				s.SentAway, s.LostAway, s.Lost, s.Answered)
		}
	})
}
