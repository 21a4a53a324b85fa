package wire

import (
	"iter"

	"github.com/eclipse/paho.golang/packets"
)

// Properties are the properties of an application message: of a PUBLISH, or of
// a Will Message. A nil slice is an absent property; an empty one that is not
// nil is present and empty. Slices read from a frame point into it.
type Properties struct {
	ContentType     []byte
	ResponseTopic   []byte
	CorrelationData []byte
	// User holds the User Properties as they stand on the wire, one after the
	// other, so that order and repeated keys survive; see UserProperties.
	User []byte
	// SubscriptionIDs of the subscriptions that matched, set by a server only.
	SubscriptionIDs  []uint32
	MessageExpiry    uint32
	TopicAlias       uint16
	PayloadFormat    byte
	HasPayloadFormat bool
	HasMessageExpiry bool
	HasTopicAlias    bool
}

// UserProperties yields the User Properties in order.
func (p *Properties) UserProperties() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		c := cursor{b: p.User}
		for len(c.b) > 0 && c.err == nil {
			c.byte()
			k, v := c.binary(), c.binary()
			if c.err != nil || !yield(string(k), string(v)) {
				return
			}
		}
	}
}

// UserProperty returns the value of the first User Property with a key. It points
// to where that stands, and nothing is allocated.
func (p *Properties) UserProperty(key string) (value []byte, ok bool) {
	value, _, _ = p.CutUserProperty(key)
	return value, value != nil
}

// CutUserProperty returns the value of the first User Property with a key, nil if there
// is none, and the User Properties before and behind it. They point to where they stand,
// and nothing is allocated.
func (p *Properties) CutUserProperty(key string) (value, before, behind []byte) {
	c := cursor{b: p.User}
	for len(c.b) > 0 && c.err == nil {
		start := len(p.User) - len(c.b)
		c.byte()
		k, v := c.binary(), c.binary()
		if c.err == nil && string(k) == key {
			return v, p.User[:start], c.b
		}
	}
	return nil, p.User, nil
}

// AppendUserProperty appends one User Property in its wire form. Key and value
// longer than 65,535 bytes are cut.
func AppendUserProperty[T string | []byte](dst []byte, key string, value T) []byte {
	dst = append(dst, packets.PropUser)
	dst = appendString(dst, key)
	return appendString(dst, value)
}

// size returns the length of the properties on the wire without their own
// length in front.
func (p *Properties) size() int {
	n := len(p.User)
	if p.HasPayloadFormat {
		n += 2
	}
	if p.HasMessageExpiry {
		n += 5
	}
	if p.ContentType != nil {
		n += 1 + stringSize(p.ContentType)
	}
	if p.ResponseTopic != nil {
		n += 1 + stringSize(p.ResponseTopic)
	}
	if p.CorrelationData != nil {
		n += 1 + stringSize(p.CorrelationData)
	}
	if p.HasTopicAlias {
		n += 3
	}
	for _, id := range p.SubscriptionIDs {
		n += 1 + uvarintWidth(int(id))
	}
	return n
}

func (p *Properties) append(dst []byte) []byte {
	if p.HasPayloadFormat {
		dst = append(dst, packets.PropPayloadFormat, p.PayloadFormat)
	}
	if p.HasMessageExpiry {
		dst = appendUint32(append(dst, packets.PropMessageExpiry), p.MessageExpiry)
	}
	if p.ContentType != nil {
		dst = appendString(append(dst, packets.PropContentType), p.ContentType)
	}
	if p.ResponseTopic != nil {
		dst = appendString(append(dst, packets.PropResponseTopic), p.ResponseTopic)
	}
	if p.CorrelationData != nil {
		dst = appendString(append(dst, packets.PropCorrelationData), p.CorrelationData)
	}
	if p.HasTopicAlias {
		dst = appendUint16(append(dst, packets.PropTopicAlias), p.TopicAlias)
	}
	for _, id := range p.SubscriptionIDs {
		dst = appendUvarint(append(dst, packets.PropSubscriptionIdentifier), int(id))
	}
	return append(dst, p.User...)
}

func appendUint16(dst []byte, n uint16) []byte { return append(dst, byte(n>>8), byte(n)) }
func appendUint32(dst []byte, n uint32) []byte {
	return append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// stringSize returns how many bytes appendString appends.
func stringSize(s []byte) int { return 2 + min(len(s), 65535) }

// appendString appends a string or binary data with its two-byte length; what
// is over 65,535 bytes is cut, so that a packet stays well-formed.
func appendString[T string | []byte](dst []byte, s T) []byte {
	s = s[:min(len(s), 65535)]
	dst = appendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

// cursor reads the parts of a packet. After the first error every read returns
// zero values, so that callers check once.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(err *Error) {
	if c.err == nil {
		c.err = err
	}
	c.b = nil
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.fail(malformed("the packet ends too early"))
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) byte() byte {
	if v := c.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if v := c.take(2); v != nil {
		return uint16(v[0])<<8 | uint16(v[1])
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if v := c.take(4); v != nil {
		return uint32(v[0])<<24 | uint32(v[1])<<16 | uint32(v[2])<<8 | uint32(v[3])
	}
	return 0
}

func (c *cursor) uvarint() int {
	n, width, err := uvarint(c.b)
	if err != nil {
		if c.err == nil {
			c.err = err
		}
		c.b = nil
		return 0
	}
	if width == 0 {
		c.fail(malformed("the packet ends too early"))
		return 0
	}
	c.b = c.b[width:]
	return n
}

// binary reads Binary Data (1.5.6); the result is not nil unless there was an error.
func (c *cursor) binary() []byte {
	n := int(c.uint16())
	if c.err != nil {
		return nil
	}
	return c.take(n)
}

// utf8 reads a UTF-8 Encoded String (1.5.4).
func (c *cursor) utf8(what string) []byte {
	s := c.binary()
	if c.err == nil && !ValidString(s) {
		c.fail(malformed(what + " is not well-formed UTF-8, or has U+0000 in it"))
		return nil
	}
	return s
}
