//go:build linux

package attack

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"testing"
	"time"
)

// beFloor is what a program in Go cannot do with less: a goroutine and a connection for
// each client, which answers CONNECT with a CONNACK and waits in Read; or, for filters,
// two tables of texts, one to find a client's own and one to find who is to get a
// message. It keeps no session, no time-out, no buffer and no rights.
func beFloor(over string, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, l.Addr())
	if over == "tls" {
		config, err := serverTLS()
		if err != nil {
			return err
		}
		l = tls.NewListener(l, config)
	}
	filters := make(chan string)
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // what a handshake needs of stack goes with it
				if secure, ok := nc.(*tls.Conn); ok && secure.Handshake() != nil {
					return
				}
				go floorClient(nc, filters)
			}()
		}
	}()
	var mine, all map[string]*floorFilter
	kept := make(chan int)
	go func() {
		mine, all = make(map[string]*floorFilter), make(map[string]*floorFilter)
		for {
			select {
			case f := <-filters:
				e := new(floorFilter)
				mine[f], all[f] = e, e
			case kept <- len(mine) + len(all):
			}
		}
	}()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		debug.FreeOSMemory()
		debug.FreeOSMemory()
		fmt.Fprintln(out, <-kept)
	}
	return nil
}

// floorFilter is who subscribes, at which QoS and with which identifier.
type floorFilter struct {
	_ *int
	_ uint32
	_ byte
}

// floorClient takes filters of three bytes from SUBSCRIBEs, without a look at them. Frames
// of WebSocket are masked with zeros, and it answers one with one.
func floorClient(nc net.Conn, filters chan<- string) {
	var b [256]byte
	for {
		n, err := nc.Read(b[:])
		if err != nil {
			return
		}
		switch b[0] {
		case 'G':
			_, key, _ := bytes.Cut(b[:n], []byte("Key: "))
			_, err = nc.Write(floorHandshake(key[:24]))
		case 0x10:
			_, err = nc.Write([]byte{0x20, 3, 0, 0, 0})
		case 0x82:
			if b[1]&0x80 != 0 {
				_, err = nc.Write([]byte{0x82, 5, 0x20, 3, 0, 0, 0})
				break
			}
			filters <- string(b[n-4 : n-1])
			_, err = nc.Write([]byte{0x90, 4, b[2], b[3], 0, 0})
		}
		if err != nil {
			return
		}
	}
}

// floorHandshake is the answer to a WebSocket handshake.
func floorHandshake(key []byte) []byte {
	sum := sha1.Sum(append(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	return fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
}

// floorConnects has so many clients connect and be idle.
func floorConnects(a *attacker, n int) error {
	for i := range n {
		if _, err := a.client(fmt.Sprint("mallory-", i)); err != nil {
			return err
		}
	}
	return nil
}

// TestFloor measures the floor in the same way as the attacks, for what keeps far more than
// eight bytes for one that is sent, or would with tables of Go. That of a connection is over
// eight with the headers of TCP and IP, too: with a goroutine for each, no server of Go can
// keep less; and none with crypto/tls.
func TestFloor(t *testing.T) {
	for _, tt := range []struct {
		what, over string
		n          int
		above      bool // eight bytes, with headers
		run        func(a *attacker, n int) error
	}{
		{"a connection", "", size(4000), true, floorConnects},
		{"a connection by TLS", "tls", size(2000), true, floorConnects},
		{"a WebSocket", "ws", size(4000), true, floorConnects},
		{"a filter of three bytes", "", size(16_384), true, func(a *attacker, n int) error {
			c := a.conns[0]
			for i := range n {
				if err := c.send(subscribe(0, short(i), 0)); err != nil {
					return err
				}
				if _, err := c.packet(); err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		p := play(t, "floor", tt.over)
		a := &attacker{t: t, address: p.line(), over: tt.over}
		if _, err := a.client("warm-up"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		before, _ := p.measure()
		a.traffic.forget()
		if err := tt.run(a, tt.n); err != nil {
			t.Fatal(err)
		}
		after, _ := p.measure()
		r := result{sent: a.traffic.sent.Load(), wire: a.traffic.wire(), kept: after - before}
		a.close()
		p.end()
		if r.kept <= 0 && *full {
			t.Errorf("the floor keeps %d bytes of %s; want some", r.kept, tt.what)
		}
		if tt.above && *full && r.wireRatio() <= 8 {
			t.Errorf("the floor keeps %.1f bytes of %s for one that is sent, with headers; the broker's README says it is over 8", r.wireRatio(), tt.what)
		}
		t.Logf("%s: %d bytes kept, %.1f a byte of the %d that are sent, %.1f with headers", tt.what, r.kept/int64(tt.n), r.ratio(), r.sent, r.wireRatio())
	}
}
