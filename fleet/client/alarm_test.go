package client

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"homefleet/fleet/memconn"
)

// The alarm wakes each in its turn and never before its moment, also those whose moment
// was moved, and it ends at once.
func TestAlarm(t *testing.T) {
	a := NewAlarm()
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
		p := &Appointment{inbox: b}
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
		case <-time.After(time.Minute):
			t.Fatal("one is not woken at all")
		}
	}
	a.set(&Appointment{inbox: new(inbox)}, time.Now().Add(time.Hour))
	a.Close()
}

// Where moments are dense the controllers go by Go's timers, and by the alarm again when
// they are no more.
func TestAlarmWhereMomentsAreDense(t *testing.T) {
	a := &Alarm{epoch: time.Now().Add(-time.Hour)}
	soon := func() time.Time { return time.Now().Add(time.Second) }
	at := a.epoch
	for _, tt := range []struct {
		rate int
		want bool
	}{{1000, true}, {5000, true}, {8000, false}, {6000, false}, {5000, true}} {
		a.Came(tt.rate)
		at = at.Add(time.Second)
		a.decide(at)
		if got := !a.crowded.Load(); got != tt.want {
			t.Errorf("with %d moments a second the alarm is used: %t; want %t", tt.rate, got, tt.want)
		}
	}
	if a.takes(time.Time{}) || a.takes(time.Now().Add(-time.Second)) || a.takes(time.Now()) {
		t.Error("takes() is true of no moment, or one that is over; want false")
	}
	if !a.takes(soon()) || (*Alarm)(nil).takes(soon()) {
		t.Error("takes() of a moment to come is false, or true where there is no alarm")
	}
}
