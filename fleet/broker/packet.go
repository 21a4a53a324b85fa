package broker

import (
	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// leave is the error that a DISCONNECT ends the reader with.
type leave struct{ will bool }

func (*leave) Error() string { return "the client disconnected" }

// packet handles one packet after the CONNECT. An error ends the connection.
func (c *conn) packet(f wire.Frame) error {
	switch t := f.Type(); t {
	case packets.PUBLISH:
		return c.publishIn(f)
	case packets.PUBACK, packets.PUBREC, packets.PUBREL, packets.PUBCOMP:
		a, err := wire.ParseAck(f, c.version)
		if err != nil {
			return err
		}
		return c.acknowledge(t, a)
	case packets.PINGREQ:
		if _, err := wire.Decode(f, c.version); err != nil {
			return err
		}
		c.send(wire.Pingresp[:])
		return nil
	case packets.CONNECT:
		return protocolError("a second CONNECT") // 3.1.0-2
	case packets.SUBSCRIBE, packets.UNSUBSCRIBE, packets.DISCONNECT:
	case packets.AUTH:
		return protocolError("an AUTH without an Authentication Method in the CONNECT") // 4.12.0-6
	default:
		return protocolError("a " + wire.TypeName(t) + " from a client")
	}
	p, err := c.decode(f)
	if err != nil {
		return err
	}
	switch p := p.(type) {
	case *packets.Subscribe:
		return c.subscribe(p)
	case *packets.Unsubscribe:
		return c.unsubscribe(p)
	case *packets.Disconnect:
		return c.disconnect(p)
	}
	return nil
}

// decode decodes a SUBSCRIBE, UNSUBSCRIBE or DISCONNECT. It returns nil for one that has been
// answered.
func (c *conn) decode(f wire.Frame) (packets.Packet, error) {
	if len(f) >= largePacket {
		c.b.parsing.Lock()
		defer c.b.parsing.Unlock()
	}
	if f.Type() != packets.DISCONNECT {
		if refused, err := c.tooMany(f); refused || err != nil {
			return nil, err
		}
	}
	if c.version == wire.V5 {
		f = wire.WithoutUsers(f)
	}
	return wire.Decode(f, c.version)
}

// largePacket is how many bytes a packet has that is parsed alone. A client can make parsing
// take some milliseconds for a megabyte, and a hundred that do would each have their turn
// before anybody else.
const largePacket = 64 << 10

// acknowledge handles PUBACK, PUBREC, PUBREL and PUBCOMP.
func (c *conn) acknowledge(t byte, a wire.Ack) error {
	if !ackCode(t, a.Code) {
		return &wire.Error{Code: wire.MalformedPacket, Text: "a " + wire.TypeName(t) + " with a reason code that it cannot have"}
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != c {
		return errGone
	}
	switch t {
	case packets.PUBACK:
		return s.puback(a)
	case packets.PUBREC:
		return s.pubrec(c, a)
	case packets.PUBREL:
		s.pubrel(c, a)
		return nil
	default:
		return s.pubcomp(a)
	}
}

// ackCode reports whether an acknowledgement may have a reason code (3.4.2-1,
// 3.5.2-1, 3.6.2-1, 3.7.2-1).
func ackCode(t, code byte) bool {
	switch code {
	case wire.Success:
		return true
	case wire.NoMatchingSubscribers, wire.UnspecifiedError, wire.ImplementationError, wire.NotAuthorized,
		wire.TopicNameInvalid, wire.PacketIDInUse, wire.QuotaExceeded, wire.PayloadFormatInvalid:
		return t == packets.PUBACK || t == packets.PUBREC
	case wire.PacketIDNotFound:
		return t == packets.PUBREL || t == packets.PUBCOMP
	}
	return false
}

// disconnect handles a DISCONNECT (section 3.14).
func (c *conn) disconnect(p *packets.Disconnect) error {
	if !departureCode(p.ReasonCode) {
		return protocolError("a DISCONNECT with a reason code that a client may not send") // 3.14.2-1
	}
	s := c.s
	if p.Properties != nil && p.Properties.SessionExpiryInterval != nil {
		expiry := *p.Properties.SessionExpiryInterval
		if c.connectExpiry == 0 && expiry != 0 {
			return protocolError("a DISCONNECT that sets a Session Expiry Interval, after 0 in the CONNECT") // 3.1.2.11.2
		}
		s.mu.Lock()
		if s.conn == c {
			s.expiry = min(expiry, c.b.limits.maxSessionExpiry)
		}
		s.mu.Unlock()
	}
	return &leave{will: c.version == wire.V5 && p.ReasonCode != 0} // 3.14.4-3
}

// departureCode reports whether a client may send a DISCONNECT with this reason
// code (section 3.14.2.1).
func departureCode(code byte) bool {
	switch code {
	case wire.Success, wire.DisconnectWithWill, wire.UnspecifiedError, wire.MalformedPacket, wire.ProtocolError,
		wire.ImplementationError, wire.TopicNameInvalid, wire.ReceiveMaximumExceeded, wire.TopicAliasInvalid,
		wire.PacketTooLarge, wire.MessageRateTooHigh, wire.QuotaExceeded, wire.AdministrativeAction, wire.PayloadFormatInvalid:
		return true
	}
	return false
}
