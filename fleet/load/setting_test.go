package load

import (
	"math/rand/v2"
	"testing"
	"time"

	"homefleet/scenarios"
)

// moments returns when every slot of a pace is due, and which of them are paused.
func moments(p *pace) (due []time.Duration, paused []bool) {
	for n := 0.0; ; n++ {
		at, of, ok := p.at(n)
		if !ok {
			return due, paused
		}
		due, paused = append(due, at), append(paused, of.paused)
	}
}

func near(a, b time.Duration) bool { return (a - b).Abs() <= time.Microsecond }

// A pause and its end move no slot: those between are the ones that are not sent. What
// was due before a change stays as it was due, whatever is changed.
func TestPauseKeepsThePlan(t *testing.T) {
	phases := scenarios.Phases{WarmUp: 2 * time.Second, Measure: 10 * time.Second}
	for name, c := range map[string]scenarios.Controllers{
		"constant": {Count: 1, Rate: 37}, "ramps": stages(0, 100, 100, 10), "steps": stages(50, 50, 80, 80),
		"bursts": {Count: 1, Arrival: scenarios.Bursts, Burst: 7, Every: 700 * time.Millisecond},
	} {
		plan := newPace(&c, &phases)
		want, _ := moments(plan)
		p, rng := plan, rand.New(rand.NewPCG(1, 2))
		inPause := func(time.Duration) bool { return false }
		begun := time.Duration(0)
		for at, k := -1500*time.Millisecond, 0; at < 11*time.Second; at, k = at+time.Duration(rng.IntN(int(2*time.Second))), k+1 {
			pausing := k%2 == 0
			p = p.changed(at, plan, Setting{Paused: pausing, Factor: 1})
			if pausing {
				begun = at
				was, from := inPause, at
				inPause = func(t time.Duration) bool { return t >= from || was(t) }
			} else {
				was, from, to := inPause, begun, at
				inPause = func(t time.Duration) bool { return t >= from && t < to || t < from && was(t) }
			}
			due, paused := moments(p)
			if len(due) != len(want) {
				t.Fatalf("%s: %d slots after %d pauses; want %d", name, len(due), k, len(want))
			}
			for i := range due {
				if !near(due[i], want[i]) {
					t.Fatalf("%s: slot %d is due at %v; want it at %v still", name, i, due[i], want[i])
				}
				if paused[i] != inPause(due[i]) && !near(due[i], at) {
					t.Fatalf("%s: slot %d at %v is paused: %t; want %t", name, i, due[i], paused[i], inPause(due[i]))
				}
			}
		}
	}
}

// A new rate holds from its moment on, a factor is one of the scenario's rates at each
// moment, and stages keep their place in time.
func TestRateFromAMomentOn(t *testing.T) {
	phases := scenarios.Phases{Measure: 10 * time.Second}
	for _, tt := range []struct {
		name string
		c    scenarios.Controllers
		at   time.Duration
		s    Setting
		want [10]int // slots in each second
	}{
		{"rate", scenarios.Controllers{Count: 1, Rate: 100}, 4 * time.Second, Setting{Rate: 300, Factor: 1}, [10]int{100, 100, 100, 100, 300, 300, 300, 300, 300, 300}},
		{"rate in the middle of a second", scenarios.Controllers{Count: 1, Rate: 100}, 4500 * time.Millisecond, Setting{Rate: 20, Factor: 1}, [10]int{100, 100, 100, 100, 60, 20, 20, 20, 20, 20}},
		{"factor", scenarios.Controllers{Count: 1, Rate: 100}, 5 * time.Second, Setting{Factor: 2.5}, [10]int{100, 100, 100, 100, 100, 250, 250, 250, 250, 250}},
		{"rate for a ramp", stages(0, 1000, 1000, 200), 2 * time.Second, Setting{Rate: 50, Factor: 1}, [10]int{100, 300, 50, 50, 50, 50, 50, 50, 50, 50}},
		{"factor of a ramp", stages(0, 1000, 1000, 200), 2 * time.Second, Setting{Factor: 0.5}, [10]int{100, 300, 250, 350, 450, 460, 380, 300, 220, 140}},
		{"burst", bursts(10, time.Second), 3500 * time.Millisecond, Setting{Factor: 1, Burst: 4}, [10]int{10, 10, 10, 10, 4, 4, 4, 4, 4, 4}},
		{"every", bursts(10, time.Second), 3500 * time.Millisecond, Setting{Factor: 1, Every: 2 * time.Second, Anchor: 3500 * time.Millisecond}, [10]int{10, 10, 10, 20, 0, 10, 0, 10, 0, 10}},
	} {
		plan := newPace(&tt.c, &phases)
		p := plan.changed(tt.at, plan, tt.s)
		due, _ := moments(p)
		var counts [10]int
		for i, at := range due {
			if i > 0 && at < due[i-1] {
				t.Fatalf("%s: slot %d at %v, after one at %v", tt.name, i, at, due[i-1])
			}
			counts[at/time.Second]++
			_, of, _ := p.at(float64(i))
			_, was, _ := plan.at(0)
			if len(tt.c.Stages) > 0 {
				was = &plan.legs[min(at/(5*time.Second), 1)]
			}
			if of.stage != was.stage {
				t.Fatalf("%s: slot %d at %v is of stage %d; want %d", tt.name, i, at, of.stage, was.stage)
			}
		}
		for i := range counts {
			if d := counts[i] - tt.want[i]; d < -1 || d > 1 {
				t.Errorf("%s: second %d has %d slots; want %d", tt.name, i, counts[i], tt.want[i])
			}
		}
	}
}

func bursts(n int, every time.Duration) scenarios.Controllers {
	return scenarios.Controllers{Count: 1, Arrival: scenarios.Bursts, Burst: n, Every: every}
}

// A hundred pauses with nothing changed between leave a plan that is as short as before.
func TestChangesTakeNoMoreThanTheyMust(t *testing.T) {
	c := scenarios.Controllers{Count: 1, Rate: 100}
	plan := newPace(&c, &scenarios.Phases{Measure: time.Hour})
	p := plan
	for i := range 100 {
		p = p.changed(time.Duration(i)*time.Second, plan, Setting{Factor: 1})
	}
	if len(p.legs) != 1 {
		t.Errorf("%d legs; want 1", len(p.legs))
	}
}
