package responder

import (
	"fmt"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Message implements [client.Handler]: a command to the device, an answer to its Will, or
// what else its face listens to.
func (r *Responder) Message(p *wire.Publish) {
	s := r.speak()
	defer s.done()
	switch {
	case r.voice.Owns(s.who(), p.Topic):
		r.command(s, p)
	case r.isWillAnswer(p): // the device's own reply topics are never answered (rule 2), whatever Response Topic a message there carries
		r.willAnswered(p)
	default:
		r.voice.Hear(&s.Talk, p.Topic, p.Payload)
	}
}

// isWillAnswer reports whether p came to the Response Topic of the device's own
// Will with its Correlation Data.
func (r *Responder) isWillAnswer(p *wire.Publish) bool {
	w := &r.spec.Group.Will
	if w.Off || w.ResponseTopic == "" || r.V311() {
		return false
	}
	vars := r.spec.Vars(r.env.Run)
	return string(p.Topic) == w.ResponseTopic.Expand(vars) &&
		string(p.Props.CorrelationData) == w.CorrelationData.Expand(vars)
}

// command obeys one command and answers it (rules 1 to 3).
func (r *Responder) command(s *speech, p *wire.Publish) {
	now := time.Now()
	s.down.begin(r, p, now)
	defer s.down.end(r)
	if p.Retain && !r.obeysRetained() {
		r.env.Client.Counts.GhostCommands.Add(1)
		s.down.refused = true
		s.down.because(Ignored, "it is retained, and the device does not obey what was said before it subscribed")
		return
	}
	if !r.recovering.None() {
		r.queried(p)
	}
	r.env.Client.Counts.Requests.Add(r.env.Client.Period(r.env.Client.Clock.At(now)), 1)
	r.step(now)
	s.recall()

	var payload []byte
	payload, s.mark = deliveries.CutMark(p.Payload)
	s.request, s.QoS, s.parts = p, p.QoS, 0
	s.usable = r.usable(s, p.Props.ResponseTopic)
	if p.Props.ResponseTopic != nil && !s.usable {
		r.refuseTopic(p.Props.ResponseTopic)
		s.down.refused = true
		s.down.because(Obeyed, "it has a Response Topic on which no device answers; want "+wantedTopic)
	}
	asked := r.env.Scenario.FaultsOnRequest && p.Props.User != nil && r.asksFault(s, p)
	if !asked && r.misbehavior != nil && (s.usable || r.V311()) && !r.env.asksThere(p.Props.ResponseTopic) {
		if s.wrong = r.drawMisbehavior(); s.wrong == metrics.AnswerError {
			r.countMisbehavior(s.wrong)
			s.Refusal = errMisbehaving
		}
	}
	r.voice.Hear(&s.Talk, p.Topic, payload)
	s.request, s.mark, s.asked = nil, nil, nil
	r.plan()
	r.look(true)
}

// obeysRetained reports whether the device obeys commands that were retained before it
// subscribed, on the connection that it has.
func (r *Responder) obeysRetained() bool {
	g := r.spec.Group
	return g.AcceptRetained && (r.returned || !g.DeafAtFirst)
}

// wantedTopic is what a Response Topic has to be.
const wantedTopic = "a topic name without wildcards, not starting with $, outside the device's own commands"

// refused notes that the device does not carry out a command. Where nobody is told, the
// log is.
func (s *speech) refused(m *faces.Message) {
	s.down.refused = true
	if s.usable {
		s.down.because(Error, m.Fault.Error())
		return
	}
	s.down.because(Refused, m.Fault.Error())
	s.r.env.say("refused a command that has no response topic", "device", s.r.spec.ID, "topic", client.Shorten(s.request.Topic),
		"payload", client.Shorten(s.request.Payload), "why", m.Fault)
}

// Reject implements [client.Rejects]: to some products more Correlation Data than they
// have room for is a protocol error.
func (r *Responder) Reject(p *wire.Publish) error {
	most := r.spec.Group.Dialect().LongestCorrelation
	if n := len(p.Props.CorrelationData); most > 0 && n > most {
		return fmt.Errorf("a request with %d bytes of Correlation Data; its product takes at most %d, and ends the connection", n, most)
	}
	return nil
}

// refuseTopic counts a Response Topic on which the device does not answer, and logs the
// first.
func (r *Responder) refuseTopic(topic []byte) {
	r.env.Client.Counts.BadTopics.Add(1)
	if !r.topicSeen {
		r.topicSeen = true
		r.env.Client.Log.Warn("refused a response topic", "device", r.spec.ID, "topic", client.Shorten(topic), "want", wantedTopic)
	}
}

// usable reports whether a device answers on this Response Topic (rule 2).
func (r *Responder) usable(s *speech, topic []byte) bool {
	most := r.spec.Group.Dialect().LongestResponseTopic
	return wire.ValidTopicName(topic) && topic[0] != '$' && (most == 0 || len(topic) <= most) && !r.voice.Owns(s.who(), topic)
}

// changed has the face say that attributes have changed; of a device that is away it is
// only counted.
func (r *Responder) changed(changed devices.Changes) {
	s := r.speak()
	defer s.done()
	s.away = !r.Live()
	r.voice.Tell(&s.Talk, faces.Changed, changed)
	r.look(false)
}

// tell has the face say what there is to say on an occasion.
func (r *Responder) tell(o faces.Occasion) {
	s := r.speak()
	defer s.done()
	r.voice.Tell(&s.Talk, o, 0)
}

// stampRoom holds most User Properties that messages are stamped with.
const stampRoom = 192

var (
	textPlain = []byte("text/plain")
	jsonType  = []byte("application/json")
)

// names appends to an answer which device gives it, if the request asks for that.
func (r *Responder) names(request *wire.Publish, user []byte) []byte {
	if request.Props.User == nil {
		return user
	}
	if _, asks := request.Props.UserProperty(deliveries.IdentifyKey); !asks {
		return user
	}
	return wire.AppendUserProperty(user, deliveries.AnswererKey, r.spec.ID)
}

// checksum appends to an answer that is complete but for it what tells a controller
// whether the broker altered it, or the request. What is no measured request, as its
// Correlation Data shows, is answered without.
// part and more say which message of it the answer is; see [deliveries.AnswerStamp].
func (r *Responder) checksum(request, answer *wire.Publish, part byte, more bool) []byte {
	if !metrics.IsID(request.Props.CorrelationData) {
		return answer.Props.User
	}
	s := r.answerStamp(deliveries.RequestSum(request), request.QoS, answer.QoS)
	if more || part > 1 {
		s.Part, s.More = part, more
	}
	var room [32]byte
	return wire.AppendUserProperty(answer.Props.User, deliveries.ChecksumKey, s.Append(room[:0], answer))
}

// answerStamp is that of an answer which goes at a QoS, as far as the broker has it, to a
// request that came at another, with this checksum.
func (r *Responder) answerStamp(request uint32, came, goes byte) deliveries.AnswerStamp {
	granted, _ := r.Granted()
	return deliveries.AnswerStamp{Request: request, RequestQoS: came, Granted: granted, QoS: min(goes, r.Limits().MaximumQoS)}
}
