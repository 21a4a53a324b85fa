package devices

import (
	"errors"
	"fmt"
	"math"
	"time"

	"homefleet/devices/words"
)

// The attributes of a plug, by their index in plugKind.Attributes.
const (
	plugPower = iota
	plugLoad
	plugEnergy
	plugWatts
)

var plugKind = Kind{
	Name:     "plug",
	Doc:      "A metering plug with an appliance on it.",
	Params:   plugParamTable,
	New:      newFrom("plug", preparePlug),
	Prepare:  preparePlug,
	Readings: plugReadings[:],
	Attributes: []Attribute{
		{Name: "power", Doc: "Whether the relay is closed: ON or OFF.", Wants: wantsPower},
		{Name: "load", Doc: "Appliance on the plug, by the name of its profile: an input of the simulation.",
			Wants: "fridge, kettle, washing-machine, dishwasher, tv, router, heater, lamp, charger or none"},
		{Name: "energy", Doc: "Total energy in kWh since the last reset, three decimals.",
			Wants: "reset, or an empty payload"},
		{Name: "watts", Doc: "Active power drawn now, in W, one decimal.", Wants: wantsQuery, ReadOnly: true, Momentary: true},
	},
}

// The load profiles, by their index in loadNames.
const (
	loadFridge = iota
	loadKettle
	loadWashingMachine
	loadDishwasher
	loadTV
	loadRouter
	loadHeater
	loadLamp
	loadCharger
	loadNone
	loadCount
)

var loadNames = [loadCount]string{
	"fridge", "kettle", "washing-machine", "dishwasher", "tv",
	"router", "heater", "lamp", "charger", "none",
}

var plugReadings = [...]Reading{
	{Name: "voltage", Doc: "Voltage of the mains; 0 while off.", Unit: "V", Class: Voltage, Decimals: 1},
	{Name: "current", Doc: "Current drawn.", Unit: "A", Class: Current, Decimals: 3},
	{Name: "watts", Doc: "Active power drawn.", Unit: "W", Class: Power, Decimals: 1},
	{Name: "apparent", Doc: "Apparent power drawn.", Unit: "VA", Class: ApparentPower, Decimals: 1},
	{Name: "reactive", Doc: "Reactive power drawn.", Unit: "var", Class: ReactivePower, Decimals: 1},
	{Name: "factor", Doc: "Power factor, 0-1.", Class: PowerFactor, Decimals: 2},
	{Name: "energy_today", Doc: "Energy since midnight.", Unit: "kWh", Class: Energy, Decimals: 3, Counts: true},
	{Name: "energy_yesterday", Doc: "Energy of the day before.", Unit: "kWh", Class: Energy, Decimals: 3},
	{Name: "energy", Doc: "Energy since the last reset.", Unit: "kWh", Class: Energy, Decimals: 3, Counts: true},
}

var plugParamTable = []Param{
	{Name: "power", Type: Choice, Default: "ON", Choices: []string{"ON", "OFF"},
		Doc: "Whether the relay is closed at the start.", Source: "a plug comes up on"},
	{Name: "load", Type: Choice, Default: "lamp", Choices: loadNames[:],
		Doc: "Profile of the appliance on the plug at the start.", Source: "guess"},
	{Name: "voltage", Type: Number, Default: 230.0, Min: 90, Max: 260,
		Doc: "Mean voltage, in V.", Source: "nominal European mains"},
	{Name: "voltage_noise", Type: Number, Default: 0.8, Min: 0, Max: 5,
		Doc: "Standard deviation of the voltage, in per cent of the mean.", Source: "guess"},
	{Name: "voltage_noise_time", Type: Span, Default: 10 * time.Minute, Min: 1, Max: 86400,
		Doc: "Correlation time of the voltage.", Source: "guess"},
	{Name: "energy_step", Type: Number, Default: 0.1, Min: 0.001, Max: 1000,
		Doc: "The energy is reported by itself when it passes a multiple of this many kWh.", Source: "guess"},

	watts("fridge_watts", 110, "Draw of the fridge's compressor"),
	span("fridge_on", 15*time.Minute, "Time the compressor runs", 1, 86400),
	span("fridge_off", 30*time.Minute, "Time the compressor rests", 0, 86400),
	factor("fridge_factor", 0.7, "the fridge", sourceTypical),
	{Name: "fridge_start_ratio", Type: Number, Default: 3.0, Min: 1, Max: 20,
		Doc: "Draw of the compressor as it starts, in multiples of fridge_watts.", Source: "guess"},
	span("fridge_start_time", time.Second, "Time the compressor takes to start", 0, 60),

	watts("kettle_watts", 2200, "Draw of the kettle"),
	span("kettle_time", 3*time.Minute, "Time the kettle takes to boil", 1, 1800),
	factor("kettle_factor", 1, "the kettle", sourceTypical),
	{Name: "kettle_fewest", Type: Number, Default: 4.0, Min: 0, Max: 20,
		Doc: "Fewest uses of the kettle a day (rounded to whole), between 6 and 22 o'clock.", Source: "guess"},
	{Name: "kettle_most", Type: Number, Default: 6.0, Min: 1, Max: 20,
		Doc: "Most uses of the kettle a day (rounded to whole).", Source: "guess"},

	watts("washing_heat_watts", 2000, "Draw of the washing machine as it heats"),
	span("washing_heat_time", 12*time.Minute, "Time the washing machine heats", 1, 86400),
	factor("washing_heat_factor", 1, "the washing machine as it heats", sourceGuess),
	watts("washing_drum_watts", 150, "Draw of the washing machine as the drum turns"),
	span("washing_drum_time", 40*time.Minute, "Time the drum turns now and then", 1, 86400),
	factor("washing_drum_factor", 0.6, "the washing machine as the drum turns", sourceGuess),
	span("washing_pulse_on", 20*time.Second, "Time the drum turns at a stretch", 1, 3600),
	span("washing_pulse_off", 10*time.Second, "Time the drum rests in between", 0, 3600),
	watts("washing_spin_watts", 400, "Draw of the washing machine as it spins"),
	span("washing_spin_time", 8*time.Minute, "Time the washing machine spins", 1, 86400),
	factor("washing_spin_factor", 0.7, "the washing machine as it spins", sourceGuess),
	watts("washing_idle_watts", 1, "Draw of the washing machine between two runs and while the drum rests"),
	factor("washing_idle_factor", 0.5, "the idle washing machine", sourceGuess),
	span("washing_every", day, "Time from one run of the washing machine to the next", 60, 864000),

	watts("dishwasher_heat_watts", 1800, "Draw of the dishwasher as it heats"),
	span("dishwasher_heat_time", 15*time.Minute, "Time of each of the dishwasher's two heatings", 1, 86400),
	factor("dishwasher_heat_factor", 1, "the dishwasher as it heats", sourceGuess),
	watts("dishwasher_wash_watts", 60, "Draw of the dishwasher as it washes"),
	factor("dishwasher_wash_factor", 0.7, "the dishwasher as it washes", sourceGuess),
	span("dishwasher_time", 90*time.Minute, "Time a run of the dishwasher takes", 60, 86400),
	watts("dishwasher_idle_watts", 1, "Draw of the dishwasher between two runs"),
	factor("dishwasher_idle_factor", 0.5, "the idle dishwasher", sourceGuess),
	span("dishwasher_every", day, "Time from one run of the dishwasher to the next", 60, 864000),

	watts("tv_watts", 110, "Draw of the television"),
	factor("tv_factor", 0.95, "the television", sourceTypical),
	watts("tv_standby_watts", 0.8, "Draw of the television in standby"),
	factor("tv_standby_factor", 0.45, "the television in standby", sourceTypical),
	span("tv_time", 4*time.Hour, "Time the television is on each day", 1, 86399),
	span("tv_from", 18*time.Hour, "Time of day at which the television goes on at the earliest", 0, 86400),
	span("tv_spread", 2*time.Hour, "How much later than tv_from a television may go on, differing from device to device", 0, 86400),

	watts("router_watts", 8, "Draw of the router"),
	factor("router_factor", 0.6, "the router", sourceGuess),

	watts("heater_watts", 1500, "Draw of the heater"),
	factor("heater_factor", 1, "the heater", sourceGuess),
	span("heater_cycle", 55*time.Minute, "Time from one start of the heater to the next", 600, 86400),
	{Name: "heater_target", Type: Number, Default: 21.0, Min: 5, Max: 30,
		Doc: "Temperature the heater holds, in C.", Source: "that of the thermostat's room"},
	{Name: "heater_resistance", Type: Number, Default: 0.025, Min: 0.001, Max: 1,
		Doc: "Thermal resistance of the heater's room, in K/W.", Source: "that of the thermostat's room: guess"},
	{Name: "outdoor_mean", Type: Number, Default: 5.0, Min: -60, Max: 60,
		Doc: "Mean outdoor temperature, in C.", Source: sourceGuess},
	{Name: "outdoor_swing", Type: Number, Default: 4.0, Min: 0, Max: 40,
		Doc: "How far the outdoor temperature goes above and below its mean in a day, in K.", Source: sourceGuess},
	span("outdoor_peak", 15*time.Hour, "Time of day at which it is warmest outside, since midnight", 0, 86400),

	watts("lamp_watts", 9, "Draw of the lamp"),
	factor("lamp_factor", 0.9, "the lamp", sourceGuess),
	watts("charger_watts", 5, "Draw of the charger"),
	factor("charger_factor", 0.5, "the charger", sourceTypical),
}

const (
	sourceTypical = "typical of its sort"
	sourceGuess   = "guess"
)

// maxPlugWatts bounds the draw of every profile: more than any socket gives.
const maxPlugWatts = 10000

func watts(name string, w float64, doc string) Param {
	return Param{Name: name, Type: Number, Default: w, Min: 0, Max: maxPlugWatts, Doc: doc + ", in W.", Source: sourceTypical}
}

func factor(name string, f float64, of, source string) Param {
	return Param{Name: name, Type: Number, Default: f, Min: 0.05, Max: 1, Doc: "Power factor of " + of + ".", Source: source}
}

func span(name string, d time.Duration, doc string, least, most float64) Param {
	return Param{Name: name, Type: Span, Default: d, Min: least, Max: most, Doc: doc + ".", Source: sourceGuess}
}

// plugParams are what the plugs of one group share. They do not change.
type plugParams struct {
	on      bool
	load    uint8
	voltage float64
	sigma   float64       // of the voltage, V
	slow    time.Duration // its correlation time
	step    float64       // J from report to report of the energy
	loads   [loadCount]load
}

func preparePlug(set map[string]any) (Maker, error) {
	v, err := checked("plug", plugParamTable, set)
	if err == nil {
		err = plugFaults(v)
	}
	if err != nil {
		return nil, err
	}
	p := &plugParams{
		on:      v.choice("power") == "ON",
		voltage: v.number("voltage"),
		sigma:   v.number("voltage") * v.number("voltage_noise") / 100,
		slow:    v.span("voltage_noise_time"),
		step:    v.number("energy_step") * joulesPerKWh,
		loads:   loadsOf(v),
	}
	for i, name := range loadNames {
		if v.choice("load") == name {
			p.load = uint8(i)
		}
	}
	return func(seed uint64, start time.Duration) Device {
		return newPlug(p, seed, timeOfDay(start))
	}, nil
}

// plugFaults finds the values that are good by themselves but not together.
func plugFaults(v values) error {
	var faults []error
	atLeast := func(name string, want time.Duration, of string) {
		if d := v.span(name); d < want {
			faults = append(faults, fmt.Errorf("plug: %w", &ParamError{name, fmt.Sprintf("%q; want at least %s, %q", words.Duration(d), of, words.Duration(want))}))
		}
	}
	atLeast("fridge_on", v.span("fridge_start_time"), "fridge_start_time")
	atLeast("washing_every", v.span("washing_heat_time")+v.span("washing_drum_time")+v.span("washing_spin_time"), "washing_heat_time, washing_drum_time and washing_spin_time together")
	atLeast("dishwasher_time", 2*v.span("dishwasher_heat_time"), "two of dishwasher_heat_time")
	atLeast("dishwasher_every", v.span("dishwasher_time"), "dishwasher_time")
	if f, m := v.number("kettle_fewest"), v.number("kettle_most"); math.Round(m) < math.Round(f) {
		faults = append(faults, fmt.Errorf("plug: %w", &ParamError{"kettle_most", formatNumber(m) + "; want at least kettle_fewest, " + formatNumber(f)}))
	}
	return errors.Join(faults...)
}

// loadsOf builds every profile, since any can be commanded.
func loadsOf(v values) [loadCount]load {
	var l [loadCount]load
	on, start := v.span("fridge_on"), v.span("fridge_start_time")
	compressor, fridge := v.number("fridge_watts"), v.number("fridge_factor")
	l[loadFridge] = newProgram(0, on+v.span("fridge_off"),
		phase{length: start, watts: compressor * v.number("fridge_start_ratio"), factor: fridge},
		phase{length: on - start, watts: compressor, factor: fridge},
		phase{length: v.span("fridge_off")},
	)
	l[loadKettle] = &bursts{
		watts: v.number("kettle_watts"), factor: v.number("kettle_factor"), length: v.span("kettle_time"),
		fewest: uint64(math.Round(v.number("kettle_fewest"))), most: uint64(math.Round(v.number("kettle_most"))),
	}
	l[loadWashingMachine] = washingMachine(v)
	l[loadDishwasher] = dishwasher(v)
	tv := v.span("tv_time")
	l[loadTV] = newProgram(v.span("tv_from"), v.span("tv_spread"),
		phase{length: tv, watts: v.number("tv_watts"), factor: v.number("tv_factor")},
		phase{length: day - tv, watts: v.number("tv_standby_watts"), factor: v.number("tv_standby_factor")},
	)
	l[loadRouter] = constant(v.number("router_watts"), v.number("router_factor"))
	l[loadHeater] = &cycling{
		watts: v.number("heater_watts"), factor: v.number("heater_factor"), cycle: v.span("heater_cycle"),
		target: v.number("heater_target"), resistance: v.number("heater_resistance"),
		outdoor: outdoor{v.number("outdoor_mean"), v.number("outdoor_swing"), v.span("outdoor_peak")},
	}
	l[loadLamp] = constant(v.number("lamp_watts"), v.number("lamp_factor"))
	l[loadCharger] = constant(v.number("charger_watts"), v.number("charger_factor"))
	l[loadNone] = constant(0, 0)
	return l
}

func washingMachine(v values) load {
	idle := phase{watts: v.number("washing_idle_watts"), factor: v.number("washing_idle_factor")}
	heat := phase{length: v.span("washing_heat_time"), watts: v.number("washing_heat_watts"), factor: v.number("washing_heat_factor")}
	drum := phase{
		length: v.span("washing_drum_time"), watts: v.number("washing_drum_watts"), factor: v.number("washing_drum_factor"),
		pulse: v.span("washing_pulse_on"), rest: v.span("washing_pulse_off"),
		restWatts: idle.watts, restFactor: idle.factor,
	}
	spin := phase{length: v.span("washing_spin_time"), watts: v.number("washing_spin_watts"), factor: v.number("washing_spin_factor")}
	every := v.span("washing_every")
	idle.length = every - heat.length - drum.length - spin.length
	return newProgram(0, every, heat, drum, spin, idle)
}

// dishwasher washes, heats, washes, heats for the drying and rinses: the time
// that is not heating is washed in three equal parts.
func dishwasher(v values) load {
	heat := phase{length: v.span("dishwasher_heat_time"), watts: v.number("dishwasher_heat_watts"), factor: v.number("dishwasher_heat_factor")}
	run, every := v.span("dishwasher_time"), v.span("dishwasher_every")
	wash := phase{length: (run - 2*heat.length) / 3, watts: v.number("dishwasher_wash_watts"), factor: v.number("dishwasher_wash_factor")}
	last := wash
	last.length = run - 2*heat.length - 2*wash.length
	idle := phase{length: every - run, watts: v.number("dishwasher_idle_watts"), factor: v.number("dishwasher_idle_factor")}
	return newProgram(0, every, wash, heat, wash, heat, last, idle)
}
