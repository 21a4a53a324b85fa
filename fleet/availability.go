package fleet

import (
	"slices"

	"homefleet/scenarios"
)

const (
	online  = scenarios.OnlineWord
	offline = scenarios.OfflineWord
)

// availability returns the topic on which the device says that it is there, and that
// it leaves, and how it says so: on the topic of its Will, if that is its own and
// retained, it leaves in the words of the Will.
func (r *responder) availability() (topic, onlineWord, offlineWord string) {
	if !r.fleet.presence[r.spec.Group] {
		return "tele/" + r.spec.ID + "/lwt", online, offline
	}
	w := &r.spec.Group.Will
	vars := r.spec.Vars(r.fleet.run)
	onlineWord, offlineWord = scenarios.AvailabilityWords(w.Payload.Expand(vars))
	return w.Topic.Expand(vars), onlineWord, offlineWord
}

// availabilityFilters are the topic filters of what availability returns.
func (f *Fleet) availabilityFilters() []string {
	var filters []string
	for i := range f.scenario.Groups {
		g := &f.scenario.Groups[i]
		filter := "tele/+/lwt"
		if f.presence[g] {
			filter = g.WillFilter()
		}
		if !slices.Contains(filters, filter) {
			filters = append(filters, filter)
		}
	}
	return filters
}
