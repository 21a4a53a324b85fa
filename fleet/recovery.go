package fleet

import (
	"slices"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// recovery follows the devices that one occurrence of an incident struck until
// they are back: connected, subscribed and answering. It may be told from any
// goroutine.
type recovery struct {
	incident, group string
	from, to        time.Duration // on the fleet's clock
	over            time.Duration // when the last device is let go
	unasked         bool          // nobody asks the devices whether they answer

	// late is a device's own moment of the Spread.
	late func(*responder) time.Duration

	news signal // told when a device is back, or will not be

	mu        sync.Mutex
	unread    int // tasks that tell devices of it
	affected  int
	overlap   int             // of these, another incident struck before they were back
	online    []time.Duration // since the end, in the order in which they came
	answering []time.Duration
	never     int // of the affected were refused for good before they were online
	mute      int // or before they answered
	attempts  int64
	refused   map[string]int64
	tries     []int64 // attempts in each interval since the end
}

// herdInterval is the first length of an interval of a herd; it doubles when
// there would be more than mostHerd of them.
const (
	herdInterval = 250 * time.Millisecond
	mostHerd     = metrics.HerdIntervals
	mostTries    = 4 * mostHerd
)

// letsGo is when a device is let go, on the fleet's clock: each at its own moment
// of the Spread.
func (r *recovery) letsGo(d *responder) time.Duration { return r.to + r.late(d) }

// struck counts a device, overlaps that another incident struck it as well, before
// it was back.
func (r *recovery) struck() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.affected++
}

func (r *recovery) overlaps() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.overlap++
}

// told notes that a device has been left word that it is struck, heard that it
// has read that: before all have, nobody knows how many there are.
func (r *recovery) told() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unread++
}

func (r *recovery) heard() {
	defer r.news.tell()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unread--
}

// attempt counts a try to connect.
func (r *recovery) attempt(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts++
	if now < r.to {
		return
	}
	i := min(int((now-r.to)/herdInterval), mostTries-1)
	for len(r.tries) <= i {
		r.tries = append(r.tries, 0)
	}
	r.tries[i]++
}

// failed counts why a try came to nothing.
func (r *recovery) failed(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused == nil {
		r.refused = make(map[string]int64)
	}
	r.refused[why]++
}

// isOnline and isAnswering note that a device is that far.
func (r *recovery) isOnline(now time.Duration) {
	defer r.news.tell()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.online = append(r.online, max(now-r.to, 0))
}

func (r *recovery) isAnswering(now time.Duration) {
	defer r.news.tell()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answering = append(r.answering, max(now-r.to, 0))
}

// isLost notes that a device which was not online yet never will be, and that one
// never will answer isMute: the broker has refused it for good.
func (r *recovery) isLost() {
	defer r.news.tell()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.never++
}

func (r *recovery) isMute() {
	defer r.news.tell()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mute++
}

// complete reports whether all devices are back that can be.
func (r *recovery) complete() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unread == 0 && (len(r.answering)+r.mute >= r.affected || r.unasked && len(r.online)+r.never >= r.affected)
}

// result returns what there is to report, on the fleet's clock.
func (r *recovery) result() metrics.Recovery {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := metrics.Recovery{
		Incident: r.incident, Group: r.group,
		At: metrics.Span(r.from), To: metrics.Span(r.to),
		Affected: int64(r.affected), Overlap: int64(r.overlap),
		Online: timesOf(r.online, r.affected), Attempts: r.attempts,
	}
	if !r.unasked {
		out.Answering = new(timesOf(r.answering, r.affected))
	}
	for why, n := range r.refused {
		if out.Refused == nil {
			out.Refused = make(map[string]int64, len(r.refused))
		}
		out.Refused[why] = n
	}
	out.Herd = r.herd()
	return out
}

// timesOf says when a half, 99 % and all of the devices were there.
func timesOf(seen []time.Duration, all int) metrics.Times {
	sorted := slices.Clone(seen)
	slices.Sort(sorted)
	at := func(percent int) *metrics.Span {
		n := max((all*percent+99)/100, 1)
		if n > len(sorted) {
			return nil
		}
		return new(metrics.Span(sorted[n-1]))
	}
	return metrics.Times{Count: int64(len(seen)), Half: at(50), Most: at(99), All: at(100)}
}

// herd returns the shape of the reconnect.
func (r *recovery) herd() *metrics.Herd {
	if len(r.tries) == 0 && len(r.online) == 0 {
		return nil
	}
	last := time.Duration(max(len(r.tries)-1, 0)) * herdInterval
	if n := len(r.online); n > 0 {
		last = max(last, r.online[n-1])
	}
	interval := herdInterval
	for last/interval >= mostHerd {
		interval *= 2
	}
	n := int(last/interval) + 1
	h := &metrics.Herd{Interval: metrics.Span(interval), Attempts: make([]int64, n), Online: make([]int64, n)}
	for i, tries := range r.tries {
		h.Attempts[min(int(time.Duration(i)*herdInterval/interval), n-1)] += tries
	}
	for _, at := range r.online {
		h.Online[min(int(at/interval), n-1)]++
	}
	return h
}
