package broker

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"
)

// subprotocol is what MQTT over WebSocket is called (6.0.0-3).
const subprotocol = "mqtt"

// Handler serves MQTT over WebSocket (section 6) under any path. A client that
// offers subprotocols has to offer mqtt. Pages of any origin may connect: what
// protects a broker is its users, not the browser. Connections live on when the
// http.Server is shut down; Close ends them.
func (b *Broker) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if offered := offers(r.Header); len(offered) > 0 && !slices.Contains(offered, subprotocol) {
			http.Error(w, "this is an MQTT broker: offer the WebSocket subprotocol mqtt", http.StatusBadRequest)
			return
		}
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
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			Subprotocols:       []string{subprotocol},
			InsecureSkipVerify: true,
		})
		if err != nil {
			b.log.Debug("no WebSocket", "remote", r.RemoteAddr, "err", err)
			return
		}
		// Binary frames only (6.0.0-1); packets may span them (6.0.0-2). The
		// broker's own Maximum Packet Size bounds what is kept of one.
		b.ServeConn(websocket.NetConn(context.Background(), ws, websocket.MessageBinary))
	})
}

// offers lists the WebSocket subprotocols that a request offers.
func offers(h http.Header) (names []string) {
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}
