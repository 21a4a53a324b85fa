package broker

import (
	"encoding/binary"
	"time"
	"unsafe"

	"homefleet/fleet/wire"
)

// message is an application message on its way from a publisher to subscribers.
// It points into the reader's memory, or into that of a kept one.
type message struct {
	topic   []byte
	payload []byte
	props   *wire.Properties // without Topic Alias and Subscription Identifiers; nil: none
	from    *owner           // the publisher; nil where that is of no interest
	expires time.Duration    // since the start of the broker, if there is a Message Expiry Interval
	qos     byte
	retain  bool
}

// plain reports whether a message has no properties, as most have none: it
// then takes half of the memory.
func plain(p *wire.Properties) bool {
	return !p.HasPayloadFormat && !p.HasMessageExpiry && p.ContentType == nil &&
		p.ResponseTopic == nil && p.CorrelationData == nil && len(p.User) == 0
}

// remaining is the Message Expiry Interval to forward: what was received minus
// the whole seconds that the message has waited (3.3.2-6).
func (m *message) remaining(now time.Duration) uint32 {
	left := m.expires - now
	if left <= 0 {
		return 0
	}
	return uint32((left + time.Second - 1) / time.Second)
}

// kept is a message that is stored. Clients can make a broker keep many, of a few
// bytes each, so it is as small as may be: its data are topic and payload, or, if
// there are properties, the moment at which it expires and then all of it as a
// PUBLISH. Nothing in it changes once others can see it.
type kept struct {
	text   string // the data; a slice would make the whole larger by a third
	places int32  // where it is kept, see account.hold
	topic  uint16
	qos    byte
	form   keptForm
}

type keptForm byte

const (
	keptRetain  keptForm = 1 << iota
	keptPacket           // data are a moment and a packet
	keptExpires          // the moment counts
)

// keep returns a copy that owns its memory, in two allocations.
func (m *message) keep() *kept {
	k := &kept{topic: uint16(len(m.topic)), qos: m.qos}
	if m.retain {
		k.form |= keptRetain
	}
	if m.props == nil {
		k.own(append(append(make([]byte, 0, len(m.topic)+len(m.payload)), m.topic...), m.payload...))
		return k
	}
	k.form |= keptPacket
	if m.props.HasMessageExpiry {
		k.form |= keptExpires
	}
	p := wire.Publish{Topic: m.topic, Payload: m.payload, Props: *m.props}
	b := make([]byte, 0, momentSize+wire.PublishSize(&p, wire.V5))
	k.own(wire.AppendPublish(binary.BigEndian.AppendUint64(b, uint64(m.expires)), &p, wire.V5))
	return k
}

const momentSize = 8

// own makes b the data. The caller does not change it any more.
func (k *kept) own(b []byte) { k.text = unsafe.String(unsafe.SliceData(b), len(b)) }

// data returns what own was given, which may not be changed.
func (k *kept) data() []byte { return unsafe.Slice(unsafe.StringData(k.text), len(k.text)) }

// message fills in m, whose properties are in room, if there are any.
func (k *kept) message(m *message, room *wire.Properties) {
	*m = message{qos: k.qos, retain: k.form&keptRetain != 0}
	if k.form&keptPacket == 0 {
		b := k.data()
		m.topic, m.payload = b[:k.topic:k.topic], b[k.topic:]
		return
	}
	p := decoded(k.data()[momentSize:])
	*room = p.Props
	m.topic, m.payload, m.props, m.expires = p.Topic, p.Payload, room, k.expires()
}

func (k *kept) expires() time.Duration { return time.Duration(binary.BigEndian.Uint64(k.data())) }

func (k *kept) expired(now time.Duration) bool {
	return k.form&keptExpires != 0 && now >= k.expires()
}

// name is the topic.
func (k *kept) name() []byte {
	b := k.data()
	if k.form&keptPacket != 0 {
		b = b[momentSize+1:]
		for b[0]&0x80 != 0 { // the Remaining Length
			b = b[1:]
		}
		b = b[3:] // with its last byte, and the topic's length
	}
	return b[:k.topic:k.topic]
}

// size is what the message takes in memory, and weighs against the bounds on
// bytes.
func (k *kept) size() int { return costMessage + text(len(k.text)) }

// decoded returns a PUBLISH that the broker has encoded.
func decoded(packet []byte) wire.Publish {
	p, err := wire.ParsePublish(packet, wire.V5)
	if err != nil {
		panic("a message that was decoded, checked and encoded is not valid any more: " + err.Error())
	}
	return p
}
