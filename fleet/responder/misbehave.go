package responder

import (
	"errors"
	"slices"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/draws"
	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// habits are what a device does wrong, and what it holds back because of them.
type habits struct {
	is    scenarios.Misbehavior
	draws uint64
	held  []heldAnswer
	flood time.Time // the next message too many is due; zero: never
	due   time.Time // the earliest of all that
}

// heldAnswer is an answer that waits, encoded with its topic and properties.
type heldAnswer struct {
	answer  wire.Publish
	until   time.Time
	another bool // it goes as soon as another answer has gone
}

// mostHeld bounds what a device holds back; what is beyond goes at once.
const mostHeld = 256

// Misbehave gives the device its habits.
func (r *Responder) Misbehave(m *scenarios.Misbehavior) {
	if r.habits == nil {
		r.habits = new(habits)
	}
	h := r.habits
	h.is, h.flood = *m, time.Time{}
	if m.Flood > 0 {
		h.flood = time.Now()
	}
	h.plan()
	r.Wake(h.due)
}

// Behave takes the habits from the device.
func (r *Responder) Behave() {
	r.Misbehave(new(scenarios.Misbehavior))
	if r.Live() {
		r.letGo(func(*heldAnswer) bool { return true })
	}
}

// errMisbehaving is the error of a command that is answered with one for no
// reason.
var errMisbehaving = errors.New("this device misbehaves, as its scenario says")

// draw returns a number in [0, 1) for the next decision.
func (r *Responder) draw() float64 {
	r.habits.draws++
	return draws.Chance(r.env.Scenario.Seed, r.spec.Global, draws.Misbehavior, r.habits.draws)
}

// misdeed draws what becomes of one answer; -1 is nothing.
func (r *Responder) misdeed() metrics.Misdeed {
	m, draw := &r.habits.is, r.draw()
	for _, x := range []struct {
		share float64
		deed  metrics.Misdeed
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
			return x.deed
		}
		draw -= x.share
	}
	return -1
}

// answerBadly sends an answer as the misdeed has it. An answer to a request
// alone is treated so, since nobody else could tell.
func (r *Responder) answerBadly(reply *wire.Publish, deed metrics.Misdeed) {
	h, now := r.habits, time.Now()
	switch deed {
	case metrics.AnswerDropped:
		r.did(deed)
		return
	case metrics.AnswerDuplicated:
		r.did(deed)
		r.sendReply(reply)
	case metrics.AnswerWrongCorrelation:
		if n := len(reply.Props.CorrelationData); n > 0 {
			r.did(deed)
			wrong := slices.Clone(reply.Props.CorrelationData)
			wrong[n/2] ^= 0x55
			reply.Props.CorrelationData = wrong
		}
	case metrics.AnswerNoCorrelation:
		if reply.Props.CorrelationData != nil {
			r.did(deed)
			reply.Props.CorrelationData = nil
		}
	case metrics.AnswerWrongTopic:
		r.did(deed)
		reply.Topic = append(slices.Clone(reply.Topic), "/wrong"...)
	case metrics.AnswerReordered:
		if r.hold(reply, now.Add(h.is.ReorderFor), true) {
			r.did(deed)
			return
		}
	case metrics.AnswerLate:
		by := h.is.LateMin + time.Duration(r.draw()*float64(h.is.LateMax-h.is.LateMin))
		if r.hold(reply, now.Add(by), false) {
			r.did(deed)
			return
		}
	}
	r.sendReply(reply)
}

// did counts a misdeed.
func (r *Responder) did(deed metrics.Misdeed) { r.env.Client.Counts.Misdeeds[deed].Add(1) }

// hold keeps an answer back; it is false when there is no room.
func (r *Responder) hold(reply *wire.Publish, until time.Time, another bool) bool {
	h := r.habits
	if len(h.held) >= mostHeld {
		return false
	}
	// Piece by piece, so that the answers of devices that behave need no heap.
	a := wire.Publish{Topic: slices.Clone(reply.Topic), Payload: slices.Clone(reply.Payload), QoS: reply.QoS, Retain: reply.Retain}
	a.Props.HasPayloadFormat, a.Props.PayloadFormat = true, 1
	a.Props.ContentType = textPlain
	a.Props.CorrelationData = slices.Clone(reply.Props.CorrelationData)
	a.Props.User = slices.Clone(reply.Props.User)
	h.held = append(h.held, heldAnswer{a, until, another})
	h.plan()
	r.Wake(h.due)
	return true
}

// sendReply sends an answer, and those that waited for it to go first. It reports
// whether the answer is on its way.
func (r *Responder) sendReply(reply *wire.Publish) bool {
	sent := r.Send(reply, replyKind(reply))
	if r.habits != nil && len(r.habits.held) > 0 {
		r.letGo(func(a *heldAnswer) bool { return a.another })
	}
	return sent
}

// letGo sends the answers that are held back and meant.
func (r *Responder) letGo(which func(*heldAnswer) bool) {
	h := r.habits
	var free []heldAnswer
	h.held = slices.DeleteFunc(h.held, func(a heldAnswer) bool {
		if which(&a) {
			free = append(free, a)
			return true
		}
		return false
	})
	h.plan()
	for i := range free {
		r.Send(&free[i].answer, replyKind(&free[i].answer))
	}
}

// replyKind says whether an answer is one with an error.
func replyKind(reply *wire.Publish) metrics.MessageKind {
	if load.HasError(reply) {
		return metrics.ErrorReply
	}
	return metrics.Reply
}

// indulge does what is due of the habits.
func (r *Responder) indulge(now time.Time) {
	h := r.habits
	if !client.IsDue(h.due, now) {
		return
	}
	r.letGo(func(a *heldAnswer) bool { return client.IsDue(a.until, now) })
	const atOnce = 64 // what is beyond was missed, and is not made up for
	every := time.Duration(float64(time.Second) / max(h.is.Flood, 1e-6))
	for n := 0; client.IsDue(h.flood, now); n++ {
		if h.flood = h.flood.Add(every); n >= atOnce {
			h.flood = now.Add(every)
		}
		r.did(metrics.TelemetryFlood)
		r.report()
	}
	h.plan()
}

// plan finds what is due next.
func (h *habits) plan() {
	h.due = h.flood
	for i := range h.held {
		h.due = client.Earlier(h.due, h.held[i].until)
	}
}

// appendTime appends the User Property that says what time it is by the
// device's clock, if that is wrong.
func (h *habits) appendTime(user []byte) []byte {
	if h.is.ClockSkew == 0 {
		return user
	}
	return wire.AppendUserProperty(user, "time", time.Now().Add(h.is.ClockSkew).UTC().Format(time.RFC3339Nano))
}

// Withholds implements [client.Withholds]: it draws whether a PUBACK or PUBREC is never sent.
func (r *Responder) Withholds() bool {
	if r.habits == nil || r.habits.is.WithholdPuback <= 0 || r.draw() >= r.habits.is.WithholdPuback {
		return false
	}
	r.did(metrics.AckWithheld)
	return true
}
