package devices

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// The attributes of a bridge, by their index in bridgeKind.Attributes.
const (
	bridgePower = iota
	bridgeBrightness
	bridgeChanges
)

var bridgeKind = Kind{
	Name:    "bridge",
	Doc:     "A hub that speaks for the lights, plugs and thermostats of a home on one connection.",
	Params:  bridgeParamTable,
	New:     newFrom("bridge", prepareBridge),
	Prepare: prepareBridge,
	Attributes: []Attribute{
		{Name: "power", Doc: "Whether one of its lights is on; commands all of them.", Wants: wantsPower},
		{Name: "brightness", Doc: "Level of the brightest of its lights in per cent, 0-100; 0 while all are off. Commands all of them.",
			Wants: "a whole number from 0 to 100, or a change such as +10 or -10"},
		{Name: "changes", Doc: "How many changes its devices have made by themselves.", Wants: wantsQuery, ReadOnly: true},
	},
}

// mostBehind is how many devices a bridge has at most: so many bits has what says which
// have changed.
const mostBehind = 32

var bridgeParamTable = []Param{
	{Name: "lights", Type: Number, Default: 3.0, Min: 0, Max: mostBehind, Doc: "Lights behind it (rounded to whole).", Source: "guess"},
	{Name: "plugs", Type: Number, Default: 2.0, Min: 0, Max: mostBehind, Doc: "Plugs behind it (rounded to whole).", Source: "guess"},
	{Name: "thermostats", Type: Number, Default: 1.0, Min: 0, Max: mostBehind, Doc: "Thermostats behind it (rounded to whole).", Source: "guess"},
}

// bridgeParams are what the bridges of one group share. They do not change.
type bridgeParams struct {
	names  []string
	makers []Maker
}

func prepareBridge(set map[string]any) (Maker, error) {
	v, err := checked("bridge", bridgeParamTable, set)
	if err != nil {
		return nil, err
	}
	p := new(bridgeParams)
	for _, behind := range []struct {
		param, name string
		prepare     func(map[string]any) (Maker, error)
	}{{"lights", "light", prepareLight}, {"plugs", "plug", preparePlug}, {"thermostats", "thermostat", prepareThermostat}} {
		make, err := behind.prepare(nil)
		if err != nil {
			return nil, err
		}
		for n := range int(math.Round(v.number(behind.param))) {
			p.names = append(p.names, behind.name+"_"+strconv.Itoa(n+1))
			p.makers = append(p.makers, make)
		}
	}
	if len(p.names) == 0 || len(p.names) > mostBehind {
		return nil, fmt.Errorf("bridge: lights, plugs and thermostats: %d together; want 1 to %d", len(p.names), mostBehind)
	}
	return func(seed uint64, start time.Duration) Device { return newBridge(p, seed, start) }, nil
}
