package broker

import (
	"sync"
	"time"

	"homefleet/fleet/wire"
)

// session is the Session State of section 4.1. For a client that is away and has
// neither subscriptions nor messages it is a mere entry: others can leave many of
// these behind.
type session struct {
	owner  // Client Identifier, who it belongs to, and what it makes the broker keep
	b      *Broker
	number uint64 // of the session, to sort by

	mu       sync.Mutex
	ended    bool   // no longer in Broker.sessions
	forgot   bool   // and holds nothing any more, see forget
	forms    uint16 // filter forms that the client has added; guarded by topics.mu
	expiry   uint32
	conn     *conn // nil while the client is away
	*state         // not nil while there is a connection, or something in it
	*absence       // what is due while the client is away; nil: nothing
}

// state is what a session has to keep.
type state struct {
	subs  subscriptions
	feeds *feeds // nil: none

	// To the client, in order of sending: redo was sent by an earlier connection
	// and not by this one, unacked was sent, released had its PUBREC and waits
	// for its PUBCOMP, pending was never sent. zeros are of QoS 0, for this
	// connection alone.
	redo, unacked, pending, zeros fifo[outgoing]
	released                      []release
	queuedBytes, zeroBytes        int
	via                           *via  // of the last message in the queues that came by several subscriptions
	window                        int   // how many may be under way on this connection
	counted                       int32 // entries of released that this connection's window counts
	lastID                        uint16
	stalled                       bool // pump stopped because the client does not read; the writer calls it again

	// From the client: QoS 2 Packet Identifiers between PUBLISH and PUBREL. The
	// value says whether this connection's Receive Maximum counts it.
	incoming        map[uint16]bool
	incomingCounted int
}

// keep gives the session a state if it has none. The caller holds s.mu.
func (s *session) keep() {
	if s.state == nil {
		s.state = new(state)
		s.b.memory.enter(&s.owner, costState)
	}
}

// shed takes away a state with nothing in it. The caller holds s.mu, and there is
// no connection.
func (s *session) shed() {
	if q := s.state; q != nil && q.subs.count+q.redo.len()+q.unacked.len()+q.pending.len()+len(q.released)+len(q.incoming) == 0 && q.feeds == nil {
		s.state = nil
		s.b.memory.enter(&s.owner, -costState)
	}
}

// departure is how a connection ends.
type departure struct {
	code     byte // of the DISCONNECT for a version 5 client; 0: none is sent
	noWill   bool // the client took its leave with DISCONNECT 0x00, or the broker shuts down
	orderly  bool // with noWill: it was the client
	takeOver bool // by another connection with the same Client Identifier...
	clean    bool // ... and Clean Start 1
	linger   bool // leave the client time to read the DISCONNECT
	err      error
}

// attach gives a client its session, and reports whether there was one
// (3.1.2-4 to -6). A connection that has the session is ended first: when attach
// returns, what it had received has been routed, so nothing that the new
// connection sends can overtake it. Nor can it overtake a Will of the client.
//
// With wire.Success, s.mu is held on return, so that nothing is sent before the
// CONNACK.
func (b *Broker) attach(c *conn, p *wire.Connect, expiry uint32) (s *session, present bool, code byte) {
	for {
		b.mu.Lock()
		switch {
		case b.closed:
			b.mu.Unlock()
			return nil, false, wire.ServerUnavailable
		case c.departing():
			b.mu.Unlock()
			return nil, false, wire.UnspecifiedError
		}
		if b.wills[p.ClientID] > 0 {
			b.willSent.Wait()
			b.mu.Unlock()
			continue
		}
		s = b.sessions.get(p.ClientID)
		if s == nil {
			break
		}
		if s.user != c.user {
			b.mu.Unlock()
			return nil, false, wire.NotAuthorized
		}
		s.mu.Lock()
		if old := s.conn; old != nil {
			s.mu.Unlock()
			b.mu.Unlock()
			b.count.takenOver.Add(1)
			old.depart(departure{code: wire.SessionTakenOver, takeOver: true, clean: p.CleanStart, linger: true})
			continue
		}
		if !p.CleanStart || b.clients >= b.limits.MaximumConnections {
			break // a CONNECT that is refused ends no session
		}
		due := s.end()
		b.keepWill(&s.owner, due)
		s.mu.Unlock()
		b.mu.Unlock()
		s.forget()
		b.publishWill(&s.owner, due)
	}
	// Here b.mu is held, and s.mu too if there is a session, which is nobody's.
	code = b.admits(c, p, s)
	if code != wire.Success {
		if s != nil {
			s.mu.Unlock()
		}
		b.mu.Unlock()
		return nil, false, code
	}
	if present = s != nil; present {
		if w := s.back(); w != nil { // 3.1.3-9
			b.count.willsCancelled.Add(1)
		}
		b.count.resumed.Add(1)
	} else {
		b.sessionNumber++
		s = &session{b: b, number: b.sessionNumber}
		s.id, s.user = p.ClientID, c.user
		b.memory.enter(&s.owner, s.cost())
		s.mu.Lock()
		b.sessions.put(s)
		if s.user != nil {
			s.user.sessions++
		}
	}
	c.will = newWill(p.Will)
	b.memory.enter(&s.owner, c.will.cost())
	s.keep()
	s.conn, c.s = c, s
	s.note(true)
	s.expiry = expiry
	s.window = c.receiveMaximum
	b.clients++
	b.mostClients = max(b.mostClients, b.clients)
	b.mu.Unlock()
	return s, present, wire.Success
}

// admits says whether there is room for a connection, and for its session if it has
// none. The caller holds b.mu.
func (b *Broker) admits(c *conn, p *wire.Connect, s *session) byte {
	switch {
	case b.clients >= b.limits.MaximumConnections:
		return wire.ServerBusy
	case !b.memory.room(need(s, p)) || c.user != nil && !c.user.memory.room(need(s, p)):
		return wire.QuotaExceeded
	case s == nil && (b.sessions.len() >= b.limits.MaximumSessions || c.user != nil && c.user.sessions >= c.user.MaximumSessions):
		return wire.QuotaExceeded
	}
	return wire.Success
}

// resume sends again what the last connection left open: PUBREL in the order of
// the PUBRECs, then PUBLISH in the order of sending (4.4.0-1, 4.6.0-1, 4.6.0-4),
// and then what has gathered. The caller holds s.mu.
func (s *session) resume(c *conn) {
	for _, r := range s.released {
		c.ack(packetPubrel, r.id, wire.Success)
	}
	s.pump()
}

// detach takes a session from its connection. Nothing happens if the connection
// has none (any more). The Will returned, unless it is nil, is to be published
// now, in the name of the client.
func (b *Broker) detach(c *conn, d departure) (from *owner, due *will) {
	b.mu.Lock()
	s := c.s
	if s == nil {
		b.mu.Unlock()
		return nil, nil
	}
	s.mu.Lock()
	if s.conn != c {
		s.mu.Unlock()
		b.mu.Unlock()
		return nil, nil
	}
	b.clients--
	s.conn = nil
	s.note(false)
	s.stalled = false
	s.lateFeeds()
	// What was under way is for the next connection to send again.
	if s.unacked.len() > 0 {
		for s.redo.len() > 0 {
			s.unacked.push(s.redo.pop())
		}
		s.redo, s.unacked = s.unacked, fifo[outgoing]{}
	}
	for i := range s.released {
		s.released[i].counted = false
	}
	for id := range s.incoming {
		s.incoming[id] = false
	}
	s.counted, s.incomingCounted = 0, 0
	s.dropZeros(&s.b.count.away)

	w := c.will
	c.will = nil
	s.letGo(w)
	switch {
	case d.orderly && w != nil && b.config.Will != nil:
		due, w = &will{publish: w.publish, cancelled: true}, nil
	case d.noWill:
		w = nil
	}
	ended := s.expiry == 0 || d.takeOver && d.clean
	now := b.now()
	away := absence{}
	switch {
	case w == nil:
	case ended || w.delay == 0:
		due = w
	case d.takeOver: // 3.1.3-9: the session goes on
		b.count.willsCancelled.Add(1)
	default:
		away.will, away.willAt = w, now+w.wait()
		b.memory.enter(&s.owner, w.cost())
	}
	if ended {
		s.end()
	} else {
		if s.expiry != never {
			away.expiresAt = now + time.Duration(s.expiry)*time.Second
		}
		if away != (absence{}) && !b.closed {
			s.arm(&away, now)
		}
		s.shed()
	}
	b.keepWill(&s.owner, due)
	s.mu.Unlock()
	b.mu.Unlock()
	if ended {
		s.forget()
	}
	return &s.owner, due
}

// end takes the session out of the broker's table and returns the will that is
// due with it. The caller holds b.mu and s.mu, and calls forget when it has let
// go of b.mu.
func (s *session) end() *will {
	s.b.sessions.remove(s)
	if s.user != nil {
		s.user.sessions--
	}
	s.ended = true
	return s.back()
}

// cost is what a session takes that is idle.
func (s *session) cost() int { return costSession + 2*text(len(s.id)) }

// need is what a CONNECT makes the broker keep.
func need(s *session, p *wire.Connect) int {
	n := 0
	if s == nil {
		n = costSession + 2*text(len(p.ClientID))
	}
	if w := p.Will; w != nil {
		n += costWill + len(w.Topic) + len(w.Payload)
	}
	return n
}

// forget drops what an ended session held, but for what other members of its
// Shared Subscriptions are to have.
func (s *session) forget() {
	s.mu.Lock()
	s.keep()
	t := &s.b.topics
	for some := s.subs.count > 0; some; {
		t.mu.Lock()
		some = t.forget(s, 128) // the others wait meanwhile
		t.mu.Unlock()
	}
	s.forgot = true
	s.dropFeeds()
	left := s.shared()
	s.dropZeros(&s.b.count.away)
	for _, q := range []*fifo[outgoing]{&s.redo, &s.unacked, &s.pending} {
		for i := range q.len() {
			s.release(q.at(i))
		}
		*q = fifo[outgoing]{}
	}
	s.b.memory.enter(&s.owner, -s.cost()-costState-costIncoming*len(s.incoming)-costReleased*len(s.released))
	s.released, s.incoming, s.queuedBytes = nil, nil, 0
	s.mu.Unlock()
	s.b.passOn(left)
}
