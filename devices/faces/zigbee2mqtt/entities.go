package zigbee2mqtt

// entities are those of a device, for Home Assistant.
func (b *Bridge) entities(m *member) []entity {
	switch m.kind() {
	case "light":
		return []entity{
			{"light", "light", b.lightConfig(m.name)},
			{"select", "effect", members("command_topic", b.topic(m.name+"/set/effect"), "enabled_by_default", false,
				"icon", "mdi:palette", "name", "Effect", "options", words(effects))},
			b.powerOnEntity(m),
			b.linkqualityEntity(m),
		}
	case "plug":
		return []entity{
			{"switch", "switch", b.switchConfig(m.name)},
			b.powerOnEntity(m),
			b.sensor(m, "power", "W", "device_class", "power", "enabled_by_default", true, "state_class", "measurement"),
			b.sensor(m, "voltage", "V", "device_class", "voltage", "enabled_by_default", true, "entity_category", "diagnostic",
				"state_class", "measurement"),
			b.sensor(m, "current", "A", "device_class", "current", "enabled_by_default", true, "state_class", "measurement"),
			b.sensor(m, "energy", "kWh", "device_class", "energy", "enabled_by_default", true, "state_class", "total_increasing"),
			b.linkqualityEntity(m),
			b.updateEntity(m),
		}
	}
	return []entity{
		b.sensor(m, "local_temperature", "°C", "device_class", "temperature", "state_class", "measurement"),
		b.climateEntity(m),
		{"binary_sensor", "window_open", members("device_class", "window", "entity_category", "diagnostic",
			"payload_off", false, "payload_on", true, "state_topic", b.topic(m.name), "value_template", template("window_open"))},
		b.linkqualityEntity(m),
	}
}

func words(of []string) list {
	l := list{}
	for _, w := range of {
		l = append(l, w)
	}
	return l
}

// template reads one member of the state.
func template(property string) string { return `{{ value_json["` + property + `"] }}` }

// sensor is a measurement of a device; pairs are what is particular of it.
func (b *Bridge) sensor(m *member, property, unit string, pairs ...any) entity {
	c := members(pairs...)
	c.set("state_topic", b.topic(m.name))
	c.set("unit_of_measurement", unit)
	c.set("value_template", template(property))
	return entity{"sensor", property, c}
}

func (b *Bridge) linkqualityEntity(m *member) entity {
	return b.sensor(m, "linkquality", "lqi", "enabled_by_default", false, "entity_category", "diagnostic",
		"icon", "mdi:signal", "name", "Linkquality", "state_class", "measurement")
}

func (b *Bridge) powerOnEntity(m *member) entity {
	return entity{"select", "power_on_behavior", members("command_topic", b.topic(m.name+"/set/power_on_behavior"),
		"entity_category", "config", "icon", "mdi:power-settings", "name", "Power-on behavior",
		"options", words(powerOnWords), "state_topic", b.topic(m.name), "value_template", template("power_on_behavior"))}
}

func (b *Bridge) updateEntity(m *member) entity {
	return entity{"update", "update", members("command_topic", b.topic("bridge/request/device/ota_update/update"),
		"device_class", "firmware", "entity_category", "config",
		"entity_picture", "https://github.com/Koenkk/zigbee2mqtt/raw/master/images/logo.png",
		"name", nil, "payload_install", `{"id": "`+m.ieee+`"}`, "state_topic", b.topic(m.name),
		"value_template", `{"latest_version":"{{ value_json['update']['latest_version'] }}",`+
			`"installed_version":"{{ value_json['update']['installed_version'] }}",`+
			`"update_percentage":{{ value_json['update'].get('progress', 'null') }},`+
			`"in_progress":{{ (value_json['update']['state'] == 'updating')|lower }}}`)}
}

// lightConfig is a light, or a group that has one.
func (b *Bridge) lightConfig(name string) *object {
	return members("brightness", true, "brightness_scale", full, "command_topic", b.topic(name+"/set"),
		"effect", true, "effect_list", words(effects), "max_mireds", warmest, "min_mireds", coolest, "name", nil,
		"schema", "json", "state_topic", b.topic(name), "supported_color_modes", list{"xy", "color_temp"})
}

// switchConfig is a plug, or a group of such.
func (b *Bridge) switchConfig(name string) *object {
	return members("command_topic", b.topic(name+"/set"), "name", nil, "payload_off", "OFF", "payload_on", "ON",
		"state_topic", b.topic(name), "value_template", template("state"))
}

func (b *Bridge) climateEntity(m *member) entity {
	state := b.topic(m.name)
	return entity{"climate", "climate", members(
		"action_template", `{% set values = {None:None,'idle':'idle','heat':'heating','cool':'cooling','fan_only':'fan'} %}{{ values[value_json["running_state"]] }}`,
		"action_topic", state,
		"current_temperature_template", template("local_temperature"), "current_temperature_topic", state,
		"max_temp", "30", "min_temp", "5",
		"mode_command_topic", state+"/set/system_mode", "mode_state_template", template("system_mode"), "mode_state_topic", state,
		"modes", list{"off", "heat", "auto"}, "name", nil, "temp_step", 0.5,
		"temperature_command_topic", state+"/set/occupied_heating_setpoint",
		"temperature_state_template", template("occupied_heating_setpoint"), "temperature_state_topic", state,
		"temperature_unit", "C")}
}
