package fleet

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/memconn"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// stage is a fleet whose sessions a test drives by hand, without goroutines.
func stage(t *testing.T, toml string) *Fleet {
	t.Helper()
	sc := scenarioOf(t, toml)
	sc.Connect.Rate = 1 // no tokens are lent for first tries
	f, err := New(sc, Options{Dial: func(context.Context) (net.Conn, error) { return nil, io.EOF }})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// attach gives a session a connection that leads nowhere.
func attach(s *session) {
	conn, _ := memconn.Pipe(1 << 20)
	s.link = newLink(conn, s.env.buffers)
	s.link.arrived = time.Now()
	if err := s.sendConnect(); err != nil {
		panic(err)
	}
}

func connackFrame(present bool, props *packets.Properties) wire.Frame {
	return wire.Append(nil, &packets.Connack{SessionPresent: present, Properties: props}, wire.V5)
}

func subackFrame(s *session) wire.Frame {
	return wire.Append(nil, &packets.Suback{PacketID: s.link.pending, Reasons: []byte{1}, Properties: &packets.Properties{}}, wire.V5)
}

const phones = `
[phases]
measure = "60s"
[[device]]
kind = "light"
count = 2
[[controller]]
name = "phone"
attribute = "power"
`

// A controller's session ends with its connection: a broker that says Session
// Present on its return breaks the standard (3.2.2-2), and takes nobody down.
func TestControllerSessionPresent(t *testing.T) {
	f := stage(t, expiring+phones+"rate = \"10/s\"\nqos = 1\n")
	r := f.requesters[0]
	attach(&r.session)
	if err := r.connack(connackFrame(false, &packets.Properties{})); err != nil {
		t.Fatal(err)
	}
	if err := r.suback(subackFrame(&r.session)); err != nil {
		t.Fatal(err)
	}
	r.begin(time.Now())
	r.Act(time.Now())
	r.hangUp(errAway)
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("connack() panics: %v", p)
		}
	}()
	attach(&r.session)
	if err := r.connack(connackFrame(true, &packets.Properties{})); err == nil {
		t.Error("connack() = nil for Session Present after Clean Start; want a protocol error")
	}
}

// Rule 6: where the broker has no shared subscriptions none is asked for
// (3.2.2.3.13).
func TestRule6SharedSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it takes its time to leave
		f := stage(t, phones+"count = 2\nrate = \"10/s\"\nshare_replies = true\n[[watcher]]\nname = \"eye\"\ntopics = [\"state/#\"]\nshare = \"eyes\"\n")
		for _, s := range []*session{&f.requesters[0].session, &f.watching[0].session} {
			attach(s)
			_ = s.connack(connackFrame(false, &packets.Properties{SharedSubAvailable: new(byte(0))}))
			if out := s.link.out; out != nil && bytes.Contains(out.packets, []byte("$share/")) {
				t.Errorf("%s subscribes to $share/… where Shared Subscription Available is 0", s.name)
			}
		}
	})
}

// Rule 6: where the broker has no wildcards, a watcher asks for none
// (3.2.2.3.11).
func TestRule6WatcherWildcards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stage(t, "[[device]]\nkind = \"light\"\n[[watcher]]\nname = \"eye\"\ntopics = [\"state/#\"]\n")
		s := &f.watching[0].session
		attach(s)
		_ = s.connack(connackFrame(false, &packets.Properties{WildcardSubAvailable: new(byte(0))}))
		if out := s.link.out; out != nil && bytes.Contains(out.packets, []byte("state/#")) {
			t.Errorf("%s subscribes to state/# where Wildcard Subscription Available is 0", s.name)
		}
	})
}

// What a session refuses as over its Receive Maximum is what its CONNECT said:
// for watchers nothing, which is 65,535 (3.1.2.11.3).
func TestReceiveMaximumOfAWatcher(t *testing.T) {
	f := stage(t, "[[device]]\nkind = \"light\"\n[[watcher]]\nname = \"eye\"\ntopics = [\"state/#\"]\nqos = 2\n")
	w := f.watching[0]
	attach(&w.session)
	var c wire.Connect
	if err := w.FillConnect(&c); err != nil {
		t.Fatal(err)
	}
	most := int(c.ReceiveMaximum)
	if most == 0 {
		most = 65535
	}
	_ = w.connack(connackFrame(false, &packets.Properties{}))
	_ = w.suback(subackFrame(&w.session))
	for id := 1; id <= min(most, 1000); id++ {
		m := wire.Publish{Topic: []byte("state/light-1/power"), QoS: 2, PacketID: uint16(id)}
		if err := w.incoming(wire.AppendPublish(nil, &m, wire.V5)); err != nil {
			t.Fatalf("message %d of %d that were allowed: %v", id, most, err)
		}
	}
}

// An answer that one controller of a group gets before its own load has begun,
// for another whose load has, does not move the other's clock.
func TestSharedReplyBeforeTheBeginning(t *testing.T) {
	f := stage(t, phones+"count = 2\nrate = \"2/s\"\nshare_replies = true\ntimeout = \"1s\"\n")
	a, b := f.requesters[0], f.requesters[1]
	for _, r := range f.requesters {
		attach(&r.session)
		_ = r.connack(connackFrame(false, &packets.Properties{}))
		_ = r.suback(subackFrame(&r.session))
	}
	zero := time.Now()
	a.begin(zero)
	a.Act(zero) // its first slot is due at once
	id := metrics.ID{Run: f.runID, Controller: 0, Seq: 0}
	m := wire.Publish{Topic: b.answers}
	m.Props.CorrelationData = id.Append(nil, a.group.spec.CorrelationSize)
	b.link.arrived = zero.Add(time.Millisecond)
	b.Message(&m)
	a.read() // what was left for it
	if got := a.ledger.Totals(); got.Answered != 1 || got.Lost != 0 {
		t.Errorf("%d answered, %d lost, %d late; want 1 answered", got.Answered, got.Lost, got.Late)
	}
}

// An answer for a controller that has ended is counted, not dropped.
func TestSharedReplyOfTheEnded(t *testing.T) {
	f := stage(t, phones+"count = 2\nrate = \"2/s\"\nshare_replies = true\ntimeout = \"1s\"\n")
	a, b := f.requesters[0], f.requesters[1]
	attach(&b.session)
	_ = b.connack(connackFrame(false, &packets.Properties{}))
	_ = b.suback(subackFrame(&b.session))
	b.begin(time.Now())
	a.inbox.close()
	id := metrics.ID{Run: f.runID, Controller: 0, Seq: 0}
	m := wire.Publish{Topic: b.answers}
	m.Props.CorrelationData = id.Append(nil, b.group.spec.CorrelationSize)
	b.link.arrived = time.Now()
	b.Message(&m)
	got := b.ledger.Totals()
	if got.Misrouted.Controller+got.Unknown.Total() != 1 {
		t.Errorf("%d misrouted, %d unknown; want the answer to be one of them", got.Misrouted.Controller, got.Unknown.Total())
	}
}

// closedRun is a closed load of two requests in flight against a broker that the
// test plays; it returns how many requests came in the last ten of 60 seconds.
// answer says what becomes of the n-th request: its answer is sent after a time,
// or never if that is negative, and its PUBACK has a code.
func closedRun(t *testing.T, change func(*scenarios.Controllers), props *packets.Properties, answer func(n int) (time.Duration, byte)) (late int) {
	sc := scenarioOf(t, "[phases]\nmeasure = \"60s\"\ndrain = \"1s\"\nconnect = \"1s\"\n[[device]]\nkind = \"light\"\n[[controller]]\nname = \"phone\"\nattribute = \"power\"\narrival = \"closed\"\nin_flight = 2\nthink = \"1s\"\ntimeout = \"1s\"\nqos = 1\n")
	change(&sc.Controllers[0])
	play(t, sc, func(t *testing.T, b *script) {
		for range 2 {
			p := b.accept()
			go func() {
				c := p.wantConnect()
				if !c.RequestResponseInfo {
					p.connack(0, false, nil)
					p.grant()
					for p.next() != nil {
					}
					return
				}
				p.connack(0, false, props)
				p.grant()
				start := time.Now()
				for n := 0; ; n++ {
					f := p.next()
					if f == nil || f.Type() == packets.DISCONNECT {
						p.conn.Close()
						return
					}
					if f.Type() != packets.PUBLISH {
						n--
						if f.Type() == packets.PINGREQ {
							p.write(wire.Pingresp[:])
						}
						continue
					}
					if time.Since(start) > 50*time.Second {
						late++
					}
					m, _ := wire.ParsePublish(f, wire.V5)
					after, code := answer(n)
					p.ack(packets.PUBACK, m.PacketID, code)
					if after >= 0 {
						a := wire.Publish{Topic: m.Props.ResponseTopic}
						a.Props.CorrelationData = m.Props.CorrelationData
						time.AfterFunc(after, func() { p.conn.Write(wire.AppendPublish(nil, &a, wire.V5)) })
					}
				}
			}()
		}
		b.ended.wait()
	})
	return late
}

// Closed: a request that ends in whatever way makes room for the next.
func TestClosedKeepsItsNumberInFlight(t *testing.T) {
	soon := 100 * time.Millisecond
	for _, c := range []struct {
		name   string
		change func(*scenarios.Controllers)
		props  *packets.Properties
		answer func(n int) (time.Duration, byte)
	}{
		{"answered", nil, nil, func(int) (time.Duration, byte) { return soon, 0 }},
		{"two refused", nil, nil, func(n int) (time.Duration, byte) {
			if n < 2 {
				return -1, wire.QuotaExceeded
			}
			return soon, 0
		}},
		{"two lost", nil, nil, func(n int) (time.Duration, byte) {
			if n < 2 {
				return -1, 0
			}
			return soon, 0
		}},
		// The time-out of one comes due together with the next request of the other.
		{"one lost as another is due", func(c *scenarios.Controllers) { c.Think = 2*time.Second + 1 - soon }, nil, func(n int) (time.Duration, byte) {
			if n == 0 {
				return -1, 0
			}
			return soon, 0
		}},
		{"Receive Maximum 1", nil, &packets.Properties{ReceiveMaximum: new(uint16(1))}, func(int) (time.Duration, byte) { return soon, 0 }},
	} {
		if c.change == nil {
			c.change = func(*scenarios.Controllers) {}
		}
		want := 16 // two in flight, each 1.1 s apart, in 10 s
		if c.name == "one lost as another is due" {
			want = 9
		}
		if got := closedRun(t, c.change, c.props, c.answer); got < want {
			t.Errorf("%s: %d requests in the last ten seconds; want at least %d", c.name, got, want)
		}
	}
}

// slowWrites is a connection whose writes take a while, as on a machine or to a
// broker that cannot keep up.
type slowWrites struct{ net.Conn }

func (c slowWrites) Write(b []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return c.Conn.Write(b)
}

// A controller that cannot keep up with its plan still reads what comes.
func TestBehindTheRateStillReads(t *testing.T) {
	sc := scenarioOf(t, phones+"rate = \"100000/s\"\ntimeout = \"1s\"\n")
	sc.Phases.Measure, sc.Phases.Drain = 2*time.Second, 0
	synctest.Test(t, func(t *testing.T) {
		l := memconn.Listen("broker")
		f, err := New(sc, Options{Dial: func(ctx context.Context) (net.Conn, error) {
			c, err := l.Dial(ctx)
			return slowWrites{c}, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				p := &peer{t: t, conn: conn}
				go func() {
					p.wantConnect()
					p.connack(0, false, nil)
					p.grant()
					for {
						frame := p.next()
						if frame == nil || frame.Type() == packets.DISCONNECT {
							conn.Close()
							return
						}
						if frame.Type() != packets.PUBLISH {
							continue
						}
						m, _ := wire.ParsePublish(frame, wire.V5)
						if m.Props.ResponseTopic == nil {
							continue
						}
						a := wire.Publish{Topic: m.Props.ResponseTopic}
						a.Props.CorrelationData = m.Props.CorrelationData
						conn.Write(wire.AppendPublish(nil, &a, wire.V5))
					}
				}()
			}
		}()
		err = f.Run(t.Context())
		l.Close()
		if err != nil {
			t.Errorf("Run() = %v", err)
		}
		got := f.Snapshot().Totals
		if got.Answered < got.Sent/2 {
			t.Errorf("%d of %d requests answered, %d late, %d lost, by a broker that answers at once; want most", got.Answered, got.Sent, got.Late, got.Lost)
		}
	})
}

// dawdle runs a watcher that takes a second for each of the 60 messages that it
// has just been sent.
func dawdle(t *testing.T, timeout string, act func(*testing.T, *script, *peer)) {
	sc := scenarioOf(t, "[connect]\nkeep_alive = \"10s\"\ntimeout = \""+timeout+"\"\n[phases]\nmeasure = \"120s\"\nconnect = \"1s\"\n[[device]]\nkind = \"light\"\n[[watcher]]\nname = \"eye\"\ntopics = [\"state/#\"]\nslow = \"1s\"\n")
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept() // watchers come first
		p.wantConnect()
		p.connack(0, false, nil)
		p.grant()
		m := wire.Publish{Topic: []byte("state/light/power"), Payload: []byte("ON")}
		p.write(bytes.Repeat(wire.AppendPublish(nil, &m, wire.V5), 60))
		act(t, b, p)
	})
}

// A watcher that is slow still pings.
func TestSlowWatcherPings(t *testing.T) {
	dawdle(t, "10s", func(t *testing.T, b *script, p *peer) {
		last := time.Now()
		for time.Since(last) < 15*time.Second {
			p.conn.SetReadDeadline(last.Add(15 * time.Second))
			buf := make([]byte, 100)
			n, err := p.conn.Read(buf)
			if err != nil {
				t.Errorf("no PINGREQ within 1.5 times the Keep Alive of 10s: %v", err)
				return
			}
			if n == 2 && buf[0] == packets.PINGREQ<<4 {
				last = time.Now()
				p.write(wire.Pingresp[:])
				if time.Since(b.fleet.clock.epoch) > 70*time.Second {
					return
				}
			}
		}
	})
}

// A watcher that dawdles for longer than a PINGRESP may take has not lost its
// broker: the answer is there, unread.
func TestSlowWatcherKeepsItsConnection(t *testing.T) {
	dawdle(t, "5s", func(t *testing.T, b *script, p *peer) {
		for start := time.Now(); time.Since(start) < 59*time.Second; {
			f := p.next()
			if f == nil {
				t.Fatalf("the watcher ended its connection after %v; want it to stay", time.Since(start))
			}
			if f.Type() == packets.PINGREQ {
				p.write(wire.Pingresp[:])
			}
		}
	})
}

// A run that ends by itself in the middle of measuring has ended, and measured
// as long as it lasted.
func TestEndedWhileMeasuring(t *testing.T) {
	play(t, scenarioOf(t, "[phases]\nmeasure = \"500ms\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n"), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		time.Sleep(110 * time.Millisecond)
		p.send(&packets.Disconnect{ReasonCode: wire.SessionTakenOver, Properties: &packets.Properties{}})
		b.ended.wait()
		if got := b.fleet.Phase(); got != Ended {
			t.Errorf("Phase() = %v after Run; want %v", got, Ended)
		}
		if got := b.fleet.Elapsed(); got > 120*time.Millisecond {
			t.Errorf("Elapsed() = %v; want about 110ms, which is when the run ended", got)
		}
	})
}

// Draining is over when nothing is outstanding, even if a controller gave up.
func TestDrainWithoutTheDeparted(t *testing.T) {
	sc := scenarioOf(t, "[phases]\nconnect = \"1s\"\nmeasure = \"1s\"\ndrain = \"60s\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n[[controller]]\nname = \"phone\"\nattribute = \"power\"\nrate = \"1/s\"\n")
	play(t, sc, func(t *testing.T, b *script) {
		start := time.Now()
		for range 2 {
			p := b.accept()
			go func() {
				if c := p.wantConnect(); c.RequestResponseInfo {
					p.connack(wire.NotAuthorized, false, nil)
				} else {
					p.connack(0, false, nil)
					p.grant()
				}
				p.wantEnd()
			}()
		}
		b.ended.wait()
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the run took %v; want some 3s: there was nothing to wait for", took)
		}
	})
}

// What a device keeps for a broker that acknowledges nothing is bounded in
// bytes, not only in messages.
func TestOutboxIsBoundedInBytes(t *testing.T) {
	f := stage(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\nqos = 1\n")
	r := f.responders[0]
	attach(&r.session)
	_ = r.connack(connackFrame(false, &packets.Properties{}))
	_ = r.suback(subackFrame(&r.session))
	m := wire.Publish{Topic: []byte("cmnd/lamp/power"), QoS: 1, PacketID: 1}
	m.Props.ResponseTopic = bytes.Repeat([]byte("t"), 65535)
	m.Props.CorrelationData = bytes.Repeat([]byte("c"), 65535)
	frame := wire.AppendPublish(nil, &m, wire.V5)
	for range 100 {
		if err := r.incoming(frame); err != nil {
			t.Fatal(err)
		}
		r.wrote(len(r.link.out.packets))
	}
	held := 0
	for _, m := range r.out.messages {
		if m.packet != nil {
			held += cap(*m.packet)
		}
	}
	if held > 4<<20 {
		t.Errorf("the outbox of one device holds %d MiB; want at most 4", held>>20)
	}
}

// A device that gives up after CONNACK says so: its Will is for those that die.
func TestGivingUpIsNoDeath(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, nil)
		p.refuse()
		got := p.wantEnd()
		if len(got) == 0 || got[len(got)-1].Type() != packets.DISCONNECT {
			t.Errorf("the device ends with %d packets; want DISCONNECT, or its Will is published", len(got))
		}
	})
}

// Slots that a connected controller did not get round to are the generator's
// fault, not the connection's: the verdict goes by that.
func TestSlotsLeftOverAreTheGenerators(t *testing.T) {
	f := stage(t, phones+"rate = \"1000/s\"\n")
	r := f.requesters[0]
	attach(&r.session)
	_ = r.connack(connackFrame(false, &packets.Properties{}))
	_ = r.suback(subackFrame(&r.session))
	r.begin(time.Now().Add(-61 * time.Second)) // as if it had been busy for all of it
	r.Act(time.Now())
	r.finish()
	got := r.ledger.Totals().NotSent
	if got.GeneratorLate < 50_000 || got.NotConnected != 0 {
		t.Errorf("%d not sent because the generator was late, %d because it was not connected; want all of 60,000 less what was sent, and 0", got.GeneratorLate, got.NotConnected)
	}
}

// A run that is stopped early planned nothing for after that.
func TestStoppedEarlyPlansNoMore(t *testing.T) {
	sc := scenarioOf(t, "[phases]\nmeasure = \"60s\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n[[controller]]\nname = \"phone\"\nattribute = \"power\"\nrate = \"100/s\"\n")
	play(t, sc, func(t *testing.T, b *script) {
		for range 2 {
			p := b.accept()
			go func() {
				p.wantConnect()
				p.connack(0, false, nil)
				p.grant()
				for f := p.next(); f != nil; f = p.next() { // it never hangs up: parting takes its second
				}
			}()
		}
		for {
			if zero, ok := b.fleet.MeasureStart(); ok && time.Since(zero) >= 5*time.Second {
				break
			}
			time.Sleep(time.Millisecond)
		}
		b.fleet.Stop()
		b.ended.wait()
		got, lasted := b.fleet.Snapshot().Totals, b.fleet.Elapsed()
		if most := int64(lasted.Seconds()*100) + 2; got.Planned > most {
			t.Errorf("%d requests planned and %d not sent (%+v) in a run that measured %v at 100/s; want at most %d", got.Planned, got.NotSent.Total(), got.NotSent, lasted, most)
		}
	})
}

// The rate of connects is the scenario's, also when nobody gets through.
func TestRampOfFailures(t *testing.T) {
	sc := scenarioOf(t, "[connect]\nrate = \"100/s\"\nbackoff_min = \"1h\"\nbackoff_max = \"1h\"\nbackoff = \"naive\"\n[[device]]\nkind = \"light\"\ncount = 500\n")
	var dials []time.Time
	var mu sync.Mutex
	play(t, sc, func(t *testing.T, b *script) {
		time.Sleep(10 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(dials) != 500 {
			t.Fatalf("%d dials in 10s; want 500", len(dials))
		}
		if took := dials[499].Sub(dials[0]); took < 4980*time.Millisecond || took > 5*time.Second {
			t.Errorf("500 dials took %v; want 4.99s", took)
		}
	}, func(o *Options) {
		o.Dial = func(context.Context) (net.Conn, error) {
			mu.Lock()
			dials = append(dials, time.Now())
			mu.Unlock()
			return nil, io.ErrUnexpectedEOF
		}
	})
}

// Rule 6: with a Server Keep Alive of 1 s and of 65,535 s something is sent
// within that time, also while the device answers commands (3.1.2-20).
func TestRule6ServerKeepAliveExtremes(t *testing.T) {
	for _, seconds := range []uint16{1, 65535} {
		play(t, oneLight(nil), func(t *testing.T, b *script) {
			p := b.accept()
			p.welcome(&packets.Properties{ServerKeepAlive: &seconds})
			most := time.Duration(seconds) * time.Second
			last := time.Now()
			for n := range 20 {
				if n%3 == 0 {
					p.command("power", "", []byte("phone"), nil)
				}
				p.conn.SetReadDeadline(last.Add(most + time.Millisecond))
				buf := make([]byte, 512)
				k, err := p.conn.Read(buf)
				if err != nil {
					t.Fatalf("Server Keep Alive %d s: nothing within it: %v", seconds, err)
				}
				if k == 2 && buf[0] == packets.PINGREQ<<4 {
					if quiet := time.Since(last); quiet < most/4 {
						t.Errorf("Server Keep Alive %d s: PINGREQ after %v", seconds, quiet)
					}
					p.write(wire.Pingresp[:])
				}
				last = time.Now()
			}
		})
	}
}

// Telemetry neither drifts nor leaves its jitter: reports are interval*(1±jitter)
// apart, evenly spread over that.
func TestTelemetryDistribution(t *testing.T) {
	const n = 3000
	play(t, scenarioOf(t, "[connect]\nkeep_alive = \"0s\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\ntelemetry = \"10s\"\ntelemetry_jitter = \"20%\"\n"), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		var first, last time.Time
		var parts [4]int
		for i := range n + 1 {
			p.want(packets.PUBLISH)
			now := time.Now()
			if i == 0 {
				first, last = now, now
				continue
			}
			gap := now.Sub(last)
			last = now
			if gap < 8*time.Second || gap > 12*time.Second {
				t.Fatalf("report %d comes %v after the last; want 8s to 12s", i, gap)
			}
			parts[min(int((gap-8*time.Second)/time.Second), 3)]++
		}
		if mean := last.Sub(first) / n; mean < 9940*time.Millisecond || mean > 10060*time.Millisecond {
			t.Errorf("reports are %v apart on average; want 10s", mean)
		}
		for i, k := range parts {
			if k < n/4*85/100 || k > n/4*115/100 {
				t.Errorf("%d of %d intervals lie in quarter %d; want about %d", k, n, i+1, n/4)
			}
		}
	})
}

// The slots of a controller that gave up are entered as they come due, not all
// at the end.
func TestSlotsOfTheDeparted(t *testing.T) {
	sc := scenarioOf(t, "[phases]\nmeasure = \"20s\"\nconnect = \"1s\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n[[controller]]\nname = \"phone\"\nattribute = \"power\"\nrate = \"100/s\"\n")
	play(t, sc, func(t *testing.T, b *script) {
		for range 2 {
			p := b.accept()
			if c := p.wantConnect(); c.ClientID == "phone" {
				p.connack(wire.NotAuthorized, false, nil)
				continue
			}
			p.connack(0, false, nil)
			p.grant()
		}
		for {
			if zero, ok := b.fleet.MeasureStart(); ok && time.Since(zero) >= 10*time.Second {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if got := b.fleet.Progress().Totals.NotSent.NotConnected; got < 850 || got > 1000 {
			t.Errorf("%d slots not sent after 10s at 100/s; want nearly 1000", got)
		}
	})
}
