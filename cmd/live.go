package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/control"
	"homefleet/fleet/metrics"
	"homefleet/fleet/reach"
	"homefleet/scenarios"
)

// running is a fleet on its way.
type running struct {
	*app
	sc       *scenarios.Scenario
	arg      string // the scenario as it was named
	fleet    *fleet.Fleet
	embedded *embedded    // nil: the broker is elsewhere
	reaches  *reach.Reach // nil: the broker is embedded
	sources  int          // addresses that connections come from
	url      string       // of the broker, for other clients
	given    string       // the flags that say how to introduce oneself there, as they were given
	id       string
	log      *slog.Logger
	ready    *readyFile
	outputs  []output
	series   *series // nil: the run stands alone
	scrape   *scrape // nil: nobody asks for metrics
	dial     func(context.Context) (net.Conn, error)
	control  *controlled  // nil: nobody controls it
	house    *house       // nil: no terminal has a table of the devices
	onlooker *onlooker    // nil: nobody wants to hear of single commands
	history  *historyFile // nil: nobody wants one
	process  *brokerProcess

	replaying *control.Replaying // what was done to another run; nil: nothing is repeated
	replayed  string             // the file that it is from
	steering  *control.Server    // repeats it

	joined *shardClient   // nil: no collector has it begin with others
	clears *fleet.Options // how the broker is reached when all is over, to clear up; nil: nothing is cleared
	load   liveLoad

	tryClear bool // clearing that fails is no failure of the run

	began    time.Time
	readyIn  time.Duration // 0: not yet
	plain    plainLines
	statusAt time.Time
	steady   bool // memory is set for a fleet that is up
	failFast bool // the first fault ends the run, and tells
	toldHint bool
	toldSlow bool
}

// live runs the fleet to its end and prints the result.
func (r *running) live(ctx context.Context) error {
	r.banner()
	r.showPage()
	r.openHouse()
	defer r.house.close()
	if err := r.lookOn(); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan error, 1)
	r.rampMemory()
	r.began = time.Now()
	r.plain.at = r.began
	go func() { ended <- r.fleet.Run(ctx) }()
	r.joined.follow(r.fleet, stop)
	replayed := r.replay(ctx)
	r.watch(ctx, stop, ended)
	replayed()
	r.house.close()
	r.heed()
	r.fleet.LogSilenced()
	r.screen.Status("", paint{})
	uncleared := r.clearUp(ctx)
	if r.embedded != nil {
		if closeErr := r.embedded.close(); closeErr != nil {
			r.log.Warn("stopping the broker: " + closeErr.Error())
		}
	}
	res, failure := r.fleet.Result()
	r.process.note(time.Now(), res)
	end := r.joined.deliver(res, r.conclude(res, r.evidence(res, r.ending(res, failure))))
	if uncleared == nil || end == nil {
		return cmp.Or(uncleared, end)
	}
	if exit, ok := errors.AsType[*exitError](uncleared); ok {
		r.tell(exit)
	}
	return end
}

// clearUp empties what the devices left retained, if that is wanted. It is not cut short by
// the end of ctx, which has ended the run.
func (r *running) clearUp(ctx context.Context) error {
	if r.clears == nil {
		return nil
	}
	done, err := r.empty(context.WithoutCancel(ctx), r.sc, *r.clears, false)
	if err == nil {
		err = clearedFault(r.clears, &done, false)
	}
	if err == nil && !r.quiet {
		fmt.Fprintf(r.screen, "%s\n", clearedWords(r.clears, &done))
	}
	if err != nil && r.tryClear {
		r.warn("what the devices left retained is still there: %v", err)
		return nil
	}
	return err
}

// watch tells how things go until the fleet has ended.
func (r *running) watch(ctx context.Context, stop context.CancelCauseFunc, ended <-chan error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	ready, done := r.fleet.Ready(), ctx.Done()
	stopped := false
	// How many are online, at the last look before the end was asked for: when we hear
	// of that, the devices are already going.
	online := 0
	look := func() {
		if n := r.fleet.Presence().Online; ctx.Err() == nil {
			online = n
		}
	}
	for {
		select {
		case <-ended: // the result has the error
			if ready != nil && ctx.Err() == nil {
				r.tellUp() // it was up and ended in the same moment
			}
			return
		case <-ready:
			ready = nil
			look()
			r.tellUp()
		case <-done:
			done, stopped = nil, true
			r.stopping(plural(online, "device") + " online")
		case key, ok := <-r.house.keys():
			switch {
			case !ok:
				r.house.keyboard.Keys = nil // the terminal is gone
			case ready == nil && !stopped && r.house.press(key):
				stop(errInterrupted)
			}
		case now := <-tick.C:
			look()
			r.heed()
			r.process.look(now, r.fleet.Phase())
			r.progress(now, ready == nil, stopped)
		}
	}
}

// tellUp is up, the fault of which is one of the run.
func (r *running) tellUp() {
	if fault := r.up(); fault != nil {
		r.fleet.Fail(fault)
	}
}

// up tells that every device is up, once.
func (r *running) up() error {
	up := r.fleet.Presence()
	if up.Devices > 0 && up.Seen == 0 || up.Settled < up.Devices || r.readyIn > 0 {
		return nil
	}
	r.readyIn = time.Since(r.began)
	r.steadyMemory()
	r.screen.Status("", paint{})
	r.upBanner(up)
	if up.GaveUp > 0 {
		return nil
	}
	d := readyDocument{Broker: r.url, Scenario: r.sc.Name, Seed: &r.sc.Seed, Run: r.id, Devices: up.Devices, ReadyIn: jsonSpan(r.readyIn), Control: r.control.document()}
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
	if !ready && !stopping && up.Seen == 0 {
		r.whyNobody(now)
	}
	if r.fleet.Phase() != fleet.Connecting {
		r.steadyMemory() // also without those that never come
	}
	if r.sc.Measured() {
		r.checkLoad()
	}
	if r.quiet {
		return
	}
	switch {
	case stopping && r.Stderr.Terminal:
		r.screen.Status(fmt.Sprintf("stopping  %s still online", words.Grouped(int64(up.Online))), r.errPaint())
	case stopping:
	case r.sc.Measured():
		r.loadProgress(now)
	case !ready:
		text := fmt.Sprintf("%s of %s up", words.Grouped(int64(up.Seen)), plural(up.Devices, "device"))
		if up.GaveUp > 0 {
			text += fmt.Sprintf(", %s refused", words.Grouped(int64(up.GaveUp)))
		}
		r.screen.Status("connecting  "+text, r.errPaint())
		if !r.Stderr.Terminal && r.plain.turn(now, plainEvery) {
			r.plain.say(r.screen, now, "connecting: "+text)
		}
	case r.house != nil:
		r.house.tick(now)
	case now.Sub(r.statusAt) >= statusEvery:
		r.statusAt = now
		r.screen.Status(r.statusText(now), r.errPaint())
	}
}

// statusText says how long the run has lasted, and how much has happened.
func (r *running) statusText(now time.Time) string {
	up, c := r.fleet.Presence(), r.fleet.Counts()
	ran := now.Sub(r.began).Round(time.Second)
	return fmt.Sprintf("%d:%02d  %s of %s online  %s  %s", int(ran.Minutes()), int(ran.Seconds())%60,
		words.Grouped(int64(up.Online)), words.Grouped(int64(up.Devices)),
		plural(c.Requests.Load(), "request"), plural(c.Messages.Total(metrics.Sent, metrics.Reply, metrics.ErrorReply), "reply"))
}

// whyNobody says once what may be the matter while no device has come up.
func (r *running) whyNobody(now time.Time) {
	fault := r.fleet.FirstFault()
	switch {
	case fault != nil && !r.toldHint:
		r.toldHint = true
		if r.failFast || r.fleet.Refusal() != nil {
			return // the end is near, and tells
		}
		hint := brokerHint(fault, r.sc.Broker.URL)
		if hint != "" {
			hint += ". "
		}
		r.hint(hint + "The devices keep trying; --fail-fast gives up at once")
	case fault == nil && r.fleet.Counts().Connects.Load() == 0 && !r.toldSlow && now.Sub(r.began) > slowAfter:
		r.toldSlow = true
		r.warn("no answer from %s yet", r.brokerWords())
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
