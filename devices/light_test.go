package devices

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// Each step is a command, what it changes and the values after it: power,
// brightness, color, ct, transition.
func TestLightCommands(t *testing.T) {
	for _, test := range []struct {
		name, attr, payload string
		before              [][2]string
		changed, want       string
	}{
		{"on", "power", "ON", nil, "power brightness", "ON 100 #ffffff 370 0"},
		{"on in lower case", "power", " on\r\n", nil, "power brightness", "ON 100 #ffffff 370 0"},
		{"1", "power", "1", nil, "power brightness", "ON 100 #ffffff 370 0"},
		{"true", "power", "True", nil, "power brightness", "ON 100 #ffffff 370 0"},
		{"toggle", "power", "toggle", nil, "power brightness", "ON 100 #ffffff 370 0"},
		{"2", "power", "2", nil, "power brightness", "ON 100 #ffffff 370 0"},
		{"off while off", "power", "OFF", nil, "", "OFF 0 #ffffff 370 0"},
		{"toggle off", "power", "TOGGLE", [][2]string{{"power", "ON"}}, "power brightness", "OFF 0 #ffffff 370 0"},
		{"0", "power", "0", [][2]string{{"power", "ON"}}, "power brightness", "OFF 0 #ffffff 370 0"},
		{"false", "power", "FALSE", [][2]string{{"power", "ON"}}, "power brightness", "OFF 0 #ffffff 370 0"},
		{"query", "power", "", [][2]string{{"power", "ON"}}, "", "ON 100 #ffffff 370 0"},
		{"query of blanks", "brightness", " \n", nil, "", "OFF 0 #ffffff 370 0"},

		{"brightness turns on", "brightness", "40", nil, "power brightness", "ON 40 #ffffff 370 0"},
		{"brightness again", "brightness", "40", [][2]string{{"brightness", "40"}}, "", "ON 40 #ffffff 370 0"},
		{"brightness 0 turns off", "brightness", "0", [][2]string{{"brightness", "40"}}, "power brightness", "OFF 0 #ffffff 370 0"},
		{"brightness 0 while off", "brightness", "0", nil, "", "OFF 0 #ffffff 370 0"},
		{"on returns to the last level", "power", "ON", [][2]string{{"brightness", "40"}, {"brightness", "0"}}, "power brightness", "ON 40 #ffffff 370 0"},
		{"on after off returns too", "power", "ON", [][2]string{{"brightness", "7"}, {"power", "OFF"}}, "power brightness", "ON 7 #ffffff 370 0"},
		{"up", "brightness", "+10", [][2]string{{"brightness", "40"}}, "brightness", "ON 50 #ffffff 370 0"},
		{"up from off", "brightness", "+10", nil, "power brightness", "ON 10 #ffffff 370 0"},
		{"up to the end", "brightness", "+99999", [][2]string{{"brightness", "40"}}, "brightness", "ON 100 #ffffff 370 0"},
		{"down", "brightness", "-10", [][2]string{{"brightness", "40"}}, "brightness", "ON 30 #ffffff 370 0"},
		{"down to off", "brightness", "-50", [][2]string{{"brightness", "40"}}, "power brightness", "OFF 0 #ffffff 370 0"},
		{"down while off", "brightness", "-50", nil, "", "OFF 0 #ffffff 370 0"},
		{"by nothing", "brightness", "-0", [][2]string{{"brightness", "40"}}, "", "ON 40 #ffffff 370 0"},
		{"100.0 is whole", "brightness", "100.0", nil, "power brightness", "ON 100 #ffffff 370 0"},

		{"color", "color", "#FF8800", nil, "power brightness color", "ON 100 #ff8800 370 0"},
		{"color leaves the level", "color", "#400000", [][2]string{{"brightness", "40"}}, "color", "ON 40 #400000 370 0"},
		{"hsb", "color", "120,100,50", nil, "power brightness color", "ON 50 #00ff00 370 0"},
		{"hsb with blanks", "color", " 240 , 50 , 100 ", nil, "power brightness color", "ON 100 #8080ff 370 0"},
		{"hsb 360 is 0", "color", "360,100,100", nil, "power brightness color", "ON 100 #ff0000 370 0"},
		{"hsb with fractions", "color", "30.5,99.5,0.2", nil, "power brightness color", "ON 1 #ff8201 370 0"},
		{"hsb 0 turns off", "color", "60,100,0", [][2]string{{"power", "ON"}}, "power brightness color", "OFF 0 #ffff00 370 0"},
		{"black", "color", "#000000", [][2]string{{"power", "ON"}}, "color", "ON 100 #000000 370 0"},

		{"mired", "ct", "153", nil, "power brightness ct", "ON 100 #ffffff 153 0"},
		{"mired high", "ct", "500", [][2]string{{"brightness", "3"}}, "ct", "ON 3 #ffffff 500 0"},
		{"kelvin", "ct", "2700K", nil, "power brightness", "ON 100 #ffffff 370 0"},
		{"kelvin low", "ct", "2000k", nil, "power brightness ct", "ON 100 #ffffff 500 0"},
		{"kelvin high", "ct", "6536K", nil, "power brightness ct", "ON 100 #ffffff 153 0"},
		{"ct keeps the colour", "ct", "200", [][2]string{{"color", "#ff8800"}}, "ct", "ON 100 #ff8800 200 0"},

		{"transition", "transition", "2.5", nil, "transition", "OFF 0 #ffffff 370 2.5"},
		{"transition 60", "transition", "60", nil, "transition", "OFF 0 #ffffff 370 60"},
		{"transition to the ms", "transition", "0.0014", nil, "transition", "OFF 0 #ffffff 370 0.001"},
		{"transition 0", "transition", "0", [][2]string{{"transition", "3"}}, "transition", "OFF 0 #ffffff 370 0"},
	} {
		d := makeDevice(t, "light", 1, 0, nil)
		for _, c := range test.before {
			do(t, d, c[0], c[1])
		}
		if got := do(t, d, test.attr, test.payload); got != test.changed {
			t.Errorf("%s: Do(%s, %q) = %q; want %q", test.name, test.attr, test.payload, got, test.changed)
		}
		var values []string
		for _, a := range d.Kind().Attributes {
			if a.Name != "level" { // TestLightFade's
				values = append(values, value(t, d, a.Name))
			}
		}
		if got := strings.Join(values, " "); got != test.want {
			t.Errorf("%s: after Do(%s, %q): %s; want %s", test.name, test.attr, test.payload, got, test.want)
		}
	}
}

func TestLightRefuses(t *testing.T) {
	long := strings.Repeat("9", 65535)
	for attr, payloads := range map[string][]string{
		"power":      {"YES", "3", "O N", "ONN", "-1", "on off", "\x00", long},
		"brightness": {"101", "abc", "50.5", "+0.5", "NaN", "Inf", "0x10", "1e1", "1_0", "50%", "+", "-", "1 0", long},
		"color": {"#", "#ff880", "#ff88000", "#gg0000", "ff8800", "red", "1,2", "1,2,3,4", "361,0,0", "0,101,0", "0,0,101",
			"-1,0,0", "+1,0,0", ",,", "1,,3", "NaN,1,1", "#\u0661\u0661\u0661", long, "#" + long},
		"ct":         {"152", "501", "1999K", "6537K", "K", "-200", "+200", "200.5", "2700.5K", "2700KK", "2700 K", "NaN", long},
		"transition": {"60.001", "-1", "+1", "1s", "NaN", "61", long},
	} {
		for _, p := range payloads {
			d := makeDevice(t, "light", 1, 0, map[string]any{"power": "ON", "brightness": 40.0})
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

func TestLightFade(t *testing.T) {
	d := makeDevice(t, "light", 1, 0, nil)
	do(t, d, "transition", "10")
	if got := do(t, d, "brightness", "80"); got != "power brightness" {
		t.Errorf("Do(brightness, 80) at the start of a fade = %q; want power brightness", got)
	}
	for i, want := range []string{"0", "8", "16", "24"} {
		if got := value(t, d, "level"); got != want {
			t.Errorf("level %d s into the fade = %s; want %s", i, got, want)
		}
		if got := value(t, d, "brightness"); got != "80" || telemetry(t, d)["brightness"] != 80.0 {
			t.Errorf("brightness = %s, in the telemetry %v; want 80, which it fades to", got, telemetry(t, d)["brightness"])
		}
		if got, want := d.Next(), time.Duration(10-i)*time.Second; got != want {
			t.Errorf("Next() %d s into the fade = %v; want %v", i, got, want)
		}
		if c := d.Step(time.Second); c != 0 {
			t.Errorf("Step in a fade = %q; want nothing", changed(d, c))
		}
	}
	// 4 s in at 32 %; a new transition is for the next change only, and +10
	// counts from the target.
	do(t, d, "transition", "5")
	if got := do(t, d, "brightness", "+10"); got != "brightness" {
		t.Errorf("Do(brightness, +10) in a fade = %q; want brightness", got)
	}
	d.Step(2500 * time.Millisecond)
	if got := value(t, d, "level"); got != "61" { // 32 + (90-32)/2
		t.Errorf("level half way from 32 to 90 = %s; want 61", got)
	}
	if got := do(t, d, "brightness", "90"); got != "" || d.Next() != 2500*time.Millisecond {
		t.Errorf("the same target again = %q, Next() %v; want nothing and the fade to go on", got, d.Next())
	}
	if got := changed(d, d.Step(time.Minute)); got != "brightness" || value(t, d, "brightness") != "90" {
		t.Errorf("Step past the end = %q, %s; want brightness, 90", got, value(t, d, "brightness"))
	}
	if d.Next() != Never || d.Step(time.Hour) != 0 {
		t.Errorf("after the fade: Next() = %v; want Never and no changes", d.Next())
	}
	// Off fades too: the power is off at once, the level is 0 at the end.
	if got := do(t, d, "power", "OFF"); got != "power brightness" || value(t, d, "power") != "OFF" || value(t, d, "brightness") != "0" || value(t, d, "level") != "90" {
		t.Errorf("OFF with a fade = %q, %s, level %s; want power brightness, 0, and the present level", got, value(t, d, "brightness"), value(t, d, "level"))
	}
	d.Step(time.Second)
	do(t, d, "transition", "0")
	if got := do(t, d, "brightness", "72"); got != "power brightness" {
		t.Errorf("a change at once that ends a fade at its present level = %q; want power brightness", got)
	}
}

func TestLightDraw(t *testing.T) {
	d := makeDevice(t, "light", 1, 0, nil)
	w := d.(*light)
	for _, test := range []struct {
		attr, payload string
		want          float64
	}{
		{"power", "OFF", 0.4}, {"power", "ON", 9}, {"brightness", "50", 0.4 + 8.6*math.Pow(0.5, 1.4)},
		{"brightness", "1", 0.4 + 8.6*math.Pow(0.01, 1.4)}, {"color", "#ff0000", 0.4 + 8.6*math.Pow(0.01, 1.4)},
		{"brightness", "100", 9}, {"color", "#330000", 0.4 + 8.6*math.Pow(0.2, 1.4)}, {"color", "#000000", 0.4}, {"ct", "153", 9},
	} {
		do(t, d, test.attr, test.payload)
		if got := w.watts(); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("watts() after %s %s = %v; want %v", test.attr, test.payload, got, test.want)
		}
	}
	if got, want := string(d.AppendTelemetry(nil)),
		`{"power":"ON","brightness":100,"level":100,"color_mode":"white","color":"#000000","ct":153,"kelvin":6536,"transition":0,"lumen":806,"watts":9.00}`; got != want {
		t.Errorf("AppendTelemetry = %s; want %s", got, want)
	}
	do(t, d, "color", "#00ff00")
	if got := telemetry(t, d)["color_mode"]; got != "color" {
		t.Errorf("color_mode after a colour = %v; want color", got)
	}
}

func TestFullColor(t *testing.T) {
	for _, test := range []struct {
		h, s float64
		want string
	}{
		{0, 100, "#ff0000"}, {60, 100, "#ffff00"}, {120, 100, "#00ff00"}, {180, 100, "#00ffff"}, {240, 100, "#0000ff"},
		{300, 100, "#ff00ff"}, {360, 100, "#ff0000"}, {0, 0, "#ffffff"}, {30, 100, "#ff8000"}, {200, 60, "#66ccff"}, {330, 100, "#ff0080"},
	} {
		if got := string(appendHex(nil, fullColor(test.h, test.s))); got != test.want {
			t.Errorf("fullColor(%v, %v) = %s; want %s", test.h, test.s, got, test.want)
		}
	}
}

// What is momentary is told to who asks, and cannot be set; no command nor any time that passes
// reports it.
func TestMomentary(t *testing.T) {
	for kind, at := range map[string]string{"light": "level", "plug": "watts"} {
		d := makeDevice(t, kind, 1, 0, nil)
		i := index(t, d, at)
		if a := d.Kind().Attributes[i]; !a.Momentary || !a.ReadOnly {
			t.Errorf("%s of a %s: momentary %v, read only %v; want both", at, kind, a.Momentary, a.ReadOnly)
		}
		if _, err := d.Do(i, []byte("5")); err == nil {
			t.Errorf("%s of a %s can be set; want an error", at, kind)
		}
		for range 100 {
			c, err := d.Do(index(t, d, "power"), []byte("TOGGLE"))
			if c |= d.Step(time.Minute); err != nil || c.Has(i) {
				t.Errorf("%s of a %s is reported, or %v", at, kind, err)
			}
			if got, want := value(t, d, at), telemetry(t, d)[at]; got != fmt.Sprintf(map[string]string{"level": "%.0f", "watts": "%.1f"}[at], want) {
				t.Errorf("%s of a %s is %s, and %v in the telemetry; want the same", at, kind, got, want)
			}
		}
	}
}
