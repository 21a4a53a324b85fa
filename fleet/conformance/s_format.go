package conformance

import "strings"

// Chapters 1 and 2, and what 3.x says of the form of packets on a connection that is
// established.
// Their control: the same packet without its fault is taken (families.go).
var formatStatements = []Statement{
	after("1.5.4-1", "ill-formed UTF-8 in a Topic Name", raw(0x30, str(own+"\xff"), none), soundPublish, malformed, protocolError, 0x90),
	after("1.5.4-1", "a surrogate in a Topic Name", raw(0x30, str(own+"\xed\xa0\x80"), none), soundPublish, malformed, protocolError, 0x90),
	after("1.5.4-2", "U+0000 in a Topic Name", raw(0x30, str(own+"\x00b"), none), soundPublish, malformed, protocolError, 0x90),
	after("1.5.4-1", "ill-formed UTF-8 in a Topic Filter", raw(0x82, u16(1), none, str(own+"\xff"), "\x00"), soundSubscribe, malformed, protocolError, 0x8f),
	after("1.5.4-2", "U+0000 in a Topic Filter", raw(0x82, u16(1), none, str(own+"\x00"), "\x00"), soundSubscribe, malformed, protocolError, 0x8f),
	after("1.5.4-1", "ill-formed UTF-8 in a User Property", raw(0x30, str(own), props(user("k", "\xc0\xaf"))), raw(0x30, str(own), props(user("k", "v"))), malformed, protocolError),
	after("1.5.4-1", "ill-formed UTF-8 in a Content Type", raw(0x30, str(own), props(contentType("\xff"))), raw(0x30, str(own), props(contentType("text"))), malformed, protocolError),
	after("1.5.5-1", "a Remaining Length longer than it needs to be", "\xc0\x80\x00", pingreqBytes, malformed, protocolError),
	after("1.5.5-1", "a property length longer than it needs to be", raw(0x30, str(own), "\x80\x00"), soundPublish, malformed, protocolError),
	after("1.5.5", "a Remaining Length of five bytes", "\x30\xff\xff\xff\xff\x01", pingreqBytes, malformed, protocolError, 0x95),
	after("2.1.2", "packet type 0", "\x00\x00", pingreqBytes, malformed, protocolError),
	after("2.1.3-1", "SUBSCRIBE with flags 0", raw(0x80, u16(1), none, str(own), "\x00"), soundSubscribe, malformed, protocolError),
	after("2.1.3-1", "UNSUBSCRIBE with flags 0", raw(0xa0, u16(1), none, str(own)), raw(0xa2, u16(1), none, str(own)), malformed, protocolError),
	after("2.1.3-1", "PUBREL with flags 0", raw(0x60, u16(1)), acknowledgement(pubrel, 1), malformed, protocolError),
	after("2.1.3-1", "PUBACK with flags 1", raw(0x41, u16(1)), pingreqBytes, malformed, protocolError),
	after("2.1.3-1", "PINGREQ with flags 1", "\xc1\x00", pingreqBytes, malformed, protocolError),
	after("2.1.3-1", "DISCONNECT with flags 1", "\xe1\x00", pingreqBytes, malformed, protocolError),
	after("2.1.2", "a server's packet, CONNACK", raw(0x20, "\x00\x00\x00"), pingreqBytes, protocolError, malformed),
	after("2.1.2", "a server's packet, SUBACK", raw(0x90, u16(1), none, "\x00"), pingreqBytes, protocolError, malformed),
	after("2.1.2", "a server's packet, PINGRESP", "\xd0\x00", pingreqBytes, protocolError, malformed),
	after("2.2.1-2", "PUBLISH of QoS 1 with Packet Identifier 0", raw(0x32, str(own), u16(0), none), raw(0x32, str(own), u16(1), none), malformed, protocolError),
	after("2.2.1-3", "SUBSCRIBE with Packet Identifier 0", raw(0x82, u16(0), none, str(own), "\x00"), soundSubscribe, malformed, protocolError),
	after("2.2.1-3", "UNSUBSCRIBE with Packet Identifier 0", raw(0xa2, u16(0), none, str(own)), raw(0xa2, u16(1), none, str(own)), malformed, protocolError),
	after("2.2.2.1", "properties longer than the packet", raw(0x30, str(own), "\x05\x01"), soundPublish, malformed, protocolError),
	after("2.2.2.2", "a property that is not defined", raw(0x30, str(own), props("\x04\x00")), soundPublish, malformed, protocolError),
	after("2.2.2.2", "a property of another packet", raw(0x30, str(own), props(receiveMaximum(1))), soundPublish, malformed, protocolError),
	after("2.2.2.2", "a property that ends too early", raw(0x30, str(own), props("\x02\x00")), raw(0x30, str(own), props(messageExpiry(1))), malformed, protocolError),
	after("3.3.2.3.2", "Payload Format twice", raw(0x30, str(own), props(payloadFormat(0), payloadFormat(0))), raw(0x30, str(own), props(payloadFormat(0))), malformed, protocolError),
	after("3.3.2.3.3", "Message Expiry twice", raw(0x30, str(own), props(messageExpiry(1), messageExpiry(1))), raw(0x30, str(own), props(messageExpiry(1))), malformed, protocolError),
	after("3.3.2.3.4", "Topic Alias twice", raw(0x30, str(own), props(topicAlias(1), topicAlias(1))), soundPublish, malformed, protocolError),
	after("3.3.2.3.5", "Response Topic twice", raw(0x30, str(own), props(responseTopic("r"), responseTopic("r"))), raw(0x30, str(own), props(responseTopic("r"))), malformed, protocolError),
	after("3.3.2.3.6", "Correlation Data twice", raw(0x30, str(own), props(correlation("r"), correlation("r"))), raw(0x30, str(own), props(correlation("r"))), malformed, protocolError),
	after("3.3.2.3.9", "Content Type twice", raw(0x30, str(own), props(contentType("r"), contentType("r"))), raw(0x30, str(own), props(contentType("text"))), malformed, protocolError),
	after("3.3.2.3.2", "Payload Format 2", raw(0x30, str(own), props(payloadFormat(2))), raw(0x30, str(own), props(payloadFormat(0))), malformed, protocolError),
	after("3.3.2-14", "a Response Topic with a wildcard", raw(0x30, str(own), props(responseTopic("r/+"))), raw(0x30, str(own), props(responseTopic("r"))), malformed, protocolError, 0x90),
	after("3.3.4-6", "a Subscription Identifier from a client", raw(0x30, str(own), props(subscriptionID(1))), soundPublish, malformed, protocolError),
	after("3.3.1-2", "DUP at QoS 0", raw(0x38, str(own), none), pingreqBytes, malformed, protocolError),
	after("3.3.1-4", "PUBLISH of QoS 3", raw(0x36, str(own), u16(1), none), raw(0x32, str(own), u16(1), none), malformed, protocolError),
	after("3.3.2-2", "a Topic Name with #", raw(0x30, str(own+"/#"), none), soundPublish, malformed, protocolError, 0x90),
	after("3.3.2-2", "a Topic Name with +", raw(0x30, str(own+"/+/b"), none), soundPublish, malformed, protocolError, 0x90),
	after("4.7.3-1", "an empty Topic Name without Topic Alias", raw(0x30, str(""), none), soundPublish, malformed, protocolError, 0x90),
	after("3.3.2.3.4", "an unknown Topic Alias without a Topic Name", raw(0x30, str(""), props(topicAlias(1))), soundPublish, protocolError, 0x94),
	after("3.3.2-8", "Topic Alias 0", raw(0x30, str(own), props(topicAlias(0))), soundPublish, protocolError, 0x94),
	after("3.8.3-2", "SUBSCRIBE without a filter", raw(0x82, u16(1), none), soundSubscribe, malformed, protocolError),
	after("3.8.3-5", "reserved bits in the subscription options", raw(0x82, u16(1), none, str(own), "\x40"), soundSubscribe, malformed, protocolError),
	after("3.8.3.1", "SUBSCRIBE with QoS 3", raw(0x82, u16(1), none, str(own), "\x03"), soundSubscribe, malformed, protocolError),
	after("3.8.3.1", "SUBSCRIBE with Retain Handling 3", raw(0x82, u16(1), none, str(own), "\x30"), soundSubscribe, malformed, protocolError),
	after("3.8.3-4", "No Local on a shared subscription", raw(0x82, u16(1), none, str("$share/g/"+own), "\x04"), soundSubscribe, malformed, protocolError),
	after("3.8.2.1.2", "Subscription Identifier 0", raw(0x82, u16(1), props(subscriptionID(0)), str(own), "\x00"), raw(0x82, u16(1), props(subscriptionID(1)), str(own), "\x00"), malformed, protocolError),
	after("3.8.2.1.2", "Subscription Identifier twice", raw(0x82, u16(1), props(subscriptionID(1), subscriptionID(2)), str(own), "\x00"), raw(0x82, u16(1), props(subscriptionID(1)), str(own), "\x00"), malformed, protocolError),
	after("3.10.3-2", "UNSUBSCRIBE without a filter", raw(0xa2, u16(1), none), raw(0xa2, u16(1), none, str(own)), malformed, protocolError),
	after("3.12", "PINGREQ with a payload", "\xc0\x01x", pingreqBytes, malformed, protocolError),
	after("3.15", "AUTH without an Authentication Method in the CONNECT", raw(0xf0, "\x18", props(authMethod("m"))), pingreqBytes, malformed, protocolError, 0x8c),
	after("3.1.0-2", "a second CONNECT", hello{version: 5, id: stranger}.encode(), pingreqBytes, protocolError),
	{Clause: "1.5.4-3", Title: "a byte order mark is kept",
		Does:  "Publishes to a topic with U+FEFF in it.",
		Wants: "It comes with the same topic.",
		check: func(r *run) {
			w := r.watcher(r.topic("#"), 0)
			r.plain().publish(r.topic("\ufeffx\ufeff"), "m", 0, 0)
			w.message(r.topic("\ufeffx\ufeff"), "m")
		}},
	{Clause: "4.2-1", Title: "packets in pieces and packets together",
		Does:  "Sends CONNECT, PUBLISH and PINGREQ byte by byte, and then four packets in one go.",
		Wants: "All are answered and delivered, in order.",
		check: func(r *run) {
			w := r.watcher(r.topic("#"), 0)
			c := r.dial(5)
			all := r.introduced(hello{version: 5, id: r.id("pieces")}).encode() + c.encodePublish(0, r.topic("a"), strings.Repeat("x", 300), 0, 0) + "\xc0\x00"
			for i := range all {
				c.send(all[i : i+1])
			}
			c.want(connack)
			c.want(pingresp)
			w.message(r.topic("a"), strings.Repeat("x", 300))
			c.send(c.encodePublish(0, r.topic("a"), "1", 0, 0), "\xc0\x00", c.encodePublish(0, r.topic("a"), "2", 0, 0), "\xc0\x00")
			c.want(pingresp)
			c.want(pingresp)
			w.message(r.topic("a"), "1")
			w.message(r.topic("a"), "2")
		}},
}
