package fleet

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/draws"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// The figures of a recovery are exact: half, 99 % and all of the devices, by
// group, from the end of the incident, with each try and why it failed.
func TestRecoveryFigures(t *testing.T) {
	// The broker is busy for 3 s after the incident: whoever comes within 1 s is
	// refused twice, and with a fixed delay of 2 s in after 4 s.
	var busyFrom atomic.Pointer[time.Time]
	snap, _ := brew(t, `
[connect]
session_expiry = "1h"
backoff = "naive"
backoff_min = "2s"
[phases]
measure = "1m"
[[device]]
kind = "light"
name = "prompt"
count = 10
[[device]]
kind = "plug"
name = "slow"
count = 4
backoff_min = "5s"
backoff_max = "5s"
[[incident]]
kind = "power-cut"
at = "10s"
for = "10s"
`, broker.Config{Admit: func(broker.ConnectInfo) byte {
		if from := busyFrom.Load(); from != nil && time.Since(*from) >= 0 && time.Since(*from) < 3*time.Second {
			return wire.ServerBusy
		}
		return 0
	}}, func(s *storm) {
		s.sleepTo(15 * time.Second)
		zero, _ := s.fleet.MeasureStart()
		busyFrom.Store(new(zero.Add(20 * time.Second)))
	})
	if len(snap.Recoveries) != 2 {
		t.Fatalf("%d recoveries; want one for each group", len(snap.Recoveries))
	}
	for i, want := range []struct {
		group     string
		back      string
		attempts  int64
		refused   int64
		histogram string
	}{
		{"prompt", "10 of 10: half 4s most 4s all 4s", 30, 20, "[10 0 0 0 0 0 0 0 10 0 0 0 0 0 0 0 10] [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 10]"},
		{"slow", "4 of 4: half 5s most 5s all 5s", 8, 4, "[4 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4] [0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4]"},
	} {
		r := snap.Recoveries[i]
		if r.Incident != "power-cut" || r.Group != want.group || time.Duration(r.At) != 10*time.Second || time.Duration(r.To) != 20*time.Second {
			t.Errorf("recovery of %s (%s) from %v to %v; want of power-cut (%s) from 10s to 20s", r.Incident, r.Group, r.At, r.To, want.group)
		}
		if got := timesText(r.Online, r.Affected); got != want.back {
			t.Errorf("%s: online again %s; want %s", want.group, got, want.back)
		}
		if r.Answering == nil || timesText(*r.Answering, r.Affected) != want.back {
			t.Errorf("%s: answering again %v; want %s", want.group, r.Answering, want.back)
		}
		if r.Attempts != want.attempts || r.Refused["server busy"] != want.refused || len(r.Refused) != 1 {
			t.Errorf("%s: %d attempts, refused %v; want %d, and %d times for server busy", want.group, r.Attempts, r.Refused, want.attempts, want.refused)
		}
		if got := fmt.Sprint(r.Reconnects.Attempts, r.Reconnects.Online); time.Duration(r.Reconnects.Interval) != 250*time.Millisecond || got != want.histogram {
			t.Errorf("%s: the reconnect histogram in intervals of %v is %s; want %s", want.group, r.Reconnects.Interval, got, want.histogram)
		}
	}
}

// Half, 99 % and all are different where the devices come one by one.
func TestRecoveryPercentiles(t *testing.T) {
	snap, _ := brew(t, `
[connect]
session_expiry = "1h"
[phases]
measure = "1m"
[[device]]
kind = "light"
count = 200
[[incident]]
kind = "power-cut"
at = "10s"
for = "15s"
spread = "10s"
`, broker.Config{}, nil)
	var late []time.Duration
	for n := range 200 {
		late = append(late, time.Duration(draws.Chance(0, n, draws.Incident, draws.Mix(0))*float64(10*time.Second)))
	}
	slices.Sort(late)
	r := snap.Recoveries[0]
	want := metrics.Times{Count: 200, Half: new(metrics.Span(late[99])), Most: new(metrics.Span(late[197])), All: new(metrics.Span(late[199]))}
	if got := timesText(r.Online, r.Affected); got != timesText(want, 200) {
		t.Errorf("online again %s; want %s", got, timesText(want, 200))
	}
}
