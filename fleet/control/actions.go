package control

import (
	"fmt"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/client"
	"homefleet/fleet/control/api"
	"homefleet/fleet/draws"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
)

// actions are the operations that do something with a selection of devices.
func (s *Server) actions() []operation {
	action := func(verb scenarios.Verb, summary string, do func(*call) (any, error)) operation {
		return operation{method: "POST", path: "/v1/actions/" + string(verb), id: string(verb), summary: summary,
			query: []parameter{{"dry_run", "`true`: say whom it would affect, and do nothing"}},
			body:  scenarios.OrderFacts(verb, true), reply: api.Bulk{},
			problems: []problem{badSelector, nothingSelected, noSuchDevice, notNow, allRefused}, do: do}
	}
	command := action(scenarios.Command, "Command devices, through the broker or by hand", (*call).commandAll)
	command.keyed = true
	return []operation{
		command,
		action(scenarios.Kill, "Take devices off in one of the ways to go offline", (*call).kill),
		action(scenarios.Revive, "Bring back devices that were killed", (*call).revive),
		action(scenarios.Misbehave, "Have devices do wrong: the keys are those of [device.misbehave]", (*call).misbehave),
		action(scenarios.Behave, "Have devices behave again; what they hold back goes out", (*call).behave),
		action(scenarios.ResetAll, "Have devices be as at the start: let go, as well or badly behaved as in the scenario, with their first values", (*call).reset),
		{method: "POST", path: "/v1/devices/{id}/command", id: "command-device", summary: "Command one device, through the broker or by hand, and return its answer",
			body: scenarios.OrderFacts(scenarios.Command, false), keyed: true, reply: api.CommandReply{},
			problems: []problem{noSuchDevice, noSuchAttribute, badPayload, notNow, noAnswer}, do: (*call).commandOne},
	}
}

// order reads the body.
func (c *call) order(verb scenarios.Verb) (*scenarios.Order, error) {
	return scenarios.ParseOrder(verb, c.body, true)
}

func (c *call) kill() (any, error) {
	o, err := c.order(scenarios.Kill)
	if err != nil {
		return nil, err
	}
	mode := client.OfflineMode(o.Way)
	return c.bulk(&o.Select, func(n int, all []*fleet.Device) []outcome {
		by := client.ByHand // until it is revived
		if o.For > 0 {
			by = client.Hand(n)
		}
		off := func(r *responder.Responder) outcome {
			already, bound := killed(r, by)
			if !already && bound == "" {
				r.Disconnect(by, mode)
			}
			return outcome{already: already, refused: bound}
		}
		letBack := func(r *responder.Responder) { r.Reconnect(by, client.Reconnect{}) }
		if o.Spread == 0 {
			out := each(c.r.Context(), all, func(_ int, r *responder.Responder) outcome { return off(r) })
			if o.For > 0 {
				c.later(all, n, time.Now().Add(o.For), 0, letBack)
			}
			return out
		}
		// Each goes at a moment of its own, unless somebody has revived it before.
		out := each(c.r.Context(), all, func(_ int, r *responder.Responder) outcome {
			already, bound := killed(r, by)
			if !already && bound == "" {
				r.PlanDisconnect(client.Hand(n))
			}
			return outcome{already: already, refused: bound}
		})
		now := time.Now()
		if !c.later(all, n, now, o.Spread, func(r *responder.Responder) {
			if r.TakePlanned(client.Hand(n)) {
				off(r)
			}
		}) {
			return everyone(all, outcome{refused: "the run does not plan anything any more"})
		}
		if o.For > 0 {
			c.later(all, n, now.Add(o.For), o.Spread, letBack)
		}
		return out
	})
}

// mostKills bounds those that keep a device off at a time, each until an end of its own.
const mostKills = 64

// killed reports whether a device is kept off by hand already, so that one more kill makes no
// difference: it has no end, or is this one. bound is why there cannot be another, of which
// those count that are planned.
func killed(r *responder.Responder, by client.Cause) (already bool, bound string) {
	held, _ := r.HeldBy()
	kills := len(r.Planned())
	for _, c := range held {
		switch {
		case c == client.ByHand || c == client.NotPresent || c == by:
			return true, ""
		case c.IsHand():
			kills++
		}
	}
	if kills >= mostKills {
		return false, fmt.Sprintf("it is kept off by %d kills already, which is the most", kills)
	}
	return false, ""
}

// everyone is one outcome for all.
func everyone(all []*fleet.Device, o outcome) []outcome {
	out := make([]outcome, len(all))
	for i := range out {
		out[i] = o
	}
	return out
}

// later has devices do something at a moment or, with a spread, each at its own from then
// on, which the seed draws for the intervention.
func (c *call) later(all []*fleet.Device, n int, from time.Time, spread time.Duration, do func(*responder.Responder)) bool {
	err := c.Fleet.Plan(c.r.Context(), func(at func(time.Time, func())) {
		for _, d := range all {
			draw := draws.Chance(c.Scenario.Seed, c.Scenario.Device(d.Number()).Global, draws.Incident, draws.Mix(uint64(n)))
			at(from.Add(time.Duration(draw*float64(spread))), func() { d.Tell(do) })
		}
	})
	return err == nil
}

func (c *call) revive() (any, error) {
	o, err := c.order(scenarios.Revive)
	if err != nil {
		return nil, err
	}
	how := client.Reconnect{Wait: o.Return == scenarios.WithBackoff, Clean: o.Session == scenarios.Clean, Rename: o.Rename}
	return c.bulk(&o.Select, func(_ int, all []*fleet.Device) []outcome {
		return each(c.r.Context(), all, func(_ int, r *responder.Responder) outcome {
			if r.ReconnectByHand(how) {
				return outcome{}
			}
			if held, _ := r.HeldBy(); len(held) > 0 {
				return outcome{refused: "it is kept off by " + causes(held)[0] + ", which has to end first"}
			}
			return outcome{already: true}
		})
	})
}

func (c *call) misbehave() (any, error) {
	o, err := c.order(scenarios.Misbehave)
	if err != nil {
		return nil, err
	}
	return c.bulk(&o.Select, func(_ int, all []*fleet.Device) []outcome {
		return each(c.r.Context(), all, func(_ int, r *responder.Responder) outcome {
			if is := r.Misbehavior(); is != nil && *is == o.Misbehavior {
				return outcome{already: true}
			}
			r.Misbehave(&o.Misbehavior)
			return outcome{}
		})
	})
}

func (c *call) behave() (any, error) {
	o, err := c.order(scenarios.Behave)
	if err != nil {
		return nil, err
	}
	return c.bulk(&o.Select, func(_ int, all []*fleet.Device) []outcome {
		return each(c.r.Context(), all, func(_ int, r *responder.Responder) outcome {
			if r.Misbehavior().Settings() == nil {
				return outcome{already: true}
			}
			r.Behave()
			return outcome{}
		})
	})
}

func (c *call) reset() (any, error) {
	o, err := c.order(scenarios.ResetAll)
	if err != nil {
		return nil, err
	}
	return c.bulk(&o.Select, func(_ int, all []*fleet.Device) []outcome {
		faults := c.faulted.causes()
		out := each(c.r.Context(), all, func(i int, r *responder.Responder) outcome {
			for _, by := range faults {
				unfault(r, by)
			}
			model, err := all[i].Fresh()
			if err != nil {
				return outcome{refused: err.Error()}
			}
			if !r.IsAbsent() { // one that was never there is as at the start
				r.ReconnectByHand(client.Reconnect{})
			}
			if m := r.Spec().Group.Misbehave; m != nil {
				r.Misbehave(m)
			} else if r.Misbehavior() != nil {
				r.Behave()
			}
			r.Renew(time.Now(), model)
			r.ForgetJournal()
			return outcome{}
		})
		c.faulted.spare(told(all, out), faults)
		return out
	})
}
