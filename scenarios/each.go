package scenarios

import (
	"iter"

	"homefleet/devices/faces"
)

// Count returns how many devices the scenario has.
func (s *Scenario) Count() int {
	n := 0
	for g := range s.EachGroup() {
		n += g.Total()
	}
	return n
}

// Absent returns how many of the devices are not there at first.
func (s *Scenario) Absent() int {
	n := 0
	for i := range s.Groups {
		n += s.Groups[i].Total() - s.Groups[i].PresentAtFirst()
	}
	return n
}

// Devices returns every device of a checked scenario in the order of their
// numbers.
func (s *Scenario) Devices() iter.Seq[Device] {
	return func(yield func(Device) bool) {
		number := 0
		for g := range s.EachGroup() {
			for j := range g.Total() {
				if !yield(s.device(number, g, j)) {
					return
				}
				number++
			}
		}
	}
}

// Device returns the device with a number from 0 to Count()-1 of a checked
// scenario, or with one that [Scenario.Targets] has returned, in a time that grows with
// the number of groups alone. Like an index of a slice, a number beyond them panics.
func (s *Scenario) Device(number int) Device {
	if number >= firstExternal {
		return s.externalDevice(number)
	}
	j := number
	for g := range s.EachGroup() {
		if n := g.Total(); j >= n {
			j -= n
			continue
		}
		if j >= 0 {
			return s.device(number, g, j)
		}
		break
	}
	panic("scenarios: there is no device with that number")
}

// device makes device j of the group, counted from 0 through all its homes.
func (s *Scenario) device(number int, g *Group, j int) Device {
	d := Device{Number: number, Global: number + g.ahead, N: g.First + j, H: 1, Group: g, seed: s.Seed}
	if g.Homes > 0 {
		d.N, d.H = g.First+j%g.Count, g.FirstHome+j/g.Count
	}
	v := d.Vars("")
	d.Home = g.Home.Expand(v)
	v.Home = d.Home
	d.ID = g.ID.Expand(v)
	return d
}

// Who returns what tells the device's face which device speaks.
func (d *Device) Who() faces.Who {
	return faces.Who{ID: d.ID, Home: d.Home, Number: uint64(d.Global), Seed: d.seed, Given: d.Group.external}
}

// Vars returns what the device's templates are filled with. run tells this run
// from others.
func (d Device) Vars(run string) Vars {
	kind := ""
	if d.Group.Kind != nil {
		kind = d.Group.Kind.Name
	}
	return Vars{ID: d.ID, N: d.N, H: d.H, Home: d.Home, Kind: kind, Seed: d.seed, Run: run, Number: d.Global, Rows: d.Group.Rows, Row: d.N - 1}
}
