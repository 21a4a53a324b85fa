package devices

import "time"

// Reading is one thing that a device measures. Telemetry, the faces and whoever
// shows a device take names, units and decimals from here.
type Reading struct {
	Name     string // as in the telemetry
	Doc      string // one sentence
	Unit     string // "V", "kWh", "°C"; "": a plain number
	Class    Class
	Decimals int  // as it is shown
	Counts   bool // it counts up, and falls only where it is reset
}

// Class is the physical quantity of a reading, as Home Assistant's device classes
// name it; "" is one that has no name there.
type Class string

// The classes that there are.
const (
	Voltage       Class = "voltage"
	Current       Class = "current"
	Power         Class = "power"
	ApparentPower Class = "apparent_power"
	ReactivePower Class = "reactive_power"
	PowerFactor   Class = "power_factor"
	Energy        Class = "energy"
	Temperature   Class = "temperature"
)

// Measures is what devices do that have readings.
type Measures interface {
	// AppendReadings appends the present values in the order of the kind's
	// Readings, in their units and not rounded.
	AppendReadings(dst []float64) []float64
}

// appendReading appends a reading as a member of a JSON object.
func appendReading(dst []byte, r *Reading, value float64) []byte {
	return appendNumberMember(dst, r.Name, value, r.Decimals)
}

// LightState is the state of a light as it is meant to be once a fade has ended.
type LightState struct {
	On         bool
	Level      uint8 // per cent, 1-100; while off the one that ON returns to
	Color      [3]uint8
	CT         uint16 // mired, 153-500
	ColorRules bool   // the colour is shown, not the white
	Transition time.Duration
}

// Light is what lights do.
type Light interface{ LightState() LightState }

// LightState implements [Light].
func (l *light) LightState() LightState {
	return LightState{On: l.on(), Level: l.last, Color: l.rgb, CT: l.ct, ColorRules: l.flags&colorRules != 0,
		Transition: time.Duration(l.transition) * time.Millisecond}
}

// ThermostatState is the state of a thermostat.
type ThermostatState struct {
	Mode        string  // off, heat or auto
	Target      float64 // °C, in steps of 0.5
	Temperature float64 // measured, °C, to a tenth
	Heating     bool
	Open        bool    // the window
	Duty        float64 // 0-1: the share of its cycle for which control "pi" heats; with a two-point controller all or nothing
}

// Thermostat is what thermostats do.
type Thermostat interface{ ThermostatState() ThermostatState }

// ThermostatState implements [Thermostat].
func (t *thermostat) ThermostatState() ThermostatState {
	s := ThermostatState{Mode: modeNames[t.mode], Target: float64(t.target) / 2, Temperature: float64(t.shown) / 10,
		Heating: t.heating, Open: t.window == 1}
	switch {
	case t.p.pi && t.mode != modeOff:
		s.Duty = float64(t.onFor) / float64(t.p.cycle)
	case t.heating:
		s.Duty = 1
	}
	return s
}

// Relay is what devices do that switch something on and off.
type Relay interface{ IsOn() bool }

// IsOn implements [Relay].
func (p *plug) IsOn() bool { return p.on }

// Mains is what devices do that hang on the mains and measure it.
type Mains interface {
	// MainsVoltage is the voltage in front of the relay, in volts, also while that is open.
	MainsVoltage() float64
}

// MainsVoltage implements [Mains].
func (p *plug) MainsVoltage() float64 {
	v := p.p.voltage
	if p.p.sigma > 0 {
		v += p.p.sigma * slowNoise(p.seed, streamVoltage, p.p.slow, p.now)
	}
	return v
}

// FullColor is the colour of a hue (0-360 degrees) and a saturation (0-100 %) at full
// value. What is beyond these ends counts as the end.
func FullColor(hue, saturation float64) [3]uint8 {
	return fullColor(min(max(hue, 0), 360), min(max(saturation, 0), 100))
}

// HueSaturation returns the hue (0-360 degrees) and the saturation (0-100 %) of a colour;
// a grey one has hue 0.
func HueSaturation(rgb [3]uint8) (hue, saturation float64) {
	r, g, b := float64(rgb[0]), float64(rgb[1]), float64(rgb[2])
	high, low := max(r, g, b), min(r, g, b)
	if high == low {
		return 0, 0
	}
	span := high - low
	switch high {
	case r:
		hue = (g - b) / span
	case g:
		hue = 2 + (b-r)/span
	default:
		hue = 4 + (r-g)/span
	}
	if hue < 0 {
		hue += 6
	}
	return hue * 60, 100 * span / high
}
