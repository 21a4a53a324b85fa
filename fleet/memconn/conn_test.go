package memconn

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// pipe returns a pair that is closed with the test.
func pipe(t testing.TB, size int) (a, b *Conn) {
	t.Helper()
	x, y := Pipe(size)
	t.Cleanup(func() { _, _ = x.Close(), y.Close() })
	return x.(*Conn), y.(*Conn)
}

func mustWrite(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("Write(%d bytes) = %d, %v; want all", len(s), n, err)
	}
}

func wantRead(t testing.TB, c net.Conn, size int, want string) {
	t.Helper()
	b := make([]byte, size)
	n, err := c.Read(b)
	if string(b[:n]) != want || err != nil {
		t.Fatalf("Read(%d) = %q, %v; want %q", size, b[:n], err, want)
	}
}

// wantOpError checks that err is what the net package's errors look like.
func wantOpError(t testing.TB, err error, op string, target error, timeout bool) {
	t.Helper()
	oe, ok := errors.AsType[*net.OpError](err)
	if !ok || oe.Op != op || !errors.Is(err, target) || oe.Timeout() != timeout {
		t.Fatalf("error = %v (%T); want a *net.OpError of %s that wraps %v, with Timeout() %v", err, err, op, target, timeout)
	}
}

func TestPartialReads(t *testing.T) {
	a, b := pipe(t, 16)
	mustWrite(t, a, "hello")
	mustWrite(t, a, " world")
	wantRead(t, b, 4, "hell")
	wantRead(t, b, 100, "o world")
	mustWrite(t, b, "back")
	wantRead(t, a, 100, "back")
	if n, err := b.Read(nil); n != 0 || err != nil {
		t.Errorf("Read(nil) = %d, %v; want 0 at once", n, err)
	}
	if n, err := a.Write(nil); n != 0 || err != nil {
		t.Errorf("Write(nil) = %d, %v; want 0 at once", n, err)
	}
}

// A Read that waits gets its bytes without a buffer in between, from as many
// Writes as happen before it runs; what does not fit is held for the next.
func TestWaitingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe(t, 1024)
		got := make(chan string)
		go func() {
			buf := make([]byte, 8)
			n, err := b.Read(buf)
			if err != nil {
				t.Errorf("Read = %v; want bytes", err)
			}
			got <- string(buf[:n])
		}()
		synctest.Wait()
		// Both Writes under one hold of the lock, as if the reader were slow.
		a.pair.mu.Lock()
		b.put([]byte("abc"))
		b.put([]byte("defghijk"))
		b.cond.Broadcast()
		a.pair.mu.Unlock()
		if s := <-got; s != "abcdefgh" {
			t.Errorf("the waiting Read got %q; want %q", s, "abcdefgh")
		}
		wantRead(t, b, 8, "ijk")
	})
}

func TestWriteWaitsWhileFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe(t, 4)
		done := false
		go func() {
			mustWrite(t, a, "0123456789")
			done = true
		}()
		synctest.Wait()
		for _, step := range []struct {
			read string
			done bool // once everything fits
		}{{"", false}, {"012", false}, {"34", false}, {"5", true}, {"6789", true}} {
			wantRead(t, b, len(step.read), step.read)
			synctest.Wait()
			if done != step.done {
				t.Fatalf("after %q was read Write is done: %v; want %v", step.read, done, step.done)
			}
		}
	})
}

func TestClose(t *testing.T) {
	a, b := pipe(t, 64)
	mustWrite(t, a, "last words")
	if err := a.Close(); err != nil {
		t.Fatalf("Close = %v; want nil", err)
	}
	wantRead(t, b, 4, "last")
	wantRead(t, b, 64, " words")
	for range 2 {
		if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("Read after the peer's Close = %d, %v; want io.EOF", n, err)
		}
	}
	_, err := b.Write([]byte("x"))
	wantOpError(t, err, "write", syscall.EPIPE, false)
	if want := "write mem pipe->pipe:1: write: broken pipe"; err.Error() != want {
		t.Errorf("Write to a closed peer = %q; want %q", err, want)
	}
	_, err = a.Read(make([]byte, 1))
	wantOpError(t, err, "read", net.ErrClosed, false)
	_, err = a.Write([]byte("x"))
	wantOpError(t, err, "write", net.ErrClosed, false)
	wantOpError(t, a.SetDeadline(time.Now()), "set", net.ErrClosed, false)
	wantOpError(t, a.Close(), "close", net.ErrClosed, false)
	wantOpError(t, a.Reset(), "close", net.ErrClosed, false)
}

func TestReset(t *testing.T) {
	a, b := pipe(t, 64)
	mustWrite(t, a, "never read")
	if err := a.Reset(); err != nil {
		t.Fatalf("Reset = %v; want nil", err)
	}
	_, err := b.Read(make([]byte, 64))
	wantOpError(t, err, "read", syscall.ECONNRESET, false)
	_, err = b.Write([]byte("x"))
	wantOpError(t, err, "write", syscall.ECONNRESET, false)
	_, err = a.Read(make([]byte, 64))
	wantOpError(t, err, "read", net.ErrClosed, false)

	// A peer that has closed already cannot be reset, and is not harmed.
	a, b = pipe(t, 64)
	_ = b.Close()
	if err := a.Reset(); err != nil {
		t.Errorf("Reset after the peer's Close = %v; want nil", err)
	}
	_, err = b.Read(make([]byte, 1))
	wantOpError(t, err, "read", net.ErrClosed, false)
}

// What ends a call that waits, and with which error.
func TestWakesWaiting(t *testing.T) {
	past := func() time.Time { return time.Now().Add(-time.Second) }
	tests := []struct {
		name    string
		read    error // of a Read that waits; nil: io.EOF
		write   error
		timeout bool
		do      func(c, peer *Conn)
	}{
		{"local close", net.ErrClosed, net.ErrClosed, false, func(c, _ *Conn) { _ = c.Close() }},
		{"local reset", net.ErrClosed, net.ErrClosed, false, func(c, _ *Conn) { _ = c.Reset() }},
		{"peer's close", nil, syscall.EPIPE, false, func(_, peer *Conn) { _ = peer.Close() }},
		{"peer's reset", syscall.ECONNRESET, syscall.ECONNRESET, false, func(_, peer *Conn) { _ = peer.Reset() }},
		{"SetDeadline in the past", os.ErrDeadlineExceeded, os.ErrDeadlineExceeded, true, func(c, _ *Conn) { _ = c.SetDeadline(past()) }},
		{"SetReadDeadline and SetWriteDeadline in the past", os.ErrDeadlineExceeded, os.ErrDeadlineExceeded, true, func(c, _ *Conn) {
			_ = c.SetReadDeadline(past())
			_ = c.SetWriteDeadline(past())
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, peer := pipe(t, 4)
				_ = c.SetDeadline(time.Now().Add(time.Hour))
				start := time.Now()
				var wg sync.WaitGroup
				var rerr, werr error
				var n int
				wg.Go(func() { _, rerr = c.Read(make([]byte, 4)) })
				wg.Go(func() { n, werr = c.Write(make([]byte, 10)) })
				synctest.Wait()
				tt.do(c, peer)
				wg.Wait()
				if d := time.Since(start); d != 0 {
					t.Errorf("the calls took %v; want them to end at once", d)
				}
				if tt.read == nil {
					if rerr != io.EOF {
						t.Errorf("Read = %v; want io.EOF", rerr)
					}
				} else {
					wantOpError(t, rerr, "read", tt.read, tt.timeout)
				}
				wantOpError(t, werr, "write", tt.write, tt.timeout)
				if n != 4 {
					t.Errorf("Write = %d; want 4, what fitted", n)
				}
			})
		})
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe(t, 4)
		start := time.Now()
		since := func(want time.Duration) {
			t.Helper()
			if d := time.Since(start); d != want {
				t.Fatalf("returned after %v; want %v", d, want)
			}
		}
		_ = a.SetReadDeadline(start.Add(time.Minute))
		_, err := a.Read(make([]byte, 1))
		wantOpError(t, err, "read", os.ErrDeadlineExceeded, true)
		since(time.Minute)

		// Once passed it stays so, even with bytes there, until it is moved.
		mustWrite(t, b, "x")
		_, err = a.Read(make([]byte, 1))
		wantOpError(t, err, "read", os.ErrDeadlineExceeded, true)
		mustWrite(t, a, "a write minds its own deadline"[:4])
		_ = a.SetReadDeadline(time.Time{})
		wantRead(t, a, 1, "x")

		_ = a.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := a.Write([]byte("no room"))
		wantOpError(t, err, "write", os.ErrDeadlineExceeded, true)
		since(time.Minute + time.Second)
		if n != 0 {
			t.Errorf("Write with no room = %d; want 0", n)
		}
		wantRead(t, b, 4, "a wr")

		// Moved while a Read waits: to an earlier time, and to a later one.
		start = time.Now()
		_ = a.SetReadDeadline(start.Add(time.Hour))
		time.AfterFunc(time.Second, func() { _ = a.SetReadDeadline(start.Add(2 * time.Second)) })
		_, err = a.Read(make([]byte, 1))
		wantOpError(t, err, "read", os.ErrDeadlineExceeded, true)
		since(2 * time.Second)
		_ = a.SetReadDeadline(start.Add(4 * time.Second))
		time.AfterFunc(time.Second, func() { _ = a.SetReadDeadline(start.Add(time.Hour)) })
		_, err = a.Read(make([]byte, 1))
		wantOpError(t, err, "read", os.ErrDeadlineExceeded, true)
		since(time.Hour)
		_ = a.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Second, func() { _ = a.SetReadDeadline(start.Add(2 * time.Hour)) })
		_, err = a.Read(make([]byte, 1))
		wantOpError(t, err, "read", os.ErrDeadlineExceeded, true)
		since(2 * time.Hour)

		// Bytes end the wait and leave no timer behind that would shorten the next.
		_ = a.SetReadDeadline(time.Now().Add(time.Minute))
		time.AfterFunc(time.Second, func() { mustWrite(t, b, "y") })
		wantRead(t, a, 1, "y")
		_ = a.SetReadDeadline(time.Now().Add(time.Hour))
		start = time.Now()
		_, err = a.Read(make([]byte, 1))
		wantOpError(t, err, "read", os.ErrDeadlineExceeded, true)
		since(time.Hour)
	})
}

// Two Reads that wait on one end share its timer: the one that leaves must not
// take it away from the other.
func TestTwoReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			a, b := pipe(t, 64)
			start := time.Now()
			_ = a.SetReadDeadline(start.Add(time.Minute))
			var wg sync.WaitGroup
			var mu sync.Mutex
			read, late := 0, 0
			for range 3 {
				wg.Go(func() {
					n, err := a.Read(make([]byte, 1))
					mu.Lock()
					defer mu.Unlock()
					read += n
					if errors.Is(err, os.ErrDeadlineExceeded) && time.Since(start) == time.Minute {
						late++
					}
				})
			}
			synctest.Wait()
			mustWrite(t, b, "x")
			wg.Wait()
			if read != 1 || late != 2 {
				t.Fatalf("of three Reads %d got the byte and %d timed out; want 1 and 2", read, late)
			}
		}
	})
}

// Writes from several goroutines do not mix, although each is larger than the
// buffer.
func TestWritesDoNotMix(t *testing.T) {
	a, b := pipe(t, 32)
	const writers, size = 4, 1000
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			if _, err := a.Write(bytes.Repeat([]byte{byte('a' + i)}, size)); err != nil {
				t.Errorf("Write = %v; want nil", err)
			}
		})
	}
	got := make([]byte, writers*size)
	if _, err := io.ReadFull(b, got); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	for i := 0; i < len(got); i += size {
		if part := got[i : i+size]; !bytes.Equal(part, bytes.Repeat(part[:1], size)) {
			t.Fatalf("bytes %d to %d come from several Writes; want one", i, i+size)
		}
	}
}

// Both sides write much more than the buffers hold while they read, in pieces
// of all sizes: nothing is lost, doubled or out of order, and nobody waits for
// ever.
func TestStress(t *testing.T) {
	for _, size := range []int{1, 7, 512, 1000, 64 << 10} {
		a, b := pipe(t, size)
		total := min(200*size, 4<<20)
		var wg sync.WaitGroup
		for i, c := range []*Conn{a, b} {
			wg.Go(func() { // the stream is a counter of its bytes
				rng := rand.New(rand.NewPCG(uint64(size), uint64(i)))
				buf := make([]byte, 4*size)
				for sent := 0; sent < total; {
					p := buf[:min(1+rng.IntN(len(buf)), total-sent)]
					for j := range p {
						p[j] = byte((sent + j) * 31 >> 3)
					}
					if _, err := c.Write(p); err != nil {
						t.Errorf("size %d: Write = %v; want nil", size, err)
						return
					}
					sent += len(p)
				}
			})
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(size), uint64(i+2)))
				buf := make([]byte, 2*size)
				for seen := 0; seen < total; {
					n, err := c.Read(buf[:1+rng.IntN(len(buf))])
					if err != nil {
						t.Errorf("size %d: Read = %v; want nil", size, err)
						return
					}
					for j := range n {
						if want := byte((seen + j) * 31 >> 3); buf[j] != want {
							t.Errorf("size %d: byte %d = %d; want %d", size, seen+j, buf[j], want)
							_ = c.Close()
							return
						}
					}
					seen += n
				}
			})
		}
		wg.Wait()
	}
}

// Every method at once from many goroutines: for the race detector, and nothing
// may panic or hang.
func TestConcurrentMethods(t *testing.T) {
	a, b := pipe(t, 16)
	var wg sync.WaitGroup
	for range 8 {
		for _, c := range []*Conn{a, b} {
			wg.Go(func() {
				for range 100 {
					now := time.Now()
					_ = c.SetReadDeadline(now.Add(time.Millisecond))
					_, _ = c.Read(make([]byte, 100))
					_ = c.SetWriteDeadline(now.Add(time.Millisecond))
					_, _ = c.Write(make([]byte, 100))
					_ = c.SetDeadline(now.Add(-1))
					_, _ = c.LocalAddr().String(), c.RemoteAddr().Network()
				}
			})
		}
	}
	wg.Wait()
}

// A conn ends a large copy with io.EOF, as in nettest's BasicIO.
func TestCopy(t *testing.T) {
	a, b := pipe(t, 0)
	want := make([]byte, 8<<20)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(want)
	go func() {
		_, err := io.Copy(a, bytes.NewReader(want))
		if err != nil {
			t.Errorf("Copy = %v; want nil", err)
		}
		_ = a.Close()
	}()
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, want) {
		t.Errorf("ReadAll = %d bytes, %v; want the %d bytes written", len(got), err, len(want))
	}
}
