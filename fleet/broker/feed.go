package broker

import (
	"bytes"
	"time"
)

// feeds are the subscriptions of a session that are still to get retained
// messages, the first of which is under way. They are looked up as the client
// takes them, a few at a time: however many match, none is kept for the client,
// and nobody waits for the rest.
type feeds struct {
	subs    fifo[*subscription]
	from    *kept // the message at which the first one goes on, or behind which; nil: it begins
	past    bool  // behind it
	waiting bool  // for a feeder
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
func (t *topics) look(out []*kept, f *feeds, now time.Duration) (_ []*kept, from *kept, past bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := &t.retained
	sub := *f.subs.at(0)
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
			return out, nil, false
		}
		m := e.m
		match, next := scan(buf[:0], m.name(), sub.filter)
		switch {
		case match && e.number <= sub.newest && !m.expired(now) && !(sub.noLocal && e.from.id == sub.s.id): // 3.3.2-5
			if out, size = append(out, m), size+m.size(); len(out) == feedMessages || size > feedBytes {
				return out, m, true
			}
			p = s.after(p)
		case match:
			p = s.after(p)
		case next == nil:
			return out, nil, false
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
		return out, nil, false
	}
	return out, e.m, false
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
func (s *session) startFeed(sub *subscription) {
	s.stopFeed(sub)
	sub.newest = s.b.topics.retained.number
	if sub.newest == 0 || sub.feed != notFed {
		return
	}
	q := s.feeds
	if q == nil {
		q = new(feeds)
		s.feeds = q
	}
	if q.subs.len() > 2*len(s.subs.list) { // what was unsubscribed stands there, too
		var left fifo[*subscription]
		left.push(*q.subs.at(0))
		for i := 1; i < q.subs.len(); i++ {
			if other := *q.subs.at(i); other.newest > 0 {
				left.push(other)
			}
		}
		q.subs = left
	}
	sub.feed = queued
	q.subs.push(sub)
}

// stopFeed has a subscription get nothing more of what is retained. The caller
// holds s.mu and, if the subscription is still there, topics.mu.
func (s *session) stopFeed(sub *subscription) {
	sub.newest = 0
	if sub.feed == lateFed {
		sub.feed = queued
	}
	if q := s.feeds; q != nil && q.subs.len() > 0 && *q.subs.at(0) == sub {
		s.goOnFrom(nil, false)
	}
}

// lateFeeds says of what is under way that the connection has ended for which it
// was: QoS 0 is not for the next one.
func (s *session) lateFeeds() {
	if s.feeds != nil {
		for i := range s.feeds.subs.len() {
			(*s.feeds.subs.at(i)).feed = lateFed
		}
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
	sub := *q.subs.at(0)
	late := sub.feed == lateFed
	now := s.b.now()
	var room [feedMessages]*kept
	found, from, past := s.b.topics.look(room[:0], q, now)
	s.goOnFrom(from, past)
	if from == nil {
		q.subs.pop()
		sub.feed = notFed
		if q.subs.len() == 0 {
			s.feeds = nil
		}
	}
	for _, m := range found {
		o := outgoing{via: sub.via, qos: min(m.qos, sub.qos), retain: true} // 3.3.1-8
		if o.qos > 0 || !late {
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
