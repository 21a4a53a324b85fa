package faces

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices"
)

// arguments are those of a component's method, as they were written.
type arguments struct {
	id, on, toggleAfter, brightness, offset, mode, rgb, ct, transition []byte
}

func (a *arguments) parse(params []byte) error {
	if len(params) == 0 {
		return nil
	}
	o, ok := parseObject(params)
	if !ok {
		return missingArgument("params")
	}
	for key, value, more := o.next(); more; key, value, more = o.next() {
		switch string(key) {
		case "id":
			a.id = value
		case "on":
			a.on = value
		case "toggle_after":
			a.toggleAfter = value
		case "brightness":
			a.brightness = value
		case "offset":
			a.offset = value
		case "mode":
			a.mode = value
		case "rgb":
			a.rgb = value
		case "ct":
			a.ct = value
		case "transition_duration":
			a.transition = value
		}
	}
	return nil
}

// jsonFlag reads a value that is true or false.
func jsonFlag(value []byte) (on, ok bool) {
	return string(value) == "true", string(value) == "true" || string(value) == "false"
}

// seconds reads a duration that may be missing; it is 0 then.
func seconds(name string, value []byte) (float64, error) {
	if value == nil {
		return 0, nil
	}
	f, ok := jsonNumber(value)
	if !ok || f < 0 {
		return 0, missingArgument(name)
	}
	return f, nil
}

func (s *shelly) setSwitch(t *Talk, me *Member, w *writer, a *arguments) error {
	on, ok := jsonFlag(a.on)
	if !ok {
		return missingArgument("on")
	}
	after, err := seconds("toggle_after", a.toggleAfter)
	if err != nil {
		return err
	}
	was := s.isOn(me)
	if err := s.turn(t, me, on); err != nil {
		return err
	}
	s.setTimer(t, s.memory(me), after)
	w.open('{')
	w.flag("was_on", was)
	w.close('}')
	return nil
}

// wholeIn reads a number without a fraction within limits.
func wholeIn(value []byte, least, most float64) (int, bool) {
	f, ok := jsonNumber(value)
	return int(f), ok && f == math.Trunc(f) && f >= least && f <= most
}

// setLight checks all arguments before anything is done.
func (s *shelly) setLight(t *Talk, me *Member, a *arguments) error {
	before := me.Model.(devices.Light).LightState()
	on, level, kelvin := before.On, -1, 0
	var rgb []byte
	var ok bool
	if a.on != nil {
		if on, ok = jsonFlag(a.on); !ok {
			return missingArgument("on")
		}
	}
	if a.brightness != nil {
		if level, ok = wholeIn(a.brightness, 0, 100); !ok {
			return missingArgument("brightness")
		}
	} else if a.offset != nil {
		offset, ok := wholeIn(a.offset, -100, 100)
		if !ok {
			return missingArgument("offset")
		}
		level = min(max(int(before.Level)+offset, 1), 100)
	}
	if a.ct != nil {
		if kelvin, ok = wholeIn(a.ct, shellyWarmest, shellyCoolest); !ok {
			return missingArgument("ct")
		}
	}
	if a.rgb != nil {
		var c []int
		if json.Unmarshal(a.rgb, &c) != nil || len(c) != 3 || slices.Min(c) < 0 || slices.Max(c) > 255 {
			return missingArgument("rgb")
		}
		rgb = appendHex([]byte{'#'}, []byte{byte(c[0]), byte(c[1]), byte(c[2])}, lowerHex)
	}
	if mode, given := jsonText(a.mode); a.mode != nil {
		switch {
		case !given || mode != "rgb" && mode != "cct":
			return missingArgument("mode")
		case mode == "rgb" && rgb == nil:
			rgb = appendHex([]byte{'#'}, before.Color[:], lowerHex)
		case mode == "cct" && kelvin == 0:
			kelvin = s.kelvin(me, before.CT)
		}
	}
	after, err := seconds("toggle_after", a.toggleAfter)
	if err != nil {
		return err
	}
	fade, err := seconds("transition_duration", a.transition)
	if err != nil {
		return err
	}
	if level == 0 {
		on, level = false, -1
	}
	return s.light(t, me, before, on, level, kelvin, rgb, after, fade)
}

// The range of a bulb's white, in kelvin.
const shellyWarmest, shellyCoolest = 2700, 6500

// light has the model do what a checked request wants. The model's own colour commands
// switch a lamp on: one that is to be off is switched off in the end.
func (s *shelly) light(t *Talk, me *Member, before devices.LightState, on bool, level, kelvin int, rgb []byte, after, fade float64) error {
	if err := s.set(t, me, "transition", strconv.FormatFloat(min(fade, 60), 'f', 3, 64)); err != nil {
		return err
	}
	mem := s.memory(me)
	if kelvin > 0 && (rgb == nil || !before.ColorRules) {
		if err := s.set(t, me, "ct", strconv.Itoa(kelvin)+"K"); err != nil {
			return err
		}
		mem.kelvin = uint16(kelvin)
	}
	if rgb != nil && kelvin == 0 {
		if err := s.set(t, me, "color", string(rgb)); err != nil {
			return err
		}
	}
	if level > 0 {
		if err := s.set(t, me, "brightness", strconv.Itoa(level)); err != nil {
			return err
		}
	}
	if s.isOn(me) != on {
		if err := s.turn(t, me, on); err != nil {
			return err
		}
	}
	if err := s.set(t, me, "transition", "0"); err != nil {
		return err
	}
	s.setTimer(t, mem, after)
	return nil
}

// kelvin is a colour temperature as it was asked for, if that is the model's mired.
func (s *shelly) kelvin(me *Member, mired uint16) int {
	if k := s.memory(me).kelvin; k > 0 && uint16(math.Round(1e6/float64(k))) == mired {
		return int(k)
	}
	return int(min(max(math.Round(1e6/float64(max(mired, 1))), shellyWarmest), shellyCoolest))
}

// CheckRequest implements [Selective].
func (s *shelly) CheckRequest(attr int, value string) error {
	switch name := s.Kind.Attributes[attr].Name; {
	case value == "":
		return nil
	case name == "load":
		return errors.New("load is an input of the simulation, of which a Shelly knows nothing")
	case name == "color" && strings.Contains(value, ","):
		return errors.New("a Shelly has colours of red, green and blue only: want #rrggbb")
	case name == "ct" && (value[0] == '+' || value[0] == '-'):
		return errors.New("no parameter of a Shelly changes ct by so much: want the value itself")
	}
	return nil
}

// shellyParams is a controller's value as parameters of Set.
func shellyParams(attribute, value string) string {
	switch attribute {
	case "power":
		return `"on":` + strconv.FormatBool(strings.EqualFold(value, "ON") || value == "1" || strings.EqualFold(value, "true"))
	case "brightness":
		if strings.HasPrefix(value, "+") || strings.HasPrefix(value, "-") {
			return `"offset":` + strings.TrimPrefix(value, "+")
		}
		return `"brightness":` + number(value) + `,"on":` + strconv.FormatBool(value != "0")
	case "ct":
		if k, ok := strings.CutSuffix(strings.ToUpper(value), "K"); ok {
			return `"ct":` + number(k) + `,"on":true`
		}
		if mired, err := strconv.ParseFloat(value, 64); err == nil && mired > 0 {
			return `"ct":` + strconv.Itoa(int(math.Round(1e6/mired))) + `,"on":true`
		}
	case "color":
		if c, err := strconv.ParseUint(strings.TrimPrefix(value, "#"), 16, 24); err == nil && len(value) == 7 {
			return `"rgb":[` + strconv.Itoa(int(c>>16)) + "," + strconv.Itoa(int(c>>8&255)) + "," + strconv.Itoa(int(c&255)) + `],"on":true`
		}
	case "transition":
		return `"transition_duration":` + number(value)
	}
	return strconv.Quote(attribute) + ":" + strconv.Quote(value)
}

// number is a text as a JSON number, and if it is none as a string.
func number(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
		return strconv.Quote(text)
	}
	return text
}

// fading returns how long a light still fades. What is told of it is its target.
func fading(me *Member) (time.Duration, bool) {
	if next := me.Model.Next(); next != devices.Never && next < time.Hour {
		_, light := me.Model.(devices.Light)
		return next, light
	}
	return 0, false
}
