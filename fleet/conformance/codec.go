package conformance

import (
	"encoding/binary"
	"strings"
)

// Packet types (section 2.1.2).
const (
	connect = iota + 1
	connack
	publish
	puback
	pubrec
	pubrel
	pubcomp
	subscribe
	suback
	unsubscribe
	unsuback
	pingreq
	pingresp
	disconnect
	auth
)

var typeNames = [...]string{"reserved", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
	"UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"}

// Encoding works on strings, since most packets here are literals.

func u16(n int) string    { return string([]byte{byte(n >> 8), byte(n)}) }
func u32(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
func str(s string) string { return u16(len(s)) + s }

func varint(n int) string {
	var b []byte
	for {
		d := byte(n % 128)
		n /= 128
		if n == 0 {
			return string(append(b, d))
		}
		b = append(b, d|128)
	}
}

// raw is a packet of its first byte and its parts.
func raw(first byte, parts ...string) string {
	body := strings.Join(parts, "")
	return string([]byte{first}) + varint(len(body)) + body
}

func props(parts ...string) string {
	s := strings.Join(parts, "")
	return varint(len(s)) + s
}

// acknowledgement is a PUBACK, PUBREC, PUBREL or PUBCOMP, with its code and properties, if it
// has some.
func acknowledgement(typ byte, id int, rest ...string) string {
	first := typ << 4
	if typ == pubrel {
		first |= 2 // 3.6.1-1
	}
	return raw(first, append([]string{u16(id)}, rest...)...)
}

// Flags of a PUBLISH, beside its QoS (section 3.3.1).
const (
	retainFlag = 1
	dupFlag    = 8
)

// Options of a subscription, beside its QoS (section 3.8.3.1).
const (
	noLocal           = 0x04
	retainAsPublished = 0x08
	retainHandling1   = 0x10 // retained messages only if the subscription is new
	retainHandling2   = 0x20 // none
)

// Identifiers of properties (section 2.2.2.2).
const (
	payloadFormatProperty            = 1
	messageExpiryProperty            = 2
	contentTypeProperty              = 3
	responseTopicProperty            = 8
	correlationDataProperty          = 9
	subscriptionIdentifierProperty   = 11
	sessionExpiryProperty            = 17
	assignedClientIdentifierProperty = 18
	serverKeepAliveProperty          = 19
	responseInformationProperty      = 26
	receiveMaximumProperty           = 33
	topicAliasMaximumProperty        = 34
	topicAliasProperty               = 35
	maximumQoSProperty               = 36
	retainAvailableProperty          = 37
	userProperty                     = 38
	maximumPacketSizeProperty        = 39
	wildcardAvailableProperty        = 40
	identifierAvailableProperty      = 41
	sharedAvailableProperty          = 42
)

func payloadFormat(n byte) string    { return "\x01" + string([]byte{n}) }
func messageExpiry(s uint32) string  { return "\x02" + u32(s) }
func contentType(s string) string    { return "\x03" + str(s) }
func responseTopic(s string) string  { return "\x08" + str(s) }
func correlation(s string) string    { return "\x09" + str(s) }
func subscriptionID(n int) string    { return "\x0b" + varint(n) }
func sessionExpiry(s uint32) string  { return "\x11" + u32(s) }
func willDelay(s uint32) string      { return "\x18" + u32(s) }
func receiveMaximum(n int) string    { return "\x21" + u16(n) }
func topicAliasMaximum(n int) string { return "\x22" + u16(n) }
func topicAlias(n int) string        { return "\x23" + u16(n) }
func user(k, v string) string        { return "\x26" + str(k) + str(v) }
func maximumPacket(n uint32) string  { return "\x27" + u32(n) }
func requestProblem(n byte) string   { return "\x17" + string([]byte{n}) }
func requestResponse(n byte) string  { return "\x19" + string([]byte{n}) }
func authMethod(s string) string     { return "\x15" + str(s) }
func reasonString(s string) string   { return "\x1f" + str(s) }

// hello is a CONNECT. The zero value is version 5 with Clean Start and a client
// identifier of the test's own.
type hello struct {
	version  byte // 0: that of the run
	id       string
	resume   bool // Clean Start 0
	keep     int
	props    string
	will     *will
	username *string
	password *string
	anon     bool // an empty client identifier
	far      bool // to the broker behind the bridge
	stranger bool // without user name and password, also where the run has some
}

type will struct {
	topic, payload string
	qos            byte
	retain         bool
	props          string
}

func (h hello) encode() string {
	var flags byte
	if !h.resume {
		flags |= 2
	}
	p := str(h.id)
	if w := h.will; w != nil {
		flags |= 4 | w.qos<<3
		if w.retain {
			flags |= 0x20
		}
		if h.version == 5 {
			p += props(w.props)
		}
		p += str(w.topic) + str(w.payload)
	}
	if h.username != nil {
		flags |= 0x80
		p += str(*h.username)
	}
	if h.password != nil {
		flags |= 0x40
		p += str(*h.password)
	}
	head := str("MQTT") + string([]byte{h.version, flags}) + u16(h.keep)
	if h.version == 3 {
		head = str("MQIsdp") + string([]byte{3, flags}) + u16(h.keep)
	}
	if h.version == 5 {
		head += props(h.props)
	}
	return raw(connect<<4, head, p)
}

// packet is what a broker sent.
type packet struct {
	typ, flags byte
	body       string
	id         int
	code       byte
	codes      string // of a SUBACK or UNSUBACK
	session    bool
	topic      string
	payload    string
	props      []prop
}

type prop struct {
	id    byte
	num   uint32
	value string // of a string or binary data; a User Property is "key=value"
}

func (p *packet) qos() byte    { return p.flags >> 1 & 3 }
func (p *packet) dup() bool    { return p.flags&8 != 0 }
func (p *packet) retain() bool { return p.flags&1 != 0 }

// all returns the properties of that identifier.
func (p *packet) all(id byte) (out []prop) {
	for _, q := range p.props {
		if q.id == id {
			out = append(out, q)
		}
	}
	return out
}

func (p *packet) get(id byte) (prop, bool) {
	if all := p.all(id); len(all) > 0 {
		return all[0], true
	}
	return prop{}, false
}

func (p *packet) num(id byte, absent uint32) uint32 {
	if q, ok := p.get(id); ok {
		return q.num
	}
	return absent
}
