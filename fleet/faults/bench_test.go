package faults

import (
	"io"
	"net"
	"testing"
	"time"
	"unsafe"

	"homefleet/fleet/memconn"
)

// A fleet wraps every connection, so that an incident can strike any of them.
func TestSize(t *testing.T) {
	if n, most := unsafe.Sizeof(Conn{}), uintptr(640); n > most {
		t.Errorf("a Conn has %d bytes; want at most %d", n, most)
	}
	a, b := memconn.Pipe(0)
	c := Wrap(a, 1)
	go func() { _, _ = io.Copy(b, struct{ io.Reader }{b}) }()
	msg := make([]byte, 64)
	_ = c.SetReadDeadline(time.Now().Add(time.Hour))
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = c.Write(msg)
		_, _ = io.ReadFull(c, msg)
	}); n != 0 {
		t.Errorf("a round trip with no fault makes %v allocations; want 0", n)
	}
	c.Close()
}

// What passing through costs, in a round trip with an echo.
func BenchmarkRoundTrip(b *testing.B) {
	mem := func() (x, y net.Conn) { return memconn.Pipe(0) }
	tcp := func() (x, y net.Conn) { return tcpPair(b) }
	for _, bb := range []struct {
		name string
		pair func() (x, y net.Conn)
		wrap func(net.Conn) net.Conn
	}{
		{"mem/bare", mem, func(c net.Conn) net.Conn { return c }},
		{"mem/wrapped", mem, func(c net.Conn) net.Conn { return Wrap(c, 1) }},
		{"mem/latency-0", mem, withFault(Latency{})},
		{"tcp/bare", tcp, func(c net.Conn) net.Conn { return c }},
		{"tcp/wrapped", tcp, func(c net.Conn) net.Conn { return Wrap(c, 1) }},
		{"tcp/latency-0", tcp, withFault(Latency{})},
	} {
		b.Run(bb.name, func(b *testing.B) {
			x, y := bb.pair()
			x = bb.wrap(x)
			defer x.Close()
			defer y.Close()
			go func() { _, _ = io.Copy(struct{ io.Writer }{y}, struct{ io.Reader }{y}) }()
			msg := make([]byte, 64)
			_ = x.SetReadDeadline(time.Now().Add(time.Hour))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.Write(msg); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(x, msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func withFault(f Fault) func(net.Conn) net.Conn {
	return func(c net.Conn) net.Conn {
		w := Wrap(c, 1)
		w.Set("a", f)
		return w
	}
}
