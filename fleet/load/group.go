package load

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"homefleet/devices/faces"
	"homefleet/fleet/client"
	"homefleet/fleet/draws"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Env is what all controllers of a run have in common. What stands here does not
// change, and may be called from any goroutine.
type Env struct {
	Client *client.Env
	Run    string // its name, as {run} in templates
	RunID  uint64 // the same, as Correlation Data carries it
	// Credentials fills in the User Name and password.
	Credentials func(*wire.Connect, scenarios.Vars) error
	// Dial opens a connection; nil: all have the one of Client.
	Dial func(context.Context, scenarios.Vars, *scenarios.Group) (net.Conn, error)
	// Present reports whether a device is online, by its number in the scenario; it may
	// be a moment late.
	Present func(device int) bool
	// ResponseInformation is told that the broker gives some.
	ResponseInformation func()
	// Idle is told once by each controller, when its load is over and nothing is
	// outstanding any more.
	Idle func()
	// Told is told what the ledger of each controller is told, by number; nil: nobody is.
	Told func(controller uint32, f metrics.LedgerFact)
}

// toldOf is who is told what the ledger of a controller is told; nil: nobody.
func (e *Env) toldOf(controller uint32) func(metrics.LedgerFact) {
	if e.Told == nil {
		return nil
	}
	return func(f metrics.LedgerFact) { e.Told(controller, f) }
}

// Group is one group of controllers: what all of it have in common. It does
// not change while the fleet runs, but for what its Governor changes.
type Group struct {
	Spec       *scenarios.Controllers
	index      int // in the scenario
	first      int // number of its first controller, over all groups
	seed       uint64
	pace       *pace // of the scenario
	targets    []target
	answers    int  // expected to each request
	inParts    bool // an answer may have several messages
	others     bool // some of the targets are run by somebody else
	labels     metrics.Labels
	profile    *client.Profile
	stages     []metrics.Labels // by stage of the pace
	requesters []*Controller
	governor   Governor
	asks       []byte            // the User Properties of a request that asks who answers; nil: it does not
	places     map[string]uint32 // then, of the targets by id
	answersAt  map[string]uint32 // of MQTT 3.1.1: the targets by the topic of their answer; nil: of 5

	MostWaiting int64 // slots of one controller that flow control may hold back; what is beyond gives up
}

// target is a device that is commanded.
type target struct {
	id     string
	kind   uint8 // label
	number int   // of the device
	who    faces.Who
	asking *asking // with others of its group
}

// asking is how the devices of a group of the scenario are commanded.
type asking struct {
	face     faces.Requester
	attr     int      // of their kind
	payloads [][]byte // in the order of the scenario
}

// NewGroup makes the plan of a group of a checked scenario by its index. first is the
// number of its first controller, over all groups; names are those of the recorder.
func NewGroup(sc *scenarios.Scenario, names *metrics.LabelNames, index, first int) *Group {
	c := &sc.Controllers[index]
	g := &Group{Spec: c, index: index, first: first, seed: draws.Mix(sc.Seed + uint64(draws.Slots)<<56 + uint64(index)),
		pace: newPace(c, &sc.Phases), answers: 1, MostWaiting: mostWaiting, labels: names.Labels("", "", c.Name)}
	ways := make(map[*scenarios.Group]*asking)
	for _, n := range sc.Targets(c) {
		d := sc.Device(n)
		t := target{d.ID, names.Labels(d.Group.Kind.Name, "", "").Kind, n, d.Who(), ways[d.Group]}
		if t.asking == nil {
			t.asking = askingOf(c, d.Group)
			ways[d.Group] = t.asking
			g.inParts = g.inParts || d.Group.Dialect().InParts
			g.others = g.others || d.External()
		}
		t.who.Group = c.Group
		g.targets = append(g.targets, t)
	}
	g.governor = Governor{group: g, now: g.pace, from: g.pace.begin, setting: Setting{Factor: 1}}
	if c.Group != "" {
		g.answers = len(g.targets)
	}
	if c.Identify {
		g.identifies()
	}
	if sc.Speaks311(c.MQTT) {
		g.matchesByTopic()
	}
	for _, s := range c.Stages {
		g.stages = append(g.stages, names.Labels("", s.Name, c.Name))
	}
	return g
}

// Populate makes the controllers of the group, whose sessions have a profile but for its
// labels. stream numbers the random choices of each by its number over all groups.
func (g *Group) Populate(e *Env, p client.Profile, stream func(number int) int) error {
	p.Labels = g.labels
	g.profile = &p
	for n := range g.Spec.Count {
		r, err := newController(e, g, n, stream(g.first+n))
		if err != nil {
			return fmt.Errorf("controller %s: %w", g.Spec.Name, err)
		}
		g.requesters = append(g.requesters, r)
	}
	return nil
}

// properties are the User Properties of the requests of a controller, from 1.
func (g *Group) properties(n int, e *Env) []byte {
	if len(g.Spec.UserProperties) == 0 {
		return g.asks
	}
	all := slices.Clone(g.asks)
	vars := g.Spec.Vars(n, e.Client.Seed, e.Run)
	for _, p := range g.Spec.UserProperties {
		all = wire.AppendUserProperty(all, p.Key, p.Value.Expand(vars))
	}
	return all
}

// Controllers are those that Populate has made.
func (g *Group) Controllers() []*Controller { return g.requesters }

// Index is that of the group in the scenario.
func (g *Group) Index() int { return g.index }

func (g *Group) closed() bool { return g.Spec.Arrival == scenarios.Closed }

// capacity is how many requests of one controller the ledger can hold: as many as
// may be sent while one of them waits for its time-out. It takes memory for those
// that there are.
func (g *Group) capacity() int {
	const least = 1 << 20
	if g.closed() {
		return least
	}
	return max(least, metrics.Capacity(g.pace.peak()/float64(g.Spec.Count), g.Spec.Timeout, g.Spec.Timeout))
}

// keep is how many of them it remembers when they are decided.
func (g *Group) keep(p *pace) int {
	if g.closed() {
		return max(64, 2*g.Spec.InFlight)
	}
	rate := p.peak() / float64(g.Spec.Count)
	return min(metrics.Capacity(rate, g.Spec.Timeout, g.Spec.Timeout), 2*g.Spec.MaxOutstanding)
}

// askingOf makes what is asked of the devices of a group.
func askingOf(c *scenarios.Controllers, of *scenarios.Group) *asking {
	a := &asking{face: of.Voice().(faces.Requester)}
	a.attr, _ = of.Kind.Attribute([]byte(c.Attribute)) // as was checked
	for _, p := range c.Payloads {
		_, b := a.face.AppendRequest(nil, nil, new(faces.Who), a.attr, p)
		for len(b) < c.PayloadSize {
			b = append(b, ' ') // which devices pass over
		}
		a.payloads = append(a.payloads, b)
	}
	return a
}

// RequestLengths returns how many bytes the topics and the payloads have with which
// controllers of a checked scenario command their devices.
func RequestLengths(sc *scenarios.Scenario, c *scenarios.Controllers) (topics, payloads []int) {
	ways := make(map[*scenarios.Group]*asking)
	var topic []byte
	for _, n := range sc.Targets(c) {
		d := sc.Device(n)
		a := ways[d.Group]
		if a == nil {
			a = askingOf(c, d.Group)
			ways[d.Group] = a
			for _, p := range a.payloads {
				payloads = append(payloads, len(p))
			}
		}
		who := d.Who()
		who.Group = c.Group
		topic, _ = a.face.AppendRequest(topic[:0], nil, &who, a.attr, c.Payloads[0])
		topics = append(topics, len(topic))
	}
	return topics, payloads
}

// handOver gives an answer that came to one controller of a group with shared
// replies to the one whose request it answers. It is false when that one is
// gone.
func (g *Group) handOver(controller uint32, a metrics.Answer, arrived time.Time) bool {
	i := int(controller) - g.first
	if i < 0 || i >= len(g.requesters) {
		return false
	}
	r := g.requesters[i]
	a.Correlation = slices.Clone(a.Correlation)
	return r.Tell(func() { r.answered(r.at(arrived), a) })
}
