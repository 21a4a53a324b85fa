package scenarios

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"homefleet/fleet/metrics"
)

// calm are the shipped scenarios in which nothing goes wrong but what the broker does.
var calm = []string{"request-response", "p2p", "fan-in", "fan-out", "group-command", "soak", "retained-boot", "slow-consumer"}

// What a broker did wrong to a few of many messages, where nothing else goes wrong, must
// fail the scenario: a test that passes then says nothing.
func TestCalmScenariosLetNothingPass(t *testing.T) {
	requests := map[string]func(*metrics.Totals){
		"lost":            func(t *metrics.Totals) { t.Answered--; t.Answers--; t.Lost++; t.MissingAnswers++ },
		"late":            func(t *metrics.Totals) { t.Answered--; t.Late++ },
		"refused":         func(t *metrics.Totals) { t.Answered--; t.Answers--; t.Refused++ },
		"doubled":         func(t *metrics.Totals) { t.Duplicates++ },
		"altered":         func(t *metrics.Totals) { t.Corrupted.Content++ },
		"of nobody":       func(t *metrics.Totals) { t.Unknown.NeverSent++ },
		"without check":   func(t *metrics.Totals) { t.Unchecked++ },
		"at another QoS":  func(t *metrics.Totals) { t.OtherQoS.Answers++ },
		"with RETAIN":     func(t *metrics.Totals) { t.OtherRetain++ },
		"altered request": func(t *metrics.Totals) { t.AlteredRequests++ },
	}
	messages := map[string]func(*metrics.Delivery){
		"lost":           func(d *metrics.Delivery) { d.Delivered--; d.Lost++ },
		"altered":        func(d *metrics.Delivery) { d.Delivered--; d.Altered++ },
		"doubled":        func(d *metrics.Delivery) { d.Duplicate++ },
		"out of order":   func(d *metrics.Delivery) { d.Reordered++ },
		"at another QoS": func(d *metrics.Delivery) { d.OtherQoS++ },
		"with RETAIN":    func(d *metrics.Delivery) { d.OtherRetain++ },
	}
	kept := map[string]func(*metrics.RetainedTotals){
		"stale":   func(r *metrics.RetainedTotals) { r.Right--; r.Stale++ },
		"missing": func(r *metrics.RetainedTotals) { r.Right--; r.Missing++ },
		"wrong":   func(r *metrics.RetainedTotals) { r.Right--; r.Wrong++ },
	}
	counts := []string{"acks.missing", "connections.bad_packets"}
	for _, name := range calm {
		src, _ := ReadShipped(name)
		sc, faults := Load(name+".toml", src)
		if sc == nil {
			t.Fatal(faults)
		}
		check := func(what string, spoil func(*metrics.Snapshot)) {
			good, bad := snapshotOf(sc), snapshotOf(sc)
			spoil(bad)
			failing := func(s *metrics.Snapshot) (all []string) {
				for i := range sc.Expect {
					if x := sc.Expect[i].Evaluate(s); x.Status == metrics.Fail {
						all = append(all, x.Metric)
					}
				}
				return all
			}
			before := failing(good)
			if after := failing(bad); len(after) <= len(before) {
				t.Errorf("%s: %s fails nothing but %q", name, what, before)
			}
		}
		if len(sc.Controllers) > 0 {
			for _, what := range slices.Sorted(maps.Keys(requests)) {
				check("a request or an answer "+what, func(s *metrics.Snapshot) { requests[what](&s.Totals) })
			}
		}
		for i := range sc.Watchers {
			for _, what := range slices.Sorted(maps.Keys(messages)) {
				if sc.Watchers[i].Slow > 0 && what == "lost" {
					continue // it is there to be lost
				}
				check("a delivery to "+sc.Watchers[i].Name+" "+what, func(s *metrics.Snapshot) { messages[what](&s.Deliveries[i]) })
			}
		}
		if slices.ContainsFunc(sc.Groups, func(g Group) bool { return g.Retain }) {
			for _, what := range slices.Sorted(maps.Keys(kept)) {
				check("a retained message "+what, func(s *metrics.Snapshot) { kept[what](s.Audit.Retained) })
			}
		}
		for _, what := range counts {
			check(what, func(s *metrics.Snapshot) { s.Counts[what]++ })
		}
	}
}

// snapshotOf is that of a run of a scenario that went well: a thousand of everything.
func snapshotOf(sc *Scenario) *metrics.Snapshot {
	s := &metrics.Snapshot{Counts: map[string]int64{}}
	for _, m := range metrics.Catalogue() {
		if _, ok := strings.CutSuffix(m.Name, "*"); !ok {
			s.Counts[m.Name] = 0
		}
	}
	s.Audit = &metrics.Audit{Retained: &metrics.RetainedTotals{Checked: 1000, Right: 1000}}
	s.Counts["connect.tried"], s.Counts["connect.succeeded"] = 10, 10
	if len(sc.Controllers) > 0 {
		s.Totals = metrics.Totals{Planned: 1000, Sent: 1000, Answered: 1000, Answers: 1000}
	}
	for i := range sc.Watchers {
		s.Deliveries = append(s.Deliveries, metrics.Delivery{Watcher: sc.Watchers[i].Name, Watchers: 1,
			DeliveryTotals: metrics.DeliveryTotals{Sent: 1000, Delivered: 1000}})
	}
	s.Devices = metrics.Devices{Total: sc.Count(), Online: sc.Count(), Seen: sc.Count()}
	return s
}
