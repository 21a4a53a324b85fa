package fleet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A broker that is busy closing connections, one after the other, is waited for as a run
// ends: what it has closed, it had taken the DISCONNECT of (3.14.4-3). One that closes none
// is not, but for a second.
func TestEndWaitsForABusyBroker(t *testing.T) {
	for _, tt := range []struct {
		name        string
		each        time.Duration // how long it takes for one
		maybe       int64         // outages of which nobody knows whether a Will was due
		least, most time.Duration // how long the end takes
	}{
		{"at once", 0, 0, 0, 2 * time.Second},
		{"each takes 300 ms", 300 * time.Millisecond, 0, 5 * time.Second, 12 * time.Second},
		{"each takes half a minute", 30 * time.Second, 20, time.Second, 4 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t)
			busy := &busyClosing{each: tt.each}
			f := fleetOf(t, `
audit = true
[phases]
measure = "10s"
[[device]]
kind = "light"
count = 20
`, func(ctx context.Context) (net.Conn, error) {
				c, err := b.Dial(ctx)
				return &lateEnd{Conn: c, busy: busy}, err
			})
			began := time.Now()
			if err := f.Run(t.Context()); err != nil {
				t.Errorf("Run() = %v", err)
			}
			end := time.Since(began) - 10*time.Second
			if got := f.Snapshot().Audit.Wills; got.MaybeDue != tt.maybe || end < tt.least || end > tt.most {
				t.Errorf("%s: the end took %v, Wills %+v; want %v to %v, and %d of which nobody knows whether they were due", tt.name, end, got, tt.least, tt.most, tt.maybe)
			}
		})
	}
}

// busyClosing has clients hear of the end of their connection one after the other.
type busyClosing struct {
	each time.Duration
	mu   sync.Mutex
	next time.Time
}

func (b *busyClosing) turn() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = time.Now().Add(max(0, time.Until(b.next)) + b.each)
	return b.next
}

// lateEnd is a connection of one of its clients.
type lateEnd struct {
	net.Conn
	busy *busyClosing
	mu   sync.Mutex
	by   time.Time // read deadline
	ends time.Time
}

func (c *lateEnd) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.by = t
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

func (c *lateEnd) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if c.ends.IsZero() {
		c.ends = c.busy.turn()
	}
	c.mu.Lock()
	by := c.by
	c.mu.Unlock()
	if !by.IsZero() && by.Before(c.ends) {
		time.Sleep(time.Until(by))
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(time.Until(c.ends))
	return 0, err
}
