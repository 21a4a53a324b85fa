package metrics

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func spanOf(d time.Duration) *Span { return new(Span(d)) }

// audited is an audit with something in every place.
func audited() *Audit {
	a := &Audit{
		Answerable: true,
		Slack:      Slack{Broker: "the embedded broker", Early: Span(50 * ms), Late: Span(500 * ms), Silence: Span(time.Second)},
		Ways: []WayTotals{
			{"orderly", WillTotals{Outages: 100, NotDue: 100, Messages: 1, Unexpected: 1}},
			{"cut", WillTotals{
				Outages: 210, Due: 200, NotDue: 10, OnTime: 190, Early: 1, Late: 2, Missing: 4, Unwatched: 3,
				Messages: 196, Duplicate: 3, Altered: 5, Consumed: 50, Learned: 40,
			}},
			{NotGone, WillTotals{Messages: 2, Unexpected: 2}},
		},
		Retained: &RetainedTotals{Checked: 50, Right: 44, Stale: 1, Missing: 2, Wrong: 3},
	}
	for _, w := range a.Ways {
		a.Wills.Add(w.WillTotals)
	}
	return a
}

// back is a recovery of which all devices came back and answered.
func back(at time.Duration, n int64) Recovery {
	return Recovery{
		Incident: "power-cut", At: Span(at), To: Span(at + 5*time.Second), Affected: n, Attempts: 2 * n,
		Online:     Times{n, spanOf(time.Second), spanOf(3 * time.Second), spanOf(4 * time.Second)},
		Answering:  &Times{n, spanOf(2 * time.Second), spanOf(4 * time.Second), spanOf(5 * time.Second)},
		Refused:    map[string]int64{"server busy": 7},
		Reconnects: &ReconnectHistogram{Interval: Span(time.Second), Attempts: []int64{n, n}, Online: []int64{n - 1, 1}},
	}
}

// torn is one of which 3 of 5,000 devices never came back, and more did not
// answer.
func torn() Recovery {
	return Recovery{
		Incident: "storm", Group: "naive", At: Span(15 * time.Second), To: Span(20 * time.Second), Affected: 5000,
		Online:    Times{4997, spanOf(time.Second), spanOf(9 * time.Second), nil},
		Answering: &Times{4900, spanOf(time.Second), nil, nil},
	}
}

func TestEvaluateOutages(t *testing.T) {
	whole := &Snapshot{Audit: audited(), Recoveries: []Recovery{back(time.Second, 10), back(15*time.Second, 20)}}
	whole.Recoveries[1].Online.All, whole.Recoveries[1].Answering = spanOf(6*time.Second), nil
	never := &Snapshot{Recoveries: []Recovery{back(time.Second, 10), torn()}}
	nothing := &Snapshot{Audit: new(Audit), Recoveries: []Recovery{{Incident: "storm"}}}
	unasked := &Snapshot{Recoveries: []Recovery{back(time.Second, 1)}}
	unasked.Recoveries[0].Answering = nil
	blind := &Snapshot{Audit: &Audit{Wills: WillTotals{Outages: 5, Due: 5, Unwatched: 5}}}
	for _, tt := range []struct {
		of       *Snapshot
		expect   string
		want     Status
		sentence string
	}{
		{whole, "wills.outages == 310", Pass, "wills.outages is 310, as wanted: == 310"},
		{whole, "wills.due == 200", Pass, "wills.due is 200, as wanted: == 200"},
		{whole, "wills.due > 60%", Pass, "wills.due is 64.5161% (200 of 310), as wanted: > 60%"},
		{whole, "wills.on_time >= 99%", Fail, "wills.on_time is 95% (190 of 200), 197 of 200 judged; want >= 99%"},
		{whole, "wills.early == 1", Pass, "wills.early is 1, 197 of 200 judged, as wanted: == 1"},
		{whole, "wills.late <= 1%", Pass, "wills.late is 1% (2 of 200), 197 of 200 judged, as wanted: <= 1%"},
		{whole, "wills.missing == 0", Fail, "wills.missing is 4, 197 of 200 judged; want == 0"},
		{whole, "wills.unwatched == 3", Pass, "wills.unwatched is 3, as wanted: == 3"},
		{whole, "wills.messages == 199", Pass, "wills.messages is 199, 307 of 310 judged, as wanted: == 199"},
		{whole, "wills.duplicate == 0", Fail, "wills.duplicate is 3; want == 0"},
		{whole, "wills.unexpected == 0", Fail, "wills.unexpected is 3, 307 of 310 judged; want == 0"},
		{whole, "wills.altered < 1%", Fail, "wills.altered is 2.5126% (5 of 199); want < 1%"},
		{whole, "wills.consumed == 25%", Pass, "wills.consumed is 25% (50 of 200), as wanted: == 25%"},
		{whole, "wills.learned == 40", Pass, "wills.learned is 40, as wanted: == 40"},
		{whole, "retained.checked == 50", Pass, "retained.checked is 50, as wanted: == 50"},
		{whole, "retained.stale == 2%", Pass, "retained.stale is 2% (1 of 50), as wanted: == 2%"},
		{whole, "retained.missing == 2", Pass, "retained.missing is 2, as wanted: == 2"},
		{whole, "retained.wrong == 0", Fail, "retained.wrong is 3; want == 0"},
		{whole, "recovery.half < 2s", Pass, "recovery.half is 1s, as wanted: < 2s"},
		{whole, "recovery.most < 2s", Fail, "recovery.most is 3s; want < 2s"},
		{whole, "recovery.all == 6s", Pass, "recovery.all is 6s, as wanted: == 6s"},
		{whole, "recovery.answering.half == 2s", Pass, "recovery.answering.half is 2s, as wanted: == 2s"},
		{whole, "recovery.answering.all == 5s", Pass, "recovery.answering.all is 5s, as wanted: == 5s"},
		{whole, "devices.recovered == 100%", Pass, "devices.recovered is 100% (30 of 30), as wanted: == 100%"},
		{whole, "devices.affected == 30", Pass, "devices.affected is 30, as wanted: == 30"},
		{whole, "reconnect.attempts <= 60", Pass, "reconnect.attempts is 60, as wanted: <= 60"},

		{never, "recovery.half < 2s", Pass, "recovery.half is 1s, as wanted: < 2s"},
		{never, "recovery.most < 10s", Pass, "recovery.most is 9s, as wanted: < 10s"},
		{never, "recovery.all < 1h", Fail, "recovery.all is never: 3 of 5,000 devices did not come back after storm at 15s (naive); want < 1h"},
		{never, "recovery.all > 1s", Fail, "recovery.all is never: 3 of 5,000 devices did not come back after storm at 15s (naive); want > 1s"},
		{never, "recovery.all != 1s", Fail, "recovery.all is never: 3 of 5,000 devices did not come back after storm at 15s (naive); want != 1s"},
		{never, "recovery.answering.most < 1h", Fail, "recovery.answering.most is never: 100 of 5,000 devices did not answer after storm at 15s (naive); want < 1h"},
		{never, "recovery.answering.half < 3s", Pass, "recovery.answering.half is 2s, as wanted: < 3s"},
		{never, "devices.recovered == 100%", Fail, "devices.recovered is 99.9401% (5,007 of 5,010); want == 100%"},
		{never, "wills.missing == 0", NoData, "wills.missing has no value: there was no audit of Wills"},
		{never, "wills.delay.max < 1s", NoData, "wills.delay.max has no value: nothing was measured of it"},
		{never, "retained.wrong == 0", NoData, "retained.wrong has no value: nobody compared what the broker retained"},

		{nothing, "wills.missing == 0", NoData, "wills.missing has no value: no Will was due"},
		{nothing, "wills.missing == 0%", NoData, "wills.missing has no value: no Will was due"},
		{nothing, "wills.duplicate == 0", NoData, "wills.duplicate has no value: no Will came"},
		{nothing, "wills.unexpected == 0", NoData, "wills.unexpected has no value: no device went offline"},
		{blind, "wills.due == 5", Pass, "wills.due is 5, as wanted: == 5"},
		{blind, "wills.missing == 0", NoData, "wills.missing has no value: 5 Wills were due and none was judged: the auditor was away, or the run ended"},
		{blind, "wills.late == 0", NoData, "wills.late has no value: 5 Wills were due and none was judged: the auditor was away, or the run ended"},
		{blind, "wills.on_time == 100%", NoData, "wills.on_time has no value: 5 Wills were due and none was judged: the auditor was away, or the run ended"},
		{blind, "wills.unexpected == 0", NoData, "wills.unexpected has no value: the auditor was away during all of 5 outages"},
		{blind, "wills.altered == 0", NoData, "wills.altered has no value: no Will came"},
		{blind, "wills.learned == 0", NoData, "wills.learned has no value: no Will was answered"},
		{blind, "wills.unwatched == 0", Fail, "wills.unwatched is 5; want == 0"},
		{nothing, "retained.wrong == 0", NoData, "retained.wrong has no value: nobody compared what the broker retained"},
		{nothing, "recovery.all < 1h", NoData, "recovery.all has no value: the incidents befell no device"},
		{nothing, "recovery.answering.all < 1h", NoData, "recovery.answering.all has no value: the incidents befell no device"},
		{unasked, "recovery.answering.all < 1h", NoData, "recovery.answering.all has no value: nobody asked the devices"},
		{nothing, "devices.recovered == 0", NoData, "devices.recovered has no value: the incidents befell no device"},
		{nothing, "reconnect.attempts == 0", NoData, "reconnect.attempts has no value: the incidents befell no device"},
		{new(Snapshot), "recovery.answering.all < 1h", NoData, "recovery.answering.all has no value: no incident that befell a device came to its end"},
		{new(Snapshot), "devices.recovered == 100%", NoData, "devices.recovered has no value: no incident that befell a device came to its end"},
	} {
		x := expectations(t, tt.expect)[0].Evaluate(tt.of)
		if x.Status != tt.want || x.Sentence != tt.sentence {
			t.Errorf("%s: %s, %q; want %s, %q", tt.expect, x.Status, x.Sentence, tt.want, tt.sentence)
		}
		if hasValue := x.Status != NoData && x.Actual != Never; hasValue != (x.Value != nil) {
			t.Errorf("%s: the value is %v; want one: %v", tt.expect, x.Value, hasValue)
		}
	}
}

func TestBrokenOutages(t *testing.T) {
	s := &Snapshot{Audit: audited(), Recoveries: []Recovery{back(time.Second, 10), torn()}}
	for _, tt := range []struct {
		expect, objection string
		broken            bool
	}{
		{"wills.unexpected == 0", "", true},
		{"wills.unexpected < 10", "", false},
		{"wills.late < 1%", "", false}, // 2 of 1,000 would do
		{"wills.duplicate == 0", "", true},
		{"recovery.all < 1h", "", true},
		{"recovery.most < 5s", "", true},
		{"recovery.most < 10s", "", false},
		{"reconnect.attempts < 10", "", true},
		{"recovery.all > 1s", "cannot end a run early: what is too little now may be enough later; want <, <=, == or between", false},
		{"wills.missing == 0", "cannot end a run early: a Will that is missing may still come, late", false},
		{"retained.wrong == 0", "cannot end a run early: retained.wrong is known in the end only", false},
		{"devices.recovered == 10", "cannot end a run early: devices.recovered goes up and down", false},
	} {
		e := expectations(t, tt.expect)[0]
		objection := ""
		if err := e.CanAbort(); err != nil {
			objection = err.Error()
		}
		if got := e.Broken(s); got != tt.broken || objection != tt.objection {
			t.Errorf("%s: Broken = %v, CanAbort %q; want %v, %q", tt.expect, got, objection, tt.broken, tt.objection)
		}
	}
}

// Every sum must be looked at.
func TestCheckOutages(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*Audit, *Recovery)
		want string
	}{
		{"all well", func(*Audit, *Recovery) {}, ""},
		{"outages", func(a *Audit, _ *Recovery) { a.Wills.Outages++ }, "of the Wills: the sums do not hold: outages = due + not due: 311 is not 310\nthe ways to go add up to"},
		{"due", func(a *Audit, _ *Recovery) { a.Wills.Missing++ }, "of the Wills: the sums do not hold: due = on time + early + late + missing + unwatched: 200 is not 201"},
		{"messages", func(a *Audit, _ *Recovery) { a.Ways[0].Duplicate++; a.Wills.Duplicate++ }, "of the Wills: the sums do not hold: messages = on time + early + late + duplicate + unexpected: 199 is not 200"},
		{"of a way", func(a *Audit, _ *Recovery) { a.Ways[0].Unexpected = 0; a.Ways[2].Unexpected = 3 }, `of the Wills of the way "orderly": the sums do not hold: messages`},
		{"altered", func(a *Audit, _ *Recovery) { a.Ways[0].Altered, a.Wills.Altered = 2, 7 }, `of the Wills of the way "orderly": the sums do not hold: altered are of the messages: 2 is more than 1`},
		{"consumed", func(a *Audit, _ *Recovery) { a.Ways[2].Consumed++; a.Wills.Consumed++ }, `of the Wills of the way "not gone": the sums do not hold: consumed are of the outages: 1 is more than 0`},
		{"learned", func(a *Audit, _ *Recovery) { a.Ways[0].Learned++; a.Wills.Learned++ }, `of the Wills of the way "orderly": the sums do not hold: learned are of the consumed: 1 is more than 0`},
		{"negative", func(a *Audit, _ *Recovery) { a.Ways[0].Learned--; a.Wills.Learned-- }, `of the Wills of the way "orderly": the sums do not hold: no number is negative: 1 is more than 0`},
		{"ways", func(a *Audit, _ *Recovery) { a.Ways = a.Ways[:2] }, "the ways to go add up to"},
		{"a way twice", func(a *Audit, _ *Recovery) { a.Ways[2].Way = "cut" }, `the way "cut" is there twice`},
		{"retained", func(a *Audit, _ *Recovery) { a.Retained.Right++ }, "of what the broker retained: the sums do not hold: checked = right + stale + missing + wrong: 50 is not 51"},
		{"too many back", func(_ *Audit, r *Recovery) { r.Online.Count++ }, "of the recovery from power-cut at 1s: the sums do not hold: online are of the affected: 101 is more than 100"},
		{"order", func(_ *Audit, r *Recovery) { *r.Online.Half = Span(time.Minute) }, "of the recovery from power-cut at 1s: the sums do not hold: online: most took 3s, which is less than 1m0s"},
		{"order of answers", func(_ *Audit, r *Recovery) { *r.Answering.All = 0 }, "of the recovery from power-cut at 1s: the sums do not hold: answering: all took 0s, which is less than 4s"},
		{"no time", func(_ *Audit, r *Recovery) { r.Online.Most = nil }, "of the recovery from power-cut at 1s: the sums do not hold: online: 100 of 100 were there, and there is no time for most"},
		{"98 are not 99 %", func(_ *Audit, r *Recovery) { r.Online.Count, r.Online.All, r.Reconnects = 98, nil, nil }, "of the recovery from power-cut at 1s: the sums do not hold: online: 98 of 100 were there, and there is a time for most"},
		{"99 are", func(_ *Audit, r *Recovery) { r.Online.Count, r.Online.All, r.Reconnects = 99, nil, nil }, ""},
		{"not all", func(_ *Audit, r *Recovery) { r.Answering.Count = 99 }, "of the recovery from power-cut at 1s: the sums do not hold: answering: 99 of 100 were there, and there is a time for all"},
		{"herd", func(_ *Audit, r *Recovery) { r.Reconnects.Online[0]++ }, "of the recovery from power-cut at 1s: the herd has 101 devices come online, of 100"},
	} {
		a, r := audited(), back(time.Second, 100)
		tt.edit(a, &r)
		res := &Result{Snapshot: Snapshot{Audit: a, Recoveries: []Recovery{r}}}
		err := res.Check()
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: Check = %v; want nil", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: Check = %v; want %s", tt.name, err, tt.want)
		}
		if res.Judge(); (res.Verdict == VerdictBroken) != (tt.want != "") {
			t.Errorf("%s: the verdict is %s", tt.name, res.Verdict)
		}
	}
}

func TestOutagesRoundTrip(t *testing.T) {
	r := &Result{Version: ResultVersion}
	r.Fill(&Snapshot{Audit: audited(), Recoveries: []Recovery{back(time.Second, 10), torn()}}, expectations(t, "recovery.all < 1h"), 0)
	r.Judge()
	var first, second bytes.Buffer
	if err := r.Encode(&first); err != nil {
		t.Fatal(err)
	}
	got, err := DecodeResult(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Encode(&second); err != nil || first.String() != second.String() {
		t.Errorf("written again it is another one (%v):\n%s\nwant\n%s", err, second.String(), first.String())
	}
	s := &got.Snapshot
	if s.Audit == nil || s.Audit.Wills != r.Audit.Wills || len(s.Recoveries) != 2 {
		t.Errorf("the snapshot of what was read has the audit %+v and %d recoveries; want those of the result", s.Audit, len(s.Recoveries))
	}
}

func TestDecodeOutagesRefuses(t *testing.T) {
	for _, tt := range []struct{ field, want string }{
		{`"audit": {"wills": {"due": -1}}`, "the audit: there is the count -1; want 0 to 9223372036854"},
		{`"audit": {"ways": [{"way": "cut", "late": 9223372036855}]}`, `the audit of the way "cut": there is the count 9223372036855; want 0 to 9223372036854`},
		{`"audit": {"retained": {"stale": -1}}`, "the audit of what was retained: there is the count -1; want 0 to 9223372036854"},
		{`"audit": {"slack": {"late": "2000000h"}}`, "the slack of the audit: there is the time 2000000h0m0s; want at most 10007h59m57.018963968s"},
		{`"audit": {"ways": [` + strings.Repeat(`{},`, maxWays) + `{}]}`, "the audit has 1001 ways to go; want at most 1000"},
		{`"recoveries": [{"affected": -1}]`, "recovery 0: there is the count -1; want 0 to 9223372036854"},
		{`"recoveries": [{}, {"at": "2000000h"}]`, "recovery 1: there is the time 2000000h0m0s; want at most"},
		{`"recoveries": [{"online": {"half": "-1s"}}]`, "recovery 0: it took -1s; want 0 to"},
		{`"recoveries": [{"answering": {"count": -1}}]`, "recovery 0: there is the count -1"},
		{`"recoveries": [{"refused": {"x": -1}}]`, "recovery 0: there is the count -1"},
		{`"recoveries": [{"herd": {"interval": "1s", "attempts": [1], "online": []}}]`, "recovery 0: the herd has 1 and 0 intervals; want as many in both, at most 240"},
		{`"recoveries": [{"herd": {"interval": "0s", "attempts": [1], "online": [1]}}]`, "recovery 0: the herd has intervals of 0s; want 1ns to"},
		{`"recoveries": [{"herd": {"interval": "1s", "attempts": [1], "online": [-1]}}]`, "recovery 0: there is the count -1"},
		{`"recoveries": [{"online": {"half": 5}}]`, "recoveries.online.half is a number; want a duration such as \"1.5s\""},
		{`"recoveries": [{"at": 5}]`, "recoveries.at is a number; want a duration such as \"1.5s\""},
	} {
		_, err := DecodeResult(strings.NewReader(`{"homefleet_result": 1, ` + tt.field + `}`))
		if err == nil || !strings.HasPrefix(err.Error(), "reading a result: "+tt.want) {
			t.Errorf("DecodeResult(%.80s) = %v; want %s", tt.field, err, tt.want)
		}
	}
}

func TestMergeOutages(t *testing.T) {
	a, b, c := run(t, 1, "1/3", 100, 1), run(t, 2, "2/3", 100, 1), run(t, 3, "3/3", 100, 1)
	a.Audit, b.Audit = audited(), audited()
	b.Audit.Slack.Late, b.Audit.Ways[0].Way = Span(time.Second), "silence"
	a.Recoveries, b.Recoveries = []Recovery{back(time.Second, 10), torn()}, []Recovery{back(time.Second, 20)}
	m, err := MergeResults(a, b, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	want := audited().Wills
	want.Add(audited().Wills)
	if m.Audit.Wills != want || !m.Audit.Answerable || len(m.Audit.Ways) != 4 || m.Audit.Ways[1].Due != 400 || m.Audit.Ways[3].Way != "silence" {
		t.Errorf("the audit is %+v; want twice the parts", m.Audit)
	}
	if *m.Audit.Retained != (RetainedTotals{100, 88, 2, 4, 6}) || m.Audit.Slack.Late != Span(time.Second) || m.Audit.Slack.Early != Span(50*ms) {
		t.Errorf("retained %+v, slack %+v; want twice the parts and the widest", m.Audit.Retained, m.Audit.Slack)
	}
	if !slices.ContainsFunc(m.Remarks, func(s string) bool { return strings.Contains(s, "different slack") }) {
		t.Errorf("the remarks are %q; want one on the slack", m.Remarks)
	}
	var shards []string
	for _, r := range m.Recoveries {
		shards = append(shards, r.Incident+" "+r.Shard)
	}
	if !slices.Equal(shards, []string{"power-cut 1/3", "power-cut 2/3", "storm 1/3"}) {
		t.Errorf("the recoveries are %q; want those of each shard, by time", shards)
	}
	if a.Recoveries[0].Shard != "" || a.Audit.Wills != audited().Wills || len(a.Audit.Ways) != 3 {
		t.Error("merging changed the parts")
	}
	e := expectations(t, "recovery.all < 1h", "devices.recovered == 5027")
	if x := e[0].Evaluate(&m.Snapshot); !strings.Contains(x.Sentence, "after storm at 15s (naive, shard 1/3)") {
		t.Errorf("recovery.all: %s; want the group and the shard", x.Sentence)
	}
	if x := e[1].Evaluate(&m.Snapshot); x.Status != Pass {
		t.Error(x.Sentence)
	}
	if m, err := MergeResults(c); err != nil || m.Audit != nil || m.Recoveries != nil {
		t.Errorf("a shard without an audit is merged into %+v, %+v, %v; want none", m.Audit, m.Recoveries, err)
	}
}

func TestCompareOutages(t *testing.T) {
	a, b := &Result{Snapshot: Snapshot{Audit: audited()}}, &Result{Snapshot: Snapshot{Audit: audited()}}
	b.Audit.Wills.Due, b.Audit.Wills.Missing = 2000, 400
	b.Audit.Wills.Altered = 5
	a.Recoveries = []Recovery{back(time.Second, 5000)}
	b.Recoveries = []Recovery{back(time.Second, 5000)}
	*b.Recoveries[0].Online.All = Span(time.Minute)
	c := Compare(a, b)
	for name, want := range map[string]Change{
		"wills.missing": Worse, "wills.altered": Within, "wills.unexpected": Within, "retained.wrong": Within,
		"recovery.half": Within, "recovery.all": CannotTell, "devices.recovered": Within,
	} {
		if d := deltaOf(c, name); d.Verdict != want {
			t.Errorf("%s: %s, %q; want %s", name, d.Verdict, d.Sentence, want)
		}
	}
	b.Recoveries[0].Online = Times{2500, spanOf(time.Second), nil, nil}
	c = Compare(a, b)
	if d := deltaOf(c, "devices.recovered"); d.Verdict != Worse {
		t.Errorf("half of them did not come back: %s, %q; want worse", d.Verdict, d.Sentence)
	}
	if d := deltaOf(c, "recovery.all"); d.Name != "" {
		t.Errorf("recovery.all is compared with never: %q", d.Sentence)
	}
	if d := deltaOf(Compare(b, a), "devices.recovered"); d.Verdict != Better {
		t.Errorf("all came back again: %s, %q; want better", d.Verdict, d.Sentence)
	}
}
