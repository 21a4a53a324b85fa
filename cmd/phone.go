package cmd

import (
	"bytes"
	"context"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	paholog "github.com/eclipse/paho.golang/paho/log"
)

// phoneConn makes one write of what the library writes of one packet, and
// remembers how the broker's first packet began. The library takes the lock
// around each packet.
type phoneConn struct {
	net.Conn
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
	n, err := c.Conn.Read(b)
	c.reading.Lock()
	defer c.reading.Unlock()
	if room := 2 - len(c.first); room > 0 {
		c.first = append(c.first, b[:min(n, room)]...)
	}
	return n, err
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
