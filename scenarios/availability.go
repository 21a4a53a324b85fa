package scenarios

import (
	"strings"

	"homefleet/devices/faces"
	"homefleet/scenarios/tomlfault"
)

// Presence is how devices say that they are there, and that they leave. What is zero is
// as their Will or their face has it.
type Presence struct {
	Topic   Template
	Online  Template
	Offline Template
}

// presenceKeys are the keys of a [device.presence].
var presenceKeys = describe[Presence](table{name: "[device.presence]", keys: []key{
	{name: "topic", form: template{text{what: "a topic name", fault: topicFault, empty: leaveOut}, devicePlaces}, defDoc: "the Will's, if it is retained and each device has its own; else the face's",
		doc: "where a device says, retained, that it is there"},
	{name: "online", form: template{text{fault: binaryFault, empty: "an empty payload would delete what is retained"}, devicePlaces}, defDoc: "the face's, in the case of `offline`", doc: "what it says as it comes"},
	{name: "offline", form: template{text{fault: binaryFault, empty: "an empty payload would delete what is retained"}, devicePlaces}, defDoc: "the Will's payload on the Will's topic, else the face's", doc: "what it says as it leaves"},
}})

// checkPresence checks how devices say that they are there, for the given ones, and warns
// where a Will says for ever that they are not. byWill says that each has a retained Will
// with a topic of its own.
func checkPresence(r rules, g *Group, ends []Vars, byWill bool) {
	own := r.beneath("presence")
	own.samples, own.noHomes = ends, g.Homes == 0 && r.ok("homes")
	presenceKeys.check(own, &g.Presence)
	p, w := g.Presence.Topic, &g.Will
	if len(ends) == 0 || !own.ok("topic") || !r.ok("will.topic", "will.retain") {
		return
	}
	first := p.Expand(ends[0])
	const stays = "the Will is retained on %q, and the devices say on %q that they are there: once it was published, it stays there though they are back"
	switch many := g.Total() > 1; {
	case p != "" && g.Voice().Owns(ends[0].who(), []byte(first)):
		own.errorf("topic", "", "topic: %q is one of the device's own command topics, %s", tomlfault.Short(first), tomlfault.Short(g.Voice().AppendFilters(nil, ends[0].who(), true)[0]))
	case p != "" && many && first == p.Expand(ends[1]):
		own.warnf("topic", "use {id} in it", "topic is the same for all %d devices: each says there that it is there or gone, and one hides the other", g.Total())
	case p != "" && !w.Off && w.Retain && w.Topic != p:
		own.warnf("topic", "the topic of [device.will] may be the same, or retain = false there", stays, tomlfault.Short(w.Topic.Expand(ends[0])), tomlfault.Short(first))
	case p == "" && !w.Off && w.Retain && !byWill:
		there := Template(g.Voice().Reports().Presence.Topic).Expand(ends[0])
		r.warnf("will.topic", "use {id} in it, or retain = false", stays, tomlfault.Short(w.Topic.Expand(ends[0])), tomlfault.Short(there))
	}
}

// Availability is how the devices of a group are known to be there, or not.
type Availability struct {
	Presence          // all of it
	ByWill   bool     // their Wills say the same on the same topic
	Left     Template // what they say as they leave in order; "": Offline, too
}

// Availability returns it by group. It is on the topic of the Will if that is retained,
// and each device has one of its own: then the device says there, too, that it is
// there, or what the Will said would stay there when the device is back. Of all others
// it is where their face has it. A group's Presence rules over both.
func (s *Scenario) Availability() map[*Group]Availability {
	byWill := s.knownByWill()
	all := make(map[*Group]Availability, len(byWill))
	for g, will := range byWill {
		face := g.Voice().Reports().Presence
		a := Availability{Presence: g.Presence, ByWill: will}
		if a.Topic == "" {
			a.Topic = Template(face.Topic)
			if will {
				a.Topic = g.Will.Topic
			}
		}
		a.ByWill = will && a.Topic == g.Will.Topic
		if a.Offline == "" {
			a.Offline, a.Left = Template(face.Offline), Template(face.Left)
			if a.ByWill && g.Will.Payload != "" { // an empty one would delete what is retained (3.3.1-6)
				a.Offline = g.Will.Payload
			}
		}
		if a.Online == "" {
			a.Online = onlineWord(a.Offline, &face)
		}
		all[g] = a
	}
	return all
}

// onlineWord is what a device says as it comes by what it says as it leaves: in the
// same case, so that whoever knows the one knows the other.
func onlineWord(offline Template, face *faces.Presence) Template {
	switch string(offline) {
	case "offline":
		return "online"
	case "OFFLINE":
		return "ONLINE"
	}
	return Template(face.Online)
}

// knownByWill says of which groups the Will is retained, and each device has a Will
// topic of its own.
func (s *Scenario) knownByWill() map[*Group]bool {
	own := make(map[*Group]bool)
	look := false
	for g := range s.EachGroup() {
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

// ofOne reports whether the topic differs from device to device for certain, as an
// id does; of others only looking tells.
func (w *Will) ofOne() bool {
	return strings.Contains(string(w.Topic), "{id}") || strings.Contains(string(w.Topic), "{mac}") || strings.Contains(string(w.Topic), "{mac:6}") || strings.Contains(string(w.Topic), "{mac-lower}")
}
