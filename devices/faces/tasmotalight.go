package faces

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"

	"homefleet/devices"
)

const (
	mostSpeed                  = 40
	coolestMired, warmestMired = 153, 500
	tasmotaMiredStep           = 34
)

// mireds is the range of the light's white, which SetOption82 makes narrower.
func (m *tasmotaMemory) mireds() (cool, warm int) {
	if m.option(optionAlexaRange) {
		return 200, 380
	}
	return coolestMired, warmestMired
}

// tellLight replies with the state of the light, after a command to it.
func (s *tasmota) tellLight(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	c.said = true
	state := mem.option(optionTeleOnPower)
	m, w := s.beginResult(t, me, c)
	s.lightState(&w, me, false)
	m.More = state
	s.endResult(t, c, m, &w)
	if state {
		s.tellState(t, me, c)
	}
	mem.told = me.Model.(devices.Light).LightState()
}

// lightState writes the members that say how the light is. all is with those that STATE
// alone has.
func (s *tasmota) lightState(w *writer, me *Member, all bool) {
	mem, now := s.memory(me), me.Model.(devices.Light).LightState()
	hue, saturation, bright := mem.colour(&now)
	channels := lightChannels(&now)
	white := 0
	if !now.ColorRules {
		white = int(now.Level)
	}
	w.text("POWER", onOff(now.On))
	w.integer("Dimmer", int(now.Level))
	w.key("Color")
	w.b = append(w.b, '"')
	for i, c := range channels {
		if !mem.option(optionDecimal) {
			w.b = appendHex(w.b, []byte{c}, upperHex)
			continue
		}
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = strconv.AppendInt(w.b, int64(c), 10)
	}
	w.b = append(w.b, '"')
	w.key("HSBColor")
	w.b = strconv.AppendInt(append(w.b, '"'), int64(hue), 10)
	w.b = strconv.AppendInt(append(w.b, ','), int64(saturation), 10)
	w.b = append(strconv.AppendInt(append(w.b, ','), int64(bright), 10), '"')
	w.integer("White", white)
	w.integer("CT", int(now.CT))
	w.key("Channel")
	w.b = append(w.b, '[')
	for i, c := range channels {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = strconv.AppendInt(w.b, int64(percentOf(c)), 10)
	}
	w.b = append(w.b, ']')
	if all {
		w.integer("Scheme", int(mem.scheme))
		w.text("Fade", onOff(mem.fade))
		w.integer("Speed", int(mem.speed))
		w.text("LedTable", "ON")
	}
}

// fading does something to the light that takes it to a level, within the time that Fade
// and Speed give it: Speed is half seconds from 0 to 100 %, or with SetOption117 for any
// change. Speed2 holds for one change.
func (s *tasmota) fading(t *Talk, me *Member, level int, do func() error) error {
	mem, before := s.memory(me), me.Model.(devices.Light).LightState()
	fade, speed := mem.fade, mem.speed
	if mem.speedIsSet {
		fade, speed = mem.speedOnce > 0, mem.speedOnce
	}
	if !fade {
		return do()
	}
	from := 0
	if before.On {
		from = int(before.Level)
	} else if level == 0 {
		return do()
	}
	share := math.Abs(float64(level-from)) / 100
	if before.On && level == from { // on its way off
		share = float64(level) / 100
	}
	if mem.option(optionFixedFade) {
		share = 1
	}
	seconds := min(float64(speed)*0.5*share, 60)
	if err := s.set(t, me, "transition", strconv.FormatFloat(seconds, 'f', 3, 64)); err != nil {
		return err
	}
	err := do()
	mem.speedIsSet = false
	if again := s.set(t, me, "transition", "0"); err == nil {
		err = again
	}
	return err
}

// light has the model show a colour or a white at a level; what is negative stays as it
// is. It goes on, unless SetOption20 keeps it off; at level 0 it goes off.
func (s *tasmota) light(t *Talk, me *Member, level int, attribute, value string) bool {
	mem, before := s.memory(me), me.Model.(devices.Light).LightState()
	mem.scheme = 0
	if level < 0 {
		level = int(before.Level)
	}
	stays := !before.On && mem.option(optionNotLinked)
	err := s.fading(t, me, level, func() error {
		if attribute != "" {
			if err := s.set(t, me, attribute, value); err != nil {
				return err
			}
		}
		return s.set(t, me, "brightness", strconv.Itoa(level))
	})
	if err == nil && stays {
		err = s.set(t, me, "power", "OFF")
	}
	return err == nil
}

// colour shows a hue and a saturation at a level.
func (s *tasmota) colour(t *Talk, me *Member, hue, saturation, level int) bool {
	rgb := devices.FullColor(float64(hue), float64(saturation))
	if !s.light(t, me, level, "color", "#"+hex.EncodeToString(rgb[:])) {
		return false
	}
	mem := s.memory(me)
	mem.hue, mem.saturation = uint16(hue), uint8(saturation)
	return true
}

// white shows a white.
func (s *tasmota) white(t *Talk, me *Member, mired, level int) bool {
	return s.light(t, me, level, "ct", strconv.Itoa(mired))
}

// step is a value that is a change from a present one: + or - and how much, or by much
// alone. ok is false if it is none.
func (c *tasmotaCall) step(from, by int) (to int, ok bool) {
	if len(c.data) == 0 || c.data[0] != '+' && c.data[0] != '-' {
		return 0, false
	}
	if len(c.data) > 1 {
		n, err := strconv.ParseUint(string(c.data[1:min(len(c.data), 6)]), 10, 16)
		if err != nil || n == 0 {
			return 0, false
		}
		by = int(n)
	}
	if c.data[0] == '-' {
		by = -by
	}
	return from + by, true
}

func (s *tasmota) doDimmer(t *Talk, me *Member, c *tasmotaCall) {
	mem, now := s.memory(me), me.Model.(devices.Light).LightState()
	level, ok := c.within(0, 100)
	if to, relative := c.step(int(now.Level), int(mem.dimmerStep)); relative {
		level, ok = min(max(to, 1), 100), true
	}
	switch string(c.data) {
	case "<":
		level, ok = 1, true
	case ">":
		level, ok = 100, true
	case "!":
		s.stopFade(t, me)
	case "+", "-":
	default:
		if ok && len(c.data) > 0 && (c.data[0] == '+' || c.data[0] == '-') && level < 1 {
			ok = false
		}
	}
	if ok && !s.light(t, me, level, "", "") {
		return
	}
	s.tellLight(t, me, c)
}

// stopFade leaves the light as it is on its way.
func (s *tasmota) stopFade(t *Talk, me *Member) {
	if _, fades := fading(me); !fades {
		return
	}
	attr, _ := s.Kind.Attribute([]byte("brightness"))
	if level := string(me.Model.AppendValue(nil, attr)); level != "0" {
		_ = s.set(t, me, "brightness", level) // as it said itself
	}
}

func (s *tasmota) doCT(t *Talk, me *Member, c *tasmotaCall) {
	mem, now := s.memory(me), me.Model.(devices.Light).LightState()
	cool, warm := coolestMired, warmestMired
	mired, ok := c.within(cool, warm)
	switch string(c.data) {
	case "+":
		mired, ok = min(int(now.CT)+tasmotaMiredStep, warm), true
	case "-":
		mired, ok = max(int(now.CT)-tasmotaMiredStep, cool), true
	}
	if low, high := mem.mireds(); ok && !s.white(t, me, min(max(mired, low), high), -1) {
		return
	}
	s.tellLight(t, me, c)
}

func (s *tasmota) doWhite(t *Talk, me *Member, c *tasmotaCall) {
	now := me.Model.(devices.Light).LightState()
	if level, ok := c.within(0, 100); ok && !s.white(t, me, int(now.CT), level) {
		return
	}
	s.tellLight(t, me, c)
}

func (s *tasmota) doHSB(t *Talk, me *Member, c *tasmotaCall) {
	mem, now := s.memory(me), me.Model.(devices.Light).LightState()
	hue, saturation, bright := mem.colour(&now)
	if !now.ColorRules {
		bright = int(now.Level)
	}
	if len(c.data) > 0 {
		parts := [3]*int{&hue, &saturation, &bright}
		if c.indexed && c.index >= 2 && c.index <= 3 {
			n, _ := c.number()
			*parts[c.index-1] = n
		} else {
			rest := c.data
			for i := 0; i < 3 && len(rest) > 0; i++ {
				var one []byte
				one, rest, _ = bytes.Cut(rest, []byte{','})
				*parts[i], _ = (&tasmotaCall{data: trim(one)}).number()
			}
		}
		hue, saturation, bright = min(max(hue, 0), 360), min(max(saturation, 0), 100), min(max(bright, 0), 100)
		if !s.colour(t, me, hue, saturation, bright) {
			return
		}
	}
	s.tellLight(t, me, c)
}

func (s *tasmota) doColor(t *Talk, me *Member, c *tasmotaCall) {
	if c.index < 1 || c.index > 2 {
		return
	}
	now := me.Model.(devices.Light).LightState()
	if want, ok := c.channels(lightChannels(&now)); ok {
		level := -1
		if c.index == 2 {
			level = int(now.Level)
		}
		if !s.show(t, me, want, level) {
			return
		}
	}
	s.tellLight(t, me, c)
}

func (s *tasmota) doChannel(t *Talk, me *Member, c *tasmotaCall) {
	if c.index < 1 || c.index > 5 {
		return
	}
	now := me.Model.(devices.Light).LightState()
	want := lightChannels(&now)
	i := c.index - 1
	n, ok := c.within(0, 100)
	if to, relative := c.step(percentOf(want[i]), 10); relative && len(c.data) == 1 {
		n, ok = min(max(to, 1), 100), true
	}
	if ok {
		want[i] = byte(math.Round(float64(n) * 255 / 100))
		if i < 3 {
			want[3], want[4] = 0, 0
		} else {
			want[0], want[1], want[2] = 0, 0, 0
		}
		if !s.show(t, me, want, -1) {
			return
		}
	}
	s.tellLight(t, me, c)
}

func (s *tasmota) doScheme(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if n, ok := c.within(0, 4); ok {
		if !s.isOn(me) && !s.turn(t, me, true) {
			return
		}
		mem.scheme = uint8(n)
	}
	s.replyNumber(t, me, c, int(mem.scheme))
}

func (s *tasmota) doFade(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if n, ok := c.within(0, 2); ok && c.index == 2 { // for the next change alone, as Speed2 is
		mem.speedIsSet, mem.speedOnce = true, 0
		if n > 0 {
			mem.speedOnce = mem.speed
		}
	} else if ok {
		mem.fade = n == 1 || n == 2 && !mem.fade
	}
	s.replyText(t, me, c, onOff(mem.fade))
}

func (s *tasmota) doSpeed(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if c.index == 2 {
		if n, ok := c.within(0, mostSpeed); ok {
			mem.speedOnce, mem.speedIsSet = uint8(n), true
		}
		if string(c.data) == "!" {
			mem.speedIsSet = false
		}
		s.replyNumber(t, me, c, int(mem.speedOnce))
		return
	}
	n, ok := c.within(1, mostSpeed)
	switch string(c.data) { // faster is less
	case "+":
		n, ok = max(int(mem.speed)-1, 1), true
	case "-":
		n, ok = min(int(mem.speed)+1, mostSpeed), true
	}
	if ok {
		mem.speed = uint8(n)
	}
	s.replyNumber(t, me, c, int(mem.speed))
}

func (s *tasmota) doDimmerStep(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if n, ok := c.number(); ok {
		mem.dimmerStep = uint8(min(max(n, 1), 50))
	}
	s.replyNumber(t, me, c, int(mem.dimmerStep))
}
