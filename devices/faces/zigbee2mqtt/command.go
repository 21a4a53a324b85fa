package zigbee2mqtt

import (
	"slices"
	"strings"
)

// command is what the topic of one says.
type command struct {
	entity    string // friendly name, address or number
	get       bool
	attribute string // "": the payload tells
}

// parseCommand reads the topic of a command, less the base topic: <entity>/set,
// <entity>/set/<attribute>, the same with get, each also with an endpoint before it.
func parseCommand(rest string) (command, bool) {
	levels := strings.Split(rest, "/")
	for i := len(levels) - 1; i > 0 && i >= len(levels)-2; i-- {
		if levels[i] != "set" && levels[i] != "get" {
			continue
		}
		c := command{entity: strings.Join(levels[:i], "/"), get: levels[i] == "get"}
		if i == len(levels)-2 {
			c.attribute = levels[i+1]
		}
		return c, true
	}
	return command{}, false
}

// bare are the words that need no JSON.
var bare = []string{"ON", "OFF", "TOGGLE", "OPEN", "CLOSE", "STOP", "LOCK", "UNLOCK"}

// message reads the payload of a command: an object of attributes and values. fault is
// what is told where there is none.
func (c *command) message(payload []byte) (o *object, fault string) {
	if c.attribute != "" {
		var v any = string(payload)
		if parsed, err := parse(payload); err == nil {
			v = parsed
		}
		return members(c.attribute, v), ""
	}
	if slices.Contains(bare, strings.ToUpper(string(payload[:min(len(payload), 8)]))) && len(payload) <= 8 {
		return members("state", string(payload)), ""
	}
	v, err := parse(payload)
	switch v := v.(type) {
	case *object:
		return v, ""
	case list:
		o := &object{}
		for i, e := range v {
			o.keys, o.values = append(o.keys, string(appendNumber(nil, float64(i)))), append(o.values, e)
		}
		return o, ""
	case nil:
		if err == nil {
			return nil, "Invalid message 'null', skipping..."
		}
		return nil, "Invalid message 'undefined', skipping..."
	}
	return &object{}, "" // a number or a text has no members
}

// command carries out one /set or /get.
func (b *Bridge) command(c command, payload []byte) {
	a := &answering{wanted: true}
	name, m, g := c.entity, b.memberOf(c.entity), b.groupOf(c.entity)
	if m == nil && g == nil {
		// The last level may be an endpoint. Every device here has but one.
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			m = b.memberOf(name[:i])
		}
	}
	if m == nil && g == nil {
		b.fail(a, "Entity '"+name+"' is unknown")
		return
	}
	msg, fault := c.message(payload)
	if fault != "" {
		b.fail(a, fault)
		return
	}
	switch {
	case g != nil && c.get: // nothing can be read from a group
	case g != nil:
		b.setGroup(g, msg, a)
	case c.get:
		b.get(m, msg, a)
	default:
		if u, tell := b.set(m, msg, a, m.name); tell {
			b.changed(m, u, a)
			if m.light != nil && m.light.halt(m, b.now) {
				b.changed(m, members("brightness", m.light.brightness), nil) // as read back
			}
		}
	}
}

// setGroup carries out a command to a group: every member tells its state, then the
// other groups that they are in, then the group.
func (b *Bridge) setGroup(g *group, msg *object, a *answering) {
	g.latest = ""
	all := &object{}
	for _, m := range g.members {
		u, tell := b.set(m, msg, a, g.name)
		if !tell {
			continue
		}
		b.tell(m, nil)
		for i, key := range u.keys {
			all.set(key, u.values[i])
		}
		for _, other := range b.groups {
			if other != g && slices.Contains(other.members, m) {
				b.follow(other, u)
			}
		}
	}
	if len(all.keys) > 0 {
		g.remember(all)
		b.tellGroup(g, a)
	}
}

// readable are the attributes that can be got, by kind.
var readable = map[string][]string{
	"light":      {"state", "brightness", "color_temp", "color_temp_startup", "color", "power_on_behavior"},
	"plug":       {"state", "power_on_behavior", "power", "voltage", "current", "energy"},
	"thermostat": {"occupied_heating_setpoint", "local_temperature", "system_mode", "running_state"},
}

// get reads attributes: one state message tells them.
func (b *Bridge) get(m *member, msg *object, a *answering) {
	u, read := &object{}, false
	faults := 0
	for i, key := range msg.keys {
		if faults == mostFaults {
			break
		}
		if !slices.Contains(readable[m.kind()], key) {
			faults++
			b.fail(a, "No converter available for '"+cut(key)+"' on '"+m.name+"': ("+shown(msg.values[i])+")")
			continue
		}
		read = true
		if m.light != nil {
			m.light.put(u, key)
		} else if key == "state" {
			u.set(key, onOff(m.on()))
		}
	}
	if read {
		b.changed(m, u, a)
	}
}

// shown is a value in an error message, of bounded length.
func shown(v any) string { return cut(string(plain(nil, v))) }

// cut bounds a text in an error message.
func cut(text string) string {
	const most = 1000
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
