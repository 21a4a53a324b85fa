package faces

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"homefleet/devices"
)

// zigbeeTarget commands devices behind a Zigbee2MQTT that somebody else runs. Their id is
// the friendly name, which may have slashes. It hears and says nothing: it is nobody's own
// voice.
//
//	<base>/<id>/set   {"state":"ON"}
//	<base>/<id>/get   {"state":""}
//	<base>/<id>       the state, which follows each of them
type zigbeeTarget struct{ Settings }

func newZigbeeTarget(s Settings) (Voice, error) {
	switch s.Kind.Name {
	case "light", "plug", "thermostat":
		return &zigbeeTarget{s}, nil
	case "bridge":
		return nil, errors.New(`a bridge is commanded by its devices: want kind = "light", "plug" or "thermostat", and their friendly names as ids`)
	}
	return nil, errors.New("nobody knows what a " + s.Kind.Name + " is called there; want light, plug or thermostat")
}

// AppendFilters implements [Listener].
func (z *zigbeeTarget) AppendFilters(dst []string, _ *Who, _ bool) []string { return dst }

// Owns implements [Listener].
func (z *zigbeeTarget) Owns(*Who, []byte) bool { return false }

// Reports implements [Listener].
func (z *zigbeeTarget) Reports() Reports { return Reports{All: []string{z.BaseTopic + "/+"}} }

// Outline implements [Listener].
func (z *zigbeeTarget) Outline(w *Who) Outline {
	own := z.BaseTopic + "/" + w.ID
	return Outline{Commands: own + "/set, " + own + "/get", States: own, Telemetry: own}
}

// Hear implements [Speaker].
func (z *zigbeeTarget) Hear(*Talk, []byte, []byte) bool { return false }

// Tell implements [Speaker].
func (z *zigbeeTarget) Tell(*Talk, Occasion, devices.Changes) {}

// zigbeeWords are the attributes of the models in Zigbee2MQTT's words.
var zigbeeWords = map[string]string{"power": "state", "brightness": "brightness", "ct": "color_temp", "color": "color",
	"mode": "system_mode", "target": "occupied_heating_setpoint", "temperature": "local_temperature", "action": "running_state", "energy": "energy"}

// CheckRequest implements [Selective].
func (z *zigbeeTarget) CheckRequest(attr int, value string) error {
	name := z.Kind.Attributes[attr].Name
	switch {
	case zigbeeWords[name] == "" || name == "power" && z.Kind.Name == "thermostat":
		return errors.New("a " + z.Kind.Name + " behind Zigbee2MQTT has no " + name)
	case name == "energy" && value != "":
		return errors.New("no counter of energy is reset by Zigbee2MQTT")
	case name == "color" && value != "" && value[0] != '#':
		return errors.New(`want a colour as "#rrggbb"`)
	case name == "ct" && strings.HasSuffix(strings.ToUpper(strings.TrimSpace(value)), "K"):
		return errors.New("Zigbee2MQTT takes colour temperatures in mired alone")
	case name != "brightness" && value != "" && (value[0] == '+' || value[0] == '-'):
		return errors.New("want the value itself, and not by how much")
	}
	return nil
}

// AppendRequest implements [Requester].
func (z *zigbeeTarget) AppendRequest(topic, payload []byte, w *Who, attr int, value string) ([]byte, []byte) {
	topic = append(append(append(topic, z.BaseTopic...), '/'), w.ID...)
	word := zigbeeWords[z.Kind.Attributes[attr].Name]
	payload = append(append(append(payload, `{"`...), word...), `":`...)
	if value == "" {
		return append(topic, "/get"...), append(payload, `""}`...)
	}
	f, err := strconv.ParseFloat(value, 64)
	switch {
	case word == "brightness" && err == nil && (value[0] == '+' || value[0] == '-'):
		payload = append(payload[:len(payload)-len(`":`)], `_step":`...)
		payload = strconv.AppendInt(payload, int64(math.Round(f*254/100)), 10)
	case word == "brightness" && err == nil:
		payload = strconv.AppendInt(payload, int64(math.Round(f*254/100)), 10)
	case err == nil:
		payload = append(payload, value...)
	default:
		payload = strconv.AppendQuote(payload, value)
	}
	return append(topic, "/set"...), append(payload, '}')
}

// AppendAnswerTopic implements [Answerer]: there is one state of all attributes.
func (z *zigbeeTarget) AppendAnswerTopic(dst []byte, w *Who, _ int) []byte {
	return append(append(append(dst, z.BaseTopic...), '/'), w.ID...)
}
