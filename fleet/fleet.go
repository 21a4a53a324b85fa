// Package fleet runs the devices of a scenario: one goroutine and one MQTT 5
// session each, against any broker. It prints nothing, reads no environment and
// never exits; what happens goes to the logger and the counts it was given.
package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/fleet/audit"
	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/draws"
	"homefleet/fleet/events"
	"homefleet/fleet/incident"
	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
)

// Options say how a fleet reaches its broker and what it may tell.
type Options struct {
	// Dial opens a connection to the broker; see [NewDialer] for one that
	// follows a scenario. It must be safe for concurrent use.
	Dial func(context.Context) (net.Conn, error)

	// DialFor opens a connection for somebody of whom it depends how the broker is reached: a
	// device of a group, or with no group one of the others; see package reach. nil: all have Dial.
	DialFor func(context.Context, scenarios.Vars, *scenarios.Group) (net.Conn, error)

	// BrokerName is how errors call the broker; it holds no password.
	BrokerName string

	// BrokerURL is where the broker is, for the result, without a password; "" is
	// BrokerName.
	BrokerURL string

	// Run tells this run from others, as {run} in templates; "" makes it "run". Two
	// runs that are audited on one broker at a time want different ones; the shards of
	// one run have the same.
	Run string

	// Secret reads a password that the scenario names. It is asked for each
	// connection, from the device's own goroutine. nil: there are none.
	Secret func(scenarios.Secret, scenarios.Vars) ([]byte, error)

	// FailFast ends the run at the first device that fails, with its error.
	FailFast bool

	// EndIfNobody ends a run that measures if no device, or no controller, has come up by
	// the time that there is for connecting: there is nobody to measure.
	EndIfNobody bool

	// Audit has the Will Messages audited even if the scenario does not ask for it. WatchWills
	// has those of a run that measures nothing audited for who looks on: beside it, so that a
	// broker that does not let the auditor watch is no fault of the run's. Devices are not
	// asked then whether they answer, and what the broker retains in the end is not looked at.
	Audit, WatchWills bool

	// Embedded says that the broker is in this process; BrokerControl, if it is not nil,
	// takes it away and brings it back, for incidents.
	Embedded      bool
	BrokerControl BrokerControl

	// Survey has a client of its own ask the broker, once the fleet is up, what the result
	// should say of it: its version, and whether it holds small packets back.
	Survey bool

	// InMemory says that connections go through memory and not through a network.
	InMemory bool

	// Together is asked, once the devices of a run that measures are up, when to begin: it
	// waits for other processes that are to begin at the same moment. An error ends the run.
	// nil: the run begins at once.
	Together func(context.Context) (Beginning, error)

	// Precise has controllers keep to their plan by a timer of the kernel's, to some
	// tens of microseconds, unless the scenario wants it thrifty. It is for real time:
	// in a bubble of testing/synctest nobody would wake. It is Linux's alone and makes
	// no difference elsewhere.
	Precise bool

	// Events is where those hear of what happens who look on; nil: nobody can. Journals
	// has devices keep their latest exchanges, as [responder.Journals] says.
	Events   *events.Hub
	Journals bool

	// Told is who keeps what devices, controllers and watchers do and see, for a history of
	// the run; nil: nobody.
	Told *Told

	Log *slog.Logger // nil: nothing is logged
}

// Told is told what the books of a run are told, from the goroutines that do. It may keep
// nothing that it is given a pointer to.
type Told struct {
	Wills    func(audit.Fact)
	Requests func(controller uint32, f metrics.LedgerFact)
	Messages func(deliveries.Fact)
}

// Fleet is the devices of one run.
type Fleet struct {
	scenario *scenarios.Scenario
	env      *client.Env  // of all sessions
	clock    client.Clock // of the run
	run      string       // its name
	runID    uint64       // the same, as Correlation Data carries it
	secret   func(scenarios.Secret, scenarios.Vars) ([]byte, error)
	log      *slog.Logger
	embedded bool // the broker is in this process
	precise  bool // controllers are to go by a timer of the kernel's

	population
	measuring
	phases
	oneWay
	auditing
	brokerFacts
	incidents     *incident.Scheduler
	interventions metrics.Interventions
	course        course

	stop     chan struct{}
	stopOnce sync.Once
}

// population is who takes part in a run, by what they play.
type population struct {
	responders []*responder.Responder // of the scenario; see everybody
	growth
	requesters []*load.Controller
	load       *load.Governors // of all of them
	watching   []*load.Watcher
	auditor    *audit.Auditor // nil: nothing is audited

	devices, controllers, watchers, auditors, duplicates client.Cohort

	deviceEnv *responder.Env

	first chan struct{}                          // a token for each first try under way, when there is no rate
	byID  func() map[string]*responder.Responder // made when it is first wanted
}

// measuring is what the fleet counts and measures with.
type measuring struct {
	counts   *metrics.Counts
	unseen   metrics.Counts // of the auditor and the retained probe, which nobody is shown
	recorder *metrics.Recorder
	names    metrics.LabelNames
	losses   incident.Losses
	told     Told // of what it counts; its functions may be nil
}

// New makes the fleet of a checked scenario, with every device in its initial
// state and none connected.
func New(sc *scenarios.Scenario, o Options) (*Fleet, error) {
	f, err := newBare(sc, &o)
	if err != nil {
		return nil, err
	}
	sc = f.scenario
	f.responders = make([]*responder.Responder, 0, sc.Count())
	makers := make(map[*scenarios.Group]devices.Maker, len(sc.Groups))
	voices := make(map[*scenarios.Group]faces.Voice, len(sc.Groups))
	for i := range sc.Groups {
		g := &sc.Groups[i]
		if voices[g], makers[g], err = g.Prepare(); err != nil {
			return nil, fmt.Errorf("device group %d: %w", i+1, err)
		}
	}
	profiles := make(map[*scenarios.Group]*client.Profile, len(sc.Groups))
	for i := range sc.Groups {
		profiles[&sc.Groups[i]] = f.deviceProfile(&sc.Groups[i])
	}
	if f.aside = !sc.Audit.On && !o.Audit; !f.aside || o.WatchWills && !sc.Measured() && len(sc.WillFilters()) > 0 {
		f.newAudit(o.Events != nil && o.Journals)
	}
	f.deviceEnv = f.newDeviceEnv(voices, &o)
	for spec := range sc.Devices() {
		model := makers[spec.Group](deviceSeed(sc.Seed, spec.Global), sc.TimeOfDay())
		f.responders = append(f.responders, responder.New(f.deviceEnv, spec, model, profiles[spec.Group], identity{deviceRole, spec.Global}.stream()))
	}
	f.newIncidents(o.BrokerControl)
	if err := f.newLoad(); err != nil {
		return nil, err
	}
	return f, nil
}

// newBare makes the fleet of a scenario with nobody in it yet.
func newBare(sc *scenarios.Scenario, o *Options) (*Fleet, error) {
	if o.Dial == nil {
		return nil, errors.New("no way to reach a broker; want Options.Dial")
	}
	f := &Fleet{
		scenario: sc.Growing(), secret: o.Secret, run: runOf(sc, cmp.Or(o.Run, "run")),
		log: o.Log, embedded: o.Embedded, precise: o.Precise, stop: make(chan struct{}),
		course: course{over: make(chan struct{}), run: cmp.Or(o.Run, "run"), brokerURL: cmp.Or(o.BrokerURL, o.BrokerName), inMemory: o.InMemory, endIfNobody: o.EndIfNobody, together: o.Together},
	}
	if o.Told != nil {
		f.told = *o.Told
	}
	f.surveys = o.Survey
	f.counts = new(metrics.Counts)
	f.news, f.first = newSignal(), make(chan struct{}, handshakesAtOnce)
	f.byID = sync.OnceValue(f.devicesByID)
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.newRecorder()
	f.newEnv(o)
	f.newCohorts()
	return f, nil
}

// newRecorder makes what the fleet measures with.
func (f *Fleet) newRecorder() {
	f.names = f.scenario.LabelNames()
	f.recorder = metrics.NewRecorder(metrics.RecorderConfig{Names: f.names})
	h := fnv.New64a()
	h.Write([]byte(f.run))
	f.runID = h.Sum64()
	f.clock.Epoch = time.Now()
}

// newLoad makes the controllers and watchers.
func (f *Fleet) newLoad() error {
	sc := f.scenario
	e, first := f.loadEnv(), 0
	var groups []*load.Group
	p := client.Profile{Cohort: &f.controllers, Backoff: backoffOf(&sc.Connect), EndsSession: !sc.Connect.Resume}
	for i := range sc.Controllers {
		g := load.NewGroup(sc, &f.names, i, first)
		p.V311 = sc.Speaks311(sc.Controllers[i].MQTT)
		if err := g.Populate(&e, p, func(n int) int { return identity{controllerRole, n}.stream() }); err != nil {
			return err
		}
		f.requesters, groups = append(f.requesters, g.Controllers()...), append(groups, g)
		first += sc.Controllers[i].Count
	}
	f.load = load.NewGovernors(groups, sc.Phases.WarmUp, sc.Phases.Measure, f.clock.Epoch)
	watchers := f.watcherEnv()
	for i := range sc.Watchers {
		p := f.watcherProfile(&sc.Watchers[i])
		for n := range sc.Watchers[i].Count {
			f.watching = append(f.watching, load.NewWatcher(watchers, p, &sc.Watchers[i], n, identity{watcherRole, len(f.watching)}.stream()))
		}
	}
	f.deviceEnv.Stamped = len(f.watching) > 0 || f.deviceEnv.Retained
	return f.newDeliveries(watchers)
}

// sessions returns all sessions in the order in which they connect.
func (f *Fleet) sessions() []*client.Session {
	all := make([]*client.Session, 0, 1+len(f.watching)+len(f.responders)+len(f.requesters))
	if f.auditor != nil {
		all = append(all, &f.auditor.Session)
	}
	for _, w := range f.watching {
		all = append(all, &w.Session)
	}
	var absent []*client.Session // who have no turn
	for _, r := range f.everybody() {
		if r.IsAbsent() {
			absent = append(absent, &r.Session)
		} else {
			all = append(all, &r.Session)
		}
	}
	for _, r := range f.requesters {
		all = append(all, &r.Session)
	}
	all = append(all, absent...)
	return all
}

// numbered returns the device with a number of the whole scenario, of which this
// fleet may run a shard; nil if it is another's.
func (f *Fleet) numbered(number int) *responder.Responder {
	all := f.everybody()
	i, ok := slices.BinarySearchFunc(all, number, func(r *responder.Responder, n int) int { return cmp.Compare(r.Spec().Global, n) })
	if !ok {
		return nil
	}
	return all[i]
}

// deviceSeed is the seed of one device's model.
func deviceSeed(seed uint64, device int) uint64 {
	return draws.Mix(draws.Mix(seed+uint64(draws.Model)<<56) ^ uint64(device))
}

// Ready returns a channel that is closed once every device has been online, or
// was refused for good; or once the run has ended, whichever is first: which of them
// it was, [Fleet.Presence] says.
func (f *Fleet) Ready() <-chan struct{} { return f.devices.Ready }

// Counts returns the totals of the run so far.
func (f *Fleet) Counts() *metrics.Counts { return f.counts }

// Recorder is what the run measures with.
func (f *Fleet) Recorder() *metrics.Recorder { return f.recorder }

// Presence returns the present numbers of devices.
func (f *Fleet) Presence() client.Presence { return f.devices.Presence() }
