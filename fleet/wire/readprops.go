package wire

import (
	"github.com/eclipse/paho.golang/packets"
)

// propertyIn says in which packets a property may stand (table 2-4): bit t is
// control packet type t, and bit 0 the Will Properties.
func propertyIn(id byte) uint16 {
	const (
		will                   = 1 << 0
		connect, connack       = 1 << packets.CONNECT, 1 << packets.CONNACK
		publish                = 1 << packets.PUBLISH
		subscribe, unsubscribe = 1 << packets.SUBSCRIBE, 1 << packets.UNSUBSCRIBE
		suback, unsuback       = 1 << packets.SUBACK, 1 << packets.UNSUBACK
		disconnect, auth       = 1 << packets.DISCONNECT, 1 << packets.AUTH
		acks                   = 1<<packets.PUBACK | 1<<packets.PUBREC | 1<<packets.PUBREL | 1<<packets.PUBCOMP
		everywhere             = will | connect | connack | publish | subscribe | unsubscribe | suback | unsuback | disconnect | auth | acks
		answers                = connack | acks | suback | unsuback | disconnect | auth
	)
	switch id {
	case packets.PropPayloadFormat, packets.PropMessageExpiry, packets.PropContentType,
		packets.PropResponseTopic, packets.PropCorrelationData:
		return publish | will
	case packets.PropSubscriptionIdentifier:
		return publish | subscribe
	case packets.PropSessionExpiryInterval:
		return connect | connack | disconnect
	case packets.PropAssignedClientID, packets.PropServerKeepAlive, packets.PropResponseInfo,
		packets.PropMaximumQOS, packets.PropRetainAvailable, packets.PropWildcardSubAvailable,
		packets.PropSubIDAvailable, packets.PropSharedSubAvailable:
		return connack
	case packets.PropAuthMethod, packets.PropAuthData:
		return connect | connack | auth
	case packets.PropRequestProblemInfo, packets.PropRequestResponseInfo:
		return connect
	case packets.PropWillDelayInterval:
		return will
	case packets.PropServerReference:
		return connack | disconnect
	case packets.PropReasonString:
		return answers
	case packets.PropReceiveMaximum, packets.PropTopicAliasMaximum, packets.PropMaximumPacketSize:
		return connect | connack
	case packets.PropTopicAlias:
		return publish
	case packets.PropUser:
		return everywhere
	}
	return 0
}

// willProperties stands where a packet type is wanted, for the Will Properties.
const willProperties = 0

// property is one property as it was read; which field holds the value follows
// from its type.
type property struct {
	id    byte
	num   uint32
	bytes []byte
	block []byte // all properties of the packet
	at    int    // where in block this one starts, identifier included
	end   int    // and where it ends; of User Properties that stand together, the last one
}

// properties reads the properties of a packet of type t, calls each for every
// one of them, for User Properties that stand together once, and checks what the standard says of a property by itself: that
// it may stand here, stands here once, and has a value that it may have.
func (c *cursor) properties(t byte, each func(property)) {
	n := c.uvarint()
	block := c.take(n)
	if c.err != nil {
		return
	}
	pc := cursor{b: block}
	var seen uint64
	for len(pc.b) > 0 && pc.err == nil {
		p := property{block: block, at: len(block) - len(pc.b)}
		id := pc.uvarint()
		if pc.err != nil {
			break
		}
		if id > int(packets.PropSharedSubAvailable) || propertyIn(byte(id)) == 0 {
			pc.fail(malformed("property " + itoa(id) + " is not defined"))
			break
		}
		p.id = byte(id)
		in := propertyIn(p.id)
		if in&(1<<t) == 0 {
			what := "the Will"
			if t != willProperties {
				what = TypeName(t)
			}
			pc.fail(malformed("property " + itoa(int(p.id)) + " does not belong in " + what)) // 2.2.2.2
			break
		}
		again := seen&(1<<p.id) != 0
		seen |= 1 << p.id
		if again && p.id != packets.PropUser && (p.id != packets.PropSubscriptionIdentifier || t != packets.PUBLISH) {
			pc.fail(protocolError("property " + itoa(int(p.id)) + " stands there twice"))
			break
		}
		pc.value(&p, t)
		for p.id == packets.PropUser && len(pc.b) > 0 && pc.b[0] == packets.PropUser { // pc.err is nil
			pc.b = pc.b[1:]
			pc.value(&p, t)
		}
		if pc.err != nil {
			break
		}
		p.end = len(block) - len(pc.b)
		if each != nil {
			each(p)
		}
	}
	if pc.err != nil {
		c.err, c.b = pc.err, nil
	}
}

func (c *cursor) value(p *property, t byte) {
	switch p.id {
	case packets.PropPayloadFormat, packets.PropRequestProblemInfo, packets.PropRequestResponseInfo,
		packets.PropMaximumQOS, packets.PropRetainAvailable, packets.PropWildcardSubAvailable,
		packets.PropSubIDAvailable, packets.PropSharedSubAvailable:
		p.num = uint32(c.byte())
		if p.num > 1 {
			c.fail(protocolError("property " + itoa(int(p.id)) + " is " + itoa(int(p.num)) + "; want 0 or 1"))
		}
	case packets.PropMessageExpiry, packets.PropSessionExpiryInterval, packets.PropWillDelayInterval:
		p.num = c.uint32()
	case packets.PropMaximumPacketSize:
		p.num = c.uint32()
		if c.err == nil && p.num == 0 {
			c.fail(protocolError("a Maximum Packet Size of 0"))
		}
	case packets.PropServerKeepAlive, packets.PropTopicAliasMaximum:
		p.num = uint32(c.uint16())
	case packets.PropTopicAlias:
		p.num = uint32(c.uint16())
		if c.err == nil && p.num == 0 {
			c.fail(&Error{TopicAliasInvalid, "a Topic Alias of 0"})
		}
	case packets.PropReceiveMaximum:
		p.num = uint32(c.uint16())
		if c.err == nil && p.num == 0 {
			c.fail(protocolError("a Receive Maximum of 0"))
		}
	case packets.PropSubscriptionIdentifier:
		p.num = uint32(c.uvarint())
		if c.err == nil && p.num == 0 {
			c.fail(protocolError("a Subscription Identifier of 0"))
		}
	case packets.PropCorrelationData, packets.PropAuthData:
		p.bytes = c.binary()
	case packets.PropUser:
		c.utf8("the name of a User Property")
		c.utf8("the value of a User Property")
	default:
		p.bytes = c.utf8("property " + itoa(int(p.id)))
	}
}

// message reads the properties of an application message.
func (c *cursor) message(p *Properties, t byte, willDelay *uint32) {
	var userStart, userEnd int
	c.properties(t, func(v property) {
		switch v.id {
		case packets.PropPayloadFormat:
			p.PayloadFormat, p.HasPayloadFormat = byte(v.num), true
		case packets.PropMessageExpiry:
			p.MessageExpiry, p.HasMessageExpiry = v.num, true
		case packets.PropContentType:
			p.ContentType = v.bytes
		case packets.PropResponseTopic:
			p.ResponseTopic = v.bytes
		case packets.PropCorrelationData:
			p.CorrelationData = v.bytes
		case packets.PropSubscriptionIdentifier:
			p.SubscriptionIDs = append(p.SubscriptionIDs, v.num)
		case packets.PropTopicAlias:
			p.TopicAlias, p.HasTopicAlias = uint16(v.num), true
		case packets.PropWillDelayInterval:
			*willDelay = v.num
		case packets.PropUser:
			// They mostly stand next to each other and can be pointed at; only
			// when others stand between them are they copied together.
			switch {
			case userEnd == 0:
				userStart = v.at
				p.User = v.block[v.at:v.end:v.end]
			case userEnd == v.at && userStart >= 0:
				p.User = v.block[userStart:v.end:v.end]
			default:
				userStart = -1
				p.User = append(p.User, v.block[v.at:v.end]...)
			}
			userEnd = v.end
		}
	})
}
