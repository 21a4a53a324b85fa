package metrics

import (
	"fmt"
	"time"
)

// Close ends the ledger: what is outstanding is lost. Answers that come later
// are unknown.
func (l *Ledger) Close(now time.Duration) { l.end(now, ended) }

// Interrupt is Close for a run that was stopped before its end: what is outstanding
// and has not run into its time-out is interrupted, since nobody knows what would have
// become of it.
func (l *Ledger) Interrupt(now time.Duration) { l.end(now, stopped) }

func (l *Ledger) end(now time.Duration, why occasion) {
	if l.told != nil {
		what := toldClosed
		if why == stopped {
			what = toldInterrupted
		}
		l.told(LedgerFact{What: what, At: max(now, l.now)})
	}
	l.expire(now)
	for l.tail != l.head {
		l.letGo(why)
	}
	l.ring, l.gave, l.parts, l.heard = nil, nil, nil, nil
}

// Outstanding returns how many requests are open, the warm-up's included.
func (l *Ledger) Outstanding() int {
	return int(l.measured.Outstanding + l.warmUp.Outstanding)
}

// Totals returns what was measured so far.
func (l *Ledger) Totals() Totals { return l.measured.Clone() }

// WarmUp returns what was counted of the warm-up.
func (l *Ledger) WarmUp() Totals { return l.warmUp.Clone() }

// Check returns an error if a sum does not hold. It looks at every request the
// ledger holds.
func (l *Ledger) Check() error {
	var held int64
	for seq := l.tail; seq != l.head; seq++ {
		if l.at(seq).isOpen() {
			held++
		}
	}
	if n := l.measured.Outstanding + l.warmUp.Outstanding; n != held {
		return fmt.Errorf("the ledger of controller %d counts %d outstanding requests and holds %d", l.controller, n, held)
	}
	if sent := l.measured.Sent + l.warmUp.Sent; uint64(sent) != l.head {
		return fmt.Errorf("the ledger of controller %d counts %d sent requests and gave out %d ids", l.controller, sent, l.head)
	}
	if err := l.measured.Check(); err != nil {
		return fmt.Errorf("the ledger of controller %d: %w", l.controller, err)
	}
	if err := l.warmUp.Check(); err != nil {
		return fmt.Errorf("the ledger of controller %d, warm-up: %w", l.controller, err)
	}
	return nil
}
