// Package conformance examines any MQTT broker: statements of the MQTT 5.0 and
// 3.1.1 standards that a client can see on the wire, each checked with raw bytes. It
// starts no broker, and it knows nothing of fleets or of the embedded broker.
//
// The client and the codec are its own, and share nothing with package wire, so that
// a fault there is not overlooked because both have it. The statements are literal
// tables in files by group, s_*.go: clause, title, what is done, what has to come of it,
// and the check. A check waits for what must come; that nothing comes it takes from a
// marker message which comes behind it. What has to go well for a check that found
// nothing wrong to mean something is its control; without one of its own it has that of
// its group.
//
// Section and conformance numbers are those of the OASIS standards.
package conformance
