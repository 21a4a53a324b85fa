package wire

import "testing"

const none = "\x00" // no properties

// strings that are no UTF-8 Encoded Strings (1.5.4)
var badStrings = []struct{ section, what, s string }{
	{"1.5.4-1", "a lone continuation byte", "a\x80"},
	{"1.5.4-1", "a byte that is never UTF-8", "\xff"},
	{"1.5.4-1", "an overlong form", "\xc0\xaf"},
	{"1.5.4-1", "a surrogate, U+D800", "\xed\xa0\x80"},
	{"1.5.4-1", "a surrogate, U+DFFF", "\xed\xbf\xbf"},
	{"1.5.4-1", "above U+10FFFF", "\xf4\x90\x80\x80"},
	{"1.5.4-1", "a sequence cut short", "a\xe2\x82"},
	{"1.5.4-2", "U+0000", "a\x00b"},
}

// each property once with a value that is fine
var goodProperty = map[byte]string{
	1: "\x01\x01", 2: "\x02\x00\x00\x00\x01", 3: "\x03" + str("t"), 8: "\x08" + str("r"), 9: "\x09" + str("\x00\xff"), 11: "\x0b\x01",
	17: "\x11\x00\x00\x00\x01", 18: "\x12" + str("id"), 19: "\x13\x00\x01", 21: "\x15" + str("m"), 22: "\x16" + str("d"), 23: "\x17\x01",
	24: "\x18\x00\x00\x00\x01", 25: "\x19\x01", 26: "\x1a" + str("i"), 28: "\x1c" + str("s"), 31: "\x1f" + str("why"), 33: "\x21\x00\x01",
	34: "\x22\x00\x01", 35: "\x23\x00\x01", 36: "\x24\x01", 37: "\x25\x01", 38: user("k", "v"), 39: "\x27\x00\x00\x00\x01",
	40: "\x28\x01", 41: "\x29\x01", 42: "\x2a\x01",
}

// where properties stand, and which may: table 2-4 of the standard, typed again
// from its other side
var places = []struct {
	name    string
	allowed []byte
	with    func(properties string) Frame
}{
	{"CONNECT", []byte{17, 21, 22, 23, 25, 33, 34, 38, 39}, func(p string) Frame {
		return frame(0x10, str("MQTT"), "\x05\x02\x00\x00", props(p), str("c"))
	}},
	{"Will", []byte{1, 2, 3, 8, 9, 24, 38}, func(p string) Frame {
		return frame(0x10, str("MQTT"), "\x05\x06\x00\x00", none, str("c"), props(p), str("w"), str(""))
	}},
	{"CONNACK", []byte{17, 18, 19, 21, 22, 26, 28, 31, 33, 34, 36, 37, 38, 39, 40, 41, 42}, func(p string) Frame {
		return frame(0x20, "\x00\x00", props(p))
	}},
	{"PUBLISH", []byte{1, 2, 3, 8, 9, 11, 35, 38}, func(p string) Frame { return frame(0x30, str("a"), props(p)) }},
	{"PUBACK", []byte{31, 38}, func(p string) Frame { return frame(0x40, "\x00\x01\x00", props(p)) }},
	{"PUBREC", []byte{31, 38}, func(p string) Frame { return frame(0x50, "\x00\x01\x00", props(p)) }},
	{"PUBREL", []byte{31, 38}, func(p string) Frame { return frame(0x62, "\x00\x01\x00", props(p)) }},
	{"PUBCOMP", []byte{31, 38}, func(p string) Frame { return frame(0x70, "\x00\x01\x00", props(p)) }},
	{"SUBSCRIBE", []byte{11, 38}, func(p string) Frame { return frame(0x82, "\x00\x01", props(p), str("a"), "\x00") }},
	{"SUBACK", []byte{31, 38}, func(p string) Frame { return frame(0x90, "\x00\x01", props(p), "\x00") }},
	{"UNSUBSCRIBE", []byte{38}, func(p string) Frame { return frame(0xa2, "\x00\x01", props(p), str("a")) }},
	{"UNSUBACK", []byte{31, 38}, func(p string) Frame { return frame(0xb0, "\x00\x01", props(p), "\x00") }},
	{"DISCONNECT", []byte{17, 28, 31, 38}, func(p string) Frame { return frame(0xe0, "\x00", props(p)) }},
	{"AUTH", []byte{21, 22, 31, 38}, func(p string) Frame { return frame(0xf0, "\x18", props(p)) }},
}

// Every property in every place: accepted once where it belongs, a Malformed
// Packet where it does not (2.2.2.2), a Protocol Error when it stands there
// twice, other than a User Property and a PUBLISH's Subscription Identifier.
func TestPropertyPlaces(t *testing.T) {
	for _, place := range places {
		allowed := map[byte]bool{}
		for _, id := range place.allowed {
			allowed[id] = true
		}
		for id := range byte(128) {
			value, defined := goodProperty[id]
			if !defined {
				value = string(id) + "\x00\x00\x00\x00"
			}
			var once, twice byte = MalformedPacket, MalformedPacket
			if allowed[id] {
				once, twice = 0, ProtocolError
				if id == 38 || id == 11 && place.name == "PUBLISH" {
					twice = 0
				}
			}
			with := ""
			if id == 22 && allowed[21] { // needs its Authentication Method
				with = goodProperty[21]
			}
			_, err := parse(place.with(with+value), V5)
			wantCode(t, "property "+itoa(int(id))+" in "+place.name, err, once)
			if defined {
				_, err = parse(place.with(with+value+value), V5)
				wantCode(t, "property "+itoa(int(id))+" twice in "+place.name, err, twice)
			}
		}
	}
}

// Whatever is cut off the end of a packet's properties, or of any of them, is missed.
func TestPropertiesTruncated(t *testing.T) {
	for _, place := range places {
		for _, id := range place.allowed {
			value := goodProperty[id]
			for n := 1; n < len(value); n++ {
				if id == 11 && n > 1 {
					continue
				}
				_, err := parse(place.with(value[:n]), V5)
				wantCode(t, "property "+itoa(int(id))+" of "+itoa(n)+" bytes in "+place.name, err, MalformedPacket)
			}
		}
	}
}

func TestPropertyValues(t *testing.T) {
	publish := func(p string) Frame { return frame(0x30, str("a"), props(p)) }
	connect, connack, subscribe, auth := places[0].with, places[2].with, places[8].with, places[13].with
	runStrict(t, V5, []strictCase{
		{"2.2.2.2", "an identifier in two bytes", publish("\xff\x01"), MalformedPacket},
		{"1.5.5-1", "an identifier longer than it needs to be", publish("\x81\x00\x01"), MalformedPacket},
		{"2.2.2.1", "a length longer than it needs to be", frame(0x30, str("a"), "\x80\x00"), MalformedPacket},
		{"2.2.2.1", "a length of five bytes", frame(0x30, str("a"), "\x80\x80\x80\x80\x01"), MalformedPacket},
		{"2.2.2.1", "a length beyond the packet", frame(0x30, str("a"), "\x03\x01\x01"), MalformedPacket},
		{"2.2.2.1", "no length", frame(0x30, str("a")), MalformedPacket},
		{"3.3.2.3.2", "Payload Format 0", publish("\x01\x00"), 0},
		{"3.3.2.3.2", "Payload Format 2", publish("\x01\x02"), ProtocolError},
		{"3.3.2.3.4", "Topic Alias 0", publish("\x23\x00\x00"), TopicAliasInvalid},
		{"3.3.2.3.4", "Topic Alias 65,535", publish("\x23\xff\xff"), 0},
		{"3.3.2.3.8", "Subscription Identifier 0", publish("\x0b\x00"), ProtocolError},
		{"3.3.2.3.8", "Subscription Identifier 268,435,455", publish("\x0b\xff\xff\xff\x7f"), 0},
		{"3.3.2.3.8", "Subscription Identifier of five bytes", publish("\x0b\xff\xff\xff\xff\x01"), MalformedPacket},
		{"3.8.2.1.2", "Subscription Identifier 0", subscribe("\x0b\x00"), ProtocolError},
		{"3.3.2.3.3", "Message Expiry 0", publish("\x02\x00\x00\x00\x00"), 0},
		{"3.3.2.3.5", "an empty Response Topic", publish("\x08" + str("")), 0}, // the receiver's to judge
		{"3.3.2.3.6", "empty Correlation Data", publish("\x09" + str("")), 0},
		{"3.3.2.3.6", "Correlation Data that is no UTF-8", publish("\x09" + str("\x00\xff\xed\xa0\x80")), 0},
		{"3.3.2.3.7", "an empty User Property", publish(user("", "")), 0},
		{"3.1.2.11.3", "Receive Maximum 0", connect("\x21\x00\x00"), ProtocolError},
		{"3.1.2.11.4", "Maximum Packet Size 0", connect("\x27\x00\x00\x00\x00"), ProtocolError},
		{"3.1.2.11.6", "Request Response Information 2", connect("\x19\x02"), ProtocolError},
		{"3.1.2.11.7", "Request Problem Information 2", connect("\x17\x02"), ProtocolError},
		{"3.1.2.11.10", "Authentication Data without Method", connect("\x16" + str("d")), ProtocolError},
		{"3.15.2.2.3", "Authentication Data without Method", auth("\x16" + str("d")), ProtocolError},
		{"3.2.2.3.3", "Receive Maximum 0", connack("\x21\x00\x00"), ProtocolError},
		{"3.2.2.3.4", "Maximum QoS 2", connack("\x24\x02"), ProtocolError},
		{"3.2.2.3.5", "Retain Available 2", connack("\x25\x02"), ProtocolError},
		{"3.2.2.3.6", "Maximum Packet Size 0", connack("\x27\x00\x00\x00\x00"), ProtocolError},
		{"3.2.2.3.11", "Wildcard Subscription Available 2", connack("\x28\x02"), ProtocolError},
		{"3.2.2.3.12", "Subscription Identifiers Available 2", connack("\x29\x02"), ProtocolError},
		{"3.2.2.3.13", "Shared Subscription Available 2", connack("\x2a\x02"), ProtocolError},
		{"3.2.2.3.14", "Server Keep Alive 0", connack("\x13\x00\x00"), 0},
	})
}

// Every place where a UTF-8 Encoded String stands, with every kind of string
// that is none.
func TestBadStrings(t *testing.T) {
	spots := []struct {
		name string
		v    Version
		with func(s string) Frame
	}{
		{"Client Identifier", V5, func(s string) Frame { return frame(0x10, str("MQTT"), "\x05\x02\x00\x00", none, str(s)) }},
		{"Will Topic", V5, func(s string) Frame {
			return frame(0x10, str("MQTT"), "\x05\x06\x00\x00", none, str("c"), none, str(s), str(""))
		}},
		{"User Name", V5, func(s string) Frame { return frame(0x10, str("MQTT"), "\x05\x82\x00\x00", none, str("c"), str(s)) }},
		{"User Name", V311, func(s string) Frame { return frame(0x10, str("MQTT"), "\x04\x82\x00\x00", str("c"), str(s)) }},
		{"Protocol Name", V5, func(s string) Frame { return frame(0x10, str(s), "\x05\x02\x00\x00", none, str("c")) }},
		{"Will's Response Topic", V5, func(s string) Frame { return places[1].with("\x08" + str(s)) }},
		{"Topic Name", V5, func(s string) Frame { return frame(0x30, str(s), none) }},
		{"Topic Name", V311, func(s string) Frame { return frame(0x30, str(s)) }},
		{"Content Type", V5, func(s string) Frame { return frame(0x30, str("a"), props("\x03", str(s))) }},
		{"Response Topic", V5, func(s string) Frame { return frame(0x30, str("a"), props("\x08", str(s))) }},
		{"User Property's name", V5, func(s string) Frame { return frame(0x30, str("a"), props(user(s, "v"))) }},
		{"User Property's value", V5, func(s string) Frame { return frame(0x30, str("a"), props(user("k", s))) }},
		{"Reason String", V5, func(s string) Frame { return frame(0x40, "\x00\x01\x10", props("\x1f", str(s))) }},
		{"filter", V5, func(s string) Frame { return frame(0x82, "\x00\x01", none, str(s), "\x00") }},
		{"filter", V311, func(s string) Frame { return frame(0x82, "\x00\x01", str(s), "\x00") }},
		{"second filter", V5, func(s string) Frame { return frame(0xa2, "\x00\x01", none, str("a"), str(s)) }},
		{"Server Reference", V5, func(s string) Frame { return frame(0xe0, "\x9c", props("\x1c", str(s))) }},
		{"Assigned Client Identifier", V5, func(s string) Frame { return places[2].with("\x12" + str(s)) }},
	}
	for _, spot := range spots {
		for _, bad := range badStrings {
			_, err := parse(spot.with(bad.s), spot.v)
			wantCode(t, bad.section+" "+bad.what+" in the "+spot.name, err, MalformedPacket)
		}
		if spot.name == "Protocol Name" {
			continue
		}
		// 1.5.4-3 and 1.5.4.2: these are fine, the byte order mark is kept, and
		// control characters and non-characters need not be refused.
		for _, good := range []string{"\ufeffa", "äöü€𝄞", "\u0001\u007f\u009f", "\ufffe\uffff", "\ufffd"} {
			_, err := parse(spot.with(good), spot.v)
			wantCode(t, "1.5.4-3 "+good+" in the "+spot.name, err, 0)
		}
	}
}

func TestStrictConnect(t *testing.T) {
	head := func(version, flags string) string { return str("MQTT") + version + flags + "\x00\x3c" }
	will := none + str("will/topic") + str("bye")
	runStrict(t, V5, []strictCase{
		{"3.1.3-6", "the smallest one", frame(0x10, head("\x05", "\x02"), none, str("")), 0},
		{"3.1.1", "reserved flags", frame(0x11, head("\x05", "\x02"), none, str("c")), MalformedPacket},
		{"3.1.1", "a flag of SUBSCRIBE", frame(0x12, head("\x05", "\x02"), none, str("c")), MalformedPacket},
		{"3.1.2-1", "a Protocol Name of another protocol", frame(0x10, str("AMQP"), "\x05\x02\x00\x00", none, str("c")), UnsupportedVersion},
		{"3.1.2-1", "a Protocol Name in lower case", frame(0x10, str("mqtt"), "\x05\x02\x00\x00", none, str("c")), UnsupportedVersion},
		{"3.1.2-2", "version 6", frame(0x10, head("\x06", "\x02"), none, str("c")), UnsupportedVersion},
		{"3.1.2-2", "version 3 with the name of version 4", frame(0x10, head("\x03", "\x02"), str("c")), UnsupportedVersion},
		{"3.1.2-2", "version 4 with the name of version 3", frame(0x10, str("MQIsdp"), "\x04\x02\x00\x00", str("c")), UnsupportedVersion},
		{"3.1.2-2", "a bridge's version, 0x84", frame(0x10, head("\x84", "\x02"), str("c")), UnsupportedVersion},
		{"3.1.2-3", "the reserved Connect Flag", frame(0x10, head("\x05", "\x03"), none, str("c")), MalformedPacket},
		{"3.1.2-9", "a Will", frame(0x10, head("\x05", "\x06"), none, str("c"), will), 0},
		{"3.1.2-9", "the Will Flag without a Will", frame(0x10, head("\x05", "\x06"), none, str("c")), MalformedPacket},
		{"3.1.2-9", "a Will without the Will Flag", frame(0x10, head("\x05", "\x02"), none, str("c"), will), MalformedPacket},
		{"3.1.2-11", "Will QoS 1 without a Will", frame(0x10, head("\x05", "\x0a"), none, str("c")), MalformedPacket},
		{"3.1.2-11", "Will QoS 2 without a Will", frame(0x10, head("\x05", "\x12"), none, str("c")), MalformedPacket},
		{"3.1.2-12", "Will QoS 2", frame(0x10, head("\x05", "\x16"), none, str("c"), will), 0},
		{"3.1.2-12", "Will QoS 3", frame(0x10, head("\x05", "\x1e"), none, str("c"), will), MalformedPacket},
		{"3.1.2-13", "Will Retain without a Will", frame(0x10, head("\x05", "\x22"), none, str("c")), MalformedPacket},
		{"3.1.2-16", "a User Name without its flag", frame(0x10, head("\x05", "\x02"), none, str("c"), str("u")), MalformedPacket},
		{"3.1.2-17", "the User Name Flag without a User Name", frame(0x10, head("\x05", "\x82"), none, str("c")), MalformedPacket},
		{"3.1.2-18", "a Password without its flag", frame(0x10, head("\x05", "\x82"), none, str("c"), str("u"), str("p")), MalformedPacket},
		{"3.1.2-19", "the Password Flag without a Password", frame(0x10, head("\x05", "\xc2"), none, str("c"), str("u")), MalformedPacket},
		{"3.1.2.9", "a Password without a User Name, which version 5 allows", frame(0x10, head("\x05", "\x42"), none, str("c"), str("p")), 0},
		{"3.1.3.6", "a Password that is no UTF-8", frame(0x10, head("\x05", "\xc2"), none, str("c"), str("u"), str("\x00\xff")), 0},
		{"3.1.3.4", "a Will payload that is no UTF-8", frame(0x10, head("\x05", "\x06"), none, str("c"), none, str("w"), str("\x00\xff")), 0},
		{"3.1.3.3", "an empty Will Topic", frame(0x10, head("\x05", "\x06"), none, str("c"), none, str(""), str("")), TopicNameInvalid},
		{"3.1.3.3", "a Will Topic with +", frame(0x10, head("\x05", "\x06"), none, str("c"), none, str("a/+"), str("")), TopicNameInvalid},
		{"3.1.3.3", "a Will Topic with #", frame(0x10, head("\x05", "\x06"), none, str("c"), none, str("#"), str("")), TopicNameInvalid},
		{"3.1.3-1", "bytes after the payload", frame(0x10, head("\x05", "\x02"), none, str("c"), "x"), MalformedPacket},
		{"3.1.2.10", "no Keep Alive", frame(0x10, str("MQTT"), "\x05\x02\x00"), MalformedPacket},
		{"3.1.2", "nothing", frame(0x10), MalformedPacket},
	})
	runStrict(t, V311, []strictCase{
		{"3.1.1: 3.1.3-1", "the smallest one", frame(0x10, head("\x04", "\x02"), str("")), 0},
		{"3.1: 3.1", "version 3.1", frame(0x10, str("MQIsdp"), "\x03\x02\x00\x00", str("c")), 0},
		{"3.1.1: 3.1.3", "a Will", frame(0x10, head("\x04", "\x06"), str("c"), str("w"), str("bye")), 0},
		{"3.1.1: 3.1.2-3", "the reserved Connect Flag", frame(0x10, head("\x04", "\x03"), str("c")), MalformedPacket},
		{"3.1.1: 3.1.2-14", "Will QoS 3", frame(0x10, head("\x04", "\x1e"), str("c"), str("w"), str("")), MalformedPacket},
		{"3.1.1: 3.1.2-13", "Will QoS 1 without a Will", frame(0x10, head("\x04", "\x0a"), str("c")), MalformedPacket},
		{"3.1.1: 3.1.2-15", "Will Retain without a Will", frame(0x10, head("\x04", "\x22"), str("c")), MalformedPacket},
		{"3.1.1: 3.1.2-22", "a Password without a User Name", frame(0x10, head("\x04", "\x42"), str("c"), str("p")), MalformedPacket},
		{"3.1.1: 3.1.3-1", "bytes after the payload", frame(0x10, head("\x04", "\x02"), str("c"), "x"), MalformedPacket},
	})
}

func TestStrictPublish(t *testing.T) {
	runStrict(t, V5, []strictCase{
		{"3.3", "the smallest one", frame(0x30, str("a"), none), 0},
		{"3.3.1-1", "DUP at QoS 1", frame(0x3a, str("a"), "\x00\x01", none), 0},
		{"3.3.1-2", "DUP at QoS 0", frame(0x38, str("a"), none), MalformedPacket},
		{"3.3.1-4", "QoS 3", frame(0x36, str("a"), "\x00\x01", none), MalformedPacket},
		{"2.2.1-2", "Packet Identifier 0", frame(0x32, str("a"), "\x00\x00", none), ProtocolError},
		{"2.2.1-3", "Packet Identifier 65,535", frame(0x34, str("a"), "\xff\xff", none), 0},
		{"2.2.1", "no Packet Identifier", frame(0x32, str("a")), MalformedPacket},
		{"3.3.2-2", "a Topic Name with +", frame(0x30, str("a/+/b"), none), TopicNameInvalid},
		{"3.3.2-2", "a Topic Name with #", frame(0x30, str("a#"), none), TopicNameInvalid},
		{"3.3.2-1", "no Topic Name", frame(0x30), MalformedPacket},
		{"3.3.2.1", "an empty Topic Name without Topic Alias", frame(0x30, str(""), none), ProtocolError},
		{"3.3.2.3.4", "an empty Topic Name with Topic Alias", frame(0x30, str(""), props("\x23\x00\x01")), 0},
		{"3.3.2-1", "a Topic Name longer than the packet", frame(0x30, "\x00\x05abc"), MalformedPacket},
		{"3.3.3", "an empty payload", frame(0x31, str("a"), none, ""), 0},
	})
	runStrict(t, V311, []strictCase{
		{"3.1.1: 3.3", "the smallest one", frame(0x30, str("a")), 0},
		{"3.1.1: 3.3.1-2", "DUP at QoS 0", frame(0x38, str("a")), MalformedPacket},
		{"3.1.1: 3.3.1-4", "QoS 3", frame(0x36, str("a"), "\x00\x01"), MalformedPacket},
		{"3.1.1: 2.3.1-1", "Packet Identifier 0", frame(0x32, str("a"), "\x00\x00"), ProtocolError},
		{"3.1.1: 4.7.3-1", "an empty Topic Name", frame(0x30, str(""), "x"), ProtocolError},
		{"3.1.1: 3.3.2-2", "a Topic Name with a wildcard", frame(0x30, str("#")), TopicNameInvalid},
	})
}

func TestStrictAcks(t *testing.T) {
	for typ := byte(4); typ <= 7; typ++ {
		first, section := typ<<4, "3."+itoa(int(typ))
		if typ == 6 {
			first |= 2
		}
		for flags := range byte(16) {
			code := byte(MalformedPacket)
			if typ<<4|flags == first {
				code = 0
			}
			for _, v := range []Version{V5, V311} {
				_, err := parse(frame(typ<<4|flags, "\x00\x01"), v)
				wantCode(t, section+".1 "+TypeName(typ)+" with flags "+itoa(int(flags)), err, code)
			}
		}
		runStrict(t, V5, []strictCase{
			{section + ".2", "no reason code", frame(first, "\x00\x01"), 0},
			{section + ".2", "a reason code", frame(first, "\x00\x01\x92"), 0},
			{section + ".2", "properties", frame(first, "\x00\x01\x92", props("\x1f", str("why"), user("k", "v"), user("k", "v"))), 0},
			{section + ".2", "no properties, told so", frame(first, "\x00\x01\x00\x00"), 0},
			{"2.2.1-2", "Packet Identifier 0", frame(first, "\x00\x00"), ProtocolError},
			{section + ".2", "half a Packet Identifier", frame(first, "\x01"), MalformedPacket},
			{section + ".2", "nothing", frame(first), MalformedPacket},
			{section + ".3", "a payload", frame(first, "\x00\x01\x00\x00x"), MalformedPacket},
			{section + ".2.2", "properties cut short", frame(first, "\x00\x01\x00\x05\x1f"), MalformedPacket},
		})
		runStrict(t, V311, []strictCase{
			{"3.1.1: " + section, "right", frame(first, "\x00\x01"), 0},
			{"3.1.1: " + section, "a reason code", frame(first, "\x00\x01\x00"), MalformedPacket},
			{"3.1.1: 2.3.1-1", "Packet Identifier 0", frame(first, "\x00\x00"), ProtocolError},
			{"3.1.1: " + section, "nothing", frame(first), MalformedPacket},
		})
	}
}

// The packets that Decode takes: their flags first, all sixteen values each.
func TestStrictFlags(t *testing.T) {
	for _, c := range []struct {
		first    byte
		v5, v311 string
	}{
		{0x20, "\x00\x00\x00", "\x00\x00"}, {0x82, "\x00\x01\x00\x00\x01a\x00", "\x00\x01\x00\x01a\x00"}, {0x90, "\x00\x01\x00\x00", "\x00\x01\x00"},
		{0xa2, "\x00\x01\x00\x00\x01a", "\x00\x01\x00\x01a"}, {0xb0, "\x00\x01\x00\x00", "\x00\x01"}, {0xc0, "", ""}, {0xd0, "", ""}, {0xe0, "", ""}, {0xf0, "", ""},
	} {
		for flags := range byte(16) {
			first := c.first&0xf0 | flags
			code := byte(MalformedPacket)
			if first == c.first {
				code = 0
			}
			_, err := Decode(frame(first, c.v5), V5)
			wantCode(t, "2.1.3-1 "+TypeName(first>>4)+" with flags "+itoa(int(flags)), err, code)
			if first == 0xf0 {
				code = ProtocolError // there is no AUTH
			}
			_, err = Decode(frame(first, c.v311), V311)
			wantCode(t, "3.1.1: 2.2.2-1 "+TypeName(first>>4)+" with flags "+itoa(int(flags)), err, code)
		}
	}
}

func TestStrictSubscribe(t *testing.T) {
	sub := func(parts ...string) Frame { return frame(0x82, append([]string{"\x00\x01", none}, parts...)...) }
	unsub := func(parts ...string) Frame { return frame(0xa2, append([]string{"\x00\x01", none}, parts...)...) }
	cases := []strictCase{
		{"3.8.3", "all options", sub(str("a/+"), "\x2e", str("#"), "\x1d"), 0},
		{"2.2.1-2", "Packet Identifier 0", frame(0x82, "\x00\x00", none, str("a"), "\x00"), ProtocolError},
		{"3.8.3-2", "no filter", sub(), ProtocolError},
		{"3.8.3-5", "reserved bit 6", sub(str("a"), "\x40"), MalformedPacket},
		{"3.8.3-5", "reserved bit 7", sub(str("a"), "\x80"), MalformedPacket},
		{"3.8.3.1", "QoS 3", sub(str("a"), "\x03"), ProtocolError},
		{"3.8.3.1", "Retain Handling 3", sub(str("a"), "\x30"), ProtocolError},
		{"3.8.3-4", "No Local on a shared subscription", sub(str("$share/g/a"), "\x04"), ProtocolError},
		{"3.8.3-4", "a shared subscription", sub(str("$share/g/a"), "\x01"), 0},
		{"3.8.3", "an invalid filter, which the SUBACK answers", sub(str("a/#/b"), "\x00", str("b"), "\x00"), 0},
		{"3.8.3", "an empty filter, which the SUBACK answers", sub(str(""), "\x00"), 0},
		{"3.8.3", "a filter without options", sub(str("a")), MalformedPacket},
		{"3.8.3", "a second filter without options", sub(str("a"), "\x00", str("b")), MalformedPacket},
		{"3.8.3", "bad options of the second filter", sub(str("a"), "\x00", str("b"), "\x03"), ProtocolError},
		{"3.8.3", "bytes too many", sub(str("a"), "\x00", "x"), MalformedPacket},
		{"3.8.2", "nothing", frame(0x82), MalformedPacket},
		{"3.10.3", "two filters", unsub(str("a"), str("b/#")), 0},
		{"2.2.1-2", "UNSUBSCRIBE with Packet Identifier 0", frame(0xa2, "\x00\x00", none, str("a")), ProtocolError},
		{"3.10.3-2", "UNSUBSCRIBE without filter", unsub(), ProtocolError},
		{"3.10.3", "a filter cut short", unsub("\x00\x05abc"), MalformedPacket},
		{"3.10.3", "half a length", unsub(str("a"), "\x00"), MalformedPacket},
		{"3.9.3", "SUBACK with all codes", frame(0x90, "\x00\x01", none, "\x00\x01\x02\x80\x83\x87\x8f\x91\x97\x9e\xa1\xa2"), 0},
		{"3.9.3", "SUBACK without a code", frame(0x90, "\x00\x01", none), MalformedPacket},
		{"3.9.2", "SUBACK with Packet Identifier 0", frame(0x90, "\x00\x00", none, "\x00"), ProtocolError},
		{"3.9.2", "SUBACK without properties' length", frame(0x90, "\x00\x01"), MalformedPacket},
		{"3.11.3", "UNSUBACK", frame(0xb0, "\x00\x01", none, "\x00\x11"), 0},
		{"3.11.3", "UNSUBACK without a code", frame(0xb0, "\x00\x01", none), MalformedPacket},
		{"3.11.2", "UNSUBACK with Packet Identifier 0", frame(0xb0, "\x00\x00", none, "\x00"), ProtocolError},
	}
	runStrict(t, V5, cases)
	runStrict(t, V311, []strictCase{
		{"3.1.1: 3.8.3", "two filters", frame(0x82, "\x00\x01", str("a"), "\x00", str("b"), "\x02"), 0},
		{"3.1.1: 3.8.3-3", "no filter", frame(0x82, "\x00\x01"), ProtocolError},
		{"3.1.1: 3-8.3-4", "QoS 3", frame(0x82, "\x00\x01", str("a"), "\x03"), MalformedPacket},
		{"3.1.1: 3-8.3-4", "an option of version 5", frame(0x82, "\x00\x01", str("a"), "\x09"), MalformedPacket},
		{"3.1.1: 2.3.1-1", "Packet Identifier 0", frame(0x82, "\x00\x00", str("a"), "\x00"), ProtocolError},
		{"3.1.1: 3.10.3-2", "UNSUBSCRIBE without filter", frame(0xa2, "\x00\x01"), ProtocolError},
		{"3.1.1: 3.9.3", "SUBACK", frame(0x90, "\x00\x01\x00\x01\x02\x80"), 0},
		{"3.1.1: 3.9.3-2", "SUBACK with 3", frame(0x90, "\x00\x01\x03"), MalformedPacket},
		{"3.1.1: 3.9.3-2", "SUBACK with a code of version 5", frame(0x90, "\x00\x01\x87"), MalformedPacket},
		{"3.1.1: 3.9.3", "SUBACK without a code", frame(0x90, "\x00\x01"), MalformedPacket},
		{"3.1.1: 3.11", "UNSUBACK", frame(0xb0, "\x00\x01"), 0},
		{"3.1.1: 3.11", "UNSUBACK with a payload", frame(0xb0, "\x00\x01\x00"), MalformedPacket},
	})
}

func TestStrictOthers(t *testing.T) {
	runStrict(t, V5, []strictCase{
		{"3.2", "CONNACK", frame(0x20, "\x01\x00", none), 0},
		{"3.2.2.1", "CONNACK with reserved flags", frame(0x20, "\x02\x00", none), MalformedPacket},
		{"3.2.2.1", "CONNACK with all flags", frame(0x20, "\xff\x00", none), MalformedPacket},
		{"3.2.2", "CONNACK without properties' length", frame(0x20, "\x00\x00"), MalformedPacket},
		{"3.2.3", "CONNACK with a payload", frame(0x20, "\x00\x00", none, "x"), MalformedPacket},
		{"3.12", "PINGREQ with a payload", frame(0xc0, "x"), MalformedPacket},
		{"3.13", "PINGRESP with a payload", frame(0xd0, "x"), MalformedPacket},
		{"3.14.2.1", "DISCONNECT of nothing", frame(0xe0), 0},
		{"3.14.2.1", "DISCONNECT with a code alone", frame(0xe0, "\x04"), 0},
		{"3.14.3", "DISCONNECT with a payload", frame(0xe0, "\x00", none, "x"), MalformedPacket},
		{"3.15.2.1", "AUTH of nothing", frame(0xf0), 0},
		{"3.15.2", "AUTH", frame(0xf0, "\x18", props("\x15", str("m"), "\x16", str("d"))), 0},
		{"3.15.3", "AUTH with a payload", frame(0xf0, "\x18", none, "x"), MalformedPacket},
	})
	runStrict(t, V311, []strictCase{
		{"3.1.1: 3.2", "CONNACK", frame(0x20, "\x01\x00"), 0},
		{"3.1.1: 3.2.2.1", "CONNACK with reserved flags", frame(0x20, "\x02\x00"), MalformedPacket},
		{"3.1.1: 3.2", "CONNACK with properties", frame(0x20, "\x00\x00", none), MalformedPacket},
		{"3.1.1: 3.2", "CONNACK cut short", frame(0x20, "\x00"), MalformedPacket},
		{"3.1.1: 3.14", "DISCONNECT", frame(0xe0), 0},
		{"3.1.1: 3.14", "DISCONNECT with a code", frame(0xe0, "\x00"), MalformedPacket},
		{"3.1.1: 2.2.1", "AUTH", frame(0xf0), ProtocolError},
	})
	// What has a function of its own is no packet for Decode.
	for _, f := range []Frame{frame(0x10), frame(0x30, str("a"), none), frame(0x40, "\x00\x01")} {
		for _, v := range []Version{V5, V311} {
			if _, err := Decode(f, v); err == nil {
				t.Errorf("Decode(%s) = nil; want an error", TypeName(f.Type()))
			}
		}
	}
}

// No packet that is cut short, at any byte, is taken for another that is whole,
// other than where the end may be left out.
func TestStrictEveryTruncation(t *testing.T) {
	whole := []struct {
		name  string
		first byte
		v     Version
		body  string
		ends  []int // lengths at which it is a packet all the same
	}{
		{"CONNECT", 0x10, V5, str("MQTT") + "\x05\xf6\x00\x3c" + props(goodProperty[17], user("k", "v")) + str("id") +
			props(goodProperty[8], goodProperty[9]) + str("will") + str("bye") + str("user") + str("pass"), nil},
		{"CONNECT", 0x10, V311, str("MQTT") + "\x04\xf6\x00\x3c" + str("id") + str("will") + str("bye") + str("user") + str("pass"), nil},
		{"CONNACK", 0x20, V5, "\x00\x00" + props(goodProperty[17], goodProperty[26]), nil},
		{"PUBLISH", 0x32, V5, str("a/b") + "\x00\x01" + props(goodProperty[8], goodProperty[9], user("k", "v")), nil},
		{"PUBLISH", 0x32, V311, str("a/b") + "\x00\x01", nil},
		{"PUBACK", 0x40, V5, "\x00\x01\x10" + props(goodProperty[31]), []int{2, 3}},
		{"SUBSCRIBE", 0x82, V5, "\x00\x01" + props(goodProperty[11]) + str("a") + "\x01" + str("b") + "\x02", []int{9}},
		{"SUBSCRIBE", 0x82, V311, "\x00\x01" + str("a") + "\x01" + str("b") + "\x02", []int{6}},
		{"UNSUBSCRIBE", 0xa2, V5, "\x00\x01" + none + str("a") + str("b"), []int{6}},
		{"SUBACK", 0x90, V5, "\x00\x01" + props(goodProperty[31]) + "\x00", nil},
		{"DISCONNECT", 0xe0, V5, "\x9c" + props(goodProperty[28]), []int{0, 1}},
		{"AUTH", 0xf0, V5, "\x18" + props(goodProperty[21], goodProperty[22]), []int{0, 1}},
	}
	for _, w := range whole {
		if _, err := parse(frame(w.first, w.body), w.v); err != nil {
			t.Errorf("%s, whole, of version %d = %v; want no error", w.name, w.v, err)
		}
		for n := range len(w.body) {
			code := byte(0)
			_, err := parse(frame(w.first, w.body[:n]), w.v)
			if e, ok := err.(*Error); ok {
				code = e.Code
			}
			want := err != nil
			for _, end := range w.ends {
				if n == end {
					want = err == nil
				}
			}
			// A SUBSCRIBE that ends before its first filter is a Protocol Error.
			if !want || code != 0 && code != MalformedPacket && w.first&0xd0 != 0x80 {
				t.Errorf("%s of version %d cut to %d bytes = %v; want it malformed", w.name, w.v, n, err)
			}
		}
	}
}

func TestReasonName(t *testing.T) {
	seen := map[string]byte{}
	for code := range 256 {
		name := ReasonName(byte(code))
		if name == "" || name[0] >= 'A' && name[0] <= 'Z' {
			t.Errorf("ReasonName(0x%02X) = %q; want a phrase in lower case or a number", code, name)
		}
		if was, ok := seen[name]; ok {
			t.Errorf("ReasonName(0x%02X) = %q, as for 0x%02X; want a name of its own", code, name, was)
		}
		seen[name] = byte(code)
	}
	for code, want := range map[byte]string{0x00: "success", 0x04: "disconnect with will message", 0x8E: "session taken over",
		0xA2: "wildcard subscriptions not supported", 0xA3: "0xA3", 0x7F: "0x7F", 0x03: "0x03"} {
		if got := ReasonName(code); got != want {
			t.Errorf("ReasonName(0x%02X) = %q; want %q", code, got, want)
		}
	}
	e := Error{TopicNameInvalid, "a Topic Name with a wildcard"}
	if got, want := e.Error(), "a Topic Name with a wildcard (0x90 topic name invalid)"; got != want {
		t.Errorf("Error() = %q; want %q", got, want)
	}
}
