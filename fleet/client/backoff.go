package client

import "time"

// BackoffPolicy says how long a session waits before it connects again.
type BackoffPolicy struct {
	Naive    bool
	Min, Max time.Duration
	Reset    time.Duration // connected this long, the back-off starts anew
}

// wait returns how long a session waits before its next try after failures in
// a row (1 for the first). Full jitter is uniform in [0, min(max, min*2^(n-1)));
// Naive is always the minimum. draw is a number in [0, 1).
func (t *BackoffPolicy) wait(failures int, draw float64) time.Duration {
	if t.Naive {
		return t.Min
	}
	ceiling := t.Max
	if shift := failures - 1; shift < 62 && t.Min <= t.Max>>shift {
		ceiling = t.Min << shift
	}
	return time.Duration(draw * float64(ceiling))
}
