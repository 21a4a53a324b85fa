package incident

import "homefleet/scenarios"

// routerReboot leaves the devices running without a network, and when that is back, with
// a router that knows none of the old connections.
var routerReboot = kind{
	name:     scenarios.RouterReboot,
	what:     always("without a network while the router restarts"),
	begin:    func(o *occurrence) { o.cutNetwork(true) },
	breaks:   breaksOnce,
	halfOpen: true,
}
