//go:build linux

package attack

import (
	"bufio"
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
func beFloor(in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	filters := make(chan string)
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go floorClient(nc, filters)
		}
	}()
	var mine, all map[string]*floorFilter
	fmt.Fprintln(out, l.Addr())
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

// floorClient takes filters of three bytes from SUBSCRIBEs, without a look at them.
func floorClient(nc net.Conn, filters chan<- string) {
	var b [256]byte
	for {
		n, err := nc.Read(b[:])
		if err != nil {
			return
		}
		switch b[0] {
		case 0x10:
			_, err = nc.Write([]byte{0x20, 3, 0, 0, 0})
		case 0x82:
			filters <- string(b[n-4 : n-1])
			_, err = nc.Write([]byte{0x90, 4, b[2], b[3], 0, 0})
		}
		if err != nil {
			return
		}
	}
}

// headers, in bytes, are those of IP and TCP that a client sends for a connection beside its
// CONNECT: SYN with its options, ACK, the CONNECT's own, and the ACK of the CONNACK.
const headers = 60 + 52 + 52 + 52

// TestFloor measures the floor in the same way as the attacks, for what keeps far more than
// eight bytes for one that is sent, or would with tables of Go. That of a connection is over
// eight with the headers, too: with a goroutine for each, no server of Go can keep less.
func TestFloor(t *testing.T) {
	for _, tt := range []struct {
		what    string
		headers int // for each, beside what is sent
		n       int
		run     func(c *conn, a *attacker, n int) error
	}{
		{"a connection", headers, size(4000), func(c *conn, a *attacker, n int) error {
			for i := range n {
				if _, err := a.client(fmt.Sprint("mallory-", i)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"a filter of three bytes", 0, size(16_384), func(c *conn, _ *attacker, n int) error {
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
		p := play(t, "floor", "")
		a := &attacker{t: t, address: p.line()}
		c, err := a.client("warm-up")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		before, _ := p.measure()
		a.sent = 0
		if err := tt.run(c, a, tt.n); err != nil {
			t.Fatal(err)
		}
		sent := a.sent
		all := sent + int64(tt.headers*tt.n)
		kept, _ := p.measure()
		a.close()
		p.end()
		if kept <= before && *full {
			t.Errorf("the floor keeps %d bytes of %s; want some", kept-before, tt.what)
		}
		if ratio := float64(kept-before) / float64(all); *full && ratio <= 8 {
			t.Errorf("the floor keeps %.1f bytes of %s for one that is sent; the broker's README says it is over 8", ratio, tt.what)
		}
		t.Logf("%s: %d bytes kept, %.1f a byte of the %d that are sent, %.1f with headers", tt.what, (kept-before)/int64(tt.n), float64(kept-before)/float64(sent), sent, float64(kept-before)/float64(all))
	}
}
