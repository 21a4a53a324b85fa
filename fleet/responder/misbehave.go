package responder

import (
	"errors"
	"slices"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/draws"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// misbehavior is what a device does wrong, and what it holds back because of that.
type misbehavior struct {
	spec  scenarios.Misbehavior
	draws uint64
	held  []heldAnswer
	flood time.Time // the next message too many is due; zero: never
	due   time.Time // the earliest of all that
}

// heldAnswer is an answer that waits, encoded with its topic and properties.
type heldAnswer struct {
	answer  wire.Publish
	until   time.Time
	another bool      // it goes as soon as another answer has gone
	of      *keptBack // the exchange that it is of; nil: nobody wants that
}

// mostHeld bounds what a device holds back; what is beyond goes at once.
const mostHeld = 256

// Misbehave has the device do wrong from now on.
func (r *Responder) Misbehave(spec *scenarios.Misbehavior) {
	if r.misbehavior == nil {
		r.misbehavior = new(misbehavior)
	}
	m := r.misbehavior
	m.spec, m.flood = *spec, time.Time{}
	if spec.Flood > 0 {
		m.flood = time.Now()
	}
	m.plan()
	r.Wake(m.due)
}

// Misbehavior returns what the device does wrong; nil: nothing.
func (r *Responder) Misbehavior() *scenarios.Misbehavior {
	if r.misbehavior == nil {
		return nil
	}
	spec := r.misbehavior.spec
	return &spec
}

// Behave ends what Misbehave began; what is held back goes out.
func (r *Responder) Behave() {
	r.Misbehave(new(scenarios.Misbehavior))
	if r.Live() {
		r.sendHeld(func(*heldAnswer) bool { return true })
	}
}

// errMisbehaving is the error of a command that is answered with one for no
// reason.
var errMisbehaving = errors.New("this device misbehaves, as its scenario says")

// draw returns a number in [0, 1) for the next decision.
func (r *Responder) draw() float64 {
	r.misbehavior.draws++
	return draws.Chance(r.env.Scenario.Seed, r.spec.Global, draws.Misbehavior, r.misbehavior.draws)
}

// drawMisbehavior draws what becomes of one answer; -1 is nothing.
func (r *Responder) drawMisbehavior() metrics.Misbehavior {
	m, draw := &r.misbehavior.spec, r.draw()
	for _, x := range []struct {
		share float64
		wrong metrics.Misbehavior
	}{
		{m.Drop, metrics.AnswerDropped},
		{m.Duplicate, metrics.AnswerDuplicated},
		{m.WrongCorrelation, metrics.AnswerWrongCorrelation},
		{m.NoCorrelation, metrics.AnswerNoCorrelation},
		{m.WrongTopic, metrics.AnswerWrongTopic},
		{m.Error, metrics.AnswerError},
		{m.Reorder, metrics.AnswerReordered},
		{m.Late, metrics.AnswerLate},
	} {
		if draw < x.share {
			return x.wrong
		}
		draw -= x.share
	}
	return -1
}

// answerBadly sends an answer as the misbehavior wants it. An answer to a request
// alone is treated so, since nobody else could tell.
func (r *Responder) answerBadly(s *speech, reply *wire.Publish, wrong metrics.Misbehavior) {
	m, now := r.misbehavior, time.Now()
	did := func() {
		r.countMisbehavior(wrong)
		s.noteMisbehavior(wrong)
	}
	switch wrong {
	case metrics.AnswerDropped:
		did()
		return
	case metrics.AnswerDuplicated:
		did()
		s.down.said(Answer, reply, r.sendReply(reply))
	case metrics.AnswerWrongCorrelation:
		if len(reply.Props.CorrelationData) > 0 {
			did()
			reply.Props.CorrelationData = otherCorrelation(reply.Props.CorrelationData)
		}
	case metrics.AnswerNoCorrelation:
		if reply.Props.CorrelationData != nil {
			did()
			reply.Props.CorrelationData = nil
		}
	case metrics.AnswerWrongTopic:
		did()
		reply.Topic = append(slices.Clone(reply.Topic), wrongBehind...)
	case metrics.AnswerReordered:
		if r.hold(s, reply, now.Add(m.spec.ReorderFor), wrong) {
			r.countMisbehavior(wrong)
			return
		}
	case metrics.AnswerLate:
		by := m.spec.LateMin + time.Duration(r.draw()*float64(m.spec.LateMax-m.spec.LateMin))
		if r.hold(s, reply, now.Add(by), wrong) {
			r.countMisbehavior(wrong)
			return
		}
	}
	s.down.said(Answer, reply, r.sendReply(reply))
}

// countMisbehavior counts what was done wrong.
func (r *Responder) countMisbehavior(wrong metrics.Misbehavior) {
	r.env.Client.Counts.Misbehavior[wrong].Add(1)
}

// hold keeps an answer back; it is false when there is no room.
func (r *Responder) hold(s *speech, reply *wire.Publish, until time.Time, wrong metrics.Misbehavior) bool {
	m := r.misbehavior
	if len(m.held) >= mostHeld {
		return false
	}
	s.noteMisbehavior(wrong)
	m.held = append(m.held, heldAnswer{kept(reply), until, wrong == metrics.AnswerReordered, s.down.keepBack()})
	m.plan()
	r.Wake(m.due)
	return true
}

// kept is an answer that may be held back, with memory of its own. It is copied piece by
// piece, so that the answers of devices that behave need no heap.
func kept(reply *wire.Publish) wire.Publish {
	a := wire.Publish{Topic: slices.Clone(reply.Topic), Payload: slices.Clone(reply.Payload), QoS: reply.QoS, Retain: reply.Retain}
	a.Props.HasPayloadFormat, a.Props.PayloadFormat = reply.Props.HasPayloadFormat, reply.Props.PayloadFormat
	a.Props.ContentType = slices.Clone(reply.Props.ContentType)
	a.Props.CorrelationData = slices.Clone(reply.Props.CorrelationData)
	a.Props.User = slices.Clone(reply.Props.User)
	return a
}

// otherCorrelation is Correlation Data of which one byte differs.
func otherCorrelation(of []byte) []byte {
	other := slices.Clone(of)
	other[len(other)/2] ^= 0x55
	return other
}

// sendReply sends an answer, and those that waited for it to go first. It reports
// whether the answer is on its way.
func (r *Responder) sendReply(reply *wire.Publish) bool {
	sent := r.Send(reply, replyKind(reply))
	if r.misbehavior != nil && len(r.misbehavior.held) > 0 {
		r.sendHeld(func(a *heldAnswer) bool { return a.another })
	}
	return sent
}

// sendHeld sends the answers that are held back and meant.
func (r *Responder) sendHeld(which func(*heldAnswer) bool) {
	m := r.misbehavior
	var free []heldAnswer
	m.held = slices.DeleteFunc(m.held, func(a heldAnswer) bool {
		if which(&a) {
			free = append(free, a)
			return true
		}
		return false
	})
	m.plan()
	for i := range free {
		sent := r.Send(&free[i].answer, replyKind(&free[i].answer))
		free[i].of.release(r, &free[i].answer, sent)
	}
}

// replyKind says whether an answer is one with an error.
func replyKind(reply *wire.Publish) metrics.MessageKind {
	if deliveries.HasError(reply) {
		return metrics.ErrorReply
	}
	return metrics.Reply
}

// misbehaveOnTime does what is due of the misbehavior.
func (r *Responder) misbehaveOnTime(now time.Time) {
	m := r.misbehavior
	if !client.IsDue(m.due, now) {
		return
	}
	r.sendHeld(func(a *heldAnswer) bool { return client.IsDue(a.until, now) })
	const atOnce = 64 // what is beyond was missed, and is not made up for
	every := time.Duration(float64(time.Second) / max(m.spec.Flood, 1e-6))
	for n := 0; client.IsDue(m.flood, now); n++ {
		if m.flood = m.flood.Add(every); n >= atOnce {
			m.flood = now.Add(every)
		}
		r.countMisbehavior(metrics.TelemetryFlood)
		r.Provoke()
		r.report()
	}
	m.plan()
}

// plan finds what is due next.
func (m *misbehavior) plan() {
	m.due = m.flood
	for i := range m.held {
		m.due = client.Earlier(m.due, m.held[i].until)
	}
}

// appendTime appends the User Property that says what time it is by the
// device's clock, if that is wrong.
func (m *misbehavior) appendTime(user []byte) []byte {
	if m.spec.ClockSkew == 0 {
		return user
	}
	return wire.AppendUserProperty(user, "time", time.Now().Add(m.spec.ClockSkew).UTC().Format(time.RFC3339Nano))
}

// Withholds implements [client.Withholds]: it draws whether a PUBACK or PUBREC is never sent.
func (r *Responder) Withholds() bool {
	if r.misbehavior == nil || r.misbehavior.spec.WithholdPuback <= 0 || r.draw() >= r.misbehavior.spec.WithholdPuback {
		return false
	}
	r.countMisbehavior(metrics.AckWithheld)
	return true
}
