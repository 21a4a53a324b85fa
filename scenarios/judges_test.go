package scenarios

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"homefleet/fleet/metrics"
)

// judging are the shipped scenarios that expect something, and of what a broker can do
// wrong what each of them lets pass, with the reason.
var judging = map[string]map[string]string{
	"request-response": {},
	"p2p":              {},
	"fan-in":           {},
	"fan-out":          {},
	"group-command":    {},
	"soak":             {},
	"retained-boot":    {},
	"slow-consumer":    {"a delivery to slow lost": "it is there to be lost"},
	"connect-storm":    {},
	"reconnect-storm":  noWillIsDue,
	"id-fight":         noWillIsDue,
	"flapping":         {},
	"router-reboot":    {"a request or an answer doubled": few},
	"power-cut":        {"a request or an answer doubled": few},
	"mixed-street":     {"a request or an answer doubled": few},
	"soak-trouble": {"a request or an answer doubled": few,
		"a Will late": "hundreds are due at once, on a machine that is busy with the devices"},
	"mass-offline":  {},
	"will-consumed": {},
	"before-mqtt5":  {},
	"misbehaving": {
		"a request or an answer lost":    itsDevices,
		"a request or an answer late":    itsDevices,
		"a request or an answer doubled": itsDevices,
		"a request or an answer altered": itsDevices,
	},
}

// few may be so where something goes wrong anyway, as at QoS 1 a command that was under
// way when its device went may come again (4.4). A tenth of all may not.
const few = "a few are no fault of the broker's"

// itsDevices do as much themselves, so that a run that went well is another than the one here:
// the figures are bounded on both sides.
const itsDevices = "the devices do it"

var noWillIsDue = map[string]string{
	"a Will missing": "none is due", "a Will early": "none is due", "a Will late": "none is due",
	"a Will altered": "none is due", "a Will too many": "none is due",
}

// What a broker did wrong to one of a thousand messages must fail the scenario that such
// messages are sent in, or to a tenth of them where a few are let pass: a test that passes
// then says nothing.
func TestScenariosLetNothingPass(t *testing.T) {
	requests := map[string]func(*metrics.Totals, int64){
		"lost":            func(t *metrics.Totals, n int64) { t.Answered -= n; t.Answers -= n; t.Lost += n; t.MissingAnswers += n },
		"late":            func(t *metrics.Totals, n int64) { t.Answered -= n; t.Late += n },
		"refused":         func(t *metrics.Totals, n int64) { t.Answered -= n; t.Answers -= n; t.Refused += n },
		"doubled":         func(t *metrics.Totals, n int64) { t.Duplicates += n },
		"altered":         func(t *metrics.Totals, n int64) { t.Corrupted.Content += n },
		"of nobody":       func(t *metrics.Totals, n int64) { t.Unknown.NeverSent += n },
		"without check":   func(t *metrics.Totals, n int64) { t.Unchecked += n },
		"at another QoS":  func(t *metrics.Totals, n int64) { t.OtherQoS.Answers += n },
		"with RETAIN":     func(t *metrics.Totals, n int64) { t.OtherRetain += n },
		"altered request": func(t *metrics.Totals, n int64) { t.AlteredRequests += n },
	}
	messages := map[string]func(*metrics.Delivery, int64){
		"lost":           func(d *metrics.Delivery, n int64) { d.Delivered -= n; d.Lost += n },
		"altered":        func(d *metrics.Delivery, n int64) { d.Delivered -= n; d.Altered += n },
		"doubled":        func(d *metrics.Delivery, n int64) { d.Duplicate += n },
		"out of order":   func(d *metrics.Delivery, n int64) { d.Reordered += n },
		"at another QoS": func(d *metrics.Delivery, n int64) { d.OtherQoS += n },
		"with RETAIN":    func(d *metrics.Delivery, n int64) { d.OtherRetain += n },
	}
	wills := map[string]func(*metrics.WillTotals, int64){
		"missing":    func(w *metrics.WillTotals, n int64) { w.OnTime -= n; w.Messages -= n; w.Missing += n },
		"early":      func(w *metrics.WillTotals, n int64) { w.OnTime -= n; w.Early += n },
		"late":       func(w *metrics.WillTotals, n int64) { w.OnTime -= n; w.Late += n },
		"altered":    func(w *metrics.WillTotals, n int64) { w.Altered += n },
		"too many":   func(w *metrics.WillTotals, n int64) { w.Messages += n; w.Duplicate += n },
		"unexpected": func(w *metrics.WillTotals, n int64) { w.Messages += n; w.Unexpected += n },
	}
	kept := map[string]func(*metrics.RetainedTotals, int64){
		"stale":   func(r *metrics.RetainedTotals, n int64) { r.Right -= n; r.Stale += n },
		"missing": func(r *metrics.RetainedTotals, n int64) { r.Right -= n; r.Missing += n },
		"wrong":   func(r *metrics.RetainedTotals, n int64) { r.Right -= n; r.Wrong += n },
	}
	for _, sc := range loadShipped(t) {
		name := strings.TrimSuffix(sc.Name, ".toml")
		pardons, ok := judging[name]
		if ok != (len(sc.Expect) > 0) {
			t.Errorf("%s expects %d things; is it to be here: %t", name, len(sc.Expect), ok)
		}
		if !ok {
			continue
		}
		unused := maps.Clone(pardons)
		holding := sc.holding()
		check := func(what string, spoil func(s *metrics.Snapshot, n int64)) {
			why, pardoned := pardons[what]
			delete(unused, what)
			found := sc.spoilt(holding, spoil, 1)
			switch {
			case pardoned && found:
				t.Errorf("%s: %s fails, and is to be let pass: %s", name, what, why)
			case !pardoned && !found:
				t.Errorf("%s: %s fails nothing", name, what)
			case why == few && !sc.spoilt(holding, spoil, 100):
				t.Errorf("%s: %s in a tenth of all fails nothing", name, what)
			}
		}
		if len(sc.Controllers) > 0 {
			for _, what := range slices.Sorted(maps.Keys(requests)) {
				check("a request or an answer "+what, func(s *metrics.Snapshot, n int64) { requests[what](&s.Totals, n) })
			}
		}
		for i := range sc.Watchers {
			if sc.Watchers[i].Answers {
				continue // of Wills
			}
			for _, what := range slices.Sorted(maps.Keys(messages)) {
				check("a delivery to "+sc.Watchers[i].Name+" "+what, func(s *metrics.Snapshot, n int64) { messages[what](&s.Deliveries[i], n) })
			}
		}
		if len(sc.Incidents) > 0 {
			for _, what := range slices.Sorted(maps.Keys(wills)) {
				check("a Will "+what, func(s *metrics.Snapshot, n int64) { wills[what](&s.Audit.Wills, n) })
			}
		}
		if len(sc.Incidents) > 0 || slices.ContainsFunc(sc.Groups, func(g Group) bool { return g.Retain }) {
			for _, what := range slices.Sorted(maps.Keys(kept)) {
				check("a retained message "+what, func(s *metrics.Snapshot, n int64) { kept[what](s.Audit.Retained, n) })
			}
		}
		for _, what := range []string{"acks.missing", "connections.bad_packets"} {
			check(what, func(s *metrics.Snapshot, n int64) { s.Counts[what] += n })
		}
		for what := range unused {
			t.Errorf("%s: there is no %s that it could let pass", name, what)
		}
	}
}

// holding are the expectations that a run that went well does not fail. Some need figures
// that are not here.
func (sc *Scenario) holding() (all []*metrics.Expectation) {
	good := snapshotOf(sc)
	for i := range sc.Expect {
		if e := &sc.Expect[i]; e.Evaluate(good).Status != metrics.Fail {
			all = append(all, e)
		}
	}
	return all
}

// spoilt reports whether one that went well but for so many of a thousand fails any.
func (sc *Scenario) spoilt(holding []*metrics.Expectation, spoil func(*metrics.Snapshot, int64), n int64) bool {
	bad := snapshotOf(sc)
	spoil(bad, n)
	return slices.ContainsFunc(holding, func(e *metrics.Expectation) bool { return e.Evaluate(bad).Status == metrics.Fail })
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
	s.Audit.Wills = metrics.WillTotals{Outages: 2000, Due: 1000, NotDue: 1000, OnTime: 1000, Messages: 1000}
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
