package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"homefleet/fleet"
	"homefleet/scenarios"
)

// running is a fleet on its way.
type running struct {
	*app
	sc       *scenarios.Scenario
	arg      string // the scenario as it was named
	fleet    *fleet.Fleet
	embedded *embedded     // nil: the broker is elsewhere
	dialer   *fleet.Dialer // nil: the broker is embedded
	sources  int           // addresses that connections come from
	url      string        // of the broker, for other clients
	id       string
	log      *slog.Logger
	ready    *readyFile
	outputs  []output
	scrape   *scrape // nil: nobody asks for metrics
	load     liveLoad

	began    time.Time
	readyIn  time.Duration // 0: not yet
	plainAt  time.Time     // when progress was last told as a line
	statusAt time.Time
	steady   bool // memory is set for a fleet that is up
	toldHint bool
	toldSlow bool
}

// live runs the fleet to its end and prints the result.
func (r *running) live(ctx context.Context) error {
	r.banner()
	ended := make(chan error, 1)
	r.rampMemory()
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
	if r.sc.Measured() {
		return r.measured(stopped, err)
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
	r.steadyMemory()
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
	if r.fleet.Phase() != fleet.Connecting {
		r.steadyMemory() // also without those that never come
	}
	if r.sc.Measured() {
		r.checkLoad(now)
	}
	if r.quiet || r.load.hopeless {
		return
	}
	switch {
	case stopping && r.Stderr.Terminal:
		r.screen.Status(fmt.Sprintf("stopping  %s still online", thousands(int64(up.Online))), r.errPaint())
	case stopping:
	case r.sc.Measured():
		r.loadProgress(now)
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
