package fleet

import (
	"bytes"
	"strings"
	"time"

	"homefleet/devices"
	"homefleet/fleet/wire"
)

// act obeys one message: a command to the device, or an answer to its Will.
func (s *session) act(p *wire.Publish) {
	if name, ok := s.commandName(p.Topic); ok {
		s.command(p, name)
		return
	}
	// The device's own reply topics are never answered (rule 2), whatever
	// Response Topic a message there carries.
	if s.isWillAnswer(p) {
		s.fleet.willSeen(s)
	}
}

// commandName returns the attribute of cmnd/<id>/<attribute>, or false when the
// topic is no command topic of this device.
func (s *session) commandName(topic []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(topic, []byte("cmnd/"))
	id := s.spec.ID
	if !ok || len(rest) < len(id) || string(rest[:len(id)]) != id {
		return nil, false
	}
	rest = rest[len(id):]
	if len(rest) == 0 {
		return rest, true // cmnd/<id> itself, which cmnd/<id>/# matches
	}
	return rest[1:], rest[0] == '/'
}

// isWillAnswer reports whether p came to the Response Topic of the device's own
// Will with its Correlation Data.
func (s *session) isWillAnswer(p *wire.Publish) bool {
	w := &s.spec.Group.Will
	if w.Off || w.ResponseTopic == "" {
		return false
	}
	vars := s.spec.Vars(s.fleet.run)
	return string(p.Topic) == w.ResponseTopic.Expand(vars) &&
		string(p.Props.CorrelationData) == w.CorrelationData.Expand(vars)
}

// command obeys one command and answers it (rules 1 to 3).
func (s *session) command(p *wire.Publish, name []byte) {
	f, g := s.fleet, s.spec.Group
	if p.Retain && !g.AcceptRetained {
		f.counts.GhostCommands.Add(1)
		return
	}
	f.counts.Requests.Add(1)
	s.step(time.Now())

	attr, known := g.Kind.Attribute(name)
	var changed devices.Changes
	var fault error
	if known {
		changed, fault = s.model.Do(attr, p.Payload)
		s.plan()
	} else {
		fault = unknownAttribute(g.Kind, name)
	}
	s.answer(p, attr, known, fault)
	query := len(bytes.TrimSpace(p.Payload)) == 0
	if known && !query && fault == nil {
		changed |= 1 << attr // a command is seen by watchers even if nothing changed
	}
	except := -1
	if known && s.serves(p, attr) {
		except = attr
	}
	s.publishStates(changed, except)
}

// serves reports whether the answer to p is itself the message on the
// attribute's state topic, so that no second one is wanted. A retained state
// is published apart, because a reply is never retained.
func (s *session) serves(p *wire.Publish, attr int) bool {
	if !s.usable(p.Props.ResponseTopic) {
		return true // the answer went to the state topic
	}
	var buf [topicRoom]byte
	return !s.spec.Group.Retain && bytes.Equal(p.Props.ResponseTopic, s.stateTopic(buf[:0], attr))
}

// answer sends the reply to p (rule 1): to its Response Topic with its
// Correlation Data, or where there is none, to the attribute's state topic.
func (s *session) answer(p *wire.Publish, attr int, known bool, fault error) {
	f := s.fleet
	var topicBuf, valueBuf [topicRoom]byte
	reply := wire.Publish{QoS: p.QoS}
	reply.Props.HasPayloadFormat, reply.Props.PayloadFormat = true, 1
	reply.Props.ContentType = textPlain
	reply.Props.CorrelationData = p.Props.CorrelationData
	if known {
		// On a fault this is the value that was left unchanged.
		reply.Payload = s.model.AppendValue(valueBuf[:0], attr)
	}
	if fault != nil {
		f.counts.ErrorReplies.Add(1)
		reply.Props.User = wire.AppendUserProperty(nil, "error", fault.Error())
	}
	rt := p.Props.ResponseTopic
	switch {
	case s.usable(rt):
		reply.Topic = rt
	case !known:
		return // there is no state topic of an attribute that is none
	default:
		reply.Topic = s.stateTopic(topicBuf[:0], attr)
		reply.Retain = s.spec.Group.Retain
	}
	if rt != nil && !s.usable(rt) {
		f.counts.BadTopics.Add(1)
		if !s.topicSeen {
			s.topicSeen = true
			f.log.Warn("refused a response topic", "device", s.spec.ID, "topic", shorten(rt), "want",
				"a topic name without wildcards, not starting with $, outside the device's own commands")
		}
	}
	f.counts.Replies.Add(1)
	s.send(&reply)
}

// usable reports whether a device answers on this Response Topic (rule 2).
func (s *session) usable(topic []byte) bool {
	if !wire.ValidTopicName(topic) || topic[0] == '$' {
		return false
	}
	_, own := s.commandName(topic)
	return !own
}

// publishStates publishes the state topics of some attributes, for watchers.
// The attribute except, if not negative, is left out.
func (s *session) publishStates(changed devices.Changes, except int) {
	g := s.spec.Group
	for attr := range g.Kind.Attributes {
		if !changed.Has(attr) || attr == except {
			continue
		}
		var topicBuf, valueBuf [topicRoom]byte
		p := wire.Publish{
			Topic:   s.stateTopic(topicBuf[:0], attr),
			Payload: s.model.AppendValue(valueBuf[:0], attr),
			QoS:     g.QoS,
			Retain:  g.Retain,
		}
		p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
		p.Props.ContentType = textPlain
		s.fleet.counts.StateMessages.Add(1)
		s.send(&p)
	}
}

// topicRoom holds most topics and values without allocation.
const topicRoom = 128

var (
	textPlain = []byte("text/plain")
	jsonType  = []byte("application/json")
)

func (s *session) stateTopic(dst []byte, attr int) []byte {
	dst = append(dst, "state/"...)
	dst = append(dst, s.spec.ID...)
	dst = append(dst, '/')
	return append(dst, s.spec.Group.Kind.Attributes[attr].Name...)
}

// AttributeError is a command to an attribute that the kind does not have.
type AttributeError struct {
	Name string // shortened
	Kind *devices.Kind
}

func (e *AttributeError) Error() string {
	names := make([]string, len(e.Kind.Attributes))
	for i, a := range e.Kind.Attributes {
		names[i] = a.Name
	}
	return "a " + e.Kind.Name + " has no attribute " + e.Name + "; want one of " + strings.Join(names, ", ")
}

func unknownAttribute(k *devices.Kind, name []byte) error {
	return &AttributeError{Name: shorten(name), Kind: k}
}
