package fleet

import "time"

// signal wakes the one goroutine that waits for the fleet to get somewhere: somebody
// is up, or back, or done. It says that something is new and not what, so that
// whoever tells never waits; nil is told in vain.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

// tell wakes who waits, or who will wait next.
func (n signal) tell() {
	select {
	case n <- struct{}{}:
	default:
	}
}

// await waits for news, at most until a time. It is false when the fleet is stopped
// first.
func (f *Fleet) await(until time.Time) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-f.stop:
		return false
	case <-f.news:
	case <-timer.C:
	}
	return true
}
