package load

import (
	"bytes"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Message implements [client.Handler]: an answer.
func (r *Controller) Message(p *wire.Publish) {
	if r.V311() {
		r.listens(p)
		return
	}
	if r.Group.Spec.ShareReplies {
		id, err := metrics.ParseID(p.Props.CorrelationData, r.Group.Spec.CorrelationSize)
		if err == nil && id.Controller != uint32(r.Group.first+r.index) && r.Group.handOver(id.Controller, r.read(p), r.ReadAt()) {
			return
		}
	}
	at := r.at(r.ReadAt())
	a := r.read(p)
	if !bytes.Equal(p.Topic, r.answers) {
		a.Target = wrongTopic
	}
	r.answered(at, a)
}

// read takes from an answer what the ledger wants to know.
func (r *Controller) read(p *wire.Publish) metrics.Answer {
	a := metrics.Answer{Correlation: p.Props.CorrelationData, Error: deliveries.HasError(p)}
	a.Target, a.Member = r.Group.answerer(p)
	a.OtherRetain = p.Retain
	if s, whole, has := deliveries.ParseAnswerStamp(p); has {
		r.checked(&a, p, s, whole)
	} else if r.Group.inParts && r.Group.others {
		a.Sum = deliveries.PayloadSum(p.Payload)
	}
	return a
}

// checked notes what the stamp of an answer says of it.
func (r *Controller) checked(a *metrics.Answer, p *wire.Publish, s deliveries.AnswerStamp, whole bool) {
	granted, _ := r.Granted()
	a.Checked, a.Altered, a.Asked, a.AskedQoS, a.AskedGranted = true, !whole, s.Request, s.RequestQoS, s.Granted
	a.OtherQoS = p.QoS != min(s.QoS, granted)
	a.Part, a.More = s.Part, s.More
}

// answered enters an answer.
func (r *Controller) answered(at time.Duration, a metrics.Answer) {
	if r.zero.IsZero() {
		return // to something that was not asked yet
	}
	r.ledger.Answer(at, a)
	r.refill(at)
}

// Acknowledged implements [client.Acknowledged]: the note is the request's sequence number.
func (r *Controller) Acknowledged(seq uint64, code byte) {
	at := r.at(r.ReadAt())
	if seq != client.NoNote {
		r.ledger.Acknowledged(at, seq, code)
	}
	if code >= 0x80 {
		r.refill(at)
	}
	r.letGo(at)
	r.checkIdle()
}

// Completed implements [client.Completed].
func (r *Controller) Completed(seq uint64) { r.ledger.Completed(seq) }
