package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homefleet/fleet"
	"homefleet/scenarios"
)

// runFlags are the flags of run.
type runFlags struct {
	broker   brokerFlags
	listen   listenFlags
	duration spanFlag
	seed     string
	run      string
	ready    string
	failFast bool
}

// embeddedWord is what --broker takes beside a URL.
const embeddedWord = "embedded"

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run the devices of a scenario",
		Long: `Run the devices of a scenario: the name of a shipped one, a TOML file, or - for
stdin. Where neither --broker nor the scenario names a broker, one is started in
the process: the devices reach it in memory, everybody else at --listen.

Ctrl-C stops the devices in an orderly way (no Will is published) and prints the
result; a second Ctrl-C quits at once.`,
		Example: `  homefleet run bedroom
  homefleet run apartment-block --broker mqtt://localhost:1883
  homefleet run flat.toml --duration 2m --json > result.json`,
		Args:              want("SCENARIO"),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.run(cmd, args[0], &f)
		},
	}
	fs := cmd.Flags()
	f.broker.add(fs, "`URL` of the broker (mqtt, mqtts, ws or wss), or \"embedded\"")
	f.listen.add(fs)
	fs.Var(&f.duration, "duration", "how long to run, such as 2m; 0s: until stopped")
	fs.StringVar(&f.seed, "seed", "", "`NUMBER` that every random choice follows from")
	fs.StringVar(&f.run, "run", "", "`ID` of this run, {run} in templates (default: random)")
	fs.StringVar(&f.ready, "ready-file", "", "`FILE` to write, as JSON, when every device is up")
	fs.BoolVar(&f.failFast, "fail-fast", false, "end the run at the first device that fails")
	_ = cmd.RegisterFlagCompletionFunc("broker", cobra.NoFileCompletions) // the flag is there
	return cmd
}

// run carries out the command from the scenario to the result.
func (a *app) run(cmd *cobra.Command, arg string, f *runFlags) error {
	sc, warnings, err := a.loadScenario(arg)
	if err != nil {
		return err
	}
	if warnings, err = a.override(cmd, sc, f, warnings); err != nil {
		return err
	}
	a.printFaults(warnings)
	r := &running{app: a, sc: sc, id: f.run, log: a.logger()}
	if r.id == "" {
		r.id = newRunID()
	}
	if r.ready, err = a.prepareReadyFile(f.ready); err != nil {
		return err
	}
	if err := a.checkSecret(sc, r.id); err != nil {
		return err
	}
	options := fleet.Options{Run: r.id, Secret: a.secret, FailFast: f.failFast, Log: r.log}
	if sc.Broker.URL == "" {
		if r.embedded, err = a.openBroker(&f.listen, r.log); err != nil {
			return err
		}
		defer func() { _ = r.embedded.close() }() // for the ways out before the end
		r.url = r.embedded.url
		options.Dial, options.BrokerName = r.embedded.Dial, "the embedded broker"
	} else {
		dialer, err := fleet.NewDialer(sc.Broker)
		if err != nil {
			return misused("", "%w", err)
		}
		r.url = dialer.String()
		options.Dial, options.BrokerName = dialer.Dial, r.url
	}
	if r.fleet, err = fleet.New(sc, options); err != nil {
		return failed("", "%w", err)
	}
	return r.live(cmd.Context())
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
					"--%s is for the embedded broker, but the devices are to use %s", flag, sc.Broker.URL)
			}
		}
	}
	if f.duration.set {
		sc.Duration = f.duration.d
	}
	if f.seed != "" {
		seed, err := strconv.ParseUint(f.seed, 0, 63)
		if err != nil {
			return nil, misused("", "--seed is %q; want a whole number from 0 to %d", f.seed, uint64(1<<63-1))
		}
		sc.Seed = seed
	}
	if f.run != "" && (len(f.run) > 64 || strings.Trim(f.run, runAlphabet) != "") {
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

// newRunID tells this run from others.
func newRunID() string { return strings.ToLower(rand.Text()[:6]) }

// checkSecret reads the first device's password, so that a missing one is told
// at once and not by every device.
func (a *app) checkSecret(sc *scenarios.Scenario, run string) error {
	if sc.Broker.Password == (scenarios.Secret{}) {
		return nil
	}
	if _, err := a.secret(sc.Broker.Password, sc.Device(0).Vars(run)); err != nil {
		return misused("", "%w", err)
	}
	return nil
}

// running is a fleet on its way.
type running struct {
	*app
	sc       *scenarios.Scenario
	fleet    *fleet.Fleet
	embedded *embedded // nil: the broker is elsewhere
	url      string    // of the broker, for other clients
	id       string
	log      *slog.Logger
	ready    *readyFile

	began    time.Time
	readyIn  time.Duration // 0: not yet
	plainAt  time.Time     // when progress was last told as a line
	statusAt time.Time
	toldHint bool
	toldSlow bool
}

// live runs the fleet to its end and prints the result.
func (r *running) live(ctx context.Context) error {
	r.banner()
	ended := make(chan error, 1)
	r.began = time.Now()
	r.plainAt = r.began
	go func() { ended <- r.fleet.Run(ctx) }()
	stopped, err := r.watch(ctx, ended)
	r.screen.Status("", paint{})
	ran := time.Since(r.began)
	if r.embedded != nil {
		if closeErr := r.embedded.close(); closeErr != nil {
			r.log.Warn("stopping the broker: " + closeErr.Error())
		}
	}
	err = r.verdict(stopped, err)
	if printErr := r.result(ran, stopped, err); printErr != nil {
		return printErr
	}
	return err
}

// verdict says how the run ended: nil is well.
func (r *running) verdict(stopped bool, err error) error {
	up := r.fleet.Presence()
	switch {
	case err != nil:
		if exit, ok := errors.AsType[*exitError](err); ok {
			return exit
		}
		return failed(brokerHint(err, r.sc.Broker.URL), "%w", err)
	case stopped && r.sc.Duration > 0:
		return interrupted()
	case !stopped && up.Seen == 0:
		return failed("", "no device came up within %s", setting(r.sc.Duration))
	case !stopped && up.Seen < up.Devices:
		return failed("", "%s of %s never came up", thousands(int64(up.Devices-up.Seen)), plural(up.Devices, "device"))
	}
	return nil
}

// watch tells how things go until the fleet has ended. stopped reports that the
// user ended it.
func (r *running) watch(ctx context.Context, ended <-chan error) (stopped bool, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	ready, done := r.fleet.Ready(), ctx.Done()
	var fault error
	online := 0 // at the last look: when the news of the end comes, the devices are already going
	for {
		select {
		case err := <-ended:
			if ready != nil && !stopped {
				r.up() // it was up and ended in the same moment
			}
			return stopped, errors.Join(fault, err)
		case <-ready:
			ready = nil
			online = r.fleet.Presence().Online
			if fault = r.up(); fault != nil {
				r.fleet.Stop()
			}
		case <-done:
			done, stopped = nil, true
			r.stopping(plural(online, "device") + " online")
		case now := <-tick.C:
			online = r.fleet.Presence().Online
			r.progress(now, ready == nil, stopped)
		}
	}
}

// up tells that every device is up, once.
func (r *running) up() error {
	up := r.fleet.Presence()
	if up.Seen == 0 || up.Seen+up.GaveUp < up.Devices || r.readyIn > 0 {
		return nil
	}
	r.readyIn = time.Since(r.began)
	r.screen.Status("", paint{})
	r.upBanner(up)
	if up.GaveUp > 0 {
		return nil
	}
	d := readyDocument{Broker: r.url, Scenario: r.sc.Name, Seed: &r.sc.Seed, Run: r.id, Devices: up.Devices, ReadyIn: jsonSpan(r.readyIn)}
	if r.embedded != nil {
		d.Listeners = r.embedded.others
	}
	return r.ready.write(d)
}

const (
	plainEvery  = 3 * time.Second // progress where there is no terminal
	statusEvery = time.Second     // once all are up
	slowAfter   = 900 * time.Millisecond
)

// progress tells how far the fleet is.
func (r *running) progress(now time.Time, ready, stopping bool) {
	up := r.fleet.Presence()
	c := r.fleet.Counts()
	if !ready && !stopping && up.Seen == 0 {
		switch {
		case c.DialFailures.Load() > 0 && !r.toldHint:
			r.toldHint = true
			r.hint(fmt.Sprintf("is a broker running there? The devices keep trying; --fail-fast gives up at once, and `%s broker` starts a broker", r.Name))
		case c.Connects.Load() == 0 && c.DialFailures.Load() == 0 && !r.toldSlow && now.Sub(r.began) > slowAfter:
			r.toldSlow = true
			r.warn("no answer from %s yet", r.brokerWords())
		}
	}
	if r.quiet {
		return
	}
	switch {
	case stopping:
		r.screen.Status(fmt.Sprintf("stopping  %s still online", thousands(int64(up.Online))), r.errPaint())
	case !ready:
		text := fmt.Sprintf("%s of %s up", thousands(int64(up.Seen)), plural(up.Devices, "device"))
		if up.GaveUp > 0 {
			text += fmt.Sprintf(", %s refused", thousands(int64(up.GaveUp)))
		}
		r.screen.Status("connecting  "+text, r.errPaint())
		if !r.Stderr.Terminal && now.Sub(r.plainAt) >= plainEvery {
			r.plainAt = now
			fmt.Fprintf(r.screen, "connecting: %s\n", text)
		}
	case now.Sub(r.statusAt) >= statusEvery:
		r.statusAt = now
		ran := now.Sub(r.began).Round(time.Second)
		r.screen.Status(fmt.Sprintf("%d:%02d  %s of %s online  %s  %s", int(ran.Minutes()), int(ran.Seconds())%60,
			thousands(int64(up.Online)), thousands(int64(up.Devices)),
			plural(c.Requests.Load(), "request"), plural(c.Replies.Load(), "reply")), r.errPaint())
	}
}

// stopping tells that the first Ctrl-C has been heard.
func (a *app) stopping(what string) {
	a.screen.Status("", paint{})
	if a.quiet {
		return
	}
	if what != "" {
		what = " (" + what + ")"
	}
	fmt.Fprintf(a.screen, "stopping%s; Ctrl-C again quits at once\n", what)
}

// brokerHint knows what to do about some faults of a connection.
func brokerHint(err error, address string) string {
	var hint string
	text := err.Error()
	refused, isRefusal := errors.AsType[*fleet.RefusedError](err)
	_, isNet := errors.AsType[*net.OpError](err)
	switch {
	case isRefusal && refused.ServerReference != "":
		hint = "--broker names another broker"
	case isRefusal && (refused.Code == 0x86 || refused.Code == 0x87 || refused.Code == 0x85):
		hint = "--username, and --password-file or --password-env, say who connects"
	case isRefusal && refused.Code == 0x8E:
		hint = "another client has the same client id; is a second fleet running this scenario on the same broker?"
	case strings.Contains(text, "certificate signed by unknown authority"):
		hint = "--ca-file FILE names the CA to trust"
	case strings.Contains(text, "first record does not look like a TLS handshake"):
		hint = "that port may not speak TLS; did you mean mqtt:// or ws://?"
	case strings.Contains(text, "tls: bad certificate") || strings.Contains(text, "certificate required"):
		hint = "--cert-file and --key-file name the client's certificate"
	case isNet && strings.Contains(text, "connection refused"):
		hint = "is a broker running there? `homefleet broker` starts one"
	case isNet && strings.Contains(text, "no such host"):
		hint = "the name has no address; is it spelled right?"
	}
	return hint
}
