package devices

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"
)

// steady are the parameters of a room with constant weather and a sensor that
// shows the truth.
func steady(more map[string]any) map[string]any {
	p := map[string]any{
		"outdoor_swing": 0.0, "initial": 17.0, "initial_spread": 0.0,
		"sensor_sigma": 0.0, "sensor_lag": time.Duration(0),
	}
	maps.Copy(p, more)
	return p
}

func TestThermostatCommands(t *testing.T) {
	for _, test := range []struct {
		name, attr, payload string
		before              [][2]string
		changed, want       string
	}{
		// mode target temperature action power window
		{"off", "mode", "off", nil, "mode action power", "off 21.0 17.0 off OFF closed"},
		{"auto", "mode", " AUTO\n", nil, "mode", "auto 21.0 17.0 heating ON closed"},
		{"same mode", "mode", "heat", nil, "", "heat 21.0 17.0 heating ON closed"},
		{"power off", "power", "off", nil, "mode action power", "off 21.0 17.0 off OFF closed"},
		{"power on", "power", "ON", [][2]string{{"power", "OFF"}}, "mode action power", "heat 21.0 17.0 heating ON closed"},
		{"power on to auto", "power", "1", [][2]string{{"mode", "auto"}, {"power", "0"}}, "mode action power", "auto 21.0 17.0 heating ON closed"},
		{"power on while on", "power", "ON", [][2]string{{"mode", "auto"}}, "", "auto 21.0 17.0 heating ON closed"},
		{"toggle", "power", "Toggle", nil, "mode action power", "off 21.0 17.0 off OFF closed"},
		{"target below", "target", "16.5", nil, "target action", "heat 16.5 17.0 idle ON closed"},
		{"target 5", "target", "5", nil, "target action", "heat 5.0 17.0 idle ON closed"},
		{"target 30", "target", "30.0", nil, "target", "heat 30.0 17.0 heating ON closed"},
		{"target up", "target", "+0.5", nil, "target", "heat 21.5 17.0 heating ON closed"},
		{"target down", "target", "-0.5", nil, "target", "heat 20.5 17.0 heating ON closed"},
		{"target up to the end", "target", "+100", nil, "target", "heat 30.0 17.0 heating ON closed"},
		{"target down to the end", "target", "-100", nil, "target action", "heat 5.0 17.0 idle ON closed"},
		{"target while off", "target", "25", [][2]string{{"mode", "off"}}, "target", "off 25.0 17.0 off OFF closed"},
		{"off while idle", "mode", "off", [][2]string{{"target", "5"}}, "mode action power", "off 5.0 17.0 off OFF closed"},
		{"open", "window", "Open", nil, "window", "heat 21.0 17.0 heating ON open"},
		{"open again", "window", "open", [][2]string{{"window", "open"}}, "", "heat 21.0 17.0 heating ON open"},
		{"closed", "window", "closed", [][2]string{{"window", "open"}}, "window", "heat 21.0 17.0 heating ON closed"},
		{"query", "temperature", "", nil, "", "heat 21.0 17.0 heating ON closed"},
		{"query", "action", " ", nil, "", "heat 21.0 17.0 heating ON closed"},
	} {
		d := makeDevice(t, "thermostat", 1, 0, steady(map[string]any{"setback": 0.0}))
		for _, c := range test.before {
			do(t, d, c[0], c[1])
		}
		if got := do(t, d, test.attr, test.payload); got != test.changed {
			t.Errorf("%s: Do(%s, %q) = %q; want %q", test.name, test.attr, test.payload, got, test.changed)
		}
		var values []string
		for _, a := range d.Kind().Attributes {
			values = append(values, value(t, d, a.Name))
		}
		if got := strings.Join(values, " "); got != test.want {
			t.Errorf("%s: after Do(%s, %q): %s; want %s", test.name, test.attr, test.payload, got, test.want)
		}
	}
}

func TestThermostatRefuses(t *testing.T) {
	long := strings.Repeat("2", 65535)
	for attr, payloads := range map[string][]string{
		"mode":        {"cool", "1", "heat auto", "ON", long},
		"target":      {"4.5", "30.5", "21.3", "+0.3", "warm", "NaN", "-Inf", "2e1", "21,5", "21.5C", long},
		"temperature": {"21", "x", long},
		"action":      {"heating", "off"},
		"power":       {"heat", "3", "0N"},
		"window":      {"close", "ajar", "1", long},
	} {
		for _, p := range payloads {
			d := makeDevice(t, "thermostat", 1, 0, nil)
			i := index(t, d, attr)
			before := report(d)
			c, err := d.Do(i, []byte(p))
			wantError(t, "Do("+attr+", "+quote([]byte(p))+")", err, attr+": ", quote([]byte(p)), "; want "+d.Kind().Attributes[i].Wants)
			if c != 0 || report(d) != before {
				t.Errorf("Do(%s, %s) with an error changed %b; want nothing", attr, quote([]byte(p)), c)
			}
		}
	}
}

// cycles steps a thermostat and returns how long each full heating cycle took,
// the extremes of the true temperature and the share of time it heated, from
// the first start of the heater after the warm-up.
func cycles(d Device, warmUp, span time.Duration) (periods []time.Duration, low, high, duty float64) {
	th := d.(*thermostat)
	d.Step(warmUp)
	low, high = math.Inf(1), math.Inf(-1)
	const step = 5 * time.Second
	var first, last, on, onAtLast time.Duration
	was, running := th.heating, false
	for now := time.Duration(0); now < span; now += step {
		d.Step(step)
		if th.heating && !was {
			if running {
				periods = append(periods, now-last)
			} else {
				first, on = now, 0
			}
			running, last, onAtLast = true, now, on
		}
		was = th.heating
		if running {
			x := th.state().temp
			low, high = min(low, x), max(high, x)
			if was {
				on += step
			}
		}
	}
	if last > first {
		duty = onAtLast.Seconds() / (last - first).Seconds()
	}
	return periods, low, high, duty
}

func mean(d []time.Duration) time.Duration {
	var sum time.Duration
	for _, x := range d {
		sum += x
	}
	return sum / time.Duration(max(len(d), 1))
}

// From 17 C the electric heater takes 142 minutes to 21 C and then cycles
// about every 55 minutes between 20.7 and 21.3.
func TestThermostatElectric(t *testing.T) {
	d := makeDevice(t, "thermostat", 1, 0, steady(nil))
	th := d.(*thermostat)
	var up time.Duration
	for th.state().temp < 21 && up < 5*time.Hour {
		d.Step(time.Second)
		up += time.Second
	}
	if m := up.Minutes(); math.Abs(m-142) > 1 {
		t.Errorf("time from 17 C to 21 C = %.1f min; want 142", m)
	}
	for _, test := range []struct {
		name           string
		params         map[string]any
		low, high      float64
		period, within time.Duration
	}{
		{"ideal sensor", nil, 20.7, 21.3, 55 * time.Minute, time.Minute},
		{"sensor as by default", map[string]any{"sensor_sigma": 0.05, "sensor_lag": 120 * time.Second}, 20.7, 21.3, 55 * time.Minute, 5 * time.Minute},
		{"lag without noise", map[string]any{"sensor_lag": 120 * time.Second}, 20.66, 21.35, 63 * time.Minute, time.Minute},
	} {
		d := makeDevice(t, "thermostat", 1, 0, steady(test.params))
		periods, low, high, _ := cycles(d, 4*time.Hour, 36*time.Hour)
		t.Logf("%s: %d cycles of %v between %.2f and %.2f C", test.name, len(periods), mean(periods), low, high)
		if got := mean(periods); got < test.period-test.within || got > test.period+test.within {
			t.Errorf("%s: mean cycle = %v; want %v within %v", test.name, got, test.period, test.within)
		}
		if math.Abs(low-test.low) > 0.05 || math.Abs(high-test.high) > 0.05 {
			t.Errorf("%s: cycles between %.3f and %.3f; want %v and %v", test.name, low, high, test.low, test.high)
		}
	}
}

// With constant weather the mean duty is (target - Tout)/(R*Pmax), whatever
// the heater, the controller and the sensor.
func TestThermostatDuty(t *testing.T) {
	noisy := map[string]any{"sensor_sigma": 0.05, "sensor_lag": 120 * time.Second}
	for _, test := range []struct {
		name   string
		params map[string]any
		watts  float64
	}{
		{"electric", nil, 1500},
		{"electric, noisy", noisy, 1500},
		{"radiator", map[string]any{"heater": "radiator"}, 1500},
		{"floor", map[string]any{"heater": "floor"}, 1200},
		{"pi", map[string]any{"control": "pi"}, 1500},
		{"pi radiator", map[string]any{"control": "pi", "heater": "radiator"}, 1500},
	} {
		d := makeDevice(t, "thermostat", 1, 0, steady(test.params))
		periods, low, high, duty := cycles(d, 3*day, 4*day)
		t.Logf("%s: %d cycles of %v between %.2f and %.2f C, duty %.4f", test.name, len(periods), mean(periods), low, high, duty)
		if want := (21 - 5) / (0.025 * test.watts); math.Abs(duty-want) > 0.012 {
			t.Errorf("%s: mean duty = %.4f; want %.4f", test.name, duty, want)
		}
		if test.params["control"] == "pi" && (low < 20.5 || high > 21.5 || mean(periods) != 30*time.Minute) {
			t.Errorf("%s: between %.2f and %.2f every %v; want half a degree around 21 every 30m", test.name, low, high, mean(periods))
		}
	}
}

// The closed form agrees with a plain numeric integration of the equations.
func TestRoomAgainstIntegration(t *testing.T) {
	for _, lag := range []time.Duration{0, 600 * time.Second, 120 * time.Second, 50000 * time.Second} {
		for _, sensor := range []time.Duration{0, 120 * time.Second, 50000 * time.Second} {
			p := roomParams{
				resistance: 0.025, capacity: 2e6, internal: 80, heaterLag: lag, sensorLag: sensor,
				outdoor: outdoor{5, 4, 15 * time.Hour}, period: 10 * time.Second,
			}
			for i, r := range newRooms(p, 5) {
				resistance := p.resistance / []float64{1, 5}[i]
				start, span, drive := 3*time.Hour, 2*time.Hour, 1500.0
				x := plant{temp: 18, heat: 200, sensed: 17}
				if lag == 0 {
					x.heat = drive
				}
				got := r.after(x, drive, r.decays(span), p.outdoor.angle(start), p.outdoor.angle(start+span))
				const h = 0.25 // seconds
				for s := 0.0; s < span.Seconds()-h/2; s += h {
					out := p.outdoor.at(start + seconds(s+h/2))
					// Midpoint rule for each; lags of zero follow at once.
					k := func(x plant) plant {
						var d plant
						d.temp = (x.heat + p.internal - (x.temp-out)/resistance) / p.capacity
						if lag > 0 {
							d.heat = (drive - x.heat) / lag.Seconds()
						}
						if sensor > 0 {
							d.sensed = (x.temp - x.sensed) / sensor.Seconds()
						}
						return d
					}
					a := k(x)
					b := k(plant{x.temp + a.temp*h/2, x.heat + a.heat*h/2, x.sensed + a.sensed*h/2})
					x = plant{x.temp + b.temp*h, x.heat + b.heat*h, x.sensed + b.sensed*h}
					if sensor == 0 {
						x.sensed = x.temp
					}
				}
				if math.Abs(got.temp-x.temp) > 2e-3 || math.Abs(got.heat-x.heat) > 2 || math.Abs(got.sensed-x.sensed) > 2e-3 {
					t.Errorf("heater lag %v, sensor lag %v, window %d: after(2h) = %+v; want %+v", lag, sensor, i, got, x)
				}
			}
		}
	}
}

// A room without heat settles at what is outside, and one whose drive stays
// the same does not care how often it is looked at.
func TestRoomPartition(t *testing.T) {
	p := roomParams{
		resistance: 0.025, capacity: 2e6, heaterLag: 600 * time.Second, sensorLag: 120 * time.Second,
		outdoor: outdoor{5, 4, 15 * time.Hour}, period: time.Second,
	}
	r := newRooms(p, 5)[0]
	one, many := plant{17, 0, 17}, plant{17, 0, 17}
	one = r.after(one, 1500, r.decays(time.Hour), p.outdoor.angle(0), p.outdoor.angle(time.Hour))
	for i := range time.Duration(3600) {
		many = r.after(many, 1500, r.whole, p.outdoor.angle(i*time.Second), p.outdoor.angle((i+1)*time.Second))
	}
	if math.Abs(one.temp-many.temp) > 1e-9 || math.Abs(one.heat-many.heat) > 1e-7 || math.Abs(one.sensed-many.sensed) > 1e-9 {
		t.Errorf("one step of 1h = %+v; 3600 steps of 1s = %+v; want them the same", one, many)
	}
}

func TestThermostatFrostGuard(t *testing.T) {
	for _, control := range []string{"hysteresis", "pi"} {
		d := makeDevice(t, "thermostat", 1, 0, steady(map[string]any{
			"mode": "off", "control": control, "outdoor_mean": -10.0, "initial": 6.0,
		}))
		if got := value(t, d, "action"); got != "off" {
			t.Errorf("%s: action at 6 C in mode off = %s; want off", control, got)
		}
		low, seen := math.Inf(1), map[string]bool{}
		for range 2 * 24 * 60 {
			d.Step(time.Minute)
			low = min(low, d.(*thermostat).state().temp)
			seen[value(t, d, "action")] = true
		}
		if low < 3.9 || low > 4 || !seen["heating"] || !seen["off"] || len(seen) != 2 {
			t.Errorf("%s: lowest = %.2f C, actions %v; want just under 4 C, off and heating", control, low, seen)
		}
	}
}

func TestThermostatAutoSetsBackAtNight(t *testing.T) {
	d := makeDevice(t, "thermostat", 1, 21*time.Hour, steady(map[string]any{"mode": "auto"}))
	for _, test := range []struct {
		step time.Duration
		want float64
	}{{0, 21}, {61 * time.Minute, 18}, {6 * time.Hour, 18}, {2 * time.Hour, 21}} {
		d.Step(test.step)
		if got := telemetry(t, d)["setpoint"]; got != test.want {
			t.Errorf("setpoint of mode auto at %v = %v; want %v", timeOfDay(d.(*thermostat).now), got, test.want)
		}
	}
	do(t, d, "target", "5")
	d.Step(15 * time.Hour)
	if got := telemetry(t, d)["setpoint"]; got != 5.0 {
		t.Errorf("setpoint at night with target 5 = %v; want no less than 5", got)
	}
}

func TestThermostatWindow(t *testing.T) {
	fall := func(window string) float64 {
		d := makeDevice(t, "thermostat", 1, 0, steady(map[string]any{"mode": "off", "initial": 20.0}))
		do(t, d, "window", window)
		d.Step(time.Hour)
		return d.(*thermostat).state().temp
	}
	for window, r := range map[string]float64{"closed": 0.025, "open": 0.005} {
		if got, want := fall(window), 5+15*math.Exp(-3600/(r*2e6)); math.Abs(got-want) > 1e-9 {
			t.Errorf("temperature after 1h with the window %s = %v; want %v", window, got, want)
		}
	}
}

// The temperature is reported as it moves, but not for noise.
func TestThermostatReports(t *testing.T) {
	d := makeDevice(t, "thermostat", 1, 0, map[string]any{
		"control": "hysteresis", "initial": 21.0, "initial_spread": 0.0, "mode": "off",
		"outdoor_mean": 21.0, "outdoor_swing": 0.0,
	})
	reports := 0
	for range 24 * 360 {
		if c := d.Step(10 * time.Second); c != 0 {
			reports++
		}
	}
	if reports > 24 {
		t.Errorf("%d reports in a day of a constant temperature; want less than one an hour", reports)
	}
	d = makeDevice(t, "thermostat", 1, 0, steady(nil))
	last, temperatures, actions := 17.0, 0, 0
	for range 8 * 360 {
		c := d.Step(10 * time.Second)
		if c.Has(thermoTemperature) {
			temperatures++
			var v float64
			fmt.Sscan(value(t, d, "temperature"), &v)
			if moved := math.Abs(v - last); moved < 0.29 || moved > 0.41 {
				t.Errorf("temperature reported as it moved from %v to %v; want 0.3 K", last, v)
			}
			last = v
		}
		if c.Has(thermoAction) {
			actions++
		}
	}
	if temperatures < 13 || actions < 6 {
		t.Errorf("%d reports of the temperature and %d of the action in 8 h; want at least 13 and 6", temperatures, actions)
	}
}

// Next is rare and yet early enough: whoever steps only when it says so sees
// each switch hardly later than it happens.
func TestThermostatNext(t *testing.T) {
	for _, params := range []map[string]any{nil, {"heater": "floor"}, {"control": "pi"}, {"mode": "auto"}} {
		d, watched := makeDevice(t, "thermostat", 5, 0, params), makeDevice(t, "thermostat", 5, 0, params)
		const span = 3 * day
		var seen, real []time.Duration
		wakes := 0
		for now := time.Duration(0); now < span; {
			n := d.Next()
			if n <= 0 || n > maxWait+10*time.Second {
				t.Fatalf("%v: Next() = %v; want more than 0, about an hour at most", params, n)
			}
			now += n
			wakes++
			if d.Step(n).Has(thermoAction) {
				seen = append(seen, now)
			}
		}
		for now := 10 * time.Second; now <= span; now += 10 * time.Second {
			if watched.Step(10 * time.Second).Has(thermoAction) {
				real = append(real, now)
			}
		}
		if len(seen) < len(real)-1 || len(real) < 20 {
			t.Errorf("%v: %d switches seen, %d made; want all", params, len(seen), len(real))
		}
		var late time.Duration
		for i := range min(len(seen), len(real)) {
			late = max(late, seen[i]-real[i])
		}
		every := span / time.Duration(wakes)
		t.Logf("%v: %d switches, woken every %v, %v late at worst", params, len(real), every, late)
		if late > 5*time.Minute || every < 30*time.Second {
			t.Errorf("%v: woken every %v and %v late; want rarely and not late", params, every, late)
		}
	}
}

func TestThermostatTelemetry(t *testing.T) {
	d := makeDevice(t, "thermostat", 1, 15*time.Hour, steady(map[string]any{"outdoor_swing": 4.0}))
	if got, want := string(d.AppendTelemetry(nil)),
		`{"power":"ON","mode":"heat","target":21.0,"setpoint":21.0,"temperature":17.0,"action":"heating","window":"closed","heat_watts":1500,"outdoor":9.0}`; got != want {
		t.Errorf("AppendTelemetry = %s; want %s", got, want)
	}
	radiator := makeDevice(t, "thermostat", 1, 0, steady(map[string]any{"heater": "radiator"}))
	radiator.Step(10 * time.Minute)
	if got := telemetry(t, radiator)["heat_watts"]; got != 948.0 { // 1500 (1 - 1/e)
		t.Errorf("heat_watts of a radiator after its lag = %v; want 948", got)
	}
}

// A room that a scenario made absurd still reads within the sensor's range.
func TestThermostatAbsurdRoom(t *testing.T) {
	d := makeDevice(t, "thermostat", 1, 0, map[string]any{
		"resistance": 1.0, "heater_watts": 1e5, "capacity": 1e4, "sampling": 5 * time.Minute,
	})
	for range 1000 {
		d.Step(5 * time.Minute)
		if got, ok := telemetry(t, d)["temperature"].(float64); !ok || got < minSensed || got > maxSensed {
			t.Fatalf("temperature = %v; want within the sensor's range", got)
		}
	}
}

// A command between two samples counts from its own moment.
func TestThermostatBetweenSamples(t *testing.T) {
	fall := func(from, r float64, d time.Duration) float64 {
		return 5 + (from-5)*math.Exp(-d.Seconds()/(r*2e6))
	}
	rise := 42.5 + (17-42.5)*math.Exp(-120.0/50000) // 5 C + 1500 W * 0.025 K/W
	for _, test := range []struct {
		attr, payload, mode string
		want                float64
	}{
		{"power", "OFF", "heat", fall(rise, 0.025, time.Minute)},
		{"target", "5", "heat", fall(rise, 0.025, time.Minute)},
		{"window", "open", "off", fall(fall(17, 0.025, 2*time.Minute), 0.005, time.Minute)},
	} {
		d := makeDevice(t, "thermostat", 1, 0, steady(map[string]any{"mode": test.mode, "sampling": 5 * time.Minute}))
		th := d.(*thermostat)
		if th.next < 3*time.Minute {
			th.next = 5 * time.Minute // whatever the seed says
		}
		d.Step(2 * time.Minute)
		do(t, d, test.attr, test.payload)
		d.Step(time.Minute)
		if got := th.state().temp; math.Abs(got-test.want) > 1e-9 {
			t.Errorf("temperature a minute after %s %s = %v; want %v", test.attr, test.payload, got, test.want)
		}
	}
}

// What the frost guard began does not go on in another mode, within its band.
func TestThermostatFrostToHeat(t *testing.T) {
	d := makeDevice(t, "thermostat", 1, 0, steady(map[string]any{
		"mode": "off", "frost_guard": 15.0, "initial": 14.9, "target": 15.0,
	}))
	if got := value(t, d, "action"); got != "heating" {
		t.Errorf("action at the frost guard = %s; want heating", got)
	}
	if got := do(t, d, "mode", "heat"); got != "mode action power" || value(t, d, "action") != "idle" {
		t.Errorf("Do(mode, heat) = %q, action %s; want idle, since 14.9 is within the band of 15", got, value(t, d, "action"))
	}
}

// The integral part does not wind up while off, nor on the way up.
func TestThermostatNoWindUp(t *testing.T) {
	d := makeDevice(t, "thermostat", 1, 0, steady(map[string]any{"control": "pi", "mode": "off", "initial": 14.0, "frost_guard": 15.0}))
	d.Step(10 * time.Minute)
	if got := d.(*thermostat).sum; got != 0 {
		t.Errorf("integral part after 10m off = %v; want 0", got)
	}
	do(t, d, "mode", "heat")
	high := 0.0
	for range 12 * 60 {
		d.Step(time.Minute)
		high = max(high, d.(*thermostat).state().temp)
	}
	if high > 22.5 {
		t.Errorf("highest temperature on the way up = %.2f C; want at most 1.5 K above the target", high)
	}
}

// A two-point thermostat has no cycle, so that its length may be shorter than a
// sample.
func TestThermostatSamplesSeldom(t *testing.T) {
	d := makeDevice(t, "thermostat", 1, 0, map[string]any{"sampling": 5 * time.Minute, "pi_cycle": time.Minute})
	for range 100 {
		d.Step(5 * time.Minute)
	}
	if got := string(d.AppendTelemetry(nil)); !strings.Contains(got, "temperature") {
		t.Errorf("telemetry is %s; want a temperature in it", got)
	}
}
