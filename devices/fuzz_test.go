package devices

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

func FuzzDoLight(f *testing.F)      { fuzzDo(f, &lightKind) }
func FuzzDoThermostat(f *testing.F) { fuzzDo(f, &thermostatKind) }
func FuzzDoPlug(f *testing.F)       { fuzzDo(f, &plugKind) }

// fuzzDo gives a device two commands with time in between. Nothing panics, an
// error changes nothing, what is reported stays in range, telemetry is JSON,
// and what is not said to have changed has not.
func fuzzDo(f *testing.F, k *Kind) {
	for i, a := range k.Attributes {
		for _, p := range payloads[a.Name] {
			f.Add(i, []byte(p), 0, []byte("TOGGLE"), int64(1500*time.Millisecond), uint64(i))
		}
	}
	f.Add(-1, []byte{0xff, 0}, 99, []byte(strings.Repeat("9", 300)), int64(math.MaxInt64), uint64(math.MaxUint64))
	f.Add(1, []byte("  +0.000000000001 "), 2, []byte("1,2,3"), int64(-1), uint64(0))
	f.Fuzz(func(t *testing.T, attr1 int, payload1 []byte, attr2 int, payload2 []byte, span int64, seed uint64) {
		d, err := k.New(Config{Seed: seed, Start: time.Duration(seed % uint64(day))})
		if err != nil {
			t.Fatal(err)
		}
		command := func(attr int, payload []byte) {
			before, values := report(d), valuesOf(d)
			c, err := d.Do(attr, payload)
			switch {
			case err != nil && (c != 0 || report(d) != before):
				t.Fatalf("Do(%d, %q) = %v and changed %s to %s; want an error to change nothing", attr, payload, err, before, report(d))
			case err != nil && len(err.Error()) > 400:
				t.Fatalf("Do(%d, %q) = an error of %d bytes; want a short one", attr, payload, len(err.Error()))
			case len(trim(payload)) == 0 && (c != 0 || report(d) != before):
				t.Fatalf("Do(%d, query) changed %s to %s; want nothing", attr, before, report(d))
			}
			wantChanges(t, d, values, c)
			check(t, d)
		}
		command(attr1, payload1)
		// Whole time only now and then: it takes long.
		if span > int64(48*time.Hour) && seed%64 != 0 {
			span %= int64(48 * time.Hour)
		}
		values := valuesOf(d)
		c := d.Step(time.Duration(span))
		if d.Next() <= 0 {
			t.Fatalf("Next() = %v; want more than 0", d.Next())
		}
		wantChanges(t, d, values, c|creeping(k))
		check(t, d)
		command(attr2, payload2)
		command(attr1, payload1)
	})
}

// creeping are the attributes that move without a report each time.
func creeping(k *Kind) Changes {
	switch k {
	case &lightKind:
		return 1 << lightBrightness
	case &thermostatKind:
		return 1 << thermoTemperature
	}
	return 1 << plugEnergy
}

func valuesOf(d Device) []string {
	var v []string
	for i := range d.Kind().Attributes {
		v = append(v, string(d.AppendValue(nil, i)))
	}
	return v
}

// wantChanges checks that each value that is not as before is among the
// changes.
func wantChanges(t *testing.T, d Device, before []string, c Changes) {
	for i, now := range valuesOf(d) {
		if now != before[i] && !c.Has(i) && !d.Kind().Attributes[i].Momentary {
			t.Fatalf("%s went from %s to %s; want it among the changes %b", d.Kind().Attributes[i].Name, before[i], now, c)
		}
	}
	if c>>len(before) != 0 {
		t.Fatalf("changes %b; want %d attributes only", c, len(before))
	}
}

// check checks that everything a device says is well-formed and in range.
func check(t *testing.T, d Device) {
	b := d.AppendTelemetry(nil)
	var drawn struct{ Watts, Power any }
	if err := json.Unmarshal(b, &drawn); err != nil {
		t.Fatalf("AppendTelemetry = %s; want JSON", b)
	}
	for _, w := range []any{drawn.Watts, drawn.Power} { // of a light, a plug; "ON" or "OFF" of others
		if w, ok := w.(float64); ok && w < 0 {
			t.Fatalf("AppendTelemetry = %s; want no negative draw", b)
		}
	}
	ranges := map[string][2]float64{
		"brightness": {0, 100}, "ct": {minMired, maxMired}, "transition": {0, maxTransition},
		"level": {0, 100}, "watts": {0, 1e5},
		"target": {minTarget, maxTarget}, "temperature": {-20, 60}, "energy": {0, 1e9},
	}
	words := map[string]string{
		"power": "ON OFF", "mode": "off heat auto", "action": "off idle heating", "window": "open closed",
		"load": strings.Join(loadNames[:], " "),
	}
	for i, a := range d.Kind().Attributes {
		v := string(d.AppendValue(nil, i))
		if r, ok := ranges[a.Name]; ok {
			if f, err := strconv.ParseFloat(v, 64); err != nil || f < r[0] || f > r[1] {
				t.Fatalf("%s = %s; want %v to %v", a.Name, v, r[0], r[1])
			}
		} else if w, ok := words[a.Name]; ok {
			if v == "" || !strings.Contains(" "+w+" ", " "+v+" ") {
				t.Fatalf("%s = %q; want one of %s", a.Name, v, w)
			}
		} else if _, ok := parseHex([]byte(strings.TrimPrefix(v, "#"))); !ok || len(v) != 7 {
			t.Fatalf("%s = %q; want #rrggbb", a.Name, v)
		}
	}
}
