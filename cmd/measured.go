package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
	"homefleet/fleet/report"
	"homefleet/scenarios"
)

// measured prints the result of a measured run, which has ended with err, and
// returns how the command ends.
func (r *running) measured(stopped bool, err error) error {
	res, failure := r.resultOf(stopped, err)
	end := r.alone(res, verdictError(res))
	if failure != nil && res.Verdict != metrics.VerdictBroken {
		end = failure
	}
	if r.series != nil {
		r.series.result = res
		return end
	}
	if !r.quiet && !r.json && r.Stdout.Terminal {
		fmt.Fprintln(r.screen)
	}
	// The files first: stdout may be closed.
	putErr := r.putAll(r.outputs, metrics.NewRuns(res.Tool, 1, []*metrics.Result{res}))
	if printErr := r.printResult(res, end); printErr != nil && !outClosed(printErr) {
		return printErr
	}
	if putErr != nil {
		r.tell(&exitError{err: putErr})
		if end == nil || exitCode(end) == exitExpectation {
			if exit, ok := errors.AsType[*exitError](end); ok {
				r.tell(exit)
			}
			return &exitError{code: exitFailed, err: putErr, said: true}
		}
	}
	if end == nil || exitCode(end) == exitExpectation {
		r.tryAfter()
	}
	if end == nil && !r.quiet && r.Stderr.Terminal {
		// The summary may be longer than the screen, and its verdict out of sight.
		fmt.Fprintf(r.screen, "\n%s %s\n", r.errPaint().green(string(res.Verdict)+":"), strings.Join(res.Sentences, "; "))
	}
	return end
}

// printResult writes the result on stdout.
func (r *running) printResult(res *metrics.Result, end error) error {
	switch {
	case r.json:
		return r.resultDocument(res)
	case end != nil && r.fleet.Presence().Seen == 0 && res.Ledger.Planned == 0 && !res.Interrupted:
		return nil // there is nothing to tell but the error
	}
	return r.resultText(res)
}

// resultDocument prints a result as the one JSON document.
func (a *app) resultDocument(res *metrics.Result) error {
	a.documented = true
	if err := res.Encode(a.Stdout); err != nil {
		return failed("", "%w", err)
	}
	return nil
}

// resultText prints a result for people.
func (a *app) resultText(res *metrics.Result) error {
	opt := a.textOptions()
	if err := report.Text(a.Stdout, res, opt); err != nil {
		return failed("", "%w", err)
	}
	p := a.outPaint()
	return a.printf("\n%s\n%s", p.bold("run"), factRows(res, opt.Width).text("  ", p))
}

// textOptions lay reports out for stdout.
func (a *app) textOptions() report.TextOptions {
	p := a.outPaint()
	return report.TextOptions{
		Width: min(a.Stdout.columns(), 120),
		Paint: painter(map[report.Style]func(string) string{
			report.Bold: p.bold, report.Dim: p.dim, report.Good: p.green, report.Bad: p.red, report.Warn: p.yellow,
		}),
	}
}

// resultOf fills in the result of the run. failure says why nothing could be
// measured, if nothing could.
func (r *running) resultOf(stopped bool, err error) (res *metrics.Result, failure error) {
	sc, f := r.sc, r.fleet
	snap := f.Snapshot()
	res = &metrics.Result{
		Tool:     thisVersion(),
		Scenario: metrics.ScenarioFacts{Name: sc.Name, Title: sc.Title, Digest: sc.Digest},
		Size:     sizeOf(sc),
		Seed:     sc.Seed, Run: r.id, Shards: shardList(sc),
		Broker:   metrics.BrokerFacts{URL: r.url, Name: f.BrokerVersion(), Embedded: r.embedded != nil, Connack: f.BrokerLimits()},
		Load:     loadFacts(sc),
		Hosts:    []metrics.HostFacts{hostFacts()},
		Started:  r.began,
		WarmUp:   metrics.Span(sc.Phases.WarmUp),
		Duration: metrics.Span(sc.Phases.Measure),
		Phases:   r.phasesOf(snap.Measured),

		Interrupted: stopped,
		Incidents:   append([]metrics.Incident{}, f.Incidents()...),

		IncidentsLeftOut: f.IncidentsLeftOut(),
	}
	if start, ok := f.MeasureStart(); ok {
		res.Started = start.Round(0)
	}
	c := f.Counts()
	for what, counts := range map[string]map[string]int64{
		"connections refused": c.Refused.ByName(), "subscriptions refused": c.SubsRefused.ByName(),
		"device messages refused": c.PublishRefused.ByName(), "disconnected by the broker": c.Disconnected.ByName(),
	} {
		if len(counts) > 0 {
			if res.Reasons == nil {
				res.Reasons = make(map[string]map[string]int64)
			}
			res.Reasons[what] = counts
		}
	}
	res.Without = sc.Without
	res.Fill(snap, sc.Expectations(), 0)
	res.WarmUpLedger = f.WarmUp()
	failure = r.failure(res, stopped, err)
	switch {
	case failure != nil:
		res.Aborted = strings.ReplaceAll(failure.Error(), "\n", "; ")
	case !stopped && snap.Measured < sc.Phases.Measure:
		res.Aborted = abortedBy(res)
	}
	r.remark(res)
	res.Judge()
	return res, failure
}

// sizeOf is which of its sizes a scenario is, if it has several.
func sizeOf(sc *scenarios.Scenario) string {
	if len(sc.Sizes()) < 2 {
		return ""
	}
	return cmp.Or(sc.Size, scenarios.DefaultSize)
}

// abortedBy is the sentence of the expectation that ended the run early.
func abortedBy(res *metrics.Result) string {
	if i := slices.IndexFunc(res.Expectations, endedBy); i >= 0 {
		return res.Expectations[i].Sentence
	}
	return "for a reason that is not known"
}

// remark notes what should be known beside the figures.
func (r *running) remark(res *metrics.Result) {
	add := func(format string, args ...any) { res.Remarks = append(res.Remarks, fmt.Sprintf(format, args...)) }
	up := r.fleet.Presence()
	if n := up.Devices - up.Seen; n > 0 && up.Seen > 0 {
		add("%s of %s never came up", words.Grouped(int64(n)), plural(up.Devices, "device"))
	}
	if c := r.fleet.Controllers(); c.Seen < c.Devices && c.Seen > 0 {
		add("%s of %s never came up", words.Grouped(int64(c.Devices-c.Seen)), plural(c.Devices, "controller"))
	}
	res.Remarks = append(res.Remarks, shortfalls(r.fleet.Counts())...)
	res.Remarks = append(res.Remarks, limitWalls(r.sc, r.id, r.fleet.BrokerLimits())...)
	if r.embedded != nil && len(r.sc.Controllers) > 0 {
		add("the broker ran in this process and was reached in memory: its work is in the times, and no network is")
	}
	for i := range r.sc.Controllers {
		if r.sc.Controllers[i].Arrival == scenarios.Closed {
			add("%s are closed: they wait for answers, so a broker that stalls slows them down and hardly shows in their times", printable(r.sc.Controllers[i].Name))
		}
	}
}

// shortfalls says which subscriptions were granted less than they asked for, and
// which messages the broker's Maximum Packet Size kept from being sent, or a queue
// that was full.
func shortfalls(c *metrics.Counts) (remarks []string) {
	totals := metrics.CountTotals(c)
	if n := totals["subscriptions.lowered"]; n > 0 {
		remarks = append(remarks, plural(n, "subscription")+" granted at a lower QoS than was asked for (SUBACK): what came there came at that")
	}
	for _, k := range []struct{ name, one, many string }{
		{"telemetry", "telemetry message", "telemetry messages"}, {"state", "state message", "state messages"},
		{"replies", "reply", "replies"}, {"announcements", "announcement of availability", "announcements of availability"},
	} {
		for _, why := range []struct{ name, text string }{
			{"too_large", "too large for the broker's Maximum Packet Size"}, {"no_room", "the device's queue had no room"},
		} {
			switch n := totals[k.name+"."+why.name]; {
			case n == 1:
				remarks = append(remarks, "a "+k.one+" was not sent: "+why.text)
			case n > 1:
				remarks = append(remarks, words.Grouped(n)+" "+k.many+" were not sent: "+why.text)
			}
		}
	}
	return remarks
}

// phasesOf says when each part of the run began and ended, from the start of
// measuring.
func (r *running) phasesOf(measured time.Duration) []metrics.Phase {
	span := func(name string, from, to time.Duration) metrics.Phase {
		return metrics.Phase{Name: name, From: metrics.Span(from), To: metrics.Span(to)}
	}
	ended := time.Now()
	zero, ok := r.fleet.MeasureStart()
	if !ok {
		return []metrics.Phase{span("connect", -ended.Sub(r.began).Round(time.Millisecond), 0)}
	}
	p := &r.sc.Phases
	at := func(t time.Time) time.Duration { return t.Sub(zero).Round(time.Millisecond) }
	all := []metrics.Phase{span("connect", at(r.began), -p.WarmUp)}
	if p.WarmUp > 0 {
		all = append(all, span("warm-up", -p.WarmUp, min(0, at(ended))))
	}
	stages := 0
	for i := range r.sc.Controllers {
		c := &r.sc.Controllers[i]
		from := time.Duration(0)
		for _, s := range c.Stages {
			if from >= measured {
				break
			}
			name := s.Name
			if stages > 0 && i > 0 {
				name = c.Name + ": " + name
			}
			all = append(all, span(name, from, min(from+s.For, measured)))
			from += s.For
		}
		stages += len(c.Stages)
	}
	if stages == 0 && measured > 0 {
		all = append(all, span("measure", 0, measured))
	}
	if to := at(ended); to > measured && measured == p.Measure {
		all = append(all, span("drain", measured, to))
	}
	return all
}

// loadFacts says what is sent.
func loadFacts(sc *scenarios.Scenario) metrics.LoadFacts {
	f := metrics.LoadFacts{Arrival: []string{}}
	for i := range sc.Controllers {
		c := &sc.Controllers[i]
		f.Arrival = append(f.Arrival, c.Name+": "+arrivalWords(c)+ofGroup(c))
		if !slices.Contains(f.QoS, int(c.QoS)) {
			f.QoS = append(f.QoS, int(c.QoS))
		}
		for _, p := range c.Payloads {
			f.Payload = max(f.Payload, len(p), c.PayloadSize)
		}
		f.Correlation = max(f.Correlation, c.CorrelationSize)
		f.Timeout = max(f.Timeout, metrics.Span(c.Timeout))
	}
	f.Late = f.Timeout // an answer is known for what it is for as long again
	slices.Sort(f.QoS)
	return f
}

// arrivalWords says how the requests of a group arrive: "open, constant 500/s".
func arrivalWords(c *scenarios.Controllers) string {
	switch c.Arrival {
	case scenarios.Closed:
		text := fmt.Sprintf("closed, %d in flight each", max(c.InFlight, 1))
		if c.Think > 0 {
			text += ", " + setting(c.Think) + " to think"
		}
		return text
	case scenarios.Bursts:
		return fmt.Sprintf("open, bursts of %s every %s", words.Grouped(int64(c.Burst)), setting(c.Every))
	}
	text := "open, " + string(cmp.Or(c.Arrival, scenarios.Constant)) + " "
	if len(c.Stages) == 0 {
		if c.RatePerController > 0 && c.Count > 1 {
			return text + fmt.Sprintf("%s for each of %d", rateText(c.RatePerController), c.Count)
		}
		return text + rateText(c.Rate+c.RatePerController)
	}
	var stages []string
	for _, s := range c.Stages {
		stages = append(stages, stageRate(s)+" for "+setting(s.For))
	}
	return text + strings.Join(stages, ", ")
}

// hostFacts says on what the generator runs.
func hostFacts() metrics.HostFacts {
	return metrics.HostFacts{
		Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), Go: runtime.Version(),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Memory: machineMemory(),
	}
}
