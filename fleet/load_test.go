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

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// staged is a fleet that does not run: a test has single sessions of it run, and plays
// their broker.
type staged struct {
	*Fleet
	listener *MemListener
}

func stage(t *testing.T, toml string) *staged {
	t.Helper()
	sc := scenarioOf(t, toml)
	sc.Connect.Rate = 1 // no tokens are lent for first tries
	l := ListenInMemory()
	f, err := New(sc, Options{Dial: l.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &staged{f, l}
}

// start runs a session, to the end of the test, and returns the broker's end of its
// connection.
func (f *staged) start(t *testing.T, s *client.Session) *peer {
	t.Helper()
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		_ = s.Run(ctx) // the tests see why
	}()
	p := f.accept(t)
	t.Cleanup(func() {
		cancel()
		s.EndSoon()
		p.conn.Close()
		<-ended
	})
	return p
}

// accept waits for the next connection.
func (f *staged) accept(t *testing.T) *peer {
	t.Helper()
	conn, err := f.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return &peer{t: t, conn: conn}
}

// on has a session's goroutine do something, and waits for that.
func on(s *client.Session, do func()) {
	done := make(chan struct{})
	if s.Tell(func() { defer close(done); do() }) {
		<-done
	}
}

// comeUp lets whoever it is come up: CONNACK with these properties and SUBACK. It is
// for bubbles of fake time.
func (p *peer) comeUp(props *packets.Properties) *wire.Connect {
	p.t.Helper()
	c := p.wantConnect()
	p.connack(0, false, props)
	p.grant()
	synctest.Wait()
	return c
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
	synctest.Test(t, func(t *testing.T) {
		f := stage(t, expiring+phones+"rate = \"10/s\"\nqos = 1\n")
		r := f.requesters[0]
		p := f.start(t, &r.Session)
		p.comeUp(nil)
		on(&r.Session, func() { r.Begin(time.Now()) })
		p.wantPublish() // it is not acknowledged
		p.conn.Close()
		p = f.accept(t)
		p.wantConnect()
		p.connack(0, true, nil)
		if got := p.wantEnd(); len(got) > 0 {
			t.Errorf("after Session Present in answer to Clean Start the controller sends %s; want the end of the connection", wire.TypeName(got[0].Type()))
		}
		if n := f.counts.BadPackets.Load(); n != 1 {
			t.Errorf("%d packets that break the protocol; want 1", n)
		}
	})
}

// Rule 6: where the broker has no shared subscriptions none is asked for
// (3.2.2.3.13), and where it has no wildcards, a watcher asks for none
// (3.2.2.3.11).
func TestRule6WhatIsNotAvailable(t *testing.T) {
	const shared = phones + "count = 2\nrate = \"10/s\"\nshare_replies = true\n[[watcher]]\nname = \"eye\"\ntopics = [\"state/#\"]\nshare = \"eyes\"\n"
	for _, tt := range []struct {
		name, toml string
		who        func(*staged) *client.Session
		props      packets.Properties
	}{
		{"shared replies", shared, func(f *staged) *client.Session { return &f.requesters[0].Session }, packets.Properties{SharedSubAvailable: new(byte(0))}},
		{"a shared watcher", shared, func(f *staged) *client.Session { return &f.watching[0].Session }, packets.Properties{SharedSubAvailable: new(byte(0))}},
		{"a watcher of state/#", "[[device]]\nkind = \"light\"\n[[watcher]]\nname = \"eye\"\ntopics = [\"state/#\"]\n",
			func(f *staged) *client.Session { return &f.watching[0].Session }, packets.Properties{WildcardSubAvailable: new(byte(0))}},
	} {
		synctest.Test(t, func(t *testing.T) { // it takes its time to leave
			f := stage(t, tt.toml)
			p := f.start(t, tt.who(f))
			p.wantConnect()
			p.connack(0, false, &tt.props)
			if frame := p.next(); frame == nil || frame.Type() != packets.DISCONNECT {
				t.Errorf("%s: the first packet after CONNACK is % x; want DISCONNECT, and no subscription that the broker forbids", tt.name, []byte(frame))
			}
		})
	}
}

// What a session refuses as over its Receive Maximum is what its CONNECT said:
// for watchers nothing, which is 65,535 (3.1.2.11.3).
func TestReceiveMaximumOfAWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stage(t, "[[device]]\nkind = \"light\"\n[[watcher]]\nname = \"eye\"\ntopics = [\"state/#\"]\nqos = 2\n")
		p := f.start(t, &f.watching[0].Session)
		most := int(p.comeUp(nil).ReceiveMaximum)
		if most == 0 {
			most = 65535
		}
		for id := 1; id <= min(most, 1000); id++ { // none of them is released
			p.publish(wire.Publish{Topic: []byte("state/light-1/power"), QoS: 2, PacketID: uint16(id)})
			p.want(packets.PUBREC)
		}
	})
}

// An answer that one controller of a group gets before its own load has begun,
// for another whose load has, does not move the other's clock.
func TestSharedReplyBeforeTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stage(t, phones+"count = 2\nrate = \"2/s\"\nshare_replies = true\ntimeout = \"1s\"\n")
		a, b := f.requesters[0], f.requesters[1]
		pa := f.start(t, &a.Session)
		pa.comeUp(nil)
		pb := f.start(t, &b.Session)
		pb.comeUp(nil)
		on(&a.Session, func() { a.Begin(time.Now()) }) // its first slot is due at once
		request := pa.wantPublish()
		answer := wire.Publish{Topic: request.Props.ResponseTopic}
		answer.Props.CorrelationData = request.Props.CorrelationData
		time.Sleep(time.Millisecond)
		pb.publish(answer)
		synctest.Wait()
		if got := a.Totals(); got.Answered != 1 || got.Lost != 0 {
			t.Errorf("%d answered, %d lost, %d late; want 1 answered", got.Answered, got.Lost, got.Late)
		}
	})
}

// An answer for a controller that has ended is counted, not dropped.
func TestSharedReplyOfTheEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stage(t, phones+"count = 2\nrate = \"2/s\"\nshare_replies = true\ntimeout = \"1s\"\n")
		a, b := f.requesters[0], f.requesters[1]
		a.NeverRun()
		p := f.start(t, &b.Session)
		p.comeUp(nil)
		on(&b.Session, func() { b.Begin(time.Now()) })
		id := metrics.ID{Run: f.runID, Controller: 0, Seq: 0}
		p.publish(wire.Publish{Topic: []byte("homefleet/response/phone"), Props: wire.Properties{CorrelationData: id.Append(nil, f.scenario.Controllers[0].CorrelationSize)}})
		synctest.Wait()
		got := b.Totals()
		if got.Misrouted.Controller+got.Unknown.Total() != 1 {
			t.Errorf("%d misrouted, %d unknown; want the answer to be one of them", got.Misrouted.Controller, got.Unknown.Total())
		}
	})
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
	sc.Phases.Measure, sc.Phases.Drain = Some(time.Second, 2*time.Second), 0
	synctest.Test(t, func(t *testing.T) {
		l := ListenInMemory()
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
				if time.Since(b.fleet.clock.Epoch) > 70*time.Second {
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
	synctest.Test(t, func(t *testing.T) {
		f := stage(t, phones+"rate = \"1000/s\"\n")
		r := f.requesters[0]
		f.start(t, &r.Session).comeUp(nil)
		got := r.Totals().NotSent
		on(&r.Session, func() {
			r.Begin(time.Now().Add(-61 * time.Second)) // as if it had been busy for all of it
			r.Act(time.Now())
			r.Finish()
			got = r.Totals().NotSent
		})
		if got.GeneratorLate < 50_000 || got.NotConnected != 0 {
			t.Errorf("%d not sent because the generator was late, %d because it was not connected; want all of 60,000 less what was sent, and 0", got.GeneratorLate, got.NotConnected)
		}
	})
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
