package zigbee2mqtt

import (
	"embed"
	"strconv"
	"time"
)

// The models that the devices are: what bridge/devices says of one, less its names and
// addresses. The light is a Paulmann 948.47/29165 and the plug an Innr SP 240, of those
// that Zigbee2MQTT knows; no thermostat that it knows has what ours has and no more, so
// that ours is one of our own.
//
//go:embed models/light.json models/plug.json models/thermostat.json
var models embed.FS

// device returns the model's element of bridge/devices, as an object of its own.
func device(kind string) *object {
	data, err := models.ReadFile("models/" + kind + ".json")
	if err != nil {
		return &object{}
	}
	v, _ := parse(data)
	o, _ := v.(*object)
	return o
}

func (b *Bridge) tellDevices() {
	all := list{}
	for _, m := range b.members {
		d := device(m.kind())
		d.set("friendly_name", m.name)
		d.set("ieee_address", m.ieee)
		d.set("network_address", m.network)
		all = append(all, d)
	}
	all = append(all, members(
		"disabled", false,
		"endpoints", members("1", members(
			"bindings", list{},
			"clusters", members("input", list{}, "output", list{}),
			"configured_reportings", list{},
			"scenes", list{},
		)),
		"friendly_name", "Coordinator",
		"ieee_address", b.cfg.Coordinator,
		"interview_completed", true,
		"interview_state", "SUCCESSFUL",
		"interviewing", false,
		"network_address", 0,
		"supported", true,
		"type", "Coordinator",
	))
	b.keep("bridge/devices", 0, sorted(nil, all))
}

func (b *Bridge) tellGroups() {
	all := list{}
	for _, g := range b.groups {
		of := list{}
		for _, m := range g.members {
			of = append(of, members("endpoint", 1, "ieee_address", m.ieee))
		}
		all = append(all, members("friendly_name", g.name, "id", g.id, "members", of, "scenes", list{}))
	}
	b.keep("bridge/groups", 0, sorted(nil, all))
}

// tellDefinitions publishes the list of clusters, which is empty here.
func (b *Bridge) tellDefinitions() {
	b.keep("bridge/definitions", 0, []byte(`{"actions":[],"clusters":{},"custom_clusters":{}}`))
}

// tellNetwork publishes what is of all devices.
func (b *Bridge) tellNetwork() {
	b.tellDevices()
	b.tellInfo()
	b.tellDefinitions()
}

// tellAvailability publishes a group's: it is there as long as one of its members is.
func (b *Bridge) tellAvailability(g *group) {
	state := "online"
	if len(g.members) == 0 {
		state = "offline"
	}
	b.keep(g.name+"/availability", 1, []byte(`{"state":"`+state+`"}`))
}

const coordinatorRevision = 20240710

func (b *Bridge) tellInfo() {
	info := members(
		"commit", "unknown",
		"config", b.config(),
		"config_schema", &object{},
		"coordinator", members(
			"ieee_address", b.cfg.Coordinator,
			"meta", members("maintrel", 1, "majorrel", 2, "minorrel", 7, "product", 1, "revision", coordinatorRevision, "transportrev", 2),
			"type", "zStack3x0",
		),
		"log_level", b.logLevel,
		"mqtt", members("server", "mqtt://localhost", "version", 5),
		"network", members("channel", 11, "extended_pan_id", "0xdddddddddddddddd", "pan_id", 6754),
		"os", members("cpus", "homefleet", "memory_mb", 1024, "node_version", "none", "version", "homefleet"),
		"permit_join", !b.joinEnd.IsZero(),
		"restart_required", false,
		"version", Version,
		"zigbee_herdsman", members("version", "10.9.2"),
		"zigbee_herdsman_converters", members("version", "26.105.0"),
	)
	if !b.joinEnd.IsZero() {
		info.set("permit_join_end", float64(b.joinEnd.UnixMilli()))
	}
	b.keep("bridge/info", 0, sorted(nil, info))
}

// config is what Zigbee2MQTT calls its configuration, with its defaults.
func (b *Bridge) config() *object {
	of, groups := &object{}, &object{}
	for _, m := range b.members {
		of.set(m.ieee, named(m.name, m.options))
	}
	for _, g := range b.groups {
		groups.set(strconv.Itoa(g.id), named(g.name, g.options))
	}
	discovery := b.cfg.Discovery
	if discovery == "" {
		discovery = "homeassistant"
	}
	return members(
		"advanced", members(
			"cache_state", true, "cache_state_persistent", true, "cache_state_send_on_startup", true,
			"channel", 11, "elapsed", false, "enable_external_js", true,
			"ext_pan_id", list{221, 221, 221, 221, 221, 221, 221, 221},
			"last_seen", "disable", "log_console_json", false, "log_debug_namespace_ignore", "",
			"log_debug_to_mqtt_frontend", false, "log_directories_to_keep", 10, "log_directory", "",
			"log_file", "log.log", "log_level", b.logLevel, "log_namespaced_levels", &object{},
			"log_output", list{}, "log_rotation", true, "log_symlink_current", false, "log_syslog", &object{},
			"output", "json", "pan_id", 6754, "timestamp_format", "YYYY-MM-DD HH:mm:ss",
		),
		"availability", members(
			"active", members("backoff", true, "max_jitter", 30000, "pause_on_backoff_gt", 0, "timeout", 10),
			"enabled", true,
			"passive", members("timeout", 1500),
		),
		"blocklist", list{},
		"device_options", &object{},
		"devices", of,
		"frontend", members("base_url", "/", "enabled", false, "package", "zigbee2mqtt-windfront", "port", 8080),
		"groups", groups,
		"health", members("interval", 10, "reset_on_check", false),
		"homeassistant", members(
			"discovery_topic", discovery, "enabled", b.cfg.Discovery != "", "experimental_event_entities", false,
			"legacy_action_sensor", false, "status_topic", discovery+"/status",
		),
		"map_options", members("graphviz", members("colors", &object{})),
		"mqtt", members(
			"base_topic", b.cfg.Base, "force_disable_retain", false, "include_device_information", false,
			"keepalive", 60, "maximum_packet_size", 1048576, "reject_unauthorized", true,
			"server", "mqtt://localhost", "version", 5,
		),
		"ota", members(
			"default_maximum_data_size", 50, "disable_automatic_update_check", false,
			"image_block_request_timeout", 150000, "image_block_response_delay", 250, "update_check_interval", 1440,
		),
		"passlist", list{},
		"serial", members("adapter", "zstack", "disable_led", false, "port", "/dev/null"),
		"version", 5,
	)
}

// named is a device or a group as the configuration has it.
func named(name string, options *object) *object {
	o := members("friendly_name", name)
	for i, key := range options.keys {
		o.set(key, options.values[i])
	}
	return o
}

// mapped is the network map: the coordinator hears every device.
func (b *Bridge) mapped(routes any) *object {
	links, nodes := list{}, list{}
	for _, m := range b.members {
		links = append(links, members(
			"depth", 1, "deviceType", 1, "linkquality", linkquality, "lqi", linkquality, "permitJoining", 0,
			"relationship", 1, "routes", list{}, "rxOnWhenIdle", 1,
			"source", members("ieeeAddr", m.ieee, "networkAddress", m.network),
			"sourceIeeeAddr", m.ieee, "sourceNwkAddr", m.network,
			"target", members("ieeeAddr", b.cfg.Coordinator, "networkAddress", 0),
			"targetIeeeAddr", b.cfg.Coordinator,
		))
		d := device(m.kind())
		definition, _ := d.get("definition")
		of, _ := definition.(*object)
		nodes = append(nodes, members(
			"definition", members("description", have(of, "description"), "model", have(of, "model"),
				"supports", supports[m.kind()], "vendor", have(of, "vendor")),
			"failed", list{}, "friendlyName", m.name, "ieeeAddr", m.ieee, "lastSeen", float64(b.now.UnixMilli()),
			"manufacturerName", have(d, "manufacturer"), "modelID", have(d, "model_id"),
			"networkAddress", m.network, "type", "Router",
		))
	}
	nodes = append(nodes, members("failed", list{}, "friendlyName", "Coordinator", "ieeeAddr", b.cfg.Coordinator,
		"networkAddress", 0, "type", "Coordinator"))
	return members("routes", routes, "type", "raw", "value", members("links", links, "nodes", nodes))
}

var supports = map[string]string{
	"light":      "light (state, brightness, color_temp, color_temp_startup, color_xy, color_hs), effect, power_on_behavior, linkquality",
	"plug":       "switch (state), power_on_behavior, power, voltage, current, energy, linkquality",
	"thermostat": "climate (occupied_heating_setpoint, local_temperature, system_mode, running_state), window_open, linkquality",
}

func have(o *object, key string) any {
	v, _ := o.get(key)
	return v
}

// joinFor opens the network for some seconds, or closes it with 0.
func (b *Bridge) joinFor(seconds int) {
	b.joinEnd = time.Time{}
	if seconds > 0 {
		b.joinEnd = b.now.Add(time.Duration(seconds) * time.Second)
	}
	b.tellInfo()
}
