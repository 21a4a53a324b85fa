package faults

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/memconn"
)

// drowsy is a connection whose Reads come back a little after their deadline, as
// they do on a machine: its timers are late by some part of a millisecond.
type drowsy struct {
	net.Conn
	by time.Duration
}

func (d drowsy) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		time.Sleep(d.by)
	}
	return n, err
}

// within2 reports whether a time is within 2 % of another.
func within2(took, want time.Duration) bool { return took >= want*98/100 && took <= want*102/100 }

// N small packets at B bytes a second take the time that this says, in either
// direction, in one go and with each waiting for the answer to the one before,
// and also where our timers are late.
func TestSmallPacketsPassAtTheRate(t *testing.T) {
	for _, c := range []struct {
		name  string
		size  int
		up    bool // the packets go upstream, their answers back
		late  time.Duration
		burst bool
	}{
		{name: "a burst down", size: 25, burst: true},
		{name: "a burst up", size: 25, burst: true, up: true},
		{name: "answered, down", size: 25},
		{name: "answered, up", size: 25, up: true},
		{name: "one byte each", size: 1},
		{name: "late timers, a burst down", size: 25, burst: true, late: 800 * time.Microsecond},
		{name: "late timers, answered, down", size: 25, late: 800 * time.Microsecond},
		{name: "timers late by more than a packet takes", size: 4, late: 800 * time.Microsecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const rate, n = 8192, 400
				a, b := memconn.Pipe(0)
				conn := Wrap(drowsy{a, c.late}, 1)
				defer conn.Close()
				defer b.Close()
				conn.Set("link", Bandwidth{Rate: rate})
				from, to := net.Conn(b), net.Conn(conn)
				if c.up {
					from, to = to, from
				}
				start := time.Now()
				answered := make(chan struct{})
				go func() {
					defer close(answered)
					packet := make([]byte, c.size)
					for range n {
						if _, err := io.ReadFull(to, packet); err != nil {
							t.Error(err)
							return
						}
						if c.burst {
							continue
						}
						if _, err := to.Write(packet[:1]); err != nil {
							t.Error(err)
							return
						}
					}
				}()
				packet := make([]byte, c.size)
				bytes := n * c.size
				for range n {
					if _, err := from.Write(packet); err != nil {
						t.Fatal(err)
					}
					if c.burst {
						continue
					}
					if _, err := io.ReadFull(from, packet[:1]); err != nil {
						t.Fatal(err)
					}
				}
				<-answered
				if !c.burst {
					bytes += n
				}
				took, want := time.Since(start), time.Duration(bytes)*time.Second/rate
				if !within2(took, want) {
					t.Errorf("%d packets of %d bytes took %v; want %v, as %d bytes do at %d a second", n, c.size, took, want, bytes, rate)
				}
			})
		})
	}
}

// The same on a socket, with a peer that knows nothing of faults. A machine that
// is busy makes it longer, never shorter: one of several tries is enough.
func TestSmallPacketsPassAtTheRateOnASocket(t *testing.T) {
	const rate, size, n, tries = 16384, 20, 160, 8
	want := time.Duration(n*size) * time.Second / rate
	for _, up := range []bool{false, true} {
		var took time.Duration
		for range tries {
			took = overSocket(t, up, rate, size, n)
			if took < want*98/100 {
				t.Fatalf("upstream %v: %d packets of %d bytes took %v; want no less than %v", up, n, size, took, want)
			}
			if within2(took, want) {
				break
			}
		}
		if !within2(took, want) {
			t.Errorf("upstream %v: %d packets of %d bytes took %v in the last of %d tries; want %v", up, n, size, took, tries, want)
		}
	}
}

// overSocket is how long packets take from one end of a TCP connection to the
// other.
func overSocket(t *testing.T, up bool, rate int64, size, n int) time.Duration {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	conn := Wrap(a, 1)
	defer conn.Close()
	conn.Set("link", Bandwidth{Rate: rate})
	from, to := net.Conn(b), net.Conn(conn)
	if up {
		from, to = to, from
	}
	start := time.Now()
	go func() {
		packet := make([]byte, size)
		for range n {
			if _, err := from.Write(packet); err != nil {
				return // the reader says what was missing
			}
		}
	}()
	if _, err := io.CopyN(io.Discard, to, int64(n*size)); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}
