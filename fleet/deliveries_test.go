package fleet

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
)

// lies is what was done to messages on their way, by the liar's own record.
type lies struct{ passed, lost, doubled, swapped, altered int64 }

// liars lie to the watchers, or for the devices, whose client ids they are told.
type liars struct {
	mu   sync.Mutex
	rng  *rand.Rand
	open func() bool // whether lies are told at this time
	up   string      // what clients send is lied about whose id begins so
	down []string    // what clients receive is lied about whose id begins so
	did  map[string]*lies
}

func (l *liars) dial(to func(context.Context) (net.Conn, error)) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		c, err := to(ctx)
		if err != nil {
			return nil, err
		}
		return &liar{Conn: c, liars: l, held: make(map[string][]byte), heldUp: make(map[string][]byte)}, nil
	}
}

// liar is a connection between client and broker that loses, doubles, swaps and
// alters PUBLISH packets. It has a parser of its own.
type liar struct {
	net.Conn
	liars        *liars
	begun        bool
	up, down     string // the record that it keeps; "" for none
	in, out      []byte
	upIn         []byte
	held, heldUp map[string][]byte
}

// packet cuts the first whole packet off (2.1.4); nil if there is none.
func packet(b *[]byte) []byte {
	n, shift := 0, 0
	for i := 1; i < len(*b) && i < 5; i++ {
		n |= int((*b)[i]&0x7f) << shift
		shift += 7
		if (*b)[i] < 0x80 {
			if end := 1 + i + n; end <= len(*b) {
				p := (*b)[:end:end]
				*b = (*b)[end:]
				return p
			}
			return nil
		}
	}
	return nil
}

// subject returns the topic of a PUBLISH of a state or of telemetry, or "".
func subject(p []byte) string {
	if p[0]>>4 != 3 {
		return ""
	}
	i := 1
	for p[i] >= 0x80 {
		i++
	}
	i++
	n := int(p[i])<<8 | int(p[i+1])
	topic := string(p[i+2 : i+2+n])
	if bytes.HasSuffix([]byte(topic), []byte("/lwt")) {
		return ""
	}
	return topic
}

// lie passes one packet on, or something else.
func (l *liars) lie(p []byte, record string, held map[string][]byte, pass func([]byte)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	topic := subject(p)
	if record == "" || topic == "" {
		pass(p)
		return
	}
	did := l.did[record]
	if did == nil {
		did = new(lies)
		l.did[record] = did
	}
	what := l.rng.IntN(10)
	if !l.open() {
		what = 9
	}
	switch what {
	case 0:
		did.lost++
		return
	case 1:
		pass(p)
		did.doubled++
	case 2:
		if held[topic] == nil {
			held[topic] = bytes.Clone(p)
			return
		}
	case 3:
		p = bytes.Clone(p)
		p[len(p)-1] ^= 4
		did.altered++
	}
	pass(p)
	did.passed++
	if h := held[topic]; h != nil {
		pass(h)
		did.swapped++
		delete(held, topic)
	}
}

// during reports whether the measuring of a fleet, which may not be there yet, has
// lasted longer than from and shorter than to.
func during(fleet *atomic.Pointer[Fleet], from, to time.Duration) bool {
	f := fleet.Load()
	if f == nil {
		return false
	}
	zero, ok := f.MeasureStart()
	at := time.Since(zero)
	return ok && at > from && at < to
}

func (c *liar) Read(b []byte) (int, error) {
	for len(c.out) == 0 {
		room := make([]byte, 4096)
		n, err := c.Conn.Read(room)
		c.in = append(c.in, room[:n]...)
		for p := packet(&c.in); p != nil; p = packet(&c.in) {
			c.liars.lie(p, c.down, c.held, func(p []byte) { c.out = append(c.out, p...) })
		}
		if err != nil && len(c.out) == 0 {
			return 0, err
		}
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}

func (c *liar) Write(b []byte) (int, error) {
	if !c.begun { // CONNECT
		c.begun = true
		for _, name := range c.liars.down {
			if bytes.Contains(b, []byte(name)) {
				c.down = name
			}
		}
		if c.liars.up != "" && bytes.Contains(b, []byte(c.liars.up)) {
			c.up = c.liars.up
		}
	}
	c.upIn = append(c.upIn, b...)
	var out []byte
	for p := packet(&c.upIn); p != nil; p = packet(&c.upIn) {
		c.liars.lie(p, c.up, c.heldUp, func(p []byte) { out = append(out, p...) })
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// deliveriesTo adds up what became of the messages to a group.
func deliveriesTo(snap *metrics.Snapshot, group string) (sum metrics.DeliveryTotals) {
	for _, d := range snap.Deliveries {
		if d.Watcher == group {
			sum.Add(d.DeliveryTotals)
		}
	}
	return sum
}

const watched = `
[[device]]
kind = "plug"
count = 4
telemetry = "100ms"
qos = %d
[[watcher]]
name = "each"
topics = ["state/#", "tele/#"]
qos = %d
count = 2
[[watcher]]
name = "sharers"
topics = ["tele/+/state"]
share = "s"
qos = 1
[phases]
warm_up = "1s"
measure = "4s"
`

// Seeds of loss, doubling, reordering and alteration, on the way from the
// devices or on that to the watchers: the account of one-way messages is that of
// the liar, to the unit; whatever the reports say.
func TestDeliveriesToTheUnit(t *testing.T) {
	for seed := range uint64(100) {
		if part := []uint64{2, 3, 5}; Some(!slices.Contains(part, seed), false) {
			continue // each QoS, on the way from and to, with reports of the scenario's own and without
		}
		l := &liars{rng: rand.New(rand.NewPCG(seed, 3)), did: make(map[string]*lies)}
		upwards := seed%4 == 3
		if upwards {
			l.up = "plug-"
		} else {
			l.down = []string{"each", "sharers"}
		}
		var fleet atomic.Pointer[Fleet]
		l.open = func() bool { // what is sent in the same instant is measured
			return during(&fleet, 100*time.Millisecond, 3500*time.Millisecond)
		}
		qos := byte(seed % 2)
		toml := fmt.Sprintf(watched, qos, qos)
		if seed%3 == 2 { // with reports of the scenario's own
			toml = strings.NewReplacer("tele/+/state", "v1/+/up", "tele/#", "v1/#", "telemetry = \"100ms\"",
				"telemetry = \"100ms\"\ntelemetry_topic = \"v1/{id}/up\"\ntelemetry_size = \"300B\"\ntelemetry_payload = '{{\"of\":\"{id}\",\"p\":{power}}}'").Replace(toml)
		}
		snap, _ := brew(t, toml, broker.Config{}, func(s *storm) { fleet.Store(s.fleet) }, func(o *Options) {
			o.Dial = l.dial(o.Dial)
		})
		sent := snap.Counts["telemetry.sent"] + snap.Counts["state.sent"]
		for _, group := range []struct {
			name  string
			times int64
		}{{"each", 2}, {"sharers", 1}} {
			got := deliveriesTo(snap, group.name)
			did := l.did[group.name]
			times := int64(1)
			if upwards {
				// Everybody misses what never came to the broker, and gets what came twice.
				did, times = l.did["plug-"], group.times
			}
			if did == nil || did.lost*did.doubled*did.swapped*did.altered == 0 {
				t.Fatalf("seed %d: the liar did %+v to %s; want some of everything", seed, did, group.name)
			}
			all := sent * group.times
			if group.name == "sharers" {
				all = snap.Counts["telemetry.sent"]
			}
			want := metrics.DeliveryTotals{
				Sent: all, Delivered: all - times*(did.lost+did.altered), Altered: times * did.altered, Lost: times * did.lost,
				Duplicate: times * did.doubled, Reordered: times * did.swapped,
			}
			if got != want {
				t.Errorf("seed %d, upwards %t: to %s at QoS %d there were\n%+v; want\n%+v", seed, upwards, group.name, qos, got, want)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// The broker goes away in the middle, with what it had in hand; devices resume their sessions and send again what was not
// acknowledged. Nobody is accused of what went down with the connections, and
// everything is accounted for.
func TestDeliveriesAcrossAnOutage(t *testing.T) {
	every := Some("150ms", "50ms")
	snap, s := brew(t, strings.ReplaceAll(`
[connect]
session_expiry = "1h"
backoff_max = "1s"
[audit]
wait = "0s"
[[device]]
kind = "plug"
count = 10
telemetry = EVERY
qos = 1
[[device]]
kind = "plug"
id = "loose-{n}"
count = 4
telemetry = EVERY
[[watcher]]
name = "w"
topics = ["tele/+/state"]
qos = 1
count = 2
`+incidentOf("broker-outage", "5s", "2s")+`
[phases]
measure = "15s"
`, "EVERY", strconv.Quote(every)), broker.Config{}, nil)
	got := deliveriesTo(snap, "w")
	if err := got.Check(); err != nil {
		t.Error(err)
	}
	if got.Sent != 2*snap.Counts["telemetry.sent"] || got.Sent < Some[int64](2_000, 6_000) {
		t.Errorf("%d deliveries of %d messages; want two of each, of 1,000 or, in full, 3,000 or more", got.Sent, snap.Counts["telemetry.sent"])
	}
	if got.Lost+got.Altered+got.Duplicate+got.Reordered+got.Outstanding+got.Unfinished != 0 {
		t.Errorf("across an outage there were %+v; want nothing lost, altered, doubled for no reason or out of order", got)
	}
	if s.fleet.counts.Resent.Load() == 0 && got.Unwatched == 0 {
		t.Error("nothing was sent again, and nothing unwatched; the outage was none")
	}
	if least := got.Sent * 9 / 10; got.Delivered < least {
		t.Errorf("%d of %d delivered; want %d or more", got.Delivered, got.Sent, least)
	}
}

// A slow consumer does not lose what it has not read yet, and the prompt one beside
// it gets everything.
func TestDeliveriesToASlowConsumer(t *testing.T) {
	snap, _ := brew(t, `
[[device]]
kind = "plug"
count = 10
telemetry = "100ms"
qos = 1
[[watcher]]
name = "prompt"
topics = ["tele/+/state"]
qos = 1
[[watcher]]
name = "slow"
topics = ["tele/+/state"]
qos = 1
slow = "50ms"
[phases]
measure = "20s"
`, broker.Config{}, nil)
	sent := snap.Counts["telemetry.sent"]
	if got, want := deliveriesTo(snap, "prompt"), (metrics.DeliveryTotals{Sent: sent, Delivered: sent}); got != want {
		t.Errorf("to the prompt one there were %+v; want %+v", got, want)
	}
	got := deliveriesTo(snap, "slow")
	if got.Sent != sent || got.Delivered+got.Unfinished != sent || got.Delivered < 350 || got.Delivered > 600 || got.Check() != nil {
		t.Errorf("to the slow one there were %+v; want %d sent, some 500 delivered and the others unfinished", got, sent)
	}
}

// Connections of devices that are cut again and again take down at most what was on
// them last; a broker that loses messages beside that is found out.
func TestDeliveriesOfFlappingDevices(t *testing.T) {
	for _, lying := range []bool{false, true} {
		l := &liars{rng: rand.New(rand.NewPCG(1, 3)), did: make(map[string]*lies), open: func() bool { return false }}
		var fleet atomic.Pointer[Fleet]
		if lying {
			l.down = []string{"w"}
			l.open = func() bool { return during(&fleet, 2*time.Second, 15*time.Second) }
		}
		snap, _ := brew(t, `
[connect]
session_expiry = "1h"
[audit]
wait = "0s"
[[device]]
kind = "plug"
count = 10
telemetry = `+strconv.Quote(Some("400ms", "100ms"))+`
qos = 1
[[watcher]]
name = "watchmen"
topics = ["tele/+/state"]
qos = 1
`+incidentOf("flapping", "1s", "16s", `up = "1s"`, `down = "500ms"`)+`
[phases]
measure = "20s"
`, broker.Config{}, func(s *storm) { fleet.Store(s.fleet) }, func(o *Options) { o.Dial = l.dial(o.Dial) })
		got := deliveriesTo(snap, "watchmen")
		lost, doubled := int64(0), int64(0)
		if lying {
			lost, doubled = l.did["w"].lost, l.did["w"].doubled
		}
		if got.Check() != nil || got.Sent != snap.Counts["telemetry.sent"] {
			t.Errorf("of flapping devices there were %+v; want the %d sent", got, snap.Counts["telemetry.sent"])
		}
		if got.Lost+got.Unconfirmed < lost || got.Lost > lost || got.Duplicate+got.Redelivered < doubled {
			t.Errorf("of flapping devices there were %+v; want %d lost or unconfirmed, and %d duplicates or more", got, lost, doubled)
		}
		if !lying && got.Duplicate+got.Reordered > 0 {
			t.Errorf("of flapping devices there were %+v; want no duplicates and nothing out of order", got)
		}
	}
}

// Losses end a run that is not to have any, some time before its planned end; a broker
// that is slow and honest lets it go on.
func TestLostDeliveriesEndTheRun(t *testing.T) {
	length := Some(20*time.Second, time.Minute)
	for _, lying := range []bool{false, true} {
		l := &liars{rng: rand.New(rand.NewPCG(1, 3)), did: make(map[string]*lies)}
		var fleet atomic.Pointer[Fleet]
		l.open = func() bool { return lying && during(&fleet, 5*time.Second, 6*time.Second) }
		l.down = []string{"w"}
		snap, s := brew(t, "[phases]\nmeasure = \""+length.String()+"\""+`
drain = "2s"
[[device]]
kind = "plug"
count = 4
telemetry = "100ms"
qos = 1
[[watcher]]
name = "watchmen"
topics = ["tele/+/state"]
qos = 1
slow = "20ms"
[expect]
"delivery.lost" = { want = "== 0", abort = true }
`, broker.Config{}, func(s *storm) { fleet.Store(s.fleet) }, func(o *Options) { o.Dial = l.dial(o.Dial) })
		e := &s.fleet.scenario.Expect[0]
		got, x := deliveriesTo(snap, "watchmen"), e.Evaluate(snap)
		if !lying {
			if snap.Measured != metrics.Span(length) || x.Status != metrics.Pass {
				t.Errorf("behind an honest broker the run lasted %v, and %s; want %v, and a pass", snap.Measured, x.Sentence, length)
			}
			continue
		}
		if did := l.did["w"]; snap.Measured > metrics.Span(12*time.Second) || x.Status != metrics.Fail || did.lost == 0 || got.Lost != did.lost || got.Check() != nil {
			t.Errorf("behind a broker that lost %d the run lasted %v, and %s; want at most 12 s, and all of them", did.lost, snap.Measured, x.Sentence)
		}
	}
}
