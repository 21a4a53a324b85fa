package devices

import (
	"math"
	"strconv"
	"time"
)

// light is a lamp with one dimmer for white and colour.
//
// What its commands mean, where firmwares differ:
//   - power and brightness, which is the level it is to have, change at once; the
//     level gets there by a linear fade, whose end is reported as brightness once
//     more. While off both are 0, and ON returns to the last brightness.
//   - A relative change counts from the target, so that two of +10 in a fade
//     are +20, and stops at 0 and 100.
//   - color and ct turn the light on. Each keeps its last value while the
//     other rules; color_mode in the telemetry says which rules. A colour
//     leaves the level alone, except that the third number of h,s,b is the
//     level. The colour is reported as the hue and saturation at full value,
//     or exactly as given by #rrggbb.
//   - The light given off is the level times the strongest channel of the
//     colour, so #400000 is dimmer than #ff0000 and #000000 is dark.
//
// The fields are laid out to fill 32 bytes.
type light struct {
	p    *lightParams
	left time.Duration // of the fade; 0: none

	from       float32 // level at which the fade began
	fade       uint16  // duration of the fade in ms
	transition uint16  // of the next fade in ms
	ct         uint16  // mired
	target     uint8   // level in per cent, 0 while off
	last       uint8   // level that ON returns to, never 0
	rgb        [3]uint8
	flags      uint8
}

const (
	lightOn    = 1 << iota
	colorRules // the colour is shown, not the white
)

func newLight(p *lightParams) *light {
	l := &light{p: p, transition: p.transition, ct: p.ct, last: p.level, rgb: [3]uint8{255, 255, 255}}
	if p.on {
		l.flags, l.target = lightOn, p.level
	}
	return l
}

func (l *light) Kind() *Kind { return &lightKind }

func (l *light) on() bool { return l.flags&lightOn != 0 }

// level is the present level in per cent.
func (l *light) level() float64 {
	if l.left == 0 {
		return float64(l.target)
	}
	rest := float64(l.left) / float64(time.Duration(l.fade)*time.Millisecond)
	return float64(l.target) + (float64(l.from)-float64(l.target))*rest
}

// shown is the present level as it is told.
func (l *light) shown() uint8 { return uint8(math.Round(l.level())) }

// lightReport is every value a light reports, so that two can be compared.
type lightReport struct {
	on         bool
	brightness uint8
	rgb        [3]uint8
	ct         uint16
	transition uint16
}

func (l *light) report() lightReport {
	return lightReport{l.on(), l.target, l.rgb, l.ct, l.transition}
}

func (l *light) Do(attr int, payload []byte) (Changes, error) {
	value, done, err := startCommand(&lightKind, attr, payload)
	if done {
		return 0, err
	}
	before, faded := l.report(), l.left > 0
	switch attr {
	case lightPower:
		err = l.doPower(value)
	case lightBrightness:
		err = l.doBrightness(value)
	case lightColor:
		err = l.doColor(value)
	case lightCT:
		err = l.doCT(value)
	case lightTransition:
		err = l.doTransition(value)
	}
	if err != nil {
		return 0, err
	}
	c := before.changes(l.report())
	if faded && l.left == 0 {
		// The fade ended here, and its end is reported.
		c |= 1 << lightBrightness
	}
	return c, nil
}

func (r lightReport) changes(s lightReport) Changes {
	var c Changes
	if r.on != s.on {
		c |= 1 << lightPower
	}
	if r.brightness != s.brightness {
		c |= 1 << lightBrightness
	}
	if r.rgb != s.rgb {
		c |= 1 << lightColor
	}
	if r.ct != s.ct {
		c |= 1 << lightCT
	}
	if r.transition != s.transition {
		c |= 1 << lightTransition
	}
	return c
}

func (l *light) doPower(value []byte) error {
	on, ok := parsePower(value, l.on())
	if !ok {
		return refuse(&lightKind, lightPower, value, notUnderstood)
	}
	l.turn(on)
	return nil
}

func (l *light) doBrightness(value []byte) error {
	f, signed, ok := parseNumber(value)
	switch {
	case !ok:
		return refuse(&lightKind, lightBrightness, value, notANumber)
	case !isWhole(f):
		return refuse(&lightKind, lightBrightness, value, notWhole)
	case signed:
		f = min(max(float64(l.target)+f, 0), 100)
	case f > 100:
		return refuse(&lightKind, lightBrightness, value, outOfRange)
	}
	l.dim(uint8(f))
	return nil
}

func (l *light) doColor(value []byte) error {
	if value[0] == '#' {
		rgb, ok := parseHex(value[1:])
		if !ok {
			return refuse(&lightKind, lightColor, value, "is not # and six hexadecimal digits")
		}
		l.rgb = rgb
		l.flags |= colorRules
		l.turn(true)
		return nil
	}
	h, s, b, ok := parseHSB(value)
	if !ok {
		return refuse(&lightKind, lightColor, value, "is not a colour")
	}
	if h > 360 || s > 100 || b > 100 {
		return refuse(&lightKind, lightColor, value, outOfRange)
	}
	l.rgb = fullColor(h, s)
	l.flags |= colorRules
	level := math.Round(b)
	if b > 0 {
		level = max(level, 1)
	}
	l.dim(uint8(level))
	return nil
}

func (l *light) doCT(value []byte) error {
	digits, kelvin := value, false
	if n := len(value) - 1; lower(value[n]) == 'k' {
		digits, kelvin = value[:n], true
	}
	f, signed, ok := parseNumber(digits)
	switch {
	case !ok || signed:
		return refuse(&lightKind, lightCT, value, "is not a colour temperature")
	case !isWhole(f):
		return refuse(&lightKind, lightCT, value, notWhole)
	case kelvin && (f < minKelvin || f > maxKelvin), !kelvin && (f < minMired || f > maxMired):
		return refuse(&lightKind, lightCT, value, outOfRange)
	case kelvin:
		f = math.Round(1e6 / f)
	}
	l.ct = uint16(f)
	l.flags &^= colorRules
	l.turn(true)
	return nil
}

func (l *light) doTransition(value []byte) error {
	f, signed, ok := parseNumber(value)
	switch {
	case !ok || signed:
		return refuse(&lightKind, lightTransition, value, notANumber)
	case f > maxTransition:
		return refuse(&lightKind, lightTransition, value, outOfRange)
	}
	l.transition = uint16(math.Round(f * 1000))
	return nil
}

// turn switches the light; it is a no-op for a light that is so already.
func (l *light) turn(on bool) {
	switch {
	case on == l.on():
	case on:
		l.dim(l.last)
	default:
		l.dim(0)
	}
}

// dim sets the target level, switches the light accordingly and begins the
// fade. A fade to that very level goes on as it was.
func (l *light) dim(to uint8) {
	if to > 0 {
		l.flags |= lightOn
		l.last = to
	} else {
		l.flags &^= lightOn
	}
	if to == l.target {
		return
	}
	from := l.level()
	l.target, l.left = to, 0
	if l.transition > 0 && from != float64(to) {
		l.from = float32(from)
		l.fade = l.transition
		l.left = time.Duration(l.fade) * time.Millisecond
	}
}

func (l *light) Step(dt time.Duration) Changes {
	if dt <= 0 || l.left == 0 {
		return 0
	}
	if dt < l.left {
		l.left -= dt
		return 0
	}
	l.left = 0
	return 1 << lightBrightness
}

// Next is the end of the fade: the levels on the way are not reported.
func (l *light) Next() time.Duration {
	if l.left == 0 {
		return Never
	}
	return l.left
}

// output is the light given off now, 0 to 1.
func (l *light) output() float64 {
	out := l.level() / 100
	if l.flags&colorRules != 0 {
		out *= float64(max(l.rgb[0], l.rgb[1], l.rgb[2])) / 255
	}
	return out
}

// watts is the active power drawn now: standby + (full - standby) * output^exponent.
func (l *light) watts() float64 {
	out := l.output()
	if out == 0 {
		return l.p.standby
	}
	return l.p.standby + (l.p.full-l.p.standby)*math.Pow(out, l.p.exponent)
}

func (l *light) AppendValue(dst []byte, attr int) []byte {
	switch attr {
	case lightPower:
		return append(dst, powerWord(l.on())...)
	case lightBrightness:
		return strconv.AppendUint(dst, uint64(l.target), 10)
	case lightColor:
		return appendHex(dst, l.rgb)
	case lightCT:
		return strconv.AppendUint(dst, uint64(l.ct), 10)
	case lightTransition:
		return strconv.AppendFloat(dst, float64(l.transition)/1000, 'f', -1, 64)
	case lightLevel:
		return strconv.AppendUint(dst, uint64(l.shown()), 10)
	}
	return dst
}

func (l *light) AppendTelemetry(dst []byte) []byte {
	mode := "white"
	if l.flags&colorRules != 0 {
		mode = "color"
	}
	dst = append(dst, '{')
	dst = appendTextMember(dst, "power", powerWord(l.on()))
	dst = l.AppendValue(appendName(dst, "brightness"), lightBrightness)
	dst = l.AppendValue(appendName(dst, "level"), lightLevel)
	dst = appendTextMember(dst, "color_mode", mode)
	dst = append(appendName(dst, "color"), '"')
	dst = append(appendHex(dst, l.rgb), '"')
	dst = l.AppendValue(appendName(dst, "ct"), lightCT)
	dst = appendNumberMember(dst, "kelvin", 1e6/float64(l.ct), 0)
	dst = l.AppendValue(appendName(dst, "transition"), lightTransition)
	for i, v := range l.readings() {
		dst = appendReading(dst, &lightReadings[i], v)
	}
	return append(dst, '}')
}

// readings are the values of lightReadings.
func (l *light) readings() [len(lightReadings)]float64 {
	return [...]float64{l.p.lumen * l.output(), l.watts()}
}

// AppendReadings implements [Measures].
func (l *light) AppendReadings(dst []float64) []float64 {
	all := l.readings()
	return append(dst, all[:]...)
}
