package wire

import "github.com/eclipse/paho.golang/packets"

// Connect is a CONNECT (section 3.1).
type Connect struct {
	Version    Version
	ClientID   string
	Username   string
	Password   []byte
	CleanStart bool // Clean Session before version 5
	HasUser    bool
	HasPass    bool
	KeepAlive  uint16 // seconds; 0 is off

	SessionExpiry     uint32 // seconds; 0xFFFFFFFF is never
	MaximumPacketSize uint32 // 0: not given
	ReceiveMaximum    uint16 // 0: not given, which means 65,535
	TopicAliasMaximum uint16

	RequestResponseInfo bool
	NoProblemInfo       bool // Request Problem Information is 0
	AuthMethod          string
	AuthData            []byte
	User                []byte // User Properties, as in Properties.User

	Will *Will
}

// Will is the Will Message of a CONNECT (section 3.1.2.5).
type Will struct {
	Topic   []byte
	Payload []byte
	Props   Properties
	Delay   uint32 // Will Delay Interval, seconds
	QoS     byte
	Retain  bool
}

// ParseConnect decodes and checks a CONNECT. The slices in the result point into
// the frame. The error is an [*Error]; its code is [UnsupportedVersion] when the
// packet is fine but for a version that is not spoken, and then the result's
// Version says which it was.
func ParseConnect(f Frame) (*Connect, error) {
	if f.Flags() != 0 {
		return nil, malformed("a CONNECT with reserved flags set")
	}
	c := cursor{b: f.Body()}
	name := string(c.utf8("the Protocol Name"))
	p := &Connect{Version: Version(c.byte())}
	if c.err != nil {
		return nil, c.err
	}
	switch {
	case name == "MQTT" && (p.Version == V311 || p.Version == V5):
	case name == "MQIsdp" && p.Version == V31:
	case name == "MQTT" || name == "MQIsdp":
		return p, &Error{UnsupportedVersion, "protocol version " + itoa(int(p.Version)) + " is not spoken; want 5 or 4"}
	default:
		return nil, &Error{UnsupportedVersion, "the Protocol Name is not MQTT"}
	}
	flags := c.byte()
	p.KeepAlive = c.uint16()
	if c.err != nil {
		return p, c.err
	}
	if flags&1 != 0 {
		return p, malformed("a CONNECT with its reserved flag set") // 3.1.2-3
	}
	p.CleanStart = flags&2 != 0
	p.HasPass, p.HasUser = flags&0x40 != 0, flags&0x80 != 0
	if p.Version != V5 && p.HasPass && !p.HasUser {
		return p, malformed("a CONNECT with a password but no user name") // 3.1.1: 3.1.2-22
	}
	if p.Version == V5 {
		c.properties(packets.CONNECT, p.property)
		if c.err == nil && p.AuthMethod == "" && p.AuthData != nil {
			return p, protocolError("Authentication Data without an Authentication Method")
		}
	}
	p.ClientID = string(c.utf8("the Client Identifier"))
	if flags&4 != 0 {
		w := &Will{QoS: flags >> 3 & 3, Retain: flags&0x20 != 0}
		if w.QoS == 3 {
			return p, malformed("a Will QoS of 3") // 3.1.2-12
		}
		if p.Version == V5 {
			c.message(&w.Props, willProperties, &w.Delay)
		}
		w.Topic = c.utf8("the Will Topic")
		w.Payload = c.binary()
		if c.err == nil && !ValidTopicName(w.Topic) {
			return p, &Error{TopicNameInvalid, "a Will Topic that is empty or has a wildcard"}
		}
		p.Will = w
	} else if flags&0x38 != 0 {
		return p, malformed("a CONNECT with Will QoS or Will Retain but no Will") // 3.1.2-11, -13
	}
	if p.HasUser {
		p.Username = string(c.utf8("the User Name"))
	}
	if p.HasPass {
		p.Password = c.binary()
	}
	if c.err != nil {
		return p, c.err
	}
	if len(c.b) > 0 {
		return p, malformed("a CONNECT with " + itoa(len(c.b)) + " bytes too many")
	}
	return p, nil
}

func (p *Connect) property(v property) {
	switch v.id {
	case packets.PropSessionExpiryInterval:
		p.SessionExpiry = v.num
	case packets.PropReceiveMaximum:
		p.ReceiveMaximum = uint16(v.num)
	case packets.PropMaximumPacketSize:
		p.MaximumPacketSize = v.num
	case packets.PropTopicAliasMaximum:
		p.TopicAliasMaximum = uint16(v.num)
	case packets.PropRequestResponseInfo:
		p.RequestResponseInfo = v.num == 1
	case packets.PropRequestProblemInfo:
		p.NoProblemInfo = v.num == 0
	case packets.PropAuthMethod:
		p.AuthMethod = string(v.bytes)
	case packets.PropAuthData:
		p.AuthData = v.bytes
	case packets.PropUser:
		p.User = append(p.User, v.block[v.at:v.end]...)
	}
}

// AppendConnect encodes a CONNECT with all properties of its Will, five of which
// paho.golang v0.23.0 leaves out.
func AppendConnect(dst []byte, p *Connect) []byte {
	// The packet is rare and small, so it is built apart and then put behind
	// its length.
	b := make([]byte, 0, 256)
	name := "MQTT"
	if p.Version == V31 {
		name = "MQIsdp"
	}
	b = append(appendString(b, name), byte(p.Version), p.flags())
	b = appendUint16(b, p.KeepAlive)
	if p.Version == V5 {
		props := p.appendProperties(nil)
		b = append(appendUvarint(b, len(props)), props...)
	}
	b = appendString(b, p.ClientID)
	if w := p.Will; w != nil {
		if p.Version == V5 {
			n := w.Props.size()
			if w.Delay > 0 {
				n += 5
			}
			b = appendUvarint(b, n)
			if w.Delay > 0 {
				b = appendUint32(append(b, packets.PropWillDelayInterval), w.Delay)
			}
			b = w.Props.append(b)
		}
		b = appendString(b, w.Topic)
		b = appendString(b, w.Payload)
	}
	if p.HasUser {
		b = appendString(b, p.Username)
	}
	if p.HasPass {
		b = appendString(b, p.Password)
	}
	dst = appendUvarint(append(dst, packets.CONNECT<<4), len(b))
	return append(dst, b...)
}

func (p *Connect) flags() (flags byte) {
	if p.CleanStart {
		flags |= 2
	}
	if w := p.Will; w != nil {
		flags |= 4 | w.QoS<<3
		if w.Retain {
			flags |= 0x20
		}
	}
	if p.HasPass {
		flags |= 0x40
	}
	if p.HasUser {
		flags |= 0x80
	}
	return flags
}

func (p *Connect) appendProperties(b []byte) []byte {
	if p.SessionExpiry > 0 {
		b = appendUint32(append(b, packets.PropSessionExpiryInterval), p.SessionExpiry)
	}
	if p.ReceiveMaximum > 0 {
		b = appendUint16(append(b, packets.PropReceiveMaximum), p.ReceiveMaximum)
	}
	if p.MaximumPacketSize > 0 {
		b = appendUint32(append(b, packets.PropMaximumPacketSize), p.MaximumPacketSize)
	}
	if p.TopicAliasMaximum > 0 {
		b = appendUint16(append(b, packets.PropTopicAliasMaximum), p.TopicAliasMaximum)
	}
	if p.RequestResponseInfo {
		b = append(b, packets.PropRequestResponseInfo, 1)
	}
	if p.NoProblemInfo {
		b = append(b, packets.PropRequestProblemInfo, 0)
	}
	if p.AuthMethod != "" {
		b = appendString(append(b, packets.PropAuthMethod), p.AuthMethod)
	}
	if p.AuthData != nil {
		b = appendString(append(b, packets.PropAuthData), p.AuthData)
	}
	return append(b, p.User...)
}
