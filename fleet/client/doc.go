// Package client is one MQTT 5 session as a device or a controller has it: connecting
// and connecting again, packets in and out, QoS 1 and 2 with their flow control, the
// Keep Alive, limits of the broker, ways to go offline and what stands between a session
// and its broker. It does not know devices, controllers, incidents, the audit, or a
// fleet.
//
// A [Session] asks for three things. Its [Handler] is what it is there for: four methods,
// and an interface of its own for each further ability. Its [Observer], which it may go
// without, hears when the broker may have seen what. Its [Env] has what all sessions of
// a process share: pools, counters, the clock, the log, the end of the run.
//
// One goroutine owns a session, the one that calls [Session.Run]: it calls the Handler,
// and only there may the Handler call the session. All others leave word by
// [Session.Tell]. There are no locks around a session.
package client
