package incident

import (
	"homefleet/fleet/client"
	"homefleet/scenarios"
)

// offline takes the devices off in the way that the scenario says.
var offline = kind{
	name:   scenarios.Offline,
	what:   func(in *scenarios.Incident) string { return "offline (" + string(in.Way) + ")" },
	begin:  (*occurrence).takeOff,
	breaks: breaksOnce,
}

// takeOff has the devices go, and lets them return at the end.
func (o *occurrence) takeOff() {
	mode, back := client.OfflineMode(o.incident.Way), o.back()
	o.each(func(d Device) { d.Disconnect(o.by, mode) }, func(d Device) { d.Reconnect(o.by, back) })
}
