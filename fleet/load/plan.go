package load

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"homefleet/scenarios"
)

// Plan is every request that a scenario's open controllers will send, and when.
// It follows from the scenario and its seed alone.
type Plan struct {
	Scenario string      `json:"scenario"`
	Digest   string      `json:"sha256"` // of the scenario
	Seed     uint64      `json:"seed,string"`
	WarmUp   string      `json:"warm_up"`
	Measure  string      `json:"measure"`
	Groups   []PlanGroup `json:"controllers"`
}

// PlanGroup is the plan of one group of controllers.
type PlanGroup struct {
	Name        string     `json:"name"`
	Controllers int        `json:"count"`
	Arrival     string     `json:"arrival"`
	Targets     int        `json:"targets"`
	Requests    int        `json:"requests"`         // planned; for a closed group 0, since answers decide
	Hashed      int        `json:"hashed,omitempty"` // requests that the digest is of, controller by controller
	Digest      string     `json:"digest,omitempty"` // SHA-256 over time, target and payload of each
	Closed      bool       `json:"closed,omitempty"` // there is no plan: each request waits for an answer
	Slots       []PlanSlot `json:"first_requests"`   // the first few of each controller, up to a bound
}

// PlanSlot is one planned request.
type PlanSlot struct {
	Controller int     `json:"controller"` // within the group, from 1
	At         float64 `json:"at"`         // seconds from the start of measuring; negative in the warm-up
	Target     string  `json:"target"`     // device id, or the group topic's name
	Payload    string  `json:"payload"`
}

// Bounds of a plan's size: what is beyond is neither hashed nor listed.
const (
	planHashed = 5_000_000 // requests of a group
	planListed = 200       // requests of a group
	planEach   = 5         // requests of a controller
)

// PlanOf makes the plan of a checked scenario.
func PlanOf(sc *scenarios.Scenario) *Plan {
	p := &Plan{Scenario: sc.Name, Digest: sc.Digest, Seed: sc.Seed,
		WarmUp: sc.Phases.WarmUp.String(), Measure: sc.Phases.Measure.String(), Groups: []PlanGroup{}}
	names := sc.LabelNames()
	first := 0
	for i := range sc.Controllers {
		g := NewGroup(sc, &names, i, first)
		first += g.Spec.Count
		p.Groups = append(p.Groups, g.plan())
	}
	return p
}

func (g *Group) plan() PlanGroup {
	out := PlanGroup{Name: g.Spec.Name, Controllers: g.Spec.Count, Arrival: string(g.Spec.Arrival),
		Targets: len(g.targets), Closed: g.closed(), Slots: []PlanSlot{}}
	if g.closed() {
		return out
	}
	h := sha256.New()
	for c := range g.Spec.Count {
		s := g.Stream(c)
		for n := 0; ; n++ {
			slot, ok := s.Next()
			if !ok {
				break
			}
			out.Requests++
			if out.Hashed < planHashed {
				out.Hashed++
				var b [24]byte
				binary.BigEndian.PutUint64(b[0:], uint64(slot.Planned))
				binary.BigEndian.PutUint64(b[8:], uint64(slot.target))
				binary.BigEndian.PutUint64(b[16:], uint64(slot.payload))
				h.Write(b[:])
			}
			if n < planEach && len(out.Slots) < planListed {
				out.Slots = append(out.Slots, g.planSlot(c, slot))
			}
		}
	}
	out.Digest = hex.EncodeToString(h.Sum(nil))
	return out
}

func (g *Group) planSlot(controller int, s Slot) PlanSlot {
	target := g.Spec.Group
	if target == "" {
		target = g.targets[s.target].id
	}
	// Whole microseconds, so that the text is short and the same everywhere.
	at := float64(s.Planned.Round(time.Microsecond)/time.Microsecond) / 1e6
	return PlanSlot{Controller: controller + 1, At: at, Target: target, Payload: g.Spec.Payloads[s.payload]}
}
