package wire

import "github.com/eclipse/paho.golang/packets"

// decodeArrival decodes by hand the packets that every client sends or gets as it
// arrives: the library makes some two kilobytes of garbage of each, which with a
// large fleet is most of what it makes at all. The frame was checked. It returns
// nil for what is left to the library: other packets, and properties that have
// no business in these three, such as User Properties.
func decodeArrival(f Frame) packets.Packet {
	c := cursor{b: f.Body()}
	switch t := f.Type(); t {
	case packets.CONNACK:
		p := &packets.Connack{SessionPresent: c.byte() == 1, ReasonCode: c.byte(), Properties: &packets.Properties{}}
		plain := true
		c.properties(t, func(v property) { plain = plain && takeLimit(p.Properties, v) })
		if !plain {
			return nil
		}
		return p
	case packets.SUBSCRIBE:
		p := &packets.Subscribe{PacketID: c.uint16(), Properties: &packets.Properties{}}
		if c.byte() != 0 { // it has properties
			return nil
		}
		for len(c.b) > 0 {
			topic := string(c.binary())
			o := c.byte()
			p.Subscriptions = append(p.Subscriptions, packets.SubOptions{Topic: topic, QoS: o & 3, RetainHandling: o >> 4 & 3,
				NoLocal: o&(1<<2) != 0, RetainAsPublished: o&(1<<3) != 0})
		}
		return p
	case packets.SUBACK:
		p := &packets.Suback{PacketID: c.uint16(), Properties: &packets.Properties{}}
		if c.byte() != 0 {
			return nil
		}
		p.Reasons = c.b
		return p
	}
	return nil
}

// takeLimit takes a property of a CONNACK that says what the broker allows. It is
// false for any other.
func takeLimit(p *packets.Properties, v property) bool {
	switch v.id {
	case packets.PropSessionExpiryInterval:
		p.SessionExpiryInterval = new(v.num)
	case packets.PropAssignedClientID:
		p.AssignedClientID = string(v.bytes)
	case packets.PropServerKeepAlive:
		p.ServerKeepAlive = new(uint16(v.num))
	case packets.PropReceiveMaximum:
		p.ReceiveMaximum = new(uint16(v.num))
	case packets.PropTopicAliasMaximum:
		p.TopicAliasMaximum = new(uint16(v.num))
	case packets.PropMaximumQOS:
		p.MaximumQOS = new(byte(v.num))
	case packets.PropRetainAvailable:
		p.RetainAvailable = new(byte(v.num))
	case packets.PropMaximumPacketSize:
		p.MaximumPacketSize = new(v.num)
	case packets.PropWildcardSubAvailable:
		p.WildcardSubAvailable = new(byte(v.num))
	case packets.PropSubIDAvailable:
		p.SubIDAvailable = new(byte(v.num))
	case packets.PropSharedSubAvailable:
		p.SharedSubAvailable = new(byte(v.num))
	default:
		return false
	}
	return true
}
