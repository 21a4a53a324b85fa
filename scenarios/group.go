package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/scenarios/tomlfault"
)

// MaxDevices is the most devices one scenario may have.
const MaxDevices = 1_000_000

const (
	defaultID     Template = "{kind}-{n}"
	defaultHomeID Template = "{home}-{kind}-{n}"
	defaultHome   Template = "home-{h}"
	maxFirst               = 1_000_000_000 // an id stays readable
)

// groupPath is where faults of a group are reported.
func groupPath(i int) string { return fmt.Sprintf("device[%d]", i) }

// fill puts the defaults in the place of what a Go author left out.
func (g *Group) fill(c *Connect) {
	if !g.filled {
		groupKeys.fill(g)
		g.defaultNames()
		g.filled = true
	}
	g.makeVoice()
	g.fillWill()
	g.inheritBackoff(c)
	if g.Misbehave != nil {
		g.Misbehave.fill()
	}
}

// defaultNames fills in home and id, which depend on whether there are homes.
func (g *Group) defaultNames() {
	if g.Rows != nil {
		g.Count = g.Rows.Len()
		if g.Home == "" && g.Rows.has(columnHome) {
			g.Home = "{home}"
		}
		if g.ID == "" && g.Rows.has(columnID) {
			g.ID = "{id}"
		}
	}
	if g.Home == "" && g.Homes > 0 {
		g.Home = defaultHome
	}
	if g.ID == "" {
		g.ID = defaultID
		if g.Homes > 0 {
			g.ID = defaultHomeID
		}
	}
}

// groupKeys are the keys of a [[device]], but for the parameters of its kind.
var groupKeys = describe[Group](table{name: "[[device]]", keys: []key{
	{name: "kind", form: byRule{"`\"light\"`, `\"thermostat\"`, `\"plug\"`"}, defDoc: "required", doc: "what the devices are"},
	{name: "name", form: text{what: "one topic level, without braces", fault: nameFault, empty: leaveOut},
		doc: "tells the devices of the group apart in reports; several groups may share it"},
	{name: "count", form: whole(1, MaxDevices), def: 1, doc: "how many; with `homes`, how many in each home"},
	{name: "first", form: whole(0, maxFirst), def: 1, doc: "number of the first one, `{n}`"},
	{name: "id", form: template{text{empty: "leave it out for the default, " + string(defaultID)}, idPlaces}, defDoc: "`\"{kind}-{n}\"`; with `homes` `\"{home}-{kind}-{n}\"`",
		doc: "device id: one topic level, no spaces, at most 1024 bytes"},
	{name: "home", form: template{text{}, homePlaces}, defDoc: "none; with `homes` `\"home-{h}\"`", doc: "the home a device belongs to"},
	{name: "homes", form: whole(1, MaxDevices), defDoc: "the group is not repeated", doc: "repeats the group in that many homes; `{n}` starts anew in each"},
	{name: "first_home", form: whole(0, maxFirst), def: 1, doc: "number of the first home, `{h}`"},
	fromKey,
	{name: "cert_file", form: template{text{what: "a file name", fault: fileFault}, devicePlaces}, defDoc: "that of `[broker]`", needs: "key_file", example: `"...", the key's certificate`,
		doc: "PEM client certificate of the devices, read for each connection"},
	{name: "key_file", form: template{text{what: "a file name", fault: fileFault}, devicePlaces}, defDoc: "that of `[broker]`", needs: "cert_file", example: `"...", the certificate's private key`, doc: "its private key"},
	{name: "telemetry", form: optional(span(0, 0), "none"), doc: "interval of reports of all that they measure"},
	{name: "telemetry_jitter", form: share(""), def: 0.1, doc: "how much each interval may be longer or shorter"},
	{name: "telemetry_topic", form: template{text{what: "a topic name", empty: leaveOut}, devicePlaces}, defDoc: "`\"" + string(reportTopic) + "\"`",
		doc: "where telemetry goes; like the next two for face `\"" + faces.Default + "\"` alone"},
	{name: "telemetry_payload", form: text{what: "template, below", empty: leaveOut}, defDoc: "all that they measure, as JSON", doc: "what telemetry says"},
	{name: "telemetry_size", form: byteSize(0, maxPayload), defDoc: "as long as it is", doc: "pads the payload of telemetry with spaces, which JSON passes over"},
	{name: "qos", form: qos(), defDoc: "`0`", doc: "QoS of state and telemetry"},
	{name: "retain", form: yesNo{}, def: false, doc: "state topics are retained"},
	mqttKey("the devices"),
	{name: "present", form: byRule{"true or false"}, defDoc: "`true`", doc: "`false`: the devices are not there yet. They are built and kept off, and nobody waits for them, until somebody revives them (`homefleet ctl revive`), as one pairs a new device"},
	{name: "stage", form: byRule{"tables, `[[device.stage]]`"}, field: "Stages", defDoc: "all of them, always", doc: "how many of the devices are there while it is measured, in stages that follow one another"},
	{name: "accept_retained", form: yesNo{}, def: false, doc: "obey retained commands too"},
	{name: "groups", form: list{of: "texts", fault: idFault, unique: true},
		doc: "further names that the devices obey, each one topic level and no device's id: they subscribe its topics as well"},
	{name: "face", form: byRule{"the name of a face, or the table below"}, defDoc: "`\"" + faces.Default + "\"`", doc: "the dialect that the devices speak; `homefleet faces` lists them"},
	{name: "presence", form: byRule{"table, below"}, doc: "how the devices say that they are there"},
	{name: "will", form: byRule{"`false` or the table below"}, defDoc: "the default Will", doc: "`will = false`: no Will Message"},
	{name: "misbehave", form: byRule{"table, below"}, doc: "what the devices do wrong"},
	{name: "backoff", form: oneOf{texts(FullJitter, Naive)}, defDoc: "that of `[connect]`", doc: "how a device of the group waits before it connects again"},
	{name: "backoff_min", form: backoffSpan(), defDoc: "that of `[connect]`", doc: "first ceiling; the fixed delay of `naive`"},
	{name: "backoff_max", form: backoffSpan(), least: "backoff_min", defDoc: "that of `[connect]`", doc: "last ceiling"},
}})

func readGroups(r *reader) {
	for _, t := range r.top.Tables("device") {
		r.s.Groups = append(r.s.Groups, readGroup(t, r.kinds, r.rows))
	}
}

// readGroup reads a group; open finds the rows of a file that it names, and is nil where none
// can be read.
func readGroup(t *tomlfault.Table, kinds []*devices.Kind, open func(string, func(string) string) (*Rows, error)) Group {
	g := Group{filled: true}
	groupKeys.read(t, &g)
	g.readRows(t, open)
	g.Kind = readKind(t, kinds)
	g.defaultNames()
	present := true
	t.Bool("present", &present)
	g.Absent = !present
	g.readStages(t)
	g.readFace(t)
	g.readWill(t)
	presenceKeys.read(t.Table("presence"), &g.Presence)
	if sub := t.Table("misbehave"); t.IsTable("misbehave") {
		g.Misbehave = new(Misbehavior)
		readMisbehavior(sub, g.Misbehave)
	} else {
		misbehaviorKeys.known(sub)
	}
	readParams(t, &g, kinds)
	return g
}

// readKind reads the kind every group needs. It returns nil where there is none
// that could be used.
func readKind(t *tomlfault.Table, kinds []*devices.Kind) *devices.Kind {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	if !t.Has("kind") {
		t.Errorf("kind", `add kind = "..."; kinds: `+strings.Join(names, ", "), "a device group without a kind")
		return nil
	}
	var name string
	if !t.Text("kind", &name) {
		return nil
	}
	for _, k := range kinds {
		if k.Name == name {
			return k
		}
	}
	t.Errorf("kind", tomlfault.DidYouMean(name, names), "unknown kind %q; want %s", tomlfault.Short(name), tomlfault.Join(names))
	return nil
}

// readParams reads the parameters of the kind. They stand beside the group's
// own keys, because that is how people say it (kind = "plug", load = "kettle")
// and because a table of their own would swallow every key written below it.
func readParams(t *tomlfault.Table, g *Group, kinds []*devices.Kind) {
	if g.Kind != nil {
		for i := range g.Kind.Params {
			if v, ok := readParam(t, &g.Kind.Params[i]); ok {
				if g.Params == nil {
					g.Params = make(map[string]any)
				}
				g.Params[g.Kind.Params[i].Name] = v
			}
		}
	}
	for _, k := range kinds {
		if k == g.Kind {
			continue
		}
		for i := range k.Params {
			name := k.Params[i].Name
			if !t.Holds(name) || g.Kind != nil && hasParam(g.Kind, name) {
				continue
			}
			t.Known(name) // of a group without a kind it may be right
			if g.Kind != nil {
				t.KeyErrorf(name, fmt.Sprintf("it is one of kind = %q", k.Name), "a %s has no parameter %q", g.Kind.Name, name)
			}
		}
	}
}

func hasParam(k *devices.Kind, name string) bool {
	return slices.ContainsFunc(k.Params, func(p devices.Param) bool { return p.Name == name })
}

// readParam reads one parameter as its Go type. Its range is checked with the
// rules.
func readParam(t *tomlfault.Table, p *devices.Param) (v any, ok bool) {
	switch p.Type {
	case devices.Number:
		var f float64
		ok = t.Number(p.Name, &f)
		return f, ok
	case devices.Choice:
		var s string
		ok = t.Choice(p.Name, p.Choices, &s)
		return s, ok
	case devices.Span:
		var d time.Duration
		ok = t.Duration(p.Name, &d)
		return d, ok
	default:
		var b bool
		ok = t.Bool(p.Name, &b)
		return b, ok
	}
}

func checkGroups(c *checker) {
	s := c.s
	all := s.described()
	if len(all) == 0 && c.doc.OK("device") && c.doc.OK("target") {
		c.doc.Errorf(tomlfault.Place{}, `add a [[device]] table with kind = "light"`, "the scenario has no devices")
	}
	total := 0
	for _, g := range all {
		r, check := c.rules(g.path), checkGroup
		if g.external {
			check = checkExternal
		}
		if check(r, g.Group) {
			// Neither factor is above a million, so that this cannot overflow.
			if total += g.Total(); total > MaxDevices {
				r.errorf("count", "", "that makes %d devices in all; want at most %d", total, MaxDevices)
				return
			}
		}
	}
	for _, g := range all {
		if !c.rules(g.path).ok("kind", "count", "first", "homes", "first_home", "id", "home") {
			return
		}
	}
	c.distinct = len(all) > 0 && (c.distinct || c.distinctIDs())
	c.distinctBridges()
	c.sample()
}

// checkGroup reports whether the group's devices can be counted.
func checkGroup(r rules, g *Group) bool {
	if g.Kind == nil {
		r.errorf("kind", "", "a device group without a kind")
	}
	own := *g
	if g.BackoffMin == g.inherited.min && g.BackoffMax == g.inherited.max {
		own.BackoffMin, own.BackoffMax = 0, 0 // if they are wrong, it is said of [connect]
	}
	if g.Backoff == g.inherited.kind {
		own.Backoff = ""
	}
	groupKeys.check(r, &own)
	r.noHomes = g.Homes == 0 && r.ok("homes")
	checkFace(r, g)
	g.checkStages(r)
	checkNames(r, g)
	checkRows(r, g)
	checkParams(r, g)
	return r.ok("count", "homes")
}

// checkNames checks what the devices and their homes are called.
func checkNames(r rules, g *Group) {
	if g.Rows != nil {
		return // one by one
	}
	first, last := g.ends()
	if r.template("home", g.Home, homePlaces, homeFault) && r.homeless("home", g.Home) {
		first.Home, last.Home = g.Home.Expand(first), g.Home.Expand(last)
		r.template("home", g.Home, homePlaces, homeFault, first, last)
	}
	fault := idFault
	if g.external {
		fault = topicFault // what others call theirs may have levels, and spaces
	}
	if !r.template("id", g.ID, idPlaces, fault) || !r.homeless("id", g.ID) || !r.ok("home") {
		return
	}
	if g.Home == "" && g.ID.Has("home") {
		r.errorf("id", `add home = "..."`, "id has a {home}, but the group has no home")
		return
	}
	if !r.template("id", g.ID, idPlaces, fault, first, last) || !r.ok("count", "homes") {
		return
	}
	perHome := g.ID.Has("h") || g.ID.Has("home") && g.Home.Has("h")
	numbered := g.ID.Has("n") || g.ID.Has("home") && g.Home.Has("n")
	switch id := string(g.ID); {
	case g.Count > 1 && !numbered:
		r.errorf("id", fmt.Sprintf("did you mean %q?", tomlfault.Short(id)+"-{n}"), "id %q has no {n}, so that all %d devices would share it", tomlfault.Short(id), g.Count)
	case g.Homes > 1 && !perHome:
		r.errorf("id", fmt.Sprintf("did you mean %q?", "{home}-"+tomlfault.Short(id)), "id %q has neither {home} nor {h}, so that devices of all %d homes would share it", tomlfault.Short(id), g.Homes)
	}
}

// ends returns the first and the last device's vars, without home and id.
func (g *Group) ends() (first, last Vars) {
	kind := ""
	if g.Kind != nil {
		kind = g.Kind.Name
	}
	first = Vars{N: g.First, H: 1, Kind: kind, Seed: 1<<63 - 1}
	last = first
	last.N += g.Count - 1
	if g.Homes > 0 {
		first.H, last.H = g.FirstHome, g.FirstHome+g.Homes-1
	}
	return first, last
}

// homeless reports a {h} where there are no homes.
func (r rules) homeless(key string, t Template) bool {
	if !r.noHomes || !t.Has("h") {
		return true
	}
	r.errorf(key, "add homes = 10, say, for ten homes with this group in each", "%s has a {h}, but the group has no homes", last(key))
	return false
}

// homeFault returns what is wrong with the name of a home, or "".
func homeFault(s string) string {
	if len(s) > maxID {
		return fmt.Sprintf("has %d bytes; want at most %d", len(s), maxID)
	}
	return textFault(s)
}

// checkParams checks the parameters against the kind's own table, each and then
// all together.
func checkParams(r rules, g *Group) {
	if g.Kind == nil {
		return
	}
	ok := true
	for _, name := range slices.Sorted(maps.Keys(g.Params)) {
		i := slices.IndexFunc(g.Kind.Params, func(p devices.Param) bool { return p.Name == name })
		if i < 0 {
			ok = false
			r.errorf(name, "", "a %s has no parameter %q", g.Kind.Name, tomlfault.Short(name))
			continue
		}
		if n, isInt := g.Params[name].(int); isInt {
			g.Params[name] = float64(n) // as a Go author writes it
		}
		if err := g.Kind.Params[i].Check(g.Params[name]); err != nil {
			ok = false
			r.errorf(name, "", "%v", err)
		}
	}
	if !ok || g.Kind.New == nil {
		return
	}
	if _, err := g.Kind.New(devices.Config{Params: g.Params}); err != nil {
		blamed := "kind"
		if p, ok := errors.AsType[*devices.ParamError](err); ok && g.Params[p.Param] != nil {
			blamed = p.Param
		}
		r.errorf(blamed, "", "%v", err)
	}
}
