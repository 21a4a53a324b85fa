package cmd

import (
	"fmt"
	"io"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/scenarios"
)

// What is told of devices that somebody else runs and that are commanded only stands here.

// targetDocument is a group of them, as check prints it as JSON.
type targetDocument struct {
	Kind  string `json:"kind"`
	Face  string `json:"face"`
	Count int    `json:"count"`
	Homes int    `json:"homes"`
	First string `json:"first"`
	Last  string `json:"last"`
}

func targetsOf(sc *scenarios.Scenario) (all []targetDocument) {
	for _, g := range sc.ExternalPlan() {
		all = append(all, targetDocument{g.Group.Kind.Name, g.Group.Face.Name, g.Count, g.Homes, g.First.ID, g.Last.ID})
	}
	return all
}

// writeExternal writes a line a group, in the columns of the groups of the fleet's own.
func writeExternal(w io.Writer, sc *scenarios.Scenario) {
	for _, g := range sc.ExternalPlan() {
		fmt.Fprintf(w, "  %s\t%s\t%s\tof others, face %s\n", plural(g.Count, g.Group.Kind.Name), printable(idsOf(g)), homeWords(g), g.Group.Face.Name)
	}
}

// externalWords says how many there are, if any.
func externalWords(sc *scenarios.Scenario) string {
	n := 0
	for i := range sc.External {
		n += sc.External[i].Total()
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %s of others, commanded only", words.Grouped(int64(n)))
}

// own is a template filled in for the device that the lines to try are about.
func (r *running) own(t scenarios.Template) string {
	d := firstLight(r.sc)
	return t.Expand(d.Vars(r.id))
}

// asWhom says as whom the first client connects, if that is known.
func asWhom(sc *scenarios.Scenario, run string) string {
	v := firstLogin(sc, run)
	if user, _, own := v.Login(); own && user != "" {
		return fmt.Sprintf(", as %s and the other users of %s", printable(user), printable(v.Rows.Name()))
	}
	if name := sc.Broker.Username; name != "" {
		return ", as " + printable(name.Expand(v))
	}
	return ""
}

// idsOf is the first and the last id of a group.
func idsOf(g scenarios.GroupPlan) string {
	if g.Count > 1 {
		return g.First.ID + " … " + g.Last.ID
	}
	return g.First.ID
}

// firstLogin is what the templates of User Name and password are filled with for the first
// who connects.
func firstLogin(sc *scenarios.Scenario, run string) scenarios.Vars {
	for v := range fleet.Logins(sc, run) {
		return v
	}
	return scenarios.Vars{}
}
