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

// zigbee2mqttFace is that of bridges: what hangs on one is behind a Zigbee2MQTT. What it
// says was compared with the real one's messages: see the package zigbee2mqtt.
var zigbee2mqttFace = Face{
	Name:          "zigbee2mqtt",
	Doc:           "Zigbee2MQTT " + zigbee2mqtt.Version + ", for kind bridge: it speaks for all devices behind it on one connection.",
	Keys:          []string{"base_topic", "discovery_prefix", "discovery"},
	Defaults:      Options{BaseTopic: "zigbee2mqtt", DiscoveryPrefix: "homeassistant", Discovery: "components"},
	ObeysRetained: true,
	DeafAtFirst:   true,
	Bridge:        true,
	NoLocal:       true,
	// A plug reports what it measures every minute or so.
	Telemetry: time.Minute,
	Missing: []string{
		"the schema of the bridge's settings and the list of all Zigbee clusters: they are empty",
		"scenes, bindings, firmware updates, touchlink, external converters and extensions",
		"a restart that ends the connection: the bridge tells all it knows anew",
		"prose in the description of exposes",
		"its own messages do not come back to it (No Local): the product has them sent to it by its broker, and passes over them",
		"a reading back when a transition has ended",
		"a thermostat of a product: none that Zigbee2MQTT knows has what ours has and no more",
		"a device that was removed does not come back: nobody joins",
	},
	New: func(s Settings) (Voice, error) {
		if s.Kind.Name != "bridge" {
			return nil, errors.New("a " + s.Kind.Name + ` has no session of its own there: want kind = "bridge", which has lights, plugs and thermostats behind it`)
		}
		if s.Discovery == "device" {
			return nil, errors.New(`Zigbee2MQTT announces each component by itself: want discovery = "components" or "none"`)
		}
		if len(s.Groups) > 0 {
			return nil, errors.New("groups of Zigbee2MQTT are made by its own requests; all lights of a home are in " + zigbee2mqtt.AllLights)
		}
		return &zigbeeBridge{s}, nil
	},
	NewTarget: newZigbeeTarget,
}

// zigbeeBridge is the voice of a bridge. Without a home its base topic is that of the
// scenario, and in a home that and the home's name:
//
//	<base>/bridge/state            {"state":"online"}, and by its Will offline
//	<base>/bridge/request/<what>   what is asked of the bridge, answered on bridge/response/<what>
//	<base>/<name>/set, /get        commands as JSON to a device or a group; also set/<attribute>
//	<base>/<name>                  its state
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
		dst = append(dst, base+"/"+zigbee2mqtt.AllLights+"/set", base+"/light_1/get/state", base+"/light_1/get/brightness")
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
	home, any := "", ""
	if z.Homes {
		home, any = "/{home}", "/+"
	}
	states := z.BaseTopic + any + "/+"
	r := Reports{
		Presence:  Presence{Topic: z.BaseTopic + home + "/bridge/state", Online: `{{"state":"online"}}`, Offline: `{{"state":"offline"}}`},
		All:       []string{states, states + "/availability", z.BaseTopic + any + "/bridge/+"},
		Telemetry: []string{states},
		Retained:  []string{states + "/availability", z.BaseTopic + any + "/bridge/+"},
	}
	if z.Retain {
		r.Retained = append(r.Retained, states)
	}
	if z.Discovery != "none" {
		r.Retained = append(r.Retained, z.DiscoveryPrefix+"/+/+/+/config")
	}
	return r
}

func (z *zigbeeBridge) Outline(w *Who) Outline {
	base := z.base(w)
	return Outline{Commands: base + "/<name>/set, " + base + "/bridge/request/<what>", States: base + "/<name>", Telemetry: base + "/<name>"}
}

// KeptFilters implements [Keeper]: devices and groups are renamed and groups made, by
// whoever asks for it.
func (z *zigbeeBridge) KeptFilters() []string {
	filters := []string{z.BaseTopic + "/#"}
	if z.Discovery != "none" {
		filters = append(filters, z.DiscoveryPrefix+"/+/+/+/config")
	}
	return filters
}

// Keeps implements [Keeper]. Commands are of those who have sent them.
func (z *zigbeeBridge) Keeps(w *Who, topic []byte) bool {
	if rest, ok := z.rest(w, topic); ok {
		return !zigbee2mqtt.Owns(rest)
	}
	rest, ok := bytes.CutPrefix(topic, []byte(z.DiscoveryPrefix+"/"))
	if !ok || z.Discovery == "none" {
		return false
	}
	levels := bytes.Split(rest, []byte("/"))
	if len(levels) != 4 || string(levels[3]) != "config" {
		return false
	}
	if rest, ok := bytes.CutPrefix(levels[1], []byte(zigbee2mqtt.Coded(z.base(w))+"_")); ok && len(rest) > 0 {
		return true
	}
	// The middle of an address is the number of the device.
	address, own := string(levels[1]), zigbeeAddress(w, 0)
	return len(address) == len(own) && address[:8] == own[:8] && address[12:] == own[12:]
}

// A bridge's own occasions.
const (
	bridgeDiscovers = Later1
	bridgeAgain     = Later2
	bridgeEndsJoin  = Later3
)

// bridge returns what is remembered of the home, which is made when it is first wanted.
func (z *zigbeeBridge) bridge(t *Talk) *zigbee2mqtt.Bridge {
	if b, ok := t.Me().Memory.(*zigbee2mqtt.Bridge); ok {
		return b
	}
	c := zigbee2mqtt.Config{Base: z.base(&t.Me().Who), Coordinator: zigbeeAddress(&t.Me().Who, 0), QoS: z.QoS, Retain: z.Retain}
	if z.Discovery != "none" {
		c.Discovery = z.DiscoveryPrefix
	}
	var members []zigbee2mqtt.Member
	for i, d := range t.hub().Behind() {
		members = append(members, zigbee2mqtt.Member{Name: d.Name, IEEE: zigbeeAddress(&t.Me().Who, i+1), Model: d.Device})
	}
	b := zigbee2mqtt.New(c, members)
	t.Me().Memory = b
	return b
}

// hub is the model of a bridge.
func (t *Talk) hub() devices.Hub {
	h, _ := t.Me().Model.(devices.Hub) // New takes nothing else
	return h
}

// zigbeeAddress is an IEEE address of a bridge's network: its MAC with the number of the
// device in the middle, which for the bridge's own radio is 0.
func zigbeeAddress(w *Who, number int) string {
	m := w.MAC()
	return "0x" + string(appendHex(nil, append(append(m[:3:3], byte(number>>8), byte(number)), m[3:]...), lowerHex))
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
	rest, ok := z.rest(&t.Me().Who, topic)
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

func (z *zigbeeBridge) Tell(t *Talk, o Occasion, _ devices.Changes) {
	b, say := z.bridge(t), z.say(t)
	switch o {
	case Changed:
		for i, who := 0, t.hub().TakeChanged(); who != 0; i, who = i+1, who>>1 {
			if who&1 != 0 {
				b.Changed(i, t.Wall(), say)
			}
		}
	case Online:
		z.start(t, b)
	case Reported:
		b.Report(t.Wall(), say)
	case bridgeDiscovers:
		b.Discover(t.Wall(), say)
	case bridgeAgain:
		b.Again(t.Wall(), say)
	case bridgeEndsJoin:
		b.EndJoin(t.Wall(), say)
	}
}

// AppendRequest implements [Requester]: what is set is set of all lights, which are a
// group. Nothing can be got from a group; the first light is asked in its place, and of
// the bridge itself whether it is well.
func (z *zigbeeBridge) AppendRequest(topic, payload []byte, w *Who, attr int, value string) ([]byte, []byte) {
	topic = append(append(topic, z.base(w)...), '/')
	name := z.Kind.Attributes[attr].Name
	word := map[string]string{"power": "state", "brightness": "brightness"}[name]
	switch {
	case word == "":
		return append(topic, "bridge/request/health_check"...), payload
	case value == "":
		return append(append(topic, "light_1/get/"...), word...), payload
	}
	if f, err := strconv.ParseFloat(value, 64); err == nil && name == "brightness" {
		if value[0] == '+' || value[0] == '-' {
			word = "brightness_step"
		}
		value = strconv.Itoa(int(math.Round(f * 254 / 100)))
	} else {
		value = strconv.Quote(value)
	}
	topic = append(append(topic, zigbee2mqtt.AllLights...), "/set"...)
	return topic, append(append(append(append(append(payload, `{"`...), word...), `":`...), value...), '}')
}
