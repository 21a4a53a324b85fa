package devices

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestKinds(t *testing.T) {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	if got, want := strings.Join(names, " "), "light thermostat plug bridge"; got != want {
		t.Errorf("Kinds() = %s; want %s", got, want)
	}
	Kinds()[0] = nil
	if Kinds()[0] == nil {
		t.Error("Kinds() returned the same slice twice; want a fresh one")
	}
	for _, name := range []string{"", "Light", "lamp"} {
		if k, ok := KindByName(name); ok {
			t.Errorf("KindByName(%q) = %s; want none", name, k.Name)
		}
	}
}

// The tables are what help and errors are made of, so nothing may be missing.
func TestTables(t *testing.T) {
	for _, k := range Kinds() {
		if k.Doc == "" || k.New == nil || k.Prepare == nil {
			t.Errorf("%s: Doc, New or Prepare is missing", k.Name)
		}
		if len(k.Attributes) > 32 {
			t.Errorf("%s: %d attributes; want 32 at most, the bits of Changes", k.Name, len(k.Attributes))
		}
		for i, a := range k.Attributes {
			if a.Doc == "" || a.Wants == "" || a.Name != strings.ToLower(a.Name) {
				t.Errorf("%s: attribute %q: want a lower-case name, Doc and Wants", k.Name, a.Name)
			}
			if got, ok := k.Attribute([]byte(strings.ToUpper(a.Name))); !ok || got != i {
				t.Errorf("%s.Attribute(%s) = %d, %v; want %d, true", k.Name, strings.ToUpper(a.Name), got, ok, i)
			}
		}
		seen := map[string]bool{}
		for _, p := range k.Params {
			if p.Doc == "" || p.Source == "" || seen[p.Name] || !strings.HasSuffix(p.Doc, ".") {
				t.Errorf("%s: parameter %q: want a name of its own, Doc as a sentence, and Source", k.Name, p.Name)
			}
			seen[p.Name] = true
			if err := p.Check(p.Default); err != nil {
				t.Errorf("%s: the default of %s: %v", k.Name, p.Name, err)
			}
			if got, ok := k.Param(p.Name); !ok || got.Name != p.Name {
				t.Errorf("%s.Param(%s) = %v, %v; want it", k.Name, p.Name, got, ok)
			}
		}
		for _, name := range []string{"", "powe", "powerr", "po\u212aer", strings.Repeat("x", 70000)} {
			if i, ok := k.Attribute([]byte(name)); ok {
				t.Errorf("%s.Attribute(%.20q) = %d; want none", k.Name, name, i)
			}
		}
	}
}

// Every parameter can be set to each end of its range, alone, or the error
// names it.
func TestEveryParam(t *testing.T) {
	for _, k := range Kinds() {
		for _, p := range k.Params {
			var try []any
			switch p.Type {
			case Number:
				try = []any{p.Min, p.Max}
			case Span:
				try = []any{seconds(p.Min), seconds(p.Max)}
			case Choice:
				for _, c := range p.Choices {
					try = append(try, c)
				}
			case Switch:
				try = []any{true, false}
			}
			for _, v := range try {
				d, err := k.New(Config{Params: map[string]any{p.Name: v}, Seed: 3})
				if err != nil {
					if !strings.Contains(err.Error(), p.Name) {
						t.Errorf("New(%s, %s = %v) = %v; want a device or an error that names it", k.Name, p.Name, v, err)
					}
					continue
				}
				for range 3 {
					telemetry(t, d)
					if n := d.Next(); n <= 0 {
						t.Errorf("%s with %s = %v: Next() = %v; want more than 0", k.Name, p.Name, v, n)
					}
					d.Step(13 * time.Hour)
				}
			}
		}
	}
}

func TestParamCheck(t *testing.T) {
	num := Param{Name: "n", Type: Number, Min: -1.5, Max: 60}
	span := Param{Name: "s", Type: Span, Min: 1, Max: 600}
	choice := Param{Name: "c", Type: Choice, Choices: []string{"electric", "radiator"}}
	flip := Param{Name: "f", Type: Switch}
	for _, test := range []struct {
		p    Param
		v    any
		want string // "": no error
	}{
		{num, -1.5, ""}, {num, 60.0, ""}, {num, int64(3), ""}, {num, 3, ""},
		{num, 60.001, "n: 60.001; want a number from -1.5 to 60"},
		{num, int64(-2), "n: -2; want a number from -1.5 to 60"},
		{num, math.NaN(), "n: NaN; want a number from -1.5 to 60"},
		{num, math.Inf(1), "n: +Inf; want a number from -1.5 to 60"},
		{num, "3", `n: "3"; want a number from -1.5 to 60`},
		{num, true, "n: true; want a number from -1.5 to 60"},
		{num, nil, "n: <nil>; want a number from -1.5 to 60"},
		{num, []int{1}, "n: a value of type []int; want a number from -1.5 to 60"},
		{span, time.Second, ""}, {span, 10 * time.Minute, ""},
		{span, time.Hour, `s: "1h"; want a duration from "1s" to "10m"`},
		{span, time.Duration(-5), `s: "-5ns"; want a duration from "1s" to "10m"`},
		{span, int64(5), `s: 5; want a duration from "1s" to "10m"`},
		{choice, "radiator", ""},
		{choice, "Radiator", `c: "Radiator"; want one of "electric", "radiator" (did you mean "radiator"?)`},
		{choice, "gas", `c: "gas"; want one of "electric", "radiator"`},
		{choice, 1.0, `c: 1; want one of "electric", "radiator"`},
		{flip, true, ""}, {flip, "true", `f: "true"; want true or false`},
	} {
		got := ""
		if err := test.p.Check(test.v); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("Check(%v) = %q; want %q", test.v, got, test.want)
		}
	}
}

func TestNewErrors(t *testing.T) {
	for _, test := range []struct {
		kind   string
		params map[string]any
		start  time.Duration
		want   []string
	}{
		{"light", map[string]any{"brigthness": 5.0}, 0, []string{`light: "brigthness" is no parameter (did you mean "brightness"?)`}},
		{"light", map[string]any{"xyzzy": 5.0}, 0, []string{`"xyzzy" is no parameter; want one of brightness, ct, `}},
		{"light", map[string]any{"brightness": 101.0, "ct": 1.0}, 0,
			[]string{"light: brightness: 101; want a number from 1 to 100", "light: ct: 1; want a number from 153 to 500"}},
		{"light", map[string]any{"standby_watts": 5.0, "full_watts": 2.0}, 0, []string{"full_watts: 2; want at least standby_watts, 5"}},
		{"light", nil, -1, []string{`start "-1ns"; want a time of day`}},
		{"light", nil, 24 * time.Hour, []string{`start "24h"; want a time of day`}},
		{"thermostat", map[string]any{"target": 21.2}, 0, []string{"thermostat: target: 21.2; want a number in steps of 0.5"}},
		{"thermostat", map[string]any{"control": "pi", "pi_cycle": time.Minute, "sampling": time.Minute}, 0, []string{`pi_cycle: "1m"; want at least two of sampling, "1m"`}},
		{"thermostat", map[string]any{"heater": "floors"}, 0, []string{`did you mean "floor"?`}},
		{"plug", map[string]any{"load": "frige"}, 0, []string{`load: "frige"; want one of "fridge", `, `did you mean "fridge"?`}},
		{"plug", map[string]any{"fridge_on": 1 * time.Second, "fridge_start_time": 2 * time.Second}, 0, []string{`fridge_on: "1s"; want at least fridge_start_time, "2s"`}},
		{"plug", map[string]any{"washing_every": 59 * time.Minute}, 0, []string{`washing_every: "59m"; want at least washing_heat_time, washing_drum_time and washing_spin_time together, "1h"`}},
		{"plug", map[string]any{"dishwasher_heat_time": 46 * time.Minute}, 0, []string{`dishwasher_time: "1h30m"; want at least two of dishwasher_heat_time, "1h32m"`}},
		{"plug", map[string]any{"dishwasher_every": time.Hour}, 0, []string{`dishwasher_every: "1h"; want at least dishwasher_time, "1h30m"`}},
		{"plug", map[string]any{"kettle_fewest": 7.0}, 0, []string{"kettle_most: 6; want at least kettle_fewest, 7"}},
	} {
		d, err := kindOf(t, test.kind).New(Config{Params: test.params, Start: test.start})
		wantError(t, "New("+test.kind+")", err, test.want...)
		if err != nil && d != nil {
			t.Errorf("New(%s, %v) = %v with an error; want nil", test.kind, test.params, d)
		}
	}
}

// A prepared set and New make the same device.
func TestPrepare(t *testing.T) {
	params := map[string]map[string]any{
		"light":      {"power": "ON", "brightness": int64(40)},
		"thermostat": {"initial": int64(18)},
		"plug":       {"load": "heater"},
	}
	for _, k := range Kinds() {
		m, err := k.Prepare(params[k.Name])
		if err != nil {
			t.Fatalf("%s.Prepare = %v; want no error", k.Name, err)
		}
		a, b := m(9, 8*time.Hour), makeDevice(t, k.Name, 9, 8*time.Hour, params[k.Name])
		late := m(9, 8*time.Hour+5*day)
		for _, d := range []Device{a, b, late} {
			d.Step(5 * time.Hour)
		}
		if report(a) != report(b) || report(a) != report(late) {
			t.Errorf("%s: Prepare made %s; New made %s", k.Name, report(a), report(b))
		}
		if a.Kind() != k {
			t.Errorf("Kind() = %v; want that of the table", a.Kind().Name)
		}
		if _, err := k.Prepare(map[string]any{"no such": 1.0}); err == nil {
			t.Errorf("%s.Prepare(no such) = nil; want an error", k.Name)
		}
	}
}
