package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// deaths is a scenario in which ten devices, or forty with HOMEFLEET_FULL=1, go in every
// way, some of them more than once: dueWills outages that have a Will, and orderlyOnes that have
// none.
var (
	dying  = Some[int64](10, 40)
	deaths = fmt.Sprintf(`
[connect]
session_expiry = "1h"
keep_alive = "4s"
backoff_min = "50ms"
[phases]
measure = "220s"
[[device]]
kind = "light"
count = %d
[device.will]
response_topic = "will/seen/{id}"
correlation_data = "{id}/{run}"
content_type = "text/plain"
message_expiry = "1h"
[device.will.user_properties]
kind = "{kind}"
`, dying)
	dueWills    = dying * 13
	orderlyOnes = dying * 2
)

// death is an incident that takes all devices off for 8 s, some times.
func death(way string, at, times int) string {
	return fmt.Sprintf("[[incident]]\nkind = \"offline\"\nname = \"%s-%d\"\nway = %q\nat = \"%ds\"\nfor = \"8s\"\nevery = \"10s\"\ntimes = %d\nspread = \"1s\"\n",
		way, at, way, at, times)
}

// manyDeaths is deaths with its incidents.
func manyDeaths(seed uint64) string {
	return fmt.Sprintf("seed = %d\n", seed) + deaths + death("cut", 5, 4) + death("reset", 45, 2) + death("process-exit", 65, 2) +
		death("with-will", 85, 3) + death("orderly", 115, 2) + death("silence", 135, 1) + death("unplugged", 150, 1)
}

// A broker that loses one Will in 50, sends one twice, drops the Response Topic
// of one and sends one after an orderly DISCONNECT is caught, to the unit: no
// other Will is blamed.
func TestAuditCatchesABadBroker(t *testing.T) {
	t.Parallel()
	for seed := range Some[uint64](1, 10) {
		rng := rand.New(rand.NewPCG(seed, 2))
		picked := func(not ...uint64) uint64 {
			for {
				// What is lost is nothing else.
				if n := 1 + rng.Uint64N(uint64(dueWills)); n%50 != 0 && !slices.Contains(not, n) {
					return n
				}
			}
		}
		twice := picked()
		stripped := picked(twice)
		undead := 1 + rng.Uint64N(uint64(orderlyOnes))
		snap, _ := brew(t, manyDeaths(seed), broker.Config{Will: func(w broker.WillInfo) broker.WillFate {
			switch {
			case !w.Due && w.Number == undead:
				return broker.WillFate{Copies: 1}
			case !w.Due, w.Number%50 == 0:
				return broker.WillFate{}
			case w.Number == twice:
				return broker.WillFate{Copies: 2}
			case w.Number == stripped:
				return broker.WillFate{Copies: 1, StripResponseTopic: true}
			}
			return broker.WillFate{Copies: 1}
		}}, nil)
		lost := dueWills / 50
		got := snap.Audit.Wills
		got.Outages, got.NotDue = 0, 0 // those at the end of the run too
		want := metrics.WillTotals{Due: dueWills, OnTime: dueWills - lost, Missing: lost,
			Messages: dueWills - lost + 1 + 1, Duplicate: 1, Unexpected: 1, Altered: 1}
		if got != want {
			t.Errorf("seed %d: %+v; want %+v", seed, got, want)
		}
		for _, w := range waysOf(snap) {
			if (w.Way == "orderly") != (w.Unexpected == 1) || w.Way == "orderly" && (w.Outages != orderlyOnes || w.Due != 0) {
				t.Errorf("seed %d: %+v; want the unexpected one among the %d orderly ones, of which none is due", seed, w, orderlyOnes)
			}
		}
	}
}

// The same without a fault: every due Will on time, in each of the ways its own.
func TestAuditOfAGoodBroker(t *testing.T) {
	t.Parallel()
	snap, _ := brew(t, manyDeaths(1), broker.Config{}, nil)
	n := func(way string, times int64, due bool) metrics.WayTotals {
		w := metrics.WayTotals{Way: way}
		w.Outages = dying * times
		if due {
			w.Due, w.OnTime, w.Messages = dying*times, dying*times, dying*times
		} else {
			w.NotDue = dying * times
		}
		return w
	}
	want := []metrics.WayTotals{n("orderly", 2, false), n("with-will", 3, true), n("cut", 4, true), n("reset", 2, true),
		n("silence", 1, true), n("unplugged", 1, true), n("process-exit", 2, true)}
	if got := waysOf(snap); !slices.Equal(got, want) {
		t.Errorf("of the Wills:\n%+v; want\n%+v", got, want)
	}
	if kept := snap.Audit.Retained; kept == nil || kept.Checked != dying || kept.Right != dying {
		t.Errorf("retained: %+v; want %d of %d right", kept, dying, dying)
	}
}

// One fault each, of those that are about more than whether the Will comes.
func TestAuditOfSingleFaults(t *testing.T) {
	t.Parallel()
	due := dying * 2
	base := strings.Replace(deaths, `measure = "220s"`, `measure = "60s"`, 1) + death("cut", 5, 2) // the last is back at 24s
	for i, tt := range []struct {
		name, toml string
		fate       broker.WillFate // of the 17th
		delays     uint32          // the broker takes this for the Will Delay of one device
		want       func(*metrics.WillTotals)
		p100       time.Duration // of the delay
	}{
		{"none", base, broker.WillFate{Copies: 1}, 0, func(*metrics.WillTotals) {}, 0},
		{"without its User Properties", base, broker.WillFate{Copies: 1, StripUserProperties: true}, 0,
			func(w *metrics.WillTotals) { w.Altered = 1 }, 0},
		{"a little late", base, broker.WillFate{Copies: 1, Delay: 900 * time.Millisecond}, 0, func(*metrics.WillTotals) {}, 900 * time.Millisecond},
		{"late", base, broker.WillFate{Copies: 1, Delay: 3 * time.Second}, 0,
			func(w *metrics.WillTotals) { w.OnTime, w.Late = due-1, 1 }, 3 * time.Second},
		{"late and twice", base, broker.WillFate{Copies: 2, Delay: 3 * time.Second}, 0,
			func(w *metrics.WillTotals) { w.OnTime, w.Late, w.Duplicate, w.Messages = due-1, 1, 1, due+1 }, 3 * time.Second},
		{"delays that hold", strings.Replace(base, "[device.will]", "[device.will]\ndelay = \"3s\"", 1), broker.WillFate{Copies: 1}, 3,
			func(*metrics.WillTotals) {}, 0},
		{"a delay that is too short", strings.Replace(base, "[device.will]", "[device.will]\ndelay = \"3s\"", 1), broker.WillFate{Copies: 1}, 1,
			func(w *metrics.WillTotals) { w.OnTime, w.Early = due-2, 2 }, 0},
		{"a delay that is too long", strings.Replace(base, "[device.will]", "[device.will]\ndelay = \"3s\"", 1), broker.WillFate{Copies: 1}, 6,
			func(w *metrics.WillTotals) { w.OnTime, w.Late = due-2, 2 }, 3 * time.Second},
		// Longer than the devices are away, and shorter: nothing is due.
		{"back within the delay", strings.Replace(base, "[device.will]", "[device.will]\ndelay = \"20s\"", 1), broker.WillFate{Copies: 1}, 20,
			func(w *metrics.WillTotals) { *w = metrics.WillTotals{} }, 0},
		{"a delay that is forgotten", strings.Replace(base, "[device.will]", "[device.will]\ndelay = \"20s\"", 1), broker.WillFate{Copies: 1}, 2,
			func(w *metrics.WillTotals) { *w = metrics.WillTotals{Messages: 2, Unexpected: 2} }, 0},
	} {
		if Some(i%2 != 0, false) {
			continue // a part of them
		}
		t.Run(tt.name, func(t *testing.T) {
			want := metrics.WillTotals{Due: due, OnTime: due, Messages: due}
			tt.want(&want)
			snap, _ := brew(t, tt.toml, broker.Config{Will: func(w broker.WillInfo) broker.WillFate {
				switch {
				case !w.Due:
					return broker.WillFate{}
				case w.Number == 17:
					return tt.fate
				}
				return broker.WillFate{Copies: 1}
			}}, nil, func(o *Options) {
				if tt.delays > 0 {
					o.Dial = retouched(o.Dial, "light-7", func(c *wire.Connect) { c.Will.Delay = tt.delays })
				}
			})
			got := snap.Audit.Wills
			got.Outages, got.NotDue = 0, 0
			if got != want {
				t.Errorf("of the Wills: %+v; want %+v", got, want)
			}
			h, ok := snap.Series[metrics.Series{Metric: metrics.WillDelay}]
			if !ok && want.Due > 0 {
				t.Fatal("there is no histogram of delays")
			}
			if ok && (h.Percentile(100) < tt.p100 || h.Percentile(100) > tt.p100+100*time.Millisecond) {
				t.Errorf("the longest delay is %v; want %v", h.Percentile(100), tt.p100)
			}
		})
	}
}

// retouched alters the CONNECTs of one client on their way.
func retouched(dial func(context.Context) (net.Conn, error), id string, change func(*wire.Connect)) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		c, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		return &retouching{Conn: c, id: id, change: change}, nil
	}
}

type retouching struct {
	net.Conn
	id     string
	change func(*wire.Connect)
	begun  bool
}

func (r *retouching) Write(b []byte) (int, error) {
	if !r.begun {
		r.begun = true
		if c, err := wire.ParseConnect(wire.Frame(b)); err == nil && c.ClientID == r.id {
			r.change(c)
			if _, err := r.Conn.Write(wire.AppendConnect(nil, c)); err != nil {
				return 0, err
			}
			return len(b), nil
		}
	}
	return r.Conn.Write(b)
}

// NetConn lets the ways to go reach the connection beneath.
func (r *retouching) NetConn() net.Conn { return r.Conn }

// What the broker does to the Wills of one device shows at that device, also
// where the message does not say any more of which connection it is.
func TestAuditWithoutUserProperties(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	snap, s := brew(t, manyDeaths(4), broker.Config{Will: func(w broker.WillInfo) broker.WillFate {
		if !w.Due {
			return broker.WillFate{}
		}
		n.Add(1)
		return broker.WillFate{Copies: 1, StripUserProperties: true}
	}}, nil)
	got := snap.Audit.Wills
	got.Outages, got.NotDue = 0, 0
	want := metrics.WillTotals{Due: dueWills, OnTime: dueWills, Messages: dueWills, Altered: dueWills}
	if got != want || n.Load() != dueWills {
		t.Errorf("of %d Wills without User Properties: %+v; want %+v", n.Load(), got, want)
	}
	if !strings.Contains(s.log.String(), "User Properties") {
		t.Error("the log does not say that the User Properties differ")
	}
}
