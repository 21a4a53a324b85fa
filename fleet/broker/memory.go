package broker

import (
	"crypto/tls"
	"net"
	"slices"
	"sync/atomic"

	"homefleet/fleet/memconn"
	"homefleet/fleet/wire"
)

// account counts bytes that the broker keeps, as they are in memory. All that
// clients can make it keep is entered in three accounts: that of the client, whose
// doing it is or for whom it waits, that of its user, and that of all clients. What it takes was
// measured; TestMemoryIsCharged holds it within twice of what is really there.
type account struct {
	most int64
	used atomic.Int64
}

// room reports whether so many bytes may be entered.
func (a *account) room(n int) bool { return a.used.Load()+int64(n) <= a.most }

// accounts are those of all clients together, with what each may take.
type accounts struct {
	account
	each int64 // bytes of one client

	messages, bytes atomic.Int64 // that are kept, each once
}

// owner is a client to the accounts, which outlives the session as long as there
// are retained messages of it.
type owner struct {
	id   string       // Client Identifier
	used atomic.Int64 // bytes of the client
	user *user        // who has an account for all of his clients; nil without Config.Users
}

// roomFor reports whether so many bytes of a client may be entered: in its own account,
// and in that of its user.
func (all *accounts) roomFor(o *owner, n int) bool {
	return o.used.Load()+int64(n) <= all.each && (o.user == nil || o.user.memory.room(n))
}

// add enters bytes in both.
func (o *owner) add(n int) {
	o.used.Add(int64(n))
	if o.user != nil {
		o.user.memory.used.Add(int64(n))
	}
}

// cost is what a connection takes, whoever is at its other end.
func cost(nc net.Conn) int {
	switch nc.(type) {
	case *net.TCPConn, *memconn.Conn:
		return costConn
	case *tls.Conn:
		return costTLS
	default:
		return costWebSocket
	}
}

// What things take, beside their texts.
const (
	costConn         = 4 << 10  // with its goroutine and its part of the timers
	costTLS          = 16 << 10 // with its keys, and more or less of a handshake
	costWebSocket    = 5 << 10
	costSession      = 150
	costState        = 256
	costAbsence      = 64
	costWill         = 64
	costSubscription = 38 // with its places in three tables
	costGroup        = 36
	costForm         = 72
	costMessage      = 32
	costQueued       = 32 // an entry of a queue
	costVia          = 48
	costRetained     = 40
	costMoment       = 10 // see feeds.moments
	costIncoming     = 12 // a Packet Identifier of QoS 2
	costReleased     = 8  // and one to the client
	costAlias        = 64
)

// text is what a text of n bytes takes.
func text(n int) int { return n + n/8 }

// take enters bytes of a client, or of none yet, unless one of the accounts has no
// room for them.
func (all *accounts) take(o *owner, n int) bool {
	if !all.room(n) || o != nil && !all.roomFor(o, n) {
		return false
	}
	all.enter(o, n)
	return true
}

// enter enters bytes that are there in any case; negative ones are no more.
func (all *accounts) enter(o *owner, n int) {
	all.used.Add(int64(n))
	if o != nil {
		o.add(n)
	}
}

// hold enters a message that is kept for a client in one more place, where it
// takes so many bytes more. To all, a message that many wait for is one.
func (all *accounts) hold(o *owner, m *kept, more int) bool {
	size := m.size()
	if !all.room(size+more) || o != nil && !all.roomFor(o, size+more) {
		return false
	}
	all.held(o, m, more)
	return true
}

// held is hold where the message is there in any case.
func (all *accounts) held(o *owner, m *kept, more int) {
	n := more
	if atomic.AddInt32(&m.places, 1) == 1 {
		n += m.size()
		all.messages.Add(1)
		all.bytes.Add(int64(len(m.text)))
	}
	all.used.Add(int64(n))
	if o != nil {
		o.add(m.size() + more)
	}
}

// release is the end of what hold began.
func (all *accounts) release(o *owner, m *kept, more int) {
	n := more
	if atomic.AddInt32(&m.places, -1) == 0 {
		n += m.size()
		all.messages.Add(-1)
		all.bytes.Add(-int64(len(m.text)))
	}
	all.used.Add(int64(-n))
	if o != nil {
		o.add(-m.size() - more)
	}
}

// cost is what an entry of a session's queue takes beside its message, the first of
// its kind with what is said of its subscriptions.
func (o *outgoing) cost() int {
	if o.via.merged() && o.via.uses == 0 {
		return costQueued + costVia + 4*len(o.via.ids)
	}
	return costQueued
}

// hold enters a message for a session; release ends that. Messages that came by the
// same subscriptions, one behind the other, share what is said of these. The
// caller holds s.mu.
func (s *session) hold(o *outgoing) bool {
	if o.via.merged() && s.via != nil && slices.Equal(s.via.ids, o.via.ids) {
		o.via = s.via
	}
	if !s.b.memory.hold(&s.owner, o.m, o.cost()) {
		return false
	}
	if o.via.merged() {
		if o.via.uses++; o.via.uses == 1 {
			o.via.ids = slices.Clone(o.via.ids) // it grew while they were collected
		}
		s.via = o.via
	}
	return true
}

func (s *session) release(o *outgoing) {
	if o.via.merged() {
		if o.via.uses--; o.via.uses == 0 && s.via == o.via {
			s.via = nil
		}
	}
	s.b.memory.release(&s.owner, o.m, o.cost())
}

// cost is what a Will takes. A nil Will takes nothing.
func (w *will) cost() int {
	if w == nil {
		return 0
	}
	return costWill + text(len(w.publish))
}

// letGo ends what a Will of a session takes.
func (s *session) letGo(w *will) { s.b.memory.enter(&s.owner, -w.cost()) }

// shortPacket, in bytes, is how much of a packet may be over what a client may take.
const shortPacket = 4 << 10

// keeps enters what the framer has of a packet that is not whole, and reports
// whether there is room for it.
func (c *conn) keeps() bool {
	n := c.framer.Held()
	more := n - c.partial
	if more == 0 {
		return true
	}
	var o *owner
	all := &c.b.memory
	if c.s != nil {
		o = &c.s.owner
	} else if more > 0 && !c.b.strangers.room(more) {
		return false
	}
	// A short packet may be on its way to a client whose own account is full: what it asks
	// for is then refused when it is whole, and the client stays.
	own := o == nil || n <= shortPacket || all.roomFor(o, more)
	if more > 0 && (!own || !all.room(more) || o != nil && o.user != nil && !o.user.memory.room(more)) {
		return false
	}
	all.enter(o, more)
	if o == nil {
		c.b.strangers.used.Add(int64(more))
	}
	c.partial = n
	return true
}

// fit makes room for n more bytes in the buffer, and is false if the accounts have
// none, unless they must be taken. The caller holds c.mu.
func (c *conn) fit(n int, must bool) bool {
	b := c.buffer()
	if len(b)+n <= cap(b) {
		c.out = b
		return true
	}
	size := max(2*cap(b), len(b)+n)
	var o *owner
	if c.s != nil {
		o = &c.s.owner
	}
	if size > freeBuffer {
		switch more := size - c.outTaken; {
		case must:
			c.b.memory.enter(o, more)
		case !c.b.memory.take(o, more):
			return false
		}
		c.outTaken = size
	}
	c.out = append(make([]byte, 0, size), b...)
	return true
}

// freeBuffer is how large a buffer is that costConn includes.
const freeBuffer = 1 << 10

// written ends what a buffer took that has been written or is not wanted.
func (c *conn) written(n int) {
	if n > 0 {
		var o *owner
		if c.s != nil {
			o = &c.s.owner
		}
		c.b.memory.enter(o, -n)
	}
}

// forgets ends what the reader of a connection kept.
func (c *conn) forgets() {
	var o *owner
	if c.s != nil {
		o = &c.s.owner
	} else {
		c.b.strangers.used.Add(int64(-c.partial))
	}
	n := c.partial
	for _, topic := range c.aliases {
		n += costAlias + text(len(topic))
	}
	c.mu.Lock()
	n += c.givenBytes
	c.given, c.mayGive, c.givenBytes = nil, 0, 0
	c.mu.Unlock()
	c.b.memory.enter(o, -n)
	c.b.shaken(c.nc)
	c.b.memory.enter(nil, -cost(c.nc))
	c.partial, c.aliases, c.framer = 0, nil, wire.Framer{}
}
