package devices

import (
	"errors"
	"fmt"
	"math"
	"time"

	"homefleet/devices/words"
)

// The attributes of a thermostat, by their index in thermostatKind.Attributes.
const (
	thermoMode = iota
	thermoTarget
	thermoTemperature
	thermoAction
	thermoPower
	thermoWindow
)

var thermostatKind = Kind{
	Name:     "thermostat",
	Doc:      "A room thermostat with its heater, its sensor and the room it heats.",
	Params:   thermostatParamTable,
	New:      newFrom("thermostat", prepareThermostat),
	Prepare:  prepareThermostat,
	Readings: thermostatReadings[:],
	Attributes: []Attribute{
		{Name: "mode", Doc: "What it regulates to: off (frost guard only), heat (the target) or auto (the target, lower at night).",
			Wants: "off, heat or auto"},
		{Name: "target", Doc: "Wanted temperature in degrees Celsius, 5.0-30.0 in steps of 0.5.",
			Wants: "5.0 to 30.0 in steps of 0.5, or a change such as +0.5 or -0.5"},
		{Name: "temperature", Doc: "Measured temperature in degrees Celsius, one decimal.",
			Wants: wantsQuery, ReadOnly: true},
		{Name: "action", Doc: "What the heater does: off, idle or heating.",
			Wants: wantsQuery, ReadOnly: true},
		{Name: "power", Doc: "OFF in mode off, ON otherwise; ON returns to the last mode.", Wants: wantsPower},
		{Name: "window", Doc: "Whether the window is open or closed: an input of the simulation.",
			Wants: "open or closed"},
	},
}

var thermostatReadings = [...]Reading{
	{Name: "setpoint", Doc: "What it regulates to.", Unit: "°C", Class: Temperature, Decimals: 1},
	{Name: "temperature", Doc: "Measured temperature of the room.", Unit: "°C", Class: Temperature, Decimals: 1},
	{Name: "heat_watts", Doc: "Heat that the heater gives.", Unit: "W", Class: Power},
	{Name: "outdoor", Doc: "Temperature outside.", Unit: "°C", Class: Temperature, Decimals: 1},
}

const wantsQuery = "an empty payload (it is query only)"

var thermostatParamTable = []Param{
	{Name: "mode", Type: Choice, Default: "heat", Choices: modeNames[:],
		Doc: "Mode at the start.", Source: "guess"},
	{Name: "target", Type: Number, Default: 21.0, Min: minTarget, Max: maxTarget,
		Doc: "Target at the start, in C, in steps of 0.5.", Source: "a usual living room"},
	{Name: "heater", Type: Choice, Default: "electric", Choices: []string{"electric", "radiator", "floor"},
		Doc:    "Kind of heater: sets the defaults of heater_watts (1500, 1500, 1200), heater_lag (0s, 10m, 1h) and capacity (2e6, 2e6, 4e6).",
		Source: "guess"},
	{Name: "resistance", Type: Number, Default: 0.025, Min: 0.001, Max: 1,
		Doc: "Thermal resistance of the room to the outside, in K/W; usually 0.01 to 0.05.", Source: "guess: a room of about 20 m2"},
	{Name: "capacity", Type: Number, Default: 2.0e6, Min: 1e4, Max: 1e9,
		Doc: "Heat capacity of the room, in J/K; 4e6 by default with heater \"floor\".", Source: "guess"},
	{Name: "heater_watts", Type: Number, Default: 1500.0, Min: 1, Max: 100000,
		Doc: "Heat the heater gives when on, in W; 1200 by default with heater \"floor\".", Source: "guess"},
	{Name: "heater_lag", Type: Span, Default: time.Duration(0), Min: 0, Max: 86400,
		Doc: "Time constant of the heater; 10m by default with heater \"radiator\", 1h with \"floor\".", Source: "guess"},
	{Name: "internal_watts", Type: Number, Default: 0.0, Min: 0, Max: 10000,
		Doc: "Heat from people and appliances in the room, in W.", Source: "guess"},
	{Name: "window_factor", Type: Number, Default: 5.0, Min: 1, Max: 100,
		Doc: "What an open window divides the resistance by.", Source: "guess"},
	{Name: "outdoor_mean", Type: Number, Default: 5.0, Min: -60, Max: 60,
		Doc: "Mean outdoor temperature, in C.", Source: "guess"},
	{Name: "outdoor_swing", Type: Number, Default: 4.0, Min: 0, Max: 40,
		Doc: "How far the outdoor temperature goes above and below its mean in a day, in K.", Source: "guess"},
	{Name: "outdoor_peak", Type: Span, Default: 15 * time.Hour, Min: 0, Max: 86400,
		Doc: "Time of day at which it is warmest outside, since midnight.", Source: "guess"},
	{Name: "initial", Type: Number, Default: 20.0, Min: -40, Max: 60,
		Doc: "Room temperature at the start, in C.", Source: "guess"},
	{Name: "initial_spread", Type: Number, Default: 1.0, Min: 0, Max: 20,
		Doc: "How far a device's room may be above or below initial at the start, in K, so that they do not all heat in step.", Source: "guess"},
	{Name: "control", Type: Choice, Default: "hysteresis", Choices: []string{"hysteresis", "pi"},
		Doc: "How it regulates: two-point, or proportional-integral with the heater on for a part of each cycle.", Source: "two-point is the commonest"},
	{Name: "hysteresis", Type: Number, Default: 0.3, Min: 0.05, Max: 5,
		Doc: "Distance from the setpoint at which the heater switches, each side, in K; usually 0.1 to 1.", Source: "usual range 0.1-1 K"},
	{Name: "pi_band", Type: Number, Default: 4.0, Min: 0.1, Max: 50,
		Doc: "Proportional band of control \"pi\", in K.", Source: "usual for time-proportional room control"},
	{Name: "pi_reset", Type: Span, Default: 12000 * time.Second, Min: 60, Max: 864000,
		Doc: "Reset (integral) time of control \"pi\".", Source: "usual for time-proportional room control"},
	{Name: "pi_cycle", Type: Span, Default: 30 * time.Minute, Min: 60, Max: 7200,
		Doc: "Cycle of control \"pi\"; rounded to whole sampling periods.", Source: "usual for time-proportional room control"},
	{Name: "frost_guard", Type: Number, Default: 4.0, Min: -10, Max: 15,
		Doc: "Temperature in C at or below which mode off heats all the same, up to 2 hysteresis above it.", Source: "usual frost guard"},
	{Name: "setback", Type: Number, Default: 3.0, Min: 0, Max: 15,
		Doc: "How much lower mode auto regulates at night, in K; never below 5 C.", Source: "guess"},
	{Name: "night_from", Type: Span, Default: 22 * time.Hour, Min: 0, Max: 86400,
		Doc: "Time of day at which the night of mode auto begins.", Source: "guess"},
	{Name: "night_to", Type: Span, Default: 6 * time.Hour, Min: 0, Max: 86400,
		Doc: "Time of day at which the night of mode auto ends.", Source: "guess"},
	{Name: "sampling", Type: Span, Default: 10 * time.Second, Min: 1, Max: 300,
		Doc: "How often it measures and decides, in simulated time.", Source: "guess"},
	{Name: "sensor_sigma", Type: Number, Default: 0.05, Min: 0, Max: 5,
		Doc: "Standard deviation of a measurement, in K; each is independent of the others.", Source: "guess"},
	{Name: "sensor_resolution", Type: Number, Default: 0.1, Min: 0.1, Max: 5,
		Doc: "Step to which the reported temperature is rounded, in K.", Source: "guess"},
	{Name: "sensor_lag", Type: Span, Default: 120 * time.Second, Min: 0, Max: 3600,
		Doc: "Time constant of the sensor.", Source: "guess"},
	{Name: "report_change", Type: Number, Default: 0.3, Min: 0.1, Max: 20,
		Doc: "How far the measured temperature must be from the one reported last to be reported by itself, in K; by default six sigma, so that noise alone is reported less than once an hour.", Source: "guess"},
}

var modeNames = [...]string{"off", "heat", "auto"}

const (
	modeOff = iota
	modeHeat
	modeAuto
)

const minTarget, maxTarget = 5, 30 // C

// heaterPreset is what a kind of heater sets unless the scenario does.
type heaterPreset struct {
	watts, capacity float64
	lag             time.Duration
}

func presetOf(heater string) heaterPreset {
	switch heater {
	case "radiator":
		return heaterPreset{watts: 1500, capacity: 2e6, lag: 600 * time.Second}
	case "floor":
		return heaterPreset{watts: 1200, capacity: 4e6, lag: 3600 * time.Second}
	default:
		return heaterPreset{watts: 1500, capacity: 2e6}
	}
}

// thermoParams are what the thermostats of one group share. They do not
// change.
type thermoParams struct {
	rooms   [2]room // window closed, open
	outdoor outdoor
	watts   float64

	mode                   uint8
	target                 int8 // half degrees
	initial, spread        float64
	hysteresis             float64
	frost, setback         float64
	nightFrom, nightTo     time.Duration
	sampling               time.Duration
	sigma, resolution      float64
	report                 int16 // tenths of a degree
	pi                     bool
	proportional, integral float64 // per K; per K and sample
	cycle                  uint16  // samples
	sigmaMargin, reportInK float64
}

func prepareThermostat(set map[string]any) (Maker, error) {
	v, err := checked("thermostat", thermostatParamTable, set)
	if err != nil {
		return nil, err
	}
	preset := presetOf(v.choice("heater"))
	if v.has("heater_watts") {
		preset.watts = v.number("heater_watts")
	}
	if v.has("capacity") {
		preset.capacity = v.number("capacity")
	}
	if v.has("heater_lag") {
		preset.lag = v.span("heater_lag")
	}
	out := outdoor{v.number("outdoor_mean"), v.number("outdoor_swing"), v.span("outdoor_peak")}
	sampling := v.span("sampling")
	p := &thermoParams{
		rooms: newRooms(roomParams{
			resistance: v.number("resistance"), capacity: preset.capacity, internal: v.number("internal_watts"),
			heaterLag: preset.lag, sensorLag: v.span("sensor_lag"), outdoor: out, period: sampling,
		}, v.number("window_factor")),
		outdoor:    out,
		watts:      preset.watts,
		target:     int8(2 * v.number("target")),
		initial:    v.number("initial"),
		spread:     v.number("initial_spread"),
		hysteresis: v.number("hysteresis"),
		frost:      v.number("frost_guard"),
		setback:    v.number("setback"),
		nightFrom:  v.span("night_from"),
		nightTo:    v.span("night_to"),
		sampling:   sampling,
		sigma:      v.number("sensor_sigma"),
		resolution: v.number("sensor_resolution"),
		pi:         v.choice("control") == "pi",
		cycle:      uint16((v.span("pi_cycle") + sampling/2) / sampling),
	}
	p.report = int16(math.Round(v.number("report_change") * 10))
	p.reportInK = float64(p.report) / 10
	p.proportional = 1 / v.number("pi_band")
	p.integral = p.proportional * sampling.Seconds() / v.span("pi_reset").Seconds()
	p.sigmaMargin = 2 * p.sigma
	for i, name := range modeNames {
		if v.choice("mode") == name {
			p.mode = uint8(i)
		}
	}
	var faults []error
	if t := v.number("target"); !isWhole(2 * t) {
		faults = append(faults, fmt.Errorf("thermostat: target: %s; want a number in steps of 0.5", formatNumber(t)))
	}
	if p.pi && p.cycle < 2 {
		faults = append(faults, fmt.Errorf("thermostat: pi_cycle: %q; want at least two of sampling, %q", words.Duration(v.span("pi_cycle")), words.Duration(sampling)))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return func(seed uint64, start time.Duration) Device {
		return newThermostat(p, seed, timeOfDay(start))
	}, nil
}
