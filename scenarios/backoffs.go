package scenarios

import (
	"time"

	"homefleet/scenarios/tomlfault"
)

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

// readBackoffs reads the back-offs of device groups, when that of [connect] is
// known.
func readBackoffs(r *reader) {
	for i, t := range r.groups {
		g := &r.s.Groups[i]
		readBackoffKind(t, &g.Backoff)
		for _, f := range []struct {
			key string
			dst *time.Duration
		}{{"backoff_min", &g.BackoffMin}, {"backoff_max", &g.BackoffMax}} {
			if t.Duration(f.key, f.dst) && *f.dst == 0 {
				t.Errorf(f.key, "", "%s is 0s; want more than 0: a fleet that never waits is a flood", f.key)
			}
		}
		g.inheritBackoff(&r.s.Connect)
	}
}

func readBackoffKind(t *tomlfault.Table, dst *BackoffKind) {
	t.Choice("backoff", []string{string(FullJitter), string(Naive)}, (*string)(dst))
}

// checkBackoffs checks what device groups do not share with [connect].
func checkBackoffs(c *checker) {
	for i := range c.s.Groups {
		g := &c.s.Groups[i]
		b := backoff{g.Backoff, g.BackoffMin, g.BackoffMax}
		checkBackoff(c.rules(groupPath(i)), b, b.kind != g.inherited.kind, b.min != g.inherited.min, b.max != g.inherited.max)
	}
}

// checkBackoff checks those parts of a back-off that are a table's own.
func checkBackoff(r rules, b backoff, kind, least, most bool) {
	if kind && b.kind != FullJitter && b.kind != Naive {
		r.errorf("backoff", "", "there is no %q; want %q or %q", b.kind, FullJitter, Naive)
	}
	if least && b.min <= 0 {
		r.errorf("backoff_min", "", "backoff_min is %s; want more than 0: a fleet that never waits is a flood", tomlfault.FormatDuration(b.min))
	}
	if b.max < b.min && (least || most) && r.ok("backoff_min", "backoff_max") {
		r.errorf("backoff_max", "", "backoff_max is %s; want at least backoff_min, %s", tomlfault.FormatDuration(b.max), tomlfault.FormatDuration(b.min))
	}
}
