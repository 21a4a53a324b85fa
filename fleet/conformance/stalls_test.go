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
	"homefleet/fleet/memconn"
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
	if r := check("client n1 got nothing; want a PUBLISH"); !r.Slow {
		t.Errorf("what did not come while it stood still: Slow = false; want true")
	}
	if r := check("QoS 1; want 2"); r.Slow || r.Status != Deviates || tries != 1 {
		t.Errorf("what was wrong: %s after %d tries; want a deviation at once", r.Status, tries)
	}
}

// What this machine was too slow for is asked once more at the end, when less goes on, and so is
// the control of a group.
func TestSlowIsAskedAgain(t *testing.T) {
	x := newExaminer(Config{Dial: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }})
	for _, tt := range []struct {
		slow int // attempts
		want Status
	}{{mostExcused, Conforms}, {mostExcused + 1, Conforms}, {2 * (mostExcused + 1), NotDecided}} {
		tries := 0
		check := func(r *run) {
			tries++
			r.judged++
			if tries <= tt.slow {
				r.within(time.Now().Add(-time.Minute), time.Second)
			}
		}
		results := []Result{x.check(t.Context(), job{Statement: Statement{Group: Publish, check: check, control: func(r *run) { r.judged++ }}})}
		if slow := tt.slow > mostExcused; results[0].Slow != slow || (results[0].Status == NotDecided) != slow {
			t.Errorf("%d slow attempts: %s, Slow = %v: %s; want %v", tt.slow, results[0].Status, results[0].Slow, results[0].Seen, slow)
		}
		x.calmly(t.Context(), results)
		if results[0].Status != tt.want || results[0].Slow != (tt.want == NotDecided) {
			t.Errorf("%d slow attempts, asked again: %s, Slow = %v: %s; want that it %s", tt.slow, results[0].Status, results[0].Slow, results[0].Seen, tt.want)
		}
	}
}

// The control of a group for which this machine was too slow is carried out anew by the next who
// needs it, and then no more.
func TestSlowControlIsDoneAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, err := broker.New(broker.Config{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		var busy atomic.Bool
		var connects atomic.Int64
		l := newLiar(&bug{up: func(_ *lie, p pkt) []pkt {
			if p.typ() == 1 {
				connects.Add(1)
				if busy.Load() {
					time.Sleep(2500 * time.Millisecond)
				}
			}
			return []pkt{p}
		}, down: dropped(func(_ *lie, p pkt) bool { return p.typ() == 3 && busy.Load() })}, func() (net.Conn, error) { return to.Dial(context.Background()) })
		defer l.close()
		x := newExaminer(Config{Run: "t", Dial: func(context.Context) (net.Conn, error) {
			near, far := memconn.Pipe(0)
			l.all.Go(func() { l.serve(far) })
			return near, nil
		}})
		if err := x.learn(t.Context()); err != nil {
			t.Fatalf("learn = %v; want nil", err)
		}
		publish := &Statement{Group: Publish}
		busy.Store(true)
		if end := x.controlled(t.Context(), publish); !end.slow || end.status != NotDecided {
			t.Errorf("the control is %+v; want it not decided, since it was too slow", end)
		}
		busy.Store(false)
		for range 2 {
			if end := x.controlled(t.Context(), publish); end.status != Conforms {
				t.Errorf("the control is %+v; want it carried out anew, and to conform", end)
			}
			connects.Store(0)
		}
		x.controlled(t.Context(), publish)
		if n := connects.Load(); n != 0 {
			t.Errorf("a control that went well was carried out again, with %d CONNECTs", n)
		}
	})
}

// A client that has to say something each so often may have been late for the server, too, where
// answers took long.
func TestTardy(t *testing.T) {
	for _, tt := range []struct {
		pause, slowest, usual time.Duration
		excused               bool
	}{
		{1300 * time.Millisecond, 5 * time.Millisecond, 5 * time.Millisecond, false},
		{2600 * time.Millisecond, 5 * time.Millisecond, 5 * time.Millisecond, true},
		{1900 * time.Millisecond, 800 * time.Millisecond, 5 * time.Millisecond, true},
		{1900 * time.Millisecond, 800 * time.Millisecond, 800 * time.Millisecond, false}, // as always
	} {
		r := &run{x: &examiner{usual: tt.usual}, slowest: tt.slowest}
		if why := r.tardy(2500*time.Millisecond, &client{pause: tt.pause}); (why != "") != tt.excused {
			t.Errorf("%+v: tardy = %q; want an excuse: %v", tt, why, tt.excused)
		}
	}
}

// What is left of a Message Expiry is judged by the time that has really passed.
func TestExpiryLeft(t *testing.T) {
	for _, tt := range []struct {
		got         uint32
		least, most time.Duration
		ok          bool
	}{
		{98, 2200 * time.Millisecond, 2210 * time.Millisecond, true},
		{97, 2200 * time.Millisecond, 2210 * time.Millisecond, true},
		{95, 2200 * time.Millisecond, 2210 * time.Millisecond, true},
		{94, 2200 * time.Millisecond, 2210 * time.Millisecond, false},
		{99, 2200 * time.Millisecond, 2210 * time.Millisecond, false},
		{100, 2200 * time.Millisecond, 2210 * time.Millisecond, false},
		{94, 2200 * time.Millisecond, 3500 * time.Millisecond, true}, // it was slow
		{98, 2200 * time.Millisecond, 3500 * time.Millisecond, true}, // to answer alone
		{98, 3300 * time.Millisecond, 3500 * time.Millisecond, false},
		{0, 0, 200 * time.Second, false}, // lost
		{100, 0, 10 * time.Millisecond, true},
		{101, 0, 10 * time.Millisecond, false},
	} {
		r := &run{}
		ok := true
		func() {
			defer func() {
				if recover() != nil {
					ok = false
				}
			}()
			r.expiryLeft(&packet{props: []prop{{id: messageExpiryProperty, num: tt.got}}}, 100, tt.least, tt.most)
		}()
		if ok != tt.ok {
			t.Errorf("%+v: taken = %v", tt, ok)
		}
	}
}
