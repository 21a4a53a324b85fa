package conformance

// What the first packet of a connection may be: section 3.1.
// Their control: the same packet without its fault is taken (families.go).
var firstStatements = []Statement{
	first("3.1.0-1", "PUBLISH before CONNECT", raw(0x30, str(own), none), soundConnect),
	first("3.1.0-1", "SUBSCRIBE before CONNECT", raw(0x82, u16(1), none, str(own), "\x00"), soundConnect),
	first("3.1.0-1", "PINGREQ before CONNECT", "\xc0\x00", soundConnect),
	first("3.1.2-1", "a wrong Protocol Name", raw(0x10, str("HTTP"), "\x05\x02\x00\x3c", none, str(stranger)), soundConnect),
	first("3.1.2-3", "the reserved Connect Flag", raw(0x10, head("\x05", "\x03"), none, str(stranger)), soundConnect, malformed, protocolError),
	first("3.1.1", "CONNECT with reserved flags", raw(0x11, head("\x05", "\x02"), none, str(stranger)), soundConnect, malformed, protocolError),
	first("3.1.2-11", "Will QoS without a Will", raw(0x10, head("\x05", "\x0a"), none, str(stranger)), raw(0x10, head("\x05", "\x06"), none, str(stranger), none, str(own), str("")), malformed, protocolError),
	first("3.1.2-12", "Will QoS 3", raw(0x10, head("\x05", "\x1e"), none, str(stranger), none, str(own), str("")), raw(0x10, head("\x05", "\x0e"), none, str(stranger), none, str(own), str("")), malformed, protocolError),
	first("3.1.2-13", "Will Retain without a Will", raw(0x10, head("\x05", "\x22"), none, str(stranger)), raw(0x10, head("\x05", "\x06"), none, str(stranger), none, str(own), str("")), malformed, protocolError),
	first("3.1.2-9", "the Will Flag without a Will", raw(0x10, head("\x05", "\x06"), none, str(stranger)), raw(0x10, head("\x05", "\x06"), none, str(stranger), none, str(own), str("")), malformed, protocolError),
	first("3.1.2-17", "the User Name Flag without a User Name", raw(0x10, head("\x05", "\x82"), none, str(stranger)), soundConnect, malformed, protocolError),
	first("3.1.2-16", "a User Name without its flag", raw(0x10, head("\x05", "\x02"), none, str(stranger), str("u")), soundConnect, malformed, protocolError),
	first("3.1.2.11.2", "Session Expiry twice", raw(0x10, head("\x05", "\x02"), props(sessionExpiry(1), sessionExpiry(1)), str(stranger)), raw(0x10, head("\x05", "\x02"), props(sessionExpiry(1)), str(stranger)), malformed, protocolError),
	first("3.1.2.11.3", "Receive Maximum 0", raw(0x10, head("\x05", "\x02"), props(receiveMaximum(0)), str(stranger)), raw(0x10, head("\x05", "\x02"), props(receiveMaximum(1)), str(stranger)), malformed, protocolError),
	first("3.1.2.11.4", "Maximum Packet Size 0", raw(0x10, head("\x05", "\x02"), props(maximumPacket(0)), str(stranger)), raw(0x10, head("\x05", "\x02"), props(maximumPacket(1000)), str(stranger)), malformed, protocolError),
	first("3.1.2.11.6", "Request Response Information 2", raw(0x10, head("\x05", "\x02"), props(requestResponse(2)), str(stranger)), raw(0x10, head("\x05", "\x02"), props(requestResponse(1)), str(stranger)), malformed, protocolError),
	first("3.1.2.11.7", "Request Problem Information 2", raw(0x10, head("\x05", "\x02"), props(requestProblem(2)), str(stranger)), raw(0x10, head("\x05", "\x02"), props(requestProblem(0)), str(stranger)), malformed, protocolError),
	first("3.1.2.11.10", "Authentication Data without Method", raw(0x10, head("\x05", "\x02"), props("\x16"+str("d")), str(stranger)), soundConnect, malformed, protocolError),
	first("4.12-1", "an Authentication Method that is not spoken", raw(0x10, head("\x05", "\x02"), props(authMethod("no such method")), str(stranger)), soundConnect, 0x8c),
	first("1.5.4-1", "ill-formed UTF-8 in the Client Identifier", raw(0x10, head("\x05", "\x02"), none, str(stranger+"\xff")), soundConnect, malformed, protocolError, 0x85),
	first("3.1.3.3", "a Will Topic with a wildcard", raw(0x10, head("\x05", "\x06"), none, str(stranger), none, str(own+"/#"), str("")), raw(0x10, head("\x05", "\x06"), none, str(stranger), none, str(own), str("")), malformed, protocolError, 0x90),
	first("2.2.2.2", "a property of PUBLISH in CONNECT", raw(0x10, head("\x05", "\x02"), props(topicAlias(1)), str(stranger)), soundConnect, malformed, protocolError),
	first("3.1.3-1", "bytes behind the payload", raw(0x10, head("\x05", "\x02"), none, str(stranger), "tail"), soundConnect, malformed, protocolError),
	{Clause: "3.1.2-2", Title: "protocol version 6",
		Does:  "Sends a CONNECT of version 6.",
		Wants: "The server refuses with 0x84 (or 0x01) and closes.",
		check: func(r *run) {
			c := r.dial(6)
			c.send(r.asOwn(raw(0x10, head("\x06", "\x02"), none, str(stranger))))
			c.refused(0x84, 0x01)
		}},
}
