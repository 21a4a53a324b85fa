package fleet_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"slices"
	"sync"
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

// stallingProxy is a proxy between controllers and their broker that holds up all traffic
// for a part of each period, and keeps books of its own: when each request and each
// answer passed it. It shares no code with the fleet's.
type stallingProxy struct {
	dial          func(context.Context) (net.Conn, error)
	every, stalls time.Duration
	lag           time.Duration // in each direction
	pipe          func() (near, far net.Conn)

	mu       sync.Mutex
	begun    time.Time
	answered map[string]time.Time // by Correlation Data: when the answer passed
	order    map[string][]string  // Correlation Data of the requests of each Response Topic, as they came
	open     map[string]int       // QoS 1 and 2 requests of each client that are not acknowledged
	most     int                  // of those at a time
	wg       sync.WaitGroup
}

func newStallingProxy(dial func(context.Context) (net.Conn, error), every, stalls, lag time.Duration) *stallingProxy {
	return &stallingProxy{dial: dial, every: every, stalls: stalls, lag: lag, begun: time.Now(),
		answered: make(map[string]time.Time), order: make(map[string][]string), open: make(map[string]int),
		pipe: func() (net.Conn, net.Conn) { return memconn.Pipe(1 << 20) }}
}

// passes is when something that reaches the proxy at t leaves it.
func (s *stallingProxy) passes(t time.Time) time.Time {
	t = t.Add(s.lag)
	if into := t.Sub(s.begun) % s.every; into >= s.every-s.stalls {
		t = t.Add(s.every - into)
	}
	return t
}

// Dial lets controllers, who ask for Response Information, pass through the proxy,
// and devices past it.
func (s *stallingProxy) Dial(ctx context.Context) (net.Conn, error) {
	far, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	near, mid := s.pipe()
	client := make(chan string, 1)
	s.wg.Go(func() {
		defer far.Close()
		name, slow := "", false
		s.pump(mid, far, func(f wire.Frame) bool {
			if f.Type() == packets.CONNECT {
				if c, err := wire.ParseConnect(f); err == nil {
					name, slow = c.ClientID, c.RequestResponseInfo
				}
				client <- name
				if slow {
					s.mu.Lock()
					s.open[name] = 0
					s.mu.Unlock()
				}
			}
			if slow {
				s.request(name, f)
			}
			return slow
		}, func(wire.Frame) {})
	})
	s.wg.Go(func() {
		defer mid.Close()
		name := ""
		s.pump(far, mid, func(f wire.Frame) bool {
			if name == "" {
				name = <-client
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			_, slow := s.open[name]
			return slow
		}, func(f wire.Frame) { s.answer(name, f) })
	})
	return near, nil
}

// pump passes packets on, each when its time has come. held says whether a packet is
// one that is held up; passed is told of each as it leaves.
func (s *stallingProxy) pump(from, to net.Conn, held func(wire.Frame) bool, passed func(wire.Frame)) {
	type piece struct {
		frame wire.Frame
		at    time.Time
	}
	pieces := make(chan piece, 1<<10) // more than come in a stall
	var out sync.WaitGroup
	out.Go(func() {
		dead := false
		for p := range pieces {
			if !p.at.IsZero() {
				time.Sleep(time.Until(p.at))
			}
			if dead {
				continue
			}
			passed(p.frame)
			if _, err := to.Write(p.frame); err != nil {
				dead = true
				from.Close()
			}
		}
	})
	var framer wire.Framer
	framer.Max = 1 << 20
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			break
		}
		chunk := buf[:n]
		for {
			f, err := framer.Next(&chunk)
			if err != nil || f == nil {
				break
			}
			p := piece{frame: slices.Clone(f)}
			if held(p.frame) {
				p.at = s.passes(time.Now())
			}
			pieces <- p
		}
	}
	close(pieces)
	out.Wait()
}

// request enters what a controller sends.
func (s *stallingProxy) request(client string, f wire.Frame) {
	p, err := wire.ParsePublish(f, wire.V5)
	if f.Type() != packets.PUBLISH || err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	topic := string(p.Props.ResponseTopic)
	s.order[topic] = append(s.order[topic], string(p.Props.CorrelationData))
	if p.QoS > 0 {
		s.open[client]++
		s.most = max(s.most, s.open[client])
	}
}

// answer enters what goes to a controller, as it passes: answers, and PUBACK or
// PUBCOMP, which make room in Receive Maximum (4.9).
func (s *stallingProxy) answer(client string, f wire.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.Type() {
	case packets.PUBACK, packets.PUBCOMP:
		s.open[client]--
	case packets.PUBLISH:
		p, err := wire.ParsePublish(f, wire.V5)
		if err == nil && p.Props.CorrelationData != nil && p.Props.ResponseTopic == nil {
			s.answered[string(p.Props.CorrelationData)] = time.Now()
		}
	}
}

// times are the response times of a constant rate, by the schedule and the proxy's
// books: request k of controller c of n is planned at slot c + k*n.
func (s *stallingProxy) times(t *testing.T, zero time.Time, controllers int, rate float64) []time.Duration {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) != controllers {
		t.Fatalf("the proxy saw the requests of %d controllers; want %d", len(s.order), controllers)
	}
	var all []time.Duration
	for _, ids := range s.order {
		// The Correlation Data says which controller it is, from its 9th byte on.
		c := int(binary.BigEndian.Uint32([]byte(ids[0])[8:]))
		for k, id := range ids {
			planned := zero.Add(time.Duration(float64(c+k*controllers) / rate * float64(time.Second)))
			at, ok := s.answered[id]
			if !ok {
				t.Fatalf("the proxy passed no answer to request %d of controller %d", k, c)
			}
			all = append(all, at.Sub(planned))
		}
	}
	slices.Sort(all)
	return all
}

// percentiles compares what was reported with what the proxy knows.
func comparePercentiles(t *testing.T, name string, got *metrics.Histogram, want []time.Duration, within float64) {
	t.Helper()
	if int(got.Count()) != len(want) {
		t.Errorf("%s: %d response times; want %d", name, got.Count(), len(want))
	}
	t.Log(name)
	for _, p := range []float64{50, 90, 99, 100} {
		w, g := want[max(int(math.Ceil(p/100*float64(len(want))))-1, 0)], got.Percentile(p)
		t.Logf("p%-4v %8v, by the proxy %8v", p, g.Round(10*time.Microsecond), w.Round(10*time.Microsecond))
		if math.Abs(float64(g-w)) > within*float64(w) {
			t.Errorf("%s: p%v of the response time is %v; want %v within %v %%", name, p, g, w, within*100)
		}
	}
}

// The open model stays open behind a broker that stalls for a second every five,
// whatever the QoS (4.3), the broker's Receive Maximum (4.9), and the number of
// controllers: the percentiles are those of the schedule and a proxy's own books.
func TestOpenModelUnderStalls(t *testing.T) {
	t.Parallel()
	rate := fleet.Some(40, 200)
	for qos := range 3 {
		for i, controllers := range []int{1, 4, 50} {
			for j, most := range []uint16{20, 65535} {
				if fleet.Some((qos+i+j)%3 != 0, false) {
					continue // a third has each QoS with each of the others
				}
				name := fmt.Sprintf("QoS %d, %d controllers, Receive Maximum %d", qos, controllers, most)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					openUnderStalls(t, name, qos, controllers, most, rate)
				})
			}
		}
	}
}

func openUnderStalls(t *testing.T, name string, qos, controllers int, most uint16, rate int) {
	seconds := fleet.Some(6, 10)
	synctest.Test(t, func(t *testing.T) {
		b, err := broker.New(broker.Config{Anonymous: true, Limits: broker.Limits{ReceiveMaximum: most}})
		if err != nil {
			t.Fatal(err)
		}
		p := newStallingProxy(b.Dial, 5*time.Second, time.Second, 2*time.Millisecond)
		snap, zero := load(t, fmt.Sprintf(`
[phases]
measure = "%ds"
[[device]]
kind = "plug"
count = 8
[[controller]]
count = %d
attribute = "power"
rate = "%d/s"
qos = %d
`, seconds, controllers, rate, qos), p.Dial)
		b.Close()
		p.wg.Wait()
		got := snap.Totals
		if got.Planned != int64(seconds*rate) || got.Answered != got.Planned {
			t.Errorf("%s: %+v; want %d planned and all of them answered", name, got, seconds*rate)
		}
		if p.most > int(most) {
			t.Errorf("%s: %d requests of a controller were under way at a time", name, p.most)
		}
		comparePercentiles(t, name, snap.Series[metrics.Series{Metric: metrics.ResponseTime}], p.times(t, zero, controllers, float64(rate)), 0.02)
		// In a second without acknowledgements a controller's part of the rate waits.
		held := qos > 0 && most == 20 && rate/controllers > 20
		if (got.Held > 0) != held || (got.LongestWait > 0) != held || (got.LongestQueue > 0) != held {
			t.Errorf("%s: flow control held back %d, at most %d at a time and for %v; want some: %t", name, got.Held, got.LongestQueue, got.LongestWait, held)
		}
		if late := snap.Series[metrics.Series{Metric: metrics.ScheduleDelay}].Max(); late > time.Millisecond {
			t.Errorf("%s: the schedule delay is up to %v; want none, the generator was never late", name, late)
		}
	})
}
