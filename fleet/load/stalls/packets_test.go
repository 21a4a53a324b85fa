//go:build linux

package stalls

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// packetTypes are those of MQTT 5, section 2.1.2, as far as the proxy looks at them.
const (
	connect = 1
	connack = 2
	publish = 3
	puback  = 4
	pubcomp = 7
)

// split returns the first whole packet of a stream of bytes, and what is behind it; nil
// if it is not whole yet (section 2.1).
func split(b []byte) (packet, rest []byte, err error) {
	length, n, err := varint(b, 1)
	if n == 0 || err != nil {
		return nil, b, err
	}
	if whole := n + length; len(b) >= whole {
		return b[:whole], b[whole:], nil
	}
	return nil, b, nil
}

// varint reads a Variable Byte Integer (1.5.5), and where it ends; 0 is where there is
// no end yet.
func varint(b []byte, at int) (value, end int, err error) {
	for shift := 0; at < len(b); shift, at = shift+7, at+1 {
		if shift > 21 {
			return 0, 0, errors.New("a Variable Byte Integer has more than four bytes")
		}
		value |= int(b[at]&0x7f) << shift
		if b[at]&0x80 == 0 {
			return value, at + 1, nil
		}
	}
	return 0, 0, nil
}

// message is what the proxy wants to know of a PUBLISH.
type message struct {
	qos                        byte
	responseTopic, correlation string // empty: none
}

// cursor takes a packet apart. It is good as long as bad is nil.
type cursor struct {
	b   []byte
	bad error
}

func (r *cursor) take(n int) []byte {
	if r.bad == nil && (n < 0 || n > len(r.b)) {
		r.bad = fmt.Errorf("%d bytes are wanted of %d", n, len(r.b))
	}
	if r.bad != nil {
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// text reads what has a length of two bytes before it.
func (r *cursor) text() string {
	n := r.take(2)
	if n == nil {
		return ""
	}
	return string(r.take(int(binary.BigEndian.Uint16(n))))
}

func (r *cursor) length() int {
	n, end, err := varint(r.b, 0)
	if r.bad == nil {
		r.bad = err
	}
	r.take(end)
	return n
}

// body passes over the fixed header.
func body(packet []byte) cursor {
	_, n, _ := varint(packet, 1)
	return cursor{b: packet[n:]}
}

// Sizes of the values of properties (2.2.2.2); of others they follow from the value.
var fixed = map[byte]int{0x01: 1, 0x02: 4, 0x11: 4, 0x13: 2, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2a: 1}

// properties calls each with identifier and value.
func (r *cursor) properties(each func(id byte, value string)) {
	in := cursor{b: r.take(r.length()), bad: r.bad}
	for len(in.b) > 0 && in.bad == nil {
		id := in.take(1)[0]
		switch n, ok := fixed[id]; {
		case ok:
			each(id, string(in.take(n)))
		case id == 0x0b:
			in.length()
		case id == 0x26: // User Property
			in.text()
			in.text()
		default:
			each(id, in.text())
		}
	}
	if r.bad == nil {
		r.bad = in.bad
	}
}

// readPublish reads a PUBLISH (3.3).
func readPublish(packet []byte) (m message, err error) {
	r := body(packet)
	m.qos = packet[0] >> 1 & 3
	r.text()
	if m.qos > 0 {
		r.take(2)
	}
	r.properties(func(id byte, value string) {
		switch id {
		case 0x08:
			m.responseTopic = value
		case 0x09:
			m.correlation = value
		}
	})
	return m, r.bad
}

// readConnect returns the Client Identifier of a CONNECT (3.1).
func readConnect(packet []byte) (id string, err error) {
	r := body(packet)
	r.text()  // MQTT
	r.take(4) // version, flags, Keep Alive
	r.properties(func(byte, string) {})
	return r.text(), r.bad
}

// readConnack returns the Receive Maximum of a CONNACK (3.2.2.3.3).
func readConnack(packet []byte) (most int, err error) {
	r := body(packet)
	r.take(2)
	most = 65535
	r.properties(func(id byte, value string) {
		if id == 0x21 {
			most = int(binary.BigEndian.Uint16([]byte(value)))
		}
	})
	return most, r.bad
}
