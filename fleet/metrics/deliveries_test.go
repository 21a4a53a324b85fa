package metrics

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func twoGroups() []Delivery {
	return []Delivery{
		{Watcher: "prompt", Watchers: 2, QoS: 1, DeliveryTotals: DeliveryTotals{Sent: 2000, Delivered: 1900, Altered: 10, Lost: 50, Refused: 5, Unconfirmed: 15, Unwatched: 20,
			Duplicate: 7, Reordered: 3, Foreign: 2}},
		{Watcher: "prompt", Watchers: 2, QoS: 0, DeliveryTotals: DeliveryTotals{Sent: 100, Delivered: 100}},
		{Watcher: "away", Watchers: 1, QoS: 1, DeliveryTotals: DeliveryTotals{Sent: 1000, Unwatched: 1000}},
	}
}

func TestExpectationsOfDeliveries(t *testing.T) {
	s := &Snapshot{Measured: Span(10 * time.Second), Deliveries: twoGroups(), Counts: map[string]int64{"telemetry.sent": 1500}}
	names := &LabelNames{Watchers: []string{"prompt", "away", "lazy", "phones", "hubs"}}
	for _, tt := range []struct {
		metric, want string
		status       Status
		sentence     string
	}{
		{"delivery.sent", "== 3100", Pass, "delivery.sent is 3,100, as wanted: == 3100"},
		{"delivery.lost", "== 0", Fail, "delivery.lost is 50, 2,060 of 3,100 judged; want == 0"},
		{"delivery.lost", "< 1%", Fail, "delivery.lost is 2.4272% (50 of 2,060), 2,060 of 3,100 judged; want < 1%"},
		{"delivery.delivered{watcher=prompt}", "> 97%", Pass, "delivery.delivered{watcher=prompt} is 97.0874% (2,000 of 2,060), 2,060 of 2,100 judged, as wanted: > 97%"},
		{"delivery.duplicate{watcher=prompt}", "== 7", Pass, "delivery.duplicate{watcher=prompt} is 7, 2,060 of 2,100 judged, as wanted: == 7"},
		{"delivery.rate", ">= 200/s", Pass, "delivery.rate is 200/s, 2,060 of 3,100 judged, as wanted: >= 200/s"},
		{"delivery.strays", "== 0", Fail, "delivery.strays is 2, 2,060 of 3,100 judged; want == 0"},
		{"telemetry.rate", "between 149/s and 151/s", Pass, "telemetry.rate is 150/s, as wanted: between 149/s and 151/s"},
		// Nothing of it was judged: that is no pass.
		{"delivery.lost{watcher=away}", "== 0", NoData, "delivery.lost{watcher=away} has no value: none of 1,000 messages to watchers was judged: unwatched 1,000"},
		{"delivery.reordered{watcher=away}", "== 0", NoData, ""},
		{"delivery.strays{watcher=away}", "== 0", NoData, ""},
		{"delivery.rate{watcher=away}", ">= 0/s", NoData, ""},
		{"delivery.unwatched{watcher=away}", "== 100%", Pass, "delivery.unwatched{watcher=away} is 100% (1,000 of 1,000), as wanted: == 100%"},
		{"delivery.lost{watcher=lazy}", "== 0", NoData, "delivery.lost{watcher=lazy} has no value: no state or telemetry was sent to a watcher"},
		{"delivery.unfinished{watcher=lazy}", "== 0", NoData, "delivery.unfinished{watcher=lazy} has no value: no state or telemetry was sent to a watcher"},
		// Two groups have one shared subscription, and so one row.
		{"delivery.lost{watcher=phones}", "== 1", Pass, "delivery.lost{watcher=phones} is 1, as wanted: == 1"},
		{"delivery.lost{watcher=hubs}", "== 1", Pass, "delivery.lost{watcher=hubs} is 1, as wanted: == 1"},
		{"delivery.expected{watcher=away}", "== 100%", Fail, "delivery.expected{watcher=away} is 0% (0 of 1,000); want == 100%"},
	} {
		e, faults := ParseExpectation(tt.metric, tt.want, names)
		if faults != nil {
			t.Errorf("%s: %v", tt.metric, faults)
			continue
		}
		s.Deliveries = twoGroups()
		if strings.Contains(tt.metric, "phones") || strings.Contains(tt.metric, "hubs") {
			s.Deliveries = append(s.Deliveries, Delivery{Watcher: "phones and hubs", Shared: true, Watchers: 2, DeliveryTotals: DeliveryTotals{Sent: 2, Delivered: 1, Lost: 1}})
		}
		if got := e.Evaluate(s); got.Status != tt.status || tt.sentence != "" && got.Sentence != tt.sentence {
			t.Errorf("%s %s: %s: %s\n   want %s: %s", tt.metric, tt.want, got.Status, got.Sentence, tt.status, tt.sentence)
		}
	}
	// Without watchers there is nothing to judge at all.
	e, _ := ParseExpectation("delivery.lost", "== 0", nil)
	if got := e.Evaluate(&Snapshot{Measured: Span(time.Second)}); got.Status != NoData {
		t.Errorf("without watchers delivery.lost == 0 is %s; want %s", got.Status, NoData)
	}
	for metric, want := range map[string]string{
		"delivery.lost{kind=light}":      "delivery.lost has no such label",
		"requests.lost{watcher=prompt}":  "requests.lost is of no group of watchers",
		"delivery.lost{watcher=promptt}": `the scenario has no watcher "promptt"`,
	} {
		if _, faults := ParseExpectation(metric, "== 0", names); len(faults) != 1 || faults[0].Text != want {
			t.Errorf("%s: %v; want %q", metric, faults, want)
		}
	}
}

// A row that does not add up is homefleet's own fault, in a result that was read as
// in one that was made.
func TestDeliveriesAreChecked(t *testing.T) {
	for change, wrong := range map[string]func(*Delivery){
		"":             func(*Delivery) {},
		"lost":         func(d *Delivery) { d.Lost++ },
		"outstanding":  func(d *Delivery) { d.Delivered--; d.Outstanding++ },
		"reordered":    func(d *Delivery) { d.Reordered = d.Sent + 1 },
		"sent":         func(d *Delivery) { d.Sent-- },
		"negative sum": func(d *Delivery) { d.Lost -= 100; d.Delivered += 100 },
	} {
		r := &Result{Version: ResultVersion, Snapshot: Snapshot{Deliveries: twoGroups()}}
		wrong(&r.Deliveries[0])
		if err := r.Check(); (err != nil) != (change != "") {
			t.Errorf("with another %q: Check() = %v", change, err)
		}
		var b bytes.Buffer
		if err := r.Encode(&b); err != nil {
			t.Fatal(err)
		}
		again, err := DecodeResult(&b)
		if change == "negative sum" {
			if err == nil || !strings.Contains(err.Error(), "deliveries") {
				t.Errorf("a negative count is read: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if (again.Check() != nil) != (change != "") {
			t.Errorf("read again, with another %q: Check() = %v", change, again.Check())
		}
	}
}

func TestDeliveriesOfShardsAddUp(t *testing.T) {
	sum := addDeliveries(addDeliveries(nil, twoGroups()), twoGroups())
	if len(sum) != 3 || sum[0].Sent != 4000 || sum[0].Duplicate != 14 || sum[0].Watchers != 4 || sum[2].Unwatched != 2000 {
		t.Errorf("two shards make %+v; want three rows with the sums", sum)
	}
	if one := twoGroups(); one[0].Sent != 2000 {
		t.Error("the rows that are added have changed")
	}
	if errs := checkDeliveries(sum); errs != nil {
		t.Error(errs)
	}
}

// What is missing for too long is lost while the run lasts, and may end it; what
// goes up and down may not.
func TestLostDeliveriesEndARun(t *testing.T) {
	s := &Snapshot{Measured: Span(time.Second), Deliveries: []Delivery{{Watcher: "w", DeliveryTotals: DeliveryTotals{Sent: 2000, Delivered: 1500, Lost: 20, Outstanding: 480}}}}
	for _, tt := range []struct {
		metric, want string
		can, broken  bool
	}{
		{"delivery.lost", "== 0", true, true},
		{"delivery.lost", "<= 20", true, false},
		{"delivery.lost", "< 1%", true, true},
		{"delivery.lost", "< 2%", true, false},
		{"delivery.lost", "> 30", false, false},
		{"delivery.duplicate", "== 0", true, false},
		{"delivery.unwatched", "== 0", false, false},
		{"delivery.rate", "< 1/s", false, false},
	} {
		e, faults := ParseExpectation(tt.metric, tt.want, nil)
		if faults != nil {
			t.Fatal(faults[0])
		}
		if can := e.CanAbort() == nil; can != tt.can || e.Broken(s) != tt.broken {
			t.Errorf("%s %s: can end a run %t, does %t; want %t, %t", tt.metric, tt.want, can, e.Broken(s), tt.can, tt.broken)
		}
	}
}

// Two runs are compared in what became of one-way messages, and series of runs are.
func TestDeliveriesAreCompared(t *testing.T) {
	run := func(lost, twice int64) *Result {
		return &Result{Snapshot: Snapshot{Measured: Span(10 * time.Second), Deliveries: []Delivery{{Watcher: "w", Watchers: 1, QoS: 1,
			DeliveryTotals: DeliveryTotals{Sent: 1000, Delivered: 1000 - lost, Lost: lost, Duplicate: twice}}}}}
	}
	c := Compare(run(0, 0), run(90, 0))
	found := false
	for _, d := range c.Deltas {
		if d.Name == "delivery.lost" {
			found = d.Verdict == Worse && strings.HasPrefix(d.Sentence, "delivery.lost went from 0 to 9%, worse")
		}
	}
	if !found {
		t.Errorf("Compare() = %+v; want delivery.lost to be worse", c.Deltas)
	}
	var before, after []*Result
	for i := range int64(10) {
		before, after = append(before, run(i%2, i%3)), append(after, run(100+i, i%3))
	}
	all := CompareRuns(before, after)
	verdicts := map[string]Change{"delivery.lost": Worse, "delivery.duplicate": Same, "delivery.rate": Worse, "delivery.reordered": Same, "delivery.altered": Same}
	for _, d := range all.Deltas {
		if want, ok := verdicts[d.Name]; ok && d.Verdict != want {
			t.Errorf("%s is %s: %s; want %s", d.Name, d.Verdict, d.Sentence, want)
		}
		delete(verdicts, d.Name)
	}
	if len(verdicts) > 0 || all.Verdict != Worse {
		t.Errorf("the runs are %s, without %v; want worse, with all of them", all.Verdict, verdicts)
	}
}
