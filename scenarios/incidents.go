package scenarios

import (
	"fmt"
	"slices"
	"time"

	"homefleet/devices"
	"homefleet/scenarios/tomlfault"
)

const (
	defaultUp    = 10 * time.Second
	defaultDown  = 5 * time.Second
	defaultBatch = 0.1
	maxTimes     = 100_000 // of one incident, and of all together
	maxDelay     = time.Hour
	maxSlice     = 16 << 20
	maxBandwidth = 1 << 40 // bytes a second
)

// incidentKinds are the kinds, as a file names them.
var incidentKinds = texts(Offline, PowerCut, RouterReboot, WiFiLoss, FirmwareRoll, Flapping, BrokerOutage, IDFight, SlowLink)

func texts[T ~string](words ...T) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return all
}

// incidentPath is where faults of an incident are reported.
func incidentPath(i int) string { return fmt.Sprintf("incident[%d]", i) }

// fillIncidents puts the defaults in the place of what is zero. The name is the
// kind's, numbered among the incidents of its kind if there are several.
func fillIncidents(incidents []Incident) {
	for k := range incidents {
		i := &incidents[k]
		i.fill()
		if i.Name != "" {
			continue
		}
		place, same := 0, 0
		for j := range incidents {
			if incidents[j].Kind == i.Kind {
				same++
				place += btoi(j <= k)
			}
		}
		switch {
		case !i.known():
			i.Name = fmt.Sprintf("incident-%d", k+1)
		case same > 1:
			i.Name = fmt.Sprintf("%s-%d", i.Kind, place)
		default:
			i.Name = string(i.Kind)
		}
	}
}

func (i *Incident) known() bool { return slices.Contains(incidentKinds, string(i.Kind)) }

func (i *Incident) fill() {
	if i.Chance == 0 {
		i.Chance = 1
	}
	switch i.Kind {
	case Offline:
		i.Way, i.Return = orText(i.Way, Cut), orText(i.Return, AtOnce)
	case PowerCut:
		i.Way, i.Return = orText(i.Way, Unplugged), orText(i.Return, AtOnce)
	case RouterReboot, WiFiLoss:
		i.Return = orText(i.Return, WithBackoff)
	case FirmwareRoll:
		i.Way, i.Return, i.Session = orText(i.Way, Orderly), orText(i.Return, AtOnce), orText(i.Session, Clean)
		if i.Batch == 0 {
			i.Batch = defaultBatch
		}
	case Flapping:
		i.Way, i.Return = orText(i.Way, Cut), orText(i.Return, AtOnce)
		if i.Up == 0 {
			i.Up = defaultUp
		}
		if i.Down == 0 {
			i.Down = defaultDown
		}
	}
	if slices.Contains(inSessions, i.Kind) {
		i.Session = orText(i.Session, Same)
	}
}

func readIncidents(r *reader) {
	for _, t := range r.top.Tables("incident") {
		var i Incident
		readIncident(t, &i, r.kinds)
		r.s.Incidents = append(r.s.Incidents, i)
	}
	fillIncidents(r.s.Incidents)
}

func readIncident(t *tomlfault.Table, i *Incident, kinds []*devices.Kind) {
	if !t.Has("kind") {
		t.Errorf("kind", `add kind = "power-cut", say`, "an incident without a kind; want %s", tomlfault.Join(incidentKinds))
	}
	t.Choice("kind", incidentKinds, (*string)(&i.Kind))
	notEmpty(t, "name", &i.Name)
	readTarget(t.Table("target"), &i.Target, kinds)
	t.Duration("at", &i.At)
	readPositive(t, "for", &i.For)
	readPositive(t, "every", &i.Every)
	tomlfault.Int(t, "times", 1, maxTimes, &i.Times)
	if t.Percent("chance", &i.Chance) && i.Chance == 0 {
		t.Errorf("chance", "", `chance is "0%%", which is never; want more`)
	}
	t.Duration("spread", &i.Spread)
	t.Choice("way", texts(Ways()...), (*string)(&i.Way))
	t.Choice("return", returns, (*string)(&i.Return))
	t.Choice("session", sessionChoices, (*string)(&i.Session))
	t.Bool("rename", &i.Rename)
	readPositive(t, "up", &i.Up)
	readPositive(t, "down", &i.Down)
	if t.Percent("batch", &i.Batch) && i.Batch == 0 {
		t.Errorf("batch", "", `batch is "0%%", which is nobody; want more`)
	}
	t.Duration("latency", &i.Latency)
	t.Duration("jitter", &i.Jitter)
	t.ByteRate("bandwidth", &i.Bandwidth)
	readSize(t, "slice", 1, maxSlice, &i.Slice)
	t.Duration("slice_delay", &i.SliceDelay)
	for _, k := range incidentKeys {
		if i.Kind != "" && t.Has(k.key) && !slices.Contains(k.with, i.Kind) {
			t.KeyErrorf(k.key, k.hint(i.Kind), "%s", k.fault(i.Kind))
			k.clear(i) // so that its value is not judged as well
		}
	}
}
