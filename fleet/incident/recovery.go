package incident

import (
	"slices"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// Recovery follows the devices of one group that one occurrence of an incident struck
// until they are back: connected, subscribed and answering. It may be told from any
// goroutine. The zero value is of an incident that has let go of its devices.
type Recovery struct {
	incident, group string
	from            time.Duration // on the clock of the run
	unasked         bool          // nobody asks the devices whether they answer

	// news, if it is not nil, is called when a device is back or will not be.
	news func()

	mu   sync.Mutex
	to   time.Duration // the end; earlier than planned if somebody ends it
	over time.Duration // when the last device is let go, likewise
	// late is a device's own moment of the Spread, by its number; nil: there is no Spread.
	late func(device int) time.Duration

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

// LetsGo is when a device is let go, on the clock of the run: each at its own moment of
// the Spread.
func (r *Recovery) LetsGo(device int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.late == nil {
		return r.to
	}
	return r.to + r.late(device)
}

// overBy reports whether devices are being let go by now, and overAll whether all are.
func (r *Recovery) overBy(now time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now >= r.to
}

func (r *Recovery) overAll(now time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now >= r.over
}

// endNow has all devices be let go now, where it was to be later.
func (r *Recovery) endNow(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to, r.over, r.late = min(r.to, now), min(r.over, now), nil
}

// progress tells whoever waits that the recovery has got somewhere.
func (r *Recovery) progress() {
	if r.news != nil {
		r.news()
	}
}

// struck counts a device, overlaps that another incident struck it as well, before
// it was back.
func (r *Recovery) struck() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.affected++
}

func (r *Recovery) overlaps() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.overlap++
}

// withdrawn takes back that a device was struck.
func (r *Recovery) withdrawn(overlapped bool) {
	defer r.progress()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.affected--
	if overlapped {
		r.overlap--
	}
}

// told notes that a device has been left word that it is struck, heard that it
// has read that: before all have, nobody knows how many there are.
func (r *Recovery) told() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unread++
}

func (r *Recovery) heard() {
	defer r.progress()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unread--
}

// attempt counts a try to connect.
func (r *Recovery) attempt(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts++
	if now < r.to {
		return
	}
	i := min(int((now-r.to)/leastInterval), mostTries-1)
	for len(r.tries) <= i {
		r.tries = append(r.tries, 0)
	}
	r.tries[i]++
}

// failed counts why a try came to nothing.
func (r *Recovery) failed(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused == nil {
		r.refused = make(map[string]int64)
	}
	r.refused[why]++
}

// isOnline notes that a device is online again, for the first time since.
func (r *Recovery) isOnline(now time.Duration) {
	defer r.progress()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.online = append(r.online, max(now-r.to, 0))
}

// IsAnswering notes that a device answers again, for the first time since.
func (r *Recovery) IsAnswering(now time.Duration) {
	defer r.progress()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answering = append(r.answering, max(now-r.to, 0))
}

// isLost notes that a device which was not online yet never will be: the broker has
// refused it for good.
func (r *Recovery) isLost() {
	defer r.progress()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.never++
}

// IsMute notes that a device which did not answer yet never will.
func (r *Recovery) IsMute() {
	defer r.progress()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mute++
}

// complete reports whether all devices are back that can be.
func (r *Recovery) complete() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unread == 0 && (len(r.answering)+r.mute >= r.affected || r.unasked && len(r.online)+r.never >= r.affected)
}

// result returns what there is to report, on the clock of the run.
func (r *Recovery) result() metrics.Recovery {
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
	out.Reconnects = r.histogram()
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
