package client

import (
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// handle does what one packet of the broker asks for.
func (s *Session) handle(frame wire.Frame) error {
	l := s.link
	if !l.connected {
		return s.connack(frame)
	}
	switch t := frame.Type(); t {
	case packets.PUBLISH:
		return s.incoming(frame)
	case packets.PUBACK, packets.PUBREC, packets.PUBCOMP:
		ack, err := wire.ParseAck(frame, s.version())
		if err != nil {
			return s.broke(err)
		}
		if ack.Code >= 0x80 {
			s.tellReason(frame)
		}
		s.settleAck(t, ack)
	case packets.PUBREL:
		ack, err := wire.ParseAck(frame, s.version())
		if err != nil {
			return s.broke(err)
		}
		if !wire.HasReason(t, ack.Code) {
			s.counts().BadPackets.Add(1) // 3.6.2-1
		}
		code := byte(wire.Success)
		switch i := s.received.released(ack.PacketID); {
		case i < 0:
			code = wire.PacketIDNotFound
		case i < l.inherited:
			l.inherited--
		}
		s.postAck(packets.PUBCOMP, ack.PacketID, code)
	case packets.SUBACK:
		return s.suback(frame)
	case packets.PINGRESP:
		if _, err := wire.Decode(frame, s.version()); err != nil {
			return s.broke(err)
		}
		l.pongBy = time.Time{}
		if l.account != nil {
			l.heard, l.arrives = max(l.heard, l.pinged), max(l.arrives, l.pinged)
			if h, ok := s.handler.(Ponged); ok {
				h.Ponged(l.pinged)
			}
		}
		if h, ok := s.handler.(HearsPingresp); ok {
			h.Pingresp()
		}
	case packets.DISCONNECT:
		if s.V311() { // which has none that the server sends (3.14)
			return s.broke(&wire.Error{Code: wire.ProtocolError, Text: "a DISCONNECT, which no server of MQTT 3.1.1 sends"})
		}
		packet, err := wire.Decode(frame, s.version())
		if err != nil {
			return s.broke(err)
		}
		d := packet.(*packets.Disconnect)
		s.counts().Disconnected.Add(d.ReasonCode)
		return s.fail("", &RefusedError{Code: d.ReasonCode, Reason: d.Properties.ReasonString,
			ServerReference: d.Properties.ServerReference, Packet: "DISCONNECT"})
	case packets.AUTH:
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: noAuth})
	default:
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: "a " + wire.TypeName(t) + " where none belongs"})
	}
	return nil
}

// incoming takes a PUBLISH: it acknowledges, and acts on what is not a repeat.
// The acknowledgement is written together with the reply, ahead of it, so
// PUBACKs go out in the order of the PUBLISHes (4.6.0-2).
func (s *Session) incoming(frame wire.Frame) error {
	p := s.env.publish()
	defer s.env.publishes.Put(p)
	var err error
	if *p, err = wire.ParsePublish(frame, s.version()); err != nil {
		return s.broke(err)
	}
	if h, ok := s.handler.(Rejects); ok {
		if err := h.Reject(p); err != nil {
			return s.reject(err)
		}
	}
	if p.Props.HasTopicAlias { // none was allowed (3.3.2-9)
		return s.broke(&wire.Error{Code: wire.TopicAliasInvalid, Text: "a Topic Alias, but none was allowed"})
	}
	switch p.QoS {
	case 1:
		if !s.withholds() {
			s.postAck(packets.PUBACK, p.PacketID, wire.Success)
		}
	case 2:
		if i := s.received.find(p.PacketID); i >= 0 {
			s.received[i].at = s.env.now()
			if s.profile.Cohort.Devices {
				s.counts().Duplicates.Add(1)
			}
			s.postAck(packets.PUBREC, p.PacketID, wire.Success)
			return nil
		}
		// Receive Maximum is of a connection: what came on an earlier one does not count
		// any more, though its PUBREL is still to come (3.3.4-9, 4.9).
		if len(s.received)-s.link.inherited >= s.link.mayReceive {
			return s.broke(&wire.Error{Code: wire.ReceiveMaximumExceeded, Text: "more QoS 2 messages under way than Receive Maximum"})
		}
		m := unreleased{id: p.PacketID, at: withheld}
		if !s.withholds() {
			m.at = s.env.now()
			s.postAck(packets.PUBREC, p.PacketID, wire.Success)
		}
		s.received = append(s.received, m)
	}
	s.handler.Message(p)
	return nil
}

// withholds reports whether a message is not to be acknowledged.
func (s *Session) withholds() bool {
	h, ok := s.handler.(Withholds)
	if ok = ok && h.Withholds(); ok {
		s.Provoke()
	}
	return ok
}

// tellReason has a handler that wants it hear what the broker says of a refusal.
func (s *Session) tellReason(frame wire.Frame) {
	if h, ok := s.handler.(HearsReasons); ok {
		h.Refused(wire.AckReason(frame, s.version()))
	}
}
