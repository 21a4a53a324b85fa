package responder

import (
	"bytes"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// will fills in the templates of the Will Message.
func (r *Responder) will(vars scenarios.Vars) *wire.Will {
	p := r.willAs(vars, r.willQoS, r.willKeep)
	if r.Observed() {
		p.Props.User = r.AppendConnection(p.Props.User, r.ConnectionNumber())
	}
	return p
}

// willAs is will with a QoS and Retain that the broker takes. It touches nothing
// that changes, and may be called from any goroutine.
func (r *Responder) willAs(vars scenarios.Vars, qos byte, retain bool) *wire.Will {
	w := &r.spec.Group.Will
	p := &wire.Will{
		Topic:   []byte(w.Topic.Expand(vars)),
		Payload: []byte(w.Payload.Expand(vars)),
		QoS:     qos,
		Retain:  retain,
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

// WillDiffers names what of a published Will is not as the device made it for
// its connection with a number (3.1.3.2, 3.3.2-15 to -20), and says what could have
// been found to differ; 0 is a connection that the message does not say. It may be
// called from any goroutine.
func (r *Responder) WillDiffers(p *wire.Publish, number uint32, lim *client.Limits) (differs []string, tested WillParts) {
	w := &r.spec.Group.Will
	want := r.willAs(r.spec.Vars(r.env.Run), min(w.QoS, lim.MaximumQoS, r.env.AuditorQoS), w.Retain && !lim.NoRetain)
	want.Props.User = r.AppendConnection(want.Props.User, number)
	note := func(what string, same bool) {
		if !same {
			differs = append(differs, what)
		}
	}
	got, sent := &p.Props, &want.Props
	note("topic", bytes.Equal(p.Topic, want.Topic))
	note("payload", bytes.Equal(p.Payload, want.Payload))
	note("QoS", p.QoS == want.QoS)
	note("retain", p.Retain == want.Retain)
	note("Payload Format", got.HasPayloadFormat == sent.HasPayloadFormat && got.PayloadFormat == sent.PayloadFormat)
	note("Content Type", same(got.ContentType, sent.ContentType))
	note("Response Topic", same(got.ResponseTopic, sent.ResponseTopic))
	note("Correlation Data", same(got.CorrelationData, sent.CorrelationData))
	// The time that it waited at the broker is taken off (3.3.2-6).
	note("Message Expiry", got.HasMessageExpiry == sent.HasMessageExpiry && got.MessageExpiry <= sent.MessageExpiry)
	note("User Properties", bytes.Equal(got.User, sent.User))
	return differs, testedBy(want, w.Delay)
}

// same compares properties, where absent and empty differ.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// LowerWill implements lowersWill.
func (r *Responder) LowerWill(code byte, maximumQoS *byte) bool {
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
