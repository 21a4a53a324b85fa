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

// LastWords is the Will Message that the device leaves with the broker, and its Will Delay
// Interval in seconds; ok is false where it has none. Its own goroutine calls it.
func (r *Responder) LastWords() (said Said, delay uint32, ok bool) {
	if r.spec.Group.Will.Off {
		return said, 0, false
	}
	w := r.willAs(r.spec.Vars(r.env.Run), r.willQoS, r.willKeep)
	switch number := r.ConnectionNumber(); {
	case r.V311(): // where a Will is a topic and a payload (3.1.1: 3.1.3)
		w.Props, w.Delay = wire.Properties{}, 0
	case r.Observed() && number > 0:
		w.Props.User = r.AppendConnection(w.Props.User, number)
	}
	p := wire.Publish{Topic: w.Topic, Payload: w.Payload[:min(len(w.Payload), mostPayload)], QoS: w.QoS, Retain: w.Retain, Props: w.Props}
	return Said{Publish: p, Bytes: len(w.Payload), Cut: len(w.Payload) > mostPayload}, w.Delay, true
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
// been found to differ; 0 is a connection that the message does not say. waited is how
// long the broker may have kept it for who received it. It may be called from any
// goroutine.
func (r *Responder) WillDiffers(p *wire.Publish, number uint32, lim *client.Limits, waited time.Duration) (differs []string, tested WillParts) {
	w := &r.spec.Group.Will
	want := r.willAs(r.spec.Vars(r.env.Run), min(w.QoS, lim.MaximumQoS, r.env.AuditorQoS), w.Retain && !lim.NoRetain)
	want.Props.User = r.AppendConnection(want.Props.User, number)
	if r.plainWill() {
		want.Props = wire.Properties{}
	}
	if r.env.Auditor.V311() { // to a subscription of which RETAIN is always 0 (3.1.1: 3.3.1-9)
		want.Retain = false
	}
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
	// The time that it waited at the broker is taken off (3.3.2-6), from when it was published
	// (3.1.3.2.4). One that counts from the end of the connection is let pass.
	less := int64((waited + w.Delay + expirySlack) / time.Second)
	note("Message Expiry", got.HasMessageExpiry == sent.HasMessageExpiry && got.MessageExpiry <= sent.MessageExpiry &&
		int64(got.MessageExpiry) >= int64(sent.MessageExpiry)-less)
	note("User Properties", bytes.Equal(got.User, sent.User))
	return differs, testedBy(want, w.Delay)
}

// expirySlack is how long a Will may take through the broker to a client that is there.
const expirySlack = 10 * time.Second

// plainWill reports whether the auditor sees the device's Will without properties, since
// one of the two speaks MQTT 3.1.1.
func (r *Responder) plainWill() bool { return r.V311() || r.env.Auditor.V311() }

// IsAnnouncement reports whether a message on the topic of the device's Will that says
// neither of which connection it is nor when it was made is what the device itself says
// of its availability, where it can say no more. As it leaves, it says the same as its
// Will, and at another QoS; where the auditor, whose subscription has this one, cannot see
// that, it is taken for its own if it has said so. It may be called from any goroutine.
func (r *Responder) IsAnnouncement(p *wire.Publish, granted byte) bool {
	if !r.plainWill() {
		return false
	}
	topic, onlineWord, offlineWord := r.availability()
	will := r.spec.Group.Will.Payload.Expand(r.spec.Vars(r.env.Run))
	switch {
	case string(p.Topic) != topic:
		return false
	case string(p.Payload) == onlineWord && onlineWord != will:
		return true
	case string(p.Payload) != offlineWord:
		return false
	case granted == 0:
		return r.leaves.Load()
	}
	return p.QoS == r.partingQoS()
}

// partingQoS is the QoS at which a device says that it leaves whose Will the auditor
// sees without properties.
func (r *Responder) partingQoS() byte {
	if r.spec.Group.Will.QoS > 0 {
		return 0
	}
	return 1
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
