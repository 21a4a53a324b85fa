package load

import (
	"fmt"
	"time"

	"homefleet/fleet/metrics"
)

// Settle ends the ledger of a controller whose session has ended, so that each request
// has one outcome, and checks its sums. now and measured count from the start of
// measuring; interrupted says that the run did not come to its planned end.
func (r *Controller) Settle(now, measured time.Duration, interrupted bool) error {
	if !r.Group.closed() {
		r.leftover(min(now, measured))
	}
	if interrupted {
		r.ledger.Interrupt(now)
	} else {
		r.ledger.Close(now)
	}
	if err := r.ledger.Check(); err != nil {
		return fmt.Errorf("%s: %w", r.Name(), err)
	}
	return nil
}

// Totals are those of the requests of the measuring so far.
func (r *Controller) Totals() metrics.Totals { return r.ledger.Totals() }

// WarmUp is what became of the requests before the measuring. It may be called when
// the session has ended.
func (r *Controller) WarmUp() metrics.Totals { return r.ledger.WarmUp() }
