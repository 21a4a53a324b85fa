// Package incident makes things happen to the devices of a fleet: power cuts, router
// reboots, slow links and the rest of what [scenarios.IncidentKind] lists. It keeps the
// schedule, carries out the effects, and follows each device until it is back. It knows
// no fleet: a device is a [Target], the broker a [BrokerControl].
//
// # Goroutines
//
// A [Scheduler] has one goroutine, [Scheduler.Run], which goes through the steps of all
// incidents in the order of time. What a step does to a device is left to the goroutine
// that owns the device ([Target].Tell), so that nothing here waits for a device.
// [Scheduler.Start], [Scheduler.Strike] and [Scheduler.Finish] may be called from any
// goroutine; they wait for the scheduler's. An [EventLog], a [Recovery] and [Recoveries]
// may be used from any goroutine; a [Recovering] belongs to the goroutine of its device.
//
// # To add an incident
//
//  1. Add its row to the table of incident kinds in package scenarios: name, keys,
//     defaults and the sentence for the reference.
//  2. Add a file here that declares what the kind is and does: a value of type kind whose
//     begin plans the steps. Most kinds need no more than [occurrence.each], which
//     has one thing happen to each device at the beginning and another at the end.
//     List the value in kinds, in kinds.go.
//
// If no [Device] can do what the incident wants yet, that ability is a method of one of
// its interfaces, too. Check, reference, pre-flight, log, time line, recovery and result
// follow from these; a test fails for a kind that has a row in one table alone.
package incident
