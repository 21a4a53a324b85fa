// Package conformance holds what devices announce against what Home Assistant's MQTT
// discovery takes, for tests. It shares nothing with the faces that announce: its rules
// are those of Home Assistant's documentation of the MQTT integration, and of what
// version 2025.1.4 was seen to refuse or to warn of; where newer versions are stricter,
// so is it. Keys are wanted in full, not abbreviated.
package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	deviceTopic    = regexp.MustCompile(`^[^/]+/device/([a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config$`)
	componentTopic = regexp.MustCompile(`^[^/]+/([a-z_]+)/([a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config$`)
	entityID       = regexp.MustCompile(`^[a-z_]+\.[a-z0-9_]+$`)
)

// Announced is what has been announced to one Home Assistant. Its zero value is ready.
type Announced struct {
	uniqueIDs map[string]string // and the topic with each
	Entities  int
}

// Check returns what is wrong with a message on a discovery topic, each fault in a
// sentence; nil if nothing is.
func (a *Announced) Check(topic string, payload []byte) (faults []string) {
	c := checker{announced: a, topic: topic}
	var config map[string]any
	if err := json.Unmarshal(payload, &config); err != nil {
		return []string{"the payload is no JSON object: " + err.Error()}
	}
	switch m := componentTopic.FindStringSubmatch(topic); {
	case deviceTopic.MatchString(topic):
		c.device(config)
	case m != nil:
		c.common(config)
		c.entity(m[1], config, "name", "device", "origin", "availability_topic", "availability", "availability_mode")
	default:
		c.fault("%q is no discovery topic", topic)
	}
	return c.faults
}

type checker struct {
	announced *Announced
	topic     string
	faults    []string
	name      string // of the device
	titles    []string
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// device checks a message that announces a device with all its components.
func (c *checker) device(config map[string]any) {
	c.common(config)
	c.known("the device's message", config, "device", "origin", "components", "availability_topic", "availability", "availability_mode", "qos", "encoding", "state_topic", "command_topic")
	components, _ := config["components"].(map[string]any)
	if len(components) == 0 {
		c.fault("it has no components")
	}
	for _, id := range slices.Sorted(maps.Keys(components)) {
		of, _ := components[id].(map[string]any)
		platform, _ := of["platform"].(string)
		if platform == "" {
			c.fault("component %s has no platform", id)
			continue
		}
		delete(of, "platform")
		c.entity(platform, of)
	}
}

// common checks what all components have in common.
func (c *checker) common(config map[string]any) {
	device, _ := config["device"].(map[string]any)
	c.known("device", device, "identifiers", "connections", "name", "manufacturer", "model", "model_id", "hw_version", "sw_version", "serial_number", "suggested_area", "configuration_url", "via_device")
	c.name, _ = device["name"].(string)
	if device["identifiers"] == nil && device["connections"] == nil {
		c.fault("device has neither identifiers nor connections")
	}
	origin, _ := config["origin"].(map[string]any)
	if name, _ := origin["name"].(string); name == "" {
		c.fault("origin has no name")
	}
	if config["availability_topic"] != nil && config["availability"] != nil {
		c.fault("availability_topic and availability stand together")
	}
}

// known reports keys that Home Assistant drops without a word.
func (c *checker) known(of string, config map[string]any, keys ...string) {
	for _, k := range slices.Sorted(maps.Keys(config)) {
		if !slices.Contains(keys, k) {
			c.fault("%s has the key %q, which means nothing there", of, k)
		}
	}
}

var everyEntity = []string{"unique_id", "default_entity_id", "object_id", "name", "icon", "entity_category", "enabled_by_default", "qos",
	"json_attributes_topic", "json_attributes_template", "value_template", "device_class", "payload_available", "payload_not_available", "availability_template"}

// platforms are the keys of each platform; those with a * must be there.
var platforms = map[string][]string{
	"light": {"*schema", "*command_topic", "state_topic", "brightness", "brightness_scale", "supported_color_modes", "min_mireds", "max_mireds", "effect", "effect_list", "group"},
	"climate": {"modes", "mode_command_topic", "mode_state_topic", "mode_state_template", "temperature_command_topic", "temperature_state_topic", "temperature_state_template",
		"current_temperature_topic", "current_temperature_template", "action_topic", "action_template", "min_temp", "max_temp", "temp_step", "precision", "temperature_unit"},
	"switch":        {"*command_topic", "state_topic", "payload_on", "payload_off", "state_on", "state_off", "optimistic"},
	"sensor":        {"*state_topic", "unit_of_measurement", "state_class", "suggested_display_precision", "expire_after", "force_update", "options"},
	"binary_sensor": {"*state_topic", "payload_on", "payload_off", "off_delay", "expire_after"},
	"button":        {"*command_topic", "command_template", "payload_press"},
	"select":        {"*command_topic", "*options", "state_topic", "command_template", "optimistic"},
	"number":        {"*command_topic", "state_topic", "command_template", "min", "max", "step", "mode", "unit_of_measurement", "optimistic"},
	"update":        {"state_topic", "command_topic", "payload_install", "latest_version_topic", "latest_version_template", "release_url", "entity_picture"},
}

// entity checks one entity. also are keys that may stand there, too.
func (c *checker) entity(platform string, config map[string]any, also ...string) {
	keys, ok := platforms[platform]
	if !ok {
		c.fault("there is no platform %q here", platform)
		return
	}
	c.announced.Entities++
	who := fmt.Sprintf("the %s %v", platform, config["unique_id"])
	allowed := slices.Concat(everyEntity, also)
	for _, k := range keys {
		name, required := strings.CutPrefix(k, "*")
		allowed = append(allowed, name)
		if required && config[name] == nil {
			c.fault("%s has no %s", who, name)
		}
	}
	c.known(who, config, allowed...)
	c.named(who, platform, config)
	for _, k := range slices.Sorted(maps.Keys(config)) {
		text, _ := config[k].(string)
		switch {
		case strings.HasSuffix(k, "_topic") && (text == "" || strings.ContainsAny(text, "+#\x00")):
			c.fault("%s: %s is %q, no topic name", who, k, text)
		case strings.HasSuffix(k, "_template") && !isTemplate(text):
			c.fault("%s: %s is %q", who, k, text)
		}
	}
	switch platform {
	case "light":
		c.light(who, config)
	case "climate":
		c.climate(who, config)
	case "sensor":
		c.sensor(who, config)
	case "binary_sensor":
		c.oneOf(who, config, "device_class", "window", "door", "motion", "occupancy", "moisture", "smoke", "battery", "opening", "connectivity", "problem", "light", "power", "tamper", "lock")
	case "button":
		c.oneOf(who, config, "device_class", "restart", "update", "identify")
	case "number":
		low, high := number(config["min"], 1), number(config["max"], 100)
		if step := number(config["step"], 1); low >= high || step < 0.001 {
			c.fault("%s: min %v, max %v, step %v", who, low, high, step)
		}
	case "update":
		c.oneOf(who, config, "device_class", "firmware")
	case "switch":
		c.oneOf(who, config, "device_class", "outlet", "switch")
	}
}

// isTemplate reports whether a text has something to be filled in, and every brace of that its
// partner.
func isTemplate(text string) bool {
	places := strings.Count(text, "{{")
	blocks := strings.Count(text, "{%")
	return places+blocks > 0 && places <= strings.Count(text, "}}") && blocks == strings.Count(text, "%}")
}

// number is a number, which may be a text, too.
func number(v any, otherwise float64) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f
		}
	}
	return otherwise
}

// named checks what an entity is called.
func (c *checker) named(who, platform string, config map[string]any) {
	if c.announced.uniqueIDs == nil {
		c.announced.uniqueIDs = make(map[string]string)
	}
	switch id, _ := config["unique_id"].(string); {
	case id == "":
		c.fault("%s has no unique_id", who)
	case c.announced.uniqueIDs[id] != "" && c.announced.uniqueIDs[id] != c.topic:
		c.fault("%s: its unique_id is that of an entity of %s, too", who, c.announced.uniqueIDs[id])
	default:
		c.announced.uniqueIDs[id] = c.topic
	}
	if id, _ := config["default_entity_id"].(string); !entityID.MatchString(id) || !strings.HasPrefix(id, platform+".") {
		c.fault("%s: default_entity_id is %q; want %s. and lower case letters, digits and _", who, id, platform)
	}
	name, given := config["name"]
	title, _ := name.(string)
	switch {
	case !given && config["device_class"] != nil: // it is called like its class
		title = fmt.Sprint("of class ", config["device_class"])
		if slices.Contains(c.titles, title) {
			c.fault("two entities of the device are named after the class %v", config["device_class"])
		}
	case !given:
		c.fault("%s has no name; null is that of the device", who)
	case name == nil:
	case title == "" || c.name != "" && strings.Contains(title, c.name):
		c.fault("%s is named %v; want a name without that of the device", who, name)
	case slices.Contains(c.titles, title):
		c.fault("two entities of the device are named %q", title)
	}
	c.titles = append(c.titles, title)
	if config["entity_category"] == "config" && (platform == "sensor" || platform == "binary_sensor") {
		c.fault("%s: entity_category config is refused", who)
	}
}

func (c *checker) oneOf(who string, config map[string]any, key string, of ...string) {
	if v, ok := config[key]; ok {
		if text, _ := v.(string); !slices.Contains(of, text) {
			c.fault("%s: %s is %v; want one of %v", who, key, v, of)
		}
	}
}

func (c *checker) light(who string, config map[string]any) {
	if config["schema"] != "json" {
		c.fault("%s: schema is %v; want json", who, config["schema"])
	}
	if scale, ok := config["brightness_scale"].(float64); ok && (scale < 1 || scale != float64(int(scale))) {
		c.fault("%s: brightness_scale is %v", who, scale)
	}
	modes, _ := config["supported_color_modes"].([]any)
	for _, m := range modes {
		alone := m == "onoff" || m == "brightness"
		together := slices.Contains([]any{"color_temp", "hs", "xy", "rgb", "rgbw", "rgbww", "white"}, m)
		if !alone && !together || alone && len(modes) > 1 || m == "white" && len(modes) == 1 {
			c.fault("%s: supported_color_modes are %v", who, modes)
			return
		}
	}
	low, _ := config["min_mireds"].(float64)
	if high, _ := config["max_mireds"].(float64); slices.Contains(modes, "color_temp") && !(0 < low && low < high) {
		c.fault("%s: min_mireds %v, max_mireds %v", who, low, high)
	}
}

func (c *checker) climate(who string, config map[string]any) {
	standard := []any{"off", "heat", "auto", "cool", "heat_cool", "dry", "fan_only"}
	modes, _ := config["modes"].([]any)
	for _, m := range modes {
		if !slices.Contains(standard, m) {
			c.fault("%s: %v is no standard mode", who, m)
		}
	}
	low := number(config["min_temp"], 7)
	if high := number(config["max_temp"], 35); low >= high {
		c.fault("%s: min_temp %v, max_temp %v", who, low, high)
	}
	if p, ok := config["precision"].(float64); ok && p != 0.1 && p != 0.5 && p != 1 {
		c.fault("%s: precision is %v", who, p)
	}
	c.oneOf(who, config, "temperature_unit", "C", "F")
}

// units are those that go with a device class; "" is none at all.
var units = map[string][]string{
	"power": {"W", "kW", "mW"}, "voltage": {"V", "mV"}, "current": {"A", "mA"}, "apparent_power": {"VA"}, "reactive_power": {"var"},
	"power_factor": {"", "%"}, "frequency": {"Hz"}, "energy": {"Wh", "kWh", "MWh"}, "temperature": {"°C", "°F", "K"},
}

func (c *checker) sensor(who string, config map[string]any) {
	class, _ := config["device_class"].(string)
	unit, _ := config["unit_of_measurement"].(string)
	state, _ := config["state_class"].(string)
	fit, known := units[class]
	switch {
	case class == "" && config["device_class"] == nil:
	case !known:
		c.fault("%s: there is no device class %v", who, config["device_class"])
	case !slices.Contains(fit, unit):
		c.fault("%s: the unit %q does not go with the class %s; want one of %q", who, unit, class, fit)
	case class == "energy" && state == "measurement":
		c.fault("%s: energy is no measurement; want total_increasing, total or no state class", who)
	}
	c.oneOf(who, config, "state_class", "measurement", "total", "total_increasing")
}
