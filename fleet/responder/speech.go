package responder

import (
	"bytes"
	"time"

	"homefleet/devices/faces"
	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/draws"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// speech is one exchange of a device's face, with the message that it answers, if any. It
// is borrowed for that: so the face's scratch is on no device's stack and in no device's
// memory.
type speech struct {
	faces.Talk
	r       *Responder
	request *wire.Publish       // nil: nobody has asked
	mark    []byte              // the end of its payload, with which the answer ends, too; see [deliveries.CutMark]
	usable  bool                // it has a Response Topic on which the device answers
	away    bool                // nobody hears it, and it is only counted
	values  scenarios.Values    // of a report of the scenario's own
	parts   byte                // messages on the Response Topic so far
	wrong   metrics.Misbehavior // what the device does wrong with the answer; -1: nothing
	asked   *treatment          // what the request wants to become of the answer; nil: nothing
	down    exchange            // as it is written down
	scratch []byte              // for a value that is looked at
}

// remembered is what a face has of a device from one exchange to the next.
type remembered struct {
	memory  any
	pending [faces.Occasions]client.Moment // when there is more to say; 0: nothing
	draws   uint64
}

// speak begins an exchange. It is over with done.
func (r *Responder) speak() *speech {
	s, ok := r.env.speeches.Get().(*speech)
	if !ok {
		s = new(speech)
	}
	s.r, s.wrong, s.usable, s.away, s.First, s.Refusal = r, -1, false, false, false, nil
	s.Member.Who, s.Member.Model, s.Out = r.spec.Who(), r.model, s
	s.recall()
	return s
}

// recall has the speech know what another one has had the face remember meanwhile.
func (s *speech) recall() {
	if s.r.remembered != nil {
		s.Member.Memory = s.r.remembered.memory
	}
}

// who is the device that speaks.
func (s *speech) who() *faces.Who { return &s.Member.Who }

// done gives the speech back.
func (s *speech) done() {
	if m := s.Member.Memory; m != nil {
		s.r.memory().memory = m
	}
	e := s.r.env
	s.Member.Model, s.Member.Memory, s.r, s.request, s.asked = nil, nil, nil, nil, nil
	e.speeches.Put(s)
}

// memory returns what the face remembers of the device, and makes room for it.
func (r *Responder) memory() *remembered {
	if r.remembered == nil {
		r.remembered = new(remembered)
	}
	return r.remembered
}

// Say implements [faces.Out].
func (s *speech) Say(m *faces.Message) bool {
	r := s.r
	if s.away {
		if kind, ok := oneWay(m); ok {
			r.env.Client.Counts.Messages.Add(r.env.periodNow(), kind, metrics.Offline)
		}
		return true
	}
	if m.Fault != nil && s.request != nil {
		s.refused(m)
	}
	if m.Reply == faces.None || s.request == nil {
		if m.Reply != faces.Only {
			s.publish(m)
		}
		return true
	}
	if s.mark != nil && !s.usable && m.Reply != faces.Only {
		s.seal(m)
	}
	switch {
	case m.Reply == faces.Instead && !s.usable, m.Reply == faces.Also && m.Slot < 0:
		if len(m.Topic) > 0 {
			s.answer(m, m.Topic)
		}
	case m.Reply == faces.Also:
		s.publish(m)
	}
	if s.usable {
		s.answer(m, s.request.Props.ResponseTopic)
	}
	return m.Reply == faces.Also || !s.usable || !m.Retain && bytes.Equal(m.Topic, s.request.Props.ResponseTopic)
}

// seal ends the answer to a marked request, which goes to everybody who listens to the
// device, with the mark, and with what tells whoever asked whether it was altered.
func (s *speech) seal(m *faces.Message) {
	qos := s.request.QoS
	switch {
	case m.Reply == faces.Also:
		qos = m.QoS
	case m.Bare:
		qos = 0
	}
	asked, _ := deliveries.CutMark(s.request.Payload)
	stamp := s.r.answerStamp(deliveries.MarkedSum(s.request.Topic, asked), s.request.QoS, qos)
	m.Payload = stamp.Seal(m.Topic, append(m.Payload, s.mark...))
}

// oneWay says as what a message is counted and followed; false: it is neither a state nor
// a report.
func oneWay(m *faces.Message) (metrics.MessageKind, bool) {
	switch {
	case m.About == faces.Telemetry:
		return metrics.Telemetry, true
	case m.Slot >= 0 && (m.About == faces.State || m.About == faces.Answer):
		return metrics.State, true
	}
	return 0, false
}

// publish sends what the device says to everybody.
func (s *speech) publish(m *faces.Message) {
	r := s.r
	if m.About == faces.Here {
		r.announce(true)
		return
	}
	p := wire.Publish{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain}
	typed(&p, m)
	kind, followed := oneWay(m)
	if !followed {
		kind = metrics.Announcement
	}
	presence := false
	if m.About == faces.Discovery && r.env.Audit != nil {
		topic, _, _ := r.availability()
		if presence = string(p.Topic) == topic; presence {
			p.Props.User = r.notTheWill(r.env.now())
		}
	}
	slot, made, note := m.Slot, r.env.now(), uint64(0)
	if kind == metrics.Telemetry {
		slot, note = r.TelemetrySlot(), uint64(made)
	}
	var sent bool
	if followed && slot >= 0 {
		var room [stampRoom]byte
		var t client.Trace
		user := room[:0]
		if r.misbehavior != nil && kind == metrics.Telemetry {
			user = r.misbehavior.appendTime(user)
		}
		p.Props.User, t = r.stamp(user, &p, made, slot)
		sent = r.publish(&p, kind, made, note, t)
	} else {
		made = 0 // it has no stamp
		sent = r.Send(&p, kind)
	}
	s.down.said(Also, &p, sent)
	if p.Retain && !presence {
		r.retains(p.Topic, p.Payload, made, sent)
	}
}

// answer sends a reply to the request (rule 1): to its Response Topic with its
// Correlation Data, or to a topic of the device's own.
func (s *speech) answer(m *faces.Message, topic []byte) {
	r, p := s.r, s.request
	to := s.usable && len(topic) > 0 && &topic[0] == &p.Props.ResponseTopic[0]
	reply := wire.Publish{Topic: topic, Payload: m.Payload, QoS: p.QoS, Retain: m.Retain && !to}
	var room [stampRoom]byte
	reply.Props.User = room[:0]
	switch {
	case m.Reply == faces.Also && !to:
		reply.QoS = m.QoS
		typed(&reply, m)
		sent := r.Send(&reply, replyKind(&reply))
		s.down.said(Answer, &reply, sent)
		if reply.Retain {
			r.retains(reply.Topic, reply.Payload, 0, sent)
		}
		return
	case m.Bare:
		reply.QoS = 0
	default:
		typed(&reply, m)
	}
	if m.Fault != nil && (!m.Bare || metrics.IsID(p.Props.CorrelationData)) { // who measures wants to know
		reply.Props.User = wire.AppendUserProperty(reply.Props.User, deliveries.ErrorKey, m.Fault.Error())
	}
	reply.Props.CorrelationData = p.Props.CorrelationData
	reply.Props.User = r.names(p, reply.Props.User)
	if to {
		s.parts++
		reply.Props.User = r.checksum(p, &reply, s.parts, m.More)
	}
	if s.asked != nil && to {
		r.answerOnRequest(s, &reply)
		return
	}
	if wrong := s.wrong; wrong >= 0 {
		s.wrong = -1 // one answer to a request is treated so
		r.answerBadly(s, &reply, wrong)
		return
	}
	sent := r.sendReply(&reply)
	s.down.said(Answer, &reply, sent)
	if reply.Retain {
		r.retains(reply.Topic, reply.Payload, 0, sent) // it has no stamp
	}
}

// typed says of a message what its payload is.
func typed(p *wire.Publish, m *faces.Message) {
	p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
	p.Props.ContentType = textPlain
	if m.JSON {
		p.Props.ContentType = jsonType
	}
}

// Later implements [faces.Out].
func (s *speech) Later(after time.Duration, o faces.Occasion) {
	r := s.r
	if !r.HasConnection() {
		return
	}
	due := time.Now().Add(after)
	r.memory().pending[o] = r.env.Client.Clock.Moment(due)
	r.Wake(due)
}

// Now implements [faces.Out].
func (s *speech) Now() (wall time.Time, up time.Duration) { return time.Now(), s.r.env.now() }

// Draw implements [faces.Out].
func (s *speech) Draw() float64 {
	m := s.r.memory()
	m.draws++
	return draws.Chance(s.r.env.Scenario.Seed, s.r.spec.Global, draws.Face, m.draws)
}

// pendingDue is when a face has more to say; zero is never.
func (r *Responder) pendingDue() (due time.Time) {
	if r.remembered == nil {
		return due
	}
	for _, at := range r.remembered.pending {
		due = client.Earlier(due, r.env.Client.Clock.Time(at))
	}
	return due
}

// sayPending has the face say what it wanted to say later.
func (r *Responder) sayPending(now time.Time) {
	for o := range r.remembered.pending {
		if at := &r.remembered.pending[o]; client.IsDue(r.env.Client.Clock.Time(*at), now) {
			*at = 0
			r.tell(faces.Occasion(o))
		}
	}
}
