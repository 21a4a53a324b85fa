// Package conformance holds tests, and nothing else: statements of the MQTT 5.0
// and 3.1.1 standards that a client can observe on the wire, each checked with
// raw bytes over TCP against the embedded broker and, where it is installed,
// against Mosquitto, so that the suite itself is checked by a second broker. It
// uses no code of this module but the broker under test.
//
// Where Mosquitto is known to differ, the list in deviations_test.go says how
// and why; a statement that it passes after all must leave that list.
// HOMEFLEET_INTEROP=1 makes a missing Mosquitto a failure.
package conformance
