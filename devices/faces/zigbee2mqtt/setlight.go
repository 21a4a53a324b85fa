package zigbee2mqtt

import (
	"math"
	"strconv"
	"strings"
	"time"
)

var effects = []string{"blink", "breathe", "okay", "channel_change", "finish_effect", "stop_effect", "colorloop", "stop_colorloop"}

// startups are what color_temp may be called.
var whites = map[string]float64{"coolest": 153, "cool": 250, "neutral": 370, "warm": 454, "warmest": 500}

// set carries out one member of a message to a light. What groups follow of it is added
// to u.
func (l *light) set(m *member, msg *object, key string, v any, done map[string]bool, u *object, now time.Time) (bool, error) {
	seconds := m.transition(msg)
	switch key {
	case "state", "brightness", "brightness_percent":
		if done["level"] {
			return false, nil
		}
		done["level"] = true
		return l.setLevel(m, msg, seconds, u)
	case "brightness_step", "brightness_step_onoff":
		f, ok := numeric(v)
		if !ok {
			return false, fault(key + " value of message: '" + shown(msg) + "' invalid, must be a number")
		}
		l.step(m, f, key == "brightness_step_onoff", seconds)
		l.put(u, "state", "brightness")
	case "brightness_move", "brightness_move_onoff":
		return l.setMove(v, u, now)
	case "color_temp", "color_temp_percent":
		if done["white"] {
			return false, nil
		}
		done["white"] = true
		if _, colour := msg.get("color"); colour {
			return false, nil // the colour rules
		}
		mired, err := whiteOf(key, v)
		if err != nil {
			return false, err
		}
		l.whiten(m, mired)
		l.put(u, "color", "color_mode", "color_temp")
	case "color_temp_step":
		f, ok := numeric(v)
		if !ok {
			return false, fault("color_temp_step value of message: '" + shown(msg) + "' invalid, must be a number")
		}
		l.whiten(m, clampMired(l.mired+f))
		l.put(u, "color", "color_mode", "color_temp")
	case "color":
		if err := l.setColour(m, v); err != nil {
			return false, err
		}
		l.put(u, "color", "color_mode", "color_temp")
	case "color_temp_startup":
		mired, err := whiteOf(key, v)
		if word(v) == "previous" {
			mired, err = 65535, nil
		}
		if err != nil {
			return false, err
		}
		l.startup = mired
	case "effect":
		_, err := choose(v, effects[:6])
		return false, err
	case "power_on_behavior":
		return m.setPowerOn(v)
	case "hue_move", "saturation_move", "color_temp_move":
		f, _ := numeric(v)
		return f == 0, nil // the lamp stays as it is; the end of a move is told
	case "transition":
		return false, nil
	default:
		return false, errNone
	}
	return true, nil
}

// transition is how long a change of level takes, in seconds: by the message, or by the
// device's options.
func (m *member) transition(msg *object) float64 {
	for _, o := range []*object{msg, m.options} {
		if v, ok := o.get("transition"); ok {
			if f, ok := numeric(v); ok {
				return f
			}
		}
	}
	return 0
}

// setLevel carries out state, brightness and brightness_percent, which go together.
func (l *light) setLevel(m *member, msg *object, seconds float64, u *object) (bool, error) {
	state, _ := msg.get("state")
	if have(msg, "color") != nil && l.on {
		// The colour rules: whatever the message says, a lamp that is on stays on.
		if state = nil; have(msg, "brightness") == nil && have(msg, "brightness_percent") == nil {
			return false, nil
		}
	}
	brightness, dims := msg.get("brightness")
	if p, ok := msg.get("brightness_percent"); ok && !dims {
		if f, ok := numeric(p); ok {
			brightness, dims = math.Round(f*255/100), true
		} else {
			brightness, dims = p, true
		}
	}
	_, word1 := state.(string)
	if brightness == nil && !word1 {
		return false, fault(`At least one of "brightness" or "state" must have a value: '` + shown(msg) + "'")
	}
	to, want := word(state), 0
	if word1 && to != "on" && to != "off" && to != "toggle" {
		return false, stateError(msg)
	}
	if brightness != nil {
		f, ok := numeric(brightness)
		if !ok || f < 0 || f > 255 {
			return false, fault("Brightness value of message: '" + shown(msg) + "' invalid, must be a number >= 0 and =< 254")
		}
		want = min(int(math.Round(f)), full)
	}
	l.moving, l.halts = 0, false
	before := l.brightness
	switch {
	case to == "toggle":
		l.turn(m, !l.on, seconds)
	case to == "off":
		l.turn(m, false, seconds)
	case brightness != nil:
		l.dim(m, want, seconds)
	default:
		l.turn(m, true, seconds)
	}
	l.put(u, "state")
	if brightness != nil && to != "off" && to != "toggle" || l.on && before == 0 {
		l.put(u, "brightness")
	}
	return true, nil
}

// step changes the brightness by some steps. Only a step "onoff" switches.
func (l *light) step(m *member, by float64, onoff bool, seconds float64) {
	to := int(math.Round(min(max(float64(l.brightness)+by, 0), full)))
	if !onoff {
		to = max(to, 1)
		if !l.on {
			return
		}
	}
	l.dim(m, to, seconds)
}

// setMove begins or ends a movement of the brightness; only its end is told.
func (l *light) setMove(v any, u *object, now time.Time) (bool, error) {
	f, ok := numeric(v)
	if word(v) == "stop" {
		f, ok = 0, true
	}
	if !ok {
		return false, fault("brightness_move value invalid, must be a number or 'stop'")
	}
	if f != 0 {
		l.moving, l.since, l.halts = f, now, false
		return false, nil
	}
	l.halts = l.moving != 0
	l.put(u, "brightness")
	return true, nil
}

func clampMired(f float64) float64 { return min(max(math.Round(f), coolest), warmest) }

// whiteOf reads a colour temperature: mired, one of the words, or per cent of the range.
func whiteOf(key string, v any) (float64, error) {
	if key != "color_temp_percent" {
		if f, ok := whites[word(v)]; ok {
			return f, nil
		}
	}
	f, ok := numeric(v)
	if !ok {
		return 0, fault("Value is not a number, got number (NaN)")
	}
	if key == "color_temp_percent" {
		f = coolest + min(max(f, 0), 100)/100*(warmest-coolest)
	}
	return clampMired(f), nil
}

var errColour error = fault("Value does not contain valid color definition")

// setColour reads a colour in any of its forms.
func (l *light) setColour(m *member, v any) error {
	if s, ok := v.(string); ok {
		return l.setHex(m, s)
	}
	o, _ := v.(*object)
	number := func(names ...string) (float64, bool) {
		for _, name := range names {
			if v, ok := o.get(name); ok {
				return numeric(v)
			}
		}
		return 0, false
	}
	text := func(name string) (parts []float64, ok bool) {
		v, there := o.get(name)
		s, _ := v.(string)
		if !there {
			return nil, false
		}
		for part := range strings.SplitSeq(s[:min(len(s), 64)], ",") {
			f, good := numeric(part)
			if !good {
				return nil, false
			}
			parts = append(parts, f)
		}
		return parts, len(parts) == 3
	}
	x, hasX := number("x")
	y, hasY := number("y")
	r, hasR := number("r")
	g, hasG := number("g")
	blue, hasB := number("b")
	hue, hasHue := number("hue", "h")
	sat, hasSat := number("saturation", "s")
	switch {
	case hasX && hasY:
		l.paint(m, min(max(x, 0), 1), min(max(y, 0), 1))
		return nil
	case hasR && hasG && hasB:
		l.setRGB(m, r, g, blue)
		return nil
	}
	if p, ok := text("rgb"); ok {
		l.setRGB(m, p[0], p[1], p[2])
		return nil
	}
	if hex, ok := o.get("hex"); ok {
		s, _ := hex.(string)
		return l.setHex(m, s)
	}
	for _, name := range []string{"hsb", "hsv", "hsl"} {
		if p, ok := text(name); ok {
			l.setHS(m, p[0], p[1])
			return nil
		}
	}
	if hasHue || hasSat {
		if !hasHue {
			hue = l.hue
		}
		if !hasSat {
			sat = l.sat
		}
		l.setHS(m, hue, sat)
		return nil
	}
	return errColour
}

func (l *light) setHS(m *member, hue, sat float64) {
	l.tint(m, math.Mod(math.Mod(math.Round(hue), 360)+360, 360), min(max(math.Round(sat), 0), 100))
}

func (l *light) setRGB(m *member, r, g, b float64) {
	unit := func(f float64) float64 { return min(max(f, 0), 255) / 255 }
	x, y := rgb{unit(r), unit(g), unit(b)}.linear().xy()
	l.paint(m, x, y)
}

func (l *light) setHex(m *member, s string) error {
	digits := strings.TrimPrefix(s, "#")
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 6 {
		return errColour
	}
	l.setRGB(m, float64(n>>16), float64(n>>8&255), float64(n&255))
	return nil
}
