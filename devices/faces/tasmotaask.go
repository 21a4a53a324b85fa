package faces

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// AppendRequest implements [Requester], by one command.
func (s *tasmota) AppendRequest(topic, payload []byte, w *Who, attr int, value string) ([]byte, []byte) {
	name := s.Kind.Attributes[attr].Name
	word, data := s.asks(name, value)
	topic = append(topic, s.cmnd.before...)
	if w.Group != "" {
		topic = append(topic, w.Group...)
	} else {
		topic = s.appendName(topic, w)
	}
	return append(append(topic, s.cmnd.after...), word...), append(payload, data...)
}

// asks is a command in the words of the model as one of the firmware's.
func (s *tasmota) asks(name, value string) (word, data string) {
	switch {
	case s.Kind.Name == "thermostat":
		return asksThermostat(name, value)
	case name == "brightness":
		return "Dimmer", value
	case name == "color" && strings.Contains(value, ","):
		return "HSBColor", value
	case name == "color" && value != "":
		return "Color2", value
	case name == "color":
		return "Color", ""
	case name == "ct":
		if k, ok := strings.CutSuffix(strings.ToUpper(strings.TrimSpace(value)), "K"); ok {
			if kelvin, err := strconv.ParseFloat(k, 64); err == nil && kelvin > 0 {
				value = strconv.Itoa(int(math.Round(1e6 / kelvin)))
			}
		}
		return "CT", value
	case name == "transition" && value == "":
		return "Speed", ""
	case name == "transition":
		return "Fade", "0"
	case name == "energy" && value != "":
		return "EnergyTotal", "0"
	case name == "energy" || name == "load":
		return "EnergyTotal", ""
	}
	return "POWER", value
}

func asksThermostat(name, value string) (word, data string) {
	switch {
	case name == "target":
		return "TempTargetSet", value
	case name == "temperature":
		return "TempMeasuredRead", ""
	case name == "action" || name == "window" || name == "power" && value == "":
		return "POWER", ""
	case value == "":
		return "ThermostatModeSet", ""
	case strings.EqualFold(value, "OFF") || strings.EqualFold(value, "FALSE") || value == "0":
		return "ThermostatModeSet", "0"
	}
	return "ThermostatModeSet", "1"
}

// CheckRequest implements [Selective].
func (s *tasmota) CheckRequest(attr int, value string) error {
	relative := strings.HasPrefix(value, "+") || strings.HasPrefix(value, "-")
	switch name := s.Kind.Attributes[attr].Name; {
	case s.Kind.Attributes[attr].Momentary:
		return errors.New("no command of Tasmota's asks for " + name + " alone; it is in what the device reports")
	case name == "load":
		return errors.New("load is an input of the simulation, of which a plug with Tasmota knows nothing")
	case name == "window":
		return errors.New("window is an input of the simulation, of which a thermostat with Tasmota knows nothing")
	case name == "transition" && value != "" && value != "0":
		return errors.New("a transition is two of Tasmota's commands, Fade and Speed; want 0, which is Fade 0")
	case name == "target" && relative:
		return errors.New("no command of Tasmota's changes the target by so much; want the target itself")
	case name == "power" && s.Kind.Name == "thermostat" && (strings.EqualFold(value, "TOGGLE") || value == "2"):
		return errors.New("no command of Tasmota's toggles a thermostat; want ON or OFF")
	}
	return nil
}

// AppendAnswerTopic implements [Answerer]: each command has one RESULT.
func (s *tasmota) AppendAnswerTopic(dst []byte, w *Who, _ int) []byte {
	return s.appendTopic(dst, &s.stat, w, "RESULT")
}
