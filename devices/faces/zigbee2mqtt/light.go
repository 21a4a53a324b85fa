package zigbee2mqtt

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"homefleet/devices"
)

// full is the highest brightness.
const full = 254

// light is what the bridge remembers of a lamp beside its model, which counts in per
// cent, knows one colour, and is dark while it is off: the brightness to the last of 254
// steps, also while off, and the colour in the terms in which it was given.
type light struct {
	on         bool
	brightness int
	last       int // brightness that ON returns to after brightness 0
	mired      float64
	mode       string // color_temp, xy or hs
	x, y       float64
	hasXY      bool
	hue, sat   float64
	hasHS      bool
	startup    any                // color_temp_startup; nil: never set
	seen       devices.LightState // the model's, last

	moving float64   // steps of brightness a second
	since  time.Time // when it began to move
	halts  bool      // the move is over, and the lamp not yet read
}

func newLight(model devices.Device) *light {
	l := &light{mode: "color_temp", brightness: full, last: full}
	l.follow(&member{model: model})
	l.last = l.brightness
	return l
}

// seen is the model's state, less what is of one command.
func seen(m *member) (s devices.LightState) {
	if model, ok := m.model.(devices.Light); ok {
		s = model.LightState()
		s.Transition = 0
	}
	return s
}

// percent is a brightness in the model's terms. What is not dark is never 0.
func percent(brightness int) int {
	if brightness <= 0 {
		return 0
	}
	return max(1, int(math.Round(float64(brightness)*100/full)))
}

// follow takes over what the model says that is not of the bridge's doing: a hand's, or
// the model's own. It reports whether there was any. The end of a fade that the bridge
// ordered is none.
func (l *light) follow(m *member) bool {
	s, before := seen(m), l.seen
	if s == before {
		return false
	}
	l.seen = s
	l.on = s.On
	if s.Level != before.Level && int(s.Level) != percent(l.brightness) || l.brightness == 0 && s.On {
		l.brightness = int(math.Round(float64(s.Level) * full / 100))
		l.last = l.brightness
	}
	switch {
	case s.ColorRules && (!before.ColorRules || s.Color != before.Color):
		x, y := rgb{float64(s.Color[0]) / 255, float64(s.Color[1]) / 255, float64(s.Color[2]) / 255}.linear().xy()
		l.chroma(x, y)
	case !s.ColorRules && (before.ColorRules || s.CT != before.CT):
		l.white(float64(s.CT))
	}
	return true
}

// dim sets the brightness and switches accordingly, in seconds; brightness 0 is off.
func (l *light) dim(m *member, to int, seconds float64) {
	if to > 0 {
		l.last = to
	}
	l.brightness, l.on = to, to > 0
	_ = m.do("transition", strconv.FormatFloat(min(max(seconds, 0), 60), 'f', 3, 64))
	_ = m.do("brightness", strconv.Itoa(percent(to)))
	_ = m.do("transition", "0")
}

// turn switches and leaves the brightness.
func (l *light) turn(m *member, on bool, seconds float64) {
	switch {
	case on && l.brightness == 0:
		l.dim(m, l.last, seconds)
	case on:
		l.dim(m, l.brightness, seconds)
	default:
		l.on = false
		_ = m.do("transition", strconv.FormatFloat(min(max(seconds, 0), 60), 'f', 3, 64))
		_ = m.do("power", "OFF")
		_ = m.do("transition", "0")
	}
}

// whiten sets the colour temperature. A lamp that is off stays off.
func (l *light) whiten(m *member, mired float64) {
	l.white(mired)
	_ = m.do("ct", strconv.Itoa(int(math.Round(mired))))
	l.keepOff(m)
}

// white remembers a colour temperature, in the other terms as well.
func (l *light) white(mired float64) {
	l.mired, l.mode = mired, "color_temp"
	if l.hasXY || l.hasHS {
		l.x, l.y = xyOf(mired)
		l.x, l.y = places(l.x, 4), places(l.y, 4)
		l.hasXY = true
		if l.hasHS {
			l.hue, l.sat = fromXY(l.x, l.y).hs()
		}
	}
}

// keepOff switches the model off again where its own colour commands have switched it on.
func (l *light) keepOff(m *member) {
	if !l.on {
		_ = m.do("power", "OFF")
	}
}

// paint sets the colour by its chromaticity.
func (l *light) paint(m *member, x, y float64) { l.painted(m, l.chroma(x, y)) }

// chroma remembers a chromaticity, in the other terms as well, and returns its colour.
func (l *light) chroma(x, y float64) rgb {
	l.x, l.y, l.hasXY, l.mode = places(x, 4), places(y, 4), true, "xy"
	c := fromXY(x, y)
	if l.hasHS {
		l.hue, l.sat = c.hs()
	}
	l.mired = clampMired(miredOf(l.x, l.y))
	return c
}

// tint sets the colour by hue and saturation.
func (l *light) tint(m *member, hue, sat float64) {
	l.hue, l.sat, l.hasHS, l.mode = hue, sat, true, "hs"
	c := fromHS(hue, sat)
	x, y := c.xy()
	l.x, l.y, l.hasXY = places(x, 4), places(y, 4), true
	l.mired = clampMired(miredOf(l.x, l.y))
	l.painted(m, c)
}

func (l *light) painted(m *member, c rgb) {
	c = c.gamma()
	_ = m.do("color", fmt.Sprintf("#%02x%02x%02x", channel(c.r), channel(c.g), channel(c.b)))
	l.keepOff(m)
}

func channel(f float64) uint8 { return uint8(math.Round(min(max(f, 0), 1) * 255)) }

// The range of the colour temperature, in mired.
const coolest, warmest = 153, 500

// halt ends a move that is over, and reports whether there was one.
func (l *light) halt(m *member, now time.Time) bool {
	if !l.halts {
		return false
	}
	l.halts = false
	to := min(max(float64(l.brightness)+l.moving*now.Sub(l.since).Seconds(), 1), full)
	l.moving = 0
	l.dim(m, int(math.Round(to)), 0)
	l.seen = seen(m)
	return true
}

func (l *light) appendState(dst []byte, m *member) []byte {
	dst = l.appendShared(append(dst, '{'))
	if l.startup != nil {
		dst = append(sorted(append(dst, `"color_temp_startup":`...), l.startup), ',')
	}
	dst = append(dst, `"effect":null,`...)
	dst = m.appendPowerOn(m.appendLinkquality(dst))
	return append(appendWord(append(dst, `"state":`...), l.on), '}')
}

// put adds some of what groups follow to an update.
func (l *light) put(u *object, keys ...string) {
	for _, key := range keys {
		switch key {
		case "state":
			u.set(key, onOff(l.on))
		case "brightness":
			u.set(key, l.brightness)
		case "color_mode":
			u.set(key, l.mode)
		case "color_temp":
			u.set(key, l.mired)
		case "color":
			if c := l.colour(); c != nil {
				u.set(key, c)
			}
		}
	}
}

// colour is the colour in all terms that are known; nil: none was ever given.
func (l *light) colour() *object {
	if !l.hasXY && !l.hasHS {
		return nil
	}
	c := &object{}
	if l.hasHS {
		c = members("h", l.hue, "hue", l.hue, "s", l.sat, "saturation", l.sat)
	}
	c.set("x", l.x)
	c.set("y", l.y)
	return c
}

// appendShared appends what a light and its groups have in common, less the state.
func (l *light) appendShared(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `"brightness":`...), int64(l.brightness), 10)
	if c := l.colour(); c != nil {
		dst = sorted(append(dst, `,"color":`...), c)
	}
	dst = append(dst, `,"color_mode":"`+l.mode+`","color_temp":`...)
	return append(appendNumber(dst, l.mired), ',')
}
