package faults

import (
	"strings"
	"testing"
	"time"
)

// What each fault, and some together, do to bytes and to the end of a stream, to
// the nanosecond. Both ends write at 0 s, and what arrives is read at once.
func TestDelivery(t *testing.T) {
	tests := []struct {
		name   string
		faults []Fault
		up     string // what is written at 0 s
		want   string // and when it arrives upstream
		down   string // the same downstream
	}{
		{"none", nil, "hello", "0s hello", "0s hello"},
		{"latency", []Fault{Latency{Latency: 100 * ms}}, "hello", "100ms hello", "100ms hello"},
		{"two latencies", []Fault{Latency{Latency: 100 * ms}, Latency{Latency: 20 * ms}}, "x", "120ms x", "120ms x"},
		{"negative latency", []Fault{Latency{Latency: -time.Second}}, "x", "0s x", "0s x"},
		{"bandwidth", []Fault{Bandwidth{Rate: 100}}, "hello", "20ms he; 40ms ll; 50ms o", "20ms he; 40ms ll; 50ms o"},
		{"slow bandwidth", []Fault{Bandwidth{Rate: 2}}, "abc", "500ms a; 1s b; 1.5s c", "500ms a; 1s b; 1.5s c"},
		{"no bandwidth", []Fault{Bandwidth{}}, "abc", "", ""},
		{"latency, bandwidth", []Fault{Latency{Latency: 100 * ms}, Bandwidth{Rate: 100}}, "hell", "120ms he; 140ms ll", "120ms he; 140ms ll"},
		{"bandwidth, latency", []Fault{Bandwidth{Rate: 100}, Latency{Latency: 100 * ms}}, "hell", "120ms he; 140ms ll", "120ms he; 140ms ll"},
		{"slicer", []Fault{Slicer{AverageSize: 2, Delay: 10 * ms}}, "hello", "0s he; 10ms ll; 20ms o", "0s he; 10ms ll; 20ms o"},
		{"slicer, latency", []Fault{Slicer{AverageSize: 3}, Latency{Latency: 5 * ms}}, "hello", "5ms hel; 5ms lo", "5ms hel; 5ms lo"},
		{"slicer of 0", []Fault{Slicer{Delay: ms}}, "abc", "0s a; 1ms b; 2ms c", "0s a; 1ms b; 2ms c"},
		{"timeout", []Fault{Timeout{}}, "hello", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				for i, f := range tt.faults {
					r.c.Set(string(rune('a'+i)), f)
				}
				// The wrapped end reads, so both ends may write at once.
				if tt.up != "" {
					_, _ = r.peer.Write([]byte(tt.up)) // a fault may be quicker
					_, _ = r.c.Write([]byte(tt.up))
				}
				r.at(time.Hour)
				r.want("upstream", &r.up, tt.want)
				r.want("downstream", &r.down, tt.down)
			})
		})
	}
}

// Changes while something is on its way.
func TestChanges(t *testing.T) {
	slow := Latency{Latency: 100 * ms}
	tests := []struct {
		name string
		do   func(r *rig)
		want string // of both directions
	}{
		{"clear sends what waits before what is new", func(r *rig) {
			r.c.Set("a", slow)
			r.both("one ")
			r.at(30 * ms)
			r.c.Clear("a")
			r.at(40 * ms)
			r.both("two")
		}, "30ms one ; 40ms two"},
		{"clear of one leaves the other", func(r *rig) {
			r.c.Set("a", slow)
			r.c.Set("b", Bandwidth{Rate: 100})
			r.both("abcd")
			r.at(30 * ms)
			r.c.Clear("a")
		}, "50ms ab; 70ms cd"},
		{"clear of half a piece", func(r *rig) {
			r.c.Set("a", Bandwidth{Rate: 100})
			r.both("abcdef")
			r.at(30 * ms)
			r.c.Clear("a")
		}, "20ms ab; 30ms cdef"},
		{"shorter latency", func(r *rig) {
			r.c.Set("a", slow)
			r.both("x")
			r.at(30 * ms)
			r.c.Set("a", Latency{Latency: 50 * ms})
		}, "50ms x"},
		{"latency that is over", func(r *rig) {
			r.c.Set("a", slow)
			r.c.Set("b", Latency{Latency: 5 * ms})
			r.both("x")
			r.at(30 * ms)
			r.c.Set("a", Latency{Latency: 10 * ms})
		}, "35ms x"},
		{"never overtake", func(r *rig) {
			r.c.Set("a", slow)
			r.both("x")
			r.at(50 * ms)
			r.c.Set("b", Latency{Latency: 20 * ms})
			r.c.Clear("a")
			r.both("y")
			r.c.Clear("c") // not there
		}, "70ms x; 70ms y"},
		{"a name keeps its place, a new one is last", func(r *rig) {
			r.c.Set("a", Bandwidth{Rate: 100})
			r.c.Set("b", slow)
			r.both("abcd")
			r.at(25 * ms)
			r.c.Set("a", Bandwidth{Rate: 1000}) // of "cd"
		}, "120ms ab; 127ms cd"},
		{"timeout and back", func(r *rig) {
			r.c.Set("a", Timeout{})
			r.both("x")
			r.at(time.Second)
			r.both("y")
			r.at(time.Minute)
			r.c.Clear("a")
		}, "1m0s x; 1m0s y"},
		{"timeout stops the clock of what is on its way", func(r *rig) {
			r.c.Set("lag", slow)
			r.both("x")
			r.at(60 * ms)
			r.c.Set("cut", Timeout{})
			r.both("y")
			r.at(1060 * ms)
			r.c.Set("cut 2", Timeout{})
			r.c.Clear("cut")
			r.at(2060 * ms)
			r.c.Clear("cut 2")
		}, "2.1s x; 2.16s y"},
		{"timeout replaced by latency", func(r *rig) {
			r.c.Set("a", Timeout{})
			r.both("x")
			r.at(10 * ms)
			r.c.Set("a", slow)
		}, "110ms x"},
		{"slicer after an idle spell", func(r *rig) {
			r.c.Set("a", Slicer{AverageSize: 1, Delay: 10 * ms})
			r.c.Set("b", slow)
			r.both("x")
			r.at(time.Second)
			r.both("yz")
		}, "100ms x; 1.1s y; 1.11s z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				tt.do(r)
				r.at(time.Hour)
				r.want("upstream", &r.up, tt.want)
				r.want("downstream", &r.down, tt.want)
				if !r.c.open.Load() && len(r.c.names) == 0 {
					t.Error("Read does not go straight through; want it to, since there is no fault")
				}
				if r.c.gate.Load() != 0 && len(r.c.names) == 0 {
					t.Errorf("gate = %d; want 0, since there is no fault", r.c.gate.Load())
				}
			})
		})
	}
}

// both has both ends write.
func (r *rig) both(s string) {
	r.t.Helper()
	r.write(r.peer, s)
	r.write(r.c, s)
	r.at(time.Since(r.start)) // until it is taken in
}

// Jitter stays in its range, varies, keeps the order, and follows the seed.
func TestJitter(t *testing.T) {
	draw := func(seed uint64) (got []time.Duration) {
		inBubble(t, func(r *rig) {
			r.c.seed = seed
			r.c.Set("a", Latency{Latency: 50 * ms, Jitter: 30 * ms})
			for i := range 50 {
				began := time.Duration(i) * time.Second
				r.at(began)
				r.write(r.c, "x")
				r.at(began + 900*ms)
				lines := strings.Split(r.up.String(), "; ")
				d, err := time.ParseDuration(strings.Fields(lines[len(lines)-1])[0])
				if err != nil || len(lines) != i+1 {
					t.Fatalf("after %d writes %d lines, the last %q; want one each", i+1, len(lines), lines[len(lines)-1])
				}
				got = append(got, d-began)
			}
		})
		return got
	}
	one, again, other := draw(1), draw(1), draw(2)
	low, high, same := time.Hour, time.Duration(0), true
	for i, d := range one {
		low, high = min(low, d), max(high, d)
		if again[i] != d {
			t.Errorf("delay %d = %v and then %v; want the same from the same seed", i, d, again[i])
		}
		same = same && other[i] == d
	}
	if low < 20*ms || low > 30*ms || high > 80*ms || high < 70*ms {
		t.Errorf("delays from %v to %v; want all of 20ms to 80ms", low, high)
	}
	if same {
		t.Error("another seed gives the same delays; want others")
	}
}
