package cmd

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/reach"
	"homefleet/scenarios"
)

// runFlags are the flags of run.
type runFlags struct {
	broker    brokerFlags
	listen    listenFlags
	duration  spanFlag
	seed      string
	mqtt      string
	run       string
	runs      runsFlags
	shard     string
	collector collectorFlags
	joined    *shardClient // nil: there is no collector
	ready     string
	orphan    bool
	failFast  bool
	size      string
	sources   string
	outputs   outputFlags
	metrics   string
	control   controlFlags
	replay    string
	history   string
	pid       int
	linger    spanFlag
	force     bool
	unwatched bool
	clear     bool
	tryClear  bool // a broker that does not let it be done is warned of
}

// embeddedWord is what --broker takes beside a URL.
const embeddedWord = "embedded"

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run the devices of a scenario, and measure",
		Long: `Run the devices of a scenario: the name of a shipped one, a TOML file, or - for
stdin. Where neither --broker nor the scenario names a broker, one is started in
the process: the devices reach it in memory, everybody else at --listen.

A scenario with controllers, incidents, phases or expectations is measured: it
ends by itself with a summary, and with exit code 3 if an expectation does not
hold or the generator could not keep to its plan. With --json it prints the
result that "homefleet report" reads.

With --runs the measurement is made several times, each time with fresh sessions
and an ID of its own, and the result is the median of every figure with the
interval it lies in: what one run says of the next. "homefleet report --compare"
tells whether such runs differ from earlier ones.

With --shard the process runs one of N parts of the scenario, so that several, on
one machine or many, make up the whole on one broker. Start them together;
"homefleet report" merges their results and judges the whole.

Ctrl-C stops the devices in an orderly way (no Will is published) and prints the
result so far; a second Ctrl-C quits at once.`,
		Example: `  homefleet run bedroom
  homefleet run apartment-block --broker mqtt://localhost:1883
  homefleet run request-response --size m --report report.html
  homefleet run flat.toml --duration 2m --json > result.json
  homefleet run request-response --broker mqtt://localhost:1883 --runs 10 --result new.json
  homefleet run city --broker mqtt://broker --run 7 --shard 2/4 --result shard-2.json`,
		Args:              want("[SCENARIO]"),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			arg, err := a.scenarioOfRun(cmd, args)
			if err != nil {
				return err
			}
			leave, err := a.withParent(cmd, f.orphan)
			if err != nil {
				return err
			}
			defer leave()
			return a.run(cmd, arg, &f)
		},
	}
	fs := cmd.Flags()
	f.broker.add(fs, "`URL` of the broker (mqtt, mqtts, ws or wss), or \"embedded\"")
	f.listen.add(fs)
	addSize(cmd, &f.size)
	fs.Lookup("username").Usage += ", a template as in a scenario: {id}, {n} …"
	fs.Var(&f.duration, "duration", "how long to run or, what is measured, to measure, such as 2m; 0s: until stopped")
	f.shared(fs)
	fs.StringVar(&f.replay, "replay", "", "result `FILE` of a run with --control: what was done there is done again, at the same moments")
	fs.StringVar(&f.history, "history", "", "`FILE` to write what devices, controllers and watchers did and saw to, for \"homefleet audit\"")
	fs.BoolVar(&f.unwatched, "no-watchers", false, "leave out the watchers of the scenario")
	fs.BoolVar(&f.clear, "clear", false, "at the end of the run, empty every topic that its devices left retained; see \"homefleet clear\"")
	return cmd
}

// shared adds the flags that bench has as well.
func (f *runFlags) shared(fs *pflag.FlagSet) {
	fs.StringVar(&f.seed, "seed", "", "`NUMBER` that every random choice follows from")
	addMQTT(fs, &f.mqtt)
	fs.StringVar(&f.run, "run", "", "`ID` of this run, {run} in templates (default: random)")
	f.runs.add(fs)
	addShard(fs, &f.shard, "; with --broker and --run, or --collector; \"auto\": as Kubernetes, Slurm or AWS Batch say")
	f.collector.add(fs)
	fs.StringVar(&f.ready, "ready-file", "", "`FILE` to write, as JSON, when every device is up")
	fs.BoolVar(&f.orphan, "exit-with-parent", false, "stop, as with Ctrl-C, when the process that started this one has ended")
	fs.BoolVar(&f.failFast, "fail-fast", false, "end the run at the first device that fails")
	f.outputs.add(fs)
	fs.StringVar(&f.metrics, "metrics", "", "`ADDRESS` to serve metrics for Prometheus on, such as 127.0.0.1:9464")
	f.control.add(fs)
	f.control.addPage(fs)
	fs.Var(&f.linger, "linger", "how long --metrics serves the figures of a run that is over (default: until the next scrape, at most 20s, if there was one before)")
	fs.IntVar(&f.pid, "pid", 0, "`NUMBER` of the broker's process on this machine: what it takes of CPU and memory stands in the result")
	fs.StringVar(&f.sources, "source-addr", "", "`ADDRESSES` of this machine to connect from in turn, such as 127.0.0.1,127.0.0.2")
	fs.BoolVar(&f.force, "no-preflight", false, "run even if this machine looks too small for it")
}

// run carries out the command from the scenario to the result.
func (a *app) run(cmd *cobra.Command, arg string, f *runFlags) error {
	sc, warnings, err := a.loadScenario(arg, f.size)
	if err != nil {
		return err
	}
	return a.runLoaded(cmd, sc, warnings, arg, f)
}

// runLoaded is run from the moment when the scenario is read, from arg.
func (a *app) runLoaded(cmd *cobra.Command, sc *scenarios.Scenario, warnings scenarios.Faults, arg string, f *runFlags) (err error) {
	if warnings, err = a.override(cmd, sc, f, warnings); err != nil {
		return err
	}
	a.printFaults(warnings)
	if err := a.join(cmd.Context(), sc, f); err != nil {
		return err
	}
	if sc, err = f.shardOfRun(sc); err != nil {
		return err
	}
	if err := f.outputs.forMeasured(sc); err != nil {
		return err
	}
	if f.linger.set && f.metrics == "" {
		return misused("", "--linger is for --metrics")
	}
	if err := f.control.check(); err != nil {
		return err
	}
	if err := f.runs.check(sc, f); err != nil {
		return err
	}
	if sc.Broker.URL == "" {
		if err := f.listen.load(a); err != nil {
			return err
		}
	}
	var ids []string
	for k := range max(f.runs.wanted(), 1) {
		ids = append(ids, f.runID(k+1))
	}
	if f.runs.wanted() == 0 && ids[0] == "" {
		ids[0] = newRunID()
	}
	if f.history != "" && f.runs.wanted() > 0 {
		return misused("", "--history is of one run, and --runs makes several")
	}
	writes := append(f.outputs.each(f.runs.wanted()), fileUse{"--ready-file", f.ready}, fileUse{"--history", f.history})
	if err := a.spare(writes, a.runReads(arg, sc, f, ids)); err != nil {
		return err
	}
	outputs, err := a.prepareOutputs(&f.outputs, f.runs.wanted())
	if err != nil {
		return err
	}
	if f.runs.wanted() > 0 {
		return a.repeat(cmd.Context(), arg, sc, f, outputs)
	}
	r := &running{app: a, sc: sc, arg: arg, id: ids[0], outputs: outputs}
	return r.once(cmd.Context(), f)
}

// addMQTT adds the flag that says which version is spoken.
func addMQTT(fs *pflag.FlagSet, to *string) {
	fs.StringVar(to, "mqtt", "", "`VERSION` that all clients speak who have none of their own: 5, or 3.1.1 for a broker that has nothing newer (default: the scenario's)")
}

// runID is the id of run k of --runs, or of the only one; "" is one of its own.
func (f *runFlags) runID(k int) string {
	if f.run == "" || f.runs.wanted() == 0 {
		return f.run
	}
	return fmt.Sprintf("%s-%d", f.run, k)
}

// once makes one run, from the preparations to the result.
func (r *running) once(ctx context.Context, f *runFlags) (err error) {
	r.log, r.load.ascii = r.logger(), r.asciiOnly()
	if r.id == "" {
		r.id = newRunID()
	}
	if r.ready, err = r.prepareReadyFile(f.ready); err != nil {
		return err
	}
	defer func() { r.ready.end() }()
	if err := r.checkSecret(r.sc, r.id); err != nil {
		return err
	}
	once := passwords{read: r.secret}
	r.failFast = f.failFast
	options := fleet.Options{Run: r.id, Secret: once.secret, FailFast: f.failFast, EndIfNobody: true, Precise: true, Log: r.log}
	r.given = f.broker.given() + flagText("--users", f.listen.users)
	if err := r.reach(f, &options); err != nil {
		return err
	}
	r.newEvents(&options, f)
	defer func() { // for the ways out before the end
		if r.embedded != nil {
			_ = r.embedded.close()
		}
	}()
	r.dial, r.joined = options.Dial, f.joined
	r.together(f.joined, &options)
	if err := r.preflight(f); err != nil {
		return err
	}
	if f.clear {
		r.clears, r.tryClear = &options, f.tryClear
	}
	if options.Told, err = r.openHistory(f.history); err != nil {
		return err
	}
	defer r.history.abandon()
	if r.fleet, err = fleet.New(r.sc, options); err != nil {
		return failed("", "%w", err)
	}
	if r.scrape, err = r.openScrape(f.metrics, r); err != nil {
		return err
	}
	defer r.scrape.close()
	again, err := r.readReplay(f.replay)
	if err != nil {
		return err
	}
	r.replayed = f.replay
	if err := r.controlRun(&f.control, again); err != nil {
		return err
	}
	if r.control == nil {
		defer r.enterBroker(entryDocument{Run: r.id, Scenario: r.sc.Name, Broker: r.url}, r.log).remove()
	}
	defer func() {
		r.control.close()
		if r.control == nil && r.steering != nil {
			r.steering.End()
		}
	}()
	err = r.live(ctx)
	r.linger(ctx, f.linger)
	return err
}

// reach finds the way to the broker, or starts one.
func (r *running) reach(f *runFlags, o *fleet.Options) error {
	sources, err := sourceAddresses(f.sources)
	if err != nil {
		return err
	}
	if r.sc.Broker.URL == "" {
		if f.pid != 0 {
			return misused("--broker names one", "--pid is for a broker elsewhere, but the embedded one is in this process")
		}
		if len(sources) > 0 {
			return misused("--broker names one", "--source-addr is for a broker elsewhere, but the devices reach the embedded one in memory")
		}
		if r.embedded, err = r.openBroker(&f.listen, r.sc.Clients(), r.log); err != nil {
			return err
		}
		r.url = r.embedded.url
		o.Dial, o.BrokerName = r.embedded.Dial, "the embedded broker"
		o.Embedded, o.InMemory, o.BrokerControl, o.BrokerURL = true, true, r.embedded.Broker, r.url
		return nil
	}
	if r.reaches, err = reach.New(r.sc, o.Secret); err != nil {
		return misused("", "%w", err)
	}
	r.reaches.From(sources)
	r.sources = len(sources)
	if r.process, err = namedProcess(f.pid); err != nil {
		return err
	}
	o.Dial, o.DialFor, o.BrokerName, o.Survey = r.reaches.Dial, r.reaches.Each(), r.reaches.String(), true
	r.url = r.reaches.First()
	return nil
}

// override lets the flags rule over the scenario, and checks it again. It
// returns the warnings that are still true.
func (a *app) override(cmd *cobra.Command, sc *scenarios.Scenario, f *runFlags, before scenarios.Faults) (scenarios.Faults, error) {
	if f.broker.url == embeddedWord {
		f.broker.url, sc.Broker.URL = "", ""
	}
	if err := f.broker.apply(a, &sc.Broker); err != nil {
		return nil, err
	}
	if sc.Broker.URL != "" {
		for _, flag := range []string{"listen", "ws", "users"} {
			if a.given(cmd, flag) {
				return nil, misused("--broker embedded starts a broker in spite of the scenario",
					"--%s is for the embedded broker, but the devices are to use %s", flag, words.PublicURL(sc.Broker.URL))
			}
		}
	}
	switch {
	case f.duration.set && f.duration.d == 0 && sc.Measured():
		return nil, misused("", "--duration is 0s, but %s measures and has to end; want more than 0s", sc.Name)
	case f.duration.set && sc.Measured():
		sc.Phases.Measure = f.duration.d
	case f.duration.set:
		sc.Duration = f.duration.d
	}
	if f.unwatched {
		sc.Watchers = nil
	}
	if f.seed != "" {
		seed, err := strconv.ParseUint(f.seed, 0, 63)
		if err != nil {
			return nil, misused("", "--seed is %q; want a whole number from 0 to %d", f.seed, uint64(1<<63-1))
		}
		sc.Seed = seed
	}
	switch version := scenarios.MQTT(f.mqtt); version {
	case "":
	case scenarios.MQTT5, scenarios.MQTT311:
		sc.Broker.MQTT = version
	default:
		return nil, misused("", "--mqtt is %q; want %s or %s", f.mqtt, scenarios.MQTT5, scenarios.MQTT311)
	}
	if f.run != "" && !fitRun(f.run) {
		return nil, misused("", "--run is %q; want up to 64 letters, digits, dots, dashes and underscores", f.run)
	}
	after := sc.Vet()
	if after.Err() != nil {
		return nil, faulty(sc.Name+" with the flags", after.Errors())
	}
	// A warning of the file knows its line; one that came with a flag has none.
	var still scenarios.Faults
	for _, w := range after {
		i := slices.IndexFunc(before, func(b scenarios.Fault) bool { return b.Path == w.Path && b.Message == w.Message })
		if i >= 0 {
			w = before[i]
		}
		still = append(still, w)
	}
	return still, nil
}

const runAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

// fitRun reports whether an id is one that a run may have.
func fitRun(id string) bool { return len(id) <= 64 && strings.Trim(id, runAlphabet) == "" }

// newRunID tells this run from others.
func newRunID() string { return strings.ToLower(rand.Text()[:6]) }

// checkSecret reads the first device's password, so that a missing one is told
// at once and not by every device.
func (a *app) checkSecret(sc *scenarios.Scenario, run string) error {
	if sc.Broker.Password == (scenarios.Secret{}) {
		return nil
	}
	if _, err := a.secret(sc.Broker.Password, firstLogin(sc, run)); err != nil {
		return misused("", "%w", err)
	}
	return nil
}
