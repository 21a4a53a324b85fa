package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"

	"homefleet/scenarios/tomlfault"
)

// Opener reads a file that a scenario names; the name is as it stands there.
type Opener func(name string) ([]byte, error)

// LoadFrom is [LoadSize] for a scenario that may name files of devices.
func LoadFrom(name string, src []byte, size string, open Opener) (*Scenario, Faults) {
	return loader{sizes: true, open: open}.load(name, src, size)
}

// fromKey is the key of a group whose devices are the rows of a file.
var fromKey = key{name: "from", form: text{what: "file name", fault: fileFault, empty: leaveOut}, example: `"devices.csv"`,
	doc: "file of comma-separated values with a device in each row, in the place of `count`, `first` and `homes`; see [devices from a file](#devices-from-a-file)"}

// besides are the keys that do not go with from.
var besides = []string{"count", "first", "homes", "first_home"}

// rows returns what is in a file, which is read once.
func (l loader) rows(name string, idFault func(string) string) (*Rows, error) {
	key := fmt.Sprint(name, "\n", reflect.ValueOf(idFault).Pointer())
	if rows := l.known[key]; rows != nil {
		return rows, nil
	}
	src, err := l.open(name)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	if err != nil {
		return nil, rowFaults{{File: name, What: err.Error()}}
	}
	rows, err := readRows(name, src, idFault)
	if err == nil {
		l.known[key] = rows
	}
	return rows, err
}

// readRows reads the file that a group's devices are from, if there is one.
func (g *Group) readRows(t *tomlfault.Table, open func(string, func(string) string) (*Rows, error)) {
	if g.From == "" {
		return
	}
	for _, key := range besides {
		if t.Holds(key) {
			t.KeyErrorf(key, "remove one of them", "%s stands beside from: there is a device for each row of the file", key)
		}
	}
	if open == nil {
		t.Errorf("from", "", "from: no file can be read here")
		return
	}
	fault := idFault
	if g.external {
		fault = topicFault
	}
	rows, err := open(g.From, fault)
	if faults, ok := errors.AsType[rowFaults](err); ok {
		t.Errorf("from", faults[0].Hint, "%v", faults)
		return
	}
	g.Rows = rows
}

// telling are the devices of a group, by their places, with which a fault of a template shows.
func (g *Group) telling() []int {
	if g.Rows == nil {
		return []int{g.Total() - 1}
	}
	from := g.First - 1 // of a shard's
	var all []int
	for _, row := range g.Rows.telling() {
		if j := row - from; j >= 0 && j < g.Count {
			all = append(all, j)
		}
	}
	if n := g.Count - 1; !slices.Contains(all, n) {
		all = append(all, n)
	}
	return all
}

// checkRows checks the names of devices that are from a file, each for itself.
func checkRows(r rules, g *Group) {
	switch {
	case g.Rows == nil && g.From != "" && r.ok("from"):
		r.errorf("from", "", "from is %q, but nothing was read of it; want Rows", tomlfault.Short(g.From))
		return
	case g.Rows == nil || !r.ok("from", "id", "home"):
		return
	case g.Homes > 0:
		r.errorf("homes", "", "homes stands beside from: each device is in the home that its row says")
		return
	}
	fault := idFault
	if g.external {
		fault = topicFault
	}
	if !r.template("home", g.Home, homePlaces, homeFault) || !r.template("id", g.ID, idPlaces, fault) {
		return
	}
	if g.Home == "" && g.ID.Has("home") {
		r.errorf("id", `add home = "..."`, "id has a {home}, but the group has no home")
		return
	}
	for j := range g.Count {
		d := (&Scenario{}).device(0, g, j)
		if problem := homeFault(d.Home); problem != "" {
			r.errorf("home", "", "%s: home: %q %s", g.Rows.Where(d.N-1), tomlfault.Short(d.Home), problem)
			return
		}
		if problem := fault(d.ID); problem != "" {
			r.errorf("id", "", "%s: id: %q %s", g.Rows.Where(d.N-1), tomlfault.Short(d.ID), problem)
			return
		}
	}
}

// checkLogins warns of passwords of devices that all go with one User Name: most likely their
// own stands in a column of another name.
func checkLogins(c *checker) {
	for i := range c.s.Groups {
		g := &c.s.Groups[i]
		if g.Rows.column(columnPassword) < 0 || g.Rows.column(columnUser) >= 0 || !c.s.Broker.Username.Fixed() {
			continue
		}
		hint := "the column of the user names is called user"
		for _, near := range []string{"username", "user_name", "login", "name"} {
			if g.Rows.column(near) >= 0 {
				hint = fmt.Sprintf("did you mean %q by the column %q?", columnUser, near)
				break
			}
		}
		who := "no user name"
		if c.s.Broker.Username != "" {
			who = fmt.Sprintf("the user name %q", tomlfault.Short(string(c.s.Broker.Username)))
		}
		c.rules(groupPath(i)).warnf("from", hint, "%s has a column password and no column user: all its devices log in with %s", tomlfault.Short(g.From), who)
	}
}

// checkRowTopics checks that what columns have is in one level of topics: who watches devices
// could not say by a filter where they are.
func checkRowTopics(r rules, g *Group, ends []Vars) {
	if g.Rows == nil {
		return
	}
	for _, of := range []struct {
		key   string
		topic Template
	}{{"will.topic", g.Will.Topic}, {"presence.topic", g.Presence.Topic}, {"telemetry_topic", g.TelemetryTopic}} {
		for _, v := range ends {
			if of.topic == "" || !r.ok(of.key) || of.key == "will.topic" && g.Will.Off {
				break
			}
			if topic := of.topic.Expand(v); !covers(g.Filter(of.topic), topic) {
				r.errorf(of.key, "put the levels into the template, each with a column of its own",
					"%s: %q of %s has another number of topic levels than the template: a column has \"/\" in it", last(of.key), tomlfault.Short(topic), g.Rows.Where(v.Row))
				break
			}
		}
	}
}

// digest is that of the source and of the files of devices.
func (s *Scenario) digest(src []byte) string {
	h := sha256.New()
	h.Write(src)
	for _, g := range s.described() {
		if g.Rows != nil {
			g.Rows.digest(h)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
