package scenarios

// GroupPlan sums one group up for people.
type GroupPlan struct {
	Group       *Group
	Count       int // devices in all homes
	First, Last Device
	Homes       int       // how many homes the devices are in; 0: none
	Will        *WillText // of the first device; nil: none. {run} is left as it is
}

// WillText is a Will with its templates filled in for one device.
type WillText struct {
	Topic, Payload                              string
	ContentType, ResponseTopic, CorrelationData string
	UserProperties                              []Pair
}

// Pair is a User Property of one device.
type Pair struct{ Key, Value string }

// Expand fills in the templates for one device.
func (w *Will) Expand(v Vars) WillText {
	text := WillText{
		Topic:           w.Topic.Expand(v),
		Payload:         w.Payload.Expand(v),
		ContentType:     w.ContentType.Expand(v),
		ResponseTopic:   w.ResponseTopic.Expand(v),
		CorrelationData: w.CorrelationData.Expand(v),
	}
	for _, p := range w.UserProperties {
		text.UserProperties = append(text.UserProperties, Pair{p.Key, p.Value.Expand(v)})
	}
	return text
}

// Plan sums a checked scenario up, group by group. It connects to nothing.
func (s *Scenario) Plan() []GroupPlan { return s.planOf(s.Groups, 0) }

// ExternalPlan does so for the groups of devices that somebody else runs.
func (s *Scenario) ExternalPlan() []GroupPlan { return s.planOf(s.External, firstExternal) }

// homesOf returns how many homes the devices of a group from a file are in.
func (s *Scenario) homesOf(g *Group) int {
	homes := make(map[string]bool)
	for j := range g.Total() {
		if d := s.device(0, g, j); d.Home != "" {
			homes[d.Home] = true
		}
	}
	return len(homes)
}

// planOf sums up groups, the first device of which has a number.
func (s *Scenario) planOf(groups []Group, number int) []GroupPlan {
	plans := make([]GroupPlan, 0, len(groups))
	for i := range groups {
		g := &groups[i]
		n := g.Total()
		p := GroupPlan{Group: g, Count: n, First: s.device(number, g, 0), Last: s.device(number+n-1, g, n-1)}
		switch {
		case g.Homes > 0:
			p.Homes = g.Homes
		case g.Rows != nil:
			p.Homes = s.homesOf(g)
		case g.Home.Has("n"):
			p.Homes = n
		case g.Home != "":
			p.Homes = 1
		}
		if !g.Will.Off && !g.external {
			text := g.Will.Expand(p.First.Vars("{run}"))
			p.Will = &text
		}
		plans = append(plans, p)
		number += n
	}
	return plans
}
