package faults

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/memconn"
)

// How calls end that went straight through, and wait, when the connection ends.
func TestPlainCallsEnd(t *testing.T) {
	for _, tt := range []struct {
		name        string
		do          func(c *Conn)
		read, write error
	}{
		{"close", func(c *Conn) { c.Close() }, net.ErrClosed, net.ErrClosed},
		{"reset by its owner", func(c *Conn) { c.Reset() }, net.ErrClosed, net.ErrClosed},
		{"deadline", func(c *Conn) { _ = c.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		{"deadline with a fault", func(c *Conn) { c.Set("a", Latency{Latency: ms}); _ = c.SetDeadline(time.Unix(1, 0)) },
			os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 4, func(t *testing.T, c *Conn, peer net.Conn) {
				_ = c.SetDeadline(time.Now().Add(time.Hour))
				start := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					_, err := c.Read(make([]byte, 1))
					wantError(t, "Read", err, tt.read)
				})
				wg.Go(func() {
					n, err := c.Write(make([]byte, 10))
					wantError(t, "Write", err, tt.write)
					if n != 4 {
						t.Errorf("Write = %d; want 4, which the peer has room for", n)
					}
				})
				synctest.Wait()
				tt.do(c)
				wg.Wait()
				if d := time.Since(start); d > ms {
					t.Errorf("the calls took %v; want them to end at once", d)
				}
			})
		})
	}
}

// Several Writes at once take turns: none is mixed with another, and each honours
// the deadline and Close while it waits for its turn.
func TestManyWriters(t *testing.T) {
	for _, end := range []string{"clear", "deadline", "close"} {
		bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
			c.Set("a", Timeout{})
			const writers, each = 5, limit/4 + 3
			var wg sync.WaitGroup
			var mu sync.Mutex
			took := 0
			for i := range writers {
				wg.Go(func() {
					b := make([]byte, each)
					for j := range b {
						b[j] = byte(i)
					}
					n, err := c.Write(b)
					mu.Lock()
					defer mu.Unlock()
					took += n
					switch {
					case end == "clear" || n == each:
						wantError(t, "Write", err, nil)
					case end == "deadline":
						wantError(t, "Write", err, os.ErrDeadlineExceeded)
					default:
						wantError(t, "Write", err, net.ErrClosed)
					}
				})
			}
			synctest.Wait()
			want := limit
			switch end {
			case "clear":
				c.Clear("a")
				want = writers * each
				got := make([]byte, want)
				if _, err := io.ReadFull(peer, got); err != nil {
					t.Fatal(err)
				}
				for i := range got {
					if got[i] != got[i/each*each] {
						t.Fatalf("byte %d is of writer %d; want one writer's bytes together", i, got[i])
					}
				}
			case "deadline":
				_ = c.SetWriteDeadline(time.Now())
			case "close":
				c.Close()
			}
			wg.Wait()
			if took != want {
				t.Errorf("%s: Writes took %d bytes; want %d", end, took, want)
			}
		})
	}
}

// A Write that waits for its turn is not left behind when all that was held has
// gone before it comes to it, so that Writes may go straight through again.
func TestTurnAfterTheLastFault(t *testing.T) {
	bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
		c.mu.Lock()
		c.shut()
		c.writing = true // as by another Write
		c.mu.Unlock()
		var wg sync.WaitGroup
		wg.Go(func() { mustWrite(t, c, "late") })
		synctest.Wait()
		c.mu.Lock()
		c.writing = false // as at its end
		c.run()
		c.cond.Broadcast()
		c.mu.Unlock()
		wg.Wait()
		synctest.Wait()
		_ = peer.SetReadDeadline(time.Now().Add(time.Second))
		wantRead(t, peer, "late", nil, 0)
	})
}

// Several Reads at once share what comes, and each honours the deadline.
func TestManyReaders(t *testing.T) {
	bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
		c.Set("a", Latency{Latency: time.Second})
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		var wg sync.WaitGroup
		var mu sync.Mutex
		got, late := "", 0
		for range 3 {
			wg.Go(func() {
				b := make([]byte, 1)
				n, err := c.Read(b)
				mu.Lock()
				defer mu.Unlock()
				got += string(b[:n])
				if err != nil {
					late++
					wantError(t, "Read", err, os.ErrDeadlineExceeded)
				}
			})
		}
		synctest.Wait()
		mustWrite(t, peer, "xx")
		wg.Wait()
		if got != "xx" || late != 1 {
			t.Errorf("three Reads got %q, and %d timed out; want %q and 1", got, late, "xx")
		}
	})
}

// CloseWrite when there is nothing to wait for, and when it is too late.
func TestCloseWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memconn.Pipe(0)
		defer b.Close()
		n := &notes{Conn: a, start: time.Now()}
		c := Wrap(n, 1)
		wantError(t, "CloseWrite", c.CloseWrite(), nil)
		if got, want := n.log.String(), "0s <FIN>"; got != want {
			t.Errorf("written: %s; want %s", got, want)
		}
		c.Close()
		wantError(t, "CloseWrite after Close", c.CloseWrite(), net.ErrClosed)

		a, b = memconn.Pipe(0)
		b.Close()
		c = Wrap(&notes{Conn: a}, 1)
		c.Set("a", Latency{Latency: ms})
		mustWrite(t, c, "x")
		time.Sleep(time.Second)
		wantError(t, "CloseWrite after a delayed write failed", c.CloseWrite(), syscall.EPIPE)
		c.Close()

		one, two := net.Pipe() // which knows no resets
		defer two.Close()
		wantError(t, "Reset", Wrap(one, 1).Reset(), errors.ErrUnsupported)
		_, err := two.Read(make([]byte, 1))
		wantError(t, "the peer's Read", err, io.EOF)
	})
}
