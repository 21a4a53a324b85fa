package responder

import (
	"slices"

	"homefleet/scenarios"
)

const (
	online  = scenarios.OnlineWord
	offline = scenarios.OfflineWord
)

// Availability says how the devices of each group say that they are there, and
// that they leave.
type Availability struct {
	presence map[*scenarios.Group]bool // see [scenarios.Scenario.Availability]
	own      map[*scenarios.Group]bool // see ownWords
}

// AvailabilityOf returns those of a scenario.
func AvailabilityOf(sc *scenarios.Scenario) Availability {
	presence := sc.Availability()
	return Availability{presence, ownWords(presence)}
}

// Filters returns the topic filters of the topics on which the devices of a scenario say
// that they are there.
func (w *Availability) Filters(sc *scenarios.Scenario) []string {
	var filters []string
	for i := range sc.Groups {
		g := &sc.Groups[i]
		filter := "tele/+/lwt"
		if w.presence[g] {
			filter = g.WillFilter()
		}
		if !slices.Contains(filters, filter) {
			filters = append(filters, filter)
		}
	}
	return filters
}

// availability returns the topic on which the device says that it is there, and that
// it leaves, and how it says so: on the topic of its Will, if that is its own and
// retained, it leaves in the words of the Will.
func (r *Responder) availability() (topic, onlineWord, offlineWord string) {
	g := r.spec.Group
	if !r.env.Availability.own[g] {
		return "tele/" + r.spec.ID + "/lwt", online, offline
	}
	return r.ownAvailability()
}

// ownWords returns the groups whose devices say so on the topic of their Will, and it
// is not the Will that most devices have: expanding that takes more stack than all
// else that they do.
func ownWords(presence map[*scenarios.Group]bool) map[*scenarios.Group]bool {
	ordinary := scenarios.DefaultWill()
	own := make(map[*scenarios.Group]bool)
	for g, on := range presence {
		if on && (g.Will.Topic != ordinary.Topic || g.Will.Payload != ordinary.Payload) {
			own[g] = true
		}
	}
	return own
}

// ownAvailability is availability where the Will has a topic or words of its own.
//
//go:noinline
func (r *Responder) ownAvailability() (topic, onlineWord, offlineWord string) {
	w := &r.spec.Group.Will
	vars := r.spec.Vars(r.env.Run)
	onlineWord, offlineWord = scenarios.AvailabilityWords(w.Payload.Expand(vars))
	return w.Topic.Expand(vars), onlineWord, offlineWord
}

// partingType is the Content Type of what the device says as it leaves: that of the
// Will, whose words it takes.
//
//go:noinline
func (r *Responder) partingType() []byte {
	if w := &r.spec.Group.Will; w.ContentType != "" && r.env.Availability.presence[r.spec.Group] {
		return []byte(w.ContentType.Expand(r.spec.Vars(r.env.Run)))
	}
	return textPlain
}
