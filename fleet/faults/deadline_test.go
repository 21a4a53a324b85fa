package faults

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/memconn"
)

// bubble runs do with a wrapped end that nobody reads.
func bubble(t *testing.T, size int, do func(t *testing.T, c *Conn, peer net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, b := memconn.Pipe(size)
		c := Wrap(a, 1)
		defer b.Close()
		defer c.Close()
		do(t, c, b)
	})
}

func mustWrite(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("Write(%d bytes) = %d, %v; want all", len(s), n, err)
	}
}

// wantRead reads once, and checks what it gives, and after how long.
func wantRead(t *testing.T, c net.Conn, want string, wantErr error, after time.Duration) {
	t.Helper()
	start := time.Now()
	b := make([]byte, 100)
	n, err := c.Read(b)
	if took := time.Since(start); string(b[:n]) != want || !errors.Is(err, wantErr) || took != after {
		t.Errorf("Read = %q, %v after %v; want %q, %v after %v", b[:n], err, took, want, wantErr, after)
	}
}

// A read deadline ends a Read on time, whatever the faults, and loses nothing.
func TestReadDeadline(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults []Fault
		late   time.Duration // until "hello" is there
	}{
		{"none", nil, 0},
		{"latency", []Fault{Latency{Latency: time.Second}}, time.Second},
		{"timeout", []Fault{Timeout{}}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
				for _, f := range tt.faults {
					c.Set("a", f)
				}
				_ = c.SetReadDeadline(time.Now().Add(100 * ms))
				wantRead(t, c, "", os.ErrDeadlineExceeded, 100*ms)
				wantRead(t, c, "", os.ErrDeadlineExceeded, 0)
				go func() {
					time.Sleep(300 * ms)
					_ = c.SetReadDeadline(time.Unix(1, 0))
				}()
				_ = c.SetReadDeadline(time.Now().Add(time.Hour))
				wantRead(t, c, "", os.ErrDeadlineExceeded, 300*ms)
				mustWrite(t, peer, "hello")
				_ = c.SetReadDeadline(time.Now().Add(-time.Second))
				wantRead(t, c, "", os.ErrDeadlineExceeded, 0)
				if tt.late != 0 {
					_ = c.SetReadDeadline(time.Now().Add(900 * ms))
					wantRead(t, c, "", os.ErrDeadlineExceeded, 900*ms)
					tt.late -= 900 * ms
				}
				if tt.late < 0 {
					time.AfterFunc(ms, func() { c.Clear("a") })
					tt.late = ms
				}
				_ = c.SetReadDeadline(time.Time{})
				wantRead(t, c, "hello", nil, tt.late)
			})
		})
	}
}

// A Read that waits when a fault comes, goes or changes.
func TestReadAcrossChanges(t *testing.T) {
	bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
		go func() {
			time.Sleep(time.Second)
			c.Set("a", Latency{Latency: time.Second})
			time.Sleep(time.Second)
			mustWrite(t, peer, "one") // at 2 s
			time.Sleep(10 * time.Second)
			c.Set("a", Latency{Latency: time.Hour})
			mustWrite(t, peer, "two") // at 12 s
			time.Sleep(time.Second)
			c.Clear("a")
			time.Sleep(time.Second)
			mustWrite(t, peer, "three") // at 14 s
		}()
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		wantRead(t, c, "one", nil, 3*time.Second)
		wantRead(t, c, "two", nil, 10*time.Second)
		wantRead(t, c, "three", nil, time.Second)
		wantRead(t, c, "", os.ErrDeadlineExceeded, 46*time.Second)
	})
}

// A Timeout also holds the rest of what has been read in part.
func TestTimeoutAfterPartOfRead(t *testing.T) {
	bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
		c.Set("a", Latency{Latency: ms})
		mustWrite(t, peer, "hello")
		if n, err := c.Read(make([]byte, 2)); n != 2 || err != nil {
			t.Fatalf("Read = %d, %v; want 2", n, err)
		}
		c.Set("b", Timeout{})
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		wantRead(t, c, "", os.ErrDeadlineExceeded, time.Second)
		_ = c.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Second, func() { c.Clear("b") })
		wantRead(t, c, "ll", nil, time.Second)
		wantRead(t, c, "o", nil, 0)
	})
}

// A Read that waits because the lane is full, and has no deadline, goes on when
// the fault is cleared.
func TestReadWaitsWhileFull(t *testing.T) {
	bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
		c.Set("a", Timeout{})
		go func() { _, _ = peer.Write(make([]byte, 2*limit)) }()
		time.AfterFunc(time.Second, func() { c.Clear("a") })
		start := time.Now()
		n, err := io.ReadFull(c, make([]byte, 2*limit))
		if took := time.Since(start); n != 2*limit || err != nil || took != time.Second {
			t.Errorf("read %d, %v after %v; want %d after 1s", n, err, took, 2*limit)
		}
	})
}

// Bytes that come together with the deadline are not lost, and not overtaken,
// even if no fault is there any more.
func TestBytesAtDeadline(t *testing.T) {
	bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
		_ = c.SetReadDeadline(time.Now())
		if n, err := c.readOn([]byte("one"), 3, nil); n != 0 || !timedOut(err) {
			t.Errorf("Read = %d, %v; want a timeout", n, err)
		}
		mustWrite(t, peer, "two")
		_ = c.SetReadDeadline(time.Time{})
		wantRead(t, c, "one", nil, 0)
		wantRead(t, c, "two", nil, 0)
	})
}

// The bytes that are held are bounded: then a Write waits, and honours its
// deadline, and the peer feels that nobody reads.
func TestBounds(t *testing.T) {
	bubble(t, 1<<10, func(t *testing.T, c *Conn, peer net.Conn) {
		c.Set("a", Timeout{})
		big := []byte(strings.Repeat("x", limit+100))
		for _, move := range []bool{false, true} { // by itself, and by another goroutine
			start := time.Now()
			_ = c.SetWriteDeadline(start.Add(time.Second))
			if move {
				_ = c.SetWriteDeadline(time.Time{})
				time.AfterFunc(time.Second, func() { _ = c.SetWriteDeadline(time.Unix(1, 0)) })
			}
			n, err := c.Write(big)
			if took := time.Since(start); took != time.Second {
				t.Errorf("Write took %v; want 1s", took)
			}
			wantError(t, "Write", err, os.ErrDeadlineExceeded)
			if want := limit * btoi(!move); n != want {
				t.Errorf("Write took %d; want %d", n, want)
			}
		}
		_ = c.SetDeadline(time.Now().Add(time.Second))
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.Read(make([]byte, 4096))
			wantError(t, "Read", err, os.ErrDeadlineExceeded)
		})
		_ = peer.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := peer.Write(make([]byte, limit+10<<10))
		wantError(t, "the peer's Write", err, os.ErrDeadlineExceeded)
		if n > limit+1<<10 {
			t.Errorf("the peer could write %d; want at most %d", n, limit+1<<10)
		}
		wg.Wait()

		// All of it arrives once it may, at both ends.
		c.Clear("a")
		_ = c.SetDeadline(time.Time{})
		wg.Go(func() {
			if got, err := io.ReadFull(peer, make([]byte, limit)); err != nil {
				t.Errorf("the peer read %d, %v; want %d", got, err, limit)
			}
		})
		if got, err := io.ReadFull(c, make([]byte, n)); err != nil {
			t.Errorf("read %d, %v; want %d", got, err, n)
		}
		wg.Wait()
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A Write that waits is woken when there is room, and when the connection ends.
func TestWriteWaits(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(c *Conn)
		want error
	}{
		{"cleared", func(c *Conn) { c.Clear("a") }, nil},
		{"closed", func(c *Conn) { c.Close() }, net.ErrClosed},
		{"reset by its owner", func(c *Conn) { c.Reset() }, net.ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
				go func() { _, _ = io.Copy(io.Discard, peer) }()
				c.Set("a", Timeout{})
				time.AfterFunc(time.Second, func() { tt.do(c) })
				start := time.Now()
				n, err := c.Write(make([]byte, limit+1))
				wantError(t, "Write", err, tt.want)
				if want := limit + btoi(tt.want == nil); n != want || time.Since(start) != time.Second {
					t.Errorf("Write = %d after %v; want %d after 1s", n, time.Since(start), want)
				}
			})
		})
	}
}

// A Write that went straight through keeps its deadline when a fault comes, and
// goes first.
func TestFaultDuringPlainWrite(t *testing.T) {
	bubble(t, 4, func(t *testing.T, c *Conn, peer net.Conn) {
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		var wg sync.WaitGroup
		wg.Go(func() {
			n, err := c.Write([]byte("12345678"))
			wantError(t, "Write", err, os.ErrDeadlineExceeded)
			if n != 4 {
				t.Errorf("Write = %d; want 4", n)
			}
		})
		synctest.Wait()
		c.Set("a", Latency{Latency: 10 * ms})
		mustWrite(t, c, "abcd")
		wg.Wait()
		for _, want := range []string{"1234", "abcd"} {
			b := make([]byte, 4)
			if _, err := io.ReadFull(peer, b); string(b) != want || err != nil {
				t.Errorf("the peer read %q, %v; want %q", b, err, want)
			}
		}
	})
}

// The error of a write that was delayed is the next Write's, or a Read's if
// nothing else comes.
func TestDelayedWriteFails(t *testing.T) {
	t.Run("write", func(t *testing.T) {
		bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
			c.Set("a", Latency{Latency: time.Second})
			mustWrite(t, c, "x")
			peer.Close()
			time.Sleep(2 * time.Second)
			for range 2 {
				_, err := c.Write([]byte("y"))
				wantError(t, "Write", err, syscall.EPIPE)
			}
			wantError(t, "CloseWrite", c.CloseWrite(), errors.ErrUnsupported)
		})
	})
	for _, late := range []bool{false, true} {
		t.Run("read", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := memconn.Pipe(0)
				c := Wrap(&deafMute{Conn: a}, 1)
				defer b.Close()
				defer c.Close()
				c.Set("a", Latency{Latency: time.Second})
				mustWrite(t, c, "x")
				want := time.Second + grace
				if late { // the Read comes after the failure
					time.Sleep(2 * time.Second)
					want = grace
				}
				wantRead(t, c, "", errBroken, want)
				mustWrite(t, b, "x") // it is said once
				wantRead(t, c, "x", nil, time.Second)
				_, err := c.Write([]byte("y"))
				wantError(t, "Write", err, errBroken)
			})
		})
	}
	t.Run("the peer said why", func(t *testing.T) {
		bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
			c.Set("a", Slicer{AverageSize: len("go away"), Delay: time.Second})
			mustWrite(t, c, "goes at once, and what is left a second later")
			mustWrite(t, peer, "go away")
			peer.Close()
			time.Sleep(2 * time.Second)
			wantRead(t, c, "go away", nil, 0)
			wantRead(t, c, "", io.EOF, 0)
		})
	})
}

var errBroken = errors.New("broken")

// deafMute is a connection whose writes fail while its reads do not.
type deafMute struct{ net.Conn }

func (d *deafMute) Write([]byte) (int, error) { return 0, errBroken }
