package retained

import (
	"iter"
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

// mostExact bounds the topics that are looked at one by one. Of more, and of all, whatever
// looks like them is fetched.
const mostExact = 1000

// leavingsOf returns what the devices of a scenario may leave, or some of them: presence,
// Wills, and what their faces keep. What {run} stands for is run.
func leavingsOf(sc *scenarios.Scenario, some []scenarios.Device, run string) (*leavings, error) {
	l := new(leavings)
	present := sc.Availability()
	for g := range sc.EachGroup() {
		of := sc.Devices()
		if some != nil {
			of = slices.Values(some)
			if !slices.ContainsFunc(some, func(d scenarios.Device) bool { return d.Group == g }) {
				continue
			}
		}
		if err := l.add(sc, g, of, present[g].Topic, run); err != nil {
			return nil, err
		}
	}
	slices.Sort(l.topics)
	l.topics = slices.Compact(l.topics)
	if some != nil && len(l.keepers) == 0 && len(l.topics) <= mostExact {
		l.filters = l.topics
	}
	return l, nil
}

// add adds what those devices of one group may leave that are among of.
func (l *leavings) add(sc *scenarios.Scenario, g *scenarios.Group, of iter.Seq[scenarios.Device], presence scenarios.Template, run string) error {
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
	for d := range of {
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
