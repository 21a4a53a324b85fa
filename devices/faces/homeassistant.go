package faces

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"homefleet/devices"
)

// homeAssistantFace announces devices by Home Assistant's MQTT discovery. What that
// takes is from its documentation of the MQTT integration, and from what Home Assistant
// 2025.1.4 was seen to do with it.
var homeAssistantFace = Face{
	Name:     "home-assistant",
	Doc:      "Home Assistant's MQTT discovery: light (JSON schema), climate, switch and their sensors.",
	Keys:     []string{"base_topic", "discovery_prefix", "discovery", "manufacturer", "model"},
	Defaults: Options{BaseTopic: "homefleet", DiscoveryPrefix: "homeassistant", Discovery: "device", Manufacturer: "homefleet"},
	Retains:  true,
	// Home Assistant shows nothing of a sensor that it has not heard of since it started.
	Telemetry: time.Minute,
	Missing: []string{
		"effects, flash and white of a light: none is announced",
		"presets, humidity and fan modes of climate: a thermostat has none",
		"a device that takes itself back by an empty configuration",
	},
	New: func(s Settings) (Voice, error) {
		h := &homeAssistant{Settings: s}
		switch s.Kind.Name {
		case "light", "thermostat", "plug":
			return h, nil
		}
		return nil, fmt.Errorf("a %s has no component of Home Assistant here; it has light, thermostat and plug", s.Kind.Name)
	},
}

// homeAssistant is the voice of devices that Home Assistant discovers:
//
//	<base>/<id>/set               a light's JSON, or ON and OFF of a plug
//	<base>/<id>/set/<attribute>   a value as plain text; nothing asks for the state
//	<base>/<id>/state             the state, as JSON
//	<base>/<id>/sensors           what is measured, as JSON
//	<base>/<id>/availability      online, offline
//	<prefix>/device/<id>/config   what the device is
//	<prefix>/status               heard: Home Assistant has started
type homeAssistant struct{ Settings }

func (h *homeAssistant) topic(id, leaf string) string { return h.BaseTopic + "/" + id + "/" + leaf }

func (h *homeAssistant) AppendFilters(dst []string, w *Who, wildcards bool) []string {
	dst = h.appendFilters(dst, w.ID, wildcards)
	for _, g := range h.Groups {
		dst = h.appendFilters(dst, g, wildcards)
	}
	if h.Discovery != "none" {
		dst = append(dst, h.DiscoveryPrefix+"/status")
	}
	return dst
}

func (h *homeAssistant) appendFilters(dst []string, name string, wildcards bool) []string {
	if wildcards {
		return append(dst, h.topic(name, "set/#")) // set itself, too (4.7.1.2)
	}
	dst = append(dst, h.topic(name, "set"))
	for i := range h.Kind.Attributes {
		dst = append(dst, h.topic(name, "set/"+h.Kind.Attributes[i].Name))
	}
	return dst
}

func (h *homeAssistant) Owns(w *Who, topic []byte) bool {
	_, ok := h.command(w, topic)
	return ok
}

func (h *homeAssistant) Reports() Reports {
	states, sensors := h.topic("+", "state"), h.topic("+", "sensors")
	r := Reports{Presence: Presence{Topic: h.topic("{id}", "availability"), Online: "online", Offline: "offline"}, All: []string{states, sensors, h.topic("+", "availability")}, Telemetry: []string{sensors}}
	if h.Retain {
		r.Retained = []string{states, sensors}
	}
	switch h.Discovery {
	case "device":
		r.Retained = append(r.Retained, h.DiscoveryPrefix+"/device/+/config")
	case "components":
		r.Retained = append(r.Retained, h.DiscoveryPrefix+"/+/+/+/config")
	}
	return r
}

func (h *homeAssistant) Outline(w *Who) Outline {
	o := Outline{Commands: h.topic(w.ID, "set/<attribute>"), States: h.topic(w.ID, "state"), Telemetry: h.topic(w.ID, "sensors")}
	if h.Kind.Name == "light" {
		o.Commands = h.topic(w.ID, "set") + ", " + o.Commands
	}
	return o
}

// command returns what follows <base>/<id>/set in a topic: nothing, or an attribute.
func (h *homeAssistant) command(w *Who, topic []byte) (attribute []byte, ok bool) {
	rest, ok := bytes.CutPrefix(topic, []byte(h.BaseTopic))
	if !ok || len(rest) == 0 || rest[0] != '/' {
		return nil, false
	}
	rest = rest[1:]
	inner, ok := beneath(rest, w.ID)
	for i := 0; !ok && i < len(h.Groups); i++ {
		inner, ok = beneath(rest, h.Groups[i])
	}
	if !ok {
		return nil, false
	}
	return beneath(inner, "set")
}

// Hear obeys a command, which is answered with the state, and notes that Home Assistant
// has started, which is told everything anew: not by all devices at once.
func (h *homeAssistant) Hear(t *Talk, topic, payload []byte) bool {
	me := t.Me()
	name, ok := h.command(&me.Who, topic)
	if !ok {
		prefix, birth := bytes.CutSuffix(topic, []byte("/status"))
		if birth = birth && h.Discovery != "none" && string(prefix) == h.DiscoveryPrefix; birth && string(payload) == "online" {
			t.Later(time.Duration(t.Out.Draw()*float64(birthJitter)), sayAllAgain)
		}
		return birth
	}
	err := t.Refusal
	if err == nil {
		err = h.obey(t, me, name, payload)
	}
	if attr, known := h.Kind.Attribute(name); err == nil && known && len(trim(payload)) == 0 && h.measured(attr) {
		if m := h.readings(t, Answer); m != nil {
			m.Reply = Instead
			t.Say(m)
			return true
		}
	}
	m := h.state(t, Answer)
	m.Reply, m.Fault = Also, err
	if err != nil {
		m.Reply = Only // nothing has changed for anybody else
	}
	t.Say(m)
	return true
}

// What this face says later.
const (
	sayAllAgain = Later1 // Home Assistant has started
	sayState    = Later2 // it has had the time to subscribe to what was announced
)

const (
	birthJitter = 10 * time.Second
	settling    = 5 * time.Second // for Home Assistant to subscribe to what it has discovered
)

func (h *homeAssistant) obey(t *Talk, me *Member, name, payload []byte) error {
	attr, known := h.Kind.Attribute(name)
	switch {
	case len(trim(payload)) == 0 && (known || len(name) == 0):
		return nil // it asks for the state
	case known:
		_, err := t.Do(me, attr, payload)
		return err
	case len(name) > 0:
		return NewAttributeError(name, h.Kind)
	}
	if _, isLight := me.Model.(devices.Light); isLight {
		return h.light(t, me, payload)
	}
	attr, known = h.Kind.Attribute([]byte("power"))
	if !known {
		return errors.New("there is nothing to set by " + shorten(payload))
	}
	_, err := t.Do(me, attr, payload)
	return err
}

// Tell says the state when it has changed, and everything when the device connects or
// Home Assistant has started.
func (h *homeAssistant) Tell(t *Talk, o Occasion, changed devices.Changes) {
	switch o {
	case Changed:
		if changed != 0 {
			t.Say(h.state(t, State))
		}
	case Online, sayAllAgain:
		if h.Discovery != "none" {
			h.announce(t)
			t.Later(settling, sayState)
		}
		if o == sayAllAgain {
			t.Say(t.Message(Here))
		}
		t.Say(h.state(t, State))
		h.sensors(t)
	case sayState:
		t.Say(h.state(t, State))
		h.sensors(t)
	case Reported:
		h.sensors(t)
	}
}

// AppendAnswerTopic implements [Answerer]: there is one state of all attributes, but for
// those that are measured.
func (h *homeAssistant) AppendAnswerTopic(dst []byte, w *Who, attr int) []byte {
	if h.measured(attr) {
		return h.appendTopic(dst, w, "/sensors")
	}
	return h.appendTopic(dst, w, "/state")
}

func (h *homeAssistant) appendTopic(dst []byte, w *Who, last string) []byte {
	return append(append(append(append(dst, h.BaseTopic...), '/'), w.ID...), last...)
}

// measured reports whether an attribute is among what a device measures and not in its state,
// such as a plug's watts: who asks for it is answered with all that it measures.
func (h *homeAssistant) measured(attr int) bool {
	name := h.Kind.Attributes[attr].Name
	return h.Kind.Name == "plug" && name != "power" && slices.ContainsFunc(h.Kind.Readings, func(r devices.Reading) bool { return r.Name == name })
}

// state returns the message with the device's state.
func (h *homeAssistant) state(t *Talk, a About) *Message {
	me := t.Me()
	m := t.Message(a)
	m.Topic = h.appendTopic(m.Topic, &me.Who, "/state")
	m.Slot, m.JSON, m.QoS, m.Retain = 0, true, h.QoS, h.Retain
	w := writer{m.Payload}
	w.open('{')
	switch d := me.Model.(type) {
	case devices.Light:
		s := d.LightState()
		w.text("state", onOff(s.On))
		w.integer("brightness", int(s.Level))
		if s.ColorRules {
			hue, saturation := devices.HueSaturation(s.Color)
			w.text("color_mode", "hs")
			w.key("color")
			w.open('{')
			w.number("h", hue, 2)
			w.number("s", saturation, 2)
			w.close('}')
		} else {
			w.text("color_mode", "color_temp")
			w.integer("color_temp", int(s.CT))
		}
	case devices.Thermostat:
		s := d.ThermostatState()
		w.text("mode", s.Mode)
		w.number("target", s.Target, 1)
		w.number("temperature", s.Temperature, 1)
		w.text("action", action(&s))
		w.text("window", onOff(s.Open))
	case devices.Relay:
		w.text("state", onOff(d.IsOn()))
	}
	w.close('}')
	m.Payload = w.b
	return m
}

// sensors says what the device measures.
func (h *homeAssistant) sensors(t *Talk) {
	if m := h.readings(t, Telemetry); m != nil {
		t.Say(m)
	}
}

// readings returns the message with what the device measures; nil if it measures nothing.
func (h *homeAssistant) readings(t *Talk, a About) *Message {
	me := t.Me()
	d, ok := me.Model.(devices.Measures)
	if !ok {
		return nil
	}
	m := t.Message(a)
	m.Topic = h.appendTopic(m.Topic, &me.Who, "/sensors")
	m.JSON, m.QoS, m.Retain = true, h.QoS, h.Retain
	t.values = d.AppendReadings(t.values[:0])
	w := writer{m.Payload}
	w.open('{')
	for i := range h.Kind.Readings {
		r := &h.Kind.Readings[i]
		w.number(r.Name, t.values[i], r.Decimals)
	}
	w.close('}')
	m.Payload = w.b
	return m
}

// action is what a thermostat does, in Home Assistant's words.
func action(s *devices.ThermostatState) string {
	switch {
	case s.Heating:
		return "heating"
	case s.Mode == "off":
		return "off"
	}
	return "idle"
}

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

// AppendRequest implements [Requester].
func (h *homeAssistant) AppendRequest(topic, payload []byte, w *Who, attr int, value string) ([]byte, []byte) {
	topic = append(append(append(append(topic, h.BaseTopic...), '/'), cmp.Or(w.Group, w.ID)...), "/set/"...)
	return append(topic, h.Kind.Attributes[attr].Name...), append(payload, value...)
}
