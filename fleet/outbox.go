package fleet

import (
	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// outboxSize bounds the QoS 1 and 2 messages of a device that wait for room in
// the broker's Receive Maximum or for an acknowledgement.
const outboxSize = 256

// outbox holds the QoS 1 and 2 messages of a session that are not acknowledged,
// in the order in which they were made (section 4.4, 4.6).
type outbox struct {
	messages []outgoing
	flying   int    // PUBLISHes of this connection that count against Receive Maximum
	last     uint16 // packet id given out last
}

// outgoing is one message of QoS 1 or 2.
type outgoing struct {
	packet   *[]byte // the encoded PUBLISH; nil once PUBREC was received, and when it is never sent again
	note     uint64  // the actor's own
	id       uint16
	qos      byte
	sent     bool // on this connection
	tried    bool // on an earlier one
	released bool // PUBREC was received, PUBREL sent
	counted  bool // in flying
}

// id returns a packet id that is not in use.
func (o *outbox) id() uint16 {
	for {
		o.last++
		// Ids are given out in turn, so those in use lie between the oldest and
		// the last, and a new one can only run into the oldest.
		if o.last == 0 || len(o.messages) > 0 && o.behind(o.last) && o.find(o.last) >= 0 {
			continue
		}
		return o.last
	}
}

// behind reports whether an id has gone round to the oldest message in use.
func (o *outbox) behind(id uint16) bool {
	oldest := o.messages[0].id
	newest := o.messages[len(o.messages)-1].id
	return id-oldest <= newest-oldest // in the arithmetic of 16 bits
}

func (o *outbox) find(id uint16) int {
	for i := range o.messages {
		if o.messages[i].id == id {
			return i
		}
	}
	return -1
}

// send publishes within what the broker allows: a lower QoS, no retain, not at
// all when the packet is too large for it.
func (s *session) send(p *wire.Publish) { s.sendNoted(p, 0) }

// sendNoted is send with a note that comes back with actor.acknowledged.
func (s *session) sendNoted(p *wire.Publish, note uint64) {
	f, lim := s.fleet, &s.link.limits
	p.QoS = min(p.QoS, lim.maximumQoS)
	p.Retain = p.Retain && !lim.noRetain
	if lim.maximumPacket > 0 && wire.PublishSize(p, wire.V5) > lim.maximumPacket {
		f.counts.TooLarge.Add(1)
		return
	}
	if p.QoS == 0 {
		b := s.buffer()
		*b = wire.AppendPublish(*b, p, wire.V5)
		return
	}
	if len(s.out.messages) >= outboxSize {
		f.counts.Dropped.Add(1)
		return
	}
	p.PacketID = s.out.id()
	packet := f.borrow()
	*packet = wire.AppendPublish(*packet, p, wire.V5)
	s.out.messages = append(s.out.messages, outgoing{packet: packet, id: p.PacketID, qos: p.QoS, note: note})
	s.out.pump(s)
}

// pump sends what waits, in order, as far as Receive Maximum allows (4.9).
func (o *outbox) pump(s *session) {
	for i := range o.messages {
		m := &o.messages[i]
		if m.sent {
			continue
		}
		if m.released {
			// A PUBREL is not held back by Receive Maximum, nor counted (4.9).
			s.postAck(packets.PUBREL, m.id, wire.Success)
		} else {
			if o.flying >= s.link.limits.receiveMaximum {
				return
			}
			if m.tried {
				wire.SetDup(*m.packet)
			}
			b := s.buffer()
			*b = append(*b, *m.packet...)
			o.flying++
			m.counted = true
		}
		m.sent = true
		if m.tried {
			s.fleet.counts.Resent.Add(1)
		}
	}
}

// disconnected notes that nothing is on its way any more.
func (o *outbox) disconnected() {
	o.flying = 0
	for i := range o.messages {
		m := &o.messages[i]
		m.tried = m.tried || m.sent
		m.sent, m.counted = false, false
	}
}

// forget drops everything, because the session it belonged to has ended, and
// returns how many messages that were.
func (o *outbox) forget(f *Fleet) int {
	n := len(o.messages)
	for i := range o.messages {
		f.giveBack(o.messages[i].packet)
	}
	o.messages, o.flying = nil, 0
	return n
}

// settleAck takes a PUBACK, PUBREC or PUBCOMP.
func (s *session) settleAck(typ byte, a wire.Ack) {
	o := &s.out
	i := o.find(a.PacketID)
	if a.Code >= 0x80 {
		s.fleet.counts.PublishRefused.Add(a.Code)
	}
	if i >= 0 && typ != packets.PUBCOMP {
		s.actor.acknowledged(o.messages[i].note, a.Code)
	}
	// What answers nothing of ours is let pass, but a PUBREC must have its
	// PUBREL, or the broker would wait for ever (3.6.2.1).
	if i < 0 || !o.messages[i].sent {
		if typ == packets.PUBREC && a.Code < 0x80 {
			s.postAck(packets.PUBREL, a.PacketID, wire.PacketIDNotFound)
		}
		return
	}
	m := &o.messages[i]
	switch {
	case typ == packets.PUBACK && m.qos == 1,
		typ == packets.PUBREC && m.qos == 2 && !m.released && a.Code >= 0x80,
		typ == packets.PUBCOMP && m.released:
		if m.counted {
			o.flying--
		}
		s.fleet.giveBack(m.packet)
		o.remove(i)
		o.pump(s)
	case typ == packets.PUBREC && m.qos == 2:
		s.fleet.giveBack(m.packet)
		m.packet, m.released = nil, true
		s.postAck(packets.PUBREL, m.id, wire.Success)
	}
}

// remove takes out a message, mostly the oldest.
func (o *outbox) remove(i int) {
	switch {
	case len(o.messages) == 1:
		o.messages = nil // an idle device holds nothing
	case i == 0:
		o.messages = o.messages[1:]
	default:
		o.messages = append(o.messages[:i], o.messages[i+1:]...)
	}
}

// sendOnce publishes at QoS 1 or 2 without keeping the packet: for sessions that
// end with their connection, where nothing is ever sent again. The caller has
// looked that Receive Maximum allows it. note comes back with actor.acknowledged.
func (s *session) sendOnce(p *wire.Publish, note uint64) {
	p.PacketID = s.out.id()
	b := s.buffer()
	*b = wire.AppendPublish(*b, p, wire.V5)
	s.out.messages = append(s.out.messages, outgoing{id: p.PacketID, qos: p.QoS, note: note, sent: true, counted: true})
	s.out.flying++
}
