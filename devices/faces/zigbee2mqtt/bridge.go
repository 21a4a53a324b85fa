// Package zigbee2mqtt is the face of a home whose devices hang on a Zigbee2MQTT 2.x: one
// bridge that speaks for all of them on one MQTT connection, with its bridge topics,
// groups, requests, availability and its own discovery for Home Assistant. It holds the
// models and says what is published when something is heard; it knows no network, no
// clock and no MQTT.
//
// What it says was compared, message by message, with Zigbee2MQTT 2.14.1 with a radio
// that does not exist (.ci/interop/zigbee2mqtt). Not emulated: the schema of its
// settings and its list of Zigbee clusters, which are empty here; scenes, bindings,
// firmware updates, touchlink, external converters and extensions; the reading back of
// a value after a transition.
package zigbee2mqtt

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices"
)

// Version is that of the Zigbee2MQTT that is emulated.
const Version = "2.14.1"

// Message is one publication. Its Payload is the receiver's.
type Message struct {
	Topic   string // "": nothing is published, and it is a reply only
	Payload []byte
	QoS     byte
	Retain  bool
	// Reply is what a requester with a Response Topic is told: the payload, or what went
	// wrong in words. nil: this message is no answer.
	Reply []byte
}

// Config is what the owner of a bridge settles.
type Config struct {
	Base        string // the base topic; no wildcards
	Discovery   string // Home Assistant's prefix; "": no discovery
	Coordinator string // its IEEE address, 0x and 16 hexadecimal digits
	QoS         byte   // of states, unless a device's options say otherwise
	Retain      bool   // states are retained, likewise
}

// Member is a device behind the bridge. Its model is the bridge's from then on.
type Member struct {
	Name  string // the friendly name, distinct among members and groups
	IEEE  string // 0x and 16 hexadecimal digits, distinct
	Model devices.Device
}

// Bridge is one Zigbee2MQTT with its devices. It is not safe for concurrent use: it
// belongs to one goroutine. Its methods hand what is to be published to say, in order.
type Bridge struct {
	cfg     Config
	all     []*member // as New took them
	members []*member // that are in the network
	groups  []*group
	say     func(Message)

	now        time.Time // as the owner told last
	logged     string    // the latest line of bridge/logging
	logLevel   string
	joinEnd    time.Time // zero: nobody may join
	restarting bool
	after      []func() // to be done after the response to a request
}

// group is a Zigbee group.
type group struct {
	id        int
	name      string
	members   []*member
	options   *object
	state     *object // what is remembered of it, which is what its members were told of
	latest    string  // the latest that a member told, so that no state is told twice over
	announced string  // the component that Home Assistant was told of; "": none
}

// AllLights is the name of the group that every bridge with a light has from the start.
const AllLights = "all_lights"

// New returns a bridge with its members, which has said nothing so far. All its lights
// are in one group.
func New(c Config, members []Member) *Bridge {
	b := &Bridge{cfg: c, logLevel: "error"}
	lights := &group{id: 1, name: AllLights, options: &object{}, state: &object{}}
	for i, m := range members {
		n := newMember(m, 0x1001+i, &b.cfg)
		b.all = append(b.all, n)
		if n.light != nil {
			lights.members = append(lights.members, n)
			if len(lights.members) == 1 {
				lights.remember(n.update())
			}
		}
	}
	b.members = slices.Clone(b.all)
	if len(lights.members) > 0 {
		b.groups = append(b.groups, lights)
	}
	return b
}

// with has everything that is said go to say while f runs.
func (b *Bridge) with(now time.Time, say func(Message), f func()) {
	b.now, b.say = now, say
	f()
	b.say = nil
}

func (b *Bridge) topic(rest string) string { return b.cfg.Base + "/" + rest }

// Start says what follows a connection once the bridge has said that it is online: all
// it knows.
func (b *Bridge) Start(now time.Time, say func(Message)) {
	b.with(now, say, func() {
		b.keep("bridge/converters", 0, []byte("[]"))
		b.tellInfo()
		b.tellDevices()
		b.tellGroups()
		b.tellDefinitions()
		for _, m := range b.members {
			b.keep(m.name+"/availability", 1, []byte(`{"state":"online"}`))
		}
		for _, g := range b.groups {
			b.tellAvailability(g)
		}
		b.keep("bridge/extensions", 0, []byte("[]"))
		b.tellStates()
	})
}

func (b *Bridge) tellStates() {
	for _, m := range b.members {
		b.tell(m, nil)
	}
	for _, g := range b.groups {
		b.tellGroup(g, nil)
	}
}

// keep publishes a retained message beneath the base topic.
func (b *Bridge) keep(rest string, qos byte, payload []byte) {
	b.say(Message{Topic: b.topic(rest), Payload: payload, QoS: qos, Retain: true})
}

// answering is who is to be told of a state.
type answering struct{ wanted bool }

// stateRoom is room for most states.
const stateRoom = 224

// tell publishes a member's state. It is the answer to who asked, if somebody did.
func (b *Bridge) tell(m *member, a *answering) {
	payload := m.state(make([]byte, 0, stateRoom))
	msg := Message{Topic: b.topic(m.name), Payload: payload, QoS: m.qos(), Retain: m.retains()}
	if a != nil && a.wanted {
		msg.Reply = payload
	}
	b.say(msg)
}

// tellGroup publishes a group's state, if it has any.
func (b *Bridge) tellGroup(g *group, a *answering) {
	if len(g.state.keys) == 0 {
		return
	}
	payload := sorted(make([]byte, 0, stateRoom), g.state)
	msg := Message{Topic: b.topic(g.name), Payload: payload}
	if a != nil && a.wanted {
		msg.Reply = payload
	}
	b.say(msg)
}

// changed publishes what follows from a command or a report of a member, of which update
// is what it was about: the state of its groups, where that is news, and then its own.
func (b *Bridge) changed(m *member, update *object, a *answering) {
	for _, g := range b.groups {
		if slices.Contains(g.members, m) {
			b.follow(g, update)
		}
	}
	b.tell(m, a)
}

// follow has a group follow one of its members. It is OFF when all of them are.
func (b *Bridge) follow(g *group, update *object) {
	if update == nil || len(update.keys) == 0 {
		return
	}
	var room [stateRoom]byte
	news := sorted(room[:0], update)
	if string(news) == g.latest || have(update, "state") == "OFF" && slices.ContainsFunc(g.members, (*member).on) {
		return
	}
	g.latest = string(news)
	g.remember(update)
	b.tellGroup(g, nil)
}

// remember takes over what is new.
func (g *group) remember(update *object) {
	for i, key := range update.keys {
		g.state.set(key, update.values[i])
	}
}

// Changed says what follows when attributes of a member's model have changed by
// themselves or by another's hand. Members count from 0, as New took them.
func (b *Bridge) Changed(i int, now time.Time, say func(Message)) {
	b.with(now, say, func() {
		if m := b.all[i]; slices.Contains(b.members, m) && m.follow() {
			b.changed(m, m.update(), nil)
		}
	})
}

// Report has all members tell their states, as their regular reports do.
func (b *Bridge) Report(now time.Time, say func(Message)) {
	b.with(now, say, func() {
		for _, m := range b.members {
			b.tell(m, nil)
		}
	})
}

// JoinEnds returns when nobody may join any more; zero is never. [Bridge.EndJoin] is to
// be called then.
func (b *Bridge) JoinEnds() time.Time { return b.joinEnd }

// EndJoin says that nobody may join any more, if it is time.
func (b *Bridge) EndJoin(now time.Time, say func(Message)) {
	b.with(now, say, func() {
		if !b.joinEnd.IsZero() && !now.Before(b.joinEnd) {
			b.joinFor(0)
		}
	})
}

// Restarts reports whether a request asked for a restart since it was called last: the
// owner is to have the bridge stop and start.
func (b *Bridge) Restarts() bool {
	r := b.restarting
	b.restarting = false
	return r
}

// Owns reports whether a topic, less the base topic and its slash, is one that the
// bridge takes commands or requests from.
func Owns(rest []byte) bool {
	if bytes.HasPrefix(rest, []byte("bridge/")) {
		return bytes.HasPrefix(rest, []byte("bridge/request/"))
	}
	last := bytes.LastIndexByte(rest, '/')
	if last <= 0 {
		return false
	}
	if isVerb(rest[last+1:]) {
		return true
	}
	before := bytes.LastIndexByte(rest[:last], '/')
	return before > 0 && isVerb(rest[before+1:last])
}

func isVerb(level []byte) bool { return string(level) == "set" || string(level) == "get" }

// Hear takes a message to a topic that the bridge [Owns], less the base topic and its
// slash. A retained one is obeyed like any other, as Zigbee2MQTT does once it runs.
func (b *Bridge) Hear(rest string, payload []byte, now time.Time, say func(Message)) {
	b.with(now, say, func() {
		if key, ok := strings.CutPrefix(rest, "bridge/request/"); ok {
			b.request(key, payload)
		} else if c, ok := parseCommand(rest); ok && Owns([]byte(rest)) {
			b.command(c, payload)
		}
	})
}

// Again says the states of all devices and groups once more, as half a minute after Home
// Assistant's birth.
func (b *Bridge) Again(now time.Time, say func(Message)) {
	b.with(now, say, b.tellStates)
}

// fail tells of an error on bridge/logging, unless it is the one told last, and whoever
// asked.
func (b *Bridge) fail(a *answering, text string) {
	text = strings.ToValidUTF8(text, "\ufffd")
	m := Message{}
	if a != nil && a.wanted {
		m.Reply = []byte(text)
	}
	line := string(sorted(nil, members("level", "error", "message", "z2m: "+text)))
	if line != b.logged {
		b.logged = line
		m.Topic, m.Payload = b.topic("bridge/logging"), []byte(line)
	}
	if m.Topic != "" || m.Reply != nil {
		b.say(m)
	}
}

// memberOf finds a device by friendly name or IEEE address.
func (b *Bridge) memberOf(name string) *member {
	for _, m := range b.members {
		if m.name == name || m.ieee == name {
			return m
		}
	}
	return nil
}

// groupOf finds a group by friendly name or number.
func (b *Bridge) groupOf(name string) *group {
	for _, g := range b.groups {
		if g.name == name || strconv.Itoa(g.id) == name {
			return g
		}
	}
	return nil
}
