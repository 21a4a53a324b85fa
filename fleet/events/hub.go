package events

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// What a hub holds at most.
const (
	MostViewers = 8
	MostEvents  = 4096    // that are kept
	MostBytes   = 4 << 20 // of what they say
	mostOwn     = 4       // viewers of the process itself, beside those
	mostParted  = 8       // interests without a viewer
)

// Patience is how long events go on being kept for a viewer that has gone.
const Patience = time.Minute

// Hub takes events and hands them out. Its methods may be called from any goroutine, and
// on a nil one, of which nobody hears anything.
type Hub struct {
	wanted atomic.Pointer[[]*interest] // copied on write; nil: nobody looks on

	mu      sync.Mutex
	epoch   string // tells its events from those of another run
	ring    []Event
	bytes   int
	last    uint64 // id
	viewers []*Viewer
	slow    int // viewers that were sent away
	closed  bool
}

// New returns a hub without events. epoch is a word that tells its events from those of
// another run; it has letters, digits and dashes.
func New(epoch string) *Hub { return &Hub{epoch: epoch} }

// Follows reports whether anybody wants to hear of commands to a device. It is what a
// publisher asks before it goes to any trouble.
func (h *Hub) Follows(device int) bool {
	return h.any(Set(Exchange, Refusal), device)
}

// Wants reports whether anybody wants events of a type about a device.
func (h *Hub) Wants(t Type, device int) bool { return h.any(Set(t), device) }

func (h *Hub) any(types Types, device int) bool {
	if h == nil {
		return false
	}
	all := h.wanted.Load()
	if all == nil {
		return false
	}
	for _, i := range *all {
		if i.Types&types != 0 && (device < 0 || i.Devices.Has(device)) {
			return true
		}
	}
	return false
}

// Wanted returns what anybody wants to hear of, of any device.
func (h *Hub) Wanted() (types Types) {
	if h == nil {
		return 0
	}
	if all := h.wanted.Load(); all != nil {
		for _, i := range *all {
			types |= i.Types
		}
	}
	return types
}

// Publish hands out an event, of which body is a copy. It does not wait for viewers.
func (h *Hub) Publish(t Type, device int, at time.Duration, body []byte) {
	if h == nil {
		return
	}
	all := h.wanted.Load()
	if all == nil {
		return
	}
	var mask uint32
	for _, i := range *all {
		if i.wants(t, device) && (t > Refusal || i.admits(at)) {
			mask |= i.bit
		}
	}
	if mask == 0 {
		return
	}
	e := Event{Type: t, Device: device, At: at, Body: slices.Clone(body), wanted: mask}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.last++
	e.ID = h.last
	for len(h.ring) > 0 && (len(h.ring) == MostEvents || h.bytes+len(e.Body) > MostBytes) {
		h.evict()
	}
	h.ring = append(h.ring, e)
	h.bytes += len(e.Body)
	for _, v := range h.viewers {
		if mask&v.of.bit != 0 {
			v.wake()
		}
	}
	h.forgetParted(at)
}

// evict drops the oldest event, which is missed by those who have not taken it.
func (h *Hub) evict() {
	e := &h.ring[0]
	for _, v := range h.viewers {
		if e.ID > v.cursor && v.has(e) {
			v.missed++
		}
	}
	h.bytes -= len(e.Body)
	*e = Event{}
	h.ring = h.ring[1:]
}

// forgetParted drops interests whose viewers have not come back.
func (h *Hub) forgetParted(at time.Duration) {
	h.drop(func(i *interest) bool { return i.viewers == 0 && at > i.until })
}

// drop takes interests away.
func (h *Hub) drop(which func(*interest) bool) {
	old := h.wanted.Load()
	if old == nil || !slices.ContainsFunc(*old, which) {
		return
	}
	if all := slices.DeleteFunc(slices.Clone(*old), which); len(all) > 0 {
		h.wanted.Store(&all)
	} else {
		h.wanted.Store(nil)
	}
}

// interestOf returns the interest of a new viewer. The lock is held.
func (h *Hub) interestOf(in Interest) *interest {
	var all []*interest
	if old := h.wanted.Load(); old != nil {
		all = slices.Clone(*old)
	}
	var bits uint32
	for _, i := range all {
		if in.Key != "" && i.Key == in.Key {
			return i
		}
		bits |= i.bit
	}
	one := &interest{Interest: in, bit: ^bits & (bits + 1)}
	all = append(all, one)
	h.wanted.Store(&all)
	return one
}

// part notes that a viewer has gone: its interest stays for a while, for it to come back.
// The lock is held.
func (h *Hub) part(i *interest, at time.Duration) {
	if i.viewers--; i.viewers > 0 {
		return
	}
	i.until = at + Patience
	if i.Key == "" {
		h.drop(func(one *interest) bool { return one == i })
		return
	}
	parted := 0
	var oldest *interest
	for _, one := range *h.wanted.Load() {
		if one.viewers == 0 {
			if parted++; oldest == nil || one.until < oldest.until {
				oldest = one
			}
		}
	}
	if parted > mostParted {
		h.drop(func(one *interest) bool { return one == oldest })
	}
}

// State says who looks on.
type State struct {
	Viewers int // now
	Slow    int // that were sent away because they took nothing
	Kept    int // events
}

// State returns who looks on.
func (h *Hub) State() State {
	if h == nil {
		return State{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := State{Slow: h.slow, Kept: len(h.ring)}
	for _, v := range h.viewers {
		if !v.own {
			s.Viewers++
		}
	}
	return s
}

// SentAway counts a viewer that was sent away because it took nothing.
func (h *Hub) SentAway() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slow++
}

// Close ends all viewers, once they have taken what there is for them. Nothing is
// published any more.
func (h *Hub) Close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, v := range h.viewers {
		v.wake()
	}
}

// Name is an event's id as viewers name it.
func (h *Hub) Name(id uint64) string { return h.epoch + "." + strconv.FormatUint(id, 10) }
