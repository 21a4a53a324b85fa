package scenarios

import (
	"iter"
	"slices"
	"strings"
	"sync/atomic"

	"homefleet/devices"
	"homefleet/scenarios/tomlfault"
)

// added are the groups that came to a scenario while it ran. All copies of the scenario have
// the same.
type added struct{ groups atomic.Pointer[[]*Group] }

// Growing returns a copy of a checked scenario to which groups of devices can be added while
// others read it; the one that it is of has none of them.
func (s *Scenario) Growing() *Scenario {
	c := *s
	c.added = new(added)
	return &c
}

// EachGroup yields the groups of devices, in the order of the numbers of their devices: those
// of the scenario and then those that were added.
func (s *Scenario) EachGroup() iter.Seq[*Group] {
	return func(yield func(*Group) bool) {
		for i := range s.Groups {
			if !yield(&s.Groups[i]) {
				return
			}
		}
		for _, g := range s.Added() {
			if !yield(g) {
				return
			}
		}
	}
}

// Added returns the groups that were added, which nobody changes.
func (s *Scenario) Added() []*Group {
	if s.added == nil {
		return nil
	}
	if all := s.added.groups.Load(); all != nil {
		return *all
	}
	return nil
}

// ParseGroup reads a group of devices from a JSON object with the keys of a [[device]], and
// checks it beside the others. The error is of type [Faults]. Nothing is added by it.
func (s *Scenario) ParseGroup(body []byte) (*Group, error) {
	doc := tomlfault.ParseJSON("body", body)
	if doc.Broken() {
		return nil, doc.Faults()
	}
	g := readGroup(doc.Root(), devices.Kinds(), nil)
	if len(g.Stages) > 0 {
		doc.Root().KeyErrorf("stage", "revive and kill them when it is time", "stage is for the devices of a scenario")
	}
	doc.Unknown()
	if err := doc.Faults().Err(); err != nil {
		return nil, err
	}
	g.inheritBackoff(&s.Connect)
	whole := *s
	whole.Groups, whole.added = nil, nil
	for one := range s.EachGroup() {
		whole.Groups = append(whole.Groups, one.apart())
	}
	whole.Groups = append(whole.Groups, g)
	whole.Controllers, whole.Watchers, whole.Incidents, whole.Expect = nil, nil, nil, nil
	whole.Duration, whole.Phases, whole.Audit = 0, Phases{}, Audit{}
	at := groupPath(len(whole.Groups) - 1)
	var own Faults
	for _, f := range whole.Vet().Errors() {
		if rest, ok := strings.CutPrefix(f.Path, at); ok { // the others were right before
			f.Path = strings.TrimPrefix(rest, ".")
			own = append(own, f)
		}
	}
	if err := own.Err(); err != nil {
		return nil, err
	}
	return new(whole.Groups[len(whole.Groups)-1]), nil
}

// apart is a copy of a group that a check may change.
func (g *Group) apart() Group {
	c := *g
	if g.Misbehave != nil {
		c.Misbehave = new(*g.Misbehave)
	}
	return c
}

// Misfit is why a group cannot be added to a run.
type Misfit struct{ What, Hint string }

func (m *Misfit) Error() string { return m.What }

// Fits returns a [*Misfit] if a group cannot be added to a run of the scenario, which may be
// audited, and else nil.
func (s *Scenario) Fits(g *Group, audited bool) error {
	before := "put the group in the scenario, with present = false, and revive it"
	switch will := g.WillFilter(); {
	case s.added == nil, s.Part.N > 0:
		return &Misfit{"the run is a shard: a device that was added would be in one part of the scenario and unknown to the others", before}
	case !audited:
	case will != "" && !slices.ContainsFunc(s.WillFilters(), func(f string) bool { return f == will || covers(f, will) }):
		return &Misfit{"Will Messages are audited, and the auditor does not hear of those on " + tomlfault.Short(will), before}
	case s.Speaks311(g.MQTT) && !s.SomeSpeak311():
		return &Misfit{"Will Messages are audited by MQTT 5, and the devices would speak MQTT 3.1.1", before}
	}
	return nil
}

// Beside returns a copy of the scenario with one more group, which [Scenario.ParseGroup] has
// read; the scenario itself is as before.
func (s *Scenario) Beside(g *Group) *Scenario {
	c := s.Growing()
	all := append(slices.Clone(s.Added()), g)
	c.added.groups.Store(&all)
	return c
}

// Add adds what a copy that [Scenario.Beside] has returned has more. One goroutine at a time
// may do so, of a scenario that is [Scenario.Growing].
func (s *Scenario) Add(beside *Scenario) { s.added.groups.Store(beside.added.groups.Load()) }

// GroupFacts returns the keys of a group of devices that is added, but for the parameters of
// its kind.
func GroupFacts() []KeyFacts {
	all := slices.DeleteFunc(factsOf(groupKeys), func(k KeyFacts) bool { return k.Name == fromKey.name })
	for i := range all {
		switch k := &all[i]; k.Name {
		case "kind":
			k.Type, k.Required = "string", true
		case "present":
			k.Type = "boolean"
		case "presence", "misbehave":
			k.Type = "object"
		case "will", "face":
			k.Type = Any
		}
	}
	return all
}

// Any is the type of a key that may be of several.
const Any = "any"
