package zigbee2mqtt

import (
	"strconv"
	"strings"
	"time"
)

// Discover says the bridge's discovery for Home Assistant: a configuration an entity,
// of the bridge, its devices and its groups. Zigbee2MQTT does so five seconds after its
// start.
func (b *Bridge) Discover(now time.Time, say func(Message)) {
	b.with(now, say, func() {
		if b.cfg.Discovery == "" {
			return
		}
		b.discoverBridge()
		for _, m := range b.members {
			b.discover(m)
		}
		for _, g := range b.groups {
			b.discoverGroup(g)
		}
	})
}

// Coded is a base topic as the decimal codes of its characters, which the ids of the
// bridge and of its groups begin with in the topics of discovery.
func Coded(base string) string {
	var code strings.Builder
	for _, r := range base {
		code.WriteString(strconv.Itoa(int(r)))
	}
	return code.String()
}

func (b *Bridge) origin() *object {
	return members("name", "Zigbee2MQTT", "sw", Version, "url", "https://www.zigbee2mqtt.io")
}

func (b *Bridge) bridgeID() string { return "zigbee2mqtt_bridge_" + b.cfg.Coordinator }

// availability is a list of topics, all of which must say online.
func (b *Bridge) availability(of ...string) list {
	l := list{}
	for _, rest := range append([]string{"bridge/state"}, of...) {
		l = append(l, members("topic", b.topic(rest), "value_template", "{{ value_json.state }}"))
	}
	return l
}

// announce publishes an entity's configuration, or with nil takes it away.
func (b *Bridge) announce(component, id, object string, config *object) {
	topic := b.cfg.Discovery + "/" + component + "/" + id + "/" + object + "/config"
	m := Message{Topic: topic, QoS: 1, Retain: true}
	if config != nil {
		m.Payload = sorted(nil, config)
	}
	b.say(m)
}

// entity is one thing of Home Assistant's that a device or the bridge has.
type entity struct {
	component, object string
	config            *object
}

func (b *Bridge) discoverBridge() {
	device := members(
		"hw_version", "zStack3x0 "+strconv.Itoa(coordinatorRevision),
		"identifiers", list{b.bridgeID()},
		"manufacturer", "Zigbee2MQTT", "model", "Bridge", "name", "Zigbee2MQTT Bridge", "sw_version", Version,
	)
	for _, e := range b.bridgeEntities() {
		c := e.config
		object := "zigbee2mqtt_bridge_" + e.object
		if e.object != "connection_state" {
			c.set("availability", b.availability())
			c.set("availability_mode", "all")
		}
		c.set("default_entity_id", e.component+"."+object)
		c.set("device", device)
		c.set("object_id", object)
		c.set("origin", b.origin())
		c.set("unique_id", "bridge_"+b.cfg.Coordinator+"_"+e.object+"_"+b.cfg.Base)
		b.announce(e.component, Coded(b.cfg.Base)+"_"+b.cfg.Coordinator, e.object, c)
	}
}

func (b *Bridge) bridgeEntities() []entity {
	info := b.topic("bridge/info")
	return []entity{
		{"binary_sensor", "connection_state", members("device_class", "connectivity", "entity_category", "diagnostic",
			"name", "Connection state", "payload_off", "offline", "payload_on", "online",
			"state_topic", b.topic("bridge/state"), "value_template", "{{ value_json.state }}")},
		{"binary_sensor", "restart_required", members("device_class", "problem", "enabled_by_default", false,
			"entity_category", "diagnostic", "name", "Restart required", "payload_off", false, "payload_on", true,
			"state_topic", info, "value_template", "{{ value_json.restart_required }}")},
		{"button", "restart", members("command_topic", b.topic("bridge/request/restart"), "device_class", "restart",
			"name", "Restart", "payload_press", "")},
		{"select", "log_level", members("command_template", `{"options": {"advanced": {"log_level": "{{ value }}" } } }`,
			"command_topic", b.topic("bridge/request/options"), "entity_category", "config", "name", "Log level",
			"options", list{"error", "warning", "info", "debug"}, "state_topic", info,
			"value_template", "{{ value_json.log_level | lower }}")},
		{"sensor", "version", members("entity_category", "diagnostic", "icon", "mdi:zigbee", "name", "Version",
			"state_topic", info, "value_template", "{{ value_json.version }}")},
		{"sensor", "coordinator_version", members("enabled_by_default", false, "entity_category", "diagnostic",
			"icon", "mdi:chip", "name", "Coordinator version", "state_topic", info,
			"value_template", "{{ value_json.coordinator.meta.revision }}")},
		{"sensor", "network_map", members("enabled_by_default", false, "entity_category", "diagnostic",
			"json_attributes_template", "{{ value_json.data.value | tojson }}",
			"json_attributes_topic", b.topic("bridge/response/networkmap"), "name", "Network map",
			"state_topic", b.topic("bridge/response/networkmap"),
			"value_template", "{{ now().strftime('%Y-%m-%d %H:%M:%S') }}")},
		{"switch", "permit_join", members("command_topic", b.topic("bridge/request/permit_join"),
			"icon", "mdi:human-greeting-proximity", "name", "Permit join", "payload_off", `{"time": 0}`,
			"payload_on", `{"time": 254}`, "state_off", "false", "state_on", "true", "state_topic", info,
			"value_template", "{{ value_json.permit_join | lower }}")},
	}
}

// discover announces a device's entities.
func (b *Bridge) discover(m *member) {
	if b.cfg.Discovery == "" {
		return
	}
	d := device(m.kind())
	definition, _ := objectIn(d, "definition")
	of := members(
		"hw_version", 1,
		"identifiers", list{"zigbee2mqtt_" + m.ieee},
		"manufacturer", have(definition, "vendor"), "model", have(definition, "description"),
		"model_id", have(definition, "model"), "name", m.name, "sw_version", have(d, "software_build_id"),
		"via_device", b.bridgeID(),
	)
	for _, e := range b.entities(m) {
		c := e.config
		name := m.name + "_" + e.object
		if v, main := c.get("name"); main && v == nil {
			name = m.name
		}
		c.set("availability", b.availability(m.name+"/availability"))
		c.set("availability_mode", "all")
		c.set("default_entity_id", e.component+"."+name)
		c.set("device", of)
		c.set("object_id", name)
		c.set("origin", b.origin())
		c.set("unique_id", m.ieee+"_"+e.object+"_"+b.cfg.Base)
		b.announce(e.component, m.ieee, e.object, c)
	}
}

// undiscover takes a device's entities away.
func (b *Bridge) undiscover(m *member) {
	if b.cfg.Discovery == "" {
		return
	}
	for _, e := range b.entities(m) {
		b.announce(e.component, m.ieee, e.object, nil)
	}
}

// groupEntity returns what a group is to Home Assistant: a light if one of its members
// is one, else a switch; nil if it has none of both.
func (b *Bridge) groupEntity(g *group) *entity {
	kind := ""
	for _, m := range g.members {
		switch {
		case m.light != nil:
			kind = "light"
		case m.switches() && kind == "":
			kind = "switch"
		}
	}
	if kind == "" {
		return nil
	}
	of := list{}
	for _, m := range g.members {
		if m.kind() == "light" && kind == "light" || m.kind() == "plug" && kind == "switch" {
			of = append(of, m.ieee+"_"+kind+"_"+b.cfg.Base)
		}
	}
	c := b.switchConfig(g.name)
	if kind == "light" {
		c = b.lightConfig(g.name)
	}
	c.set("group", of)
	return &entity{kind, kind, c}
}

func (b *Bridge) groupID(g *group) string { return Coded(b.cfg.Base) + "_" + strconv.Itoa(g.id) }

func (b *Bridge) discoverGroup(g *group) {
	e := b.groupEntity(g)
	if e == nil || b.cfg.Discovery == "" {
		return
	}
	c := e.config
	c.set("availability", b.availability(g.name+"/availability"))
	c.set("availability_mode", "all")
	c.set("default_entity_id", e.component+"."+g.name)
	c.set("device", members("identifiers", list{"zigbee2mqtt_" + b.groupID(g)}, "manufacturer", "Zigbee2MQTT",
		"model", "Group", "name", g.name, "sw_version", "Zigbee2MQTT "+Version, "via_device", b.bridgeID()))
	c.set("object_id", g.name)
	c.set("origin", b.origin())
	c.set("unique_id", strconv.Itoa(g.id)+"_"+e.object+"_"+b.cfg.Base)
	g.announced = e.component
	b.announce(e.component, b.groupID(g), e.object, c)
}

// undiscoverGroup takes away what was announced of a group.
func (b *Bridge) undiscoverGroup(g *group) {
	if b.cfg.Discovery != "" && g.announced != "" {
		b.announce(g.announced, b.groupID(g), g.announced, nil)
	}
}
