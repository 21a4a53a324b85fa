package deliveries

import (
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

// What is missing counts as lost while the run lasts once it was given from one
// asking to the next, and something behind it has come; and no longer if it comes
// after all. The ledger itself decides nothing before it is closed.
func TestOverdue(t *testing.T) {
	l, err := New(Config{Devices: 1, Slots: 1, Groups: []Group{{Name: "w", Filters: []string{"#"}, Members: 1, QoS: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	l.Up(0, 0, 1)
	l.Open(0, 0, []byte("tele/a/state"))
	sent, came := uint32(0), func(seqs ...uint32) {
		for _, seq := range seqs {
			l.Received(Message{0, 0, seq}, Arrival{QoS: 1})
		}
	}
	send := func(n int) {
		for range n {
			l.Sent(Message{0, 0, sent}, 1, true)
			sent++
		}
	}
	want := func(when string, lost, outstanding int64) {
		t.Helper()
		got := l.Overdue()[0].DeliveryTotals
		if err := got.Check(); err != nil || got.Lost != lost || got.Outstanding != outstanding {
			t.Errorf("%s there are %+v, %v; want %d lost and %d outstanding", when, got, err, lost, outstanding)
		}
	}
	send(4) // 0 to 3
	came(0, 3)
	want("at first", 0, 2) // 1 and 2 may be on their way
	send(2)                // 4 and 5
	want("with something behind them", 2, 2)
	came(5)
	want("with the next behind them", 3, 0)
	came(1)
	want("when one of them comes after all", 2, 0)
	send(100)
	want("with a hundred on their way", 2, 100)
	want("with nothing behind those", 2, 100)
	if got := l.Deliveries()[0].DeliveryTotals; got.Lost != 0 || got.Outstanding != 102 {
		t.Errorf("the ledger has decided: %+v; want nothing lost yet", got)
	}
	came(105)
	want("with the last of those", 101, 0)
	l.Close(0, true, func(int) time.Duration { return 0 })
	if got, want := l.Deliveries()[0].DeliveryTotals, (metrics.DeliveryTotals{Sent: 106, Delivered: 5, Lost: 101, Reordered: 1}); got != want {
		t.Errorf("in the end there are %+v; want %+v", got, want)
	}
}

// What was sent while nobody watched, or was refused, is not lost then either.
func TestOverdueAccusesNobodyOnAGuess(t *testing.T) {
	l, err := New(Config{Devices: 1, Slots: 1, Groups: []Group{{Name: "w", Filters: []string{"#"}, Members: 1, QoS: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	l.Open(0, 0, []byte("tele/a/state"))
	l.Sent(Message{0, 0, 0}, 1, true) // before anybody is there
	l.Up(0, 0, 1)
	l.Sent(Message{0, 0, 1}, 1, true)
	l.Refused(Message{0, 0, 1})
	l.Sent(Message{0, 0, 2}, 1, false) // in the warm-up, say
	l.Sent(Message{0, 0, 3}, 1, true)
	l.Overdue()
	l.Received(Message{0, 0, 3}, Arrival{QoS: 1})
	got := l.Overdue()[0].DeliveryTotals
	if want := (metrics.DeliveryTotals{Sent: 3, Delivered: 1, Refused: 1, Unwatched: 1}); got != want {
		t.Errorf("there are %+v; want %+v", got, want)
	}
}
