// Package load is who sends commands to devices and measures the answers, and who
// watches what devices say: controllers, on a plan that follows from the scenario and
// its seed alone, and watchers, each one MQTT session. It does not know how devices are run, what happens to them, or what is audited.
//
// A [Group] has the plan of a group of controllers: its pace is a pure function, and each
// [Controller] takes the slots that are its own from a stream that yields the same
// whenever it is asked. What is due and may not leave yet, because of flow control, waits
// and keeps its planned moment. Every slot is entered in the controller's ledger. What comes to a [Watcher] is entered in the ledger
// of deliveries.
package load
