package zigbee2mqtt

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// errNone says that a device has no such attribute.
var errNone error = fault("no converter")

// errReadOnly says that an attribute cannot be set.
var errReadOnly error = fault("cannot be set")

// set carries out the members of a message in their order. It returns what groups follow
// of that, and whether there is a state to tell. name is whom errors are about: the
// member, or the group that the message is to.
func (b *Bridge) set(m *member, msg *object, a *answering, name string) (u *object, tell bool) {
	u = &object{}
	done := make(map[string]bool) // members that go together count once
	faults := 0
	for i, key := range msg.keys {
		if faults == mostFaults {
			break
		}
		var told bool
		var err error
		switch m.kind() {
		case "light":
			told, err = m.light.set(m, msg, key, msg.values[i], done, u, b.now)
		case "plug":
			told, err = m.setPlug(msg, key, msg.values[i], u)
		default:
			told, err = m.setThermostat(key, msg.values[i])
		}
		if err != nil {
			faults++
		}
		key = cut(key)
		switch {
		case err == nil:
			tell = tell || told
		case errors.Is(err, errNone):
			b.fail(a, "No converter available for '"+key+"' on '"+name+"': ("+shown(msg.values[i])+")")
		case errors.Is(err, errReadOnly):
			b.fail(a, "No converter available for 'set' '"+key+"' ("+shown(msg.values[i])+")")
		default:
			b.fail(a, "Publish 'set' '"+key+"' to '"+name+"' failed: 'Error: "+err.Error()+"'")
		}
	}
	if m.light != nil {
		m.light.seen = seen(m)
	}
	return u, tell
}

// mostFaults is how many errors of one message are told. The real one tells of all.
const mostFaults = 100

// numeric reads a number, or a text that is one.
func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsInf(v, 0)
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	return 0, false
}

// word reads a text without regard to case.
func word(v any) string {
	s, _ := v.(string)
	return strings.ToLower(s)
}

// choose is a text of a list, or an error that names the list.
func choose(v any, list []string) (string, error) {
	if s, ok := v.(string); ok && slices.Contains(list, strings.ToLower(s)) {
		return strings.ToLower(s), nil
	}
	return "", fault("Key '" + strings.Trim(shown(v), `"`) + "' not found in: [" + strings.Join(list, ", ") + "]")
}

var powerOnWords = []string{"off", "on", "toggle", "previous"}

func (m *member) setPowerOn(v any) (bool, error) {
	w, err := choose(v, powerOnWords)
	if err != nil {
		return false, err
	}
	m.powerOn = w
	return true, nil
}

func stateError(msg *object) error {
	return fault("State value of message: '" + shown(msg) + "' invalid, must be 'ON', 'OFF' or 'TOGGLE'")
}

func (m *member) setPlug(msg *object, key string, v any, u *object) (bool, error) {
	switch key {
	case "state":
		switch word(v) {
		case "on", "off", "toggle":
			_ = m.do("power", strings.ToUpper(word(v)))
			u.set("state", onOff(m.on()))
			return true, nil
		}
		return false, stateError(msg)
	case "power_on_behavior":
		return m.setPowerOn(v)
	case "power", "voltage", "current", "energy":
		return false, errReadOnly
	}
	return false, errNone
}

func (m *member) setThermostat(key string, v any) (bool, error) {
	refused := func(attribute string, value any) error {
		return fault("ZCL command " + m.ieee + "/1 hvacThermostat.write({\"" + attribute + "\":" + shown(value) +
			"}, {\"timeout\":10000,\"disableResponse\":false,\"disableRecovery\":false,\"disableDefaultResponse\":true,\"direction\":0,\"reservedBits\":0,\"writeUndiv\":false}) failed (Status 'INVALID_VALUE')")
	}
	switch key {
	case "occupied_heating_setpoint":
		f, ok := numeric(v)
		if !ok {
			kind := "object"
			switch v.(type) {
			case string:
				kind = "string"
			case bool:
				kind = "boolean"
			}
			return false, fault("'occupied_heating_setpoint' is not a number, got " + kind + " (" + strings.Trim(shown(v), `"`) + ")")
		}
		if m.do("target", strconv.FormatFloat(math.Round(f*2)/2, 'f', 1, 64)) != nil {
			return false, refused("occupiedHeatingSetpoint", math.Round(f*100))
		}
		return true, nil
	case "system_mode":
		switch word(v) {
		case "off", "heat", "auto":
			_ = m.do("mode", word(v))
			return true, nil
		}
		return false, refused("systemMode", v)
	case "local_temperature", "running_state":
		return false, errReadOnly
	}
	return false, errNone
}
