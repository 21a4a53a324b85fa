package wire

import "github.com/eclipse/paho.golang/packets"

// Publish is a PUBLISH (section 3.3). Slices read by [ParsePublish] point into
// the frame.
type Publish struct {
	Topic    []byte
	Payload  []byte
	Props    Properties
	PacketID uint16 // not 0 when QoS > 0
	QoS      byte
	Dup      bool
	Retain   bool
}

// ParsePublish decodes and checks a PUBLISH of a connection of version v. It
// allocates only for repeated Subscription Identifiers and for User Properties
// that do not stand together. What depends on the connection's state is the
// caller's to check: Topic Aliases, Maximum QoS, Receive Maximum, and whether
// the sender may set Subscription Identifiers. A topic that is empty is only
// valid together with a Topic Alias.
//
// The error is an [*Error].
func ParsePublish(f Frame, v Version) (Publish, error) {
	flags := f.Flags()
	p := Publish{QoS: flags >> 1 & 3, Dup: flags&8 != 0, Retain: flags&1 != 0}
	if p.QoS == 3 {
		return p, malformed("a PUBLISH with both QoS bits set") // 3.3.1-4
	}
	if p.QoS == 0 && p.Dup {
		return p, malformed("a PUBLISH of QoS 0 with DUP set") // 3.3.1-2
	}
	c := cursor{b: f.Body()}
	p.Topic = c.utf8("the Topic Name")
	if p.QoS > 0 {
		p.PacketID = c.uint16()
		if c.err == nil && p.PacketID == 0 {
			return p, protocolError("a PUBLISH with Packet Identifier 0") // 2.2.1-3
		}
	}
	if v == V5 {
		c.message(&p.Props, packets.PUBLISH, nil)
	}
	if c.err != nil {
		return p, c.err
	}
	if hasWildcard(p.Topic) {
		return p, &Error{TopicNameInvalid, "a Topic Name with a wildcard"} // 3.3.2-2
	}
	if len(p.Topic) == 0 && !p.Props.HasTopicAlias {
		return p, protocolError("a PUBLISH without Topic Name and Topic Alias")
	}
	p.Payload = c.b
	return p, nil
}

// PublishSize returns the length of the whole packet that AppendPublish makes.
func PublishSize(p *Publish, v Version) int {
	n := stringSize(p.Topic) + len(p.Payload)
	if p.QoS > 0 {
		n += 2
	}
	if v == V5 {
		ps := p.Props.size()
		n += uvarintWidth(ps) + ps
	}
	return 1 + uvarintWidth(n) + n
}

// AppendPublish encodes a PUBLISH. Properties are left out for versions before 5.
func AppendPublish(dst []byte, p *Publish, v Version) []byte {
	first := byte(packets.PUBLISH<<4) | p.QoS<<1
	if p.Dup {
		first |= 8
	}
	if p.Retain {
		first |= 1
	}
	n := stringSize(p.Topic) + len(p.Payload)
	if p.QoS > 0 {
		n += 2
	}
	ps := 0
	if v == V5 {
		ps = p.Props.size()
		n += uvarintWidth(ps) + ps
	}
	dst = appendUvarint(append(dst, first), n)
	dst = appendString(dst, p.Topic)
	if p.QoS > 0 {
		dst = appendUint16(dst, p.PacketID)
	}
	if v == V5 {
		dst = appendUvarint(dst, ps)
		dst = p.Props.append(dst)
	}
	return append(dst, p.Payload...)
}

// SetDup sets the DUP flag of an encoded PUBLISH, which a sender must do when it
// sends one again (3.3.1-1).
func SetDup(f Frame) { f[0] |= 8 }
