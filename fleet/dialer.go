package fleet

import (
	"homefleet/fleet/transport"
	"homefleet/scenarios"
)

// NewDialer checks where a scenario's broker is and reads its certificates; see
// [transport.NewDialer].
func NewDialer(b scenarios.Broker) (*transport.Dialer, error) {
	return transport.NewDialer(transport.Target{
		URL: b.URL, CAFile: b.CAFile, CertFile: b.CertFile, KeyFile: b.KeyFile, ServerName: b.ServerName, Insecure: b.Insecure,
	})
}
