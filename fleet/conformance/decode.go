package conformance

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// reader takes a packet apart; ok turns false at the first fault.
type reader struct {
	s  string
	ok bool
}

func (r *reader) take(n int) string {
	if n > len(r.s) {
		r.ok, r.s = false, ""
		return strings.Repeat("\x00", min(n, 4))
	}
	v := r.s[:n]
	r.s = r.s[n:]
	return v
}
func (r *reader) byte() byte  { return r.take(1)[0] }
func (r *reader) u16() int    { return int(binary.BigEndian.Uint16([]byte(r.take(2)))) }
func (r *reader) u32() uint32 { return binary.BigEndian.Uint32([]byte(r.take(4))) }
func (r *reader) str() string { return r.take(r.u16()) }
func (r *reader) varint() (n int) {
	for shift := 0; shift < 28; shift += 7 {
		b := r.byte()
		n |= int(b&127) << shift
		if b < 128 {
			return n
		}
	}
	r.ok = false
	return 0
}

func (r *reader) props() (out []prop) {
	in := reader{r.take(r.varint()), r.ok}
	for in.s != "" && in.ok {
		p := prop{id: in.byte()}
		switch p.id {
		case 1, 23, 25, 36, 37, 40, 41, 42:
			p.num = uint32(in.byte())
		case 19, 33, 34, 35:
			p.num = uint32(in.u16())
		case 2, 17, 24, 39:
			p.num = in.u32()
		case 11:
			p.num = uint32(in.varint())
		case 38:
			p.value = in.str() + "="
			p.value += in.str()
		case 3, 8, 9, 18, 21, 22, 26, 28, 31:
			p.value = in.str()
		default:
			in.ok = false
		}
		out = append(out, p)
	}
	r.ok = r.ok && in.ok
	return out
}

// reason reads a reason code and properties, both of which may be left out.
func (r *reader) reason(p *packet, five bool) {
	if five && r.s != "" {
		p.code = r.byte()
		if r.s != "" {
			p.props = r.props()
		}
	}
}

// decode reads what a server may send, in the form of the version.
func decode(first byte, body string, version byte) (*packet, error) {
	p := &packet{typ: first >> 4, flags: first & 15, body: body}
	r := reader{body, true}
	// The answer to a version that nobody speaks may have either form.
	five := version == 5 || version == 6 && len(body) > 2
	wantFlags := byte(0)
	switch p.typ {
	case connack:
		flags := r.byte()
		p.session = flags&1 != 0
		p.code = r.byte()
		if flags > 1 {
			return p, fmt.Errorf("a CONNACK with flags 0x%02X (3.2.2-1)", flags)
		}
		if p.code != 0 && p.session {
			return p, fmt.Errorf("a CONNACK that refuses with Session Present (3.2.2-6)")
		}
		if five {
			p.props = r.props()
		}
	case publish:
		wantFlags = p.flags
		p.topic = r.str()
		if p.qos() > 0 {
			p.id = r.u16()
			if p.id == 0 {
				return p, fmt.Errorf("a PUBLISH with Packet Identifier 0 (2.2.1-4)")
			}
		} else if p.dup() {
			return p, fmt.Errorf("a PUBLISH of QoS 0 with DUP (3.3.1-2)")
		}
		if p.qos() == 3 {
			return p, fmt.Errorf("a PUBLISH of QoS 3 (3.3.1-4)")
		}
		if five {
			p.props = r.props()
		}
		p.payload, r.s = r.s, ""
	case puback, pubrec, pubrel, pubcomp:
		if p.typ == pubrel {
			wantFlags = 2
		}
		p.id = r.u16()
		r.reason(p, five)
	case suback, unsuback:
		p.id = r.u16()
		if five {
			p.props = r.props()
		}
		p.codes, r.s = r.s, ""
		if !five && p.typ == unsuback && p.codes != "" {
			return p, fmt.Errorf("a 3.1.1 UNSUBACK with a payload")
		}
	case pingresp:
	case disconnect:
		if !five {
			return p, fmt.Errorf("a DISCONNECT to a 3.1.1 client")
		}
		r.reason(p, five)
	case auth:
		r.reason(p, five)
	default:
		return p, fmt.Errorf("a server sent packet type %d", p.typ)
	}
	if p.flags != wantFlags {
		return p, fmt.Errorf("%v with flags %d (2.1.3-1)", p, p.flags)
	}
	if !r.ok || r.s != "" {
		return p, fmt.Errorf("%s cannot be taken apart: %s", typeNames[p.typ], bytesInWords(body))
	}
	return p, p.misplaced()
}

// misplaced says which property is there twice or does not belong there.
func (p *packet) misplaced() error {
	seen := map[byte]bool{}
	for _, q := range p.props {
		if seen[q.id] && q.id != 38 && !(q.id == 11 && p.typ == publish) {
			return fmt.Errorf("%v: its %s is there twice", p, q.name())
		}
		seen[q.id] = true
		if !strings.ContainsRune(allowed[p.typ], rune(q.id)) {
			return fmt.Errorf("%v: its %s does not belong there", p, q.name())
		}
	}
	return nil
}

// allowed properties of what a server sends (table 2-4).
var allowed = map[byte]string{
	connack: "\x11\x12\x13\x15\x16\x1a\x1c\x1f\x21\x22\x24\x25\x26\x27\x28\x29\x2a",
	publish: "\x01\x02\x03\x08\x09\x0b\x23\x26",
	puback:  "\x1f\x26", pubrec: "\x1f\x26", pubrel: "\x1f\x26", pubcomp: "\x1f\x26", suback: "\x1f\x26", unsuback: "\x1f\x26",
	disconnect: "\x11\x1c\x1f\x26", auth: "\x15\x16\x1f\x26",
}
