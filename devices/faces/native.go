package faces

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"

	"homefleet/devices"
)

// nativeFace is homefleet's own dialect: a topic an attribute, plain text.
var nativeFace = Face{
	Name: Default,
	Doc:  "homefleet's own: a topic for each attribute, with its value as plain text.",
	New: func(s Settings) (Voice, error) {
		return &native{s}, nil
	},
}

// native is the voice of homefleet's own dialect:
//
//	cmnd/<id>/<attribute>   a new value, or nothing to ask for the present one
//	state/<id>/<attribute>  the value
//	tele/<id>/state         all of them, and what is measured, as JSON
//	tele/<id>/lwt           Online, Offline
type native struct{ Settings }

func (n *native) AppendFilters(dst []string, w *Who, wildcards bool) []string {
	dst = n.appendFilters(dst, w.ID, wildcards)
	for _, g := range n.Groups {
		dst = n.appendFilters(dst, g, wildcards)
	}
	return dst
}

func (n *native) appendFilters(dst []string, name string, wildcards bool) []string {
	if wildcards {
		return append(dst, "cmnd/"+name+"/#")
	}
	for i := range n.Kind.Attributes {
		dst = append(dst, "cmnd/"+name+"/"+n.Kind.Attributes[i].Name)
	}
	return dst
}

func (n *native) Owns(w *Who, topic []byte) bool {
	_, ok := n.attribute(w, topic)
	return ok
}

func (n *native) Reports() Reports {
	r := Reports{
		Presence: Presence{Topic: "tele/{id}/lwt", Online: "Online", Offline: "Offline"},
		All:      []string{"state/#", "tele/#"}, Telemetry: []string{"tele/+/state"},
	}
	if n.Retain {
		r.Retained = []string{"state/+/+"}
	}
	return r
}

func (n *native) Outline(w *Who) Outline {
	return Outline{Commands: "cmnd/" + w.ID + "/<attribute>", States: "state/" + w.ID + "/<attribute>", Telemetry: "tele/" + w.ID + "/state"}
}

// attribute returns what follows cmnd/<id>/ in a topic, or false when the topic is no
// command topic of the device.
func (n *native) attribute(w *Who, topic []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(topic, []byte("cmnd/"))
	if !ok {
		return nil, false
	}
	if name, ok := beneath(rest, w.ID); ok {
		return name, true
	}
	for _, g := range n.Groups {
		if name, ok := beneath(rest, g); ok {
			return name, true
		}
	}
	return nil, false
}

// beneath returns what follows a topic level and its slash. The level itself, which
// level/# matches, has nothing beneath it.
func beneath(topic []byte, level string) ([]byte, bool) {
	if len(topic) < len(level) || string(topic[:len(level)]) != level {
		return nil, false
	}
	rest := topic[len(level):]
	if len(rest) == 0 {
		return rest, true
	}
	return rest[1:], rest[0] == '/'
}

// Hear obeys one command. Its answer is the attribute's value: in the place of the
// state message, unless that is retained or goes elsewhere.
func (n *native) Hear(t *Talk, topic, payload []byte) bool {
	me := t.Me()
	name, ok := n.attribute(&me.Who, topic)
	if !ok {
		return false
	}
	attr, known := n.Kind.Attribute(name)
	var changed devices.Changes
	fault := t.Refusal
	switch {
	case fault != nil:
	case known:
		changed, fault = t.Do(me, attr, payload)
	default:
		fault = NewAttributeError(name, n.Kind)
	}
	m := t.Message(Answer)
	m.Reply, m.Fault, m.QoS = Instead, fault, t.QoS
	if known {
		m.Slot, m.Retain = attr, n.Retain && !n.Kind.Attributes[attr].Momentary
		m.Topic = n.appendState(m.Topic, me.ID, attr)
		m.Payload = me.Model.AppendValue(m.Payload, attr) // on a fault the value that was left unchanged
	}
	served := t.Say(m) && known
	query := len(bytes.TrimSpace(payload)) == 0
	if known && !query && fault == nil {
		changed |= 1 << attr // a command is seen by watchers even if nothing changed
	}
	if served {
		changed &^= 1 << attr
	}
	n.states(t, changed)
	return true
}

// Tell says the states that have changed, all of them on each connection where they
// are retained, and the report.
func (n *native) Tell(t *Talk, o Occasion, changed devices.Changes) {
	switch o {
	case Changed:
		n.states(t, changed)
	case Online:
		if n.Retain {
			n.states(t, ^devices.Changes(0))
		}
	case Reported:
		me := t.Me()
		m := t.Message(Telemetry)
		m.JSON, m.QoS = true, n.QoS
		m.Topic = append(append(append(m.Topic, "tele/"...), me.ID...), "/state"...)
		m.Payload = me.Model.AppendTelemetry(m.Payload)
		t.Say(m)
	}
}

// states publishes the state topics of some attributes.
func (n *native) states(t *Talk, changed devices.Changes) {
	me := t.Me()
	for attr := range n.Kind.Attributes {
		if !changed.Has(attr) || n.Kind.Attributes[attr].Momentary {
			continue
		}
		m := t.Message(State)
		m.Slot, m.QoS, m.Retain = attr, n.QoS, n.Retain
		m.Topic = n.appendState(m.Topic, me.ID, attr)
		m.Payload = me.Model.AppendValue(m.Payload, attr)
		t.Say(m)
	}
}

func (n *native) appendState(dst []byte, id string, attr int) []byte {
	dst = append(append(dst, "state/"...), id...)
	return append(append(dst, '/'), n.Kind.Attributes[attr].Name...)
}

// AppendRequest implements [Requester].
func (n *native) AppendRequest(topic, payload []byte, w *Who, attr int, value string) ([]byte, []byte) {
	topic = append(append(append(topic, "cmnd/"...), cmp.Or(w.Group, w.ID)...), '/')
	return append(topic, n.Kind.Attributes[attr].Name...), append(payload, value...)
}

// AppendAnswerTopic implements [Answerer].
func (n *native) AppendAnswerTopic(dst []byte, w *Who, attr int) []byte {
	return n.appendState(dst, w.ID, attr)
}

// AttributeError is a command to an attribute that the kind does not have.
type AttributeError struct {
	Name string // shortened
	Kind *devices.Kind
}

// NewAttributeError returns the error of a command to an attribute with a name.
func NewAttributeError(name []byte, k *devices.Kind) *AttributeError {
	return &AttributeError{Name: shorten(name), Kind: k}
}

func (e *AttributeError) Error() string {
	names := make([]string, len(e.Kind.Attributes))
	for i, a := range e.Kind.Attributes {
		names[i] = a.Name
	}
	return "a " + e.Kind.Name + " has no attribute " + e.Name + "; want one of " + strings.Join(names, ", ")
}

// shorten quotes foreign text, of which at most 60 bytes are shown.
func shorten(b []byte) string {
	const most = 60
	if len(b) <= most {
		return strconv.Quote(string(b))
	}
	return strconv.Quote(string(b[:most])) + "… (" + strconv.Itoa(len(b)) + " bytes)"
}
