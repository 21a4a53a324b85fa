package conformance

import "strings"

// after is a statement about a packet on a live connection that makes the server
// close it, with one of the codes if it says one.
func after(section, title, bytes string, codes ...byte) statement {
	return statement{section: section, title: title, check: func(r *run) {
		c := r.plain()
		c.trySend(bytes)
		c.closed(codes...)
	}}
}

// first is a statement about the first packet of a connection, which the server
// must refuse.
func first(section, title, bytes string, codes ...byte) statement {
	return statement{section: section, title: title, check: func(r *run) {
		c := r.dial(5)
		c.trySend(bytes)
		c.refused(codes...)
	}}
}

// head is a CONNECT's variable header up to the Keep Alive.
func head(version, flags string) string { return str("MQTT") + version + flags + "\x00\x3c" }

const (
	malformed     = 0x81
	protocolError = 0x82
	none          = "\x00" // no properties
)

// Chapters 1 and 2, and what 3.x says of the form of packets.
var formatStatements = []statement{
	after("1.5.4-1", "ill-formed UTF-8 in a Topic Name", raw(0x30, str("a\xff"), none), malformed, protocolError, 0x90),
	after("1.5.4-1", "a surrogate in a Topic Name", raw(0x30, str("a\xed\xa0\x80"), none), malformed, protocolError, 0x90),
	after("1.5.4-2", "U+0000 in a Topic Name", raw(0x30, str("a\x00b"), none), malformed, protocolError, 0x90),
	after("1.5.4-1", "ill-formed UTF-8 in a Topic Filter", raw(0x82, u16(1), none, str("a\xff"), "\x00"), malformed, protocolError, 0x8f),
	after("1.5.4-2", "U+0000 in a Topic Filter", raw(0x82, u16(1), none, str("a\x00"), "\x00"), malformed, protocolError, 0x8f),
	after("1.5.4-1", "ill-formed UTF-8 in a User Property", raw(0x30, str("a"), props(user("k", "\xc0\xaf"))), malformed, protocolError),
	after("1.5.4-1", "ill-formed UTF-8 in a Content Type", raw(0x30, str("a"), props(contentType("\xff"))), malformed, protocolError),
	{section: "1.5.4-3", title: "a byte order mark is kept", check: func(r *run) {
		w := r.watcher(r.topic("#"), 0)
		r.plain().publish(r.topic("\ufeffx\ufeff"), "m", 0, 0)
		w.message(r.topic("\ufeffx\ufeff"), "m")
	}},
	after("1.5.5-1", "a Remaining Length longer than it needs to be", "\xc0\x80\x00", malformed, protocolError),
	after("1.5.5-1", "a property length longer than it needs to be", "\x30\x05"+str("a")+"\x80\x00", malformed, protocolError),
	after("1.5.5", "a Remaining Length of five bytes", "\x30\xff\xff\xff\xff\x01", malformed, protocolError, 0x95),
	after("2.1.2", "packet type 0", "\x00\x00", malformed, protocolError),
	after("2.1.3-1", "SUBSCRIBE with flags 0", raw(0x80, u16(1), none, str("a"), "\x00"), malformed, protocolError),
	after("2.1.3-1", "UNSUBSCRIBE with flags 0", raw(0xa0, u16(1), none, str("a")), malformed, protocolError),
	after("2.1.3-1", "PUBREL with flags 0", raw(0x60, u16(1)), malformed, protocolError),
	after("2.1.3-1", "PUBACK with flags 1", raw(0x41, u16(1)), malformed, protocolError),
	after("2.1.3-1", "PINGREQ with flags 1", "\xc1\x00", malformed, protocolError),
	after("2.1.3-1", "DISCONNECT with flags 1", "\xe1\x00", malformed, protocolError),
	after("2.1.2", "a server's packet, CONNACK", raw(0x20, "\x00\x00\x00"), protocolError, malformed),
	after("2.1.2", "a server's packet, SUBACK", raw(0x90, u16(1), none, "\x00"), protocolError, malformed),
	after("2.1.2", "a server's packet, PINGRESP", "\xd0\x00", protocolError, malformed),
	after("2.2.1-2", "PUBLISH of QoS 1 with Packet Identifier 0", raw(0x32, str("a"), u16(0), none), malformed, protocolError),
	after("2.2.1-3", "SUBSCRIBE with Packet Identifier 0", raw(0x82, u16(0), none, str("a"), "\x00"), malformed, protocolError),
	after("2.2.1-3", "UNSUBSCRIBE with Packet Identifier 0", raw(0xa2, u16(0), none, str("a")), malformed, protocolError),
	after("2.2.2.1", "properties longer than the packet", raw(0x30, str("a"), "\x05\x01"), malformed, protocolError),
	after("2.2.2.2", "a property that is not defined", raw(0x30, str("a"), props("\x04\x00")), malformed, protocolError),
	after("2.2.2.2", "a property of another packet", raw(0x30, str("a"), props(receiveMaximum(1))), malformed, protocolError),
	after("2.2.2.2", "a property that ends too early", raw(0x30, str("a"), props("\x02\x00")), malformed, protocolError),
	after("3.3.2.3.2", "Payload Format twice", raw(0x30, str("a"), props(payloadFormat(0), payloadFormat(0))), malformed, protocolError),
	after("3.3.2.3.3", "Message Expiry twice", raw(0x30, str("a"), props(messageExpiry(1), messageExpiry(1))), malformed, protocolError),
	after("3.3.2.3.4", "Topic Alias twice", raw(0x30, str("a"), props(topicAlias(1), topicAlias(1))), malformed, protocolError),
	after("3.3.2.3.5", "Response Topic twice", raw(0x30, str("a"), props(responseTopic("r"), responseTopic("r"))), malformed, protocolError),
	after("3.3.2.3.6", "Correlation Data twice", raw(0x30, str("a"), props(correlation("r"), correlation("r"))), malformed, protocolError),
	after("3.3.2.3.9", "Content Type twice", raw(0x30, str("a"), props(contentType("r"), contentType("r"))), malformed, protocolError),
	after("3.3.2.3.2", "Payload Format 2", raw(0x30, str("a"), props(payloadFormat(2))), malformed, protocolError),
	after("3.3.2-14", "a Response Topic with a wildcard", raw(0x30, str("a"), props(responseTopic("r/+"))), malformed, protocolError, 0x90),
	after("3.3.4-6", "a Subscription Identifier from a client", raw(0x30, str("a"), props(subscriptionID(1))), malformed, protocolError),
	after("3.3.1-2", "DUP at QoS 0", raw(0x38, str("a"), none), malformed, protocolError),
	after("3.3.1-4", "PUBLISH of QoS 3", raw(0x36, str("a"), u16(1), none), malformed, protocolError),
	after("3.3.2-2", "a Topic Name with #", raw(0x30, str("a/#"), none), malformed, protocolError, 0x90),
	after("3.3.2-2", "a Topic Name with +", raw(0x30, str("a/+/b"), none), malformed, protocolError, 0x90),
	after("4.7.3-1", "an empty Topic Name without Topic Alias", raw(0x30, str(""), none), malformed, protocolError, 0x90),
	after("3.3.2.3.4", "an unknown Topic Alias without a Topic Name", raw(0x30, str(""), props(topicAlias(1))), protocolError, 0x94),
	after("3.3.2-8", "Topic Alias 0", raw(0x30, str("a"), props(topicAlias(0))), protocolError, 0x94),
	after("3.8.3-2", "SUBSCRIBE without a filter", raw(0x82, u16(1), none), malformed, protocolError),
	after("3.8.3-5", "reserved bits in the subscription options", raw(0x82, u16(1), none, str("a"), "\x40"), malformed, protocolError),
	after("3.8.3.1", "SUBSCRIBE with QoS 3", raw(0x82, u16(1), none, str("a"), "\x03"), malformed, protocolError),
	after("3.8.3.1", "SUBSCRIBE with Retain Handling 3", raw(0x82, u16(1), none, str("a"), "\x30"), malformed, protocolError),
	after("3.8.3-4", "No Local on a shared subscription", raw(0x82, u16(1), none, str("$share/g/a"), "\x04"), malformed, protocolError),
	after("3.8.2.1.2", "Subscription Identifier 0", raw(0x82, u16(1), props(subscriptionID(0)), str("a"), "\x00"), malformed, protocolError),
	after("3.8.2.1.2", "Subscription Identifier twice", raw(0x82, u16(1), props(subscriptionID(1), subscriptionID(2)), str("a"), "\x00"), malformed, protocolError),
	after("3.10.3-2", "UNSUBSCRIBE without a filter", raw(0xa2, u16(1), none), malformed, protocolError),
	after("3.12", "PINGREQ with a payload", "\xc0\x01x", malformed, protocolError),
	after("3.15", "AUTH without an Authentication Method in the CONNECT", raw(0xf0, "\x18", props(authMethod("m"))), malformed, protocolError, 0x8c),
	after("3.1.0-2", "a second CONNECT", hello{version: 5, id: "second"}.encode(), protocolError),

	first("3.1.0-1", "PUBLISH before CONNECT", raw(0x30, str("a"), none)),
	first("3.1.0-1", "SUBSCRIBE before CONNECT", raw(0x82, u16(1), none, str("a"), "\x00")),
	first("3.1.0-1", "PINGREQ before CONNECT", "\xc0\x00"),
	first("3.1.2-1", "a wrong Protocol Name", raw(0x10, str("HTTP"), "\x05\x02\x00\x3c", none, str("c"))),
	{section: "3.1.2-2", title: "protocol version 6", check: func(r *run) {
		c := r.dial(6)
		c.send(raw(0x10, head("\x06", "\x02"), none, str("c")))
		c.refused(0x84, 0x01)
	}},
	first("3.1.2-3", "the reserved Connect Flag", raw(0x10, head("\x05", "\x03"), none, str("c")), malformed, protocolError),
	first("3.1.1", "CONNECT with reserved flags", raw(0x11, head("\x05", "\x02"), none, str("c")), malformed, protocolError),
	first("3.1.2-11", "Will QoS without a Will", raw(0x10, head("\x05", "\x0a"), none, str("c")), malformed, protocolError),
	first("3.1.2-12", "Will QoS 3", raw(0x10, head("\x05", "\x1e"), none, str("c"), none, str("w"), str("")), malformed, protocolError),
	first("3.1.2-13", "Will Retain without a Will", raw(0x10, head("\x05", "\x22"), none, str("c")), malformed, protocolError),
	first("3.1.2-9", "the Will Flag without a Will", raw(0x10, head("\x05", "\x06"), none, str("c")), malformed, protocolError),
	first("3.1.2-17", "the User Name Flag without a User Name", raw(0x10, head("\x05", "\x82"), none, str("c")), malformed, protocolError),
	first("3.1.2-16", "a User Name without its flag", raw(0x10, head("\x05", "\x02"), none, str("c"), str("u")), malformed, protocolError),
	first("3.1.2.11.2", "Session Expiry twice", raw(0x10, head("\x05", "\x02"), props(sessionExpiry(1), sessionExpiry(1)), str("c")), malformed, protocolError),
	first("3.1.2.11.3", "Receive Maximum 0", raw(0x10, head("\x05", "\x02"), props(receiveMaximum(0)), str("c")), malformed, protocolError),
	first("3.1.2.11.4", "Maximum Packet Size 0", raw(0x10, head("\x05", "\x02"), props(maximumPacket(0)), str("c")), malformed, protocolError),
	first("3.1.2.11.6", "Request Response Information 2", raw(0x10, head("\x05", "\x02"), props(requestResponse(2)), str("c")), malformed, protocolError),
	first("3.1.2.11.7", "Request Problem Information 2", raw(0x10, head("\x05", "\x02"), props(requestProblem(2)), str("c")), malformed, protocolError),
	first("3.1.2.11.10", "Authentication Data without Method", raw(0x10, head("\x05", "\x02"), props("\x16"+str("d")), str("c")), malformed, protocolError),
	first("4.12-1", "an Authentication Method that is not spoken", raw(0x10, head("\x05", "\x02"), props(authMethod("no such method")), str("c")), 0x8c),
	first("1.5.4-1", "ill-formed UTF-8 in the Client Identifier", raw(0x10, head("\x05", "\x02"), none, str("c\xff")), malformed, protocolError, 0x85),
	first("3.1.3.3", "a Will Topic with a wildcard", raw(0x10, head("\x05", "\x06"), none, str("c"), none, str("a/#"), str("")), malformed, protocolError, 0x90),
	first("2.2.2.2", "a property of PUBLISH in CONNECT", raw(0x10, head("\x05", "\x02"), props(topicAlias(1)), str("c")), malformed, protocolError),
	first("3.1.3-1", "bytes behind the payload", raw(0x10, head("\x05", "\x02"), none, str("c"), "tail"), malformed, protocolError),

	{section: "4.2-1", title: "packets in pieces and packets together", check: func(r *run) {
		w := r.watcher(r.topic("#"), 0)
		c := r.dial(5)
		all := hello{version: 5, id: r.id("pieces")}.encode() + c.encodePublish(0, r.topic("a"), strings.Repeat("x", 300), 0, 0) + "\xc0\x00"
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
