package fleet

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// counterpart plays the broker and all devices for one controller. request is told of
// each request, from 0, and says what comes of it.
type counterpart struct {
	connack *packets.Properties
	request func(p *peer, n int, m wire.Publish)

	mu   sync.Mutex
	seqs []uint64 // of the requests, as they came
}

// reply sends the answer to a request after a time.
func (c *counterpart) reply(p *peer, m wire.Publish, after time.Duration) {
	a := wire.Publish{Topic: slices.Clone(m.Props.ResponseTopic)}
	a.Props.CorrelationData = slices.Clone(m.Props.CorrelationData)
	time.AfterFunc(after, func() { p.conn.Write(wire.AppendPublish(nil, &a, wire.V5)) })
}

// ackAfter acknowledges with a packet of a type after a time.
func ackAfter(p *peer, typ byte, id uint16, after time.Duration) {
	b := wire.AppendAck(nil, typ, wire.Ack{PacketID: id}, wire.V5)
	time.AfterFunc(after, func() { p.conn.Write(b) })
}

// serve is one connection.
func (c *counterpart) serve(p *peer) {
	connect := p.wantConnect()
	if connect.RequestResponseInfo {
		p.connack(0, false, c.connack)
	} else {
		p.connack(0, false, nil)
	}
	p.grant()
	for {
		f := p.next()
		if f == nil || f.Type() == packets.DISCONNECT {
			p.conn.Close()
			return
		}
		switch f.Type() {
		case packets.PINGREQ:
			p.conn.Write(wire.Pingresp[:])
		case packets.PUBREL:
			ack, _ := wire.ParseAck(f, wire.V5)
			ackAfter(p, packets.PUBCOMP, ack.PacketID, 150*time.Millisecond) // slow
		case packets.PUBLISH:
			m, _ := wire.ParsePublish(f, wire.V5)
			if m.Props.ResponseTopic == nil {
				continue
			}
			id, _ := metrics.ParseID(m.Props.CorrelationData, len(m.Props.CorrelationData))
			c.mu.Lock()
			n := len(c.seqs)
			c.seqs = append(c.seqs, id.Seq)
			c.mu.Unlock()
			c.request(p, n, m)
		}
	}
}

// heldUp runs one controller with 10 requests a second for a minute against a
// counterpart, and returns what was measured.
func heldUp(t *testing.T, keys string, c *counterpart, during func(b *script), change ...func(*Fleet)) *metrics.Snapshot {
	t.Helper()
	if !strings.Contains(keys, "arrival") {
		keys += "rate = \"10/s\"\n"
	}
	sc := scenarioOf(t, "[connect]\nbackoff = \"naive\"\nbackoff_min = \"1s\"\n[phases]\nmeasure = \"60s\"\n[[device]]\nkind = \"light\"\n[[controller]]\nname = \"phone\"\nattribute = \"power\"\n"+keys)
	var snap *metrics.Snapshot
	play(t, sc, func(t *testing.T, b *script) {
		for _, f := range change {
			f(b.fleet)
		}
		for range 2 {
			p := b.accept()
			go c.serve(p)
		}
		if during != nil {
			during(b)
		}
		if err := b.ended.wait(); err != nil {
			t.Errorf("Run() = %v", err)
		}
		snap = b.fleet.Snapshot()
	})
	if err := snap.Totals.Check(); err != nil {
		t.Error(err)
	}
	if got := snap.Series[metrics.Series{Metric: metrics.HoldBack}].Count(); got != snap.Totals.Held {
		t.Errorf("%d hold-backs were recorded; want %d", got, snap.Totals.Held)
	}
	if !slices.IsSorted(c.seqs) {
		t.Error("the requests left out of order")
	}
	return snap
}

// What flow control holds back waits, keeps its planned moment, and leaves in order as
// soon as it may, after the measuring too: request n, planned after n*100 ms, leaves
// after n*150 ms.
func TestHeldBackLeavesWhenItMay(t *testing.T) {
	const step = 150 * time.Millisecond
	one := &packets.Properties{ReceiveMaximum: new(uint16(1))}
	for _, tt := range []struct {
		name, keys string
		connack    *packets.Properties
		request    func(c *counterpart) func(*peer, int, wire.Publish)
	}{
		{"Receive Maximum 1, slow PUBACK (4.9)", "qos = 1\n", one, func(c *counterpart) func(*peer, int, wire.Publish) {
			return func(p *peer, _ int, m wire.Publish) {
				ackAfter(p, packets.PUBACK, m.PacketID, step)
				c.reply(p, m, 0)
			}
		}},
		{"Receive Maximum 1, slow PUBCOMP (4.9)", "qos = 2\n", one, func(c *counterpart) func(*peer, int, wire.Publish) {
			return func(p *peer, _ int, m wire.Publish) {
				ackAfter(p, packets.PUBREC, m.PacketID, 0)
				c.reply(p, m, 0)
			}
		}},
		{"max_outstanding 1, slow answers", "max_outstanding = 1\n", nil, func(c *counterpart) func(*peer, int, wire.Publish) {
			return func(p *peer, _ int, m wire.Publish) { c.reply(p, m, step) }
		}},
		{"max_outstanding 1, refused late (0x80)", "qos = 1\nmax_outstanding = 1\n", nil, func(c *counterpart) func(*peer, int, wire.Publish) {
			return func(p *peer, n int, m wire.Publish) {
				if n%2 == 0 {
					ackAfter(p, packets.PUBACK, m.PacketID, 0)
					c.reply(p, m, step)
					return
				}
				b := wire.AppendAck(nil, packets.PUBACK, wire.Ack{PacketID: m.PacketID, Code: wire.QuotaExceeded}, wire.V5)
				time.AfterFunc(step, func() { p.conn.Write(b) })
			}
		}},
	} {
		c := &counterpart{connack: tt.connack}
		c.request = tt.request(c)
		snap := heldUp(t, tt.keys, c, nil, func(f *Fleet) { f.scenario.Phases.Drain = time.Minute })
		got := snap.Totals
		if got.Sent != 600 || got.Answered+got.Refused != 600 || got.Held != 599 {
			t.Errorf("%s: %d sent, %d answered, %d refused, %d held back; want 600, all decided, 599", tt.name, got.Sent, got.Answered, got.Refused, got.Held)
		}
		// The last is planned after 59.9 s and leaves after 599 steps; when the
		// measuring ends, 400 have left.
		longest := 599*step - 59900*time.Millisecond
		if got.LongestQueue < 199 || got.LongestQueue > 201 || (time.Duration(got.LongestWait)-longest).Abs() > 10*time.Millisecond {
			t.Errorf("%s: at most %d waited, at most for %v; want 200, and %v", tt.name, got.LongestQueue, got.LongestWait, longest)
		}
		back := snap.Series[metrics.Series{Metric: metrics.HoldBack}]
		if d := back.Max() - longest; d.Abs() > 20*time.Millisecond {
			t.Errorf("%s: the longest hold-back is %v; want %v", tt.name, back.Max(), longest)
		}
		if late := snap.Series[metrics.Series{Metric: metrics.ScheduleDelay}].Max(); late > time.Millisecond {
			t.Errorf("%s: the schedule delay is up to %v; want 0: it was not the generator that was late", tt.name, late)
		}
		response := snap.Series[metrics.Series{Metric: metrics.ResponseTime}].Max()
		if response < back.Max()-step || response > back.Max()+step+10*time.Millisecond {
			t.Errorf("%s: the longest response time is %v, the longest hold-back %v; want the one to contain the other", tt.name, response, back.Max())
		}
	}
}

// What waits in the end was not sent for want of room, not because of the generator.
func TestHeldBackToTheEnd(t *testing.T) {
	twenty := &packets.Properties{ReceiveMaximum: new(uint16(20))}
	for _, tt := range []struct {
		name           string
		change         func(*Fleet)
		stop           time.Duration
		planned, queue int64
	}{
		{"a broker that never acknowledges", func(*Fleet) {}, 0, 600, 580},
		{"no more than 10 may wait", func(f *Fleet) { f.requesters[0].Group.MostWaiting = 10 }, 0, 600, 10},
		{"none may wait", func(f *Fleet) { f.requesters[0].Group.MostWaiting = 0 }, 0, 600, 0},
		{"stopped early", func(*Fleet) {}, 30*time.Second + 50*time.Millisecond, 301, 281},
	} {
		c := &counterpart{connack: twenty}
		c.request = func(p *peer, _ int, m wire.Publish) { c.reply(p, m, 0) }
		got := heldUp(t, "qos = 1\n", c, func(b *script) {
			if tt.stop > 0 {
				stopAt(b, tt.stop)
			}
		}, tt.change).Totals
		want := metrics.NotSent{NoRoom: tt.planned - 20}
		if got.Planned != tt.planned || got.Sent != 20 || got.Answered != 20 || got.NotSent != want {
			t.Errorf("%s: %d planned, %d sent, %d answered, not sent %+v; want %d, 20, 20, %+v", tt.name, got.Planned, got.Sent, got.Answered, got.NotSent, tt.planned, want)
		}
		if got.Held != 0 || got.LongestQueue != tt.queue {
			t.Errorf("%s: %d held back and sent, a longest queue of %d; want 0 and %d", tt.name, got.Held, got.LongestQueue, tt.queue)
		}
	}
}

// An answer that never comes frees its place in max_outstanding when the ledger lets go
// of the request: after time-out and late window.
func TestHeldBackByTheLost(t *testing.T) {
	c := new(counterpart)
	c.request = func(p *peer, n int, m wire.Publish) {
		if n != 100 {
			c.reply(p, m, 0)
		}
	}
	snap := heldUp(t, "max_outstanding = 1\ntimeout = \"1s\"\n", c, nil)
	got := snap.Totals
	if got.Sent != 600 || got.Answered != 599 || got.Lost != 1 || got.Held < 19 || got.Held > 20 {
		t.Errorf("%+v; want 600 sent, one lost, and the 19 or 20 that came due in two seconds held back", got)
	}
	if d := time.Duration(got.LongestWait); d < 1890*time.Millisecond || d > 1910*time.Millisecond {
		t.Errorf("the longest wait is %v; want 1.9s", d)
	}
}

// Slots that wait as their connection ends could only have left on it: they are not
// sent for want of a connection. The next one has room again.
func TestHeldBackAsTheConnectionEnds(t *testing.T) {
	c := &counterpart{connack: &packets.Properties{ReceiveMaximum: new(uint16(1))}}
	c.request = func(p *peer, n int, m wire.Publish) {
		if n == 0 {
			time.AfterFunc(30*time.Second+50*time.Millisecond, func() { p.conn.Close() })
			return // no PUBACK
		}
		ackAfter(p, packets.PUBACK, m.PacketID, 0)
		c.reply(p, m, 0)
	}
	got := heldUp(t, "qos = 1\n", c, func(b *script) { c.serve(b.accept()) }).Totals
	// One left, 300 waited until 30 s, some 10 came due in the second of the back-off.
	if got.Sent+got.NotSent.NotConnected != 600 || got.NotSent.NotConnected < 308 || got.NotSent.NotConnected > 312 || got.Lost != 1 || got.Held != 0 {
		t.Errorf("%+v; want 1 lost, some 310 not connected, the rest answered", got)
	}
}

// A closed load whose requests in flight are more than Receive Maximum waits, and
// plans nothing that it does not send.
func TestClosedBeyondReceiveMaximum(t *testing.T) {
	sc := func(c *scenarios.Controllers) { c.InFlight, c.Think = 5, 0 }
	n := closedRun(t, sc, &packets.Properties{ReceiveMaximum: new(uint16(1))}, func(int) (time.Duration, byte) { return 100 * time.Millisecond, 0 })
	if n < 450 || n > 520 {
		t.Errorf("%d requests in the last ten seconds; want some 500: five in flight, each takes 100ms", n)
	}
}

// One request without an answer, of many that have one, leaves the ledger room for those
// that follow: it is the number of open requests that is bounded.
func TestLedgerBehindOneLostRequest(t *testing.T) {
	for _, keys := range []string{
		"arrival = \"closed\"\nin_flight = 2\nthink = \"50ms\"\n",
		"arrival = \"bursts\"\nburst = 2\nevery = \"50ms\"\nmax_outstanding = 3\n",
	} {
		c := new(counterpart)
		c.request = func(p *peer, n int, m wire.Publish) {
			if n != 100 {
				c.reply(p, m, time.Millisecond)
			}
		}
		got := heldUp(t, keys, c, nil).Totals
		if got.Lost != 1 || got.NotSent.Total() != 0 || got.Answered < 2000 {
			t.Errorf("%q: %d answered, %d lost, not sent %+v; want 1 lost and none not sent", keys, got.Answered, got.Lost, got.NotSent)
		}
	}
}

// Requests in flight when a run is stopped are interrupted if their time-out is not over,
// and lost if it is. At the planned end all of them are lost.
func TestRequestsInFlightAtTheEnd(t *testing.T) {
	for _, tt := range []struct {
		name              string
		stop              time.Duration
		interrupted, lost int64
	}{
		{"stopped", 30*time.Second + 50*time.Millisecond, 20, 281},
		{"stopped in the drain", 60*time.Second + 50*time.Millisecond, 19, 581},
		{"planned end", 0, 0, 600},
	} {
		c := new(counterpart)
		c.request = func(*peer, int, wire.Publish) {} // nothing is ever answered
		snap := heldUp(t, "timeout = \"2s\"\n", c, func(b *script) {
			if tt.stop > 0 {
				stopAt(b, tt.stop)
			}
		})
		got := snap.Totals
		if got.Interrupted < tt.interrupted-1 || got.Interrupted > tt.interrupted+1 || got.Lost+got.Interrupted != got.Sent || got.Sent != tt.interrupted+tt.lost {
			t.Errorf("%s: %d sent, %d interrupted, %d lost; want about %d and %d", tt.name, got.Sent, got.Interrupted, got.Lost, tt.interrupted, tt.lost)
		}
		// The time line and the labels add up to the ledger.
		r := new(metrics.Result)
		r.Fill(snap, nil, 0)
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// stopAt stops a fleet so long after the start of the measuring.
func stopAt(b *script, after time.Duration) {
	zero, ok := b.fleet.MeasureStart()
	for ; !ok; zero, ok = b.fleet.MeasureStart() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Until(zero.Add(after)))
	b.fleet.Stop()
}
