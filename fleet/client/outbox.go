package client

import (
	"slices"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// outboxSize bounds the QoS 1 and 2 messages of a device that wait for room in
// the broker's Receive Maximum or for an acknowledgement.
const (
	outboxSize  = 256
	outboxBytes = 1 << 20
)

// outbox holds the QoS 1 and 2 messages of a session that are not acknowledged,
// in the order in which they were made (section 4.4, 4.6).
type outbox struct {
	messages []outgoing
	ids      *idTable // those in use; nil while they are few
	bytes    int      // of the packets
	flying   int      // PUBLISHes of this connection that count against Receive Maximum
	last     uint16   // packet id given out last
}

// outgoing is one message of QoS 1 or 2.
type outgoing struct {
	packet   *[]byte // the encoded PUBLISH; nil once PUBREC was received, and when it is never sent again
	note     uint64  // the handler's own
	id       uint16
	qos      byte
	kind     metrics.MessageKind
	period   metrics.Period
	trace    Trace
	sent     bool          // on this connection, or about to be
	written  bool          // on this one or an earlier one
	released bool          // PUBREC was received, PUBREL sent
	counted  bool          // in flying
	broke    bool          // the connection that it was written to last has broken
	overdue  bool          // that one has ended in order, and the acknowledgement had had ackTime to come
	at       time.Duration // when it, or its PUBREL, was written last, on the fleet's clock
}

// ackTime is how long an acknowledgement has before it is missed: the standard gives no
// time, and what was sent just before the end says nothing.
const ackTime = time.Second

// takes reports whether there is room for a message whose packet has so many bytes.
func (o *outbox) takes(size int) bool {
	return len(o.messages) < outboxSize && o.bytes+size <= outboxBytes
}

// id returns a packet id that is not in use.
func (o *outbox) id() uint16 {
	for {
		o.last++
		if o.last != 0 && !o.used(o.last) {
			return o.last
		}
	}
}

// fewIDs are looked through faster than a table is kept.
const fewIDs = 32

// idTable has a bit for each packet id.
type idTable [1 << 16 / 64]uint64

func (t *idTable) set(id uint16)      { t[id/64] |= 1 << (id % 64) }
func (t *idTable) clear(id uint16)    { t[id/64] &^= 1 << (id % 64) }
func (t *idTable) has(id uint16) bool { return t[id/64]&(1<<(id%64)) != 0 }

func (o *outbox) used(id uint16) bool {
	if o.ids != nil {
		return o.ids.has(id)
	}
	return o.find(id) >= 0
}

func (m *outgoing) size() int {
	if m.packet == nil {
		return 0
	}
	return len(*m.packet)
}

// add appends a message.
func (o *outbox) add(m outgoing) {
	o.messages = append(o.messages, m)
	o.bytes += m.size()
	switch {
	case o.ids != nil:
		o.ids.set(m.id)
	case len(o.messages) > fewIDs:
		o.ids = new(idTable)
		for i := range o.messages {
			o.ids.set(o.messages[i].id)
		}
	}
}

// written notes that the PUBLISH with this id has been; it is mostly the last.
func (o *outbox) written(id uint16, now time.Duration) {
	for i := len(o.messages) - 1; i >= 0; i-- {
		if m := &o.messages[i]; m.id == id {
			m.written, m.at = true, now
			return
		}
	}
}

func (o *outbox) find(id uint16) int {
	for i := range o.messages {
		if o.messages[i].id == id {
			return i
		}
	}
	return -1
}

// Send publishes within what the broker allows: a lower QoS, no retain, not at
// all when the packet is too large for it.
// It reports whether the message is on its way, or waits to be; what becomes of
// it is counted under its kind.
func (s *Session) Send(p *wire.Publish, kind metrics.MessageKind) bool {
	return s.SendMade(p, kind, s.env.now(), 0)
}

// SendMade is Send for a message that was made at a moment of the fleet's clock,
// which says what part of the run it belongs to. The note comes back with
// Acknowledged.
func (s *Session) SendMade(p *wire.Publish, kind metrics.MessageKind, made time.Duration, note uint64) bool {
	return s.SendTraced(p, kind, made, note, Trace{})
}

// SendTraced is SendMade for a message that its handler follows.
func (s *Session) SendTraced(p *wire.Publish, kind metrics.MessageKind, made time.Duration, note uint64, t Trace) bool {
	e, lim, period := s.env, &s.link.limits, s.env.Period(made)
	p.QoS = min(p.QoS, lim.MaximumQoS)
	p.Retain = p.Retain && !lim.NoRetain
	if lim.MaximumPacket > 0 && wire.PublishSize(p, s.version()) > lim.MaximumPacket {
		s.refuse(kind, period, metrics.OverSize)
		return false
	}
	if p.QoS == 0 {
		b := s.buffer()
		*b = wire.AppendPublish(*b, p, s.version())
		s.bill(kind, period, 0, 0, t)
		return true
	}
	if !s.out.takes(wire.PublishSize(p, s.version())) {
		s.refuse(kind, period, metrics.QueueFull)
		return false
	}
	p.PacketID = s.out.id()
	packet := e.Borrow()
	*packet = wire.AppendPublish(*packet, p, s.version())
	if cap(*packet) > 4*len(*packet) && cap(*packet) > 4096 {
		exact := slices.Clone(*packet) // a large buffer is not to lie here half empty
		e.GiveBack(packet)
		packet = &exact
	}
	s.out.add(outgoing{packet: packet, id: p.PacketID, qos: p.QoS, note: note, kind: kind, period: period, trace: t})
	s.out.pump(s)
	return true
}

// refuse counts a message that is not sent for a fate of its own.
func (s *Session) refuse(kind metrics.MessageKind, period metrics.Period, why metrics.Fate) {
	c := s.counts()
	c.Messages.Add(period, kind, why)
	switch {
	case !s.profile.Cohort.Devices:
	case why == metrics.OverSize:
		if c.TooLarge.Add(1) == 1 {
			s.env.Log.Warn("messages are too large for the broker and are not sent; the counts say how many",
				"first", s.name, "Maximum Packet Size", s.link.limits.MaximumPacket)
		}
	case why == metrics.QueueFull:
		c.Dropped.Add(1)
	}
}

// pump sends what waits, in order, as far as Receive Maximum allows (4.9), unless
// DISCONNECT has been sent.
func (o *outbox) pump(s *Session) {
	if s.link.said { // 3.14.4-1
		return
	}
	for i := range o.messages {
		m := &o.messages[i]
		if m.sent || m.packet == nil && !m.released {
			continue
		}
		if m.released {
			// A PUBREL is not held back by Receive Maximum, nor counted (4.9).
			s.postAck(packets.PUBREL, m.id, wire.Success)
		} else {
			if o.flying >= s.link.limits.ReceiveMaximum {
				return
			}
			b := s.buffer()
			if m.written { // on an earlier connection (3.3.1-1)
				wire.SetDup(*m.packet)
				*b = append(*b, *m.packet...)
				s.follow(m.trace, TraceResent, 0, false)
			} else {
				*b = append(*b, *m.packet...)
				s.bill(m.kind, m.period, m.id, m.qos, m.trace)
			}
			m.broke = false
			o.flying++
			m.counted = true
		}
		m.sent = true
		if m.written {
			m.at, m.overdue = s.env.now(), false
			if s.profile.Cohort.Devices {
				s.counts().Resent.Add(1)
			}
		}
	}
}

// disconnected notes that nothing is on its way any more; broke says that the
// connection did not end in an orderly way. What was written up to the moment missed,
// which is negative where the connection tells nothing, was to be acknowledged.
func (o *outbox) disconnected(broke bool, missed time.Duration) {
	o.flying = 0
	for i := range o.messages {
		m := &o.messages[i]
		m.broke = m.broke || m.sent && broke
		m.overdue = m.sent && m.written && m.at <= missed
		m.sent, m.counted = false, false
	}
}

// forget drops everything, because the session it belonged to has ended, and
// returns how many messages that were.
func (o *outbox) forget(e *Env) int {
	n := len(o.messages)
	for i := range o.messages {
		e.GiveBack(o.messages[i].packet)
	}
	*o = outbox{last: o.last}
	return n
}

// unsaid says that the broker refused a message (3.4.2.1, 3.5.2.1).
func (s *Session) unsaid(packet *[]byte, code byte) {
	if packet == nil {
		return
	}
	var framer wire.Framer
	chunk := *packet
	frame, err := framer.Next(&chunk)
	if err != nil || frame == nil {
		return
	}
	if p, err := wire.ParsePublish(frame, s.version()); err == nil && len(p.Topic) > 0 {
		refused := RefusedError{Code: code, Packet: "PUBACK"}
		s.env.Faults.mention(refused.Error(), s.name, "topic", string(p.Topic))
	}
}

// settleAck takes a PUBACK, PUBREC or PUBCOMP.
func (s *Session) settleAck(typ byte, a wire.Ack) {
	o := &s.out
	i := o.find(a.PacketID)
	if a.Code == wire.NoMatchingSubscribers && typ != packets.PUBCOMP {
		s.counts().NoSubscribers.Add(1)
	}
	if !wire.HasReason(typ, a.Code) {
		s.counts().BadPackets.Add(1) // what it means is told by 0x80 (2.4)
	}
	// A PUBREL that is sent again as the session goes on may find that its message is through,
	// or that the session is another client's: that is no error then (3.7.2.1).
	recovers := typ == packets.PUBCOMP && i >= 0 && o.messages[i].released && !o.messages[i].counted
	if a.Code >= 0x80 && s.profile.Cohort.Devices && !(recovers && a.Code == wire.PacketIDNotFound) {
		s.counts().PublishRefused.Add(a.Code)
		if i >= 0 {
			s.unsaid(o.messages[i].packet, a.Code)
		}
	}
	// What answers nothing of ours is let pass, but a PUBREC must have its
	// PUBREL, or the broker would wait for ever (3.6.2.1).
	if i < 0 || !o.messages[i].sent {
		s.counts().StrayAcks.Add(1)
		if typ == packets.PUBREC && a.Code < 0x80 {
			s.postAck(packets.PUBREL, a.PacketID, wire.PacketIDNotFound)
		}
		return
	}
	m := &o.messages[i]
	note, first := m.note, !m.released
	switch {
	case typ == packets.PUBACK && m.qos == 1,
		typ == packets.PUBREC && m.qos == 2 && !m.released && a.Code >= 0x80,
		typ == packets.PUBCOMP && m.released:
		if m.counted {
			o.flying--
		}
		if a.Code >= 0x80 && !m.released {
			s.counts().Messages.Add(m.period, m.kind, metrics.Rejected)
			s.follow(m.trace, TraceRefused, 0, false)
		}
		packet := m.packet
		o.remove(i)
		s.env.GiveBack(packet)
		if typ != packets.PUBCOMP {
			s.acknowledged(note, a.Code)
		} else {
			if h, ok := s.handler.(Completed); ok {
				h.Completed(note)
			}
			s.acknowledged(NoNote, a.Code)
		}
		o.pump(s)
	case typ == packets.PUBREC && m.qos == 2:
		o.bytes -= m.size()
		s.env.GiveBack(m.packet)
		m.packet, m.released, m.at = nil, true, s.env.now()
		s.postAck(packets.PUBREL, m.id, wire.Success)
		if first {
			s.acknowledged(note, a.Code)
		} else {
			s.counts().StrayAcks.Add(1)
		}
	default: // of another kind than the message wants
		s.counts().StrayAcks.Add(1)
	}
}

// acknowledged tells a handler that wants to know of the answer to a message.
func (s *Session) acknowledged(note uint64, code byte) {
	if h, ok := s.handler.(Acknowledged); ok {
		h.Acknowledged(note, code)
	}
}

// remove takes out a message, mostly the oldest.
func (o *outbox) remove(i int) {
	if o.ids != nil {
		o.ids.clear(o.messages[i].id)
	}
	o.bytes -= o.messages[i].size()
	switch n := len(o.messages); {
	case n == 1 && cap(o.messages) > 2:
		o.messages, o.ids = nil, nil // an idle session holds next to nothing
	case i == 0 && n > 8:
		o.messages[0] = outgoing{}
		o.messages = o.messages[1:]
	default:
		copy(o.messages[i:], o.messages[i+1:])
		o.messages[n-1] = outgoing{}
		o.messages = o.messages[:n-1]
	}
}

// SendOnce publishes without keeping the packet, nor counting it: for sessions that end
// with their connection, where nothing is ever sent again. The caller has looked that
// the broker's limits allow it. The note of a message of QoS 1 or 2 comes back with
// Acknowledged.
func (s *Session) SendOnce(p *wire.Publish, note uint64) {
	if p.QoS > 0 {
		p.PacketID = s.out.id()
	}
	b := s.buffer()
	*b = wire.AppendPublish(*b, p, s.version())
	if p.QoS > 0 {
		s.out.add(outgoing{id: p.PacketID, qos: p.QoS, note: note, sent: true, written: true, counted: true, at: s.env.now()})
		s.out.flying++
	}
}
