package fleet_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/memconn"
	"homefleet/fleet/metrics"
)

// dam is a proxy that does not read for a while what some of its clients send, so that
// what they write has to wait. It knows them by a word in their CONNECT.
type dam struct {
	dial func(context.Context) (net.Conn, error)
	pipe func() (near, far net.Conn)
	word string
	from time.Duration // since the connection began
	for_ time.Duration
	wg   sync.WaitGroup
}

// Dial opens a connection through the proxy.
func (d *dam) Dial(ctx context.Context) (net.Conn, error) {
	far, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	near, mid := d.pipe()
	d.wg.Go(func() {
		defer mid.Close()
		_, _ = io.Copy(mid, far)
	})
	d.wg.Go(func() {
		defer far.Close()
		room := make([]byte, 32<<10)
		began, dammed := time.Now(), false
		for first := true; ; first = false {
			n, err := mid.Read(room)
			if first {
				dammed = strings.Contains(string(room[:n]), d.word)
			}
			if _, werr := far.Write(room[:n]); err != nil || werr != nil {
				return
			}
			if dammed && time.Since(began) > d.from {
				dammed = false
				time.Sleep(d.for_)
			}
		}
	})
	return near, nil
}

// tcpPipe is a connection over loopback with small buffers.
func tcpPipe(t *testing.T, l net.Listener) func() (near, far net.Conn) {
	var mu sync.Mutex
	return func() (net.Conn, net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		near, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
			return memconn.Pipe(0)
		}
		far, err := l.Accept()
		if err != nil {
			t.Error(err)
			return memconn.Pipe(0)
		}
		_, _ = near.(*net.TCPConn).SetWriteBuffer(32<<10), far.(*net.TCPConn).SetReadBuffer(64<<10)
		return near, far
	}
}

// What comes due while a broker, or a proxy before it, does not read was held back by
// the connection: the generator kept to its plan, and says so.
func TestHeldBackByTheConnection(t *testing.T) {
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := &dam{dial: b.Dial, pipe: tcpPipe(t, l), word: "phone", from: 300 * time.Millisecond, for_: 900 * time.Millisecond}
	stood := standstills()
	snap, _ := load(t, `
[phases]
measure = "1500ms"
[[device]]
kind = "light"
count = 4
[[controller]]
name = "phone"
attribute = "power"
payload = "ON"
payload_size = "4KiB"
rate = "200/s"
`, d.Dial)
	b.Close()
	d.wg.Wait()
	wantHeldBack(t, snap, 40, 400*time.Millisecond)
	busy := stood()
	if late := snap.Series[metrics.Series{Metric: metrics.ScheduleDelay}].Max(); late > 300*time.Millisecond+busy {
		t.Errorf("the schedule delay is up to %v, and the machine stood still for %v; want no more than that, and not what the connection took", late, busy)
	}
}

// standstills begins to look how long the machine lets goroutines wait that could run,
// and returns what ends that and says how long it was, altogether. What 10 ms are late is
// what every machine does.
func standstills() (stop func() time.Duration) {
	done, ended := make(chan struct{}), make(chan time.Duration)
	go func() {
		var late time.Duration
		for {
			begun := time.Now()
			select {
			case <-done:
				ended <- late
				return
			case <-time.After(time.Millisecond):
			}
			if over := time.Since(begun) - 11*time.Millisecond; over > 0 {
				late += over
			}
		}
	}()
	return func() time.Duration {
		close(done)
		return <-ended
	}
}

// In memory and in fake time it is so to the request: those that come due in the second
// in which nothing is read leave as it ends, and none of them late.
func TestHeldBackByTheConnectionExactly(t *testing.T) {
	arrivals := []string{"rate = \"100/s\"", "arrival = \"bursts\"\nburst = 50\nevery = \"500ms\""}
	for _, arrival := range arrivals[:fleet.Some(1, 2)] {
		synctest.Test(t, func(t *testing.T) {
			b, err := broker.New(broker.Config{Anonymous: true})
			if err != nil {
				t.Fatal(err)
			}
			d := &dam{dial: b.Dial, pipe: func() (net.Conn, net.Conn) { return memconn.Pipe(8 << 10) }, word: "phone", from: 3 * time.Second, for_: 2 * time.Second}
			snap, _ := load(t, `
[phases]
measure = "10s"
[[device]]
kind = "light"
count = 4
[[controller]]
name = "phone"
attribute = "power"
payload = "ON"
payload_size = "4KiB"
`+arrival, d.Dial)
			b.Close()
			d.wg.Wait()
			wantHeldBack(t, snap, 180, 1900*time.Millisecond)
			if g := metrics.JudgeGenerator(snap, 0); g.Saturated {
				t.Errorf("the generator is blamed: %s", g.Sentence)
			}
			if late := snap.Series[metrics.Series{Metric: metrics.ScheduleDelay}].Max(); late > time.Millisecond {
				t.Errorf("%s: the schedule delay is up to %v; want none", arrival, late)
			}
		})
	}
}

// wantHeldBack checks that the connection held back so many requests, one of them for
// so long.
func wantHeldBack(t *testing.T, snap *metrics.Snapshot, least int64, longest time.Duration) {
	t.Helper()
	got := snap.Totals
	if got.HeldByConn < least || got.HeldByConn > got.Held || got.NotSent.Total() != 0 || got.Answered != got.Planned {
		t.Errorf("of %d planned %d were answered, %d held back, %d by the connection, not sent %+v; want all, and %d or more by the connection",
			got.Planned, got.Answered, got.Held, got.HeldByConn, got.NotSent, least)
	}
	if back := snap.Series[metrics.Series{Metric: metrics.HoldBack}]; back.Max() < longest || time.Duration(got.LongestWait) < longest {
		t.Errorf("the longest hold-back is %v, the longest wait %v; want %v or more", back.Max(), got.LongestWait, longest)
	}
}

// Telemetry that comes due while a device's connection takes nothing finds no room; the
// generator has not missed it.
func TestTelemetryBehindAFullConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := broker.New(broker.Config{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		d := &dam{dial: b.Dial, pipe: func() (net.Conn, net.Conn) { return memconn.Pipe(512) }, word: "plug", from: 3 * time.Second, for_: 4 * time.Second}
		snap, _ := load(t, `
[phases]
measure = "10s"
[[device]]
kind = "plug"
telemetry = "100ms"
`, d.Dial)
		b.Close()
		d.wg.Wait()
		c := snap.Counts
		if c["telemetry.generator_late"] != 0 || c["telemetry.no_room"] < 30 || c["telemetry.no_room"] > 40 || c["telemetry.sent"]+c["telemetry.no_room"] < 98 {
			t.Errorf("telemetry: sent %d, no room %d, generator late %d; want some 63, 37 and 0", c["telemetry.sent"], c["telemetry.no_room"], c["telemetry.generator_late"])
		}
	})
}
