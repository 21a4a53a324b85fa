package wire

import (
	"bytes"

	"github.com/eclipse/paho.golang/packets"
)

// Decode checks and decodes a control packet other than CONNECT, PUBLISH and
// the four acknowledgements, which have functions of their own. The result is
// the library's struct for it, such as *packets.Subscribe; for versions before
// 5 its fields are set as version 5 means them, with Properties empty. The
// reason codes in a *packets.Suback or *packets.Unsuback point into the frame.
// The error is an [*Error].
func Decode(f Frame, v Version) (packets.Packet, error) {
	if v != V5 {
		return decodeV311(f)
	}
	if err := check(f); err != nil {
		return nil, err
	}
	if p := decodeArrival(f); p != nil {
		return p, nil
	}
	cp := packets.NewControlPacket(f.Type())
	if f.Type() == packets.DISCONNECT && len(f.Body()) == 0 {
		return cp.Content, nil // 3.14.2.1: absent is 0x00; the library calls it an error
	}
	if err := cp.Content.Unpack(bytes.NewBuffer(f.Body())); err != nil {
		return nil, malformed("a " + TypeName(f.Type()) + " that cannot be read: " + err.Error())
	}
	return cp.Content, nil
}

// check holds a packet against the standard, for what the library does not look
// at: reserved bits, properties that do not belong or stand twice, lengths,
// UTF-8, ranges.
func check(f Frame) error {
	c := cursor{b: f.Body()}
	t := f.Type()
	name := TypeName(t)
	want := byte(0)
	if t == packets.SUBSCRIBE || t == packets.UNSUBSCRIBE {
		want = 2
	}
	if f.Flags() != want {
		return malformed("a " + name + " with wrong flags") // 2.1.3-1
	}
	switch t {
	case packets.CONNACK:
		if flags := c.byte(); flags > 1 {
			return malformed("a CONNACK with reserved flags set")
		}
		c.byte()
		c.properties(t, nil)
	case packets.SUBSCRIBE, packets.UNSUBSCRIBE:
		return c.filters(f, V5)
	case packets.SUBACK, packets.UNSUBACK:
		c.packetID(t)
		c.properties(t, nil)
		c.reasons(t)
	case packets.PINGREQ, packets.PINGRESP:
	case packets.DISCONNECT, packets.AUTH:
		if len(c.b) > 0 {
			c.byte()
		}
		var method, data bool
		if len(c.b) > 0 {
			c.properties(t, func(p property) {
				method = method || p.id == packets.PropAuthMethod
				data = data || p.id == packets.PropAuthData
			})
		}
		if c.err == nil && t == packets.AUTH && data && !method {
			return protocolError("Authentication Data without an Authentication Method")
		}
	default:
		return protocolError("a " + name + " where none belongs")
	}
	return c.end(f)
}

// reasons takes the reason codes of a SUBACK or UNSUBACK. There is at least one,
// since there is at least one topic filter to answer (3.9.3, 3.11.3).
func (c *cursor) reasons(t byte) []byte {
	r := c.b
	if c.err == nil && len(r) == 0 {
		c.fail(malformed("a " + TypeName(t) + " without a reason code"))
	}
	c.b = nil
	return r
}

func (c *cursor) packetID(t byte) uint16 {
	id := c.uint16()
	if c.err == nil && id == 0 {
		c.fail(protocolError("a " + TypeName(t) + " with Packet Identifier 0"))
	}
	return id
}

// filters checks what follows the fixed header of a SUBSCRIBE or UNSUBSCRIBE.
// Whether a filter is valid is not looked at: that is answered one by one.
func (c *cursor) filters(f Frame, v Version) error {
	t := f.Type()
	c.packetID(t)
	if v == V5 {
		c.properties(t, nil)
	}
	if c.err == nil && len(c.b) == 0 {
		return protocolError("a " + TypeName(t) + " without a topic filter") // 3.8.3-2, 3.10.3-2
	}
	for c.err == nil && len(c.b) > 0 {
		filter := c.utf8("a topic filter")
		if t == packets.UNSUBSCRIBE {
			continue
		}
		o := c.byte()
		_, _, shared := SplitShared(string(filter))
		switch {
		case c.err != nil:
		case v != V5 && o > 2:
			return malformed("a requested QoS of " + itoa(int(o)))
		case o&0xc0 != 0:
			return malformed("subscription options with reserved bits set") // 3.8.3-5
		case o&3 == 3:
			return protocolError("a subscription with QoS 3")
		case o&0x30 == 0x30:
			return protocolError("a subscription with Retain Handling 3")
		case o&4 != 0 && shared:
			return protocolError("No Local on a shared subscription") // 3.8.3-4
		}
	}
	return c.end(f)
}

// CountFilters checks a SUBSCRIBE or UNSUBSCRIBE as [Decode] does, and returns its
// Packet Identifier and how many filters it has, without keeping any.
func CountFilters(f Frame, v Version) (id uint16, n int, err error) {
	if f.Flags() != 2 {
		return 0, 0, malformed("a " + TypeName(f.Type()) + " with wrong flags") // 2.1.3-1
	}
	c := cursor{b: f.Body()}
	if err := (&cursor{b: c.b}).filters(f, v); err != nil {
		return 0, 0, err
	}
	id = c.uint16()
	if v == V5 {
		c.properties(f.Type(), nil)
	}
	for ; c.err == nil && len(c.b) > 0; n++ {
		c.binary()
		if f.Type() == packets.SUBSCRIBE {
			c.byte()
		}
	}
	return id, n, c.err
}

// decodeV311 decodes for MQTT 3.1 and 3.1.1, whose packets have no properties.
func decodeV311(f Frame) (packets.Packet, error) {
	c := cursor{b: f.Body()}
	t := f.Type()
	want := byte(0)
	if t == packets.SUBSCRIBE || t == packets.UNSUBSCRIBE {
		want = 2
	}
	if f.Flags() != want {
		return nil, malformed("a " + TypeName(t) + " with wrong flags")
	}
	cp := packets.NewControlPacket(t)
	switch p := cp.Content.(type) {
	case *packets.Connack:
		flags := c.byte()
		if flags > 1 {
			return nil, malformed("a CONNACK with reserved flags set")
		}
		p.SessionPresent = flags == 1
		p.ReasonCode = c.byte()
		switch {
		case c.err != nil:
		case p.ReasonCode > returnNotAuthorized:
			return nil, protocolError("a CONNACK with return code " + itoa(int(p.ReasonCode))) // 3.1.1: 3.2.2.3
		case p.SessionPresent && p.ReasonCode != 0:
			return nil, protocolError("a CONNACK that refuses, with Session Present") // 3.1.1: 3.2.2-4
		}
	case *packets.Subscribe:
		if err := (&cursor{b: c.b}).filters(f, V311); err != nil {
			return nil, err
		}
		p.PacketID = c.uint16()
		for len(c.b) > 0 {
			s := packets.SubOptions{Topic: string(c.binary())}
			s.QoS = c.byte()
			p.Subscriptions = append(p.Subscriptions, s)
		}
	case *packets.Unsubscribe:
		if err := (&cursor{b: c.b}).filters(f, V311); err != nil {
			return nil, err
		}
		p.PacketID = c.uint16()
		for len(c.b) > 0 {
			p.Topics = append(p.Topics, string(c.binary()))
		}
	case *packets.Suback:
		p.PacketID = c.packetID(t)
		p.Reasons = c.reasons(t)
		for _, r := range p.Reasons {
			if r > 2 && r != UnspecifiedError {
				return nil, malformed("a SUBACK with return code " + itoa(int(r))) // 3.1.1: 3.9.3-2
			}
		}
	case *packets.Unsuback:
		p.PacketID = c.packetID(t)
	case *packets.Pingreq, *packets.Pingresp, *packets.Disconnect:
	default:
		return nil, protocolError("a " + TypeName(t) + " where none belongs")
	}
	if err := c.end(f); err != nil {
		return nil, err
	}
	return cp.Content, nil
}

// Append encodes a packet that [Decode] decodes. For versions before 5 the
// reason codes of a CONNACK and a SUBACK are turned into what was there then.
func Append(dst []byte, p packets.Packet, v Version) []byte {
	if v != V5 {
		return appendV311(dst, p)
	}
	var b bytes.Buffer
	// A write to a bytes.Buffer cannot fail.
	_, _ = p.WriteTo(&b)
	return append(dst, b.Bytes()...)
}

func appendV311(dst []byte, p packets.Packet) []byte {
	switch p := p.(type) {
	case *packets.Connack:
		present := byte(0)
		if p.SessionPresent && p.ReasonCode == Success { // 3.1.1: 3.2.2-4
			present = 1
		}
		return append(dst, packets.CONNACK<<4, 2, present, ReturnCodeOfReason(p.ReasonCode))
	case *packets.Subscribe:
		var b []byte
		b = appendUint16(b, p.PacketID)
		for _, s := range p.Subscriptions {
			b = append(appendString(b, s.Topic), s.QoS)
		}
		return append(appendUvarint(append(dst, packets.SUBSCRIBE<<4|2), len(b)), b...)
	case *packets.Unsubscribe:
		var b []byte
		b = appendUint16(b, p.PacketID)
		for _, topic := range p.Topics {
			b = appendString(b, topic)
		}
		return append(appendUvarint(append(dst, packets.UNSUBSCRIBE<<4|2), len(b)), b...)
	case *packets.Suback:
		dst = appendUvarint(append(dst, packets.SUBACK<<4), 2+len(p.Reasons))
		dst = appendUint16(dst, p.PacketID)
		for _, r := range p.Reasons {
			dst = append(dst, min(r, UnspecifiedError))
		}
		return dst
	case *packets.Unsuback:
		return appendUint16(append(dst, packets.UNSUBACK<<4, 2), p.PacketID)
	case *packets.Disconnect:
		return append(dst, packets.DISCONNECT<<4, 0)
	case *packets.Pingreq:
		return append(dst, Pingreq[:]...)
	case *packets.Pingresp:
		return append(dst, Pingresp[:]...)
	}
	return dst
}
