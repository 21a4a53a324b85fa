package fleet

import "time"

// backoffPolicy says how long a session waits before it connects again.
type backoffPolicy struct {
	naive    bool
	min, max time.Duration
	reset    time.Duration // connected this long, the back-off starts anew
}

// wait returns how long a session waits before its next try after failures in
// a row (1 for the first). Full jitter is uniform in [0, min(max, min*2^(n-1)));
// naive is always the minimum. draw is a number in [0, 1).
func (t *backoffPolicy) wait(failures int, draw float64) time.Duration {
	if t.naive {
		return t.min
	}
	ceiling := t.max
	if shift := failures - 1; shift < 62 && t.min <= t.max>>shift {
		ceiling = t.min << shift
	}
	return time.Duration(draw * float64(ceiling))
}
