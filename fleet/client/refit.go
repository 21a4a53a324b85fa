package client

import (
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// refit looks through what a resumed session still has to send: it must keep to
// the limits of the CONNACK of now, which may be other ones. What was never
// written is lowered as a new message would be. What was written may be sent again
// as it was only (4.4), and is dropped where the broker forbids that: its Maximum
// Packet Size (3.2.2-15), Maximum QoS (3.2.2-11) or Retain Available (3.2.2-14).
// Receive Maximum is looked after by pump, and there are no topic aliases.
func (s *Session) refit() {
	o, lim := &s.out, &s.link.limits
	for i := 0; i < len(o.messages); {
		m := &o.messages[i]
		if m.packet == nil { // a PUBREL, or dropped before
			i++
			continue
		}
		const retain = 0x01 // in the first byte (3.3.1.3)
		tooLarge := lim.MaximumPacket > 0 && len(*m.packet) > lim.MaximumPacket
		forbidden := m.qos > lim.MaximumQoS || lim.NoRetain && (*m.packet)[0]&retain != 0
		switch {
		case tooLarge || forbidden && m.written:
			if !s.discard(i, tooLarge) {
				i++
			}
		case forbidden:
			if !s.lower(i) {
				i++
			}
		default:
			i++
		}
	}
}

// discard drops a message for good. The packet id of one of QoS 2 that the broker
// may hold stays in use until the session ends: the broker would take another
// message with it for a repeat (4.3.3). It reports whether the message is gone
// from the outbox.
func (s *Session) discard(i int, tooLarge bool) bool {
	m, c := &s.out.messages[i], s.counts()
	switch {
	case m.written:
		c.Messages.Add(m.period, m.kind, metrics.Unacknowledged)
		s.follow(m.trace, TraceUnacknowledged, 0, false)
	default:
		c.Messages.Add(m.period, m.kind, metrics.OverSize)
	}
	if s.profile.Cohort.Devices {
		c.Unfit.Add(1)
		if tooLarge {
			c.TooLarge.Add(1)
		}
	}
	packet := m.packet
	if m.written && m.qos == 2 {
		s.out.bytes -= m.size()
		m.packet, m.kind = nil, metrics.NoMessage
		s.env.GiveBack(packet)
		return false
	}
	s.out.remove(i)
	s.env.GiveBack(packet)
	return true
}

// lower has a message that was never written keep to the Maximum QoS and Retain
// Available of now. At QoS 0 it goes at once, and is gone from the outbox: then it
// returns true.
func (s *Session) lower(i int) bool {
	m, lim := &s.out.messages[i], &s.link.limits
	p, err := wire.ParsePublish(wire.Frame(*m.packet), s.version())
	if err != nil { // it is our own
		return s.discard(i, false)
	}
	p.QoS = min(p.QoS, lim.MaximumQoS)
	p.Retain = p.Retain && !lim.NoRetain
	old := m.packet
	if p.QoS == 0 {
		b := s.buffer()
		*b = wire.AppendPublish(*b, &p, s.version())
		s.bill(m.kind, m.period, 0, 0, m.trace)
		s.out.remove(i)
		s.env.GiveBack(old)
		return true
	}
	s.out.bytes -= m.size()
	m.packet, m.qos = s.env.Borrow(), p.QoS
	*m.packet = wire.AppendPublish(*m.packet, &p, s.version())
	s.out.bytes += m.size()
	s.env.GiveBack(old)
	return false
}
