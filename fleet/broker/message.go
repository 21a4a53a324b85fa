package broker

import (
	"time"

	"homefleet/fleet/wire"
)

// message is an application message on its way from a publisher to subscribers.
// Fresh from the wire it points into the reader's memory; keep makes one that
// may be stored. Nothing in it changes once others can see it.
type message struct {
	topic   []byte
	payload []byte
	props   *wire.Properties // without Topic Alias and Subscription Identifiers; nil: none
	from    *owner           // the publisher
	expires time.Time        // zero: never
	number  uint64           // of a retained message, in the order of coming; 0: not retained
	places  int32            // where it is kept, see account.hold
	qos     byte
	retain  bool
}

// plain reports whether a message has no properties, as most have none: it
// then takes half of the memory.
func plain(p *wire.Properties) bool {
	return !p.HasPayloadFormat && !p.HasMessageExpiry && p.ContentType == nil &&
		p.ResponseTopic == nil && p.CorrelationData == nil && len(p.User) == 0
}

func (m *message) expired(now time.Time) bool {
	return !m.expires.IsZero() && !now.Before(m.expires)
}

// remaining is the Message Expiry Interval to forward: what was received minus
// the whole seconds that the message has waited (3.3.2-6).
func (m *message) remaining(now time.Time) uint32 {
	left := m.expires.Sub(now)
	if left <= 0 {
		return 0
	}
	return uint32((left + time.Second - 1) / time.Second)
}

// size is what the message takes in memory, and weighs against the bounds on
// bytes.
func (m *message) size() int {
	n := len(m.topic) + len(m.payload)
	if p := m.props; p != nil {
		n += len(p.ContentType) + len(p.ResponseTopic) + len(p.CorrelationData) + len(p.User)
		return costMessage + costProperties + text(n)
	}
	return costMessage + text(n)
}

// keep returns a copy that owns its memory, in two or three allocations.
func (m *message) keep() *message {
	k := new(message)
	*k = *m
	fields := make([]*[]byte, 0, 6)
	fields = append(fields, &k.topic, &k.payload)
	if m.props != nil {
		k.props = new(*m.props)
		p := k.props
		fields = append(fields, &p.ContentType, &p.ResponseTopic, &p.CorrelationData, &p.User)
	}
	n := 0
	for _, f := range fields {
		n += len(*f)
	}
	b := make([]byte, 0, n)
	for _, f := range fields {
		if *f != nil { // present and empty stays what it is
			at := len(b)
			b = append(b, *f...)
			*f = b[at:len(b):len(b)]
		}
	}
	return k
}
