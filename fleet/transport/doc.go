// Package transport carries the bytes between MQTT clients and brokers, for both
// alike: it dials over TCP, TLS and WebSocket, answers WebSocket handshakes, reads
// without holding a buffer while nothing comes, and ends connections the ways
// they end on real networks. It does not know MQTT's packets: what they are, and
// what a connection's end means to a session, is its users' to say.
//
// A [Dialer] opens connections to one broker, and [Upgrade] takes those that come
// to an HTTP server. A [Stream] reads and writes one, with buffers that all
// streams of a broker or of a fleet share. [Reset], [CloseWrite] and [CloseNow]
// end one: with an RST, with a FIN, or without a word of TLS or WebSocket.
package transport
