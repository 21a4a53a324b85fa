package wire

import "github.com/eclipse/paho.golang/packets"

// Ack is a PUBACK, PUBREC, PUBREL or PUBCOMP (sections 3.4 to 3.7).
type Ack struct {
	PacketID uint16
	Code     byte // Success before version 5
}

// ParseAck decodes and checks one of the four acknowledgements, without
// allocation. Its Reason String and User Properties are checked and left out.
func ParseAck(f Frame, v Version) (Ack, error) {
	want := byte(0)
	if f.Type() == packets.PUBREL {
		want = 2
	}
	if f.Flags() != want {
		return Ack{}, malformed("a " + TypeName(f.Type()) + " with wrong flags") // 3.6.1-1
	}
	c := cursor{b: f.Body()}
	a := Ack{PacketID: c.uint16()}
	if c.err == nil && a.PacketID == 0 {
		return a, protocolError("a " + TypeName(f.Type()) + " with Packet Identifier 0")
	}
	if v == V5 && len(c.b) > 0 {
		a.Code = c.byte()
		if len(c.b) > 0 {
			c.properties(f.Type(), nil)
		}
	}
	return a, c.end(f)
}

// AckReason returns the Reason String of an acknowledgement that ParseAck has taken (3.4.2.2.2);
// "" if it has none.
func AckReason(f Frame, v Version) (reason string) {
	body := f.Body()
	if v != V5 || len(body) < 4 { // packet id, code, properties
		return ""
	}
	c := cursor{b: body[3:]}
	c.properties(f.Type(), func(p property) {
		if p.id == packets.PropReasonString {
			reason = string(p.bytes)
		}
	})
	return reason
}

// AppendAck encodes one of the four acknowledgements in its shortest form.
func AppendAck(dst []byte, typ byte, a Ack, v Version) []byte {
	first := typ << 4
	if typ == packets.PUBREL {
		first |= 2
	}
	if v != V5 || a.Code == Success {
		return append(dst, first, 2, byte(a.PacketID>>8), byte(a.PacketID))
	}
	return append(dst, first, 3, byte(a.PacketID>>8), byte(a.PacketID), a.Code)
}

// end checks that nothing is left over and returns the first error.
func (c *cursor) end(f Frame) error {
	if c.err != nil {
		return c.err
	}
	if len(c.b) > 0 {
		return malformed("a " + TypeName(f.Type()) + " with " + itoa(len(c.b)) + " bytes too many")
	}
	return nil
}
