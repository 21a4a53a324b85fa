package faces

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces/zigbee2mqtt"
)

// zigbee2mqttFace is a home whose devices hang on a Zigbee2MQTT. What it says was
// compared with the real one's messages: see the package zigbee2mqtt.
var zigbee2mqttFace = Face{
	Name:          "zigbee2mqtt",
	Doc:           "Zigbee2MQTT " + zigbee2mqtt.Version + ": one bridge a home, on one connection, which speaks for all of its devices.",
	Keys:          []string{"base_topic", "discovery_prefix", "discovery"},
	Defaults:      Options{BaseTopic: "zigbee2mqtt", DiscoveryPrefix: "homeassistant", Discovery: "components"},
	ObeysRetained: true,
	Bridge:        true,
	// A plug reports what it measures every minute or so.
	Telemetry: time.Minute,
	Missing: []string{
		"the schema of the bridge's settings and the list of all Zigbee clusters: they are empty",
		"scenes, bindings, firmware updates, touchlink, external converters and extensions",
		"a restart that ends the connection: the bridge tells all it knows anew",
		"prose in the description of exposes",
		"a reading back when a transition has ended",
		"a thermostat of a product: none that Zigbee2MQTT knows has what ours has and no more",
		"a device that was removed does not come back: nobody joins",
	},
	New: func(s Settings) (Voice, error) {
		switch s.Kind.Name {
		case "light", "thermostat", "plug":
		default:
			return nil, errors.New("a " + s.Kind.Name + " has no model of Zigbee2MQTT here; it has light, thermostat and plug")
		}
		if s.Discovery == "device" {
			return nil, errors.New(`Zigbee2MQTT announces each component by itself: want discovery = "components" or "none"`)
		}
		if len(s.Groups) > 0 {
			return nil, errors.New("groups of Zigbee2MQTT are made by its own requests; all lights of a home are in " + zigbee2mqtt.AllLights)
		}
		return &zigbeeBridge{s}, nil
	},
}

// zigbeeBridge is the voice of a bridge. Without a home its base topic is that of the
// scenario, and in a home that and the home's name:
//
//	<base>/bridge/state            {"state":"online"}, and by its Will offline
//	<base>/bridge/request/<what>   what is asked of the bridge, answered on bridge/response/<what>
//	<base>/<id>/set, /get          commands as JSON; also set/<attribute>
//	<base>/<id>                    the device's state
//	<prefix>/<component>/...       what the devices are, for Home Assistant
//	<prefix>/status                heard: Home Assistant has started
type zigbeeBridge struct{ Settings }

// base is the base topic of a home's bridge.
func (z *zigbeeBridge) base(w *Who) string {
	if w.Home == "" {
		return z.BaseTopic
	}
	return z.BaseTopic + "/" + w.Home
}

func (z *zigbeeBridge) AppendFilters(dst []string, w *Who, wildcards bool) []string {
	base := z.base(w)
	if wildcards {
		dst = append(dst, base+"/#")
	} else {
		dst = append(dst, base+"/"+w.ID+"/set", base+"/"+w.ID+"/get")
		for _, name := range zigbee2mqtt.Requests() {
			dst = append(dst, base+"/bridge/request/"+name)
		}
	}
	if z.Discovery != "none" {
		dst = append(dst, z.DiscoveryPrefix+"/status")
	}
	return dst
}

// rest returns what follows the base topic.
func (z *zigbeeBridge) rest(w *Who, topic []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(topic, []byte(z.BaseTopic))
	if !ok {
		return nil, false
	}
	if w.Home != "" {
		if rest, ok = bytes.CutPrefix(rest, []byte("/")); !ok {
			return nil, false
		}
		return beneath(rest, w.Home)
	}
	if len(rest) == 0 || rest[0] != '/' {
		return nil, false
	}
	return rest[1:], true
}

func (z *zigbeeBridge) Owns(w *Who, topic []byte) bool {
	rest, ok := z.rest(w, topic)
	return ok && zigbee2mqtt.Owns(rest)
}

func (z *zigbeeBridge) Reports() Reports {
	home := ""
	if z.Homes {
		home = "/{home}"
	}
	return Reports{
		Presence:  Presence{Topic: z.BaseTopic + home + "/bridge/state", Online: `{{"state":"online"}}`, Offline: `{{"state":"offline"}}`},
		All:       []string{z.BaseTopic + "/+", z.BaseTopic + "/+/+", z.BaseTopic + "/+/bridge/+"},
		Telemetry: []string{z.BaseTopic + "/+/+"},
	}
}

func (z *zigbeeBridge) Outline(w *Who) Outline {
	device := z.base(w) + "/" + w.ID
	return Outline{Commands: device + "/set", States: device, Telemetry: device}
}

// A bridge's own occasions.
const (
	bridgeDiscovers = Later1
	bridgeAgain     = Later2
	bridgeEndsJoin  = Later3
)

// bridge returns what is remembered of the home, which is made when it is first wanted.
func (z *zigbeeBridge) bridge(t *Talk) *zigbee2mqtt.Bridge {
	if b, ok := t.Members[0].Memory.(*zigbee2mqtt.Bridge); ok {
		return b
	}
	c := zigbee2mqtt.Config{Base: z.base(&t.Members[0].Who), Coordinator: coordinatorAddress(&t.Members[0].Who), QoS: z.QoS, Retain: z.Retain}
	if z.Discovery != "none" {
		c.Discovery = z.DiscoveryPrefix
	}
	members := make([]zigbee2mqtt.Member, len(t.Members))
	for i := range t.Members {
		m := &t.Members[i]
		members[i] = zigbee2mqtt.Member{Name: m.ID, IEEE: zigbeeAddress(&m.Who), Model: m.Model}
	}
	b := zigbee2mqtt.New(c, members)
	t.Members[0].Memory = b
	return b
}

// zigbeeAddress is the IEEE address of a device: its MAC with two bytes in the middle.
func zigbeeAddress(w *Who) string {
	m := w.MAC()
	return "0x" + string(appendHex(nil, append(append(m[:3:3], 0xff, 0xfe), m[3:]...), lowerHex))
}

// coordinatorAddress is that of the radio of a bridge, by the first of its devices: no
// device has it.
func coordinatorAddress(w *Who) string {
	m := w.MAC()
	return "0x" + string(appendHex(nil, append(append(m[:3:3], 0x00, 0x00), m[3:]...), lowerHex))
}

const lowerHex = "0123456789abcdef"

// say sends what the bridge says.
func (z *zigbeeBridge) say(t *Talk) func(zigbee2mqtt.Message) {
	return func(said zigbee2mqtt.Message) {
		about, reply := State, said.Reply
		switch {
		case strings.HasPrefix(said.Topic, z.DiscoveryPrefix+"/") && z.Discovery != "none":
			about = Discovery
		case reply != nil:
			about = Answer
		}
		if said.Topic != "" {
			m := t.Message(about)
			m.JSON, m.QoS, m.Retain = len(said.Payload) > 0, said.QoS, said.Retain
			m.Topic, m.Payload = append(m.Topic, said.Topic...), append(m.Payload, said.Payload...)
			if reply != nil && bytes.Equal(reply, said.Payload) {
				m.Reply, reply = Also, nil
			}
			t.Say(m)
		}
		if reply != nil {
			m := t.Message(Answer)
			m.Reply, m.Fault = Only, errors.New(string(reply))
			m.Payload = append(m.Payload, reply...)
			t.Say(m)
		}
	}
}

// Hear obeys commands and requests, and notes that Home Assistant has started, which is
// told all states anew half a minute later.
func (z *zigbeeBridge) Hear(t *Talk, topic, payload []byte) bool {
	rest, ok := z.rest(&t.Members[0].Who, topic)
	if !ok || !zigbee2mqtt.Owns(rest) {
		prefix, birth := bytes.CutSuffix(topic, []byte("/status"))
		if birth = birth && z.Discovery != "none" && string(prefix) == z.DiscoveryPrefix; birth && string(payload) == "online" {
			t.Later(30*time.Second, bridgeAgain)
		}
		return birth
	}
	b := z.bridge(t)
	if t.Refusal != nil {
		m := t.Message(Answer)
		m.Reply, m.Fault = Only, t.Refusal
		m.Payload = append(m.Payload, t.Refusal.Error()...)
		t.Say(m)
		return true
	}
	b.Hear(string(rest), payload, t.Wall(), z.say(t))
	if ends := b.JoinEnds(); !ends.IsZero() {
		t.Later(ends.Sub(t.Wall()), bridgeEndsJoin)
	}
	if b.Restarts() {
		z.start(t, b)
	}
	return true
}

// start says what follows a connection. Discovery comes five seconds later.
func (z *zigbeeBridge) start(t *Talk, b *zigbee2mqtt.Bridge) {
	b.Start(t.Wall(), z.say(t))
	if z.Discovery != "none" {
		t.Later(5*time.Second, bridgeDiscovers)
	}
}

func (z *zigbeeBridge) Tell(t *Talk, o Occasion, changed devices.Changes) {
	b, say := z.bridge(t), z.say(t)
	switch o {
	case Changed:
		b.Changed(t.Of, changed, t.Wall(), say)
	case Online:
		z.start(t, b)
	case Reported:
		b.Report(t.Of, t.Wall(), say)
	case bridgeDiscovers:
		b.Discover(t.Wall(), say)
	case bridgeAgain:
		b.Again(t.Wall(), say)
	case bridgeEndsJoin:
		b.EndJoin(t.Wall(), say)
	}
}

// zigbeeWords are the attributes of the models as Zigbee2MQTT calls them.
var zigbeeWords = map[string]map[string]string{
	"light":      {"power": "state", "brightness": "brightness", "color": "color", "ct": "color_temp", "transition": "transition"},
	"plug":       {"power": "state", "energy": "energy", "load": "load"},
	"thermostat": {"mode": "system_mode", "target": "occupied_heating_setpoint", "temperature": "local_temperature", "action": "running_state", "power": "system_mode", "window": "window_open"},
}

// AppendRequest implements [Requester]. What the dialect has not is asked for all the
// same, and refused by the bridge in its own words.
func (z *zigbeeBridge) AppendRequest(topic, payload []byte, w *Who, attr int, value string) ([]byte, []byte) {
	name := z.Kind.Attributes[attr].Name
	word := zigbeeWords[z.Kind.Name][name]
	topic = append(append(append(topic, z.base(w)...), '/'), w.ID...)
	if value == "" {
		return append(topic, "/get"...), append(append(append(payload, `{"`...), word...), `":""}`...)
	}
	text, quoted := value, true
	switch name {
	case "power":
		if z.Kind.Name == "thermostat" {
			text = map[bool]string{true: "heat", false: "off"}[strings.EqualFold(value, "ON")]
		}
	case "brightness":
		f, err := strconv.ParseFloat(value, 64)
		if quoted = err != nil; !quoted {
			text = strconv.Itoa(int(math.Round(f * 254 / 100)))
			if value[0] == '+' || value[0] == '-' {
				word = "brightness_step"
			}
		}
	case "color":
		if value[0] != '#' {
			text, quoted = `{"hsb":`+strconv.Quote(value)+`}`, false
		}
	case "ct", "target", "transition":
		_, err := strconv.ParseFloat(value, 64)
		quoted = err != nil || value[0] == '+'
	}
	if quoted {
		text = strconv.Quote(text)
	}
	topic = append(topic, "/set"...)
	return topic, append(append(append(append(append(payload, `{"`...), word...), `":`...), text...), '}')
}
