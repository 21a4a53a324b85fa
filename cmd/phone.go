package cmd

import (
	"bytes"
	"context"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	paholog "github.com/eclipse/paho.golang/paho/log"

	"homefleet/fleet/wire"
)

// requestMaximumPacket is the Maximum Packet Size that a request declares, in
// bytes: the largest payload that a scenario can have, and what is around it.
const requestMaximumPacket = 17 << 20

// phoneConn makes one write of what the library writes of one packet, hands it
// packets that are whole, and remembers how the broker's first packet began. The
// library takes the lock around each packet it writes; one goroutine reads.
//
// The library makes room for what the header of a packet promises, up to 256 MiB,
// and does not know its own Maximum Packet Size. So packets are framed before: one
// that is larger ends the connection (MQTT 5.0, 3.1.2.11.4).
type phoneConn struct {
	net.Conn
	framer wire.Framer
	chunk  []byte // what was read and is not framed yet
	frame  []byte // what is framed and not handed over yet
	buf    []byte

	mu  sync.Mutex
	out []byte

	reading sync.Mutex // guards first
	first   []byte
}

// Lock begins a packet.
func (c *phoneConn) Lock() { c.mu.Lock() }

// Unlock sends the packet. An error shows in the next Read.
func (c *phoneConn) Unlock() {
	if len(c.out) > 0 {
		if _, err := c.Conn.Write(c.out); err != nil {
			_ = c.Close() // so that Read returns
		}
		c.out = c.out[:0]
	}
	c.mu.Unlock()
}

// Write is called between Lock and Unlock.
func (c *phoneConn) Write(b []byte) (int, error) {
	c.out = append(c.out, b...)
	return len(b), nil
}

func (c *phoneConn) Read(b []byte) (int, error) {
	for len(c.frame) == 0 {
		if len(c.chunk) == 0 {
			if c.buf == nil {
				c.framer.Max, c.buf = requestMaximumPacket, make([]byte, 16<<10)
			}
			n, err := c.Conn.Read(c.buf)
			c.note(c.buf[:n])
			if n == 0 && err != nil {
				return 0, err
			}
			c.chunk = c.buf[:n]
		}
		frame, err := c.framer.Next(&c.chunk)
		if err != nil {
			return 0, err
		}
		c.frame = frame
	}
	n := copy(b, c.frame)
	c.frame = c.frame[n:]
	return n, nil
}

// note remembers the first bytes.
func (c *phoneConn) note(b []byte) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if room := 2 - len(c.first); room > 0 {
		c.first = append(c.first, b[:min(len(b), room)]...)
	}
}

// old reports whether the first packet is a CONNACK of MQTT 3.1.1, which has no
// properties.
func (c *phoneConn) old() bool { return bytes.Equal(c.begin(), []byte{packets.CONNACK << 4, 2}) }

// begin returns how the first packet began, as far as it has come.
func (c *phoneConn) begin() []byte {
	c.reading.Lock()
	defer c.reading.Unlock()
	return bytes.Clone(c.first)
}

// pinger keeps the connection alive. The library's own pings as soon as it is
// connected, which a request of a millisecond does not need.
type pinger struct{}

// Run implements paho.Pinger.
func (*pinger) Run(ctx context.Context, conn net.Conn, keepAlive uint16) error {
	if keepAlive == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(time.Duration(keepAlive) * time.Second / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(conn); err != nil {
				return err
			}
		}
	}
}

// PacketSent, PacketReceived, PingResp and SetDebug implement paho.Pinger.
func (*pinger) PacketSent()             {}
func (*pinger) PacketReceived()         {}
func (*pinger) PingResp()               {}
func (*pinger) SetDebug(paholog.Logger) {}
