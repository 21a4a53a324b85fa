package load

import (
	"homefleet/fleet/deliveries"
	"homefleet/fleet/wire"
)

// wrongTopic is no request's target, nor is any from firstTarget on a topic's: an
// answer is filed under the device that it names, if that is asked for.
const (
	wrongTopic  = 1
	firstTarget = 2
)

// identifies prepares the group for answers that name their devices.
func (g *Group) identifies() {
	g.asks = wire.AppendUserProperty(nil, deliveries.IdentifyKey, "1")
	g.places = make(map[string]uint32, len(g.targets))
	for i := range g.targets {
		g.places[g.targets[i].id] = uint32(i)
	}
}

// expected is under which target the answer to a request is to be filed.
func (g *Group) expected(target int) uint32 {
	if g.asks == nil || g.Spec.Group != "" {
		return 0
	}
	return firstTarget + uint32(target)
}

// answerer returns under which target an answer that came to the right topic is
// filed, and which member of a commanded group gave it, from 1; 0 is none that is
// known.
func (g *Group) answerer(p *wire.Publish) (target, member uint32) {
	if g.asks == nil {
		return 0, 0
	}
	id, _ := p.Props.UserProperty(deliveries.AnswererKey)
	place, known := g.places[string(id)]
	switch {
	case g.Spec.Group != "" && known:
		return 0, place + 1
	case g.Spec.Group != "":
		return 0, 0
	case known:
		return firstTarget + place, 0
	}
	return 0, 0 // it names none, or one that is not asked by anybody here
}

// members is how many devices answer a request, where the ledger is to tell them
// apart.
func (g *Group) members() int {
	if g.asks == nil || g.Spec.Group == "" {
		return 0
	}
	return len(g.targets)
}
