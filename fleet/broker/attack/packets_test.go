//go:build linux

package attack

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// Packets of MQTT 5, made by hand.

func text(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }

func packet(first byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b := binary.AppendUvarint([]byte{first}, uint64(n)) // the same encoding as a Variable Byte Integer, for these lengths
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func properties(p []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(p))), p...) }

// connect is a CONNECT with a session that never expires and, if there is a topic,
// a Will Message that waits for a day.
func connect(id, user string, willTopic, will string) []byte {
	flags := byte(0)
	var rest []byte
	if willTopic != "" {
		flags |= 4
		rest = append(append(append(rest, properties([]byte{0x18, 0, 1, 0x51, 0x80})...), text(willTopic)...), text(will)...)
	}
	if user != "" {
		flags |= 0xc0
		rest = append(append(rest, text(user)...), text("p")...)
	}
	return packet(0x10, text("MQTT"), []byte{5, flags, 0, 0}, properties([]byte{0x11, 255, 255, 255, 255}), text(id), rest)
}

// subscribe is a SUBSCRIBE with one filter and, unless it is 0, a Subscription
// Identifier.
func subscribe(qos byte, filter string, id int) []byte {
	var p []byte
	if id > 0 {
		p = binary.AppendUvarint([]byte{0x0b}, uint64(id))
	}
	return packet(0x82, []byte{0, 1}, properties(p), text(filter), []byte{qos})
}

// subscribeAll is a SUBSCRIBE of as many filters as there are and fit into size
// bytes.
func subscribeAll(size int, filter func(i int) string) []byte {
	var b []byte
	for i := 0; ; i++ {
		f := filter(i)
		if f == "" || len(b)+len(f)+3 > size {
			break
		}
		b = append(append(b, text(f)...), 0)
	}
	return packet(0x82, []byte{0, 1, 0}, b)
}

// unsubscribeAll is an UNSUBSCRIBE of as many filters as there are.
func unsubscribeAll(filter func(i int) string) []byte {
	var b []byte
	for i := 0; filter(i) != ""; i++ {
		b = append(b, text(filter(i))...)
	}
	return packet(0xa2, []byte{0, 1, 0}, b)
}

// publish is a PUBLISH; flags are DUP, QoS and RETAIN.
func publish(flags byte, topic string, id int, props []byte, payload string) []byte {
	var pid []byte
	if flags&6 != 0 {
		pid = binary.BigEndian.AppendUint16(nil, uint16(id))
	}
	return packet(0x30|flags, text(topic), pid, properties(props), []byte(payload))
}

var (
	pingreq  = []byte{0xc0, 0}
	pingresp = []byte{0xd0, 0}
)

// conn is a connection that is counted.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func (c *conn) send(packets ...[]byte) error {
	for _, p := range packets {
		if _, err := c.Write(p); err != nil {
			return fmt.Errorf("sending %.20x (%d bytes): %w", p, len(p), err)
		}
	}
	return nil
}

// packet returns the next one that comes.
func (c *conn) packet() ([]byte, error) {
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	first, err := c.r.ReadByte()
	if err != nil {
		return nil, fmt.Errorf("waiting for a packet: %w", err)
	}
	n, err := binary.ReadUvarint(c.r)
	if err != nil {
		return nil, fmt.Errorf("reading the length of a packet: %w", err)
	}
	b := make([]byte, 1+n)
	b[0] = first
	if _, err := io.ReadFull(c.r, b[1:]); err != nil {
		return nil, fmt.Errorf("reading a packet of %d bytes: %w", n, err)
	}
	return b, nil
}

// login connects; will is the payload of a Will Message, nil for none.
func (c *conn) login(id, user string, will []byte) error {
	topic := ""
	if will != nil {
		topic = "w"
	}
	if err := c.send(connect(id, user, topic, string(will))); err != nil {
		return err
	}
	p, err := c.packet()
	if err != nil {
		return err
	}
	if p[0] != 0x20 || p[2] != 0 {
		return fmt.Errorf("the CONNECT of %q gets %x; want CONNACK 0", id, p)
	}
	return nil
}

// settle sends a PINGREQ and reads until its answer comes.
func (c *conn) settle() error {
	if err := c.send(pingreq); err != nil {
		return err
	}
	for {
		p, err := c.packet()
		if err != nil {
			return err
		}
		if p[0] == pingresp[0] {
			return nil
		}
	}
}
