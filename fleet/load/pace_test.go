package load

import (
	"math"
	"testing"
	"time"

	"homefleet/scenarios"
)

func TestPace(t *testing.T) {
	phases := scenarios.Phases{WarmUp: 2 * time.Second, Measure: 10 * time.Second}
	tests := []struct {
		name string
		c    scenarios.Controllers
		n    float64
		want time.Duration
		ok   bool
	}{
		{"constant, first", scenarios.Controllers{Count: 1, Rate: 100}, 0, -2 * time.Second, true},
		{"constant, end of warm-up", scenarios.Controllers{Count: 1, Rate: 100}, 200, 0, true},
		{"constant, last", scenarios.Controllers{Count: 1, Rate: 100}, 1199, 9990 * time.Millisecond, true},
		{"constant, over", scenarios.Controllers{Count: 1, Rate: 100}, 1200, 0, false},
		{"for each", scenarios.Controllers{Count: 10, RatePerController: 10}, 50, -1500 * time.Millisecond, true},
		{"slower than one a run", scenarios.Controllers{Count: 1, Rate: 0.001}, 1, 0, false},
		{"stages, warm-up", stages(50, 50, 100, 100), 50, -time.Second, true},
		{"stages, first", stages(50, 50, 100, 100), 100 + 50, time.Second, true},
		{"stages, second", stages(50, 50, 100, 100), 100 + 250 + 100, 6 * time.Second, true},
		{"ramp, quarter of the slots at half the time", stages(0, 100, 100, 100), 200 + 62.5, 2500 * time.Millisecond, true},
		{"ramp down", stages(100, 0, 100, 100), 200 + 187.5, 2500 * time.Millisecond, true},
		{"ramp to the very end", stages(100, 0, 1, 1), 200 + 249.99999999, 5*time.Second - 32*time.Microsecond, true},
		{"bursts, first", scenarios.Controllers{Count: 1, Arrival: scenarios.Bursts, Burst: 10, Every: time.Second}, 9, -2 * time.Second, true},
		{"bursts, second", scenarios.Controllers{Count: 1, Arrival: scenarios.Bursts, Burst: 10, Every: time.Second}, 10, -time.Second, true},
		{"bursts, last", scenarios.Controllers{Count: 1, Arrival: scenarios.Bursts, Burst: 10, Every: time.Second}, 119, 9 * time.Second, true},
		{"bursts, over", scenarios.Controllers{Count: 1, Arrival: scenarios.Bursts, Burst: 10, Every: time.Second}, 120, 0, false},
		{"beyond all numbers", scenarios.Controllers{Count: 1, Arrival: scenarios.Bursts, Burst: 1, Every: time.Nanosecond}, math.MaxFloat64, 0, false},
	}
	for _, tt := range tests {
		p := newPace(&tt.c, &phases)
		got, _, ok := p.at(tt.n)
		if ok != tt.ok || ok && (got-tt.want).Abs() > 10*time.Microsecond {
			t.Errorf("%s: at(%v) = %v, %t; want %v, %t", tt.name, tt.n, got, ok, tt.want, tt.ok)
		}
	}
}

func stages(rates ...float64) scenarios.Controllers {
	c := scenarios.Controllers{Count: 1}
	for i := 0; i < len(rates); i += 2 {
		c.Stages = append(c.Stages, scenarios.Stage{For: 5 * time.Second, From: rates[i], To: rates[i+1]})
	}
	return c
}

// Slots never go back in time, and as many come in each second as the rate says.
func TestPaceFollowsTheRate(t *testing.T) {
	c := stages(0, 1000, 1000, 200)
	p := newPace(&c, &scenarios.Phases{Measure: 10 * time.Second})
	var counts [10]int
	last := time.Duration(-1)
	for n := 0.0; ; n++ {
		at, _, ok := p.at(n)
		if !ok {
			if n != p.slots() {
				t.Errorf("%v slots; want %v", n, p.slots())
			}
			break
		}
		if at < last {
			t.Fatalf("slot %v is due at %v, after one at %v", n, at, last)
		}
		last = at
		counts[at/time.Second]++
	}
	want := [10]int{100, 300, 500, 700, 900, 920, 760, 600, 440, 280}
	for i := range want {
		if d := counts[i] - want[i]; d < -1 || d > 1 {
			t.Errorf("second %d has %d slots; want %d", i, counts[i], want[i])
		}
	}
}

// slots returns how many slots there are in all.
func (p *pace) slots() float64 {
	n := 0.0
	for i := range p.legs {
		n += p.legs[i].slots()
	}
	return n
}
