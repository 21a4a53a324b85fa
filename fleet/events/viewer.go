package events

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The errors of [Hub.View].
var (
	ErrTooMany = errors.New("as many as may look on do already")
	ErrClosed  = errors.New("the run is over")
)

// Viewer hears of what it is interested in. It belongs to one goroutine.
type Viewer struct {
	hub      *Hub
	of       *interest
	own      bool
	news     chan struct{} // holds a token when there is something to take
	notShown int64         // of its interest, told of already

	// What follows is guarded by the hub's lock.

	cursor   uint64 // it has taken, or missed, events up to this one
	attached uint64 // up to this one it goes by its interest, whoever they were for
	missed   int    // events that went before it took them
	gap      Gap
}

// Gap is what a viewer has missed.
type Gap struct {
	Events  int  // that it was too slow for
	AtMost  int  // likewise, of all that happened, while it was not there: of these some may not be of its interest
	Unknown bool // it was there in another run, and nobody knows
}

// None reports whether nothing was missed.
func (g Gap) None() bool { return g == Gap{} }

// View adds a viewer. after names the last event that it has had, and is "" for one that
// wants none of those that were. at is the present moment. own says that it is the process itself
// that looks on, which has its own places. The errors are [ErrTooMany] and [ErrClosed].
func (h *Hub) View(in Interest, after string, at time.Duration, own bool) (*Viewer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	h.forgetParted(at)
	there, most := 0, MostViewers
	if own {
		most = mostOwn
	}
	for _, v := range h.viewers {
		if v.own == own {
			there++
		}
	}
	if there >= most {
		return nil, ErrTooMany
	}
	v := &Viewer{hub: h, own: own, news: make(chan struct{}, 1), cursor: h.last, attached: h.last}
	v.of = h.interestOf(in)
	v.of.viewers++
	v.notShown = v.of.notShown.Load()
	if after != "" {
		v.resume(after)
	}
	h.viewers = append(h.viewers, v)
	return v, nil
}

// resume has a viewer take up behind an event.
func (v *Viewer) resume(after string) {
	h := v.hub
	epoch, text, _ := strings.Cut(after, ".")
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || epoch != h.epoch || id > h.last {
		v.gap.Unknown = true
		v.wake()
		return
	}
	v.cursor = id
	oldest := h.last + 1
	if len(h.ring) > 0 {
		oldest = h.ring[0].ID
	}
	if oldest > id+1 {
		v.gap.AtMost, v.cursor = int(oldest-id-1), oldest-1
	}
	v.wake()
}

// Behind is the number of the event behind which the viewer begins, for who comes again
// before there was another.
func (v *Viewer) Behind() uint64 {
	v.hub.mu.Lock()
	defer v.hub.mu.Unlock()
	return v.cursor
}

// Wake has News have a token.
func (v *Viewer) Wake() { v.wake() }

// wake tells the viewer that there is something to take.
func (v *Viewer) wake() {
	select {
	case v.news <- struct{}{}:
	default: // it knows
	}
}

// has reports whether an event is for the viewer.
func (v *Viewer) has(e *Event) bool {
	if e.ID <= v.attached {
		return v.of.wants(e.Type, e.Device)
	}
	return e.wanted&v.of.bit != 0
}

// News returns a channel that holds a token when there is something to take.
func (v *Viewer) News() <-chan struct{} { return v.news }

// Take returns the next events, at most so many, what was missed before the first of them,
// and whether there are more. over is that there will be none any more.
func (v *Viewer) Take(most int) (all []Event, gap Gap, more, over bool) {
	h := v.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	gap = v.gap
	gap.Events += v.missed
	v.gap, v.missed = Gap{}, 0
	from, _ := slices.BinarySearchFunc(h.ring, v.cursor+1, func(e Event, id uint64) int {
		switch {
		case e.ID < id:
			return -1
		case e.ID > id:
			return 1
		}
		return 0
	})
	for i := from; i < len(h.ring); i++ {
		e := &h.ring[i]
		if v.has(e) {
			if len(all) == most {
				v.wake()
				return all, gap, true, false
			}
			all = append(all, *e)
		}
		v.cursor = e.ID
	}
	return all, gap, false, h.closed
}

// NotShown returns how many exchanges were left out of what the viewer gets, since they
// were too many, and that it was not told of yet.
func (v *Viewer) NotShown() int {
	now := v.of.notShown.Load()
	n := now - v.notShown
	v.notShown = now
	return int(n)
}

// Close ends the viewer. at is the present moment.
func (v *Viewer) Close(at time.Duration) {
	h := v.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.viewers, v); i >= 0 {
		h.viewers = slices.Delete(h.viewers, i, i+1)
		h.part(v.of, at)
	}
}
