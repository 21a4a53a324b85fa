package zigbee2mqtt

import (
	"strconv"

	"homefleet/devices"
)

// member is a device behind the bridge, and what the bridge remembers of it.
type member struct {
	name, ieee string
	network    int
	model      devices.Device
	options    *object
	light      *light // of a light
	powerOn    any    // power_on_behavior; nil: not known
	cfg        *Config
	buf        []byte
	values     []float64
}

func newMember(m Member, network int, c *Config) *member {
	n := &member{cfg: c, name: m.Name, ieee: m.IEEE, network: network, model: m.Model, options: &object{}}
	if m.Model.Kind().Name == "light" {
		n.light = newLight(m.Model)
	}
	return n
}

func (m *member) kind() string { return m.model.Kind().Name }

// linkquality is what every device has here, of 255.
const linkquality = 150

func (m *member) retains() bool {
	if on, ok := have(m.options, "retain").(bool); ok {
		return on
	}
	return m.cfg.Retain
}

func (m *member) qos() byte {
	if f, ok := have(m.options, "qos").(float64); ok && (f == 0 || f == 1 || f == 2) {
		return byte(f)
	}
	return m.cfg.QoS
}

// switches reports whether the device has a state of ON and OFF.
func (m *member) switches() bool { return m.kind() != "thermostat" }

func (m *member) on() bool {
	switch {
	case m.light != nil:
		return m.light.on
	case m.switches():
		return m.value("power") == "ON"
	}
	return false
}

// value returns an attribute of the model.
func (m *member) value(name string) string {
	attr, ok := m.model.Kind().Attribute([]byte(name))
	if !ok {
		return ""
	}
	m.buf = m.model.AppendValue(m.buf[:0], attr)
	return string(m.buf)
}

// do has the model carry out a command.
func (m *member) do(name, payload string) error {
	attr, ok := m.model.Kind().Attribute([]byte(name))
	if !ok {
		return nil
	}
	_, err := m.model.Do(attr, []byte(payload))
	return err
}

// follow takes that attributes of the model have changed by themselves or by another's
// hand. It reports whether the state that is told is another.
func (m *member) follow() bool {
	if m.light != nil {
		return m.light.follow(m)
	}
	return true
}

// update is what a device's groups follow of its state.
func (m *member) update() *object {
	switch {
	case m.light != nil:
		u := &object{}
		m.light.put(u, "state", "brightness", "color", "color_mode", "color_temp")
		return u
	case m.switches():
		return members("state", onOff(m.on()))
	}
	return &object{}
}

// state appends the whole state as it is published: the members of the object in the
// order of their names.
func (m *member) state(dst []byte) []byte {
	switch m.kind() {
	case "light":
		return m.light.appendState(dst, m)
	case "plug":
		return m.appendPlug(dst)
	default:
		return m.appendThermostat(dst)
	}
}

func (m *member) appendLinkquality(dst []byte) []byte {
	return append(dst, `"linkquality":`+strconv.Itoa(linkquality)+`,`...)
}

func (m *member) appendPowerOn(dst []byte) []byte {
	return append(sorted(append(dst, `"power_on_behavior":`...), m.powerOn), ',')
}

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

func appendWord(dst []byte, on bool) []byte { return append(dst, `"`+onOff(on)+`"`...) }

// appendPlug takes the measurements from the model's readings.
func (m *member) appendPlug(dst []byte) []byte {
	reading := map[devices.Class]float64{}
	if measures, ok := m.model.(devices.Measures); ok {
		m.values = measures.AppendReadings(m.values[:0])
		for i := range m.values {
			r := &m.model.Kind().Readings[i]
			if r.Class != devices.Energy || r.Counts {
				reading[r.Class] = m.values[i]
			}
		}
	}
	dst = appendNumber(append(dst, `{"current":`...), places(reading[devices.Current], 2))
	dst = appendNumber(append(dst, `,"energy":`...), places(reading[devices.Energy], 2))
	dst = append(dst, ',')
	dst = m.appendLinkquality(dst)
	dst = appendNumber(append(dst, `"power":`...), places(reading[devices.Power], 1))
	dst = append(dst, ',')
	dst = m.appendPowerOn(dst)
	dst = appendWord(append(dst, `"state":`...), m.on())
	dst = append(dst, `,"update":{"installed_version":-1,"latest_version":-1,"state":null},"voltage":`...)
	return append(appendNumber(dst, places(reading[devices.Voltage], 1)), '}')
}

func (m *member) appendThermostat(dst []byte) []byte {
	dst = m.appendLinkquality(append(dst, '{'))
	dst = appendDecimal(append(dst, `"local_temperature":`...), m.value("temperature"))
	dst = appendDecimal(append(dst, `,"occupied_heating_setpoint":`...), m.value("target"))
	running := "idle"
	if m.value("action") == "heating" {
		running = "heat"
	}
	dst = append(dst, `,"running_state":"`+running+`","system_mode":"`+m.value("mode")+`","window_open":`...)
	return append(strconv.AppendBool(dst, m.value("window") == "open"), '}')
}

// appendDecimal appends a model's number as JSON has it: without needless zeros.
func appendDecimal(dst []byte, text string) []byte {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return append(dst, "null"...)
	}
	return appendNumber(dst, f)
}
