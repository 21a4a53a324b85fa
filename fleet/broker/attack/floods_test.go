//go:build linux

package attack

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"
)

// floodTime is how long a flood lasts.
const floodTime = time.Second

// flood has so many clients do the same over and over, each on a connection that it dials
// anew when the broker ends it, and read whatever is answered. What they send is begun, once
// a connection, and then repeated.
func flood(n int, begin func(c *conn) error, again func(c *conn) error) func(a *attacker) error {
	return func(a *attacker) error {
		var all sync.WaitGroup
		end := time.Now().Add(time.Duration(size(int(floodTime))))
		for range size(n) {
			all.Go(func() {
				for time.Now().Before(end) {
					a.floodOnce(end, begin, again)
				}
			})
		}
		all.Wait()
		time.Sleep(time.Duration(size(int(300 * time.Millisecond)))) // what is still in the sockets
		return nil
	}
}

// floodOnce floods over one connection.
func (a *attacker) floodOnce(end time.Time, begin, again func(c *conn) error) {
	nc, err := dialOver(a.over, a.address, &a.traffic)
	if err != nil {
		time.Sleep(time.Millisecond)
		return
	}
	_ = nc.SetDeadline(end.Add(100 * time.Millisecond))
	c := &conn{Conn: nc, r: bufio.NewReaderSize(nc, 4096)}
	if err := begin(c); err != nil {
		_ = nc.Close()
		return
	}
	var reading sync.WaitGroup
	if again != nil {
		reading.Go(func() { _, _ = io.Copy(io.Discard, beneath(nc)) })
		for time.Now().Before(end) && again(c) == nil {
		}
	}
	_ = beneath(nc).SetLinger(0)
	_ = beneath(nc).Close()
	reading.Wait()
}

// beneath is the TCP connection of one that dialOver returned.
func beneath(nc net.Conn) counted {
	switch nc := nc.(type) {
	case *frames:
		return nc.Conn.(counted)
	case *tls.Conn:
		return nc.NetConn().(counted)
	}
	return nc.(counted)
}

// loggedIn is a client of some name or other.
func loggedIn(c *conn) error {
	return c.send(connectAnybody())
}

// connectAnybody is a CONNECT without a Client Identifier.
func connectAnybody() []byte {
	return packet(0x10, text("MQTT"), []byte{5, 2, 0, 0, 0}, text(""))
}

// letIn is one that waits for the CONNACK.
func letIn(c *conn) error {
	if err := loggedIn(c); err != nil {
		return err
	}
	_, err := c.packet()
	return err
}

func nothing(*conn) error { return nil }

// sends repeats bytes beneath MQTT, and beneath the frames of a WebSocket.
func sends(b []byte, times int) func(c *conn) error {
	all := bytes.Repeat(b, times)
	return func(c *conn) error {
		_, err := beneath(c.Conn).Write(all)
		return err
	}
}

// floods are attacks on the machine alone: they make the broker keep nothing, and work as
// much as it will.
func floods() []attack {
	ping := append([]byte{0x89, 0x80 | 125, 0, 0, 0, 0}, make([]byte, 125)...)
	empty := []byte{0x82, 0x80, 0, 0, 0, 0}
	dribble := []byte{0x02, 0x81, 0, 0, 0, 0, 0xc0, 0x80, 0x81, 0, 0, 0, 0, 0} // a PINGREQ, a byte a fragment
	return []attack{
		{name: "100 that ping over WebSocket", bound: "100 pings and pongs a second", setup: setup{Over: "ws"}, run: flood(100, loggedIn, sends(ping, 100))},
		{name: "100 that send empty pings before their CONNECT", bound: "the same", setup: setup{Over: "ws"}, run: flood(100, nothing, sends([]byte{0x89, 0x80, 0, 0, 0, 0}, 1000))},
		{name: "100 that send pongs", bound: "the same", setup: setup{Over: "ws"}, run: flood(100, loggedIn, sends([]byte{0x8a, 0x80, 0, 0, 0, 0}, 1000))},
		{name: "100 that send empty messages over WebSocket", bound: "a reader lets others have their turn", setup: setup{Over: "ws"}, run: flood(100, loggedIn, sends(empty, 10_000))},
		{name: "100 that send fragments of a byte", bound: "the same", setup: setup{Over: "ws"}, run: flood(100, loggedIn, sends(dribble, 5000))},
		{name: "100 that send PINGREQs, and read the answers", bound: "the same", run: flood(100, loggedIn, sends(pingreq, 30_000))},
		{name: "100 that publish messages of 300 bytes that nobody wants", bound: "the same", run: flood(100, loggedIn, sends(publish(0, "nobody", 0, nil, string(make([]byte, 300))), 200))},
		{name: "100 that send TLS records of a byte", bound: "the same", setup: setup{Over: "tls"}, run: flood(100, loggedIn, func(c *conn) error {
			for range 100 {
				if _, err := c.Write(pingreq[:1]); err != nil {
					return err
				}
				if _, err := c.Write(pingreq[1:]); err != nil {
					return err
				}
			}
			return nil
		})},
		{name: "100 that update their TLS keys with every byte", bound: "the same", setup: setup{Over: "tls"}, run: flood(100, keyed, updateKeys)},
		{name: "100 that connect by TLS again and again", bound: "the same", setup: setup{Over: "tls"}, run: flood(100, letIn, nil)},
		{name: "100 that connect again and again", bound: "the same", run: flood(100, letIn, nil)},
		{name: "100 that send AUTH again and again", bound: "the connection ends", run: flood(100, func(c *conn) error { return c.send(packet(0xf0, []byte{0x18, 0})) }, nil)},
	}
}
