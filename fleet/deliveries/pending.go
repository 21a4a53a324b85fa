package deliveries

import (
	"math"

	"homefleet/fleet/metrics"
)

// Pending returns how many deliveries may be on their way still. One that a later one of
// its topic has overtaken is among them: it may be out of order, and not lost. It looks
// at every topic. When so many have come, or what is pending has changed in another way,
// the ledger calls News of its [Config], and Pending is worth asking again. One goroutine
// at a time may ask.
func (l *Ledger) Pending() int64 {
	const all = math.MaxInt64 / 2
	l.awaited.Store(all) // what comes while the topics are looked at is counted, too
	rows := make([]metrics.DeliveryTotals, 3*len(l.groups))
	l.walk(func(int, int) ending { return ending{} }, nil, rows, false)
	n := int64(0)
	for i := range rows {
		n += rows[i].Lost
	}
	if l.awaited.Add(n-all) <= 0 && n > 0 {
		l.news()
	}
	return n
}

// came notes that one more message has come.
func (l *Ledger) came() {
	if l.awaited.Load() > 0 && l.awaited.Add(-1) <= 0 {
		l.news()
	}
}

// lookAgain notes that less may be pending, nobody knows how much.
func (l *Ledger) lookAgain() {
	if l.awaited.Load() > 0 {
		l.news()
	}
}

// news tells who asked what is pending; nobody may want to know.
func (l *Ledger) news() {
	if l.tell != nil {
		l.tell()
	}
}
