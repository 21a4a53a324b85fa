package broker

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// Types of acknowledgement.
const (
	packetPuback  = packets.PUBACK
	packetPubrec  = packets.PUBREC
	packetPubrel  = packets.PUBREL
	packetPubcomp = packets.PUBCOMP
)

// outgoing is a QoS 1 or 2 message for one client.
type outgoing struct {
	m      *kept
	via    *via
	subID  [1]uint32 // the Subscription Identifier of the only subscription that it came by; 0: none
	id     uint16    // 0 until it was sent
	qos    byte
	retain bool
}

// via is what is said with a message of how it came, if it was by several subscriptions
// with identifiers or by a Shared one; nil: nothing.
type via struct {
	ids    []uint32 // Subscription Identifiers of several; they do not change
	uses   int      // of ids, in the queues of the session; guarded by session.mu
	shared bool     // by a Shared Subscription; this is that of all such messages
	group  slot     // the Shared Subscription, until it has ended; guarded by topics.mu
}

// isShared reports whether it is of a Shared Subscription.
func (v *via) isShared() bool { return v != nil && v.shared }

// merged reports whether it is of several subscriptions.
func (v *via) merged() bool { return v != nil && len(v.ids) > 1 }

// identifiers are the Subscription Identifiers that go with a message.
func (o *outgoing) identifiers() []uint32 {
	switch {
	case o.via.merged():
		return o.via.ids
	case o.subID[0] != 0:
		return o.subID[:]
	}
	return nil
}

// release is a QoS 2 message to the client that waits for its PUBCOMP.
type release struct {
	id      uint16
	counted bool
}

// deliver gives a session a message that one of its subscriptions matches. It is
// false when the session takes nothing any more.
func (s *session) deliver(r *routing, t *target) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgot {
		return false
	}
	if t.via.merged() && len(t.via.ids) > s.b.limits.MaximumOverlap {
		s.b.count.full.Add(1)
		if s.conn != nil {
			s.conn.overrun()
		}
		return true
	}
	s.send(r, outgoing{
		via: t.via, subID: [1]uint32{t.id}, qos: min(r.m.qos, t.qos), retain: r.m.retain && t.asPublished, // 3.3.1-12, -13
	})
	return true
}

// send sends or queues a message. The caller holds s.mu.
func (s *session) send(r *routing, o outgoing) {
	s.take(r, o)
	if o.qos > 0 {
		s.pump()
	}
}

// take sends a message of QoS 0 and queues others. The caller holds s.mu.
func (s *session) take(r *routing, o outgoing) {
	n := &s.b.count
	if o.qos == 0 {
		switch {
		case s.conn == nil:
			n.away.Add(1)
			return
		case s.zeros.len() == 0 && s.conn.publish(r.m, &o, false, r.now()) != sendStalled:
			return
		}
	}
	l := &s.b.limits
	s.keep()
	o.m = r.keep()
	size := o.m.size()
	if o.qos == 0 {
		if s.zeros.len() >= l.MaximumQueued || s.zeroBytes+size > l.MaximumQueuedBytes || !s.hold(&o) {
			n.slow.Add(1)
			return
		}
		s.zeros.push(o)
		s.zeroBytes += size
		s.stalled = true // the writer goes on with them
		return
	}
	room := s.pending.len() < l.MaximumQueued && s.queuedBytes+size <= l.MaximumQueuedBytes
	if room && !s.hold(&o) {
		s.dropZeros(&n.slow) // rather than the connection
		room = s.hold(&o)
	}
	if !room {
		n.full.Add(1)
		if c := s.conn; c != nil {
			c.overrun()
		}
		return
	}
	s.pending.push(o)
	s.queuedBytes += size
}

// dropZeros drops what waits at QoS 0, and counts it.
func (s *session) dropZeros(dropped *atomic.Uint64) {
	for s.zeros.len() > 0 {
		s.dequeueZero()
		dropped.Add(1)
	}
}

func (s *session) dequeueZero() {
	o := s.zeros.pop()
	s.zeroBytes -= o.m.size()
	s.release(&o)
}

// highWater is how much may wait in a connection's buffer before messages stay in
// the session's queues: there one that many wait for is kept once, and those of
// QoS 1 and 2 can still expire, and another connection can have them.
const highWater = 64 << 10

// pump sends what waits, as far as the client's Receive Maximum and its reading
// allow (4.9.0-1, -2), and then what its feeds find. The caller holds s.mu.
func (s *session) pump() {
	c := s.conn
	if c == nil {
		return
	}
	s.stalled = false
	looks := 0
	for s.flush(c) && s.feeds != nil && s.feed(c, looks) {
		looks++
	}
}

// flush sends what waits, and reports whether that was all.
func (s *session) flush(c *conn) bool {
	var now time.Duration
	var m message
	var room wire.Properties
	for s.zeros.len() > 0 {
		o := s.zeros.at(0)
		if now == 0 {
			now = s.b.now()
		}
		o.m.message(&m, &room)
		if c.publish(&m, o, false, now) == sendStalled {
			s.stalled = true
			return false
		}
		s.dequeueZero()
	}
	for s.redo.len() > 0 || s.pending.len() > 0 {
		if s.unacked.len()+int(s.counted) >= s.window || s.unacked.len()+len(s.released) >= s.b.limits.MaximumInflight {
			return false
		}
		if now == 0 {
			now = s.b.now()
		}
		again := s.redo.len() > 0
		var o *outgoing
		if again {
			o = s.redo.at(0)
		} else {
			o = s.pending.at(0)
			if o.m.expired(now) { // 3.3.2-5
				s.b.count.expired.Add(1)
				s.release(o)
				s.dequeue()
				continue
			}
			o.id = s.freeID()
		}
		o.m.message(&m, &room)
		sent := c.publish(&m, o, again, now)
		if sent == sendStalled {
			s.stalled = true
			return false
		}
		var done outgoing
		if again {
			done = s.redo.pop()
		} else {
			s.lastID = o.id
			done = s.dequeue()
		}
		if sent == sendDone {
			s.unacked.push(done)
		} else {
			s.release(&done)
		}
	}
	return true
}

func (s *session) dequeue() outgoing {
	o := s.pending.pop()
	s.queuedBytes -= o.m.size()
	return o
}

// freeID returns the next Packet Identifier that is not in use (2.2.1-4).
func (s *session) freeID() uint16 {
	id := max(s.lastID+1, 1)
	if find(&s.unacked, id) < 0 && find(&s.redo, id) < 0 && s.findReleased(id) < 0 {
		return id
	}
	used := make([]bool, 1<<16) // to look for each among all would take the square of their number
	for _, q := range []*fifo[outgoing]{&s.unacked, &s.redo} {
		for i := range q.len() {
			used[q.at(i).id] = true
		}
	}
	for _, r := range s.released {
		used[r.id] = true
	}
	for used[id] {
		id = max(id+1, 1)
	}
	return id
}

func (s *session) findReleased(id uint16) int {
	return slices.IndexFunc(s.released, func(r release) bool { return r.id == id })
}

// find returns where the message with a Packet Identifier stands, or -1.
func find(q *fifo[outgoing], id uint16) int {
	for i := range q.len() {
		if q.at(i).id == id {
			return i
		}
	}
	return -1
}

// underway finds the message that an acknowledgement is for, which a client may
// also have received over an earlier connection.
func (s *session) underway(id uint16) (q *fifo[outgoing], i int) {
	if i := find(&s.unacked, id); i >= 0 {
		return &s.unacked, i
	}
	return &s.redo, find(&s.redo, id)
}

// puback handles a PUBACK (4.3.2).
func (s *session) puback(a wire.Ack) error {
	q, i := s.underway(a.PacketID)
	if i < 0 {
		return nil
	}
	if q.at(i).qos != 1 {
		return protocolError("a PUBACK for a message of QoS 2")
	}
	s.release(q.at(i))
	q.remove(i)
	s.pump()
	return nil
}

// pubrec handles a PUBREC (4.3.3).
func (s *session) pubrec(c *conn, a wire.Ack) error {
	q, i := s.underway(a.PacketID)
	switch {
	case i < 0 && s.findReleased(a.PacketID) >= 0:
		if a.Code < 0x80 {
			c.ack(packetPubrel, a.PacketID, wire.Success)
		}
	case i < 0:
		if a.Code < 0x80 {
			c.ack(packetPubrel, a.PacketID, wire.PacketIDNotFound)
		}
	case q.at(i).qos != 2:
		return protocolError("a PUBREC for a message of QoS 1")
	case a.Code >= 0x80: // 4.9: counts as the end
		s.release(q.at(i))
		q.remove(i)
		s.pump()
	default:
		counted := q == &s.unacked
		s.release(q.at(i))
		q.remove(i)
		s.released = append(s.released, release{a.PacketID, counted})
		s.b.memory.enter(&s.owner, costReleased)
		if counted {
			s.counted++
		}
		c.ack(packetPubrel, a.PacketID, wire.Success)
	}
	return nil
}

// pubcomp handles a PUBCOMP.
func (s *session) pubcomp(a wire.Ack) error {
	i := s.findReleased(a.PacketID)
	if i < 0 {
		if _, i := s.underway(a.PacketID); i >= 0 {
			return protocolError("a PUBCOMP for a message that was not released")
		}
		return nil
	}
	if s.released[i].counted {
		s.counted--
	}
	s.released = slices.Delete(s.released, i, i+1)
	s.b.memory.enter(&s.owner, -costReleased)
	if len(s.released) == 0 {
		s.released = nil
	}
	s.pump()
	return nil
}
