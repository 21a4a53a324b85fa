package responder

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/wire"
)

// heldOnRequest are the answers that a device holds back because requests want it so.
type heldOnRequest struct {
	answers []heldAnswer
	bytes   int64 // of them
	due     time.Time
}

// Bounds of what is held back on request, in bytes: of a device, and of all of a run.
const (
	mostHeldOnRequest    = 1 << 20
	mostHeldOnRequestAll = 64 << 20
	heldOverhead         = 512     // of each answer
	heldPayload          = 4 << 10 // that an answer not made yet may have
)

// asksFault reports whether a request says what is to become of its answer, and has the
// speech do so.
func (r *Responder) asksFault(s *speech, p *wire.Publish) bool {
	t, err := r.wantsFault(p, s.usable)
	switch {
	case err != nil:
		s.Refusal = err
	case t == nil:
		return false
	default:
		r.env.Client.Counts.FaultsOnRequest.Add(1)
		if s.asked = t; t.error != "" {
			s.Refusal = errors.New(t.error)
		}
	}
	return true
}

// wantsFault reads what a request wants to become of its answer. It returns nil and nil for
// one that says nothing, and an error for what cannot be had: the command is refused then.
func (r *Responder) wantsFault(p *wire.Publish, usable bool) (*treatment, error) {
	text, times := "", 0
	for key, value := range p.Props.UserProperties() {
		if key == deliveries.FaultKey {
			text = value
			times++
		}
	}
	switch {
	case times == 0:
		return nil, nil
	case times > 1:
		return nil, fmt.Errorf("%s stands there %d times; want it once, with a comma between what it lists", deliveries.FaultKey, times)
	}
	t, err := parseTreatment(text)
	if err == nil {
		err = t.fits(p, usable)
	}
	if err == nil {
		err = r.roomFor(t, p)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// roomFor is an error where the answers would be too many to be held back.
func (r *Responder) roomFor(t *treatment, p *wire.Publish) error {
	each := int64(len(p.Props.ResponseTopic) + len(p.Props.CorrelationData) + heldPayload + heldOverhead)
	more := int64(t.delays()) * each
	own := int64(0)
	if r.onRequest != nil {
		own = r.onRequest.bytes
	}
	switch {
	case more == 0:
		return nil
	case own+more > mostHeldOnRequest:
		return errors.New("the device holds back as much as it may, " + words.Bytes(mostHeldOnRequest) + "; want fewer delays at a time")
	case r.env.origin().heldOnRequest.Load()+more > mostHeldOnRequestAll:
		return errors.New("the devices hold back as much as they may, " + words.Bytes(mostHeldOnRequestAll) + " in all; want fewer delays at a time")
	}
	return nil
}

// answerOnRequest sends what a request wants in the place of its answer.
func (r *Responder) answerOnRequest(s *speech, reply *wire.Publish) {
	wait, t := time.Duration(0), s.asked
	s.down.because(s.down.outcome, "the request wants its answer so")
	for _, step := range t.steps {
		wait += step.after
		if step.what == dropIt {
			s.down.outcome = Dropped
			continue
		}
		if step.what == pending && t.said {
			continue // an answer of several parts is announced once
		}
		a := *reply
		t.alter(&a, step.what)
		if wait > 0 {
			r.holdOnRequest(s, &a, time.Now().Add(wait))
		} else {
			s.down.said(Answer, &a, r.Send(&a, replyKind(&a)))
		}
	}
	t.said = true
}

// wrongBehind is what makes a Response Topic a wrong one.
const wrongBehind = "/wrong"

// alter makes of an answer what a step says.
func (t *treatment) alter(a *wire.Publish, what string) {
	status := asItIs
	switch what {
	case pending:
		status = pending
		a.Payload = []byte(pending)
		a.Props.ContentType, a.Props.User = textPlain, nil
	case wrongCorrelation:
		a.Props.CorrelationData = otherCorrelation(a.Props.CorrelationData)
	case noCorrelation:
		a.Props.CorrelationData = nil
	case wrongTopic:
		a.Topic = append(slices.Clone(a.Topic), wrongBehind...)
	}
	if t.pending {
		a.Props.User = wire.AppendUserProperty(slices.Clone(a.Props.User), "status", status)
	}
}

// holdOnRequest keeps an answer back.
func (r *Responder) holdOnRequest(s *speech, reply *wire.Publish, until time.Time) {
	if r.onRequest == nil {
		r.onRequest = new(heldOnRequest)
	}
	h := r.onRequest
	h.answers = append(h.answers, heldAnswer{answer: kept(reply), until: until, of: s.down.keepBack()})
	r.countHeld(sizeHeld(reply))
	h.due = client.Earlier(h.due, until)
	r.Wake(h.due)
}

func sizeHeld(a *wire.Publish) int64 {
	return int64(len(a.Topic) + len(a.Payload) + len(a.Props.CorrelationData) + len(a.Props.User) + heldOverhead)
}

func (r *Responder) countHeld(bytes int64) {
	r.onRequest.bytes += bytes
	r.env.origin().heldOnRequest.Add(bytes)
}

// sayOnRequest sends what has been held back for long enough.
func (r *Responder) sayOnRequest(now time.Time) {
	h := r.onRequest
	var free []heldAnswer
	h.due = time.Time{}
	h.answers = slices.DeleteFunc(h.answers, func(a heldAnswer) bool {
		if client.IsDue(a.until, now) {
			free = append(free, a)
			return true
		}
		h.due = client.Earlier(h.due, a.until)
		return false
	})
	for i := range free {
		r.countHeld(-sizeHeld(&free[i].answer))
		sent := r.Send(&free[i].answer, replyKind(&free[i].answer))
		free[i].of.release(r, &free[i].answer, sent)
	}
}

// forgetOnRequest gives up what is held back: a device that goes offline answers nothing
// of before any more.
func (r *Responder) forgetOnRequest() {
	if r.onRequest == nil {
		return
	}
	r.countHeld(-r.onRequest.bytes)
	r.onRequest = nil
}
