package transport

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// subprotocol is what MQTT over WebSocket is called (MQTT 5.0, 6.0.0-3).
const subprotocol = "mqtt"

// Upgrade answers the WebSocket handshake of a request to a broker (RFC 6455 4.2), and
// returns the connection, which lives on when the handler returns and when the http.Server
// is shut down. A client that offers subprotocols has to offer mqtt. Pages of any origin
// may connect: what protects a broker is its users, not the browser. After an error the
// request has been answered.
//
// What is read is of binary messages only (6.0.0-1), of any size, and packets may
// span them (6.0.0-2). Pings are answered while something reads. What a client must not
// send ends the reading with a [FrameError]. A [Stream] of it holds no buffer while it waits.
func Upgrade(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	if status, err := wellFormed(r); err != nil {
		if status == http.StatusUpgradeRequired {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Sec-WebSocket-Version", webSocketVersion)
		}
		http.Error(w, err.Error(), status)
		return nil, fmt.Errorf("WebSocket handshake: %w", err)
	}
	offered := tokens(r.Header, "Sec-WebSocket-Protocol")
	if len(offered) > 0 && !slices.Contains(offered, subprotocol) {
		http.Error(w, "this is an MQTT broker: offer the WebSocket subprotocol mqtt", http.StatusBadRequest)
		return nil, fmt.Errorf("WebSocket handshake: the client offers the subprotocols %q; want mqtt among them", offered)
	}
	nc, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return nil, fmt.Errorf("WebSocket handshake: %w", err)
	}
	early, err := buffered.Reader.Peek(buffered.Reader.Buffered()) // a client need not wait for the answer
	if err == nil {
		_ = nc.SetDeadline(time.Now().Add(answerTime))
		_, err = nc.Write(answer(r.Header.Get("Sec-WebSocket-Key"), len(offered) > 0))
	}
	if err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("WebSocket handshake: answering: %w", err)
	}
	_ = nc.SetDeadline(time.Time{})
	return &upgraded{Conn: nc, began: time.Now(), early: slices.Clone(early)}, nil
}

// answerTime is how long the answer to a handshake may take.
const answerTime = 10 * time.Second

// webSocketVersion is the one that there is.
const webSocketVersion = "13"

// wellFormed returns an error, and the status that goes with it, unless a request is a
// WebSocket handshake (RFC 6455 4.2.1). The error is for the client, too.
func wellFormed(r *http.Request) (status int, err error) {
	h := r.Header
	names := func(name, token string) bool {
		return slices.ContainsFunc(tokens(h, name), func(s string) bool { return strings.EqualFold(s, token) })
	}
	switch {
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, fmt.Errorf("the method is %q; want GET", r.Method)
	case !r.ProtoAtLeast(1, 1) || !names("Connection", "Upgrade") || !names("Upgrade", "websocket"):
		return http.StatusUpgradeRequired, fmt.Errorf("this is an MQTT broker: ask for a WebSocket")
	case h.Get("Sec-WebSocket-Version") != webSocketVersion:
		return http.StatusUpgradeRequired, fmt.Errorf("the WebSocket version is %q; want %s", h.Get("Sec-WebSocket-Version"), webSocketVersion)
	}
	if keys := h.Values("Sec-WebSocket-Key"); len(keys) == 1 {
		if key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err == nil && len(key) == 16 {
			return 0, nil
		}
	}
	return http.StatusBadRequest, fmt.Errorf("the Sec-WebSocket-Key is %q; want one of 16 bytes, in base64", h.Values("Sec-WebSocket-Key"))
}

// answer is that to a handshake with a key (RFC 6455 4.2.2).
func answer(key string, subprotocols bool) []byte {
	sum := sha1.Sum([]byte(strings.TrimSpace(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	b := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
	b = append(base64.StdEncoding.AppendEncode(b, sum[:]), "\r\n"...)
	if subprotocols { // 6.0.0-4
		b = append(b, "Sec-WebSocket-Protocol: "+subprotocol+"\r\n"...)
	}
	return append(b, "\r\n"...)
}

// tokens lists what stands in a header, between commas.
func tokens(h http.Header, name string) (all []string) {
	for _, line := range h.Values(name) {
		for token := range strings.SplitSeq(line, ",") {
			if token = strings.TrimSpace(token); token != "" {
				all = append(all, token)
			}
		}
	}
	return all
}
