//go:build linux

package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/eclipse/paho.golang/packets"
)

// The floor: what it costs to be connected and to answer, and nothing else. One
// goroutine a connection reads into its own small buffer, looks for a PUBLISH,
// and writes an answer in which all but the topic and the Correlation Data are
// canned. There is no state, no model, no time-out, no Keep Alive, no check of
// anything that need not be looked at to find the next byte.

// floor is all of them.
type floor struct {
	states   bool
	answered atomic.Int64
	failed   atomic.Int64
}

// floorDevice is one connection.
type floorDevice struct {
	f    *floor
	conn net.Conn
	id   uint16 // packet id given out last
	have int    // bytes of in that wait for the rest of their packet
	in   [256]byte
	out  [256]byte
}

func startFloor(j *job) (part, error) {
	ids, err := names(j)
	if err != nil {
		return nil, err
	}
	f := &floor{states: j.States}
	err = connectAll(len(ids), func(i int) error {
		conn, err := dialPlain(j.Broker)
		if err != nil {
			return err
		}
		d := &floorDevice{f: f, conn: conn}
		if err := d.handshake(ids[i], j.KeepAlive); err != nil {
			return fmt.Errorf("%s: %w", ids[i], err)
		}
		go d.serve()
		return nil
	})
	return f, err
}

func (f *floor) counts() map[string]int64 {
	return map[string]int64{"answered": f.answered.Load(), "failed": f.failed.Load()}
}

// connectAll connects n devices, as many at a time as a fleet does.
func connectAll(n int, connect func(i int) error) error {
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	turns := make(chan struct{}, 128)
	for i := range n {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			if err := connect(i); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	wg.Wait()
	return first
}

// dialPlain opens a connection without TCP's own keep-alive, as fleets do.
func dialPlain(address string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	return d.DialContext(context.Background(), "tcp", address)
}

// handshake connects and subscribes, one after the other.
func (d *floorDevice) handshake(id string, keepAlive int) error {
	connect, subscribe := welcome(id, keepAlive)
	for _, step := range []struct {
		say  []byte
		hear byte
		code int // where the reason code stands, from the end or the start
	}{{connect, packets.CONNACK, 3}, {subscribe, packets.SUBACK, -1}} {
		if _, err := d.conn.Write(step.say); err != nil {
			return err
		}
		n, err := d.conn.Read(d.in[:])
		if err != nil {
			return err
		}
		at := step.code
		if at < 0 {
			at += n
		}
		if n < 5 || d.in[0]>>4 != step.hear || d.in[at] >= 0x80 {
			return fmt.Errorf("the broker says % x to packet %d", d.in[:n], step.say[0]>>4)
		}
	}
	return nil
}

// serve answers until the connection ends.
func (d *floorDevice) serve() {
	for {
		n, err := d.conn.Read(d.in[d.have:])
		if err != nil {
			d.f.failed.Add(1)
			return
		}
		d.have += n
		out, used, err := d.handle(d.out[:0], d.in[:d.have])
		if err != nil {
			d.f.failed.Add(1)
			return
		}
		d.have = copy(d.in[:], d.in[used:d.have])
		if len(out) > 0 {
			if _, err := d.conn.Write(out); err != nil {
				d.f.failed.Add(1)
				return
			}
		}
	}
}

var errStrange = errors.New("not what this responder understands")

// handle answers every whole packet of in, and says how many bytes they were.
func (d *floorDevice) handle(out, in []byte) ([]byte, int, error) {
	used := 0
	for {
		b := in[used:]
		if len(b) < 2 {
			return out, used, nil
		}
		head, size := 2, int(b[1])
		if size >= 0x80 { // two bytes of length; more do not fit the buffer
			if len(b) < 3 {
				return out, used, nil
			}
			head, size = 3, size&0x7f|int(b[2])<<7
		}
		if head+size > len(d.in) {
			return out, used, errStrange
		}
		if len(b) < head+size {
			return out, used, nil
		}
		used += head + size
		if b[0]>>4 == packets.PUBLISH {
			var err error
			if out, err = d.answer(out, b[0]>>1&3, b[head:head+size]); err != nil {
				return out, used, err
			}
		}
	}
}

// canned are the first properties of an answer: Payload Format Indicator 1,
// Content Type text/plain, and the identifier of the Correlation Data.
var canned = []byte("\x01\x01\x03\x00\x0atext/plain\x09")

// answer appends what goes back for a PUBLISH with this body.
func (d *floorDevice) answer(out []byte, qos byte, body []byte) ([]byte, error) {
	topic, rest, ok := text(body)
	if !ok {
		return out, errStrange
	}
	if qos > 0 {
		out = append(out, packets.PUBACK<<4, 2, rest[0], rest[1])
		rest = rest[2:]
	}
	if len(rest) == 0 || rest[0] >= 0x80 || len(rest) < 1+int(rest[0]) {
		return out, errStrange
	}
	var to, correlation []byte
	for props := rest[1 : 1+rest[0]]; len(props) > 0; {
		id := props[0]
		value, more, ok := text(props[1:])
		switch {
		case ok && id == packets.PropResponseTopic:
			to = value
		case ok && id == packets.PropCorrelationData:
			correlation = value
		default:
			return out, errStrange
		}
		props = more
	}
	d.f.answered.Add(1)
	out = d.publish(out, qos, "", to, correlation)
	if d.f.states {
		// cmnd/<id>/power becomes state/<id>/power
		out = d.publish(out, 0, "state", bytes.TrimPrefix(topic, []byte("cmnd")), nil)
	}
	return out, nil
}

// publish appends a PUBLISH of the word ON to a topic in two parts.
func (d *floorDevice) publish(out []byte, qos byte, prefix string, topic, correlation []byte) []byte {
	props := len(canned) - 1
	if correlation != nil {
		props = len(canned) + 2 + len(correlation)
	}
	size := 2 + len(prefix) + len(topic) + 1 + props + len("ON")
	if qos > 0 {
		size += 2
	}
	out = append(out, packets.PUBLISH<<4|qos<<1)
	if size >= 0x80 {
		out = append(out, byte(size)|0x80, byte(size>>7))
	} else {
		out = append(out, byte(size))
	}
	out = binary.BigEndian.AppendUint16(out, uint16(len(prefix)+len(topic)))
	out = append(append(out, prefix...), topic...)
	if qos > 0 {
		d.id = max(d.id+1, 1)
		out = binary.BigEndian.AppendUint16(out, d.id)
	}
	out = append(out, byte(props))
	if correlation != nil {
		out = append(out, canned...)
		out = binary.BigEndian.AppendUint16(out, uint16(len(correlation)))
		out = append(out, correlation...)
	} else {
		out = append(out, canned[:len(canned)-1]...)
	}
	return append(out, "ON"...)
}

// text cuts a string with two bytes of length off b.
func text(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+n {
		return nil, nil, false
	}
	return b[2 : 2+n], b[2+n:], true
}
