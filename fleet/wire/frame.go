// Package wire knows how MQTT control packets look on the wire: it cuts a
// stream into packets, checks each strictly against the standard, and encodes
// and decodes. PUBLISH and CONNECT are done by hand, because the codec of
// paho.golang loses part of them (a Will's properties, empty Correlation Data,
// repeated Subscription Identifiers); every other MQTT 5 packet is left to
// github.com/eclipse/paho.golang/packets. It holds no connection and no state
// of a session.
//
// Section numbers are those of the OASIS MQTT 5.0 standard.
package wire

import "github.com/eclipse/paho.golang/packets"

// Version is the Protocol Version of a connection.
type Version byte

// The versions that are spoken. Devices speak V5; the broker also serves
// clients of V311 and V31, which differ on the wire in the CONNECT only.
const (
	V31  Version = 3
	V311 Version = 4
	V5   Version = 5
)

// MaxRemaining is the largest Remaining Length a packet can have (section 2.1.4).
const MaxRemaining = 268_435_455

// Frame is one whole control packet, fixed header included.
type Frame []byte

// Type returns the control packet type, such as packets.PUBLISH.
func (f Frame) Type() byte { return f[0] >> 4 }

// Flags returns the low four bits of the first byte.
func (f Frame) Flags() byte { return f[0] & 0x0f }

// Body returns what follows the fixed header. The frame must be whole, as a
// [Framer] returns it.
func (f Frame) Body() []byte {
	i := 1
	for f[i]&0x80 != 0 {
		i++
	}
	return f[i+1:]
}

// Size reads the fixed header at the start of b and returns the length of the
// whole packet. It returns 0 while the header itself is incomplete, and an
// [*Error] when no packet can start like this.
func Size(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if b[0]>>4 == 0 {
		return 0, malformed("control packet type 0 is reserved")
	}
	n, width, err := uvarint(b[1:])
	if err != nil || width == 0 {
		return 0, err
	}
	return 1 + width + n, nil
}

// uvarint decodes a Variable Byte Integer (section 1.5.5). A width of 0 means
// that b ends too early.
func uvarint(b []byte) (n, width int, err error) {
	for i := range 4 {
		if i == len(b) {
			return 0, 0, nil
		}
		n |= int(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			if i > 0 && b[i] == 0 {
				return 0, 0, malformed("a variable byte integer uses more bytes than it needs")
			}
			return n, i + 1, nil
		}
	}
	return 0, 0, malformed("a variable byte integer is longer than four bytes")
}

func appendUvarint(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

func uvarintWidth(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	}
	return 4
}

// TypeName returns the name of a control packet type, such as "PUBLISH".
func TypeName(t byte) string {
	if t == 0 || t > packets.AUTH {
		return "reserved"
	}
	return [...]string{"CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE",
		"SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"}[t-1]
}

// The packets that have no content.
var (
	Pingreq  = [...]byte{packets.PINGREQ << 4, 0}
	Pingresp = [...]byte{packets.PINGRESP << 4, 0}
)
