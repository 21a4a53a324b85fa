package metrics

import (
	"testing"
	"time"
)

// Each look has the percentiles of what came since the last, those without answer being
// slower than every answer.
func TestLately(t *testing.T) {
	var l Lately
	h := new(Histogram)
	if got := l.Look(nil); got != (Recent{}) {
		t.Errorf("of no histogram %+v; want nothing", got)
	}
	add := func(n int, d time.Duration) {
		for range n {
			h.Record(d)
		}
	}
	look := func(what string, total, unanswered int64, p50, p99, most time.Duration) {
		t.Helper()
		got := l.Look(h)
		if got.Total != total || got.Unanswered != unanswered {
			t.Errorf("%s: %d, %d unanswered; want %d, %d", what, got.Total, got.Unanswered, total, unanswered)
		}
		for i, d := range []time.Duration{got.P50, got.P99, got.Max} {
			want := []time.Duration{p50, p99, most}[i]
			if want == NoAnswer && d != want || d < want || want != NoAnswer && d > want+want/500 {
				t.Errorf("%s: percentile %d is %v; want %v", what, i, d, want)
			}
		}
	}
	add(100, 2*time.Millisecond)
	look("the first", 100, 0, 2*time.Millisecond, 2*time.Millisecond, 2*time.Millisecond)
	look("nothing new", 0, 0, 0, 0, 0)
	add(98, 10*time.Millisecond)
	add(2, time.Second)
	look("slower", 100, 0, 10*time.Millisecond, time.Second, time.Second)
	add(3, time.Millisecond)
	h.RecordUnanswered(1, time.Second)
	look("one without answer", 4, 1, time.Millisecond, NoAnswer, NoAnswer)
}
