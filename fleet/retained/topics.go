package retained

import (
	"slices"

	"homefleet/devices/faces"
	"homefleet/scenarios"
)

// leavings are what the devices of a scenario may leave retained.
type leavings struct {
	topics  []string // each once, sorted
	filters []string // of all of it
	keepers []keeper // that may have left more than can be known beforehand
}

// keeper is a device that may have done so.
type keeper struct {
	faces.Keeper
	who faces.Who
}

// leavingsOf returns what the devices of a scenario may leave: presence, Wills, and what their
// faces keep. What {run} stands for is run.
func leavingsOf(sc *scenarios.Scenario, run string) (*leavings, error) {
	l := new(leavings)
	present := sc.Availability()
	for i := range sc.Groups {
		if err := l.add(sc, &sc.Groups[i], present[&sc.Groups[i]].Topic, run); err != nil {
			return nil, err
		}
	}
	slices.Sort(l.topics)
	l.topics = slices.Compact(l.topics)
	return l, nil
}

// add adds what the devices of one group may leave.
func (l *leavings) add(sc *scenarios.Scenario, g *scenarios.Group, presence scenarios.Template, run string) error {
	voice, maker, err := g.Prepare()
	if err != nil {
		return err
	}
	l.filter(g.Filter(presence))
	kept := keptWill(g)
	if kept {
		l.filter(g.WillFilter())
	}
	for _, filter := range voice.Reports().Retained {
		l.filter(filter)
	}
	k, keeps := voice.(faces.Keeper)
	if keeps {
		for _, filter := range k.KeptFilters() {
			l.filter(filter)
		}
	}
	for d := range sc.Devices() {
		if d.Group != g {
			continue
		}
		vars, who := d.Vars(run), d.Who()
		l.topics = append(l.topics, presence.Expand(vars))
		if kept {
			l.topics = append(l.topics, g.Will.Topic.Expand(vars))
		}
		l.topics = append(l.topics, faces.Retained(voice, &faces.Member{Who: who, Model: maker(0, sc.Start)})...)
		if keeps {
			l.keepers = append(l.keepers, keeper{k, who})
		}
	}
	return nil
}

func (l *leavings) filter(f string) {
	if !slices.Contains(l.filters, f) {
		l.filters = append(l.filters, f)
	}
}

// keptWill reports whether the broker retains the Wills of a group.
func keptWill(g *scenarios.Group) bool { return !g.Will.Off && g.Will.Retain }

// keeps reports whether a topic is one that only the devices can have left something on.
func (l *leavings) keeps(topic string) bool {
	return slices.ContainsFunc(l.keepers, func(k keeper) bool { return k.Keeps(&k.who, []byte(topic)) })
}

// RunTopics returns the templates of retained topics that rest on the ID of the run.
func RunTopics(sc *scenarios.Scenario) (topics []scenarios.Template) {
	present := sc.Availability()
	for i := range sc.Groups {
		g := &sc.Groups[i]
		if topic := present[g].Topic; topic.Has("run") {
			topics = append(topics, topic)
		}
		if keptWill(g) && g.Will.Topic.Has("run") {
			topics = append(topics, g.Will.Topic)
		}
	}
	return topics
}
