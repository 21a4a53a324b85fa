package metrics

import (
	"testing"
	"time"
)

// What somebody paused is in the sums, and in no share and no percentile: a pause is
// neither the broker's fault nor the generator's. Where all was paused there is nothing to
// judge.
func TestPaused(t *testing.T) {
	rec := NewRecorder(RecorderConfig{})
	l, err := NewLedger(LedgerConfig{Timeout: time.Second, Late: time.Second, Recorder: rec, Capacity: 100, Keep: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		l.NotSent(Request{Planned: time.Duration(i) * time.Millisecond}, Paused)
	}
	expect := func(metric, want string) Expected {
		e, faults := ParseExpectation(metric, want, nil)
		if faults != nil {
			t.Fatal(faults[0])
		}
		return e.Evaluate(rec.Snapshot(time.Second))
	}
	for _, metric := range []string{"requests.not_sent", "requests.failed", "requests.sent", "generator.late"} {
		if x := expect(metric, ">= 0%"); x.Status != NoData {
			t.Errorf("with everything paused %s is judged: %s", metric, x.Sentence)
		}
	}
	for i := range 10 {
		id, _ := l.Send(Request{Planned: time.Duration(8+i) * time.Millisecond, Sent: time.Duration(8+i) * time.Millisecond})
		l.Answer(time.Duration(9+i)*time.Millisecond, Answer{Correlation: id.Append(nil, IDSize)})
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	got := rec.Snapshot(time.Second)
	if want := "planned 18 sent 10 answered 10 answers 10 unchecked 10 paused 8"; figuresOf(&got.Totals) != want {
		t.Errorf("the ledger has %s; want %s", figuresOf(&got.Totals), want)
	}
	for _, x := range []Expected{
		expect("requests.not_sent", "== 0%"), expect("requests.failed", "== 0"), expect("requests.sent", "== 100%"), expect("requests.paused", "== 8"),
		expect("response.p90", "< 2ms"), expect("requests.planned", "== 18"), expect("generator.late", "== 0%"),
	} {
		if x.Status != Pass {
			t.Errorf("%s is %s: %s; want a pass", x.Metric, x.Status, x.Sentence)
		}
	}
	res := Result{Snapshot: *got}
	if err := res.Check(); err != nil {
		t.Error(err)
	}
}
