package cmd

import (
	"strings"
	"testing"
	"time"

	"homefleet/scenarios"
)

func TestUnderwayWords(t *testing.T) {
	sc, faults := scenarios.Load("incidents.toml", []byte(`
[[device]]
kind  = "light"
count = 2000
[[incident]]
kind = "power-cut"
at   = "10s"
for  = "20s"
[[incident]]
kind   = "slow-link"
name   = "tunnel"
at     = "12s"
for    = "4s"
spread = "2s"
latency = "1s"
target = { id = "light-7" }
[[incident]]
kind  = "flapping"
at    = "13s"
for   = "1s"
every = "10s"
times = 2
target = { id = "light-8" }
[[incident]]
kind = "wifi-loss"
at   = "13s"
for  = "1s"
`))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	var w underWay
	for _, c := range []struct {
		at   time.Duration
		want string
	}{
		{0, ""},
		{10 * time.Second, "power-cut: 2,000 devices, 20s left"},
		{12500 * time.Millisecond, "power-cut: 2,000 devices, 18s left   tunnel: 1 device, 6s left"},
		{13 * time.Second, "power-cut: 2,000 devices, 17s left   tunnel: 1 device, 5s left   flapping: 1 device, 1s left   1 more"},
		{18 * time.Second, "power-cut: 2,000 devices, 12s left"},
		{23 * time.Second, "power-cut: 2,000 devices, 7s left   flapping: 1 device, 1s left"},
		{30 * time.Second, ""},
	} {
		if got := w.words(sc, c.at); got != c.want {
			t.Errorf("words(%v) = %q; want %q", c.at, got, c.want)
		}
	}
}

func TestMisbehaviorWords(t *testing.T) {
	for _, c := range []struct {
		m    scenarios.Misbehavior
		want string
	}{
		{scenarios.Misbehavior{}, "nothing"},
		{scenarios.Misbehavior{Drop: 0.125, Late: 0.5, WithholdPuback: 1}, "drop 12.5%, late 50% (by 1s to 3s), withhold_puback 100%"},
		{scenarios.Misbehavior{Reorder: 0.2, Flood: 0.5, ClockSkew: -90 * time.Minute}, "reorder 20% (for at most 1s), flood 0.5/s, clock_skew -1h30m"},
	} {
		if err := c.m.Check(); err != nil {
			t.Fatal(err)
		}
		if got := misbehaviorWords(&c.m); got != c.want {
			t.Errorf("misbehaviorWords(%+v) = %q; want %q", c.m, got, c.want)
		}
	}
}

func TestIncidentWords(t *testing.T) {
	sc, faults := scenarios.Load("words.toml", []byte(`
[[device]]
kind  = "light"
count = 3
[[incident]]
kind   = "slow-link"
name   = "tunnel"
at     = "5s"
for    = "1m"
every  = "2m"
times  = 3
chance = "50%"
target = { id = "light-2" }
latency = "100ms"
bandwidth = "8KiB/s"
[phases]
measure = "10m"
`))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	got := incidentsOf(sc)[0].words()
	for _, want := range []string{"slow-link: 1 device at 5s, for 1m, every 2m (", "\nlight-2\n", "\nchance 50%, latency 100ms, bandwidth 8,192 bytes a second"} {
		if !strings.Contains(got, want) {
			t.Errorf("words() = %q; want %q in it", got, want)
		}
	}
}
