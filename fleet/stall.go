package fleet

import (
	"fmt"
	"time"

	"homefleet/fleet/metrics"
)

// A process can be made to stand still: stopped by a signal, with its container,
// or waiting for memory that was swapped out. What comes in meanwhile is read when
// it goes on, and would look late.
const (
	pulse = 250 * time.Millisecond // how often it is looked whether the process goes on
	stall = 500 * time.Millisecond // this much too late, and it stood still
)

// watchPulse looks for stalls until the fleet is stopped.
func (f *Fleet) watchPulse() {
	ticker := time.NewTicker(pulse)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case <-f.stop:
			return
		case <-ticker.C:
		}
		now := time.Now()
		if now.Sub(last) >= pulse+stall {
			f.stoodStill(last, now)
		}
		last = now
	}
}

// stoodStill tells of a stall, and has no broker judged by what came in it: the
// auditor was as good as away.
func (f *Fleet) stoodStill(from, to time.Time) {
	start, end := from.Sub(f.clock.Epoch), to.Sub(f.clock.Epoch)
	text := fmt.Sprintf("homefleet itself stood still for %v", (end - start).Round(100*time.Millisecond))
	f.log.Warn(text + "; times of it are its own fault, not the broker's")
	f.incidents.Events().Add(metrics.Incident{At: metrics.Span(start), To: metrics.Span(end), Text: text})
	if f.auditor != nil {
		f.auditor.StoodStill(start, end)
	}
}
