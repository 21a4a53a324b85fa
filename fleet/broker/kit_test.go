package broker

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// The tests speak MQTT with an encoder and decoder of their own, so that a fault
// of fleet/wire cannot hide.

type (
	u16 uint16
	u32 uint32
	raw []byte // as it is, without a length
)

// enc encodes bytes (int), numbers, strings and binary data ([]byte) as they
// stand in a packet.
func enc(parts ...any) raw {
	var b raw
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case u16:
			b = binary.BigEndian.AppendUint16(b, uint16(p))
		case u32:
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		case string:
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
		case []byte:
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
		case raw:
			b = append(b, p...)
		default:
			panic(fmt.Sprintf("enc(%T)", p))
		}
	}
	return b
}

func varint(n int) raw {
	var b raw
	for n > 127 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// props encodes properties behind their length.
func props(parts ...any) raw {
	b := enc(parts...)
	return append(varint(len(b)), b...)
}

// pkt encodes a packet.
func pkt(first int, parts ...any) raw {
	b := enc(parts...)
	return enc(first, append(varint(len(b)), b...))
}

func unhex(s string) raw {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// connectV5 makes a CONNECT of version 5 with Clean Start and Keep Alive 0.
func connectV5(id string, p ...any) raw { return pkt(0x10, "MQTT", 5, 2, u16(0), props(p...), id) }

// resumeV5 makes one without Clean Start.
func resumeV5(id string, p ...any) raw { return pkt(0x10, "MQTT", 5, 0, u16(0), props(p...), id) }

func connectV311(id string) raw { return pkt(0x10, "MQTT", 4, 2, u16(0), id) }

var (
	expiry100   = enc(0x11, u32(100))
	neverExpire = enc(0x11, u32(0xffffffff))
	disconnect  = unhex("e000")
	pingreq     = unhex("c000")
	pingresp    = unhex("d000")
)

func receiveMax(n int) raw { return enc(0x21, u16(n)) }

func sub5(id int, filter string, options int) raw {
	return pkt(0x82, u16(id), props(), filter, options)
}

func pub5(flags int, topic string, id int, properties raw, payload string) raw {
	if flags&6 != 0 {
		return pkt(0x30|flags, topic, u16(id), properties, raw(payload))
	}
	return pkt(0x30|flags, topic, properties, raw(payload))
}

func ack(first, id int) raw { return pkt(first, u16(id)) }

func ackCodeOf(first, id, code int) raw { return pkt(first, u16(id), code) }

func disc(code int) raw { return pkt(0xe0, code, 0) }

// bubble runs a test with a broker and fake time.
func bubble(t *testing.T, config Config, f func(t *testing.T, b *Broker)) {
	t.Helper()
	if config.Users == nil {
		config.Anonymous = true
	}
	synctest.Test(t, func(t *testing.T) {
		b, err := New(config)
		if err != nil {
			t.Fatalf("New(%+v) = %v; want nil", config.Limits, err)
		}
		defer b.Close()
		f(t, b)
	})
}

// client is a client that sees every byte.
type client struct {
	t   *testing.T
	nc  net.Conn
	buf []byte
}

func dial(t *testing.T, b *Broker) *client {
	t.Helper()
	nc, err := b.Dial(context.Background())
	if err != nil {
		t.Fatalf("Dial() = %v; want nil", err)
	}
	return newClient(t, nc)
}

func newClient(t *testing.T, nc net.Conn) *client {
	t.Cleanup(func() { _ = nc.Close() })
	return &client{t: t, nc: nc}
}

// connect dials, sends a CONNECT and wants CONNACK 0; it returns whether a
// session was present.
func connect(t *testing.T, b *Broker, packet raw) (c *client, present bool) {
	t.Helper()
	c = dial(t, b)
	c.send(packet)
	a := c.connack()
	if a.code != 0 {
		t.Fatalf("CONNACK of %x = 0x%02x; want 0", packet, a.code)
	}
	return c, a.present
}

func (c *client) send(packets ...raw) {
	c.t.Helper()
	for _, p := range packets {
		if _, err := c.nc.Write(p); err != nil {
			c.t.Fatalf("sending %.40x (%d bytes): %v; want no error", []byte(p), len(p), err)
		}
	}
}

// next returns the next packet, or an error within 5 s.
func (c *client) next() (raw, error) { return c.within(5 * time.Second) }

func (c *client) within(d time.Duration) (raw, error) {
	_ = c.nc.SetReadDeadline(time.Now().Add(d))
	for {
		if n := whole(c.buf); n > 0 {
			p := raw(c.buf[:n:n])
			c.buf = c.buf[n:]
			return p, nil
		}
		chunk := make([]byte, 65536)
		n, err := c.nc.Read(chunk)
		c.buf = append(c.buf, chunk[:n]...)
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// whole returns the length of the packet at the start of b, 0 if it is not whole.
func whole(b []byte) int {
	n := 0
	for i := 1; i < len(b); i++ {
		n |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i]&0x80 == 0 {
			if len(b) < i+1+n {
				return 0
			}
			return i + 1 + n
		}
	}
	return 0
}

// want reads packets and compares them byte for byte.
func (c *client) want(packets ...raw) {
	c.t.Helper()
	for _, want := range packets {
		got, err := c.next()
		if err != nil {
			c.t.Fatalf("next packet: %v; want %x", err, []byte(want))
		}
		if string(got) != string(want) {
			c.t.Fatalf("next packet = %x (%q); want %x (%q)", []byte(got), got, []byte(want), want)
		}
	}
}

// wantClosed wants the connection to be closed, with nothing before.
func (c *client) wantClosed() {
	c.t.Helper()
	if got, err := c.next(); err == nil {
		c.t.Fatalf("next packet = %x; want the connection closed", []byte(got))
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("the connection is open after 5 s; want it closed")
	}
}

// wantSilence wants no packet for a while and the connection open.
func (c *client) wantSilence(d time.Duration) {
	c.t.Helper()
	if got, err := c.within(d); err == nil {
		c.t.Fatalf("next packet = %x (%q); want none", []byte(got), got)
	} else if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("reading: %v; want the connection open", err)
	}
}

// exchange sends a packet and wants answers.
func (c *client) exchange(p raw, want ...raw) {
	c.t.Helper()
	c.send(p)
	c.want(want...)
}

// subscribe wants the SUBACK to grant.
func (c *client) subscribe(filter string, options int) {
	c.t.Helper()
	c.exchange(sub5(9, filter, options), pkt(0x90, u16(9), 0, options&3))
}

type connack struct {
	present bool
	code    byte
	props   map[byte]string // identifier to value on the wire
}

func (c *client) connack() connack {
	c.t.Helper()
	p, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for the CONNACK: %v", err)
	}
	a, err := parseConnack(p)
	if err != nil {
		c.t.Fatalf("CONNACK %x: %v", []byte(p), err)
	}
	return a
}

func parseConnack(p raw) (a connack, err error) {
	if len(p) < 4 || p[0] != 0x20 || p[2] > 1 {
		return a, errors.New("is none")
	}
	a = connack{present: p[2] == 1, code: p[3], props: map[byte]string{}}
	b := p[4:]
	if len(b) == 0 {
		return a, nil // 3.1.1
	}
	if b[0] > 127 || int(b[0]) != len(b)-1 {
		return a, errors.New("property length")
	}
	for b = b[1:]; len(b) > 0; {
		n := 0
		switch b[0] {
		case 0x24, 0x25, 0x28, 0x29, 0x2a:
			n = 1
		case 0x21, 0x22, 0x13:
			n = 2
		case 0x11, 0x27:
			n = 4
		case 0x12, 0x1a, 0x1c:
			n = 2 + int(binary.BigEndian.Uint16(b[1:]))
		default:
			return a, fmt.Errorf("property %#x", b[0])
		}
		a.props[b[0]] = string(b[1 : 1+n])
		b = b[1+n:]
	}
	return a, nil
}

// message of a PUBLISH, decoded.
type publication struct {
	topic, payload  string
	qos             int
	id              int
	dup, retain     bool
	props           raw // without Message Expiry and Subscription Identifiers
	expiry          int // -1: absent
	subscriptionIDs []int
}

func (c *client) publication() publication {
	c.t.Helper()
	p, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for a PUBLISH: %v", err)
	}
	m, err := parsePublish(p)
	if err != nil {
		c.t.Fatalf("PUBLISH %x: %v", []byte(p), err)
	}
	return m
}

func parsePublish(p raw) (m publication, err error) {
	if p[0]>>4 != 3 {
		return m, errors.New("is none")
	}
	m = publication{qos: int(p[0] >> 1 & 3), dup: p[0]&8 != 0, retain: p[0]&1 != 0, expiry: -1}
	b := p[1:]
	for b[0]&0x80 != 0 {
		b = b[1:]
	}
	b = b[1:]
	n := int(binary.BigEndian.Uint16(b))
	m.topic, b = string(b[2:2+n]), b[2+n:]
	if m.qos > 0 {
		m.id, b = int(binary.BigEndian.Uint16(b)), b[2:]
	}
	n, w := uvarint(b)
	ps := b[w : w+n]
	m.payload = string(b[w+n:])
	for len(ps) > 0 {
		n := 0
		switch ps[0] {
		case 1:
			n = 2
		case 2:
			n = 5
			m.expiry = int(binary.BigEndian.Uint32(ps[1:]))
		case 3, 8, 9:
			n = 3 + int(binary.BigEndian.Uint16(ps[1:]))
		case 0x0b:
			id, w := uvarint(ps[1:])
			n = 1 + w
			m.subscriptionIDs = append(m.subscriptionIDs, id)
		case 0x26:
			n = 3 + int(binary.BigEndian.Uint16(ps[1:]))
			n += 2 + int(binary.BigEndian.Uint16(ps[n:]))
		default:
			return m, fmt.Errorf("property %#x", ps[0])
		}
		if ps[0] != 2 && ps[0] != 0x0b {
			m.props = append(m.props, ps[:n]...)
		}
		ps = ps[n:]
	}
	return m, nil
}

func uvarint(b []byte) (n, width int) {
	v, w := binary.Uvarint(b) // the same encoding, for these lengths
	return int(v), w
}

// leave ends a connection as a crash does.
func (c *client) crash() {
	_ = c.nc.Close()
	synctest.Wait()
}

// bye ends a connection with DISCONNECT 0x00.
func (c *client) bye() {
	c.t.Helper()
	c.send(disconnect)
	if _, err := c.next(); err != io.EOF {
		c.t.Fatalf("after DISCONNECT: %v; want io.EOF", err)
	}
}
