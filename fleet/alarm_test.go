package fleet

import (
	"context"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/memconn"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// The alarm wakes each in its turn and never before its moment, also those whose moment
// was moved, and it ends at once.
func TestAlarm(t *testing.T) {
	a := newAlarm()
	if a == nil {
		if runtime.GOOS == "linux" {
			t.Fatal("newAlarm() = nil on Linux")
		}
		return // by Go's timers, as the system has no other
	}
	const n = 50
	rng := rand.New(rand.NewPCG(1, 2))
	start := time.Now()
	type woken struct{ due, at time.Time }
	all := make(chan woken, n)
	for range n {
		near, _ := memconn.Pipe(1 << 10)
		defer near.Close()
		b := new(inbox)
		p := &appointment{inbox: b}
		due := start.Add(20*time.Millisecond + time.Duration(rng.Int64N(int64(30*time.Millisecond))))
		b.arm(near, time.Time{})
		a.set(p, start.Add(time.Duration(rng.Int64N(int64(time.Hour))))) // which it thinks better of
		a.set(p, due)
		go func() {
			near.Read(make([]byte, 1))
			all <- woken{due, time.Now()}
		}()
	}
	for range n {
		select {
		case w := <-all:
			if w.at.Before(w.due) {
				t.Errorf("woken %v before the moment", w.due.Sub(w.at))
			}
		case <-time.After(5 * time.Second):
			t.Fatal("one is not woken at all")
		}
	}
	a.set(&appointment{inbox: new(inbox)}, time.Now().Add(time.Hour))
	a.close()
}

// Where moments are dense the controllers go by Go's timers, and by the alarm again when
// they are no more.
func TestAlarmWhereMomentsAreDense(t *testing.T) {
	a := &alarm{epoch: time.Now().Add(-time.Hour)}
	soon := func() time.Time { return time.Now().Add(time.Second) }
	at := a.epoch
	for _, tt := range []struct {
		rate int
		want bool
	}{{1000, true}, {5000, true}, {8000, false}, {6000, false}, {5000, true}} {
		a.came(tt.rate)
		at = at.Add(time.Second)
		a.decide(at)
		if got := !a.crowded.Load(); got != tt.want {
			t.Errorf("with %d moments a second the alarm is used: %t; want %t", tt.rate, got, tt.want)
		}
	}
	if a.takes(time.Time{}) || a.takes(time.Now().Add(-time.Second)) || a.takes(time.Now()) {
		t.Error("takes() is true of no moment, or one that is over; want false")
	}
	if !a.takes(soon()) || (*alarm)(nil).takes(soon()) {
		t.Error("takes() of a moment to come is false, or true where there is no alarm")
	}
}

// A controller that keeps to its plan by the alarm is late by some tens of microseconds,
// where Go's timers are late by half a millisecond.
func TestPrecisePacing(t *testing.T) {
	if runtime.GOOS != "linux" {
		return
	}
	median := func(pacing scenarios.Pacing) time.Duration {
		b, err := broker.New(broker.Config{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		sc := scenarioOf(t, "[phases]\nmeasure = \"400ms\"\n[[device]]\nkind = \"light\"\ncount = 4\n[[controller]]\nname = \"phone\"\ncount = 3\nattribute = \"power\"\nrate = \"500/s\"\n")
		sc.Phases.Pacing = pacing
		f, err := New(sc, Options{Dial: func(ctx context.Context) (net.Conn, error) { return b.Dial(ctx) }, Precise: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Run(t.Context()); err != nil {
			t.Fatalf("Run() = %v", err)
		}
		snap := f.Snapshot()
		if snap.Totals.Answered != 200 {
			t.Errorf("%s: %+v; want 200 answered", pacing, snap.Totals)
		}
		if (f.alarm != nil) != (pacing != scenarios.Thrifty) {
			t.Errorf("%s: there is an alarm: %t", pacing, f.alarm != nil)
		}
		return snap.Series[metrics.Series{Metric: metrics.ScheduleDelay}].Percentile(50)
	}
	// A machine that is busy with other tests is late by itself: the best of a few.
	best := time.Hour
	for range 5 {
		if best = min(best, median(scenarios.Precise)); best < 250*time.Microsecond {
			break
		}
	}
	if thrifty := median(scenarios.Thrifty); best >= 250*time.Microsecond {
		t.Errorf("the median schedule delay is %v; want less than 250µs (by Go's timers it is %v)", best, thrifty)
	}
}
