package faces

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"homefleet/devices"
)

// shellyFace is Shelly's devices of the third generation: the plug and the colour bulb.
// What they say is from Shelly's documentation of its RPC, from what iobroker.shelly
// 12.0.0 reads and sends, and where that is silent (codes of some errors) a guess.
var shellyFace = Face{
	Name:          "shelly",
	Doc:           "Shelly Gen3, RPC over MQTT: Plug S (switch:0) and Multicolor Bulb (rgbcct:0).",
	Keys:          []string{"status_ntf"},
	ObeysRetained: true,
	// Shelly tells what it measures when that has changed, and energy every minute.
	Telemetry: time.Minute,
	Missing: []string{
		"HTTP, WebSocket, Bluetooth, cloud and firmware updates",
		"scripts, schedules, webhooks, KVS and virtual components",
		"authentication of requests",
		"settings that would change what the device does: SetConfig takes them and forgets them",
		"DimUp and DimDown step by a tenth; a bulb of Shelly's moves until DimStop",
		"voltage, current and energy of a bulb: a light here measures its power alone",
		"a thermostat: Shelly's second and later generations have no room thermostat on Wi-Fi",
	},
	New: func(s Settings) (Voice, error) {
		if len(s.Groups) > 0 {
			return nil, errors.New("a Shelly has no further names, and so no groups")
		}
		switch s.Kind.Name {
		case "plug":
			return newShelly(shelly{Settings: s, app: "PlugSG3", model: "S3PL-00112EU", prefix: "shellyplugsg3-", component: "switch:0", class: "Switch"}), nil
		case "light":
			return newShelly(shelly{Settings: s, app: "MulticolorBulbG3", model: "S3BL-C010007AEU", prefix: "shellycolorblbg3-", component: "rgbcct:0", class: "RGBCCT"}), nil
		case "thermostat":
			return nil, errors.New("no Shelly since the second generation is a room thermostat on Wi-Fi; want plug or light")
		}
		return nil, errors.New("a " + s.Kind.Name + " is no product of Shelly's here; it has plug and light")
	},
}

// shelly is the voice of a Shelly, whose topics begin with its id, <p>:
//
//	<p>/rpc                   requests, as JSON, answered on <src>/rpc
//	<p>/command               status_update, announce
//	<p>/command/<component>   on, off, toggle, each with ,<seconds> after which it goes back
//	<p>/events/rpc            NotifyStatus, NotifyFullStatus
//	<p>/status/<component>    the component's status, with status_ntf
//	<p>/online                true; by its Will false
type shelly struct {
	Settings
	app, model, prefix string
	component, class   string
	methods            []string // that there are
}

func newShelly(s shelly) *shelly {
	s.methods = []string{"Shelly.GetDeviceInfo", "Shelly.GetStatus", "Shelly.GetConfig", "Shelly.ListMethods", "Shelly.GetComponents",
		"Shelly.Reboot", "Shelly.CheckForUpdate", "Sys.GetStatus", "Sys.GetConfig", "Sys.SetConfig", "Wifi.GetStatus", "Wifi.SetConfig",
		"Mqtt.GetStatus", "Mqtt.GetConfig", "Mqtt.SetConfig", "Cloud.GetStatus", "Cloud.SetConfig"}
	for _, verb := range []string{"Set", "Toggle", "GetStatus", "GetConfig", "SetConfig", "ResetCounters"} {
		s.methods = append(s.methods, s.class+"."+verb)
	}
	if s.class == "RGBCCT" {
		s.methods = append(s.methods, "RGBCCT.DimUp", "RGBCCT.DimDown", "RGBCCT.DimStop")
	}
	return &s
}

// id is the device's id, which is its topic prefix, too.
func (s *shelly) id(w *Who) string { return string(s.appendID(nil, w)) }

func (s *shelly) appendID(dst []byte, w *Who) []byte {
	if w.Given {
		return append(dst, w.ID...)
	}
	m := w.MAC()
	return appendHex(append(dst, s.prefix...), m[:], lowerHex)
}

// textID writes a member that is the device's id and what follows it.
func (s *shelly) textID(w *writer, name string, of *Who, rest string) {
	w.key(name)
	w.b = append(append(s.appendID(append(w.b, '"'), of), rest...), '"')
}

func (s *shelly) AppendFilters(dst []string, w *Who, _ bool) []string {
	id := s.id(w)
	return append(dst, id+"/rpc", id+"/command", id+"/command/"+s.component)
}

// place returns what follows the device's id and a slash in a topic.
func (s *shelly) place(w *Who, topic []byte) ([]byte, bool) {
	var room [32]byte
	rest, ok := bytes.CutPrefix(topic, s.appendID(room[:0], w))
	if !ok || len(rest) == 0 || rest[0] != '/' {
		return nil, false
	}
	return rest[1:], true
}

func (s *shelly) Owns(w *Who, topic []byte) bool {
	rest, ok := s.place(w, topic)
	if !ok {
		return false
	}
	component, ok := bytes.CutPrefix(rest, []byte("command/"))
	return ok && string(component) == s.component || string(rest) == "rpc" || string(rest) == "command"
}

func (s *shelly) Reports() Reports {
	status := "+/status/" + s.component
	r := Reports{
		Presence:  Presence{Topic: s.prefix + "{mac-lower}/online", Online: "true", Offline: "false"},
		All:       []string{"+/events/rpc", "+/status/+", "+/online"},
		Telemetry: []string{"+/events/rpc"},
	}
	if s.StatusNtf {
		r.Telemetry = append(r.Telemetry, status)
		if s.Retain {
			r.Retained = []string{status}
		}
	}
	return r
}

func (s *shelly) Outline(w *Who) Outline {
	id := s.id(w)
	o := Outline{Commands: id + "/rpc, " + id + "/command/" + s.component, States: id + "/events/rpc", Telemetry: id + "/events/rpc"}
	if s.StatusNtf {
		o.States += ", " + id + "/status/" + s.component
	}
	return o
}

// shellyMemory is what a Shelly remembers beside its model.
type shellyMemory struct {
	source  string    // of the latest change
	kelvin  uint16    // as it was asked for, in the model's mired
	timer   time.Time // when it began; zero: there is none
	lasts   time.Duration
	last    devices.LightState // as it was told
	on, any bool               // the same of a plug; whether anything was told
}

func (s *shelly) memory(me *Member) *shellyMemory {
	m, ok := me.Memory.(*shellyMemory)
	if !ok {
		m = &shellyMemory{source: "init"}
		me.Memory = m
	}
	return m
}

const shellyTimer = Later1 // toggle_after is over

func (s *shelly) Hear(t *Talk, topic, payload []byte) bool {
	me := t.Me()
	if !s.Owns(&me.Who, topic) {
		return false
	}
	rest, _ := s.place(&me.Who, topic)
	switch string(rest) {
	case "rpc":
		s.request(t, me, payload)
	case "command":
		switch strings.TrimSpace(string(payload[:min(len(payload), 32)])) {
		case "status_update":
			s.statuses(t, me)
		case "announce":
			m := t.Message(Discovery)
			m.Topic = append(append(m.Topic, s.id(&me.Who)...), "/announce"...)
			m.JSON, m.QoS = true, 1
			w := writer{m.Payload}
			s.deviceInfo(&w, me)
			m.Payload = w.b
			t.Say(m)
		}
	default:
		s.command(t, me, payload)
	}
	return true
}

// Tell says what has changed, everything on a connection, and what is measured.
func (s *shelly) Tell(t *Talk, o Occasion, changed devices.Changes) {
	me := t.Me()
	switch o {
	case Changed:
		if changed != 0 {
			s.memory(me).source = "button"
			s.tellChange(t, me)
		}
	case Online:
		s.notify(t, me, "NotifyFullStatus", func(w *writer) { s.fullStatus(w, t, me) }, State)
		if s.StatusNtf {
			s.statuses(t, me)
		}
	case Reported:
		s.notify(t, me, "NotifyStatus", func(w *writer) {
			w.key(s.component)
			w.open('{')
			w.integer("id", 0)
			s.measured(w, t, me)
			w.close('}')
		}, Telemetry)
		if s.StatusNtf {
			s.statuses(t, me)
		}
	case shellyTimer:
		if mem := s.memory(me); !mem.timer.IsZero() {
			mem.timer, mem.source = time.Time{}, "timer"
			s.toggle(t, me)
			s.tellChange(t, me)
		}
	}
}

// tellChange notifies of what is other than was told last.
func (s *shelly) tellChange(t *Talk, me *Member) {
	mem := s.memory(me)
	s.notify(t, me, "NotifyStatus", func(w *writer) {
		w.key(s.component)
		w.open('{')
		w.integer("id", 0)
		s.changes(w, me, mem)
		w.text("source", mem.source)
		w.close('}')
	}, State)
	if s.StatusNtf {
		s.status(t, me)
	}
}

// notify says a frame that nobody asked for.
func (s *shelly) notify(t *Talk, me *Member, method string, params func(*writer), a About) {
	m := t.Message(a)
	m.JSON, m.QoS = true, 1
	m.Topic = append(s.appendID(m.Topic, &me.Who), "/events/rpc"...)
	w := writer{m.Payload}
	w.open('{')
	s.textID(&w, "src", &me.Who, "")
	s.textID(&w, "dst", &me.Who, "/events")
	w.text("method", method)
	w.key("params")
	w.open('{')
	w.number("ts", float64(t.Wall().UnixMilli())/1000, 2)
	params(&w)
	w.close('}')
	w.close('}')
	m.Payload = w.b
	t.Say(m)
}

// status publishes the component's own topic.
func (s *shelly) status(t *Talk, me *Member) {
	m := t.Message(State)
	m.JSON, m.QoS, m.Slot, m.Retain = true, max(1, s.QoS), 0, s.Retain
	m.Topic = append(append(s.appendID(m.Topic, &me.Who), "/status/"...), s.component...)
	w := writer{m.Payload}
	s.componentStatus(&w, t, me)
	m.Payload = w.b
	t.Say(m)
}

// statuses publishes the topics of all components.
func (s *shelly) statuses(t *Talk, me *Member) {
	s.status(t, me)
	for _, c := range []struct {
		name  string
		write func(*writer, *Talk, *Member)
	}{{"sys", s.sysStatus}, {"wifi", s.wifiStatus}, {"mqtt", s.mqttStatus}, {"cloud", s.cloudStatus}} {
		m := t.Message(Discovery)
		m.JSON, m.QoS = true, 1
		m.Topic = append(append(s.appendID(m.Topic, &me.Who), "/status/"...), c.name...)
		w := writer{m.Payload}
		c.write(&w, t, me)
		m.Payload = w.b
		t.Say(m)
	}
}

// command obeys on, off and toggle.
func (s *shelly) command(t *Talk, me *Member, payload []byte) {
	word, after, timed := bytes.Cut(trim(payload), []byte{','})
	seconds := 0.0
	if timed {
		var ok bool
		if seconds, ok = jsonNumber(trim(after)); !ok || seconds <= 0 {
			return
		}
	}
	mem := s.memory(me)
	var err error
	switch string(word) {
	case "on":
		err = s.turn(t, me, true)
	case "off":
		err = s.turn(t, me, false)
	case "toggle":
		err = s.toggle(t, me)
	default:
		return
	}
	mem.source = "MQTT"
	m := t.Message(Answer)
	m.Reply, m.Fault = Only, err
	if err == nil {
		s.setTimer(t, mem, seconds)
		m.JSON = true
		w := writer{m.Payload}
		s.componentStatus(&w, t, me)
		m.Payload = w.b
	} else {
		m.Payload = append(m.Payload, err.Error()...)
	}
	t.Say(m)
	if err == nil {
		s.tellChange(t, me)
	}
}

// setTimer has the device go back after some seconds; with 0 a timer ends.
func (s *shelly) setTimer(t *Talk, mem *shellyMemory, seconds float64) {
	mem.timer = time.Time{}
	if seconds > 0 {
		mem.timer, mem.lasts = t.Wall(), time.Duration(min(seconds, 1e6)*float64(time.Second))
		t.Later(mem.lasts, shellyTimer)
	}
}

func (s *shelly) isOn(me *Member) bool {
	switch d := me.Model.(type) {
	case devices.Light:
		return d.LightState().On
	case devices.Relay:
		return d.IsOn()
	}
	return false
}

func (s *shelly) set(t *Talk, me *Member, attribute, value string) error {
	attr, ok := s.Kind.Attribute([]byte(attribute))
	if !ok {
		return errors.New("no " + attribute)
	}
	_, err := t.Set(me, attr, value)
	return err
}

func (s *shelly) turn(t *Talk, me *Member, on bool) error {
	return s.set(t, me, "power", onOff(on))
}

func (s *shelly) toggle(t *Talk, me *Member) error { return s.turn(t, me, !s.isOn(me)) }

// AppendRequest implements [Requester]: by an RPC without src, whose answer goes to
// the Response Topic, and so its id cannot be confused with another's.
func (s *shelly) AppendRequest(topic, payload []byte, who *Who, attr int, value string) ([]byte, []byte) {
	topic = append(s.appendID(topic, who), "/rpc"...)
	w := writer{payload}
	w.open('{')
	w.integer("id", 1)
	name := s.Kind.Attributes[attr].Name
	method := ".Set"
	switch {
	case name == "energy" && value == "reset":
		method = ".ResetCounters"
	case value == "" || name == "energy" || name == "load":
		method = ".GetStatus"
	case name == "power" && strings.EqualFold(value, "TOGGLE"):
		method = ".Toggle"
	}
	w.text("method", s.class+method)
	w.key("params")
	w.open('{')
	w.integer("id", 0)
	if method == ".Set" {
		w.comma()
		w.b = append(w.b, shellyParams(name, value)...)
	}
	w.close('}')
	w.close('}')
	return topic, w.b
}
