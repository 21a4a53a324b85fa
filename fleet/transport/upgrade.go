package transport

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"
)

// subprotocol is what MQTT over WebSocket is called (MQTT 5.0, 6.0.0-3).
const subprotocol = "mqtt"

// Upgrade answers the WebSocket handshake of a request to a broker, and returns the
// connection, which lives on when the http.Server is shut down. A client that
// offers subprotocols has to offer mqtt. Pages of any origin may connect: what
// protects a broker is its users, not the browser. After an error the request has
// been answered.
//
// What is read is of binary messages only (6.0.0-1), of any size, and packets may
// span them (6.0.0-2). A read deadline that passes ends the connection.
func Upgrade(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	if offered := offers(r.Header); len(offered) > 0 && !slices.Contains(offered, subprotocol) {
		http.Error(w, "this is an MQTT broker: offer the WebSocket subprotocol mqtt", http.StatusBadRequest)
		return nil, fmt.Errorf("WebSocket handshake: the client offers the subprotocols %q; want mqtt among them", offered)
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true,
	})
	if err != nil {
		return nil, fmt.Errorf("WebSocket handshake: %w", err)
	}
	return websocket.NetConn(context.Background(), ws, websocket.MessageBinary), nil
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
