package scenarios

import "strings"

// Availability says of which groups the Will is what a device's availability is
// known by: it is retained, and each device has a Will topic of its own. Then the
// device says on that topic, too, that it is there, or what the Will said would stay
// there when the device is back. Of all others it is on tele/<id>/lwt.
func (s *Scenario) Availability() map[*Group]bool {
	own := make(map[*Group]bool)
	look := false
	for i := range s.Groups {
		g := &s.Groups[i]
		own[g] = !g.Will.Off && g.Will.Retain
		look = look || own[g] && !g.Will.ofOne()
	}
	if !look {
		return own
	}
	taken := make(map[string]*Group)
	for d := range s.Devices() {
		if w := &d.Group.Will; own[d.Group] && !w.ofOne() {
			topic := w.Topic.Expand(d.Vars(""))
			if other := taken[topic]; other != nil {
				own[d.Group], own[other] = false, false
			}
			taken[topic] = d.Group
		}
	}
	return own
}

// What a device says of its availability, unless its Will says it in other words.
const (
	OnlineWord  = "Online"
	OfflineWord = "Offline"
)

// AvailabilityWords returns what a device says on the topic of its Will as it comes
// and as it leaves, by what the Will says: it leaves in the same words, so that
// whoever knows the one knows the other.
func AvailabilityWords(payload string) (online, offline string) {
	switch payload {
	case "": // an empty one would delete what is retained (3.3.1-6)
		return OnlineWord, OfflineWord
	case "offline":
		return "online", payload
	case "OFFLINE":
		return "ONLINE", payload
	}
	return OnlineWord, payload
}

// ofOne reports whether the topic differs from device to device for certain, as an
// id does; of others only looking tells.
func (w *Will) ofOne() bool { return strings.Contains(string(w.Topic), "{id}") }
