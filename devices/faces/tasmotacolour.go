package faces

import (
	"bytes"
	"encoding/hex"
	"math"

	"homefleet/devices"
)

// colour is the hue, the saturation and the brightness of the light's colour: as they were
// asked for, if the model's colour is that.
func (m *tasmotaMemory) colour(now *devices.LightState) (hue, saturation, bright int) {
	if devices.FullColor(float64(m.hue), float64(m.saturation)) != now.Color {
		h, s := devices.HueSaturation(now.Color)
		m.hue, m.saturation = uint16(math.Round(h))%361, uint8(math.Round(s))
	}
	if now.ColorRules {
		m.bright = now.Level
	}
	return int(m.hue), int(m.saturation), int(m.bright)
}

// lightChannels are red, green, blue, cold and warm white, 0 to 255, as they are while the
// light is on.
func lightChannels(now *devices.LightState) (c [5]byte) {
	bright := math.Round(float64(now.Level) * 255 / 100)
	if now.ColorRules {
		for i, full := range now.Color {
			c[i] = byte(math.Round(float64(full) * bright / 255))
		}
		return c
	}
	warm := math.Round(bright * float64(int(now.CT)-coolestMired) / (warmestMired - coolestMired))
	c[3], c[4] = byte(bright-warm), byte(warm)
	return c
}

// percentOf is a channel in per cent, at least 1 if there is any light.
func percentOf(c byte) int {
	if c == 0 {
		return 0
	}
	return max(1, int(math.Round(float64(c)*100/255)))
}

// channels reads r,g,b,... or #rrggbb... with as many channels as there may be. With a =
// at the end the others stay as they are.
func (c *tasmotaCall) channels(now [5]byte) (want [5]byte, ok bool) {
	data := c.data
	if len(data) > 32 || len(data) == 0 {
		return want, false
	}
	for len(data) > 0 && data[len(data)-1] == '=' {
		data, want = data[:len(data)-1], now
	}
	if bytes.IndexByte(data, ',') >= 0 {
		for i := 0; i < len(want) && len(data) > 0; i++ {
			var one []byte
			one, data, _ = bytes.Cut(data, []byte{','})
			n, _ := (&tasmotaCall{data: trim(one)}).number()
			want[i] = byte(min(max(n, 0), 255))
		}
		return want, true
	}
	data = bytes.TrimPrefix(data, []byte{'#'})
	if len(data) < 6 || len(data) > 10 || len(data)%2 != 0 {
		return want, false
	}
	var room [5]byte
	n, err := hex.Decode(room[:], data)
	copy(want[:], room[:n])
	return want, err == nil
}

// show shows channels, colour before white, at a level, or as bright as they are.
func (s *tasmota) show(t *Talk, me *Member, want [5]byte, level int) bool {
	rgb := [3]uint8{want[0], want[1], want[2]}
	if most := max(rgb[0], rgb[1], rgb[2]); most > 0 {
		hue, saturation := devices.HueSaturation(rgb)
		if level < 0 {
			level = percentOf(most)
		}
		full := rgb
		for i := range full {
			full[i] = uint8(math.Round(float64(rgb[i]) * 255 / float64(most)))
		}
		if !s.light(t, me, level, "color", "#"+hex.EncodeToString(full[:])) {
			return false
		}
		mem := s.memory(me)
		mem.hue, mem.saturation = uint16(math.Round(hue)), uint8(math.Round(saturation))
		return true
	}
	cold, warm := float64(want[3]), float64(want[4])
	if cold+warm == 0 {
		return s.light(t, me, 0, "", "")
	}
	if level < 0 {
		level = min(max(1, int(math.Round((cold+warm)*100/255))), 100)
	}
	return s.white(t, me, coolestMired+int(math.Round(warm/(cold+warm)*(warmestMired-coolestMired))), level)
}
