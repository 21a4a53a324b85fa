package transport

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// nameServer is a name server on this machine: it answers every question for an
// address of IPv4 with the given ones and every other with nothing, and counts the
// first kind.
type nameServer struct {
	conn  net.PacketConn
	asked atomic.Int32
	addrs atomic.Pointer[[]netip.Addr]
}

func serveNames(t *testing.T, addrs ...string) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nameServer{conn: conn}
	n.lead(addrs...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.serve()
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return n
}

func (n *nameServer) lead(to ...string) {
	var addrs []netip.Addr
	for _, a := range to {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	n.addrs.Store(&addrs)
}

func (n *nameServer) serve() {
	question := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(question)
		if err != nil {
			return
		}
		end := 12 // of the question's name (RFC 1035, 4.1)
		for end < size && question[end] != 0 {
			end += 1 + int(question[end])
		}
		end += 5
		if end > size {
			continue
		}
		answer := append([]byte{}, question[:end]...)
		answer[2], answer[3] = 0x81, 0x80 // a response without error
		clear(answer[6:12])
		if binary.BigEndian.Uint16(question[end-4:]) == 1 {
			n.asked.Add(1)
			addrs := *n.addrs.Load()
			answer[7] = byte(len(addrs))
			for _, a := range addrs {
				answer = append(answer, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // with a TTL of 0
				answer = append(answer, a.AsSlice()...)
			}
		}
		_, _ = n.conn.WriteTo(answer, from)
	}
}

// dialer is one to a port of a host that this server knows.
func (n *nameServer) dialer(t *testing.T, port string) *Dialer {
	t.Helper()
	d, err := NewDialer(Target{URL: "mqtt://broker.test:" + port})
	if err != nil {
		t.Fatal(err)
	}
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var to net.Dialer
		return to.DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
	d.host.resolver, d.socket.Resolver = r, r
	return d
}

// listener counts the connections that it takes.
type listener struct {
	taken atomic.Int32
	came  chan struct{} // one for each
}

// comes waits for so many connections.
func (l *listener) comes(t *testing.T, n int) {
	t.Helper()
	timeout := time.After(time.Minute)
	for range n {
		select {
		case <-l.came:
		case <-timeout:
			t.Fatalf("%d connections came within 10 s; want %d", l.taken.Load(), n)
		}
	}
}

// listenOn returns a listener that takes connections.
func listenOn(t *testing.T, address string) (port string, of *listener) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	of = &listener{came: make(chan struct{}, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			of.taken.Add(1)
			of.came <- struct{}{}
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, of
}

func dialOnce(t *testing.T, d *Dialer) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := d.Dial(ctx)
	if err == nil {
		c.Close()
	}
	return err
}

// Many who connect together ask once where their broker is.
func TestHostIsLookedUpOnce(t *testing.T) {
	port, _ := listenOn(t, "127.0.0.1:0")
	names := serveNames(t, "127.0.0.1")
	d := names.dialer(t, port)
	for range 50 {
		if err := dialOnce(t, d); err != nil {
			t.Fatal(err)
		}
	}
	if n := names.asked.Load(); n != 1 {
		t.Errorf("50 connections ask the name server %d times; want once", n)
	}
}

// Who finds its broker gone asks where it is now, but not each time.
func TestMovedBrokerIsFound(t *testing.T) {
	port, moved := listenOn(t, "127.0.0.1:0")
	names := serveNames(t, "127.0.0.2") // where nobody listens
	d := names.dialer(t, port)
	start := time.Now()
	for range 20 {
		if err := dialOnce(t, d); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Fatalf("Dial() = %v; want a refusal", err)
		}
	}
	most := 1 + int64(time.Since(start).Seconds())
	if n := int64(names.asked.Load()); n < 1 || n > most {
		t.Errorf("20 refused connections ask %d times; want once a second, which is %d times", n, most)
	}
	names.lead("127.0.0.1")
	start = time.Now()
	for dialOnce(t, d) != nil {
		if time.Since(start) > time.Minute {
			t.Fatal("the broker moved, and is not found within a minute")
		}
		time.Sleep(20 * time.Millisecond)
	}
	moved.comes(t, 1)
}

// Clients spread over a cluster that one name leads to, and go by those that live.
func TestAddressesTakeTurns(t *testing.T) {
	port, one := listenOn(t, "127.0.0.1:0")
	_, two := listenOn(t, "127.0.0.2:"+port)
	d := serveNames(t, "127.0.0.1", "127.0.0.2", "127.0.0.3").dialer(t, port)
	for range 30 {
		if err := dialOnce(t, d); err != nil {
			t.Fatal(err)
		}
	}
	one.comes(t, 20) // those that were to go to the third, too
	two.comes(t, 10)
}

// A name that leads nowhere is told as the net package tells it.
func TestUnknownHost(t *testing.T) {
	d := serveNames(t).dialer(t, "1883")
	err := dialOnce(t, d)
	const want = "dial tcp: lookup broker.test"
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "no such host") {
		t.Errorf("Dial() = %v; want %q ... %q", err, want, "no such host")
	}
}

// A name with addresses of both families, of which one is served: as localhost is
// on most machines.
func TestBothFamilies(t *testing.T) {
	port, served := listenOn(t, "127.0.0.1:0")
	d, err := NewDialer(Target{URL: "mqtt://localhost:" + port})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := dialOnce(t, d); err != nil {
			t.Fatal(err)
		}
	}
	served.comes(t, 10)
}
