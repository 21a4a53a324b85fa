package fleet

import (
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/draws"
	"homefleet/scenarios"
)

// strike makes an incident happen now.
func (s *storm) strike(in scenarios.Incident) {
	s.t.Helper()
	if err := s.fleet.Strike(s.t.Context(), in); err != nil {
		s.t.Fatalf("Strike(%+v) = %v; want nil", in, err)
	}
}

// A slow link that somebody calls for is no fault of the broker's: it hears of
// everything that much later, and of a silence too (3.1.2-22).
func TestStrikeSlowLinkWidensTheSlack(t *testing.T) {
	snap, _ := brew(t, `
[connect]
keep_alive = "20s"
session_expiry = "1h"
timeout = "1m"
[phases]
measure = "3m"
[audit]
`+twoLamps, broker.Config{}, func(s *storm) {
		s.sleepTo(5 * time.Second)
		s.strike(scenarios.Incident{Kind: scenarios.SlowLink, For: 100 * time.Second, Latency: 4 * time.Second})
		s.sleepTo(70 * time.Second)
		s.strike(scenarios.Incident{Kind: scenarios.Offline, Way: scenarios.Silence, For: time.Minute})
	})
	if w := snap.Audit.Wills; w.Due != 2 || w.OnTime != 2 {
		t.Errorf("%+v; want 2 on time", w)
	}
}

// A device that is busy when it is struck, as in a dial, is waited for: a recovery
// is not complete before all have heard of it.
func TestStruckWhileBusy(t *testing.T) {
	snap, _ := brew(t, hasty+"[audit]\n[[device]]\nkind = \"light\"\ncount = 3\nid = \"lamp-{n}\"\n", broker.Config{}, func(s *storm) {
		s.sleepTo(5 * time.Second)
		d, _ := s.fleet.Device("lamp-1")
		d.r.Tell(func() { time.Sleep(3 * time.Second) })
		s.strike(scenarios.Incident{Kind: scenarios.Offline, For: 500 * time.Millisecond})
		s.sleepTo(7 * time.Second)
		s.fleet.Progress() // folds what is complete
	})
	if len(snap.Recoveries) != 1 {
		t.Fatalf("%d recoveries; want 1", len(snap.Recoveries))
	}
	if r := snap.Recoveries[0]; r.Affected != 3 || r.Online.Count != 3 {
		t.Errorf("%d of %d back; want 3 of 3", r.Online.Count, r.Affected)
	}
}

// With a Spread longer than the incident, devices are still to be struck when it
// is over for others. Who connects again for another reason before it is struck
// is not back from it.
func TestSpreadLongerThanTheIncident(t *testing.T) {
	var late []time.Duration // as the seed draws them for the first strike
	for n := range 10 {
		late = append(late, time.Duration(draws.Chance(3, n, draws.Incident, draws.Mix(1))*float64(20*time.Second)))
	}
	snap, _ := brew(t, hasty+"[audit]\n[[device]]\nkind = \"light\"\ncount = 10\nid = \"lamp-{n}\"\n", broker.Config{}, func(s *storm) {
		s.sleepTo(time.Second)
		s.strike(scenarios.Incident{Kind: scenarios.Offline, For: time.Second, Spread: 20 * time.Second})
		s.sleepTo(2500 * time.Millisecond)
		for _, d := range s.fleet.Devices() {
			s.broker.Kick(d.ID(), 0)
		}
	})
	slices.Sort(late)
	if late[4] < 3*time.Second || late[9] > 20*time.Second {
		t.Fatalf("moments of the spread: %v; want most of them after the broker's doing", late)
	}
	if len(snap.Recoveries) != 1 {
		t.Fatalf("%d recoveries; want 1", len(snap.Recoveries))
	}
	r := snap.Recoveries[0]
	for _, tt := range []struct {
		name      string
		got, want time.Duration
	}{{"half", time.Duration(*r.Online.Half), late[4]}, {"all", time.Duration(*r.Online.All), late[9]}} {
		if tt.got != tt.want {
			t.Errorf("%s of the devices were back after %v; want %v, their own moments being %v", tt.name, tt.got, tt.want, late)
		}
	}
}

// A broker that is not the fleet's cannot be taken away.
func TestStrikeOutageOfAForeignBroker(t *testing.T) {
	_, s := brew(t, hasty+"[audit]\n"+twoLamps, broker.Config{}, func(s *storm) {
		s.sleepTo(5 * time.Second)
		if err := s.fleet.Strike(s.t.Context(), scenarios.Incident{Kind: scenarios.BrokerOutage, For: 5 * time.Second}); err == nil {
			s.t.Error("Strike(broker-outage) = nil where the broker is not ours; want an error")
		}
	}, func(o *Options) { o.BrokerControl = nil })
	if seen := s.fleet.Incidents(); len(seen) != 0 {
		t.Errorf("incidents: %+v; want none", seen)
	}
}

// Whom a strike takes hangs on the seed and on how many there were before, and not
// on what else has happened by then.
func TestStrikeIsAFunctionOfTheSeed(t *testing.T) {
	struck := func(seed string, at time.Duration) (online string) {
		brew(t, "seed = "+seed+hasty[len("\nseed = 3"):]+`
[audit]
[[device]]
kind = "light"
count = 20
id = "lamp-{n}"
[[device]]
kind = "plug"
id = "plug"
[[incident]]
kind = "flapping"
at = "1s"
for = "30s"
up = "1s"
down = "300ms"
target = { kind = "plug" }
`, broker.Config{}, func(s *storm) {
			s.sleepTo(at)
			s.strike(scenarios.Incident{Kind: scenarios.Offline, For: 10 * time.Second, Target: scenarios.Target{Share: 0.3, ID: "lamp-*"}})
			s.sleepTo(at + time.Second)
			online = strings.TrimSuffix(s.online(), " plug")
		})
		return online
	}
	one := struck("3", 2*time.Second)
	if got := struck("3", 20*time.Second); got != one {
		t.Errorf("struck after 20s, online are %q; want %q, as after 2s", got, one)
	}
	if struck("4", 2*time.Second) == one {
		t.Error("two seeds strike the same devices")
	}
}
