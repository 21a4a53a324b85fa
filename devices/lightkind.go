package devices

import (
	"fmt"
	"math"
	"time"
)

// The attributes of a light, by their index in lightKind.Attributes.
const (
	lightPower = iota
	lightBrightness
	lightColor
	lightCT
	lightTransition
	lightLevel
)

var lightKind = Kind{
	Name:     "light",
	Doc:      "A dimmable colour lamp that fades.",
	Params:   lightParamTable,
	New:      newFrom("light", prepareLight),
	Prepare:  prepareLight,
	Readings: lightReadings[:],
	Attributes: []Attribute{
		{Name: "power", Doc: "Whether the light is on: ON or OFF.", Wants: wantsPower},
		{Name: "brightness", Doc: "Level in per cent, 0-100, that it has or is fading to; 0 while off.",
			Wants: "a whole number from 0 to 100, or a change such as +10 or -10"},
		{Name: "color", Doc: "Colour as #rrggbb; kept while white rules.",
			Wants: "#rrggbb, or hue,saturation,brightness (0-360,0-100,0-100)"},
		{Name: "ct", Doc: "Colour temperature in mired, 153-500; kept while colour rules.",
			Wants: "153 to 500 (mired), or kelvin from 2000K to 6536K such as 2700K"},
		{Name: "transition", Doc: "Duration of the next changes of level in seconds, 0-60.",
			Wants: "0 to 60 (seconds)"},
		{Name: "level", Doc: "Present level in per cent, 0-100, which while it fades is on its way to brightness.",
			Wants: wantsQuery, ReadOnly: true, Momentary: true},
	},
}

var lightReadings = [...]Reading{
	{Name: "lumen", Doc: "Light given off.", Unit: "lm"},
	{Name: "watts", Doc: "Active power drawn.", Unit: "W", Class: Power, Decimals: 2},
}

var lightParamTable = []Param{
	{Name: "power", Type: Choice, Default: "OFF", Choices: []string{"ON", "OFF"},
		Doc: "Whether the light is on at the start.", Source: "a light comes up off"},
	{Name: "brightness", Type: Number, Default: 100.0, Min: 1, Max: 100,
		Doc: "Level at the start, or the one that ON returns to, in per cent (rounded to whole).", Source: "guess"},
	{Name: "ct", Type: Number, Default: 370.0, Min: minMired, Max: maxMired,
		Doc: "Colour temperature at the start, in mired (rounded to whole).", Source: "guess: 2700 K, warm white"},
	{Name: "transition", Type: Span, Default: time.Duration(0), Min: 0, Max: maxTransition,
		Doc: "Duration of a change of level at the start (to the millisecond).", Source: "a change is at once unless asked otherwise"},
	{Name: "standby_watts", Type: Number, Default: 0.4, Min: 0, Max: 10,
		Doc: "Draw while off, in W.", Source: "IEA EDNA measured 0.17-2.70 W"},
	{Name: "full_watts", Type: Number, Default: 9.0, Min: 0, Max: 500,
		Doc: "Draw at full level, in W; not below standby_watts.", Source: "guess"},
	{Name: "full_lumen", Type: Number, Default: 806.0, Min: 0, Max: 100000,
		Doc: "Light at full level, in lm.", Source: "guess"},
	{Name: "draw_exponent", Type: Number, Default: 1.4, Min: 0.5, Max: 3,
		Doc: "Exponent of the draw between standby and full over the level.", Source: "weak source"},
}

const (
	minMired, maxMired   = 153, 500
	minKelvin, maxKelvin = 2000, 6536 // 500 and 153 mired
	maxTransition        = 60         // seconds
)

// lightParams are what the lights of one group share. They do not change.
type lightParams struct {
	standby, full, lumen, exponent float64

	on         bool
	level      uint8
	ct         uint16
	transition uint16
}

func prepareLight(set map[string]any) (Maker, error) {
	v, err := checked("light", lightParamTable, set)
	if err != nil {
		return nil, err
	}
	p := &lightParams{
		standby:    v.number("standby_watts"),
		full:       v.number("full_watts"),
		lumen:      v.number("full_lumen"),
		exponent:   v.number("draw_exponent"),
		on:         v.choice("power") == "ON",
		level:      uint8(math.Round(v.number("brightness"))),
		ct:         uint16(math.Round(v.number("ct"))),
		transition: uint16(v.span("transition").Round(time.Millisecond) / time.Millisecond),
	}
	if p.full < p.standby {
		return nil, fmt.Errorf("light: %w", &ParamError{"full_watts", formatNumber(p.full) + "; want at least standby_watts, " + formatNumber(p.standby)})
	}
	return func(uint64, time.Duration) Device { return newLight(p) }, nil
}
