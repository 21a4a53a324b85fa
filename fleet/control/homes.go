package control

import "homefleet/fleet/control/api"

func (c *call) listHomes() (any, error) {
	n := len(c.Fleet.Looks())
	out := &api.Homes{Devices: n, Homes: []string{}, Stretches: []api.Stretch{}}
	places := make(map[string]int)
	run := api.Stretch{} // of one home
	for i := range n {
		d := c.Fleet.At(i)
		kind, name := d.Kind(), d.Home()
		at, known := places[name]
		if !known {
			at = len(out.Homes)
			places[name], out.Homes = at, append(out.Homes, name)
		}
		if run.Each > 0 && run.Kind == kind && run.First == at {
			run.Each++
			continue
		}
		out.Stretches = stretched(out.Stretches, run)
		run = api.Stretch{Kind: kind, First: at, Homes: 1, Each: 1}
	}
	out.Stretches = stretched(out.Stretches, run)
	return out, nil
}

// stretched adds the devices of one home, to the last stretch if they go on with it.
func stretched(all []api.Stretch, one api.Stretch) []api.Stretch {
	if one.Each == 0 {
		return all
	}
	if len(all) > 0 {
		last := &all[len(all)-1]
		if last.Kind == one.Kind && last.Each == one.Each && last.First+last.Homes == one.First {
			last.Homes++
			return all
		}
	}
	return append(all, one)
}
