package broker

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/fleet/wire"
)

// session is the Session State of section 4.1. An idle one holds no queue, no
// map and no timer.
type session struct {
	b      *Broker
	id     string
	number uint64      // of the session, to sort by
	user   *user       // who it belongs to; nil without Config.Users
	online atomic.Bool // conn is not nil; read without mu when sharing out messages

	mu     sync.Mutex
	conn   *conn // nil while the client is away
	ended  bool  // no longer in Broker.sessions
	forgot bool  // and holds nothing any more, see forget
	expiry uint32
	subs   subscriptions
	owner  *owner
	feeds  *feeds // nil: none

	// To the client, in order of sending: redo was sent by an earlier connection
	// and not by this one, unacked was sent, released had its PUBREC and waits
	// for its PUBCOMP, pending was never sent.
	redo, unacked, pending fifo[outgoing]
	released               []release
	queuedBytes            int
	lastID                 uint16
	window                 int  // how many may be under way on this connection
	counted                int  // entries of released that this connection's window counts
	stalled                bool // pump stopped because the client does not read; the writer calls it again

	// From the client: QoS 2 Packet Identifiers between PUBLISH and PUBREL. The
	// value says whether this connection's Receive Maximum counts it.
	incoming        map[uint16]bool
	incomingCounted int

	// While the client is away.
	will      *will // waits for its Will Delay; nil otherwise
	willAt    time.Time
	expiresAt time.Time // zero: never
	timer     *time.Timer
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
		s = b.sessions[p.ClientID]
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
		b.keepWill(s.owner, due)
		s.mu.Unlock()
		b.mu.Unlock()
		s.forget()
		b.publishWill(s.owner, due)
	}
	// Here b.mu is held, and s.mu too if there is a session, which is nobody's.
	switch {
	case b.clients >= b.limits.MaximumConnections:
		code = wire.ServerBusy
	case !b.memory.room(need(s, p)):
		code = wire.QuotaExceeded
	case s == nil && (len(b.sessions) >= b.limits.MaximumSessions || c.user != nil && c.user.sessions >= c.user.MaximumSessions):
		code = wire.QuotaExceeded
	}
	if code != wire.Success {
		if s != nil {
			s.mu.Unlock()
		}
		b.mu.Unlock()
		return nil, false, code
	}
	if present = s != nil; present {
		if s.will != nil { // 3.1.3-9
			s.letGo(s.will)
			s.will = nil
			b.count.willsCancelled.Add(1)
		}
		if s.timer != nil {
			s.timer.Stop()
			s.timer = nil
		}
		b.count.resumed.Add(1)
	} else {
		b.sessionNumber++
		s = &session{b: b, id: p.ClientID, number: b.sessionNumber, user: c.user}
		s.owner = &owner{id: s.id, account: account{most: int64(b.limits.ClientMemory)}}
		b.memory.enter(s.owner, s.cost())
		s.mu.Lock()
		b.sessions[s.id] = s
		if s.user != nil {
			s.user.sessions++
		}
	}
	c.will = newWill(p.Will)
	b.memory.enter(s.owner, c.will.cost())
	s.conn, c.s = c, s
	s.online.Store(true)
	s.expiry = expiry
	s.window = c.receiveMaximum
	b.clients++
	b.mu.Unlock()
	return s, present, wire.Success
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
	s.online.Store(false)
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
	now := time.Now()
	switch {
	case w == nil:
	case ended || w.delay == 0:
		due = w
	case d.takeOver: // 3.1.3-9: the session goes on
		b.count.willsCancelled.Add(1)
	default:
		s.will, s.willAt = w, now.Add(w.delay)
		b.memory.enter(s.owner, w.cost())
	}
	if ended {
		s.end()
	} else {
		s.expiresAt = time.Time{}
		if s.expiry != never {
			s.expiresAt = now.Add(time.Duration(s.expiry) * time.Second)
		}
		if !b.closed {
			s.arm(now)
		}
	}
	b.keepWill(s.owner, due)
	s.mu.Unlock()
	b.mu.Unlock()
	if ended {
		s.forget()
	}
	return s.owner, due
}

// arm sets the timer for the next thing that is due while the client is away.
func (s *session) arm(now time.Time) {
	at := s.expiresAt
	if s.will != nil && (at.IsZero() || s.willAt.Before(at)) {
		at = s.willAt
	}
	if at.IsZero() {
		return
	}
	s.timer = time.AfterFunc(at.Sub(now), s.due)
}

// due is called by the timer.
func (s *session) due() {
	b := s.b
	if !b.enter() {
		return
	}
	defer b.leave()
	b.mu.Lock()
	s.mu.Lock()
	if s.ended || s.conn != nil {
		s.mu.Unlock()
		b.mu.Unlock()
		return
	}
	now := time.Now()
	var w *will
	expired := !s.expiresAt.IsZero() && !now.Before(s.expiresAt)
	switch {
	case expired:
		w = s.end()
	case s.will != nil && !now.Before(s.willAt):
		w, s.will = s.will, nil
		s.letGo(w)
	}
	if !expired {
		s.arm(now)
	}
	b.keepWill(s.owner, w)
	s.mu.Unlock()
	b.mu.Unlock()
	if expired {
		s.forget()
	}
	b.publishWill(s.owner, w)
}

// end takes the session out of the broker's table and returns the will that is
// due with it. The caller holds b.mu and s.mu, and calls forget when it has let
// go of b.mu.
func (s *session) end() *will {
	delete(s.b.sessions, s.id)
	if s.user != nil {
		s.user.sessions--
	}
	s.ended = true
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	w := s.will
	s.will = nil
	s.letGo(w)
	return w
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
	t := &s.b.topics
	for some := range slices.Chunk(s.subs.list, 128) { // the others wait meanwhile
		t.mu.Lock()
		for _, sub := range some {
			share, filter := splitShared(sub.filter)
			t.remove(share, filter, sub)
			s.b.memory.enter(s.owner, -sub.cost())
		}
		t.mu.Unlock()
	}
	s.forgot = true
	s.subs, s.feeds = subscriptions{}, nil
	left := s.shared()
	for _, q := range []*fifo[outgoing]{&s.redo, &s.unacked, &s.pending} {
		for i := range q.len() {
			s.release(q.at(i))
		}
		*q = fifo[outgoing]{}
	}
	s.b.memory.enter(s.owner, -s.cost()-costIncoming*len(s.incoming))
	s.released, s.incoming, s.queuedBytes = nil, nil, 0
	s.mu.Unlock()
	s.b.passOn(left)
}

// splitShared returns the share name, empty if there is none, and the filter.
func splitShared(filter string) (share, rest string) {
	if name, rest, ok := wire.SplitShared(filter); ok {
		return name, rest
	}
	return "", filter
}
