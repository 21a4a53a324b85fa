package broker

import (
	"bytes"
	"math"
	"time"
)

// feeds are the subscriptions of a session that are still to get retained
// messages, the first of which is under way. They are looked up as the client
// takes them, a few at a time: however many match, none is kept for the client,
// and nobody waits for the rest.
type feeds struct {
	subs    fifo[slot]
	from    *kept // the message at which the first one goes on, or behind which; nil: it begins
	past    bool  // behind it
	waiting bool  // for a feeder

	// The numbers of the last message that was retained when subscriptions were made, which
	// have their place here, from 1, in two bytes. It does not change but at its end;
	// guarded by topics.mu.
	moments []uint64
}

// moment returns the place of a number, which is not below any that is there. Where there
// are too many, those who have the last one get some messages twice: as they came, and as
// retained.
func (q *feeds) moment(number uint64, all *accounts, o *owner) uint16 {
	last := len(q.moments)
	switch {
	case last > 0 && q.moments[last-1] == number:
		return uint16(last)
	case last == math.MaxUint16:
		q.moments[last-1] = number
		return uint16(last)
	}
	all.enter(o, costMoment)
	q.moments = append(q.moments, number)
	return uint16(last + 1)
}

// Bounds on one look: messages taken, their bytes, and messages looked at, for
// which the lock is held; and on looks of one pump, for which the session is.
const (
	feedMessages = 64
	feedBytes    = 64 << 10
	feedVisits   = 512
	feedLooks    = 4
)

// look appends the next messages for the first subscription. It returns where the next
// look is to go on, or nil if these were all. A message that was retained after the
// client subscribed came to it as new.
func (t *topics) look(out []*kept, f *feeds, now time.Duration) (_ []*kept, from *kept, past bool, to subscription) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := &t.retained
	to = *t.sub(*f.subs.at(0))
	if to.session == 0 || to.since == 0 { // it was unsubscribed, or wants no more
		return out, nil, false, to
	}
	filter, newest, self := t.texts.get(&t.sub(*f.subs.at(0)).filter), f.moments[to.since-1], t.sessions[to.session-1].id
	var p place
	if f.from != nil {
		var here *retainedOne
		if here, p = s.find(f.from.name()); here != nil && f.past {
			p = s.after(p)
		}
	}
	size := 0
	var buf []byte
	for range feedVisits {
		e := s.get(p)
		if e == nil {
			return out, nil, false, to
		}
		m := e.m
		match, next := scan(buf[:0], m.name(), filter)
		switch {
		case match && e.number <= newest && !m.expired(now) && !(to.is(noLocal) && e.from.id == self): // 3.3.2-5
			if out, size = append(out, m), size+m.size(); len(out) == feedMessages || size > feedBytes {
				return out, m, true, to
			}
			p = s.after(p)
		case match:
			p = s.after(p)
		case next == nil:
			return out, nil, false, to
		default:
			// What comes next is often near.
			buf = next
			if p = s.after(p); p.chunk < len(s.chunks) && bytes.Compare(s.get(p).m.name(), next) < 0 {
				p = s.seek(next)
			}
		}
	}
	e := s.get(p)
	if e == nil {
		return out, nil, false, to
	}
	return out, e.m, false, to
}

// goOnFrom keeps where the next look is to go on, which may be at a message that is
// retained no more by then. The caller holds s.mu.
func (s *session) goOnFrom(m *kept, past bool) {
	q := s.feeds
	if m != nil {
		s.b.memory.held(&s.owner, m, 0)
	}
	if q.from != nil {
		s.b.memory.release(&s.owner, q.from, 0)
	}
	q.from, q.past = m, past
}

// startFeed has a subscription, which is not shared, get what is retained. The
// caller holds s.mu and topics.mu.
func (s *session) startFeed(n slot) {
	t := &s.b.topics
	s.stopFeed(n)
	if t.retained.number == 0 {
		return
	}
	if t.late != nil {
		t.late[n] = struct{}{}
	}
	sub := t.sub(n)
	q := s.feeds
	if q == nil {
		q = new(feeds)
		s.feeds = q
	}
	sub.since = q.moment(t.retained.number, &s.b.memory, &s.owner)
	if sub.is(fed) {
		return
	}
	if q.subs.len() > 2*s.subs.count { // what was unsubscribed stands there, too
		var left fifo[slot]
		left.push(*q.subs.at(0))
		for i := 1; i < q.subs.len(); i++ {
			other := *q.subs.at(i)
			switch sub := t.sub(other); {
			case sub.session == 0:
				t.discard(s, other)
			case sub.since > 0:
				left.push(other)
			default:
				sub.set(fed|lateFed, false)
			}
		}
		q.subs = left
	}
	sub.set(fed, true)
	q.subs.push(n)
}

// stopFeed has a subscription get nothing more of what is retained. The caller
// holds s.mu and topics.mu.
func (s *session) stopFeed(n slot) {
	sub := s.b.topics.sub(n)
	sub.since = 0
	sub.set(lateFed, false)
	if q := s.feeds; q != nil && q.subs.len() > 0 && *q.subs.at(0) == n {
		s.goOnFrom(nil, false)
	}
}

// lateFeeds says of what is under way that the connection has ended for which it
// was: QoS 0 is not for the next one. The caller holds s.mu.
func (s *session) lateFeeds() {
	if s.feeds == nil {
		return
	}
	t := &s.b.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range s.feeds.subs.len() {
		t.sub(*s.feeds.subs.at(i)).set(lateFed, true)
	}
}

// dropFeeds ends all feeds. The caller holds s.mu.
func (s *session) dropFeeds() {
	if s.feeds == nil {
		return
	}
	s.goOnFrom(nil, false)
	for s.feeds != nil {
		s.fedUp()
	}
}

// fedUp takes the first of the feeds out. The caller holds s.mu.
func (s *session) fedUp() {
	t := &s.b.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	n := s.feeds.subs.pop()
	if sub := t.sub(n); sub.session == 0 {
		t.discard(s, n)
	} else {
		sub.since = 0
		sub.set(fed|lateFed, false)
	}
	if s.feeds.subs.len() == 0 {
		s.b.memory.enter(&s.owner, -costMoment*len(s.feeds.moments))
		s.feeds = nil
	}
}

// feed sends or queues the next retained messages. It is false when there are
// none, or somebody else goes on with them: the writer, when the client has
// read, or a feeder. The caller holds s.mu.
func (s *session) feed(c *conn, looks int) bool {
	q := s.feeds
	switch {
	case q == nil || q.subs.len() == 0 || q.waiting:
		return false
	case c.backlog() >= highWater:
		s.stalled = true
		return false
	case looks == feedLooks:
		q.waiting = true
		s.b.running.Go(s.goOn)
		return false
	}
	now := s.b.now()
	var room [feedMessages]*kept
	found, from, past, sub := s.b.topics.look(room[:0], q, now)
	s.goOnFrom(from, past)
	if from == nil {
		s.fedUp()
	}
	for _, m := range found {
		o := outgoing{subID: [1]uint32{sub.id}, qos: min(m.qos, byte(sub.options&maxQoS)), retain: true} // 3.3.1-8
		if o.qos > 0 || !sub.is(lateFed) {
			r := routing{b: s.b, kept: m, at: now}
			m.message(&r.own, &r.props)
			r.m = &r.own
			s.take(&r, o)
			if o.qos > 0 {
				s.flush(c)
			}
		}
	}
	return true
}

// goOn feeds a session that has more to look for than a pump takes the time for.
// One session at a time does, so that the others have the machine.
func (s *session) goOn() {
	s.b.feeder.Lock()
	defer s.b.feeder.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil && s.feeds != nil {
		s.feeds.waiting = false
		s.pump()
	}
}

// backlog is how many bytes wait for the client to read them.
func (c *conn) backlog() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out) + c.inWrite
}
