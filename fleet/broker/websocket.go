package broker

import (
	"net/http"

	"homefleet/fleet/transport"
)

// Handler serves MQTT over WebSocket (section 6) under any path; see
// [transport.Upgrade]. It returns when the handshake is answered. The broker's own
// Maximum Packet Size bounds what is kept of a message. Connections live on when the
// http.Server is shut down; Close ends them.
func (b *Broker) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !b.enter() {
			http.Error(w, "the broker is closed", http.StatusServiceUnavailable)
			return
		}
		defer b.leave()
		if b.away() {
			b.count.refused.Add(1)
			http.Error(w, "the broker is suspended", http.StatusServiceUnavailable)
			return
		}
		nc, err := transport.Upgrade(w, r)
		if err != nil {
			b.log.Debug("no WebSocket", "remote", r.RemoteAddr, "err", err)
			return
		}
		b.serve(nc)
	})
}
