package conformance

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/broker"
)

func TestStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s stalls
		stop := s.watch()
		began := time.Now()
		time.Sleep(time.Minute)
		if d := s.since(began); d != 0 {
			t.Errorf("since = %v of a minute that went on; want 0", d)
		}
		// Nobody looked for three seconds.
		at := time.Now()
		s.look(at.Add(3 * time.Second))
		if d := s.since(at); d != 3*time.Second-beat && d != 3*time.Second {
			t.Errorf("since = %v; want the three seconds", d)
		}
		if d := s.since(at.Add(4 * time.Second)); d != 0 {
			t.Errorf("since = %v of a time after the stall; want 0", d)
		}
		stop()
	})
}

// A broker that says nothing to a first CONNECT, as on a machine that is busy, is not taken for
// one that knows no MQTT 5; one that never answers it, and answers 3.1.1, is.
func TestSilentBroker(t *testing.T) {
	t.Parallel()
	target, _ := startEmbedded(t, broker.Config{Anonymous: true})
	// Who is to be told from silence has a patience that a busy machine does not come near.
	for silent, patience := range map[int64]time.Duration{1: 3 * time.Second, 1000: 500 * time.Millisecond} {
		var n atomic.Int64
		b := &bug{up: dropped(func(_ *lie, p pkt) bool { return p.typ() == 1 && n.Add(1) <= silent })}
		x := newExaminer(Config{Dial: dialer(startLiar(t, target, b)), Run: "t", patience: patience})
		if err := x.learn(t.Context()); err != nil {
			t.Errorf("silent to %d: learn = %v; want nil", silent, err)
		}
		if old := silent > 1; x.facts.OldOnly != old {
			t.Errorf("silent to %d: MQTT 3.1.1 only = %v; want %v", silent, x.facts.OldOnly, old)
		}
	}
}

// What seems not to come while this machine stands still is done again, and held against
// nobody; what came and was wrong is.
func TestStallsExcuse(t *testing.T) {
	x := newExaminer(Config{Dial: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }})
	tries := 0
	check := func(fault string) Result {
		tries = 0
		return x.check(t.Context(), job{Statement: Statement{Group: Publish, check: func(r *run) {
			tries++
			now := time.Now()
			x.stalls.look(now)
			x.stalls.look(now.Add(5 * time.Second))
			x.stalls.last = time.Now()
			r.fatalf("%s", fault)
		}}})
	}
	if r := check("client n1 got nothing; want a PUBLISH"); r.Status != NotDecided || tries != 1+mostExcused || !strings.Contains(r.Seen, "stood still") {
		t.Errorf("what did not come: %s after %d tries: %s; want it not decided after %d", r.Status, tries, r.Seen, 1+mostExcused)
	}
	// Nor is anything held against who was as slow with its CONNACK as a machine that is busy
	// makes one, but for who is always as slow.
	slow := func(usual time.Duration) Result {
		x := newExaminer(x.cfg)
		x.usual = usual
		return x.check(t.Context(), job{Statement: Statement{Group: Publish, check: func(r *run) {
			tries++
			r.slowest = 2500 * time.Millisecond
			r.fatalf("client n1 got the end of the connection; want DISCONNECT 0x8E")
		}}})
	}
	tries = 0
	if r := slow(time.Millisecond); r.Status != NotDecided || tries != 1+mostExcused || !strings.Contains(r.Seen, "an answer took 2.5s, which took 1ms before") {
		t.Errorf("at a CONNACK that took long: %s after %d tries: %s; want it not decided after %d", r.Status, tries, r.Seen, 1+mostExcused)
	}
	tries = 0
	if r := slow(2 * time.Second); r.Status != Deviates || tries != 1 {
		t.Errorf("at a broker that is always as slow: %s after %d tries; want a deviation at once", r.Status, tries)
	}
	tries = 0
	if r := newExaminer(x.cfg).check(t.Context(), job{Statement: Statement{Group: Publish, check: func(r *run) {
		tries++
		r.overslept = 600 * time.Millisecond
		r.fatalf("client n1 got a PUBLISH; want nothing")
	}}}); r.Status != NotDecided || tries != 1+mostExcused || !strings.Contains(r.Seen, "a wait took 600ms more") {
		t.Errorf("after a wait that took too long: %s after %d tries: %s; want it not decided after %d", r.Status, tries, r.Seen, 1+mostExcused)
	}
	tries = 0
	if r := x.check(t.Context(), job{Statement: Statement{Group: Publish, check: func(r *run) {
		tries++
		r.within(time.Now().Add(-time.Minute), time.Second)
	}}}); r.Status != NotDecided || tries != 1+mostExcused {
		t.Errorf("too slow to tell: %s after %d tries; want it not decided after %d", r.Status, tries, 1+mostExcused)
	}
	if r := check("QoS 1; want 2"); r.Status != Deviates || tries != 1 {
		t.Errorf("what was wrong: %s after %d tries; want a deviation at once", r.Status, tries)
	}
}
