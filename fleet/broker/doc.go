// Package broker is an MQTT broker inside the process: versions 5, 3.1.1 and
// 3.1, QoS 0 to 2, retained messages, shared subscriptions, sessions, wills,
// users with access lists, over TCP, TLS, WebSocket and in-memory connections.
// It does not cluster, bridge, or keep anything on disk, and it knows nothing
// of fleets.
//
// Section and conformance numbers are those of the OASIS MQTT 5.0 standard.
//
// # Goroutines
//
// A connection has one goroutine, which reads. Whoever has something for a
// client appends it, encoded, to the connection's buffer and starts a goroutine
// that writes until the buffer is empty, so nobody ever waits for a slow
// client and what has gathered leaves in one write. Keep alive, will delay and
// session expiry are timers from package time. Nothing polls, so all of it runs
// in a bubble of testing/synctest.
//
// # Locks
//
// In the order in which they may be taken, each optional:
//
//  1. conn.proc: held by the reader while it handles what it has read. Taking it
//     from outside waits for the packet in hand, never for the network. A
//     goroutine holds at most one.
//  2. Broker.mu: the tables of sessions and connections.
//  3. session.mu: one session. A goroutine holds at most one.
//  4. topics.mu: subscriptions and retained messages. Routing takes it for
//     reading, once, and lets go of it before the first session is touched.
//  5. conn.mu: the buffer of one connection.
//
// No network call is made with any of them held, but for setting deadlines.
package broker
