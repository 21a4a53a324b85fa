package incident

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// Happening is one time that an incident happens, for whoever watches the run. Moments are
// on the clock of the run.
type Happening struct {
	Number   int // of the run's, from 1; it is the [client.Cause] that devices know
	Name     string
	Kind     scenarios.IncidentKind
	From, To time.Duration
	Over     time.Duration // when the last device of a Spread is let go
	Devices  int           // whom it befalls; 0 before it begins
	Text     string        // in a sentence; "" before it begins
	ByHand   bool          // somebody asked for it; it is not of the scenario
	Ended    bool          // somebody ended it early

	in    *Happenings
	event int // its place in the event log
}

// Happenings are those of a run: the last [MostEvents] of them. It may be used from any
// goroutine; the zero value is empty.
type Happenings struct {
	mu    sync.Mutex
	count int
	last  []*Happening
}

// All returns them in the order of their numbers.
func (h *Happenings) All() []Happening {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Happening, len(h.last))
	for i, one := range h.last {
		all[i] = *one
	}
	return all
}

// Find returns the one with a number.
func (h *Happenings) Find(number int) (Happening, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.last {
		if one.Number == number {
			return *one, true
		}
	}
	return Happening{}, false
}

func (h *Happenings) copyOf(one *Happening) Happening {
	h.mu.Lock()
	defer h.mu.Unlock()
	return *one
}

// plan enters one that is about to happen, or will.
func (h *Happenings) plan(s *Scheduler, sc *scenarios.Scenario, of scenarios.Occurrence, byHand bool) *Happening {
	in := &sc.Incidents[of.Incident]
	from, to := s.onClock(s.zero.Add(of.From)), s.onClock(s.zero.Add(of.To))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	one := &Happening{Number: h.count, Name: in.Name, Kind: in.Kind, From: from, To: to, Over: to + in.Spread, ByHand: byHand, in: h, event: -1}
	if len(h.last) == MostEvents {
		h.last = slices.Delete(h.last, 0, 1)
	}
	h.last = append(h.last, one)
	return one
}

// begun notes whom it befalls.
func (h *Happenings) begun(one *Happening, devices int, text string, event int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one.Devices, one.Text, one.event = devices, text, event
}

func (one *Happening) isEnded() bool {
	one.in.mu.Lock()
	defer one.in.mu.Unlock()
	return one.Ended
}

// The errors of [Scheduler.End].
var (
	ErrNoIncident = errors.New("there is no incident with that number")
	ErrOver       = errors.New("the incident is over")
)

// End ends an incident before its time: what it has not done to devices yet it does not
// do, and all are let go now; one that has not begun never does. It may be called from any
// goroutine. The errors are [ErrNoIncident], [ErrOver], and those of Strike.
func (s *Scheduler) End(ctx context.Context, number int) (Happening, error) {
	var entry *Happening
	var fault error
	err := s.order(ctx, func() {
		h, now := &s.happenings, s.now()
		h.mu.Lock()
		if i := slices.IndexFunc(h.last, func(one *Happening) bool { return one.Number == number }); i >= 0 {
			entry = h.last[i]
		}
		switch {
		case entry == nil:
			fault = ErrNoIncident
		case entry.Ended || entry.Over <= now:
			fault = ErrOver
		default:
			entry.Ended = true
			entry.From, entry.To, entry.Over = min(entry.From, now), min(entry.To, now), min(entry.Over, now)
		}
		h.mu.Unlock()
		if o := s.underWay[number]; fault == nil && o != nil {
			o.end(now)
		}
	})
	if err = errors.Join(err, fault); err != nil {
		return Happening{}, err
	}
	return s.happenings.copyOf(entry), nil
}

// end lets all devices go.
func (o *occurrence) end(now time.Duration) {
	s := o.s
	close(o.ended)
	for _, rec := range o.recoveries {
		rec.endNow(now)
	}
	s.events.EndAt(o.entry.event, now)
	var due steps
	s.steps = slices.DeleteFunc(s.steps, func(st step) bool {
		if st.of == o && !st.strikes {
			due = append(due, st)
		}
		return st.of == o
	})
	heap.Init(&s.steps)
	heap.Init(&due)
	for len(due) > 0 {
		heap.Pop(&due).(step).do()
	}
}

// Recovered returns how devices came back from one, as far as it is known by now; none
// where nobody follows that.
func (s *Scheduler) Recovered(one *Happening) (all []metrics.Recovery) {
	of, _ := s.recoveries.All(0, s.now())
	for i := range of {
		if of[i].Incident == one.Name && time.Duration(of[i].At) == one.From {
			all = append(all, of[i])
		}
	}
	return all
}
