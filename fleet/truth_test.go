package fleet_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/memconn"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// load reads a scenario and runs it to its end against a way to dial, in a
// bubble of fake time; it returns what was measured.
func load(t *testing.T, toml string, dial func(context.Context) (net.Conn, error)) (*metrics.Snapshot, time.Time) {
	t.Helper()
	f := fleetOf(t, toml, dial)
	if err := f.Run(t.Context()); err != nil {
		t.Fatalf("Run() = %v", err)
	}
	snap := f.Snapshot()
	if err := snap.Totals.Check(); err != nil {
		t.Errorf("the sums do not hold: %v", err)
	}
	zero, _ := f.MeasureStart()
	return snap, zero
}

// newBroker starts a broker that ends with the test's bubble.
func newBroker(t *testing.T) *broker.Broker {
	t.Helper()
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// stalls is a proxy that holds up all traffic for a second every ten, and else
// takes 2 ms each way.
type stalls struct {
	dial  func(context.Context) (net.Conn, error)
	start time.Time
	wg    sync.WaitGroup
}

const (
	oneWay     = 2 * time.Millisecond
	stallEvery = 10 * time.Second
	stallFor   = time.Second
)

// release is when something that arrives at the proxy at t leaves it.
func (s *stalls) release(t time.Time) time.Time {
	t = t.Add(oneWay)
	if into := t.Sub(s.start) % stallEvery; into >= stallEvery-stallFor {
		t = t.Add(stallEvery - into)
	}
	return t
}

func (s *stalls) Dial(ctx context.Context) (net.Conn, error) {
	far, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	near, mid := memconn.Pipe(1 << 20)
	pump := func(to, from net.Conn) {
		type piece struct {
			b  []byte
			at time.Time
		}
		pieces := make(chan piece, 1<<12) // more than come during a stall
		s.wg.Go(func() {
			defer to.Close()
			for p := range pieces {
				time.Sleep(time.Until(p.at))
				if _, err := to.Write(p.b); err != nil {
					break
				}
			}
			for range pieces {
			}
		})
		s.wg.Go(func() {
			defer close(pieces)
			buf := make([]byte, 64<<10)
			for {
				n, err := from.Read(buf)
				if err != nil {
					return
				}
				pieces <- piece{slices.Clone(buf[:n]), s.release(time.Now())}
			}
		})
	}
	pump(far, mid)
	pump(mid, far)
	return near, nil
}

// The reported response times are those that follow from the known schedule of a
// broker that stalls, where the closed model shows next to nothing of it.
func TestTruthUnderStalls(t *testing.T) {
	t.Parallel()
	const rate = 200
	seconds := fleet.Some(12, 40)
	run := func(arrival string) (snap *metrics.Snapshot, offset time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t)
			p := &stalls{dial: b.Dial, start: time.Now()}
			var zero time.Time
			snap, zero = load(t, fmt.Sprintf(`
[phases]
measure = "%ds"
drain = "5s"
[[device]]
kind = "plug"
count = 8
[[controller]]
name = "phones"
count = 4
attribute = "power"
timeout = "4s"
`, seconds)+arrival, p.Dial)
			offset = zero.Sub(p.start)
			b.Close()
			p.wg.Wait()
		})
		return snap, offset
	}
	got, offset := run("rate = \"200/s\"\n")
	response := got.Series[metrics.Series{Metric: metrics.ResponseTime}]

	// What must come out: each request is planned at its slot, passes the proxy
	// four times (controller to broker to device, and back), and is held up by
	// stalls.
	s := &stalls{start: time.Time{}.Add(time.Hour)}
	var want []time.Duration
	for i := range rate * seconds {
		planned := s.start.Add(offset + time.Duration(i)*time.Second/rate)
		at := planned
		for range 4 {
			at = s.release(at)
		}
		want = append(want, at.Sub(planned))
	}
	slices.Sort(want)
	inTurn, _ := run("arrival = \"closed\"\nthink = \"20ms\"\n")
	closed := inTurn.Series[metrics.Series{Metric: metrics.ResponseTime}]
	t.Logf("%8s %12s %12s %12s", "", "schedule", "open", "closed")
	for _, p := range []float64{50, 90, 99, 99.9, 100} {
		rank := max(int(math.Ceil(p/100*float64(len(want))))-1, 0)
		w, g, c := want[rank], response.Percentile(p), closed.Percentile(p)
		t.Logf("p%-7v %12v %12v %12v", p, w, g.Round(10*time.Microsecond), c.Round(10*time.Microsecond))
		if diff := math.Abs(float64(g-w)) / float64(w); diff > 0.02 {
			t.Errorf("p%v of the response time is %v; want %v within 2 %%", p, g, w)
		}
	}
	if c, w := closed.Percentile(99), want[len(want)*99/100]; c > w/2 {
		t.Errorf("the closed model has a p99 of %v; it is expected to miss most of %v", c, w)
	}
}

// faults is what a bad broker does to the answers of a controller.
type faults struct {
	net.Conn
	framer wire.Framer
	chunk  []byte
	out    []byte
	held   []byte // a late answer
	until  time.Time
	plan   map[int]string // by number of the answer
	n      *atomic.Int64
}

// Read passes on what the broker sends, with the faults of the plan.
func (f *faults) Read(p []byte) (int, error) {
	for len(f.out) == 0 {
		if f.held != nil && !time.Now().Before(f.until) { // other answers come all the time
			f.out, f.held = append(f.out, f.held...), nil
			continue
		}
		frame, err := f.framer.Next(&f.chunk)
		if err != nil {
			return 0, err
		}
		if frame == nil {
			buf := make([]byte, 4096)
			n, err := f.Conn.Read(buf)
			if err != nil {
				return 0, err
			}
			f.chunk = buf[:n]
			continue
		}
		if frame.Type() != packets.PUBLISH {
			f.out = append(f.out, frame...)
			continue
		}
		m, err := wire.ParsePublish(frame, wire.V5)
		if err != nil {
			return 0, err
		}
		switch f.plan[int(f.n.Add(1))-1] {
		case "drop":
		case "duplicate":
			f.out = append(append(f.out, frame...), frame...)
		case "alter":
			m.Props.CorrelationData = slices.Clone(m.Props.CorrelationData)
			m.Props.CorrelationData[9] ^= 0x40
			f.out = wire.AppendPublish(f.out, &m, wire.V5)
		case "misroute":
			m.Topic = []byte("somewhere/else")
			f.out = wire.AppendPublish(f.out, &m, wire.V5)
		case "late":
			f.held, f.until = slices.Clone(frame), time.Now().Add(2500*time.Millisecond)
		default:
			f.out = append(f.out, frame...)
		}
	}
	n := copy(p, f.out)
	f.out = f.out[n:]
	return n, nil
}

// The ledger reports a bad broker's faults to the unit.
func TestLedgerCatchesABadBroker(t *testing.T) {
	t.Parallel()
	const rate = 500
	seeds, seconds := fleet.Some[uint64](1, 10), fleet.Some(3, 20)
	requests := rate * seconds
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			plan := make(map[int]string)
			free := func() int {
				for {
					// Not among the last, so that what is late still comes in time.
					if n := rng.IntN(requests * 8 / 10); plan[n] == "" {
						return n
					}
				}
			}
			for range requests / 1000 {
				plan[free()] = "drop"
			}
			for _, what := range []string{"duplicate", "alter", "misroute", "late"} {
				plan[free()] = what
			}
			b := newBroker(t)
			var n atomic.Int64
			snap, _ := load(t, fmt.Sprintf(`
seed = %d
[phases]
measure = "%ds"
drain = "10s"
[[device]]
kind = "light"
count = 10
[[controller]]
name = "phone"
count = 4
rate = "%d/s"
attribute = "power"
payloads = ["ON", "OFF"]
timeout = "2s"
`, seed, seconds, rate), func(ctx context.Context) (net.Conn, error) {
				c, err := b.Dial(ctx)
				if err != nil {
					return nil, err
				}
				return &interposed{Conn: c, faults: &faults{Conn: c, plan: plan, n: &n}}, nil
			})
			got := snap.Totals
			// An altered answer leaves its request without one, and so does an
			// answer on the wrong topic.
			all, lost := int64(requests), int64(requests/1000+2)
			want := metrics.Totals{Planned: all, Sent: all, Late: 1, Lost: lost, Answered: all - 1 - lost,
				Duplicates: 1, Misrouted: metrics.Misrouted{Topic: 1}}
			if got.Planned != want.Planned || got.Sent != want.Sent || got.Answered != want.Answered || got.Late != want.Late ||
				got.Lost != want.Lost || got.Duplicates != 1 || got.Misrouted != want.Misrouted || got.Corrupted.Checksum != 1 || got.Corrupted.Total() != 1 || got.Unknown.Total() != 0 {
				t.Errorf("seed %d: %+v; want %+v and one corrupted", seed, got, want)
			}
			b.Close()
		})
	}
}

// interposed leaves the devices' connections alone: only what subscribes to
// answers is a controller's.
type interposed struct {
	net.Conn
	faults     *faults
	controller bool
	seen       bool
}

func (i *interposed) Write(p []byte) (int, error) {
	if !i.seen { // the CONNECT says who it is
		i.seen = true
		if c, err := wire.ParseConnect(wire.Frame(p)); err == nil {
			i.controller = c.RequestResponseInfo
		}
	}
	return i.Conn.Write(p)
}

func (i *interposed) Read(p []byte) (int, error) {
	if i.controller {
		return i.faults.Read(p)
	}
	return i.Conn.Read(p)
}

// The broker is killed at half time and comes back 5 s later: the sums hold,
// nothing hangs.
func TestBrokerDiesMidway(t *testing.T) {
	t.Parallel()
	rate := fleet.Some(40, 200)
	synctest.Test(t, func(t *testing.T) {
		var current atomic.Pointer[broker.Broker]
		current.Store(newBroker(t))
		go func() {
			time.Sleep(15 * time.Second)
			current.Swap(nil).Close()
			time.Sleep(5 * time.Second)
			current.Store(newBroker(t))
		}()
		snap, _ := load(t, fmt.Sprintf(`
[connect]
backoff_max = "2s"
[phases]
measure = "30s"
drain = "5s"
[[device]]
kind = "light"
count = 50
[[controller]]
name = "phone"
count = 5
rate = "%d/s"
attribute = "power"
payloads = ["TOGGLE"]
qos = 1
timeout = "1s"
`, rate), func(ctx context.Context) (net.Conn, error) {
			if b := current.Load(); b != nil {
				return b.Dial(ctx)
			}
			return nil, fmt.Errorf("connection refused: %w", io.EOF)
		})
		got := snap.Totals
		second := int64(rate)
		if got.Planned != 30*second {
			t.Errorf("%d requests planned; want %d", got.Planned, 30*second)
		}
		if n := got.NotSent.Total(); n < 9*second/2 || n > 8*second {
			t.Errorf("%d requests not sent; want about %d to %d, those of 5 s to 7 s", n, 5*second, 7*second)
		}
		if got.Answered < 20*second {
			t.Errorf("%d requests answered; want those of the rest", got.Answered)
		}
		current.Load().Close()
	})
}
