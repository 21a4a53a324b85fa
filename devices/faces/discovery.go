package faces

import (
	"strings"
	"unicode/utf8"

	"homefleet/devices"
)

// announce says what the device is: all of it in one message, or as older versions of
// Home Assistant want it, each component in its own.
func (h *homeAssistant) announce(t *Talk) {
	me := t.Me()
	object := objectID(&me.Who)
	if h.Discovery == "components" {
		for c := range h.components() {
			m := h.config(t)
			m.Topic = append(m.Topic, h.DiscoveryPrefix+"/"+h.platform(c)+"/"+object+"/"+h.component(c)+"/config"...)
			w := writer{m.Payload}
			w.open('{')
			h.describe(&w, &me.Who)
			h.entity(&w, &me.Who, c, true)
			w.close('}')
			m.Payload = w.b
			t.Say(m)
		}
		return
	}
	m := h.config(t)
	m.Topic = append(m.Topic, h.DiscoveryPrefix+"/device/"+object+"/config"...)
	w := writer{m.Payload}
	w.open('{')
	h.describe(&w, &me.Who)
	w.key("components")
	w.open('{')
	for c := range h.components() {
		w.key(h.component(c))
		w.open('{')
		w.text("platform", h.platform(c))
		h.entity(&w, &me.Who, c, false)
		w.close('}')
	}
	w.close('}')
	w.close('}')
	m.Payload = w.b
	t.Say(m)
}

func (h *homeAssistant) config(t *Talk) *Message {
	m := t.Message(Discovery)
	m.JSON, m.QoS, m.Retain = true, 1, true
	return m
}

// describe writes what all components have in common.
func (h *homeAssistant) describe(w *writer, who *Who) {
	w.key("device")
	w.open('{')
	w.texts("identifiers", "homefleet_"+who.ID)
	w.text("name", who.ID)
	w.text("manufacturer", h.Manufacturer)
	model := h.Model
	if model == "" {
		model = h.Kind.Name
	}
	w.text("model", model)
	if who.Home != "" {
		w.text("suggested_area", who.Home)
	}
	w.close('}')
	w.key("origin")
	w.open('{')
	w.text("name", "homefleet")
	w.close('}')
	w.text("availability_topic", h.topic(who.ID, "availability"))
}

// Component 0 of a device is what it is; a thermostat's next is its window, and then
// come the sensors.

// components is how many there are.
func (h *homeAssistant) components() int { return h.firstSensor() + len(h.sensorReadings()) }

func (h *homeAssistant) firstSensor() int {
	if h.Kind.Name == "thermostat" {
		return 2
	}
	return 1
}

// sensorReadings are the readings that are sensors of their own: a thermostat's climate
// has setpoint and temperature.
func (h *homeAssistant) sensorReadings() []devices.Reading {
	if h.Kind.Name == "thermostat" {
		return h.Kind.Readings[2:]
	}
	return h.Kind.Readings
}

// component is what component c is called in its device.
func (h *homeAssistant) component(c int) string {
	switch {
	case c >= h.firstSensor():
		return h.sensorReadings()[c-h.firstSensor()].Name
	case c == 1:
		return "window"
	}
	return h.platform(0)
}

func (h *homeAssistant) platform(c int) string {
	switch {
	case c >= h.firstSensor():
		return "sensor"
	case c == 1:
		return "binary_sensor"
	}
	return map[string]string{"light": "light", "thermostat": "climate", "plug": "switch"}[h.Kind.Name]
}

// entity writes the configuration of component c. Versions of Home Assistant that want
// each component by itself take its id from object_id, newer ones from default_entity_id.
func (h *homeAssistant) entity(w *writer, who *Who, c int, old bool) {
	name := h.component(c)
	w.text("unique_id", "homefleet_"+who.ID+"_"+name)
	entity := slug(who.ID)
	if c > 0 {
		entity += "_" + name
	}
	w.text("default_entity_id", h.platform(c)+"."+entity)
	if old {
		w.text("object_id", entity)
	}
	switch state := h.topic(who.ID, "state"); {
	case c >= h.firstSensor():
		h.sensor(w, who, &h.sensorReadings()[c-h.firstSensor()])
	case c == 1:
		w.text("name", "Window")
		w.text("device_class", "window")
		w.text("state_topic", state)
		w.text("value_template", "{{ value_json.window }}")
	case h.Kind.Name == "light":
		w.null("name") // it is the device
		w.text("schema", "json")
		w.text("state_topic", state)
		w.text("command_topic", h.topic(who.ID, "set"))
		w.flag("brightness", true)
		w.integer("brightness_scale", 100)
		w.texts("supported_color_modes", "color_temp", "hs")
		w.integer("min_mireds", 153)
		w.integer("max_mireds", 500)
	case h.Kind.Name == "plug":
		w.null("name")
		w.text("device_class", "outlet")
		w.text("state_topic", state)
		w.text("value_template", "{{ value_json.state }}")
		w.text("command_topic", h.topic(who.ID, "set"))
	default:
		w.null("name")
		h.climate(w, who, state)
	}
}

func (h *homeAssistant) climate(w *writer, who *Who, state string) {
	w.texts("modes", "off", "heat", "auto")
	for _, x := range []struct{ topic, template, value string }{
		{"mode_state_topic", "mode_state_template", "mode"},
		{"temperature_state_topic", "temperature_state_template", "target"},
		{"current_temperature_topic", "current_temperature_template", "temperature"},
		{"action_topic", "action_template", "action"},
	} {
		w.text(x.topic, state)
		w.text(x.template, "{{ value_json."+x.value+" }}")
	}
	w.text("mode_command_topic", h.topic(who.ID, "set/mode"))
	w.text("temperature_command_topic", h.topic(who.ID, "set/target"))
	w.integer("min_temp", 5)
	w.integer("max_temp", 30)
	w.number("temp_step", 0.5, 1)
	w.number("precision", 0.1, 1)
	w.text("temperature_unit", "C")
}

// sensor writes the configuration of a reading. Of energy only what counts up has a
// state class: "measurement" is none that goes with it.
func (h *homeAssistant) sensor(w *writer, who *Who, r *devices.Reading) {
	w.text("name", h.title(r))
	w.text("state_topic", h.topic(who.ID, "sensors"))
	w.text("value_template", "{{ value_json."+r.Name+" }}")
	if r.Class != "" {
		w.text("device_class", string(r.Class))
	}
	if r.Unit != "" {
		w.text("unit_of_measurement", r.Unit)
	}
	switch {
	case r.Counts:
		w.text("state_class", "total_increasing")
	case r.Class != devices.Energy:
		w.text("state_class", "measurement")
	}
	w.integer("suggested_display_precision", r.Decimals)
}

// title is what people read as the name of a reading: what is measured, if no other
// reading of the kind is of the same class.
func (h *homeAssistant) title(r *devices.Reading) string {
	name, same := r.Name, 0
	for i := range h.Kind.Readings {
		if h.Kind.Readings[i].Class == r.Class {
			same++
		}
	}
	if r.Class != "" && same == 1 {
		name = string(r.Class)
	}
	name = strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

// objectID is the device's id where Home Assistant takes nothing but letters, digits,
// _ and -. Where something had to go, the MAC tells the device from others.
func objectID(w *Who) string {
	id := []byte(w.ID)
	for i, c := range id {
		if !isWord(c) && c != '-' {
			id[i] = '_'
		}
	}
	if string(id) != w.ID {
		id = w.AppendMAC(append(id, '_'))
	}
	return string(id)
}

// slug is an id as it stands in an entity's id: lower case letters, digits and _.
func slug(id string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && isWord(byte(r)) {
			return r
		}
		return '_'
	}, strings.ToLower(id))
}

func isWord(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
}
