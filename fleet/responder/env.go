package responder

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/devices/faces"
	"homefleet/fleet/audit"
	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Env is what the devices of a run have in common. Nothing of it changes once the
// first of them runs.
type Env struct {
	Client       *client.Env
	Scenario     *scenarios.Scenario
	Run          string // its name, as {run} in templates
	Availability Availability
	Voices       map[*scenarios.Group]faces.Voice // the faces made up for the groups

	// Credentials fills in the User Name and password.
	Credentials func(*wire.Connect, scenarios.Vars) error

	// Dial opens a connection for a device of a group; nil: all have the one of Client.
	Dial func(context.Context, scenarios.Vars, *scenarios.Group) (net.Conn, error)

	// NoRetain reports whether the broker has said that it retains nothing.
	NoRetain func() bool

	// Duplicates is the profile of second clients with the client id of a device, and
	// DuplicateStream numbers the random choices of the one that a device has.
	Duplicates      *client.Profile
	DuplicateStream func(device int) int

	// Added says that the devices came while the run ran: each is absent until it is brought.
	Added bool

	// Few says that there are so few devices that the log tells of single ones.
	Few   bool
	first *Env         // of a group that was added: the scenario's own; else nil
	said  atomic.Int64 // lines about single devices

	speeches      sync.Pool    // of *speech
	heldOnRequest atomic.Int64 // bytes of answers that devices hold back because requests want it so

	LookEnv
	AuditEnv
	DeliveryEnv
}

// AuditEnv is what devices have to do with the audit.
type AuditEnv struct {
	Audit      *audit.Audit   // nil: nothing is audited
	Auditor    *audit.Auditor // nil likewise
	AuditorQoS byte           // at which the auditor sees Wills
	Asks       func() bool    // whether the auditor can ask a device whether it answers
	Retained   bool           // what the broker retains of devices in the end is looked at
}

// DeliveryEnv is how the messages of devices are followed to watchers.
type DeliveryEnv struct {
	Stamped    bool                 // state and telemetry say when they were made
	Deliveries *deliveries.Ledger   // nil: nobody watches
	Sequences  []uint32             // messages made so far, of each topic of each device, each device's own; nil likewise
	Slots      int                  // topics of a device, there
	Place      func(device int) int // where a device stands among them, by its number in the scenario
}

// now is a moment of the run's clock.
func (e *Env) now() time.Duration { return e.Client.Clock.Now() }

// periodNow is the part of the run that it is in.
func (e *Env) periodNow() metrics.Period { return e.Client.Period(e.now()) }

// asksThere reports whether answers to a topic are the auditor's, who is told the
// truth also by devices that misbehave.
func (e *Env) asksThere(topic []byte) bool {
	return e.Auditor != nil && e.Auditor.AnswersTo(topic)
}

// mostSaid is how many lines the log has about single devices, if these are few. Of more
// devices it has the counts.
const mostSaid = 100

// say logs what one device has found out.
func (e *Env) say(text string, args ...any) {
	switch n := e.origin().said.Add(1); {
	case n <= mostSaid && e.Few:
		e.Client.Log.Info(text, args...)
		if n == mostSaid {
			e.Client.Log.Info("more of that is not logged: see the counts")
		}
	default:
		e.Client.Log.Debug(text, args...)
	}
}

// Beside returns an Env for the devices of a group that comes while the run runs: what those
// of e have in common, too, where the scenario is whole with that group. Nobody follows their messages to watchers: they are not stamped.
func (e *Env) Beside(whole *scenarios.Scenario, g *scenarios.Group, v faces.Voice) *Env {
	return &Env{
		Client: e.Client, Scenario: e.Scenario, Run: e.Run, Availability: AvailabilityOf(whole),
		Voices:      map[*scenarios.Group]faces.Voice{g: v},
		Credentials: e.Credentials, NoRetain: e.NoRetain, Few: e.Few, Added: true,
		Duplicates: e.Duplicates, DuplicateStream: e.DuplicateStream,
		AuditEnv: e.AuditEnv, LookEnv: LookEnv{Events: e.Events, Journals: e.Journals, Looks: e.Looks},
		first: e,
	}
}

// origin is the Env that has what is counted of all devices.
func (e *Env) origin() *Env {
	if e.first != nil {
		return e.first
	}
	return e
}
