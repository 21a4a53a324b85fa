package load

import (
	"math"
	"sync"
	"time"

	"homefleet/scenarios"
)

// Governor is what the load of a group of controllers is changed with while it is sent. It
// may be used from any goroutine; see [Governors].
type Governor struct {
	group *Group

	mu      sync.Mutex
	now     *pace
	setting Setting
	changes int
	from    time.Duration // when the last change holds
}

// Change is what is to be otherwise with the load of a group; what is nil or 0 stays as it is.
type Change struct {
	Paused *bool
	Rate   float64       // slots of the group a second, from then to the end
	Factor float64       // of the scenario's own rates, which it has in the place of a Rate
	Burst  int           // slots at once
	Every  time.Duration // from burst to burst, counted from then
}

// UnfitChange is that a change does not go with the load of a group.
type UnfitChange struct {
	Key  string // what does not, in the words of a scenario; "": all of it
	What string
	Hint string
}

func (e *UnfitChange) Error() string { return e.What }

// mostChanges bounds how often the load of a group is changed: its plan keeps all of them.
const mostChanges = 1000

// Fits returns an [*UnfitChange] where a change does not go with the group, or nil.
func (v *Governor) Fits(c Change) error {
	g := v.group
	of := "the controllers " + g.Spec.Name + " "
	_, all := g.Spec.Place(0)
	rate := ""
	switch {
	case c.Rate > 0:
		rate = "rate"
	case c.Factor > 0:
		rate = "factor"
	}
	burst := ""
	switch {
	case c.Burst > 0:
		burst = "burst"
	case c.Every > 0:
		burst = "every"
	}
	switch {
	case g.closed() && rate+burst != "":
		key := rate
		if key == "" {
			key = burst
		}
		return &UnfitChange{key, of + "wait for answers, so that their load has no " + key + "; want paused", "think and in_flight of the scenario say how fast they can go at most"}
	case g.Spec.Arrival == scenarios.Bursts && rate != "":
		return &UnfitChange{rate, of + "send bursts, which have no " + rate + "; want burst or every", ""}
	case g.Spec.Arrival != scenarios.Bursts && burst != "":
		return &UnfitChange{burst, of + "send no bursts, which alone have " + burst + "; want rate or factor", ""}
	case rate == "rate" && all != g.Spec.Count:
		return &UnfitChange{rate, of + "are a part of a group of which other shards have the rest, and rate is of all of them; want factor", "ask every shard for the same"}
	case burst == "burst" && all != g.Spec.Count:
		return &UnfitChange{burst, of + "are a part of a group of which other shards have the rest, and burst is of all of them; want every", "ask every shard for the same"}
	}
	return nil
}

// change makes a change from a moment on, counted from the start of measuring: slots that
// are planned before it keep their moments. It reports whether anything is otherwise
// then. The moment is to be so far ahead that all controllers hear of it in time; one that
// does not has sent what was planned so far, and goes on from there. The error is an
// [*UnfitChange].
func (v *Governor) change(from time.Duration, c Change) (bool, error) {
	if err := v.Fits(c); err != nil {
		return false, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.setting
	if c.Paused != nil {
		s.Paused = *c.Paused
	}
	if c.Rate > 0 {
		s.Rate, s.Factor = c.Rate, 1
	}
	if c.Factor > 0 {
		s.Rate, s.Factor = 0, c.Factor
	}
	if c.Burst > 0 && c.Burst != s.bursts(v.group.Spec) {
		s.Burst = c.Burst
	}
	if c.Every > 0 && c.Every != s.every(v.group.Spec) {
		s.Every, s.Anchor = c.Every, max(from, v.group.pace.begin)
	}
	if s == v.setting {
		return false, nil
	}
	if v.changes == mostChanges {
		return false, &UnfitChange{"", "the load of " + v.group.Spec.Name + " was changed 1,000 times, which is the most", ""}
	}
	v.changes++
	v.from = from
	v.setting, v.now = s, v.now.changed(from, v.group.pace, s)
	next := v.now
	for _, r := range v.group.requesters {
		r.Tell(func() { r.follow(next, from) }) // one that has ended sends nothing any more
	}
	return true, nil
}

func (s *Setting) bursts(of *scenarios.Controllers) int {
	if s.Burst > 0 {
		return s.Burst
	}
	return of.Burst
}

func (s *Setting) every(of *scenarios.Controllers) time.Duration {
	if s.Every > 0 {
		return s.Every
	}
	return of.Every
}

// follow has the controller keep to a pace that differs from a moment on from what it has
// kept to so far.
func (r *Controller) follow(p *pace, from time.Duration) {
	r.slots.pace = p
	r.ledger.Remember(r.Group.keep(p))
	if r.zero.IsZero() || r.ended {
		return
	}
	if q := r.queue; q != nil {
		q.stream.pace = p
		if !q.more || q.slot.Planned >= from {
			q.slot, q.more = q.stream.last()
		}
	}
	if !r.Group.closed() && (!r.more || r.slot.Planned >= from) {
		r.slot, r.more = r.slots.last()
	}
	r.reschedule()
}

// State is what the load of a group is now.
type State struct {
	Group       string
	Controllers int
	Arrival     scenarios.Arrival
	Text        string // the scenario's own load, in words
	Setting     Setting
	Rate        float64       // slots a second that are planned for now; 0: it is closed, or sends bursts
	Burst       int           // slots at once; 0: it sends no bursts
	Every       time.Duration // from burst to burst; likewise
}

// state returns what the load is at a moment, counted from the start of measuring, or when the
// last change holds.
func (v *Governor) state(at time.Duration) State {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.group.Spec
	out := State{Group: c.Name, Controllers: c.Count, Arrival: c.Arrival, Text: c.ArrivalText() + c.PartText(), Setting: v.setting, Rate: v.now.rate(max(at, v.from))}
	if c.Arrival == scenarios.Bursts {
		out.Burst, out.Every = v.setting.bursts(c), v.setting.every(c)
	}
	return out
}

// rate returns how many slots a second are planned for a moment; bursts have none.
func (p *pace) rate(at time.Duration) float64 {
	begin := p.begin
	for _, l := range p.legs {
		if at < begin+l.length && l.burst == 0 {
			into := max(at-begin, 0).Seconds() / l.length.Seconds()
			return math.Round((l.from+(l.to-l.from)*into)*1e6) / 1e6
		}
		begin += l.length
	}
	return 0
}
