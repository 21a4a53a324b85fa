package faces

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"homefleet/devices"
)

// lightCommand is what a message to a JSON light asks for; nil is nothing.
type lightCommand struct {
	power      []byte // ON, OFF or TOGGLE
	brightness int    // per cent; -1: nothing
	ct         int    // mired; 0: nothing
	color      [3]uint8
	hasColor   bool
	transition float64 // seconds; below 0: that of the light
}

// light obeys a message in the JSON schema. It is checked whole before anything of it
// is done.
func (h *homeAssistant) light(t *Talk, me *Member, payload []byte) error {
	c, err := parseLight(payload)
	if err != nil {
		return err
	}
	before := me.Model.(devices.Light).LightState()
	set := func(name, value string) {
		if attr, ok := h.Kind.Attribute([]byte(name)); ok && err == nil {
			_, err = t.Set(me, attr, value)
		}
	}
	if c.transition >= 0 {
		set("transition", strconv.FormatFloat(c.transition, 'f', 3, 64))
	}
	off := bytes.EqualFold(c.power, []byte("off"))
	switch {
	case off:
	case c.hasColor:
		set("color", string(appendHex([]byte{'#'}, c.color[:], upperHex)))
	case c.ct > 0:
		set("ct", strconv.Itoa(c.ct))
	}
	switch {
	case off:
		set("power", "OFF")
	case c.brightness >= 0:
		set("brightness", strconv.Itoa(c.brightness))
	case c.power != nil && !c.hasColor && c.ct == 0:
		set("power", string(c.power))
	}
	if c.transition >= 0 { // it was for this message only
		set("transition", strconv.FormatFloat(before.Transition.Seconds(), 'f', 3, 64))
	}
	return err
}

// parseLight reads a message in the JSON schema. Members that it does not know do not
// count, as with every such light.
func parseLight(payload []byte) (c lightCommand, err error) {
	c.brightness, c.transition = -1, -1
	o, ok := parseObject(payload)
	if !ok {
		return c, errors.New("the payload is not a JSON object; want one such as {\"state\":\"ON\",\"brightness\":40}")
	}
	wrong := func(name string, value []byte, want string) error {
		return fmt.Errorf("%s: %s; want %s", name, shorten(value), want)
	}
	for {
		key, value, ok := o.next()
		if !ok {
			return c, nil
		}
		n, isNumber := jsonNumber(value)
		switch string(key) {
		case "state":
			word, isWord := jsonWord(value)
			if !isWord || !bytes.EqualFold(word, []byte("ON")) && !bytes.EqualFold(word, []byte("OFF")) && !bytes.EqualFold(word, []byte("TOGGLE")) {
				return c, wrong("state", value, "\"ON\", \"OFF\" or \"TOGGLE\"")
			}
			c.power = word
		case "brightness":
			if !isNumber || n < 0 || n > 100 {
				return c, wrong("brightness", value, "0 to 100 (per cent)")
			}
			c.brightness = int(math.Round(n))
		case "color_temp":
			if !isNumber || n < 153 || n > 500 {
				return c, wrong("color_temp", value, "153 to 500 (mired)")
			}
			c.ct = int(math.Round(n))
		case "transition":
			if !isNumber || n < 0 {
				return c, wrong("transition", value, "0 or more (seconds)")
			}
			c.transition = min(n, 60) // an automation may want a sunrise of an hour, which no lamp here has
		case "color":
			if c.color, ok = parseColor(value); !ok {
				return c, wrong("color", value, "{\"h\":0-360,\"s\":0-100} or {\"r\":0-255,\"g\":0-255,\"b\":0-255}")
			}
			c.hasColor = true
		}
	}
}

// parseColor reads a colour as an object of h and s, or of r, g and b.
func parseColor(value []byte) (rgb [3]uint8, ok bool) {
	o, ok := parseObject(value)
	if !ok {
		return rgb, false
	}
	const names = "hsrgb"
	var of [len(names)]float64
	seen := 0
	for {
		key, value, more := o.next()
		if !more {
			break
		}
		i := strings.IndexByte(names, firstOf(key))
		if i < 0 {
			continue
		}
		if of[i], ok = jsonNumber(value); !ok || of[i] < 0 || of[i] > [...]float64{360, 100, 255, 255, 255}[i] {
			return rgb, false
		}
		seen |= 1 << i
	}
	switch {
	case seen&3 == 3:
		return devices.FullColor(of[0], of[1]), true
	case seen>>2 == 7:
		return [3]uint8{uint8(math.Round(of[2])), uint8(math.Round(of[3])), uint8(math.Round(of[4]))}, true
	}
	return rgb, false
}

// firstOf is a name of one letter; 0 where it has more.
func firstOf(name []byte) byte {
	if len(name) != 1 {
		return 0
	}
	return name[0]
}
