package control

import (
	"slices"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/fleet/control/api"
)

func (c *call) listFaces() (any, error) {
	out := &api.Faces{Faces: []api.Face{}}
	for _, f := range faces.All() {
		one := api.Face{Name: f.Name, Doc: f.Doc, Keys: append([]string{}, f.Keys...), Missing: append([]string{}, f.Missing...)}
		for _, k := range devices.Kinds() {
			of := api.FaceKind{Kind: k.Name}
			var err error
			if of.Hears, _, err = faces.Rehearse(f, k, k.Name+"-1"); err != nil {
				of.Why = err.Error()
			}
			one.Kinds = append(one.Kinds, of)
		}
		out.Faces = append(out.Faces, one)
	}
	for _, d := range c.Fleet.Devices() {
		if d.Removed() {
			continue
		}
		face := c.Scenario.Device(d.Number()).Group.Dialect().Name
		out.Faces[slices.IndexFunc(out.Faces, func(f api.Face) bool { return f.Name == face })].Devices++
	}
	return out, nil
}

// behind says of an id that no device has whether it is the name of something that hangs on
// a bridge, and has no connection of its own; "": it is not.
func (s *Server) behind(id string) (detail, hint string) {
	first := 0
	for g := range s.Scenario.EachGroup() {
		number := first
		first += g.Total()
		maker, err := g.Kind.Prepare(g.Params)
		if err != nil {
			continue // a group that is checked has one
		}
		hub, ok := maker(0, 0).(devices.Hub)
		if !ok || !slices.ContainsFunc(hub.Behind(), func(b devices.Behind) bool { return b.Name == id }) {
			continue
		}
		for ; number < first; number++ {
			if d := s.Fleet.At(number); !d.Removed() {
				return id + " hangs on a bridge, and comes and goes with its connection", "the bridge is " + d.ID()
			}
		}
	}
	return "", ""
}
