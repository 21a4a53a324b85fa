package fleet

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"homefleet/fleet/load"
	"homefleet/fleet/machine"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// ErrRunning says that there is no result yet, since Run has not returned.
var ErrRunning = errors.New("the run is not over: its result comes after Run has returned")

// course is how a run went, for its result.
type course struct {
	run       string // as it was called, by all shards alike
	brokerURL string
	inMemory  bool // no network is between the fleet and its broker

	endIfNobody bool // see [Options]
	together    func(context.Context) (Beginning, error)
	start       *metrics.Start // how that went; nil: it did not

	over         chan struct{} // closed when Run returns; what follows stays as it is then
	began, ended time.Time
	cut          bool  // the caller ended it
	err          error // of Run

	mu     sync.Mutex // of the two times, too
	failed error      // see Fail
}

// Fail ends the run because of a fault of the caller's, such as a file that it cannot
// write. The run is a failed one then, and its result says so. It does not wait, and
// may be called at any time, from any goroutine; the first fault counts.
func (f *Fleet) Fail(err error) {
	f.course.mu.Lock()
	if f.course.failed == nil {
		f.course.failed = err
	}
	f.course.mu.Unlock()
	f.end(false)
}

// times are when the run began and when it ended: now, unless it has.
func (c *course) times() (began, ended time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.began, cmp.Or(c.ended, time.Now())
}

// fault is why the run failed, whatever it measured.
func (c *course) fault() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.failed, c.err)
}

// Result returns what is known of the run, with the verdict: the one document that
// `homefleet run --json` prints. A run without a measurement has less in it. It is
// made anew for every call, and is the caller's. It may be called from any goroutine,
// once Run has returned; before that the error is [ErrRunning].
//
// Another error is a [*Failure], which says why nothing was measured, whatever was
// expected; there is a result all the same, of what is known.
func (f *Fleet) Result() (*metrics.Result, error) {
	select {
	case <-f.course.over:
	default:
		return nil, ErrRunning
	}
	sc, res := f.scenario, f.SoFar()
	measured := sc.Measured()
	res.Interrupted = f.course.cut && (measured || sc.Duration > 0)
	res.WarmUpLedger = f.WarmUp()
	failure := f.failure(res)
	switch {
	case failure != nil:
		res.Aborted = strings.ReplaceAll(failure.Error(), "\n", "; ")
	case measured && !f.course.cut && res.Measured < metrics.Span(sc.Phases.Measure):
		res.Aborted = res.EndedBy()
	}
	res.Remarks = f.remarks()
	res.Judge()
	if failure != nil {
		return res, failure
	}
	return res, nil
}

// SoFar returns what is known of the run by now, as [Fleet.Result] has it, but for the
// verdict and for what is known at the end alone. It may be called from any goroutine.
func (f *Fleet) SoFar() *metrics.Result {
	res := f.facts()
	res.Incidents = append(res.Incidents, f.Incidents()...)
	res.IncidentsLeftOut = f.IncidentsLeftOut()
	res.Interventions, res.InterventionsLeftOut = f.interventions.All(metrics.Span(f.zeroOffset()))
	res.Attended = len(res.Interventions) > 0
	var expect []metrics.Expectation
	if f.scenario.Measured() {
		expect = f.scenario.Expectations()
	}
	res.Fill(f.Snapshot(), expect, 0)
	return res
}

// facts is what the result of the run is of, and when it was.
func (f *Fleet) facts() *metrics.Result {
	sc, c := f.scenario, &f.course
	began, ended := c.times()
	res := &metrics.Result{
		Tool:     Version(),
		Scenario: metrics.ScenarioFacts{Name: sc.Name, Title: sc.Title, Digest: sc.Digest},
		Size:     sizeOf(sc),
		Seed:     sc.Seed, Run: c.run,
		Broker:    metrics.BrokerFacts{URL: c.brokerURL, Name: f.BrokerVersion(), Embedded: f.embedded, Connack: f.BrokerLimits()},
		Load:      load.Facts(sc),
		Hosts:     []metrics.HostFacts{hostFacts()},
		Started:   began.Round(0),
		Duration:  metrics.Span(sc.Duration),
		Incidents: []metrics.Incident{},
		Without:   sc.Without,
		Reasons:   f.counts.Reasons(),
	}
	if sc.Part.N > 0 {
		res.Shards = []string{sc.Part.String()}
	}
	for g := range sc.EachGroup() {
		res.AddKind(g.Kind.Name, g.Total())
	}
	if at := f.devices.ReadyAt(); !at.IsZero() && f.Presence().Seen == f.Presence().Devices {
		res.ReadyIn = metrics.Span(at.Sub(began))
	}
	if !sc.Measured() {
		res.Ran = metrics.Span(max(ended.Sub(began), 1))
		return res
	}
	if start, ok := f.MeasureStart(); ok {
		res.Started = start.Round(0)
	}
	if s := f.course.begun(); s != nil {
		res.Starts = []metrics.Start{*s}
	}
	res.WarmUp, res.Duration = metrics.Span(sc.Phases.WarmUp), metrics.Span(sc.Phases.Measure)
	res.Phases = f.phasesOf(f.Elapsed())
	return res
}

// sizeOf is which of its sizes a scenario is, if it has several.
func sizeOf(sc *scenarios.Scenario) string {
	if len(sc.Sizes()) < 2 {
		return ""
	}
	return cmp.Or(sc.Size, scenarios.DefaultSize)
}

// hostFacts says on what the generator runs.
func hostFacts() metrics.HostFacts {
	return metrics.HostFacts{
		Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), Go: runtime.Version(),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Memory: machine.This().Memory,
	}
}

// Version returns the version of homefleet, also where another program has it for a
// module: "v1.2.0", or "(devel)" where nothing knows it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	const module = "homefleet"
	version := info.Main.Version
	if info.Main.Path != module {
		version = ""
		for _, d := range info.Deps {
			if d.Path == module {
				version = d.Version
			}
		}
	}
	return cmp.Or(version, "(devel)")
}
