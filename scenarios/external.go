package scenarios

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/scenarios/tomlfault"
)

// firstExternal is the number of the first External device: those of the fleet's own, also
// of those that are added while it runs, are below it.
const firstExternal = 1 << 24

// externalPath is where faults of a group of External devices are reported.
func externalPath(i int) string { return fmt.Sprintf("target[%d]", i) }

// externalKeys are the keys of a [[target]].
var externalKeys = describe[Group](table{name: "[[target]]", keys: []key{
	{name: "kind", form: byRule{"`\"light\"`, `\"thermostat\"`, `\"plug\"`"}, defDoc: "none; required, but with face `\"" + faces.Default + "\"` and `attributes`", doc: "what the devices are"},
	{name: "attributes", form: list{of: "texts", fault: attributeFault, empty: leaveOut, unique: true}, defDoc: "all of the kind",
		doc: "which attributes the devices have; without a kind any words, each a level of the topics of face `\"" + faces.Default + "\"`"},
	{name: "count", form: whole(1, MaxDevices), def: 1, doc: "how many; with `homes`, how many in each home"},
	{name: "first", form: whole(0, maxFirst), def: 1, doc: "number of the first one, `{n}`"},
	{name: "id", form: template{text{empty: "leave it out for the default, " + string(defaultID)}, idPlaces}, defDoc: "`\"{kind}-{n}\"`; with `homes` `\"{home}-{kind}-{n}\"`",
		doc: "what a device is called on its topics: Tasmota's Topic, Zigbee2MQTT's friendly name, a Shelly's topic prefix, Homie's device id"},
	{name: "home", form: template{text{}, homePlaces}, defDoc: "none; with `homes` `\"home-{h}\"`", doc: "the home a device belongs to, for `[controller.target]`"},
	{name: "homes", form: whole(1, MaxDevices), defDoc: "the group is not repeated", doc: "repeats the group in that many homes"},
	{name: "first_home", form: whole(0, maxFirst), def: 1, doc: "number of the first home, `{h}`"},
	fromKey,
	{name: "mqtt", form: oneOf{texts(MQTT5, MQTT311)}, defDoc: "that of `[broker]`", doc: "version that the devices speak. Those of 3.1.1 are commanded by controllers of 3.1.1, because no Response Topic reaches them"},
	{name: "groups", form: list{of: "texts", fault: idFault, unique: true}, doc: "further names that the devices obey, as Tasmota's GroupTopic"},
	{name: "face", form: byRule{"the name of a face, or the table of `[device.face]`"}, defDoc: "`\"" + faces.Default + "\"`", doc: "the dialect that the devices speak"},
}})

// attributeFault returns why a text cannot name an attribute, or "".
func attributeFault(s string) string {
	if strings.ToLower(s) != s {
		return "has capital letters; want lower case"
	}
	return idFault(s)
}

func readExternal(r *reader) {
	for _, t := range r.top.Tables("target") {
		g := Group{filled: true, external: true}
		externalKeys.read(t, &g)
		g.readRows(t, r.rows)
		if t.Has("kind") || len(g.Attributes) == 0 {
			g.Kind = readKind(t, r.kinds)
		} else {
			t.Known("kind")
		}
		g.readDialect(t)
		g.ofWords()
		g.defaultNames()
		g.makeVoice()
		r.s.External = append(r.s.External, g)
	}
}

// ofWords makes up a kind for devices of which nothing but their attributes is known.
func (g *Group) ofWords() {
	if g.Kind != nil || len(g.Attributes) == 0 || g.Dialect().Name != faces.Default {
		return
	}
	k := &devices.Kind{Name: "device", Doc: "A device that somebody else runs."}
	for _, name := range g.Attributes {
		k.Attributes = append(k.Attributes, devices.Attribute{Name: name})
	}
	g.Kind = k
}

// fillExternal puts the defaults in the place of what a Go author left out.
func (g *Group) fillExternal() {
	g.external = true
	g.ofWords()
	if !g.filled {
		externalKeys.fill(g)
		g.defaultNames()
		g.filled = true
	}
	g.makeVoice()
}

// attribute returns the place in its kind of an attribute that the devices have. The case
// does not matter.
func (g *Group) attribute(name string) (attr int, has bool) {
	if g.Kind == nil {
		return 0, false
	}
	attr, has = g.Kind.Attribute([]byte(name))
	if has && g.Attributes != nil {
		has = slices.Contains(g.Attributes, g.Kind.Attributes[attr].Name)
	}
	return attr, has
}

// describedGroup is a group that a file describes, and where it does.
type describedGroup struct {
	*Group
	path string
}

// described returns the groups of a file: those of the fleet's own devices, and then those
// of others'.
func (s *Scenario) described() []describedGroup {
	var all []describedGroup
	for i := range s.Groups {
		all = append(all, describedGroup{&s.Groups[i], groupPath(i)})
	}
	for i := range s.External {
		all = append(all, describedGroup{&s.External[i], externalPath(i)})
	}
	return all
}

// numbered yields the groups with the numbers of their first devices; others says whether
// those that this process does not run, too.
func (s *Scenario) numbered(others bool) iter.Seq2[int, *Group] {
	return func(yield func(int, *Group) bool) {
		number := 0
		for g := range s.EachGroup() {
			if !yield(number, g) {
				return
			}
			number += g.Total()
		}
		if !others {
			return
		}
		number = firstExternal
		for g := range s.ofOthers() {
			if !yield(number, g) {
				return
			}
			number += g.Total()
		}
	}
}

// ofOthers yields the groups of devices that are commanded, and that this process does not
// run: External ones, and those of other shards.
func (s *Scenario) ofOthers() iter.Seq[*Group] {
	return func(yield func(*Group) bool) {
		for _, groups := range [][]Group{s.External, s.elsewhere} {
			for i := range groups {
				if !yield(&groups[i]) {
					return
				}
			}
		}
	}
}

// externalDevice returns the device with a number that this process does not run.
func (s *Scenario) externalDevice(number int) Device {
	j := number - firstExternal
	for g := range s.ofOthers() {
		if j < g.Total() {
			return s.device(number, g, j)
		}
		j -= g.Total()
	}
	panic("scenarios: there is no device with that number")
}

// External reports whether somebody else runs the device.
func (d *Device) External() bool { return d.Group.external }

// checkExternal checks a group of External devices, and reports whether they can be counted.
func checkExternal(r rules, g *Group) bool {
	switch {
	case g.Kind == nil && len(g.Attributes) > 0 && r.ok("kind", "face"):
		r.errorf("attributes", `add kind = "light", say`, "without a kind attributes are words of face %q, and these devices speak %q", faces.Default, g.Dialect().Name)
	case g.Kind == nil && r.ok("kind"):
		r.errorf("kind", "", "a target group without a kind")
	case g.Kind == nil:
	default:
		var names []string
		for i := range g.Kind.Attributes {
			names = append(names, g.Kind.Attributes[i].Name)
		}
		for i, name := range g.Attributes {
			if at := fmt.Sprintf("attributes[%d]", i); !slices.Contains(names, name) {
				r.errorf(at, tomlfault.DidYouMean(name, names), "a %s has no attribute %q; want %s", g.Kind.Name, tomlfault.Short(name), tomlfault.Join(names))
			}
		}
	}
	externalKeys.check(r, g)
	r.noHomes = g.Homes == 0 && r.ok("homes")
	checkFace(r, g)
	checkNames(r, g)
	checkRows(r, g)
	return r.ok("count", "homes")
}

// checkOthers checks that devices which somebody else runs are not asked for what only
// homefleet's answer.
func checkOthers(ch *checker, r rules, c *Controllers, groups []*Group) {
	for _, g := range groups {
		face := g.Dialect()
		if !g.external || face.Name == faces.Default {
			continue
		}
		switch said := ch.doc.Holds(r.at("identify")); {
		case c.Group != "" && face.InParts:
			r.errorf("group", "command them one by one, with a target",
				"an answer of face %q has several messages, and those of devices that somebody else runs do not say whose they are: answers of a group cannot be counted", face.Name)
			return
		case c.Identify && said:
			r.errorf("identify", "leave it out", "identify asks devices for their id in a User Property, of which those of face %q that somebody else runs know nothing", face.Name)
			return
		}
		c.Identify = false
	}
}
