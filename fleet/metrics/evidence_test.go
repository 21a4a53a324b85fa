package metrics

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Where nothing was looked at, no metric of the catalogue is a pass, whatever is
// wanted of it: not nought, not all, not anything. Those that are facts of the run
// itself are named here, each for a reason.
func TestNoDataIsNoPass(t *testing.T) {
	facts := map[string]string{
		"requests.planned": "the plan", "requests.sent": "of the plan, so that nothing sent is nothing of it", "requests.answered": "nothing answered is a fact",
		"requests.not_sent": "of the plan", "requests.failed": "of the plan", "requests.rate": "of the time", "answers.rate": "of the time",
		"requests.paused": "what somebody did", "requests.longest_queue": "of the plan", "requests.longest_wait": "of the plan", "telemetry.rate": "of the time", "state.rate": "of the time",
		"generator.late": "of the plan", "wills.outages": "the devices know", "wills.due": "the devices know",
		"connect.tried": "a count of attempts", "connect.succeeded": "of attempts", "connect.resumed": "what came", "connections.disconnected": "what came",
		"acks.stray": "what came", "acks.no_subscribers": "what came",
		"devices.commands": "what came", "devices.replies": "what was sent", "devices.ghost_commands": "what came",
	}
	// Everything was planned and nothing came of it.
	dead := &Snapshot{
		Measured: Span(time.Second), Totals: Totals{Planned: 10, NotSent: NotSent{NotConnected: 10}},
		Audit: new(Audit), Counts: CountsByName(new(Counts)), Series: map[Series]*Histogram{},
	}
	empty := &Snapshot{Measured: Span(time.Second)}
	for _, info := range Catalogue() {
		if _, fact := facts[info.Name]; fact {
			continue
		}
		if family, _, _ := strings.Cut(info.Name, "."); slices.Contains([]string{"devices", "misbehaved"}, family) && info.Unit == UnitCount && info.Of == "" {
			continue // plain counts of what devices did
		}
		if strings.HasSuffix(info.Name, ".count") || strings.HasSuffix(info.Name, ".sent") {
			continue
		}
		zero := map[Unit]string{UnitCount: "0", UnitTime: "0s", UnitRate: "0/s"}[info.Unit]
		for _, s := range []*Snapshot{dead, empty} {
			for _, op := range []string{"==", "<=", ">="} {
				e, faults := ParseExpectation(info.Name, op+" "+zero, nil)
				if faults != nil {
					t.Fatal(faults[0])
				}
				if x := e.Evaluate(s); x.Status == Pass {
					t.Errorf("%s %s %s passes where nothing was looked at: %s", info.Name, op, zero, x.Sentence)
				}
			}
		}
	}
}

// Of Wills of which the rules say both, an expectation says that it judged the
// others alone; and nothing if there are no others.
func TestWillsThatMayBeDueAreNotJudged(t *testing.T) {
	for _, tt := range []struct {
		wills  WillTotals
		status Status
		want   string
	}{
		{WillTotals{Outages: 10, Due: 5, OnTime: 5, Messages: 5, NotDue: 5, MaybeDue: 5}, Pass, "5 judged; of 5 more nobody knows whether one was due"},
		{WillTotals{Outages: 10, NotDue: 10, MaybeDue: 10}, NoData, "nobody knows whether one was due"},
		{WillTotals{Outages: 10, NotDue: 10}, NoData, "no Will was due"},
	} {
		e, faults := ParseExpectation("wills.missing", "== 0", nil)
		if faults != nil {
			t.Fatal(faults[0])
		}
		x := e.Evaluate(&Snapshot{Measured: Span(time.Second), Audit: &Audit{Wills: tt.wills}})
		if text := fmt.Sprintf("%+v", x); x.Status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("wills.missing == 0 of %+v is %s; want %v and %q", tt.wills, text, tt.status, tt.want)
		}
	}
}

// Of answers without a checksum nobody knows whether they were altered: that none was is
// undecided, if there are no others, and else said to be of the others.
func TestUncheckedAnswersAreNotJudged(t *testing.T) {
	for _, tt := range []struct {
		totals Totals
		status Status
		want   string
	}{
		{Totals{Answers: 10}, Pass, ""},
		{Totals{Answers: 10, Unchecked: 4}, Pass, "6 of 10 judged"},
		{Totals{Answers: 10, Unchecked: 10}, NoData, "no answer had a checksum"},
		{Totals{Answers: 10, ByTopic: ByTopic{Unknown: 10}}, NoData, "matched by their topic"},
		{Totals{Answers: 10, ByTopic: ByTopic{Own: 10}}, Pass, ""},
		{Totals{Answers: 10, ByTopic: ByTopic{Own: 10}, Unchecked: 10}, NoData, "no answer had a checksum"},
		{Totals{}, NoData, "there was no answer"},
	} {
		tt.totals.Planned, tt.totals.Sent, tt.totals.Answered = 10, 10, tt.totals.Answers
		for _, metric := range []string{"answers.corrupted", "requests.altered", "answers.other_qos"} {
			x := expectations(t, metric+" == 0")[0].Evaluate(&Snapshot{Measured: Span(time.Second), Totals: tt.totals})
			if text := fmt.Sprintf("%+v", x); x.Status != tt.status || !strings.Contains(text, tt.want) {
				t.Errorf("%s == 0 of %d answers, %d without a checksum, %+v by topic, is %s; want %v and %q",
					metric, tt.totals.Answers, tt.totals.Unchecked, tt.totals.ByTopic, text, tt.status, tt.want)
			}
		}
	}
}

func TestImplied(t *testing.T) {
	text := func(all []Expectation) string {
		var list []string
		for _, e := range all {
			if !e.Implied {
				t.Errorf("%s is not marked as implied", e.String())
			}
			list = append(list, e.String())
		}
		return strings.Join(list, ", ")
	}
	const sent, answered, kept = "requests.not_sent < 1%", "answers.received > 0", "generator.late < 1%"
	for _, tt := range []struct {
		own, without []string
		want         string
	}{
		{nil, nil, sent + ", " + answered + ", " + kept},
		{[]string{"requests.not_sent < 60%"}, nil, answered + ", " + kept},
		{[]string{"requests.not_sent{kind=light} < 60%"}, nil, sent + ", " + answered + ", " + kept},
		{[]string{"requests.answered == 0"}, nil, sent + ", " + kept},
		{[]string{"answers.received >= 5", "generator.late < 5%"}, nil, sent},
		{nil, []string{"requests.not_sent", "answers.received", "generator.late"}, ""},
		{[]string{"requests.lost == 0"}, []string{"generator.late"}, sent + ", " + answered},
	} {
		if got := text(Implied(expectations(t, tt.own...), tt.without, false)); got != tt.want {
			t.Errorf("Implied(%q, %q) = %s; want %s", tt.own, tt.without, got, tt.want)
		}
	}
}

// played is a result of n requests, of which some were not sent, and some of the
// others answered.
func played(t *testing.T, n, unsent, answered int, late time.Duration, expect []Expectation) *Result {
	t.Helper()
	rec := NewRecorder(RecorderConfig{Shards: 1})
	l, err := NewLedger(LedgerConfig{Timeout: time.Second, Capacity: n + 1, Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		planned := time.Duration(i) * ms
		if i >= n-unsent {
			l.NotSent(Request{Planned: planned}, NotConnected)
			continue
		}
		id, _ := l.Send(Request{Planned: planned, Sent: planned + late})
		if i < answered {
			l.Answer(planned+late+ms, Answer{Correlation: id.Append(nil, 0), Checked: true})
		}
	}
	l.Close(time.Hour)
	r := &Result{Duration: Span(time.Second)}
	r.Fill(rec.Snapshot(time.Second), expect, 0)
	r.Judge()
	return r
}

func TestVerdictNeedsEvidence(t *testing.T) {
	implied := Implied(nil, nil, false)
	lost := expectations(t, "requests.lost <= 100%")
	of := func(own []Expectation, without ...string) []Expectation {
		return append(slices.Clone(own), Implied(own, without, false)...)
	}
	for _, tt := range []struct {
		name                string
		n, unsent, answered int
		late                time.Duration
		expect              []Expectation
		want                Verdict
		sentence            string
	}{
		{"all well, nothing expected", 1000, 0, 1000, 0, implied, VerdictRan, "nothing was expected but what is implied, and that holds"},
		{"all well, something expected", 1000, 0, 1000, 0, of(lost), VerdictPass, "the one expectation holds"},
		{"one of a thousand is not sent", 1000, 1, 999, 0, implied, VerdictRan, "nothing was expected"},
		{"a tenth is lost, nothing expected", 1000, 0, 900, 0, implied, VerdictFaults, "100 of 1,000 requests were lost (10%)"},
		{"a tenth is lost, something else expected", 1000, 0, 900, 0, of(expectations(t, "answers.misrouted == 0")), VerdictPass, "the one expectation holds; beside what is expected: 100 of 1,000 requests were lost (10%)"},
		{"a tenth is lost, as the scenario lets it", 1000, 0, 900, 0, of(expectations(t, "requests.answered >= 90%")), VerdictPass, "the one expectation holds"},
		{"one of a hundred is not sent", 1000, 10, 990, 0, implied, VerdictFail, "requests.not_sent is 1% (10 of 1,000), not connected 10; want < 1%"},
		{"half is not sent", 1000, 500, 500, 0, of(lost), VerdictFail, "requests.not_sent is 50% (500 of 1,000), not connected 500; want < 1%"},
		{"half is not sent, as the scenario lets it", 1000, 500, 500, 0, of(expectations(t, "requests.not_sent < 60%")), VerdictPass, "the one expectation holds"},
		{"half is not sent, and nobody minds", 1000, 500, 500, 0, of(lost, "requests.not_sent"), VerdictPass, "the one expectation holds"},
		{"nothing is sent", 10, 10, 0, 0, implied, VerdictFail, "requests.not_sent is 100% (10 of 10), not connected 10; want < 1%"},
		{"nothing is answered", 40, 0, 0, 0, of(lost), VerdictFail, "answers.received is 0; want > 0"},
		{"nothing is to be answered", 40, 0, 0, 0, of(expectations(t, "requests.answered == 0")), VerdictPass, "the one expectation holds"},
		{"nothing is planned", 0, 0, 0, 0, implied, VerdictFail, "requests.not_sent has no value: no request was planned"},
		{"the generator is late", 1000, 0, 1000, 11 * ms, implied, VerdictSaturated, "1,000 of 1,000 requests (100%) left more than 10ms after their planned moment"},
		{"the generator may be late", 1000, 0, 1000, 11 * ms, of(expectations(t, "generator.late <= 100%")), VerdictPass, "the one expectation holds"},
		{"the generator does not matter", 1000, 0, 1000, 11 * ms, of(lost, "generator.late"), VerdictPass, "the one expectation holds"},
	} {
		r := played(t, tt.n, tt.unsent, tt.answered, tt.late, nil)
		if !slices.ContainsFunc(tt.expect, func(e Expectation) bool { return e.Metric() == generatorMetric }) {
			r.Without = []string{generatorMetric}
		}
		r.Fill(&r.Snapshot, tt.expect, 0)
		r.Judge()
		if r.Verdict != tt.want || !strings.HasPrefix(strings.Join(r.Sentences, "; "), tt.sentence) {
			t.Errorf("%s: %s %q; want %s %q", tt.name, r.Verdict, r.Sentences, tt.want, tt.sentence)
		}
		if good := tt.want == VerdictPass || tt.want == VerdictRan; r.Verdict.Good() != good {
			t.Errorf("%s: %q is good: %v; want %v", tt.name, r.Verdict, r.Verdict.Good(), good)
		}
	}
}
