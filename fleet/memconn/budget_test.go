package memconn

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// liveBytes is what is allocated after a collection.
func liveBytes() uint64 {
	runtime.GC()
	runtime.GC() // the first one may only move pools to their victim caches
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A fleet of 100,000 in one process needs idle pairs to be small, also after
// they have carried traffic.
func TestBudget(t *testing.T) {
	measure := func(name string, pairs int, most uint64, pair func() (a, b net.Conn)) {
		kept := make([]net.Conn, 0, 2*pairs)
		routines := runtime.NumGoroutine()
		before := liveBytes()
		for range pairs {
			a, b := pair()
			kept = append(kept, a, b)
		}
		per := (liveBytes() - before) / uint64(pairs)
		t.Logf("%s: %d bytes a pair", name, per)
		if per > most {
			t.Errorf("%s: %d bytes a pair; want at most %d", name, per, most)
		}
		if n := runtime.NumGoroutine(); n > routines {
			t.Errorf("%s: %d goroutines more than before; want none", name, n-routines)
		}
		runtime.KeepAlive(kept)
	}
	measure("fresh", 5000, 600, func() (a, b net.Conn) { return Pipe(0) })
	past := time.Unix(1, 0)
	used := func() (a, b net.Conn) {
		a, b = Pipe(0)
		for range 2 {
			a, b = b, a
			mustWrite(t, a, string(make([]byte, 5000)))
			if _, err := io.ReadFull(b, make([]byte, 5000)); err != nil {
				t.Fatal(err)
			}
			_ = b.SetReadDeadline(past)
			_, _ = b.Read(make([]byte, 1)) // it finds nothing, and so lets the buffer go
		}
		return a, b
	}
	measure("drained", 5000, 600, used)
	// Both ends have waited for a deadline and keep their timer for the next time.
	measure("timed", 500, 900, func() (a, b net.Conn) {
		a, b = used()
		for _, c := range []net.Conn{a, b} {
			_ = c.SetReadDeadline(time.Now().Add(100 * time.Microsecond))
			_, _ = c.Read(make([]byte, 1))
		}
		return a, b
	})
}

// A round trip between two that wait for each other allocates nothing.
func TestAllocs(t *testing.T) {
	a, b := pipe(t, 0)
	go echo(b)
	msg := make([]byte, 64)
	_ = a.SetReadDeadline(time.Now().Add(time.Hour))
	n := testing.AllocsPerRun(1000, func() {
		_, _ = a.Write(msg)
		_, _ = io.ReadFull(a, msg)
	})
	if n != 0 {
		t.Errorf("a round trip makes %v allocations; want 0", n)
	}
}

func echo(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

func tcpPair(b *testing.B) (client, server net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	return client, server
}

func BenchmarkPingPong(b *testing.B) {
	for _, bb := range []struct {
		name     string
		pair     func() (x, y net.Conn)
		deadline time.Duration
	}{
		{"memconn", func() (x, y net.Conn) { return Pipe(0) }, 0},
		{"memconn-deadline", func() (x, y net.Conn) { return Pipe(0) }, time.Minute},
		{"tcp", func() (x, y net.Conn) { return tcpPair(b) }, 0},
		{"tcp-deadline", func() (x, y net.Conn) { return tcpPair(b) }, time.Minute},
	} {
		b.Run(bb.name, func(b *testing.B) {
			x, y := bb.pair()
			defer x.Close()
			defer y.Close()
			go echo(y)
			msg := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				if bb.deadline > 0 {
					_ = x.SetReadDeadline(time.Now().Add(bb.deadline))
				}
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

func BenchmarkStream(b *testing.B) {
	for _, bb := range []struct {
		name string
		pair func() (x, y net.Conn)
	}{
		{"memconn", func() (x, y net.Conn) { return Pipe(0) }},
		{"tcp", func() (x, y net.Conn) { return tcpPair(b) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			x, y := bb.pair()
			defer x.Close()
			defer y.Close()
			go func() { _, _ = io.Copy(io.Discard, struct{ io.Reader }{y}) }()
			msg := make([]byte, 4096)
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.Write(msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
