package fleet

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"homefleet/fleet/deliveries"
	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// The shards of a run send together what the whole would, at the same moments,
// and their devices draw as they would there.
func TestShardsSendThePlanOfTheWhole(t *testing.T) {
	const src = `
seed = 11
[phases]
warm_up = "500ms"
measure = "4s"
[[device]]
kind  = "light"
count = 11
[[controller]]
name = "steady"
count = 5
attribute = "power"
rate = "37/s"
[[controller]]
name = "each"
count = 4
attribute = "power"
rate_per_controller = "7/s"
[[controller]]
name = "chance"
count = 7
attribute = "power"
arrival = "poisson"
rate = "50/s"
[[controller]]
name = "bursts"
count = 4
attribute = "power"
arrival = "bursts"
burst = 10
every = "300ms"
[[controller]]
name = "ramp"
pair = true
attribute = "power"
[[controller.stage]]
from = "0/s"
to = "60/s"
for = "3s"
`
	whole, faults := scenarios.Load("shards.toml", []byte(src))
	if whole == nil {
		t.Fatal(faults)
	}
	planned := func(sc *scenarios.Scenario, into map[string][]time.Duration) {
		names := sc.LabelNames()
		for i := range sc.Controllers {
			g := load.NewGroup(sc, &names, i, 0)
			for n := range g.Spec.Count {
				for s := g.Stream(n); ; {
					slot, ok := s.Next()
					if !ok {
						break
					}
					into[g.Spec.Name] = append(into[g.Spec.Name], slot.Planned.Round(time.Microsecond))
				}
			}
		}
	}
	want := make(map[string][]time.Duration)
	planned(whole, want)
	for _, n := range []int{2, 3, 4} {
		got := make(map[string][]time.Duration)
		for k := range n {
			sc, err := whole.Shard(scenarios.Shard{K: k + 1, N: n}, "r")
			if err != nil {
				t.Fatal(err)
			}
			planned(sc, got)
		}
		for name := range want {
			slices.Sort(want[name])
			slices.Sort(got[name])
			same := func(a, b time.Duration) bool { return (a - b).Abs() <= 2*time.Microsecond }
			if !slices.EqualFunc(got[name], want[name], same) {
				t.Errorf("%s in %d shards: %d requests at %v ...; want %d at %v ...", name, n, len(got[name]), got[name][:8], len(want[name]), want[name][:8])
			}
		}
	}
}

// A moment by another process's clock says nothing of how long a message took,
// but that it is no Will.
func TestStampOfAnotherRun(t *testing.T) {
	for _, tt := range []struct {
		run  string
		want int64
	}{{"run", 1}, {"another", 0}} {
		f := stage(t, "[[device]]\nkind = \"light\"\n[[watcher]]\n")
		f.zero.Store(new(f.clock.Epoch.Add(time.Hour)))
		w := f.watching[0]
		p := &wire.Publish{Topic: []byte("state/light-1/power"), Payload: []byte("ON")}
		f.deliveries.Open(0, 0, p.Topic)
		f.deliveries.Sent(deliveries.Message{}, 0, true)
		sent := deliveries.AppendMoment(nil, time.Hour, tt.run) // its clock is an hour ahead
		p.Props.User = wire.AppendUserProperty(p.Props.User, deliveries.SentKey, sent)
		stamp := deliveries.Stamp{Content: deliveries.Content(p)}
		p.Props.User = wire.AppendUserProperty(p.Props.User, deliveries.SequenceKey, stamp.Append(nil, sent))
		w.Message(p)
		got := int64(0)
		for s, h := range f.recorder.Snapshot(time.Second).Series {
			if s.Metric == metrics.StateDelivery && s.Label == (metrics.Label{}) {
				got = h.Count()
			}
		}
		if got != tt.want || !isAnnouncement(p) {
			t.Errorf("a message of run %q: %d deliveries, stamped %t; want %d, true", tt.run, got, isAnnouncement(p), tt.want)
		}
	}
}

// The devices of a shard go by their numbers in the whole.
func TestNumberedInShard(t *testing.T) {
	whole, faults := scenarios.Load("shards.toml", []byte("[[device]]\nkind = \"light\"\ncount = 5\n[[device]]\nkind = \"plug\"\ncount = 3\n"))
	if whole == nil {
		t.Fatal(faults)
	}
	sc, err := whole.Shard(scenarios.Shard{K: 2, N: 2}, "r")
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(sc, Options{Dial: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"", "", "", "light-4", "light-5", "", "", "plug-3", ""}
	for number, id := range want {
		got := ""
		if r := f.numbered(number); r != nil {
			got = r.Name()
		}
		if got != id {
			t.Errorf("numbered(%d) = %q; want %q", number, got, id)
		}
	}
}
