package broker

import (
	"time"

	"homefleet/fleet/wire"
)

// will is a Will Message (section 3.1.2.5). Most wait for as long as their client
// is connected and are then dropped, so it stays encoded until it is due: that
// takes a third of the memory.
type will struct {
	publish   []byte // packet, of version 5
	delay     uint32 // Will Delay Interval, in seconds
	cancelled bool   // by DISCONNECT 0x00, and only here to ask Config.Will
}

// newWill takes a Will out of the reader's memory.
func newWill(w *wire.Will) *will {
	if w == nil {
		return nil
	}
	p := wire.Publish{Topic: w.Topic, Payload: w.Payload, Props: w.Props, QoS: w.QoS, Retain: w.Retain}
	if p.QoS > 0 {
		p.PacketID = 1 // which a packet must have; nobody sees it
	}
	packet := wire.AppendPublish(make([]byte, 0, wire.PublishSize(&p, wire.V5)), &p, wire.V5)
	return &will{publish: packet, delay: w.Delay}
}

// wait is the Will Delay Interval.
func (w *will) wait() time.Duration { return time.Duration(w.delay) * time.Second }

// decoded returns the packet that newWill encoded.
func (w *will) decoded() *wire.Publish {
	p := decoded(w.publish)
	return &p
}

// WillInfo describes a Will Message to Config.Will.
type WillInfo struct {
	// Number counts the Wills that are due from 1, and apart from them those
	// that are not.
	Number   uint64
	ClientID string
	Topic    string
	// Due says that the rules want it published once. If not, the client has
	// taken its leave with DISCONNECT 0x00, and they want it gone (3.14.4-3).
	Due bool
}

// WillFate is what becomes of a Will Message; the zero value is that it is lost.
type WillFate struct {
	Copies              int           // how often it is published
	StripResponseTopic  bool          // publish it without its Response Topic
	StripUserProperties bool          // and without its User Properties
	Delay               time.Duration // on top of the Will Delay
}

// keepWill notes that a Will Message, which may be nil, is on its way: its client
// does not connect again before it has been published, or what the client then
// says would be overtaken. The caller holds b.mu.
func (b *Broker) keepWill(from *owner, w *will) {
	if w != nil {
		b.wills[from.id]++
	}
}

// publishWill sends a Will Message that keepWill has noted. The caller holds no
// lock.
func (b *Broker) publishWill(from *owner, w *will) {
	if w == nil {
		return
	}
	if b.config.Will != nil {
		b.decideWill(from, w)
	} else {
		b.sendWill(from, w.decoded())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wills[from.id]--; b.wills[from.id] == 0 {
		delete(b.wills, from.id)
	}
	b.willSent.Broadcast()
}

func (b *Broker) sendWill(from *owner, p *wire.Publish) {
	b.count.willsPublished.Add(1)
	if _, code := b.route(p, from); code != wire.Success {
		// It cannot be retained, but those who subscribe are to have it.
		b.count.rejected.Add(1)
		once := *p
		once.Retain = false
		b.route(&once, from)
	}
}

// decideWill does with a Will Message what Config.Will says.
func (b *Broker) decideWill(from *owner, w *will) {
	p := w.decoded()
	info := WillInfo{ClientID: from.id, Topic: string(p.Topic), Due: !w.cancelled}
	if info.Due {
		info.Number = b.due.Add(1)
	} else {
		info.Number = b.notDue.Add(1)
	}
	fate := b.config.Will(info)
	if fate.StripResponseTopic {
		p.Props.ResponseTopic = nil
	}
	if fate.StripUserProperties {
		p.Props.User = nil
	}
	send := func() {
		for range fate.Copies {
			b.sendWill(from, p)
		}
	}
	if fate.Delay <= 0 {
		send()
		return
	}
	time.AfterFunc(fate.Delay, func() {
		if b.enter() {
			defer b.leave()
			send()
		}
	})
}
