package fleet

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
)

// deaths311 is a scenario in which ten devices go in every way that MQTT 3.1.1 has: due311
// outages with a Will, and orderly311 without.
const (
	deaths311 = `
[connect]
keep_alive = "4s"
backoff_min = "50ms"
[phases]
measure = "170s"
`
	lights311 = "[[device]]\nkind = \"light\"\ncount = 10\n"
	due311    = 10 * 10
)

func manyDeaths311(head, more string) string {
	return head + deaths311 + lights311 + more + death("cut", 5, 4) + death("reset", 45, 2) + death("process-exit", 65, 2) +
		death("orderly", 85, 2) + death("silence", 105, 1) + death("unplugged", 120, 1)
}

// versions311 are the ways in which a Will comes to the audit without properties: all
// speak MQTT 3.1.1, or the devices alone, or all but the devices.
var versions311 = map[string]string{
	"all":         manyDeaths311("[broker]\nmqtt = \"3.1.1\"\n", ""),
	"devices":     manyDeaths311("", "mqtt = \"3.1.1\"\n"),
	"the auditor": manyDeaths311("[broker]\nmqtt = \"3.1.1\"\n", "mqtt = \"5\"\n"),
	"Will QoS 0":  manyDeaths311("[broker]\nmqtt = \"3.1.1\"\n", "[device.will]\nqos = 0\n"),
	"Will QoS 2":  manyDeaths311("[broker]\nmqtt = \"3.1.1\"\n", "[device.will]\nqos = 2\npayload = \"gone\"\ntopic = \"lwt/{id}\"\n"),
}

// A Will of MQTT 3.1.1 says neither whose it is nor of which connection, and is judged all
// the same: on time where one is due, none after a DISCONNECT (3.1.1: 3.1.2-8, 3.1.2-10),
// as the device made it but for properties, which it cannot have.
func TestAuditOfMQTT311(t *testing.T) {
	for i, name := range slices.Sorted(maps.Keys(versions311)) {
		if Some(i%2 == 0, false) {
			continue // the others are those at a bad broker, below
		}
		toml := versions311[name]
		t.Run(name, func(t *testing.T) {
			snap, _ := brew(t, toml, broker.Config{}, nil)
			got := snap.Audit.Wills
			got.Outages, got.NotDue = 0, 0
			if want := (metrics.WillTotals{Due: due311, OnTime: due311, Messages: due311}); got != want {
				t.Errorf("%+v; want %+v", got, want)
			}
			for _, w := range waysOf(snap) {
				if due := w.Way != "orderly"; w.Due > 0 != due || w.Due != w.OnTime {
					t.Errorf("%+v; want all on time, and none due after an orderly end", w)
				}
			}
			if kept := snap.Audit.Retained; kept == nil || kept.Checked == 0 || kept.Right != kept.Checked {
				t.Errorf("retained: %+v; want all right", kept)
			}
			for _, r := range snap.Recoveries {
				if r.Answering != nil || r.Online.Count != r.Affected {
					t.Errorf("recovery: %+v; want all %d online, and nothing said of whether they answer", r, r.Affected)
				}
			}
		})
	}
}

// A broker that does wrong is caught: it loses a Will, sends one late, or alters it, or
// publishes it though the device has said DISCONNECT, or twice, which without a word of
// whose it is can only be one too many.
func TestAuditCatchesABadBrokerOfMQTT311(t *testing.T) {
	for i, name := range slices.Sorted(maps.Keys(versions311)) {
		for j, tt := range []struct {
			what string
			fate broker.WillFate
			due  bool // of the 17th that is due, or is not
			want func(*metrics.WillTotals)
		}{
			{"lost", broker.WillFate{}, true, func(w *metrics.WillTotals) { w.OnTime--; w.Missing++; w.Messages-- }},
			{"late", broker.WillFate{Copies: 1, Delay: 3 * time.Second}, true, func(w *metrics.WillTotals) { w.OnTime--; w.Late++ }},
			{"after DISCONNECT", broker.WillFate{Copies: 1}, false, func(w *metrics.WillTotals) { w.Unexpected++; w.Messages++ }},
			{"twice", broker.WillFate{Copies: 2}, true, func(w *metrics.WillTotals) { w.Unexpected++; w.Messages++ }},
		} {
			if Some((i+j)%5 != 0, false) {
				continue // a fifth has each fault
			}
			t.Run(name+"/"+tt.what, func(t *testing.T) {
				snap, _ := brew(t, versions311[name], broker.Config{Will: func(w broker.WillInfo) broker.WillFate {
					switch {
					case w.Due == tt.due && w.Number == 17:
						return tt.fate
					case w.Due:
						return broker.WillFate{Copies: 1}
					}
					return broker.WillFate{}
				}}, nil)
				got := snap.Audit.Wills
				got.Outages, got.NotDue = 0, 0
				want := metrics.WillTotals{Due: due311, OnTime: due311, Messages: due311}
				if tt.want(&want); got != want {
					t.Errorf("%+v; want %+v", got, want)
				}
			})
		}
	}
}

// What a client of MQTT 3.1.1 cannot see is not counted as seen: no delivery is judged,
// and the result says why.
func TestNoDataOfMQTT311(t *testing.T) {
	for name, toml := range map[string]string{
		"devices":  lights311 + "telemetry = \"1s\"\nmqtt = \"3.1.1\"\n[[watcher]]\n",
		"watchers": lights311 + "telemetry = \"1s\"\n[[watcher]]\nmqtt = \"3.1.1\"\n",
		"all":      "[broker]\nmqtt = \"3.1.1\"\n" + lights311 + "telemetry = \"1s\"\n[[watcher]]\n",
	} {
		toml += "[phases]\nmeasure = \"5s\"\n[expect]\n\"delivery.lost\" = \"== 0\"\n\"state.delivery.p50\" = \"< 1m\"\n"
		snap, s := brew(t, toml, broker.Config{}, nil)
		for i := range s.fleet.scenario.Expect {
			if x := s.fleet.scenario.Expect[i].Evaluate(snap); x.Status == metrics.Pass {
				t.Errorf("%s: %s passes: %s", name, x.Metric, x.Sentence)
			}
		}
		if said := strings.Join(s.fleet.remarks(), "\n"); !strings.Contains(said, "client of MQTT 3.1.1 have no User Properties") {
			t.Errorf("%s: remarks %q; want why nothing is known of deliveries", name, said)
		}
		if n := s.fleet.Counts().Watched.Load(); n < 40 {
			t.Errorf("%s: the watcher received %d messages; want those of ten devices, one a second each", name, n)
		}
	}
}
