package audit

import (
	"encoding/binary"
	"slices"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// inquiry is that a device is asked, until it answers.
type inquiry struct {
	device  int
	topic   string // of a command that asks for an attribute
	payload []byte // its
	waiting []awaited
	again   time.Time // when it is asked next
	tries   int
}

// awaited is who waits for the answer to a query that was made at a moment of the
// clock or later.
type awaited struct {
	since time.Duration
	by    Inquirer
}

// Inquirer wants to know whether a device answers.
type Inquirer interface {
	// IsAnswering says that it does, by a moment of the clock.
	IsAnswering(now time.Duration)
	// IsMute says that it never will, as far as this inquirer is to know.
	IsMute()
}

// repeat is when a query is to be repeated, unless it has been meanwhile.
type repeat struct {
	of *inquiry
	at time.Time
}

const (
	queryEvery    = 2 * time.Second
	mostQueries   = 20 // to one device, before it counts as one that does not answer
	mostInquirers = 64 // of one device: the first of more is told that it is mute
)

// query is what the Correlation Data of a query says.
type query struct {
	device int
	asked  time.Duration // on the fleet's clock
}

func (q query) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, uint64(q.device)), uint64(q.asked))
}

// Queried reads from a message that a device has received whether it is a query, of
// which device and when it was made, on the fleet's clock.
func Queried(p *wire.Publish) (device int, asked time.Duration, ok bool) {
	q, ok := parseQuery(p.Props.CorrelationData)
	return q.device, q.asked, ok
}

func parseQuery(b []byte) (query, bool) {
	if len(b) != 16 {
		return query{}, false
	}
	return query{int(binary.BigEndian.Uint64(b)), time.Duration(binary.BigEndian.Uint64(b[8:]))}, true
}

// Inquire has a device be asked, by a command that changes nothing, until it
// answers a query of that moment of the clock or a later one. It may be called from
// any goroutine.
func (r *Auditor) Inquire(device int, topic string, payload []byte, since time.Duration, by Inquirer) {
	r.Tell(func() {
		q := r.queries[device]
		if q == nil {
			q = &inquiry{device: device, topic: topic, payload: payload}
			r.queries[device] = q
		}
		if q.waiting = append(q.waiting, awaited{since, by}); len(q.waiting) > mostInquirers {
			q.waiting[0].by.IsMute()
			q.waiting = slices.Delete(q.waiting, 0, 1)
		}
		q.tries = 0
		r.ask(q, time.Now())
	})
}

// Again has a device be asked anew that has been away before it could answer. It may
// be called from any goroutine.
func (r *Auditor) Again(device int) {
	r.Tell(func() {
		if q, ok := r.queries[device]; ok {
			q.tries = 0
			r.ask(q, time.Now())
		}
	})
}

// Forget gives up a device that has ended. It may be called from any goroutine.
func (r *Auditor) Forget(device int) {
	r.Tell(func() {
		q, ok := r.queries[device]
		if !ok {
			return
		}
		for _, w := range q.waiting {
			w.by.IsMute()
		}
		delete(r.queries, device)
	})
}

// Asks reports whether a device is asked, and has not answered everybody yet. It is
// called on the auditor's goroutine, or once that has ended.
func (r *Auditor) Asks(device int) bool { return r.queries[device] != nil }

// ask sends a query, and has it sent again if no answer comes.
func (r *Auditor) ask(q *inquiry, now time.Time) {
	if q.tries++; q.tries > mostQueries {
		return // until it has been away and is back
	}
	q.again = now.Add(queryEvery)
	r.queue = append(r.queue, repeat{q, q.again})
	if !r.Live() {
		return
	}
	p := wire.Publish{Topic: []byte(q.topic), Payload: q.payload}
	p.Props.ResponseTopic = r.answers
	p.Props.CorrelationData = query{q.device, r.clock.Now()}.append(nil)
	r.Send(&p, metrics.NoMessage)
}

// askAgain repeats the queries that are due.
func (r *Auditor) askAgain(now time.Time) {
	for client.IsDue(r.nextQuery(), now) {
		next := r.queue[0]
		r.queue = r.queue[1:]
		if q := next.of; r.queries[q.device] == q && q.again.Equal(next.at) {
			r.ask(q, now)
		}
	}
}

// repeatAll has all queries repeated now: the answers went to a connection that is no
// more.
func (r *Auditor) repeatAll(now time.Time) {
	for i := range r.queue {
		if next := &r.queue[i]; next.of.again.Equal(next.at) {
			next.at, next.of.again = now, now
		}
	}
}

// nextQuery is when the next is due; zero is never.
func (r *Auditor) nextQuery() time.Time {
	if len(r.queue) == 0 {
		return time.Time{}
	}
	return r.queue[0].at
}

// answered takes the answer of a device. It tells nothing to those who want one to a
// later query.
func (r *Auditor) answered(p *wire.Publish) {
	asked, ok := parseQuery(p.Props.CorrelationData)
	if !ok {
		return
	}
	q, ok := r.queries[asked.device]
	if !ok {
		return
	}
	now := r.clock.Now()
	q.waiting = slices.DeleteFunc(q.waiting, func(w awaited) bool {
		if asked.asked < w.since {
			return false
		}
		w.by.IsAnswering(now)
		return true
	})
	if len(q.waiting) == 0 {
		delete(r.queries, asked.device)
	}
}
