package scenarios

import "time"

// backoff is how long devices wait before they connect again.
type backoff struct {
	kind     BackoffKind
	min, max time.Duration
}

// inheritBackoff takes over from [connect] what the group does not say itself.
// What was taken over before follows [connect] when that has been changed.
func (g *Group) inheritBackoff(c *Connect) {
	inherit(&g.Backoff, &g.inherited.kind, c.Backoff)
	inherit(&g.BackoffMin, &g.inherited.min, c.BackoffMin)
	inherit(&g.BackoffMax, &g.inherited.max, max(c.BackoffMax, g.BackoffMin))
}

func inherit[T comparable](own, inherited *T, from T) {
	var zero T
	if *own == zero || *own == *inherited {
		*own, *inherited = from, from
	}
}

// backoffSpan is a time that devices wait.
func backoffSpan() number[int64] {
	f := span(1, 0)
	f.why = ": a fleet that never waits is a flood"
	return f
}
