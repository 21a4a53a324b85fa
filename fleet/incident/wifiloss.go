package incident

import "homefleet/scenarios"

// wifiLoss leaves the devices running without a network; connections go on if it is back
// in time.
var wifiLoss = kind{
	name:     scenarios.WiFiLoss,
	what:     always("without Wi-Fi"),
	begin:    func(o *occurrence) { o.cutNetwork(false) },
	staysOn:  true,
	halfOpen: true,
}

// cutNetwork takes the network from the devices until the end. forgot says that the old
// connections are then known to nobody.
func (o *occurrence) cutNetwork(forgot bool) {
	why, back := string(o.incident.Kind), o.back()
	o.each(func(d Device) { d.CutNetwork(o.by, why) }, func(d Device) { d.RestoreNetwork(o.by, forgot, back) })
}
