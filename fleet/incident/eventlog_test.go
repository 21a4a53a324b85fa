package incident

import (
	"testing"

	"homefleet/fleet/metrics"
)

// The time line has so many incidents, and says how many more there were.
func TestEventLogIsBounded(t *testing.T) {
	var l EventLog
	for i := range MostEvents + 7 {
		l.Add(metrics.Incident{At: metrics.Span(i), To: metrics.Span(i + 1), Text: "x"})
	}
	if n := len(l.All(0)); n != MostEvents || l.LeftOut() != 7 {
		t.Errorf("%d incidents and %d left out; want %d and 7", n, l.LeftOut(), MostEvents)
	}
	if first := l.All(3)[0]; first.At != -3 || first.To != -2 {
		t.Errorf("All(3) begins with one from %d to %d; want -3 and -2", first.At, first.To)
	}
}
