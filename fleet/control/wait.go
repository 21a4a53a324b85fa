package control

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/control/api"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// waiting is the operation that waits.
func (s *Server) waiting() []operation {
	return []operation{{method: "POST", path: "/v1/wait", id: "wait", summary: "Wait until devices are as they are to be; that they are not in time is no error",
		body: scenarios.OrderFacts(scenarios.Wait, true), reply: api.WaitReply{},
		problems: []problem{badSelector, nothingSelected, noSuchDevice, noSuchAttribute, notHere}, do: (*call).wait}}
}

// How often is looked. What is waited for may come about without anything that could be told
// of: a room gets warm by the time that passes. Whoever waits for values wakes the devices, and
// the more of them the less often.
const (
	lookEvery   = 20 * time.Millisecond
	lookFurther = 20 * time.Microsecond  // longer, for each device that is woken
	lookLast    = 500 * time.Millisecond // beyond the time, for devices that are busy
	mostNearest = 5
)

func (c *call) wait() (any, error) {
	o, err := c.order(scenarios.Wait)
	if err != nil {
		return nil, err
	}
	sel := o.Select
	if o.Until.Online != nil {
		sel.Online = nil // who is to come online is meant although it is not yet
	}
	all, err := c.selected(&sel, 0)
	if err != nil {
		return nil, err
	}
	if err := c.canBe(&o.Until, all); err != nil {
		return nil, err
	}
	if o.Until.Count > len(all) {
		return nil, badBody.because("", "count is %d, and %d are selected", o.Until.Count, len(all))
	}
	start := time.Now()
	until := start.Add(o.Timeout)
	c.patient(until.Add(patience))
	every := lookEvery
	if o.Until.Values != nil {
		every += time.Duration(len(all)) * lookFurther
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	over := time.NewTimer(o.Timeout)
	defer over.Stop()
	for last := false; ; {
		before := len(all)
		if all = slices.DeleteFunc(all, (*fleet.Device).Removed); len(all) == 0 {
			return nil, allRemoved(before) // who is gone for good is neither offline nor online
		}
		out := c.look(&o.Until, all, until.Add(lookLast))
		out.After = span(time.Since(start))
		out.Met = out.Matching >= cmp.Or(o.Until.Count, len(all))
		if out.Met || last {
			return out, nil
		}
		select {
		case <-tick.C:
		case <-over.C:
			last = true
		case <-c.ending:
			return out, nil
		case <-c.r.Context().Done():
			return out, nil
		}
	}
}

// canBe is a problem where devices can never be as they are to be.
func (c *call) canBe(u *scenarios.Until, all []*fleet.Device) error {
	if u.Will != "" {
		if err := c.audited(); err != nil {
			return err
		}
	}
	for name := range u.Values {
		for _, d := range all {
			k := c.Scenario.Device(d.Number()).Group.Kind
			if _, ok := k.Attribute([]byte(name)); !ok {
				var names []string
				for _, a := range k.Attributes {
					names = append(names, a.Name)
				}
				return noSuchAttribute.because(tomlfault.DidYouMean(name, names), "%s: a %s has no attribute %s; want one of %s", d.ID(), k.Name, quoted(name), tomlfault.Join(names))
			}
		}
	}
	return nil
}

// look looks at how the devices are. Who has not said so by a time is as it is not to be.
func (c *call) look(u *scenarios.Until, all []*fleet.Device, by time.Time) *api.WaitReply {
	out := &api.WaitReply{Selected: len(all), Nearest: []api.Nearest{}}
	values := make([]map[string]string, len(all))
	if u.Values != nil {
		read := make([]map[string]string, len(all)) // each by its own device, until it is told of
		ctx, cancel := context.WithDeadline(c.r.Context(), by)
		defer cancel()
		for i, o := range each(ctx, all, func(i int, r *responder.Responder) outcome {
			read[i] = r.Snapshot(time.Now()).Values
			return outcome{}
		}) {
			if o.told {
				values[i] = read[i]
			}
		}
	}
	for i, d := range all {
		one := api.Nearest{ID: d.ID(), Online: d.Online()}
		match := u.Online == nil || one.Online == *u.Online
		for name, want := range u.Values {
			attr, _ := c.Scenario.Device(d.Number()).Group.Kind.Attribute([]byte(name))
			got := values[i][c.Scenario.Device(d.Number()).Group.Kind.Attributes[attr].Name]
			match = match && values[i] != nil && got == want
			if one.Values == nil {
				one.Values = make(map[string]string)
			}
			one.Values[name] = got
		}
		if u.Will != "" {
			if outages := d.Outages(); len(outages) > 0 {
				one.Will = verdictWord(outages[len(outages)-1].Verdict)
			}
			match = match && one.Will == u.Will
		}
		if match {
			out.Matching++
		} else {
			out.Nearest = append(out.Nearest, one)
		}
	}
	slices.SortStableFunc(out.Nearest, func(a, b api.Nearest) int { return missing(u, &a) - missing(u, &b) })
	out.Nearest = out.Nearest[:min(len(out.Nearest), mostNearest)]
	return out
}

// missing counts what is not as it is to be.
func missing(u *scenarios.Until, n *api.Nearest) int {
	count := 0
	if u.Online != nil && n.Online != *u.Online {
		count++
	}
	for name := range maps.Keys(u.Values) {
		if n.Values[name] != u.Values[name] {
			count++
		}
	}
	if u.Will != "" && n.Will != u.Will {
		count++
	}
	return count
}
