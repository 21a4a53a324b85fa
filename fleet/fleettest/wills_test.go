package fleettest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/fleettest"
	"homefleet/scenarios"
)

const wary = `
title = "wary"
[connect]
session_expiry = "1h"
keep_alive = "10s"
[[device]]
kind = "light"
count = 3
id = "lamp-{n}"
[device.will]
delay = "5s"
response_topic = "will/seen/{id}"
correlation_data = "{id}"
[[watcher]]
answers = true
[phases]
measure = "10h"
`

// The Will of a device that is cut off is due after its delay, and the device
// that is back learns that it was consumed; one that goes in an orderly way has
// none.
func TestWills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, wary, fleettest.Audited())
		lamp := home.Device("lamp-1")
		died := time.Now()
		lamp.Die(fleet.Cut)
		will := lamp.WaitWill()
		if late := time.Since(died) - 5*time.Second; !will.Due || late < 0 || late > time.Second {
			t.Errorf("WaitWill() = %+v, %v after it was due; want a will that was due, within a second", will, late)
		}
		lamp.Return()
		if o := lamp.WaitWillAnswered(); !o.Consumed {
			t.Errorf("WaitWillAnswered() = %+v; want one that was consumed", o)
		}
		other := home.Device("lamp-2")
		other.Die(fleet.Orderly)
		time.Sleep(time.Minute)
		other.Return()
		if w := home.Wills(); w.Outages != 2 || w.Due != 1 || w.OnTime != 1 || w.Messages != 1 || w.Learned != 1 {
			t.Errorf("Wills() = %+v; want one of two outages with a will, on time and learned of", w)
		}
	})
}

// WaitWill is of the outage that Die began a moment ago, not of the one before.
func TestWillsOfLaterOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, wary, fleettest.Audited())
		lamp := home.Device("lamp-1")
		seen := make(map[uint32]bool)
		for range 20 {
			lamp.Die(fleet.Cut)
			will := lamp.WaitWill()
			if seen[will.Conn] {
				t.Fatalf("WaitWill() = %+v, which it returned before; want the latest outage", will)
			}
			seen[will.Conn] = true
			lamp.Return()
		}
	})
}

// An incident that a test calls for strikes its target and lets it go again.
func TestStrike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, wary)
		home.Strike(scenarios.Incident{Kind: scenarios.PowerCut, For: time.Minute, Target: scenarios.Target{ID: "lamp-1"}})
		home.Device("lamp-1").WaitOffline()
		if !home.Device("lamp-2").Snapshot().Online {
			t.Error("lamp-2 is offline as well; want only lamp-1 struck")
		}
		time.Sleep(59 * time.Second)
		if home.Device("lamp-1").Snapshot().Online {
			t.Error("lamp-1 is online after 59s of 1m; want it away")
		}
		time.Sleep(2 * time.Second)
		if !home.Device("lamp-1").Snapshot().Online {
			t.Error("lamp-1 is still away when the power is back")
		}
	})
}

// A device that misbehaves by order answers nothing, and behaves again by order.
func TestMisbehave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, wary, fleettest.WithPatience(2*time.Second))
		lamp := home.Device("lamp-1")
		lamp.Misbehave(&scenarios.Misbehavior{Drop: 1})
		if answer, err := home.Request("cmnd/lamp-1/power", "ON"); err == nil {
			t.Errorf("Request() = %q of a device that drops its answers; want none", answer.Payload)
		}
		lamp.WaitState("power", "ON") // it obeyed
		lamp.Misbehave(nil)
		if got := lamp.Command("power", "OFF"); got != "OFF" {
			t.Errorf("Command(power, OFF) = %q; want OFF", got)
		}
	})
}
