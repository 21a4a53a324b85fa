package responder

import (
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Follow implements [client.Follows]: it enters what becomes of the device's one-way messages in
// the ledger of deliveries.
func (r *Responder) Follow(t client.Trace, what client.TraceEvent, qos byte, measured bool) {
	l := r.env.Deliveries
	if l == nil {
		return
	}
	m := deliveries.Message{Device: r.env.Place(r.spec.Global), Slot: int(t.Slot) - 1, Seq: t.Seq}
	switch what {
	case client.TraceSent:
		l.Sent(m, qos, measured)
	case client.TraceNotSent:
		l.NotSent(m)
	case client.TraceResent:
		l.Resent(m)
	case client.TraceRefused:
		l.Refused(m)
	case client.TraceUnacknowledged:
		l.Unacknowledged(m)
	case client.TraceBroken: // nobody knows whether the broker has what was written last
		l.Cut(m.Device)
	}
}

// stamp appends to the User Properties of a state or telemetry message, which is
// complete but for that, those that say when it was made and which it is.
func (r *Responder) stamp(user []byte, p *wire.Publish, made time.Duration, slot int) ([]byte, client.Trace) {
	e := r.env
	kept := p.Retain && e.Retained
	if !e.Stamped && !kept || r.V311() {
		return user, client.Trace{}
	}
	var sentRoom [96]byte
	sent := deliveries.AppendMoment(sentRoom[:0], made, e.Run)
	user = wire.AppendUserProperty(user, deliveries.SentKey, sent)
	if e.Deliveries == nil {
		if kept {
			user = withChecksum(user, p)
		}
		return user, client.Trace{}
	}
	seq := *r.sequence(slot)
	if seq == 0 {
		e.Deliveries.Open(e.Place(r.spec.Global), slot, p.Topic)
	}
	stamped := *p // what is put into *p itself would move to the heap
	stamped.Props.User = user
	var valueRoom [64]byte
	s := deliveries.Stamp{Device: r.spec.Global, Slot: slot, Seq: seq, Content: deliveries.Content(&stamped)}
	return wire.AppendUserProperty(user, deliveries.SequenceKey, s.Append(valueRoom[:0], sent)), client.Trace{Seq: seq, Slot: uint16(slot + 1)}
}

// withChecksum appends a checksum of a message, which is complete but for that, to its User
// Properties.
func withChecksum(user []byte, p *wire.Publish) []byte {
	stamped := *p
	stamped.Props.User = user
	var room [64]byte
	return wire.AppendUserProperty(user, deliveries.ChecksumKey, deliveries.AnswerStamp{QoS: p.QoS}.Append(room[:0], &stamped))
}

// TelemetrySlot is the last of a device's topics in the ledger; the others are its
// attributes.
func (r *Responder) TelemetrySlot() int { return len(r.spec.Group.Kind.Attributes) }

// sequence is how many messages of a topic the device has made. Its goroutine alone
// touches it.
func (r *Responder) sequence(slot int) *uint32 {
	e := r.env
	return &e.Sequences[e.Place(r.spec.Global)*e.Slots+slot]
}

// publish sends a message that has been stamped.
func (r *Responder) publish(p *wire.Publish, kind metrics.MessageKind, made time.Duration, note uint64, t client.Trace) bool {
	sent := r.SendTraced(p, kind, made, note, t)
	if sent && t.On() {
		*r.sequence(int(t.Slot - 1))++
	}
	return sent
}
