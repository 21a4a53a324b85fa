package responder

import (
	"bytes"
	"strings"
	"time"

	"homefleet/devices"
	"homefleet/fleet/client"
	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Message implements [client.Handler]: a command to the device, or an answer to its Will.
func (r *Responder) Message(p *wire.Publish) {
	if name, ok := r.commandName(p.Topic); ok {
		r.command(p, name)
		return
	}
	// The device's own reply topics are never answered (rule 2), whatever
	// Response Topic a message there carries.
	if r.isWillAnswer(p) {
		r.willAnswered(p)
	}
}

// commandName returns the attribute of cmnd/<id>/<attribute>, or false when the
// topic is no command topic of this device.
func (r *Responder) commandName(topic []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(topic, []byte("cmnd/"))
	if !ok {
		return nil, false
	}
	if name, ok := beneath(rest, r.spec.ID); ok {
		return name, true
	}
	for _, group := range r.spec.Group.Groups {
		if name, ok := beneath(rest, group); ok {
			return name, true
		}
	}
	return nil, false
}

// beneath returns what follows a topic level and its slash. The level itself,
// which level/# matches, has nothing beneath it.
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

// isWillAnswer reports whether p came to the Response Topic of the device's own
// Will with its Correlation Data.
func (r *Responder) isWillAnswer(p *wire.Publish) bool {
	w := &r.spec.Group.Will
	if w.Off || w.ResponseTopic == "" {
		return false
	}
	vars := r.spec.Vars(r.env.Run)
	return string(p.Topic) == w.ResponseTopic.Expand(vars) &&
		string(p.Props.CorrelationData) == w.CorrelationData.Expand(vars)
}

// command obeys one command and answers it (rules 1 to 3).
func (r *Responder) command(p *wire.Publish, name []byte) {
	g := r.spec.Group
	if p.Retain && !g.AcceptRetained {
		r.env.Client.Counts.GhostCommands.Add(1)
		return
	}
	if !r.recovering.None() {
		r.queried(p)
	}
	now := time.Now()
	r.env.Client.Counts.Requests.Add(r.env.Client.Period(r.env.Client.Clock.At(now)), 1)
	r.step(now)

	attr, known := g.Kind.Attribute(name)
	var changed devices.Changes
	var fault error
	wrong := metrics.Misbehavior(-1)
	if r.misbehavior != nil && r.usable(p.Props.ResponseTopic) && !r.env.asksThere(p.Props.ResponseTopic) {
		wrong = r.drawMisbehavior()
	}
	switch {
	case wrong == metrics.AnswerError:
		r.countMisbehavior(wrong)
		fault = errMisbehaving
	case known:
		changed, fault = r.model.Do(attr, p.Payload)
		r.plan()
	default:
		fault = unknownAttribute(g.Kind, name)
	}
	r.answer(p, attr, known, fault, wrong)
	query := len(bytes.TrimSpace(p.Payload)) == 0
	if known && !query && fault == nil {
		changed |= 1 << attr // a command is seen by watchers even if nothing changed
	}
	except := -1
	if known && r.serves(p, attr) {
		except = attr
	}
	r.publishStates(changed, except)
}

// serves reports whether the answer to p is itself the message on the
// attribute's state topic, so that no second one is wanted. A retained state
// is published apart, because a reply is never retained.
func (r *Responder) serves(p *wire.Publish, attr int) bool {
	if !r.usable(p.Props.ResponseTopic) {
		return true // the answer went to the state topic
	}
	var buf [topicRoom]byte
	return !r.spec.Group.Retain && bytes.Equal(p.Props.ResponseTopic, r.stateTopic(buf[:0], attr))
}

// answer sends the reply to p (rule 1): to its Response Topic with its
// Correlation Data, or where there is none, to the attribute's state topic.
func (r *Responder) answer(p *wire.Publish, attr int, known bool, fault error, wrong metrics.Misbehavior) {
	var topicBuf [topicRoom]byte
	value := r.env.Client.Borrow() // the model's interface would move one on the stack to the heap
	defer r.env.Client.GiveBack(value)
	reply := wire.Publish{QoS: p.QoS}
	reply.Props.HasPayloadFormat, reply.Props.PayloadFormat = true, 1
	reply.Props.ContentType = textPlain
	reply.Props.CorrelationData = p.Props.CorrelationData
	if known {
		// On a fault this is the value that was left unchanged.
		*value = r.model.AppendValue(*value, attr)
		reply.Payload = *value
	}
	if fault != nil {
		reply.Props.User = wire.AppendUserProperty(nil, "error", fault.Error())
	}
	reply.Props.User = r.names(p, reply.Props.User)
	rt := p.Props.ResponseTopic
	usable := r.usable(rt)
	if rt != nil && !usable {
		r.env.Client.Counts.BadTopics.Add(1)
		if !r.topicSeen {
			r.topicSeen = true
			r.env.Client.Log.Warn("refused a response topic", "device", r.spec.ID, "topic", client.Shorten(rt), "want",
				"a topic name without wildcards, not starting with $, outside the device's own commands")
		}
	}
	switch {
	case usable:
		reply.Topic = rt
	case !known:
		return // there is no state topic of an attribute that is none
	default:
		reply.Topic = r.stateTopic(topicBuf[:0], attr)
		reply.Retain = r.spec.Group.Retain
	}
	if wrong >= 0 {
		r.answerBadly(&reply, wrong)
		return
	}
	sent := r.sendReply(&reply)
	if reply.Retain {
		r.retains(attr, reply.Payload, 0, sent) // it has no stamp
	}
}

// usable reports whether a device answers on this Response Topic (rule 2).
func (r *Responder) usable(topic []byte) bool {
	if !wire.ValidTopicName(topic) || topic[0] == '$' {
		return false
	}
	_, own := r.commandName(topic)
	return !own
}

// publishStates publishes the state topics of some attributes, for watchers.
// The attribute except, if not negative, is left out.
func (r *Responder) publishStates(changed devices.Changes, except int) {
	g := r.spec.Group
	value := r.env.Client.Borrow()
	defer r.env.Client.GiveBack(value)
	for attr := range g.Kind.Attributes {
		if !changed.Has(attr) || attr == except {
			continue
		}
		var topicBuf [topicRoom]byte
		*value = r.model.AppendValue((*value)[:0], attr)
		p := wire.Publish{
			Topic:   r.stateTopic(topicBuf[:0], attr),
			Payload: *value,
			QoS:     g.QoS,
			Retain:  g.Retain,
		}
		p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
		p.Props.ContentType = textPlain
		made := r.env.now()
		var room [stampRoom]byte
		var t client.Trace
		p.Props.User, t = r.stamp(room[:0], &p, made, attr)
		sent := r.publish(&p, metrics.State, made, 0, t)
		if p.Retain {
			r.retains(attr, *value, made, sent)
		}
	}
}

// stampRoom holds most User Properties that messages are stamped with.
const stampRoom = 192

// topicRoom holds most topics and values without allocation.
const topicRoom = 128

var (
	textPlain = []byte("text/plain")
	jsonType  = []byte("application/json")
)

func (r *Responder) stateTopic(dst []byte, attr int) []byte {
	dst = append(dst, "state/"...)
	dst = append(dst, r.spec.ID...)
	dst = append(dst, '/')
	return append(dst, r.spec.Group.Kind.Attributes[attr].Name...)
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
	return &AttributeError{Name: client.Shorten(name), Kind: k}
}

// names appends to an answer which device gives it, if the request asks for that.
func (r *Responder) names(request *wire.Publish, user []byte) []byte {
	if request.Props.User == nil {
		return user
	}
	if _, asks := request.Props.UserProperty(load.IdentifyKey); !asks {
		return user
	}
	return wire.AppendUserProperty(user, load.AnswererKey, r.spec.ID)
}
