package devices

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestPlugCommands(t *testing.T) {
	for _, test := range []struct {
		attr, payload string
		before        [][2]string
		step          time.Duration
		changed, want string // want: power load energy
	}{
		{"power", "OFF", nil, 0, "power", "OFF lamp 0.000"},
		{"power", " off ", [][2]string{{"power", "OFF"}}, 0, "", "OFF lamp 0.000"},
		{"power", "TOGGLE", nil, 0, "power", "OFF lamp 0.000"},
		{"power", "2", [][2]string{{"power", "0"}}, 0, "power", "ON lamp 0.000"},
		{"power", "True", [][2]string{{"power", "false"}}, 0, "power", "ON lamp 0.000"},
		{"load", "Heater", nil, 0, "load", "ON heater 0.000"},
		{"load", "lamp", nil, 0, "", "ON lamp 0.000"},
		{"load", "washing-machine", nil, 100 * time.Hour, "load", "ON washing-machine 0.900"},
		{"energy", "reset", nil, 100 * time.Hour, "energy", "ON lamp 0.000"},
		{"energy", "RESET\n", nil, 0, "", "ON lamp 0.000"},
		{"energy", "", nil, 100 * time.Hour, "", "ON lamp 0.900"},
		{"power", "", nil, 0, "", "ON lamp 0.000"},
		{"load", " ", nil, 0, "", "ON lamp 0.000"},
	} {
		d := makeDevice(t, "plug", 1, 0, nil)
		for _, c := range test.before {
			do(t, d, c[0], c[1])
		}
		d.Step(test.step)
		if got := do(t, d, test.attr, test.payload); got != test.changed {
			t.Errorf("Do(%s, %q) = %q; want %q", test.attr, test.payload, got, test.changed)
		}
		if got := value(t, d, "power") + " " + value(t, d, "load") + " " + value(t, d, "energy"); got != test.want {
			t.Errorf("after Do(%s, %q): %s; want %s", test.attr, test.payload, got, test.want)
		}
	}
}

func TestPlugRefuses(t *testing.T) {
	for attr, payloads := range map[string][]string{
		"power":  {"yes", "3", strings.Repeat("1", 65535)},
		"load":   {"toaster", "washing machine", "1", "fridge\x00", strings.Repeat("tv", 30000)},
		"energy": {"0", "clear", "reset now", "1.5"},
	} {
		for _, p := range payloads {
			d := makeDevice(t, "plug", 1, 0, nil)
			i := index(t, d, attr)
			before := report(d)
			c, err := d.Do(i, []byte(p))
			wantError(t, "Do("+attr+", "+quote([]byte(p))+")", err, attr+": ", quote([]byte(p)), "; want "+d.Kind().Attributes[i].Wants)
			if c != 0 || report(d) != before {
				t.Errorf("Do(%s, %s) with an error changed %b; want nothing", attr, quote([]byte(p)), c)
			}
		}
	}
	// The help names every profile.
	for _, name := range loadNames {
		if !strings.Contains(plugKind.Attributes[plugLoad].Wants, name) {
			t.Errorf("Wants of load = %q; want %s in it", plugKind.Attributes[plugLoad].Wants, name)
		}
	}
}

// What a meter shows hangs together at any moment of three days, for every
// profile, as printed.
func TestPlugInvariants(t *testing.T) {
	for _, load := range loadNames {
		d := makeDevice(t, "plug", 42, 7*time.Hour, map[string]any{"load": load})
		last, seen := 0.0, map[float64]bool{}
		for range 3 * 24 * 12 {
			d.Step(5*time.Minute + 137*time.Millisecond)
			m := telemetry(t, d)
			n := func(name string) float64 { return m[name].(float64) }
			p, s, q, v, i := n("watts"), n("apparent"), n("reactive"), n("voltage"), n("current")
			seen[p] = true
			if got, want := s*s, p*p+q*q; math.Abs(got-want) > 0.1*(s+p+q)+0.01 {
				t.Fatalf("%s: S^2 = %v, P^2 + Q^2 = %v in %v; want them the same within rounding", load, got, want, m)
			}
			if p > v*i+0.001*v+0.1*i || math.Abs(v*i-s) > 0.0005*v+0.05*i+0.1 {
				t.Fatalf("%s: P = %v, S = %v, V*I = %v; want P <= S = V*I within rounding", load, p, s, v*i)
			}
			if f := n("factor"); f < 0 || f > 1 || math.Abs(f*s-p) > 0.005*s+0.1 {
				t.Fatalf("%s: factor = %v with P = %v, S = %v; want P/S, 0 to 1", load, f, p, s)
			}
			if v < 230*(1-0.008*6) || v > 230*(1+0.008*6) {
				t.Fatalf("%s: voltage = %v; want 230 within six sigma", load, v)
			}
			if e := n("energy"); e < last {
				t.Fatalf("%s: energy fell from %v to %v", load, last, e)
			}
			last = n("energy")
			if got, want := n("energy_today")+n("energy_yesterday"), last; got > want+0.002 {
				t.Fatalf("%s: today + yesterday = %v; want no more than the total, %v", load, got, want)
			}
		}
		if load != "none" && last == 0 {
			t.Errorf("%s: no energy in three days", load)
		}
		if states := map[string]int{"router": 1, "lamp": 1, "charger": 1, "none": 1}[load]; states == 1 != (len(seen) == 1) {
			t.Errorf("%s: the draws %v in three days", load, seen)
		}
		do(t, d, "power", "OFF")
		for name, v := range telemetry(t, d) {
			if f, ok := v.(float64); ok && f != 0 && !strings.HasPrefix(name, "energy") {
				t.Errorf("%s: %s = %v with the relay off; want 0", load, name, f)
			}
		}
		before := value(t, d, "energy")
		d.Step(5 * time.Hour)
		if got := value(t, d, "energy"); got != before || d.Next() != Never {
			t.Errorf("%s: energy rose from %s to %s with the relay off", load, before, got)
		}
	}
}

// The energy is the integral of the power: checked against a sum over short
// steps, with the relay and the load changed on the way.
func TestPlugEnergyIsIntegral(t *testing.T) {
	for i, load := range loadNames {
		if some(i%3 != 0, false) {
			continue
		}
		d := makeDevice(t, "plug", 3, 17*time.Hour, map[string]any{"load": load, "fridge_off": 7 * time.Minute})
		const step = time.Second
		var joules float64
		for n := range 15 * 3600 {
			d.Step(step / 2)
			joules += d.(*plug).meter().power * step.Seconds()
			d.Step(step / 2)
			switch n {
			case 10000:
				do(t, d, "power", "OFF")
			case 15000:
				do(t, d, "power", "ON")
			case 40000:
				do(t, d, "load", loadNames[(i+1)%loadCount])
			case 45000:
				do(t, d, "load", load)
			}
		}
		p := d.(*plug)
		if got := p.total + p.since(p.now); math.Abs(got-joules) > 0.002*joules+3*2200*step.Seconds() {
			t.Errorf("%s: energy = %.0f J; want %.0f, the sum of power times time", load, got, joules)
		}
	}
}

// Each profile draws what it is said to draw, in a whole day.
func TestPlugProfiles(t *testing.T) {
	for load, want := range map[string][2]float64{ // kWh a day, from and to
		"fridge":          {0.88196, 0.88196}, // 32 cycles of (330 + 899*110) J
		"kettle":          {0.440, 0.660},     // 4 to 6 of 0.11
		"washing-machine": {0.5439, 0.5441},
		"dishwasher":      {0.9825, 0.9826}, // 0.5h*1800 + 1h*60 + 22.5h*1
		"tv":              {0.456, 0.456},
		"router":          {0.192, 0.192},
		"heater":          {15.0, 15.7}, // 16 K / 0.025 K/W = 640 W, in whole cycles
		"lamp":            {0.216, 0.216},
		"charger":         {0.120, 0.120},
		"none":            {0, 0},
	} {
		for seed := range uint64(40) {
			d := makeDevice(t, "plug", seed, 0, map[string]any{"load": load})
			for range 2 {
				d.Step(day)
				yesterday := d.(*plug).yesterday / joulesPerKWh
				if yesterday < want[0]-0.001 || yesterday > want[1]+0.001 {
					t.Errorf("%s, seed %d: %v kWh a day; want %v to %v", load, seed, yesterday, want[0], want[1])
				}
			}
		}
	}
}

// The draws of a fridge in the order they come, to the second.
func TestPlugFridgeCycle(t *testing.T) {
	d := makeDevice(t, "plug", 8, 0, map[string]any{"load": "fridge"})
	p := d.(*plug)
	for p.meter().power != 330 {
		d.Step(500 * time.Millisecond)
	}
	d.Step(250 * time.Millisecond)
	for _, test := range []struct {
		step time.Duration
		want float64
	}{{0, 330}, {time.Second, 110}, {14*time.Minute + 58*time.Second, 110}, {time.Second, 0}, {30*time.Minute - time.Second, 0}, {time.Second, 330}} {
		d.Step(test.step)
		if got := p.meter().power; got != test.want {
			t.Errorf("power %v later = %v; want %v", test.step, got, test.want)
		}
	}
}

func TestPlugRollover(t *testing.T) {
	d := makeDevice(t, "plug", 1, 22*time.Hour, map[string]any{"load": "lamp", "lamp_watts": 100.0})
	for _, test := range []struct {
		step time.Duration
		want string // today yesterday total
	}{
		{2*time.Hour - 1, "0.200 0.000 0.200"},
		{1, "0.000 0.200 0.200"},
		{5 * time.Hour, "0.500 0.200 0.700"},
		{24 * time.Hour, "0.500 2.400 3.100"},
		{72 * time.Hour, "0.500 2.400 10.300"},
	} {
		d.Step(test.step)
		m := telemetry(t, d)
		if got := fmt.Sprintf("%.3f %.3f %.3f", m["energy_today"], m["energy_yesterday"], m["energy"]); got != test.want {
			t.Errorf("energies %v later = %s; want %s", test.step, got, test.want)
		}
	}
}

// A thousand fridges do not start together, and no two hours of the day see
// all the washing machines.
func TestPlugPhasesSpread(t *testing.T) {
	m, err := plugKind.Prepare(map[string]any{"load": "fridge"})
	if err != nil {
		t.Fatal(err)
	}
	const n = 1000
	on := 0
	starts := map[int64]int{}
	for seed := range uint64(n) {
		d := m(seed, 8*time.Hour).(*plug)
		if d.meter().power > 0 {
			on++
		}
		_, x := d.p.loads[loadFridge].(*program).place(d.key(), d.now)
		starts[int64(x/(45*time.Second))]++
	}
	if on < n/3-60 || on > n/3+60 {
		t.Errorf("%d of %d fridges on; want a third", on, n)
	}
	for part, count := range starts {
		if count > 40 {
			t.Errorf("%d of %d fridges in part %d of 60 of their cycle; want about 17", count, n, part)
		}
	}
}

func TestPlugReports(t *testing.T) {
	d := makeDevice(t, "plug", 1, 0, map[string]any{"load": "lamp", "lamp_watts": 100.0, "energy_step": 0.25})
	reports := 0
	for range 100 * 60 {
		if got := changed(d, d.Step(time.Minute)); got == "energy" {
			reports++
		} else if got != "" {
			t.Fatalf("Step = %q; want energy or nothing", got)
		}
	}
	if reports != 40 { // 10 kWh
		t.Errorf("%d reports of the energy in 10 kWh; want 40", reports)
	}
	for _, test := range []struct {
		params map[string]any
		want   time.Duration
	}{
		{map[string]any{"load": "none"}, Never},
		{map[string]any{"power": "OFF"}, Never},
		{map[string]any{"load": "lamp", "lamp_watts": 100.0}, time.Hour},
		{map[string]any{"load": "heater", "energy_step": 0.001}, time.Minute},
		{map[string]any{"load": "lamp", "lamp_watts": 1e-9}, maxReportWait},
	} {
		if got := makeDevice(t, "plug", 1, 0, test.params).Next(); got != test.want {
			t.Errorf("Next() with %v = %v; want %v", test.params, got, test.want)
		}
	}
}

func TestPlugTelemetry(t *testing.T) {
	d := makeDevice(t, "plug", 1, 0, map[string]any{"load": "charger", "voltage_noise": 0.0})
	d.Step(time.Hour)
	if got, want := string(d.AppendTelemetry(nil)),
		`{"power":"ON","load":"charger","voltage":230.0,"current":0.043,"watts":5.0,"apparent":10.0,"reactive":8.7,"factor":0.50,"energy_today":0.005,"energy_yesterday":0.000,"energy":0.005}`; got != want {
		t.Errorf("AppendTelemetry = %s; want %s", got, want)
	}
}

// Q is 0 below 5 mA and below 1.5 var or 1 % of S.
func TestPlugSmallReactive(t *testing.T) {
	for _, test := range []struct {
		watts, factor float64
		zero          bool
	}{{0.5, 0.45, true}, {0.6, 0.3, false}, {0.8, 0.45, false}, {0.75, 0.55, true}, {2000, 0.99996, true}, {2000, 0.999, false}} {
		d := makeDevice(t, "plug", 1, 0, map[string]any{
			"load": "lamp", "lamp_watts": test.watts, "lamp_factor": test.factor, "voltage_noise": 0.0,
		}).(*plug)
		if got := d.meter().reactive; (got == 0) != test.zero {
			t.Errorf("reactive at %v W and factor %v = %v; want zero: %v", test.watts, test.factor, got, test.zero)
		}
	}
}

// The energy of a load is the sum of its power over every second so far, to a
// rounding error: with key 0 all that happens happens on whole seconds.
func TestLoadJoules(t *testing.T) {
	d := makeDevice(t, "plug", 1, 0, nil).(*plug)
	for i, l := range d.p.loads {
		if i == loadKettle || i == loadHeater {
			continue // these switch at any moment
		}
		const from = 13 * time.Second
		sum := 0.0
		for at := from; at < 3*time.Hour; at += time.Second {
			w, _ := l.at(0, at+time.Second/2)
			sum += w
			if got := l.joules(0, from, at+time.Second); math.Abs(got-sum) > 1e-3 {
				t.Fatalf("%s: joules(%v, %v) = %v; want %v", loadNames[i], from, at+time.Second, got, sum)
			}
		}
	}
}

// A kettle is used 4, 5 or 6 times a day, not the same each day, and never at
// night.
func TestPlugKettleDays(t *testing.T) {
	d := makeDevice(t, "plug", 2, 0, map[string]any{"load": "kettle"}).(*plug)
	counts := map[int]int{}
	for range 60 {
		night := d.total
		d.Step(6 * time.Hour)
		if got := d.total + d.since(d.now); got != night {
			t.Fatalf("the kettle drew %v J before 6 o'clock; want none", got-night)
		}
		d.Step(18 * time.Hour)
		counts[int(math.Round(d.yesterday/(2200*180)))]++
	}
	if len(counts) != 3 || min(counts[4], counts[5], counts[6]) < 10 {
		t.Errorf("uses a day and on how many of 60 days: %v; want 4, 5 and 6 about as often", counts)
	}
}
