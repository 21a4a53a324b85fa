package faces

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// words turns a legal value of the property into the model's words.
func (p *homieProperty) words(payload []byte) (string, bool) {
	text := string(payload[:min(len(payload), 64)])
	if len(payload) > 64 {
		return "", false
	}
	switch p.datatype {
	case "boolean":
		off, on, _ := strings.Cut(p.format, ",")
		if p.attribute == "power" {
			off, on = "OFF", "ON"
		}
		if text == "true" {
			return on, true
		}
		return off, text == "false"
	case "enum":
		for word := range strings.SplitSeq(p.format, ",") {
			if word == text {
				return text, true
			}
		}
		return "", false
	case "color":
		return homieColor(text)
	}
	f, ok := homieNumber(text, p.datatype == "integer")
	low, rest, _ := strings.Cut(p.format, ":")
	high, step, stepped := strings.Cut(rest, ":")
	least, _ := strconv.ParseFloat(low, 64)
	most, _ := strconv.ParseFloat(high, 64)
	if stepped {
		by, _ := strconv.ParseFloat(step, 64)
		f = least + math.Round((f-least)/by)*by
	}
	return strconv.FormatFloat(f, 'f', -1, 64), ok && f >= least && f <= most
}

// homieNumber reads a number: digits, with a sign before them only if it is a minus; one
// that is not whole may have a point and an exponent.
func homieNumber(text string, whole bool) (float64, bool) {
	digits := strings.TrimPrefix(text, "-")
	allowed := "0123456789"
	if !whole {
		allowed += ".eE+-"
	}
	if digits == "" || strings.Trim(digits, allowed) != "" || digits[0] == '+' || digits[0] == '-' {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// homieColor reads rgb,<0-255>,... or hsv,<0-360>,<0-100>,<0-100>.
func homieColor(text string) (string, bool) {
	parts := strings.Split(text, ",")
	if len(parts) != 4 {
		return "", false
	}
	limits := map[string][3]float64{"rgb": {255, 255, 255}, "hsv": {360, 100, 100}}
	most, ok := limits[parts[0]]
	if !ok {
		return "", false
	}
	var c [3]byte
	for i, part := range parts[1:] {
		f, ok := homieNumber(part, false)
		if !ok || f < 0 || f > most[i] {
			return "", false
		}
		c[i] = byte(math.Round(min(f, 255)))
	}
	if parts[0] == "hsv" {
		return strings.Join(parts[1:], ","), true
	}
	return string(appendHex([]byte{'#'}, c[:], lowerHex)), true
}

// propertyOf is the property of an attribute; one that there is not has its name.
func (h *homie) propertyOf(attr int) *homieProperty {
	name := h.Kind.Attributes[attr].Name
	for i := range h.properties {
		if p := &h.properties[i]; p.attribute == name || p.attribute == "" && p.reading == name {
			return &h.properties[i]
		}
	}
	return &homieProperty{name: name}
}

// CheckRequest implements [Selective].
func (h *homie) CheckRequest(attr int, value string) error {
	name := h.Kind.Attributes[attr].Name
	p := h.propertyOf(attr)
	switch {
	case p.datatype == "":
		return errors.New(name + " is no property of a " + h.node + " of Homie's")
	case value == "":
		return nil
	case !p.settable:
		return errors.New("the property " + p.name + " of a " + h.node + " cannot be set")
	case p.datatype == "boolean" && strings.EqualFold(value, "TOGGLE"):
		return errors.New("no value of Homie's toggles: want ON or OFF")
	case p.datatype != "color" && p.datatype != "boolean" && (value[0] == '+' || value[0] == '-'):
		return errors.New("no value of Homie's is by how much: want the value itself")
	}
	return nil
}

// AppendRequest implements [Requester]. Homie has no TOGGLE and no changes such as
// +10: the device refuses them. An empty payload asks, which is not of the convention.
func (h *homie) AppendRequest(topic, payload []byte, w *Who, attr int, value string) ([]byte, []byte) {
	p := h.propertyOf(attr)
	topic = append(append(append(h.appendRoot(topic, w), '/'), h.node...), '/')
	topic = append(append(topic, p.name...), "/set"...)
	switch {
	case p.datatype == "boolean" && (strings.EqualFold(value, "ON") || value == "open"):
		value = "true"
	case p.datatype == "boolean" && (strings.EqualFold(value, "OFF") || value == "closed"):
		value = "false"
	case p.datatype == "color" && len(value) == 7 && value[0] == '#':
		if c, err := strconv.ParseUint(value[1:], 16, 24); err == nil {
			value = "rgb," + strconv.Itoa(int(c>>16)) + "," + strconv.Itoa(int(c>>8&255)) + "," + strconv.Itoa(int(c&255))
		}
	case p.datatype == "color" && value != "":
		value = "hsv," + value
	}
	return topic, append(payload, value...)
}
