package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"homefleet/fleet/metrics"
	"homefleet/scenarios/tomlfault"
)

// LabelNames returns the names by which the results of a checked scenario are
// told apart: the kinds of its devices, the stages and the groups of
// controllers, each in the order of the file.
func (s *Scenario) LabelNames() metrics.LabelNames {
	names := metrics.LabelNames{Kinds: s.kindNames()}
	for i := range s.Controllers {
		c := &s.Controllers[i]
		names.Controllers = append(names.Controllers, c.Name)
		for _, st := range c.Stages {
			if !slices.Contains(names.Stages, st.Name) {
				names.Stages = append(names.Stages, st.Name)
			}
		}
	}
	for i := range s.Watchers {
		names.Watchers = append(names.Watchers, s.Watchers[i].Name)
	}
	return names
}

// controllerPlaces are the places of the client ids of controllers and
// watchers.
var controllerPlaces = []string{"id", "n", "seed", "run"}

// ID returns the id of controller n, counted from 1: Name-n, or the name itself
// if there is but one. In a shard it is that of the same one in the whole.
func (c *Controllers) ID(n int) string {
	place, of := c.Place(n - 1)
	return memberID(c.Name, place+1, of)
}

// Vars returns what the templates of controller n, counted from 1, are filled
// with. run tells this run from others.
func (c *Controllers) Vars(n int, seed uint64, run string) Vars {
	place, _ := c.Place(n - 1)
	return Vars{ID: c.ID(n), N: place + 1, Kind: "controller", Seed: seed, Run: run}
}

// ID returns the id of watcher n, counted from 1: Name-n, or the name itself if
// there is but one. In a shard it is that of the same one in the whole.
func (w *Watchers) ID(n int) string { return memberID(w.Name, w.before+n, max(w.of, w.Count)) }

// Vars returns what the templates of watcher n, counted from 1, are filled with.
// run tells this run from others.
func (w *Watchers) Vars(n int, seed uint64, run string) Vars {
	return Vars{ID: w.ID(n), N: w.before + n, Kind: "watcher", Seed: seed, Run: run}
}

func memberID(name string, n, count int) string {
	if count == 1 {
		return name
	}
	return name + "-" + strconv.Itoa(n)
}

// checkMembers checks the names of controllers and watchers, and that no two
// clients of the fleet have one client identifier: the broker would throw each
// off for the other, for ever (MQTT 5.0, 3.1.4-3).
func checkMembers(c *checker) {
	if len(c.s.Controllers) > maxNamed {
		return
	}
	groups := c.members()
	total := 0
	for _, g := range groups {
		if total += max(g.count, 0); g.rules.ok("count") && total > MaxControllers {
			g.rules.errorf("count", "", "that makes %d controllers and watchers in all; want at most %d", total, MaxControllers)
			return
		}
	}
	byName := make(map[string]string)
	for _, g := range groups {
		if problem := nameFault(g.name); problem != "" {
			g.rules.errorf("name", "", "name: %q %s", tomlfault.Short(g.name), problem)
		} else if first, ok := byName[g.name]; ok {
			key, what := "name", "the name %q is already used at %s"
			if !c.doc.Holds(g.rules.at("name")) {
				what = "the name it has by default, %q, is already used at %s"
			}
			g.rules.errorf(key, `add name = "...", another one`, what, tomlfault.Short(g.name), c.doc.Where(first))
		} else {
			byName[g.name] = g.rules.path
		}
		if !g.rules.ok("name", "count") {
			continue
		}
		ends := []Vars{g.vars(1, c.s.Seed), g.vars(max(g.count, 1), c.s.Seed)}
		if g.rules.template("client_id", g.id, controllerPlaces, clientFault, ends...) && g.count > 1 && g.id.Expand(ends[0]) == g.id.Expand(ends[1]) {
			g.rules.errorf("client_id", `did you mean "{id}"?`, "client_id %q is the same for all %d; want one for each", tomlfault.Short(string(g.id)), g.count)
		}
	}
	for _, g := range groups {
		if !g.rules.ok("name", "count", "client_id") {
			return
		}
	}
	if c.distinct && len(groups) > 0 {
		c.distinctMembers(groups)
	}
}

// nameFault returns why a text cannot name controllers, watchers or a stage, or
// "". Each is a part of client identifiers and a label of the results.
func nameFault(s string) string {
	if strings.ContainsAny(s, "{}") {
		return "has a brace; places stand in client_id alone"
	}
	return idFault(s)
}

// clientFault returns what is wrong with a text as a Client Identifier that a
// scenario gives, or "".
func clientFault(s string) string {
	if s == "" {
		return "is empty"
	}
	return textFault(s)
}

// member is a group of controllers or watchers.
type member struct {
	rules rules
	name  string
	id    Template
	count int
}

func (g *member) vars(n int, seed uint64) Vars {
	return Vars{ID: memberID(g.name, n, g.count), N: n, Seed: seed, Run: sampleRun}
}

func (c *checker) members() []member {
	var all []member
	for i := range c.s.Controllers {
		g := &c.s.Controllers[i]
		all = append(all, member{c.rules(controllerPath(i)), g.Name, g.ClientID, g.Count})
	}
	for i := range c.s.Watchers {
		g := &c.s.Watchers[i]
		all = append(all, member{c.rules(watcherPath(i)), g.Name, g.ClientID, g.Count})
	}
	return all
}

// distinctMembers checks the client identifiers of controllers and watchers
// against each other and against those of the devices.
func (c *checker) distinctMembers(groups []member) {
	total := 0
	for _, g := range groups {
		total += g.count
	}
	seen := newSeen(min(total, MaxControllers))
	var buf []byte
	at := 0
	for k, g := range groups {
		for n := 1; n <= g.count; n++ {
			buf = g.id.Append(buf[:0], g.vars(n, c.s.Seed))
			if other, repeated := seen.add(buf, at+n-1); repeated {
				where := "another one of them"
				for i, o := range groups[:k] {
					if other -= o.count; other < 0 {
						where = "one of those at " + c.doc.Where(groups[i].rules.path)
						break
					}
				}
				g.rules.errorf(g.blame(), "use {id} in it", "client id %q is already that of %s", tomlfault.Short(string(buf)), where)
				return
			}
		}
		at += g.count
	}
	if c.s.Connect.ClientID == "" || !c.doc.OK("connect.client_id") || !c.mayMeet(groups) {
		return
	}
	for d := range c.s.Devices() {
		buf = c.s.Connect.ClientID.Append(buf[:0], d.Vars(sampleRun))
		number, repeated := seen.find(buf)
		if !repeated {
			continue
		}
		for _, g := range groups {
			if number -= g.count; number < 0 {
				hint := "choose another name"
				if g.blame() == "client_id" {
					hint = "use {id} in it"
				}
				g.rules.errorf(g.blame(), hint, "client id %q is also that of the device %s", tomlfault.Short(string(buf)), tomlfault.Short(d.ID))
				return
			}
		}
	}
}

// blame is the key that a client identifier follows from.
func (g *member) blame() string {
	if g.id == "{id}" {
		return "name"
	}
	return "client_id"
}

// mayMeet reports whether a client identifier of these groups can be one of a
// device at all, by what they begin with: to compare a million takes a while.
func (c *checker) mayMeet(groups []member) bool {
	for _, g := range groups {
		one := g.id.lead()
		if one == "" && strings.HasPrefix(string(g.id), "{id}") {
			one = g.name
		}
		for i := range c.s.Groups {
			other := c.s.Connect.ClientID.lead()
			if other == "" && strings.HasPrefix(string(c.s.Connect.ClientID), "{id}") {
				id := c.s.Groups[i].ID
				if other = id.lead(); other == "" && strings.HasPrefix(string(id), "{kind}") {
					other = c.s.Groups[i].Kind.Name
				} else if other == "" && strings.HasPrefix(string(id), "{home}") {
					other = c.s.Groups[i].Home.lead()
				}
			}
			if n := min(len(one), len(other)); one[:n] == other[:n] {
				return true
			}
		}
	}
	return false
}

// lead returns the text before the first place or brace of the template.
func (t Template) lead() string {
	if i := strings.IndexAny(string(t), "{}"); i >= 0 {
		return string(t[:i])
	}
	return string(t)
}

// checkDeviceGroups checks the names of the groups that devices obey: each is a
// topic level in the place of a device's id.
func checkDeviceGroups(c *checker) {
	named := make(map[string]string) // name: where it is
	for _, g := range c.s.described() {
		r := c.rules(g.path)
		for k, name := range g.Groups {
			key := fmt.Sprintf("groups[%d]", k)
			if problem := idFault(name); problem != "" {
				r.errorf(key, "", "groups: %q %s", tomlfault.Short(name), problem)
			} else if slices.Contains(g.Groups[:k], name) {
				r.errorf(key, "", "groups: %q stands there twice", tomlfault.Short(name))
			} else if _, ok := named[name]; !ok {
				named[name] = r.at(key)
			}
		}
	}
	if len(named) == 0 || !c.distinct {
		return
	}
	for d := range c.s.Devices() {
		if path, ok := named[d.ID]; ok {
			c.doc.Errorf(tomlfault.Place{Path: path}, "choose another name", "groups: %q is the id of a device", tomlfault.Short(d.ID))
			return
		}
	}
}
