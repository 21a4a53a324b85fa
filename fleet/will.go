package fleet

import (
	"time"

	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// will fills in the templates of the Will Message.
func (r *responder) will(vars scenarios.Vars) *wire.Will {
	w := &r.spec.Group.Will
	p := &wire.Will{
		Topic:   []byte(w.Topic.Expand(vars)),
		Payload: []byte(w.Payload.Expand(vars)),
		QoS:     r.willQoS,
		Retain:  r.willKeep,
		Delay:   uint32(w.Delay / time.Second),
	}
	present := func(t scenarios.Template) []byte {
		if t == "" {
			return nil
		}
		return []byte(t.Expand(vars))
	}
	p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
	p.Props.ContentType = present(w.ContentType)
	p.Props.ResponseTopic = present(w.ResponseTopic)
	p.Props.CorrelationData = present(w.CorrelationData)
	if w.MessageExpiry > 0 {
		p.Props.HasMessageExpiry, p.Props.MessageExpiry = true, uint32(w.MessageExpiry/time.Second)
	}
	for _, u := range w.UserProperties {
		p.Props.User = wire.AppendUserProperty(p.Props.User, u.Key, u.Value.Expand(vars))
	}
	return p
}

// willed is an actor with a Will Message.
type willed interface {
	// tameWill lowers what the broker refuses in the Will with a reason code; it
	// is false when there is nothing to lower.
	tameWill(code byte, maximumQoS *byte) bool
}

// tameWill implements willed.
func (r *responder) tameWill(code byte, maximumQoS *byte) bool {
	switch {
	case r.spec.Group.Will.Off:
		return false
	case code == wire.RetainNotSupported && r.willKeep:
		r.willKeep = false
	case code == wire.QoSNotSupported && r.willQoS > 0:
		lower := r.willQoS - 1
		if maximumQoS != nil {
			lower = min(lower, *maximumQoS)
		}
		r.willQoS = lower
	default:
		return false
	}
	return true
}
