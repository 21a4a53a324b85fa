package responder

import (
	"slices"
	"strings"

	"homefleet/scenarios"
)

// Availability says how the devices of each group say that they are there, and
// that they leave.
type Availability map[*scenarios.Group]*availability

// availability is that of one group.
type availability struct {
	scenarios.Availability

	// Most devices differ only in their id, so that it is not expanded as a template:
	// that takes more stack than all else that they do.
	plain         bool
	before, after string
}

// AvailabilityOf returns those of a scenario.
func AvailabilityOf(sc *scenarios.Scenario) Availability {
	all := make(Availability)
	for g, a := range sc.Availability() {
		of := &availability{Availability: a}
		fixed := strings.ReplaceAll(string(a.Topic), "{id}", "") + string(a.Online) + string(a.Offline)
		of.before, of.after, of.plain = strings.Cut(string(a.Topic), "{id}")
		of.plain = of.plain && !strings.ContainsAny(fixed, "{}")
		all[g] = of
	}
	return all
}

// Filters returns the topic filters of the topics on which the devices of a scenario say
// that they are there.
func (w Availability) Filters(sc *scenarios.Scenario) []string {
	var filters []string
	for i := range sc.Groups {
		g := &sc.Groups[i]
		if filter := g.Filter(w[g].Topic); !slices.Contains(filters, filter) {
			filters = append(filters, filter)
		}
	}
	return filters
}

// availability returns the topic on which the device says that it is there, and that
// it leaves, and how it says so.
func (r *Responder) availability() (topic, online, offline string) {
	a := r.env.Availability[r.spec.Group]
	if !a.plain {
		return r.expandAvailability(a)
	}
	return a.before + r.spec.ID + a.after, string(a.Online), string(a.Offline)
}

// expandAvailability is availability where there is more to fill in than one id.
//
//go:noinline
func (r *Responder) expandAvailability(a *availability) (topic, online, offline string) {
	vars := r.spec.Vars(r.env.Run)
	return a.Topic.Expand(vars), a.Online.Expand(vars), a.Offline.Expand(vars)
}

// lastWord is what the device says as it leaves in order, where its Will says offline.
func (r *Responder) lastWord(offline string) string {
	if left := r.env.Availability[r.spec.Group].Left; left != "" {
		return left.Expand(r.spec.Vars(r.env.Run))
	}
	return offline
}

// partingType is the Content Type of what the device says as it leaves: that of the
// Will, whose words it takes.
//
//go:noinline
func (r *Responder) partingType() []byte {
	if w := &r.spec.Group.Will; w.ContentType != "" && r.env.Availability[r.spec.Group].ByWill {
		return []byte(w.ContentType.Expand(r.spec.Vars(r.env.Run)))
	}
	return textPlain
}
