package load

import (
	"fmt"
	"math"
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
	// Present reports whether a device is online, by its number in the scenario; it may
	// be a moment late.
	Present func(device int) bool
	// ResponseInformation is told that the broker gives some.
	ResponseInformation func()
	// Idle is told once by each controller, when its load is over and nothing is
	// outstanding any more.
	Idle func()
}

// Group is one group of controllers: what all of it have in common. It does
// not change while the fleet runs.
type Group struct {
	Spec       *scenarios.Controllers
	index      int // in the scenario
	first      int // number of its first controller, over all groups
	seed       uint64
	pace       pace
	targets    []target
	answers    int // expected to each request
	labels     metrics.Labels
	profile    *client.Profile
	stages     []metrics.Labels // by stage of the pace
	requesters []*Controller
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
		}
		t.who.Group = c.Group
		g.targets = append(g.targets, t)
	}
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
func (g *Group) keep() int {
	if g.closed() {
		return max(64, 2*g.Spec.InFlight)
	}
	rate := g.pace.peak() / float64(g.Spec.Count)
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

// Slot is one planned request of one controller.
type Slot struct {
	Planned time.Duration // from the start of measuring
	target  int           // index of the group's targets
	payload int           // index of the group's payloads
	labels  metrics.Labels
}

// Stream yields the slots of one controller in order. It depends on the
// scenario, its seed and the controller's number alone, and is a plain value: a
// copy yields the same again.
type Stream struct {
	group *Group
	index int     // of the controller in the group
	place int     // the same in the whole group, of which a shard has a part ...
	of    int     // ... of so many
	count uint64  // slots so far
	sum   float64 // Poisson: arrivals of the group's unit process so far
}

// Stream returns the slots of one controller of the group, from its first.
func (g *Group) Stream(index int) Stream {
	place, of := g.Spec.Place(index)
	return Stream{group: g, index: index, place: place, of: of}
}

// Next returns the next slot, or false when there are no more.
func (s *Stream) Next() (Slot, bool) {
	g := s.group
	var n float64
	if g.Spec.Arrival == scenarios.Poisson {
		// Each controller is a Poisson process of its own with a part of the
		// rate; all of them together are one with the whole.
		draw := draws.Chance(g.seed, s.place, draws.Arrival, s.count)
		s.sum += -math.Log1p(-draw) * float64(g.Spec.Count)
		n = s.sum
	} else if g.Spec.Arrival == scenarios.Bursts {
		n = float64(uint64(s.index) + s.count*uint64(g.Spec.Count))
	} else {
		// The slots of the whole group in turn, at the pace of those here.
		n = float64(uint64(s.place)+s.count*uint64(s.of)) * float64(g.Spec.Count) / float64(s.of)
	}
	planned, stage, ok := g.pace.at(n)
	if !ok {
		return Slot{}, false
	}
	return s.fill(planned, stage), true
}

// after returns the next slot of a closed group, which is due when the answer to
// an earlier one allows it.
func (s *Stream) after(planned time.Duration) Slot { return s.fill(planned, -1) }

func (s *Stream) fill(planned time.Duration, stage int) Slot {
	g := s.group
	out := Slot{Planned: planned, payload: int(s.count % uint64(len(g.Spec.Payloads))), labels: g.labels}
	switch {
	case g.Spec.Pair:
		out.target = s.index % len(g.targets)
	case g.Spec.Group == "":
		out.target = int(draws.Chance(g.seed, s.place, draws.Target, s.count) * float64(len(g.targets)))
	}
	if stage >= 0 {
		out.labels = g.stages[stage]
	}
	if g.Spec.Group == "" {
		out.labels.Kind = g.targets[out.target].kind
	}
	s.count++
	return out
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

// peak is the highest rate of the pace, in slots a second; a burst counts as if
// spread over a second.
func (p *pace) peak() float64 {
	if p.burst > 0 {
		return float64(p.burst) * max(1, float64(time.Second)/float64(p.every))
	}
	top := 0.0
	for _, l := range p.legs {
		top = max(top, l.from, l.to)
	}
	return top
}
