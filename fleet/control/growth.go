package control

import (
	"context"
	"errors"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/control/api"
	"homefleet/scenarios"
)

// growth are the operations that add devices to the run, and remove some.
func (s *Server) growth() []operation {
	dry := []parameter{{"dry_run", "`true`: say whom it would affect, and do nothing"}}
	return []operation{
		{method: "POST", path: "/v1/devices", id: "add-devices", summary: "Add a group of devices: the keys are those of a [[device]], with the parameters of its kind. Its numbers and ids are of no device that there was before",
			query: dry, body: scenarios.GroupFacts(), openBody: true, keyed: true, reply: api.Added{}, status: 201,
			problems: []problem{badDevice, notHere, notNow}, do: (*call).addDevices},
		{method: "POST", path: "/v1/actions/" + string(scenarios.Remove), id: string(scenarios.Remove), summary: "Remove devices: they go in an orderly way, the broker forgets their sessions, and they are no part of the run any more",
			query: dry, body: scenarios.OrderFacts(scenarios.Remove, true), reply: api.Removed{},
			problems: []problem{badSelector, nothingSelected, noSuchDevice, notNow, allRefused}, do: (*call).remove},
	}
}

func (c *call) addDevices() (any, error) {
	dry, err := c.flag("dry_run")
	if err != nil {
		return nil, err
	}
	if err := c.running(); err != nil {
		return nil, err
	}
	g, err := c.Scenario.ParseGroup(c.body)
	if faults, ok := errors.AsType[scenarios.Faults](err); ok {
		return nil, badDevice.faulty(faults)
	} else if err != nil {
		return nil, err
	}
	if dry {
		if err := c.Fleet.Fits(g); err != nil {
			return nil, growthProblem(err)
		}
		return &api.Added{DryRun: true, Devices: g.Total(), Present: !g.Absent, IDs: []string{}}, nil
	}
	all, err := c.Fleet.Add(g)
	if err != nil {
		return nil, growthProblem(err)
	}
	n := c.number()
	c.note(n, len(all), len(all))
	out := &api.Added{Intervention: n, Devices: len(all), First: all[0].Number(), Present: !g.Absent, IDs: []string{}}
	for _, d := range all[:min(len(all), mostNamed)] {
		out.IDs = append(out.IDs, d.ID())
	}
	return out, nil
}

// mostNamed bounds the ids of added devices that a reply lists.
const mostNamed = 1000

func growthProblem(err error) error {
	if misfit, ok := errors.AsType[*scenarios.Misfit](err); ok {
		return notHere.because(misfit.Hint, "%s", misfit.What)
	}
	if errors.Is(err, fleet.ErrEnded) {
		return notNow.because("", "the run has not begun, or it is ending")
	}
	return err
}

func (c *call) remove() (any, error) {
	o, err := c.order(scenarios.Remove)
	if err != nil {
		return nil, err
	}
	var emptied *api.Emptied
	reply, err := c.bulk(&o.Select, func(_ int, all []*fleet.Device) []outcome {
		c.patient(time.Now().Add(3 * patience))
		out := make([]outcome, len(all))
		for i, d := range all {
			if !d.Leave() {
				out[i].refused = ended(d)
			}
		}
		over := time.NewTimer(patience)
		defer over.Stop()
		var gone []*fleet.Device
		for i, d := range all {
			if out[i].refused != "" {
				continue
			}
			select {
			case <-d.Gone():
				gone = append(gone, d)
			case <-over.C:
				over.Reset(0)
				out[i].refused = "it has not gone in time"
			}
		}
		if o.Clear && len(gone) > 0 {
			emptied = c.empty(gone)
		}
		return out
	})
	if err != nil {
		return nil, err
	}
	out, _ := reply.(*api.Bulk)
	return &api.Removed{Bulk: *out, Retained: emptied}, nil
}

// empty empties what devices have left retained.
func (c *call) empty(gone []*fleet.Device) *api.Emptied {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.r.Context()), patience)
	defer cancel()
	done, err := c.Fleet.Empty(ctx, gone)
	out := &api.Emptied{Topics: len(done.Topics), Held: len(done.Held), Left: len(done.Left), Why: done.Why}
	if err != nil {
		out.Why = err.Error()
	}
	return out
}

// there returns those of the devices with numbers that were not removed.
func (s *Server) there(numbers []int) []*fleet.Device {
	all := make([]*fleet.Device, 0, len(numbers))
	for _, n := range numbers {
		if d := s.Fleet.At(n); !d.Removed() {
			all = append(all, d)
		}
	}
	return all
}

// wasRemoved is why a device is not found that there was.
func wasRemoved(id string) *api.Problem {
	return noSuchDevice.because("GET /v1/devices lists those that are there", "%s was removed", short(id))
}

// allRemoved is why a selection means nobody.
func allRemoved(n int) *api.Problem {
	if n == 1 {
		return nothingSelected.because("", "the one device that is selected was removed")
	}
	return nothingSelected.because("", "all of the %s that are selected were removed", words.Plural(int64(n), "device", "devices"))
}
