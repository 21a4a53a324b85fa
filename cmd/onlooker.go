package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/control"
	"homefleet/fleet/control/api"
	"homefleet/fleet/events"
	"homefleet/fleet/responder"
)

// smallFleet is up to how many devices the log of -v has single commands, and a terminal a
// table of them.
const smallFleet = 100

// mostWatched is up to how many devices a run that measures nothing has its Wills audited for
// who controls it.
const mostWatched = 1000

// newEvents has a run tell what happens where somebody wants to hear of it: a control, the
// log, or the table of a terminal. What becomes of Wills it tells a control, and whoever
// repeats what a control did.
func (r *running) newEvents(o *fleet.Options, f *runFlags) {
	small, controlled := r.sc.Count() <= smallFleet && (r.verbose || r.hasTable()), f.control.wanted()
	if controlled || small {
		o.Events, o.Journals = events.New(strconv.FormatInt(time.Now().UnixNano(), 36)), controlled
	}
	o.WatchWills = (controlled || f.replay != "") && !r.sc.Measured() && r.sc.Count() <= mostWatched && r.sc.Part.N == 0
}

// onlooker hears of the commands to the devices of a small fleet, for the log and the
// table.
type onlooker struct {
	viewer *events.Viewer
	view   control.View
	last   map[string]string // what became of the last command, by device; nil: there is no table
}

// lookedOnAtOnce bounds the exchanges a second that are shown.
const lookedOnAtOnce = 50

// lookOn has an onlooker look, where there is anything to look for.
func (r *running) lookOn() error {
	hub := r.fleet.Events()
	if hub == nil || r.sc.Count() > smallFleet || !r.verbose && r.house == nil {
		return nil
	}
	v, err := hub.View(events.Interest{Types: events.Set(events.Exchange, events.Refusal), Most: lookedOnAtOnce}, "", r.fleet.Clock(), true)
	if err != nil {
		return failed("", "looking on: %w", err)
	}
	r.onlooker = &onlooker{viewer: v, view: control.View{Fleet: r.fleet}}
	if r.house != nil {
		r.onlooker.last = make(map[string]string)
	}
	return nil
}

// heed takes what there is to hear of.
func (r *running) heed() {
	o := r.onlooker
	if o == nil {
		return
	}
	for more := true; more; {
		var all []events.Event
		all, _, more, _ = o.viewer.Take(lookedOnAtOnce)
		for i := range all {
			x, ok := responder.ReadExchange(all[i].Body)
			if !ok {
				continue
			}
			out := o.view.Exchange(all[i].Device, &x)
			if o.last != nil {
				o.last[out.ID] = clock(out.Moment) + "  " + requestText(&out.Request) + "  " + outcomeText(&out)
			}
			if r.verbose {
				r.logExchange(r.fleet.WallTime(x.At), &out)
			}
		}
	}
	if n := o.viewer.NotShown(); n > 0 && r.verbose {
		r.log.Debug(fmt.Sprintf("%s more in this second, which are not logged", plural(n, "command")))
	}
}

// logExchange logs a command and what became of it. One that was refused without anybody
// being told has been logged by the device.
func (r *running) logExchange(at time.Time, x *api.Exchange) {
	if x.Outcome == responder.Refused.String() || !r.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	l := slog.NewRecord(at, slog.LevelDebug, "command", 0)
	l.AddAttrs(slog.String("device", x.ID), slog.String("topic", x.Request.Topic), slog.String("payload", x.Request.Payload), slog.String("outcome", x.Outcome))
	if a := x.Response; a != nil {
		l.AddAttrs(slog.String("answer", a.Payload), slog.String("to", a.Topic))
		if a.CorrelationData != "" {
			l.AddAttrs(slog.String("correlation", a.CorrelationData))
		}
	}
	if x.Why != "" {
		l.AddAttrs(slog.String("why", x.Why))
	}
	l.AddAttrs(slog.String("took", x.Took))
	_ = r.log.Handler().Handle(context.Background(), l) // a lost line of the log is no fault
}
