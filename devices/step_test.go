package devices

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// inEachState calls f with parameters for every kind of behaviour there is.
func inEachState(f func(kind string, params map[string]any)) {
	f("light", map[string]any{"power": "ON", "transition": 40 * time.Second})
	for _, heater := range []string{"electric", "radiator", "floor"} {
		for _, control := range []string{"hysteresis", "pi"} {
			f("thermostat", map[string]any{"heater": heater, "control": control, "sampling": 7 * time.Second})
		}
	}
	f("thermostat", map[string]any{"mode": "auto"})
	for _, load := range loadNames {
		f("plug", map[string]any{"load": load})
	}
}

// payloads are commands for the property tests, some of them bad.
var payloads = map[string][]string{
	"power": {"ON", "OFF", "TOGGLE", "x"}, "brightness": {"0", "37", "+10", "-20", "101"},
	"color": {"#ff8800", "10,20,30", "#"}, "ct": {"300", "2700K", "1"}, "transition": {"0", "20", "60", "-1"},
	"mode": {"off", "heat", "auto", "no"}, "target": {"18", "21.5", "+0.5", "99"}, "temperature": {"", "1"}, "action": {""},
	"window": {"open", "closed"}, "load": {"fridge", "heater", "kettle", "none", "?"}, "energy": {"", "reset"},
	"level": {"", "1"}, "watts": {"", "1"},
}

// However a span is cut into steps, with commands at the same moments, the
// reports are the same to the byte and the changes are the same in sum.
func TestStepPartition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	inEachState(func(kind string, params map[string]any) {
		for range some(1, 4) {
			seed, start := r.Uint64(), time.Duration(r.Int64N(int64(day)))
			a, b := makeDevice(t, kind, seed, start, params), makeDevice(t, kind, seed, start, params)
			for range 12 {
				i := r.IntN(len(a.Kind().Attributes))
				list := payloads[a.Kind().Attributes[i].Name]
				payload := list[r.IntN(len(list))]
				ca, errA := a.Do(i, []byte(payload))
				cb, errB := b.Do(i, []byte(payload))
				if ca != cb || (errA == nil) != (errB == nil) {
					t.Fatalf("%s %v: Do(%d, %q) = %b, %v and %b, %v after the same span", kind, params, i, payload, ca, errA, cb, errB)
				}
				whole := time.Duration(1 + r.Int64N(int64(7*time.Hour)))
				if r.IntN(3) == 0 {
					whole = time.Duration(1 + r.Int64N(int64(90*time.Second)))
				}
				cw := a.Step(whole)
				var cp Changes
				for _, part := range cut(r, whole) {
					cp |= b.Step(part)
					report(b) // looking changes nothing
					b.Next()
				}
				if report(a) != report(b) || cw != cp {
					t.Fatalf("%s %v: Step(%v) = %q, %s; in parts = %q, %s", kind, params, whole, changed(a, cw), report(a), changed(b, cp), report(b))
				}
			}
		}
	})
}

// One step of an hour equals 3600 steps of a second, noise and all.
func TestStepHourIsSeconds(t *testing.T) {
	inEachState(func(kind string, params map[string]any) {
		a, b := makeDevice(t, kind, 77, 10*time.Hour, params), makeDevice(t, kind, 77, 10*time.Hour, params)
		do(t, a, "power", "TOGGLE")
		do(t, b, "power", "TOGGLE")
		ca := a.Step(time.Hour)
		var cb Changes
		for range 3600 {
			cb |= b.Step(time.Second)
		}
		if report(a) != report(b) || ca != cb {
			t.Errorf("%s %v: Step(1h) = %b, %s; 3600 x Step(1s) = %b, %s", kind, params, ca, report(a), cb, report(b))
		}
	})
}

// The values belong to the seed and the start, and to nothing else.
func TestSeed(t *testing.T) {
	for _, kind := range []string{"thermostat", "plug"} {
		seen := map[string]bool{}
		for seed := range uint64(20) {
			d := makeDevice(t, kind, seed, 0, map[string]map[string]any{"plug": {"load": "heater"}}[kind])
			var all strings.Builder
			for range 6 {
				d.Step(time.Hour)
				all.WriteString(report(d))
			}
			seen[all.String()] = true
		}
		if len(seen) < 15 {
			t.Errorf("%s: %d different reports of 20 seeds; want nearly 20", kind, len(seen))
		}
	}
}

// A step of no time or less does nothing; one of all time there is ends soon
// and leaves a device that still works.
func TestStepAbsurd(t *testing.T) {
	n := 0
	inEachState(func(kind string, params map[string]any) {
		if h := params["heater"]; h != nil && h != "radiator" {
			return // all heaters take the same time
		}
		if n++; n%some(3, 1) != 0 {
			return // a third
		}
		d := makeDevice(t, kind, 5, 23*time.Hour, params)
		do(t, d, "power", "TOGGLE")
		do(t, d, "power", "TOGGLE")
		before := report(d)
		for _, dt := range []time.Duration{0, -1, math.MinInt64} {
			if c := d.Step(dt); c != 0 || report(d) != before {
				t.Errorf("%s %v: Step(%d) = %b, %s; want nothing", kind, params, dt, c, report(d))
			}
		}
		begin := time.Now()
		for range some(1, 2) {
			d.Step(math.MaxInt64)
			telemetry(t, d)
			if n := d.Next(); n <= 0 {
				t.Errorf("%s %v: Next() at the end of time = %v; want more than 0", kind, params, n)
			}
		}
		do(t, d, "power", "TOGGLE")
		d.Step(time.Hour)
		telemetry(t, d)
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s %v: Step(MaxInt64) took %v; want well under 20s, even on a busy machine", kind, params, took)
		}
	})
}

// A year in one step keeps the room as warm as a year in days does.
func TestStepYear(t *testing.T) {
	d := makeDevice(t, "thermostat", 5, 0, map[string]any{"sampling": 2 * time.Minute})
	d.Step(1000 * day)
	if got := d.(*thermostat).state().temp; got < 20.5 || got > 21.5 {
		t.Errorf("temperature after 1000 days in one step = %v; want about 21", got)
	}
	if got := fmt.Sprint(d.(*thermostat).now); got != fmt.Sprint(1000*day) {
		t.Errorf("now after 1000 days = %s; want %v", got, 1000*day)
	}
	long := makeDevice(t, "thermostat", 5, 0, map[string]any{"sampling": time.Second})
	long.Step(50 * day)
	if got := long.(*thermostat); got.now != 50*day || got.next <= got.now || got.next > got.now+time.Second {
		t.Errorf("after 50 days of a sample a second: now %v, next %v; want the grid to go on", got.now, got.next)
	}
}
