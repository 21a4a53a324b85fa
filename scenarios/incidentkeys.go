package scenarios

import (
	"fmt"

	"homefleet/scenarios/tomlfault"
)

// incidentKey is a key that goes with some of the kinds.
type incidentKey struct {
	key   string
	with  []IncidentKind
	set   func(i *Incident) bool
	clear func(i *Incident)
}

var (
	inLeaving  = []IncidentKind{Offline, PowerCut, FirmwareRoll, Flapping}
	inReturns  = []IncidentKind{Offline, PowerCut, RouterReboot, WiFiLoss, FirmwareRoll, Flapping}
	inSessions = []IncidentKind{Offline, PowerCut, RouterReboot, WiFiLoss, FirmwareRoll, Flapping, IDFight}
	inRenames  = []IncidentKind{Offline, PowerCut, FirmwareRoll}
	inSpreads  = []IncidentKind{Offline, PowerCut, RouterReboot, WiFiLoss, Flapping, IDFight, SlowLink}
	inTargets  = []IncidentKind{Offline, PowerCut, RouterReboot, WiFiLoss, FirmwareRoll, Flapping, IDFight, SlowLink}
	inFlapping = []IncidentKind{Flapping}
	inRolls    = []IncidentKind{FirmwareRoll}
	inSlow     = []IncidentKind{SlowLink}
)

// incidentKeys are the keys of which each goes with some kinds.
var incidentKeys = []incidentKey{
	{"target", inTargets, func(i *Incident) bool { return i.Target != Target{} }, func(i *Incident) { i.Target = Target{} }},
	{"spread", inSpreads, func(i *Incident) bool { return i.Spread != 0 }, func(i *Incident) { i.Spread = 0 }},
	{"way", inLeaving, func(i *Incident) bool { return i.Way != "" }, func(i *Incident) { i.Way = "" }},
	{"return", inReturns, func(i *Incident) bool { return i.Return != "" }, func(i *Incident) { i.Return = "" }},
	{"session", inSessions, func(i *Incident) bool { return i.Session != "" }, func(i *Incident) { i.Session = "" }},
	{"rename", inRenames, func(i *Incident) bool { return i.Rename }, func(i *Incident) { i.Rename = false }},
	{"up", inFlapping, func(i *Incident) bool { return i.Up != 0 }, func(i *Incident) { i.Up = 0 }},
	{"down", inFlapping, func(i *Incident) bool { return i.Down != 0 }, func(i *Incident) { i.Down = 0 }},
	{"batch", inRolls, func(i *Incident) bool { return i.Batch != 0 }, func(i *Incident) { i.Batch = 0 }},
	{"latency", inSlow, func(i *Incident) bool { return i.Latency != 0 }, func(i *Incident) { i.Latency = 0 }},
	{"jitter", inSlow, func(i *Incident) bool { return i.Jitter != 0 }, func(i *Incident) { i.Jitter = 0 }},
	{"bandwidth", inSlow, func(i *Incident) bool { return i.Bandwidth != 0 }, func(i *Incident) { i.Bandwidth = 0 }},
	{"slice", inSlow, func(i *Incident) bool { return i.Slice != 0 }, func(i *Incident) { i.Slice = 0 }},
	{"slice_delay", inSlow, func(i *Incident) bool { return i.SliceDelay != 0 }, func(i *Incident) { i.SliceDelay = 0 }},
}

func (k *incidentKey) fault(kind IncidentKind) string {
	return fmt.Sprintf("%s does not go with kind = %q; it goes with %s", k.key, kind, tomlfault.Join(texts(k.with...)))
}

// hint says what the kind has in the key's place.
func (k *incidentKey) hint(kind IncidentKind) string {
	switch {
	case kind == BrokerOutage && k.key == "target":
		return "a broker that is away is away for everybody"
	case k.key == "way" && (kind == RouterReboot || kind == WiFiLoss):
		return `the devices go on running, without a network; with kind = "offline" they leave`
	case k.key == "spread" && kind == FirmwareRoll:
		return "batch says how many are restarted at a time"
	}
	return ""
}
