package faults

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/memconn"
)

// tape is an endless text of which every byte says where it stands.
func tape(at int, b []byte) []byte {
	for i := range b {
		b[i] = byte((at + i) * 2654435761 >> 13)
	}
	return b
}

// carry sends so many bytes of the tape in random chunks, goes on after
// deadlines, and says at the end how many it sent.
func carry(c net.Conn, total int, r *rand.Rand, deadlines bool) error {
	for at := 0; at < total; {
		if deadlines && r.IntN(3) == 0 {
			_ = c.SetWriteDeadline(time.Now().Add(time.Duration(r.IntN(50)) * ms))
		}
		n, err := c.Write(tape(at, make([]byte, min(1+r.IntN(1<<r.IntN(16)), total-at))))
		at += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			_ = c.SetWriteDeadline(time.Time{})
		} else if err != nil {
			return fmt.Errorf("after %d bytes: %w", at, err)
		}
		if r.IntN(8) == 0 {
			time.Sleep(time.Duration(r.IntN(30)) * ms)
		}
	}
	return nil
}

// follow reads so many bytes, and checks that they are the tape.
func follow(c net.Conn, total int, r *rand.Rand, deadlines bool) error {
	buf, want := make([]byte, 5000), make([]byte, 5000)
	for at := 0; at < total; {
		if deadlines && r.IntN(3) == 0 {
			_ = c.SetReadDeadline(time.Now().Add(time.Duration(r.IntN(50)-5) * ms))
		}
		b := buf[:1+r.IntN(len(buf))]
		n, err := c.Read(b)
		if string(b[:n]) != string(tape(at, want[:n])) {
			return fmt.Errorf("after %d bytes: not what was written", at)
		}
		at += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			_ = c.SetReadDeadline(time.Time{})
		} else if err != nil {
			return fmt.Errorf("after %d bytes: %w", at, err)
		}
	}
	return nil
}

// anyFault draws one that ends nothing.
func anyFault(r *rand.Rand) Fault {
	d := func(most int) time.Duration { return time.Duration(r.IntN(most)) * ms }
	switch r.IntN(4) {
	case 0:
		return Latency{Latency: d(200), Jitter: d(300)}
	case 1:
		return Bandwidth{Rate: 1 + r.Int64N(1<<(8+r.IntN(14)))}
	case 2:
		return Slicer{AverageSize: r.IntN(2000), SizeVariation: r.IntN(3000), Delay: d(5)}
	}
	return Timeout{}
}

// For any programme of faults, deadlines and wake-ups, the bytes that come out
// are those that went in: in order, none lost, none doubled.
func TestTapes(t *testing.T) {
	for seed := range some[uint64](6, 60) {
		synctest.Test(t, func(t *testing.T) {
			sizes := rand.New(rand.NewPCG(seed, 0))
			a, b := memconn.Pipe(128 << sizes.IntN(10))
			c := Wrap(a, seed)
			if seed%3 == 0 {
				c.Set("inner", Latency{Latency: 7 * ms})
				c = Wrap(c, seed+1) // wrappers of wrappers
			}
			const total = 300_000
			var traffic, chaos sync.WaitGroup
			var done atomic.Bool
			for i, run := range []func(*rand.Rand) error{
				func(r *rand.Rand) error { return carry(c, total, r, true) },
				func(r *rand.Rand) error { return follow(c, total, r, true) },
				func(r *rand.Rand) error { return carry(b, total, r, false) },
				func(r *rand.Rand) error { return follow(b, total, r, false) },
			} {
				traffic.Go(func() {
					if err := run(rand.New(rand.NewPCG(seed, uint64(i+1)))); err != nil {
						t.Errorf("seed %d: task %d: %v", seed, i, err)
					}
				})
			}
			chaos.Go(func() {
				r := rand.New(rand.NewPCG(seed, 10))
				for range 200 {
					time.Sleep(time.Duration(r.IntN(100)) * ms)
					if name := fmt.Sprint(r.IntN(4)); r.IntN(2) == 0 {
						c.Clear(name)
					} else {
						c.Set(name, anyFault(r))
					}
				}
				for i := range 4 {
					c.Clear(fmt.Sprint(i))
				}
				done.Store(true)
			})
			chaos.Go(func() {
				r := rand.New(rand.NewPCG(seed, 11))
				for !done.Load() {
					time.Sleep(time.Duration(1+r.IntN(20)) * ms)
					if r.IntN(2) == 0 {
						_ = c.SetReadDeadline(time.Unix(1, 0))
					} else {
						_ = c.SetWriteDeadline(time.Unix(1, 0))
					}
				}
			})
			chaos.Wait()
			traffic.Wait()
			time.Sleep(time.Hour)
			if !c.open.Load() || c.gate.Load() != 0 || c.down.buf != nil || c.up.buf != nil {
				t.Errorf("seed %d: open %v, gate %d, held %d and %d; want nothing left to do",
					seed, c.open.Load(), c.gate.Load(), len(c.up.buf), len(c.down.buf))
			}
			// What a peer sends before it closes arrives, too.
			c.Set("a", Latency{Latency: time.Second})
			if _, err := b.Write(tape(0, make([]byte, 100))); err != nil {
				t.Fatal(err)
			}
			b.Close()
			_ = c.SetReadDeadline(time.Time{})
			if got, err := io.ReadAll(c); string(got) != string(tape(0, make([]byte, 100))) || err != nil {
				t.Errorf("seed %d: at the end %d bytes, %v; want 100", seed, len(got), err)
			}
			c.Close()
		})
	}
}

// The end may come at any moment: all calls return, and no goroutine is left.
func TestEnds(t *testing.T) {
	for seed := range some[uint64](20, 200) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			a, b := memconn.Pipe(1 << r.IntN(12))
			c := Wrap(a, seed)
			for i := range 1 + r.IntN(4) {
				c.Set(fmt.Sprint(i), anyFault(r))
			}
			var wg sync.WaitGroup
			for i, run := range []func(*rand.Rand) error{
				func(r *rand.Rand) error { return carry(c, 1<<20, r, true) },
				func(r *rand.Rand) error { return follow(c, 1<<20, r, true) },
				func(r *rand.Rand) error { return carry(b, 1<<20, r, false) },
				func(r *rand.Rand) error { return follow(b, 1<<20, r, false) },
			} {
				wg.Go(func() {
					err := run(rand.New(rand.NewPCG(seed, uint64(i+1))))
					if err != nil && !errors.Is(err, net.ErrClosed) && err.Error()[len(err.Error())-16:] == "what was written" {
						t.Errorf("seed %d: task %d: %v", seed, i, err)
					}
				})
			}
			time.Sleep(time.Duration(r.IntN(600)) * ms)
			start := time.Now()
			switch r.IntN(3) {
			case 0:
				c.Close()
			case 1:
				c.Reset()
			case 2:
				b.Close()
				time.Sleep(time.Second)
				c.Close()
				start = time.Now()
			}
			if d := time.Since(start); d != 0 {
				t.Errorf("seed %d: Close took %v; want it at once", seed, d)
			}
			b.Close()
			wg.Wait()
		})
	}
}

// On real sockets and real time, for the race detector.
func TestStress(t *testing.T) {
	a, b := tcpPair(t)
	c := Wrap(a, 1)
	const total = 1 << 20
	var traffic, chaos sync.WaitGroup
	var done atomic.Bool
	for i, run := range []func(*rand.Rand) error{
		func(r *rand.Rand) error { return carry(c, total, r, true) },
		func(r *rand.Rand) error { return follow(c, total, r, true) },
		func(r *rand.Rand) error { return carry(b, total, r, false) },
		func(r *rand.Rand) error { return follow(b, total, r, false) },
	} {
		traffic.Go(func() {
			if err := run(rand.New(rand.NewPCG(1, uint64(i)))); err != nil {
				t.Errorf("task %d: %v", i, err)
			}
		})
	}
	for i := range uint64(3) {
		chaos.Go(func() {
			r := rand.New(rand.NewPCG(2, i))
			for !done.Load() {
				switch name := fmt.Sprint(r.IntN(4)); r.IntN(4) {
				case 0:
					c.Set(name, Latency{Latency: time.Duration(r.IntN(3000)) * time.Microsecond, Jitter: ms})
				case 1:
					c.Clear(name)
				case 2:
					_ = c.SetReadDeadline(time.Unix(1, 0))
				case 3:
					_ = c.SetWriteDeadline(time.Unix(1, 0))
				}
				time.Sleep(time.Duration(r.IntN(500)) * time.Microsecond)
			}
		})
	}
	traffic.Wait()
	done.Store(true)
	chaos.Wait()
	if err := c.Close(); err != nil {
		t.Errorf("Close = %v; want nil", err)
	}
}
