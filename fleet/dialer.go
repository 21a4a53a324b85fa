package fleet

import (
	"homefleet/fleet/reach"
	"homefleet/fleet/transport"
	"homefleet/scenarios"
)

// NewDialer checks where a scenario's broker is and reads its certificates; see
// [reach.NewDialer].
func NewDialer(b scenarios.Broker) (*transport.Dialer, error) { return reach.NewDialer(b) }
