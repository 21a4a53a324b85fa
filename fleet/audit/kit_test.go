package audit

import (
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

const sec = time.Second

// slack of the tests: whole figures, so that a table can be read.
var slack = metrics.Slack{Broker: "the tests", Early: metrics.Span(200 * time.Millisecond), Late: metrics.Span(sec), Silence: metrics.Span(5 * sec)}

// at is a moment, in seconds.
func at(s float64) time.Duration { return time.Duration(s * float64(sec)) }

func watched(ways ...string) *Audit {
	a := New(Config{Slack: slack, Ways: ways})
	a.Watching(0, true)
	return a
}

// want holds the counts that a case expects; those of sums follow.
type want struct {
	notDue, onTime, early, late, missing, duplicate, unexpected, altered, consumed, learned int64
	auditorAway, runEnded, brokerGone, blind, maybe                                         int64 // not due: unwatched; or it may have been
}

func (w want) totals() metrics.WillTotals {
	unwatched := w.auditorAway + w.runEnded + w.brokerGone
	due := w.onTime + w.early + w.late + w.missing + unwatched
	return metrics.WillTotals{
		Outages: due + w.notDue, Due: due, NotDue: w.notDue,
		OnTime: w.onTime, Early: w.early, Late: w.late, Missing: w.missing, Unwatched: unwatched,
		Messages:  w.onTime + w.early + w.late + w.duplicate + w.unexpected,
		Duplicate: w.duplicate, Unexpected: w.unexpected, Altered: w.altered,
		Consumed: w.consumed, Learned: w.learned,
		AuditorAway: w.auditorAway, RunEnded: w.runEnded, BrokerGone: w.brokerGone, NotDueUnwatched: w.blind, MaybeDue: w.maybe,
	}
}

func check(t *testing.T, name string, got metrics.Audit) {
	t.Helper()
	if err := got.Check(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
