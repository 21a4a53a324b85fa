package faces

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"homefleet/devices"
)

// homieFace is the Homie convention, version 5.0.
var homieFace = Face{
	Name:          "homie",
	Doc:           "The Homie convention 5: a node for what the device is, its properties retained.",
	Keys:          []string{"base_topic"},
	Defaults:      Options{BaseTopic: "homie"},
	ObeysRetained: true,
	Retains:       true,
	Missing: []string{
		"$target, $log, $alert and $broadcast",
		"child devices: each device is a root",
		"Homie 3 and 4",
	},
	New: func(s Settings) (Voice, error) {
		h := &homie{Settings: s, node: s.Kind.Name, properties: homieProperties[s.Kind.Name]}
		if h.properties == nil {
			return nil, errors.New("a " + s.Kind.Name + " has no node of Homie here; light, thermostat and plug have")
		}
		if len(s.Groups) > 0 {
			return nil, errors.New("a device of Homie's has no further names, and so no groups")
		}
		return h, nil
	},
}

// homieProperty is a property of the node. Its value is an attribute of the model, or
// one of its readings.
type homieProperty struct {
	name, title            string
	datatype, format, unit string
	attribute              string // "": a reading
	reading                string
	settable               bool
}

var homieProperties = map[string][]homieProperty{
	"light": {
		{name: "power", title: "Power", datatype: "boolean", format: "off,on", attribute: "power", settable: true},
		{name: "brightness", title: "Brightness", datatype: "integer", format: "0:100", unit: "%", attribute: "brightness", settable: true},
		{name: "color", title: "Color", datatype: "color", format: "rgb,hsv", attribute: "color", settable: true},
		{name: "ct", title: "Color temperature", datatype: "integer", format: "153:500", unit: "MK⁻¹", attribute: "ct", settable: true},
		{name: "transition", title: "Transition", datatype: "float", format: "0:60", unit: "s", attribute: "transition", settable: true},
		{name: "watts", title: "Active power", datatype: "float", unit: "W", reading: "watts"},
	},
	"thermostat": {
		{name: "mode", title: "Mode", datatype: "enum", format: "off,heat,auto", attribute: "mode", settable: true},
		{name: "setpoint", title: "Setpoint", datatype: "float", format: "5:30:0.5", unit: "°C", attribute: "target", settable: true},
		{name: "temperature", title: "Temperature", datatype: "float", unit: "°C", attribute: "temperature"},
		{name: "action", title: "Action", datatype: "enum", format: "off,idle,heating", attribute: "action"},
		{name: "window", title: "Window", datatype: "boolean", format: "closed,open", attribute: "window", settable: true},
	},
	"plug": {
		{name: "power", title: "Power", datatype: "boolean", format: "off,on", attribute: "power", settable: true},
		{name: "watts", title: "Active power", datatype: "float", unit: "W", reading: "watts"},
		{name: "volts", title: "Voltage", datatype: "float", unit: "V", reading: "voltage"},
		{name: "amps", title: "Current", datatype: "float", unit: "A", reading: "current"},
		{name: "power-factor", title: "Power factor", datatype: "float", reading: "factor"},
		{name: "energy", title: "Energy", datatype: "float", unit: "kWh", attribute: "energy"},
	},
}

// homie is the voice of a device of the convention. <d> is <base>/5/<id>, where the id
// has nothing but a to z, 0 to 9 and -:
//
//	<d>/$state                    init, ready; disconnected, and by its Will lost
//	<d>/$description              what it is, as JSON
//	<d>/<node>/<property>         a value
//	<d>/<node>/<property>/set     a new value; with a Response Topic, nothing asks
type homie struct {
	Settings
	node       string
	properties []homieProperty
}

// CheckID implements [Particular].
func (h *homie) CheckID(id string) error {
	if id == "" || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return errors.New("ids have nothing but a to z, 0 to 9 and - there")
	}
	return nil
}

// appendRoot appends <base>/5/<id>.
func (h *homie) appendRoot(dst []byte, w *Who) []byte {
	return append(append(append(dst, h.BaseTopic...), "/5/"...), w.ID...)
}

func (h *homie) root(w *Who) string { return string(h.appendRoot(nil, w)) }

// homieQoS is that of everything retained. The convention recommends 2, and allows 1 if
// it is 1 everywhere.
const homieQoS = 1

func (h *homie) AppendFilters(dst []string, w *Who, wildcards bool) []string {
	root := h.root(w)
	if wildcards {
		return append(dst, root+"/+/+/set")
	}
	for i := range h.properties {
		if h.properties[i].settable {
			dst = append(dst, root+"/"+h.node+"/"+h.properties[i].name+"/set")
		}
	}
	return dst
}

// property returns which property a command topic is of.
func (h *homie) property(w *Who, topic []byte) (int, bool) {
	var room [128]byte
	rest, ok := bytes.CutPrefix(topic, h.appendRoot(room[:0], w))
	if !ok || len(rest) == 0 || rest[0] != '/' {
		return 0, false
	}
	rest, ok = beneath(rest[1:], h.node)
	if !ok {
		return 0, false
	}
	name, ok := bytes.CutSuffix(rest, []byte("/set"))
	if !ok {
		return 0, false
	}
	for i := range h.properties {
		if string(name) == h.properties[i].name {
			return i, true
		}
	}
	return 0, false
}

func (h *homie) Owns(w *Who, topic []byte) bool {
	_, ok := h.property(w, topic)
	return ok
}

func (h *homie) Reports() Reports {
	base := h.BaseTopic + "/5/"
	values := base + "+/" + h.node + "/+"
	r := Reports{
		Presence:  Presence{Topic: base + "{id}/$state", Online: "ready", Offline: "lost", Left: "disconnected"},
		All:       []string{base + "+/$state", values},
		Telemetry: []string{values},
		Retained:  []string{base + "+/$description"},
	}
	if h.Retain {
		r.Retained = append(r.Retained, values)
	}
	return r
}

func (h *homie) Outline(w *Who) Outline {
	value := h.root(w) + "/" + h.node + "/<property>"
	return Outline{Commands: value + "/set", States: value, Telemetry: value}
}

// Hear takes a new value. One that is illegal is ignored, as the convention wants it; who
// asked with a Response Topic is told.
func (h *homie) Hear(t *Talk, topic, payload []byte) bool {
	me := t.Me()
	i, ok := h.property(&me.Who, topic)
	if !ok {
		return false
	}
	p := &h.properties[i]
	err := t.Refusal
	if len(payload) > 0 && err == nil {
		err = h.set(t, me, p, payload)
	}
	if len(payload) == 0 || err != nil {
		m := h.value(t, me, i, Answer)
		m.Reply, m.Fault = Only, err
		t.Say(m)
		return true
	}
	m := h.value(t, me, i, Answer)
	if string(m.Payload) != string(payload) {
		// What was accepted is said as it came, and then what the value is.
		m.Payload = append(m.Payload[:0], payload...)
		t.Say(m)
		m = h.value(t, me, i, Answer)
	}
	m.Reply = Also
	t.Say(m)
	for other := range h.properties {
		if other != i && h.properties[other].attribute != "" && h.follows(p, &h.properties[other]) {
			t.Say(h.value(t, me, other, State))
		}
	}
	return true
}

// follows reports whether a property may be another when one was set: in a light,
// brightness and colours switch it on, and 0 off; in a thermostat it may heat at once.
func (h *homie) follows(set, other *homieProperty) bool {
	switch h.node {
	case "light":
		return set.name != "transition" && other.name == "power" || set.name == "color" && other.name == "brightness"
	case "thermostat":
		return other.name == "action"
	}
	return false
}

var (
	errNotSettable = errors.New("the property cannot be set")
	errIllegal     = errors.New("an illegal value for the property")
)

// set has the model take a value, in its own words.
func (h *homie) set(t *Talk, me *Member, p *homieProperty, payload []byte) error {
	if !p.settable {
		return errNotSettable
	}
	attr, ok := h.Kind.Attribute([]byte(p.attribute))
	if !ok {
		return errNotSettable
	}
	value, ok := p.words(payload)
	if !ok {
		return errIllegal
	}
	_, err := t.Set(me, attr, value)
	return err
}

// Tell says the description and all values before the device says that it is ready, and
// values as they change.
func (h *homie) Tell(t *Talk, o Occasion, changed devices.Changes) {
	me := t.Me()
	switch o {
	case Arriving:
		h.describe(t, me)
		for i := range h.properties {
			t.Say(h.value(t, me, i, State))
		}
	case Changed:
		for i := range h.properties {
			if attr, ok := h.Kind.Attribute([]byte(h.properties[i].attribute)); ok && changed.Has(attr) {
				t.Say(h.value(t, me, i, State))
			}
		}
	case Reported:
		for i := range h.properties {
			if p := &h.properties[i]; p.reading != "" || p.name == "energy" || p.name == "temperature" {
				t.Say(h.value(t, me, i, Telemetry))
			}
		}
	}
}

// describe says that the device is about to come, and what it is.
func (h *homie) describe(t *Talk, me *Member) {
	m := t.Message(Discovery)
	m.QoS, m.Retain = homieQoS, true
	m.Topic = append(h.appendRoot(m.Topic, &me.Who), "/$state"...)
	m.Payload = append(m.Payload, "init"...)
	t.Say(m)
	m = t.Message(Discovery)
	m.QoS, m.Retain, m.JSON = homieQoS, true, true
	m.Topic = append(h.appendRoot(m.Topic, &me.Who), "/$description"...)
	w := writer{m.Payload}
	w.open('{')
	w.text("homie", "5.0")
	w.integer("version", 1)
	w.text("name", me.ID)
	w.key("nodes")
	w.open('{')
	w.key(h.node)
	w.open('{')
	w.text("name", strings.ToUpper(h.node[:1])+h.node[1:])
	w.key("properties")
	w.open('{')
	for i := range h.properties {
		p := &h.properties[i]
		w.key(p.name)
		w.open('{')
		w.text("name", p.title)
		w.text("datatype", p.datatype)
		if p.format != "" {
			w.text("format", p.format)
		}
		if p.unit != "" {
			w.text("unit", p.unit)
		}
		w.flag("settable", p.settable)
		w.flag("retained", h.Retain)
		w.close('}')
	}
	for range 4 {
		w.close('}')
	}
	m.Payload = w.b
	t.Say(m)
}

// value returns the message of a property's value. One that is not retained is said at
// QoS 0.
func (h *homie) value(t *Talk, me *Member, i int, a About) *Message {
	p := &h.properties[i]
	m := t.Message(a)
	m.Retain = h.Retain
	if m.Retain {
		m.QoS = homieQoS
	}
	m.Topic = append(append(append(append(h.appendRoot(m.Topic, &me.Who), '/'), h.node...), '/'), p.name...)
	attr, ok := h.Kind.Attribute([]byte(p.attribute))
	if !ok {
		m.Payload = h.appendReading(t, me, m.Payload, p.reading)
		return m
	}
	m.Slot = attr
	light, isLight := me.Model.(devices.Light)
	switch {
	case isLight && p.name == "brightness":
		m.Payload = strconv.AppendInt(m.Payload, int64(light.LightState().Level), 10)
	case isLight && p.name == "color":
		c := light.LightState().Color
		m.Payload = append(m.Payload, "rgb"...)
		for _, channel := range c {
			m.Payload = strconv.AppendInt(append(m.Payload, ','), int64(channel), 10)
		}
	case p.datatype == "boolean":
		t.number = me.Model.AppendValue(t.number[:0], attr)
		m.Payload = strconv.AppendBool(m.Payload, string(t.number) == "ON" || string(t.number) == "open")
	default:
		m.Payload = me.Model.AppendValue(m.Payload, attr)
	}
	return m
}

func (h *homie) appendReading(t *Talk, me *Member, dst []byte, name string) []byte {
	d, ok := me.Model.(devices.Measures)
	if !ok {
		return dst
	}
	t.values = d.AppendReadings(t.values[:0])
	for i := range h.Kind.Readings {
		if r := &h.Kind.Readings[i]; r.Name == name {
			return appendFixed(dst, t.values[i], r.Decimals)
		}
	}
	return dst
}
