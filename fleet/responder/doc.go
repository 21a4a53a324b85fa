// Package responder is one emulated device over one MQTT 5 session: it obeys commands,
// answers them on their Response Topics, publishes state, telemetry and availability, has a
// Will Message, and misbehaves if its scenario says so. What is common to all devices of a
// run it is given in an [Env]; it knows nothing of fleets, phases or who sends the commands.
//
// Each device is owned by the goroutine that runs its session, and its methods are called
// there, but for those that say otherwise. Others leave word with Tell.
package responder
