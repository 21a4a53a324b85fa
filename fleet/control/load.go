package control

import (
	"errors"
	"slices"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/control/api"
	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// loads are the operations on the load that controllers send.
func (s *Server) loads() []operation {
	change := func(path, id, summary string) operation {
		return operation{method: "PATCH", path: path, id: id, summary: summary,
			query: []parameter{{"dry_run", "`true`: say whether it could be done, and do nothing"}},
			body:  scenarios.OrderFacts(scenarios.LoadOrder, false), reply: api.Load{},
			problems: []problem{noSuchGroup, badLoad, notHere, notNow}, do: (*call).changeLoad}
	}
	return []operation{
		{method: "GET", path: "/v1/load", id: "get-load", summary: "What each group of controllers sends, and what became of it", reply: api.Load{}, do: (*call).getLoad},
		change("/v1/load", "load", "Pause, resume or change the load of all groups of controllers. What is planned before keeps its moment"),
		change("/v1/load/{group}", "load-group", "The same for one group"),
	}
}

func (c *call) getLoad() (any, error) {
	return &api.Load{Groups: c.loadGroups(nil)}, nil
}

// loadGroups are the groups with these places, all if it is nil.
func (c *call) loadGroups(which []int) []api.LoadGroup {
	snap, out := c.Fleet.Progress(), []api.LoadGroup{}
	for i, l := range c.Fleet.Load().States() {
		if which != nil && !slices.Contains(which, i) {
			continue
		}
		one := api.LoadGroup{Group: l.Group, Controllers: l.Controllers, Arrival: string(l.Arrival), Scenario: l.Text, Paused: l.Setting.Paused}
		switch l.Arrival {
		case scenarios.Closed:
		case scenarios.Bursts:
			one.Burst, one.Every = l.Burst, words.Duration(l.Every)
		default:
			one.Rate = words.Rate(l.Rate)
			if l.Setting.Rate == 0 {
				one.Factor = l.Setting.Factor
			}
		}
		o, _ := snap.Outcomes(metrics.Label{Dimension: metrics.ByController, Name: l.Group})
		one.Requests = api.Requests{Planned: o.Planned, Sent: o.Sent, Answered: o.Answered, Late: o.Late, Lost: o.Lost, Refused: o.Refused, NotSent: o.NotSent, Paused: o.Paused, Interrupted: o.Interrupted}
		out = append(out, one)
	}
	return out
}

// meantGroups are the places of the groups that the path means.
func (c *call) meantGroups() ([]int, error) {
	names := c.Fleet.Load().Groups()
	if len(names) == 0 {
		return nil, notHere.because("a [[controller]] in the scenario sends requests", "the run has no controllers, and so no load")
	}
	if c.op.id == "load" {
		all := make([]int, len(names))
		for i := range all {
			all[i] = i
		}
		return all, nil
	}
	name := c.r.PathValue("group")
	if i := slices.Index(names, name); i >= 0 {
		return []int{i}, nil
	}
	hint := tomlfault.DidYouMean(name, names)
	if hint == "" {
		hint = "there is " + tomlfault.Join(names)
	}
	return nil, noSuchGroup.because(hint, "no group of controllers %s", quoted(name))
}

func (c *call) changeLoad() (any, error) {
	o, err := scenarios.ParseOrder(scenarios.LoadOrder, c.body, false)
	if err != nil {
		return nil, badLoadOf(err)
	}
	dry, err := c.flag("dry_run")
	if err != nil {
		return nil, err
	}
	groups, err := c.meantGroups()
	if err != nil {
		return nil, err
	}
	if err := c.running(); err != nil {
		return nil, err
	}
	if len(groups) > 1 && (o.Rate > 0 || o.Burst > 0) {
		key := "rate"
		if o.Rate == 0 {
			key = "burst"
		}
		p := badLoad.because("PATCH /v1/load/{group} says which, and factor is for all of them", "%s is of one group of controllers, and there are several: %s", key, words.List(c.Fleet.Load().Groups()))
		p.Errors = []api.Fault{{Pointer: "/" + key, Detail: p.Detail, Hint: p.Hint}}
		return nil, p
	}
	change := load.Change{Paused: o.Paused, Rate: o.Rate, Factor: o.Factor, Burst: o.Burst, Every: o.Every}
	if dry {
		if err := c.Fleet.Load().Fits(groups, change); err != nil {
			return nil, loadProblem(err)
		}
		return &api.Load{DryRun: true, Groups: c.loadGroups(groups)}, nil
	}
	n := c.number()
	changed, from, err := c.Fleet.Load().Change(c.asked, groups, change)
	if err != nil {
		return nil, loadProblem(err)
	}
	c.note(n, len(groups), changed)
	return &api.Load{Intervention: n, From: offset(from), Changed: changed, Groups: c.loadGroups(groups)}, nil
}

// offset is a moment as results count it.
func offset(d time.Duration) string { return d.Round(time.Microsecond).String() }

func badLoadOf(err error) error {
	if faults, ok := errors.AsType[scenarios.Faults](err); ok {
		return badLoad.faulty(faults)
	}
	return err
}

// loadProblem is what is wrong with a change of the load.
func loadProblem(err error) error {
	if unfit, ok := errors.AsType[*load.UnfitChange](err); ok {
		p := badLoad.because(unfit.Hint, "%s", unfit.What)
		if unfit.Key != "" {
			p.Errors = []api.Fault{{Pointer: "/" + unfit.Key, Detail: unfit.What, Hint: unfit.Hint}}
		}
		return p
	}
	if errors.Is(err, load.ErrOver) {
		return notNow.because("", "%v", err)
	}
	return runProblem(err)
}
