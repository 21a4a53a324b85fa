package load

import (
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
)

// holdback is what a controller knows of slots that are due and may not leave yet,
// because the broker's Receive Maximum is met (4.9), or the group's own
// max_outstanding, or because the connection takes no more: a write waits until it does. They wait in the order
// of the plan and keep their planned moments: the open model stays open. Since the
// stream yields the same slots whenever it is asked, none of them needs to be kept:
// the queue is what is due and has not been taken from the stream.
//
// Slots wait from since on, when nothing had waited before, until none is due any
// more. In that time flow control lets go of one or several now and then, and holds
// back the rest: freed is when it last let go. So a slot planned at p that leaves
// after that was held back for
//
//	freed - max(p, since)
//
// and all else of its delay is the generator's own: it was late before the waiting
// began, or it was late to see the end of it.
type holdback struct {
	waits   bool          // slots wait, or have waited and are about to leave
	blocked bool          // none may leave
	since   time.Duration // they wait
	freed   time.Duration // flow control let go last
	clogged bool          // what held them back last was the connection: it took nothing
	look    time.Duration // when the queue is looked at if nothing happens before
	queue   *backlog      // nil unless they wait
}

// backlog counts the slots that wait, with a stream of its own that is ahead of the
// one that they are taken from.
type backlog struct {
	stream Stream
	slot   Slot
	more   bool
	n      int64
}

// left notes that the first of the queue has gone.
func (b *backlog) left() {
	if b != nil && b.n > 0 {
		b.n--
	}
}

// mostWaiting is how many slots of one controller may wait.
const mostWaiting = 1_000_000

// lookEvery is how often a queue is looked at that nothing happens to.
const lookEvery = time.Second

// room reports whether flow control lets a request leave.
func (r *Controller) room() bool {
	g := r.Group
	if !r.HasRoom(g.Spec.QoS) {
		return false
	}
	if _, waits := r.waitsFor(); waits {
		return false
	}
	return g.closed() || r.ledger.Outstanding() < g.Spec.MaxOutstanding
}

// hold notes that the next slot is due and may not leave.
func (r *Controller) hold(at time.Duration) {
	if !r.waits {
		r.waits, r.since = true, at
	}
	r.blocked, r.clogged, r.look = true, false, at+lookEvery
	if until, waits := r.waitsFor(); waits {
		r.look = min(r.look, until+1)
	}
	r.observe(at)
}

// observe counts the slots that wait at a moment. Where there are more than may
// wait, those that have waited longest give up.
func (r *Controller) observe(at time.Duration) {
	for r.more && r.slot.paused && r.slot.Planned <= at {
		r.giveUp(metrics.Paused)
	}
	if !r.more {
		return
	}
	if r.queue == nil {
		r.queue = &backlog{r.slots, r.slot, true, 0}
	}
	q := r.queue
	for q.more && q.slot.Planned <= at {
		if !q.slot.paused {
			q.n++
		}
		q.slot, q.more = q.stream.Next()
		for q.n > r.Group.MostWaiting {
			r.giveUp(metrics.NoRoom)
		}
	}
	if q.n > 0 {
		r.ledger.Waiting(r.slot.Planned, q.n, at-r.slot.Planned)
	}
}

// letGo has what waits leave, if flow control lets it as of a moment.
func (r *Controller) letGo(at time.Duration) {
	if !r.blocked || !r.Live() || !r.room() {
		return
	}
	r.observe(at)
	r.blocked, r.freed = false, at
	r.reschedule()
}

// Stalled implements [client.Stalled]: what came due while the connection took nothing was
// held back by it (TCP's flow control is one, too), not by the generator.
func (r *Controller) Stalled(from, to time.Time) {
	if r.zero.IsZero() || r.blocked {
		return
	}
	began, ended := r.at(from), r.at(to)
	if !(r.more && r.slot.Planned <= ended) && !r.isDue(ended) {
		return
	}
	if !r.waits {
		r.waits, r.since = true, began
	}
	r.freed, r.clogged = ended, true
	r.observe(ended)
	r.reschedule()
}

// heldBack returns for how long flow control has held back a slot that leaves now.
func (r *Controller) heldBack(planned time.Duration) time.Duration {
	if !r.waits {
		return 0
	}
	return max(r.freed-max(planned, r.since), 0)
}

// settleQueue ends the waiting when nothing is due any more.
func (r *Controller) settleQueue(at time.Duration) {
	if r.waits && !(r.more && r.slot.Planned <= at) && !r.isDue(at) {
		r.waits, r.blocked, r.clogged, r.queue = false, false, false, nil
	}
}

// Offline implements [client.GoesOffline]: what waits has no connection to leave on any more. When the
// fleet stops, the books are closed by leftover.
func (r *Controller) Offline(client.Departure) {
	if r.IsEnding() || r.zero.IsZero() {
		return
	}
	at := r.at(time.Now())
	r.ledger.Disconnected()
	if r.blocked {
		r.observe(at)
	}
	r.skip(at, metrics.NotConnected)
	r.holdback = holdback{}
	r.checkIdle()
}
