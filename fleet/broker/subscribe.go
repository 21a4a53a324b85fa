package broker

import (
	"bytes"
	"strings"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// subscribe handles a SUBSCRIBE (section 3.8). The session stays locked until
// the SUBACK and the first of the retained messages are in the buffer: a message
// that is published meanwhile comes behind them.
func (c *conn) subscribe(p *packets.Subscribe) error {
	var id *int
	if p.Properties != nil {
		id = p.Properties.SubscriptionIdentifier
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != c {
		return errGone
	}
	var own *via
	if id != nil {
		own = &via{ids: []uint32{uint32(*id)}}
	}
	reasons := make([]byte, len(p.Subscriptions))
	for i := range p.Subscriptions {
		o := &p.Subscriptions[i]
		share, filter := splitShared(o.Topic)
		if reasons[i] = c.subscribable(o.Topic, share, filter, id != nil); reasons[i] < 0x80 {
			reasons[i] = s.enter(o, share, filter, min(o.QoS, c.b.limits.maximumQoS), own)
		}
	}
	c.send(appendSuback(make([]byte, 0, 64), c.version, packets.SUBACK, p.PacketID, reasons))
	s.pump()
	return nil
}

// tooMany answers a SUBSCRIBE or UNSUBSCRIBE with more filters than are looked at
// in one packet, all of them with 0x97. It is false if there are not so many.
func (c *conn) tooMany(f wire.Frame) (bool, error) {
	l := &c.b.limits
	if len(f) < 3*l.MaximumFilters { // a filter takes three bytes at least
		return false, nil
	}
	id, n, err := wire.CountFilters(f, c.version)
	if err != nil || n <= l.MaximumFilters {
		return false, err
	}
	answer := byte(packets.SUBACK)
	if f.Type() == packets.UNSUBSCRIBE {
		answer = packets.UNSUBACK
	}
	reasons := bytes.Repeat([]byte{wire.QuotaExceeded}, n)
	c.send(appendSuback(make([]byte, 0, n+16), c.version, answer, id, reasons))
	return true, nil
}

// subscribable returns wire.Success or why a filter is refused (3.9.3).
func (c *conn) subscribable(topic, share, filter string, withID bool) byte {
	l := &c.b.limits
	switch {
	case !wire.ValidTopicFilter(topic) || levels(topic) > maxLevels:
		return wire.TopicFilterInvalid
	case share != "" && l.NoShared:
		return wire.SharedSubsNotSupported
	case withID && l.NoSubscriptionIDs:
		return wire.SubIDsNotSupported
	case l.NoWildcards && strings.ContainsAny(filter, "+#"):
		return wire.WildcardSubsNotSupported
	case !c.access.maySubscribe(filter):
		return wire.NotAuthorized
	case len(c.s.subs.list) >= l.MaximumSubscriptions && c.s.subs.find(topic) < 0:
		return wire.QuotaExceeded
	}
	return wire.Success
}

// cost is what a subscription takes.
func (sub *subscription) cost() int { return costSubscription + text(len(sub.filter)) }

// enter adds or replaces a subscription (3.8.4-3) and has it get what is
// retained. It returns the QoS that is granted, or wire.QuotaExceeded. The caller
// holds s.mu.
//
// A filter that stands in a packet several times is answered as often, and gets
// what is retained once.
func (s *session) enter(o *packets.SubOptions, share, filter string, qos byte, own *via) byte {
	t := &s.b.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	isNew := true
	var sub *subscription
	if i := s.subs.find(o.Topic); i >= 0 {
		isNew = false
		sub = s.subs.list[i]
	} else {
		sub = &subscription{s: s, filter: o.Topic}
		if !t.room(share, filter, s) || !s.b.memory.take(&s.owner, sub.cost()) {
			return wire.QuotaExceeded
		}
	}
	if g := sub.via.shared(); g != nil {
		own = &via{ids: own.identifiers(), group: g}
	}
	sub.via, sub.qos, sub.noLocal, sub.asPublished = own, qos, o.NoLocal, o.RetainAsPublished
	if isNew {
		t.add(share, filter, sub, s)
		s.subs.add(sub)
	}
	// 3.3.1-9 to -11; never for a Shared Subscription (4.8.2)
	if share == "" && (o.RetainHandling == 0 || o.RetainHandling == 1 && isNew) {
		s.startFeed(sub)
	}
	return qos
}

// unsubscribe handles an UNSUBSCRIBE (section 3.10).
func (c *conn) unsubscribe(p *packets.Unsubscribe) error {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != c {
		return errGone
	}
	t := &c.b.topics
	reasons := make([]byte, len(p.Topics))
	for i, topic := range p.Topics {
		j := s.subs.find(topic)
		switch {
		case j >= 0:
			sub := s.subs.list[j]
			share, filter := splitShared(topic)
			t.mu.Lock()
			t.remove(share, filter, sub)
			c.b.memory.enter(&s.owner, -sub.cost())
			t.mu.Unlock()
			s.stopFeed(sub)
			s.subs.remove(j)
		case !wire.ValidTopicFilter(topic):
			reasons[i] = wire.TopicFilterInvalid
		default:
			reasons[i] = wire.NoSubscriptionExisted
		}
	}
	c.send(appendSuback(make([]byte, 0, 64), c.version, packets.UNSUBACK, p.PacketID, reasons))
	return nil
}
