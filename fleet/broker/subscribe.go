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
	id := uint32(0) // none
	if p.Properties != nil && p.Properties.SubscriptionIdentifier != nil {
		id = uint32(*p.Properties.SubscriptionIdentifier)
	}
	if c.subscribesSys(p) {
		c.b.askSys()
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != c {
		return errGone
	}
	reasons := make([]byte, len(p.Subscriptions))
	for i := range p.Subscriptions {
		o := &p.Subscriptions[i]
		share, filter := splitShared(o.Topic)
		if reasons[i] = c.subscribable(o.Topic, share, filter, id > 0); reasons[i] < 0x80 {
			reasons[i] = s.enter(o, share, filter, min(o.QoS, c.b.limits.maximumQoS), id)
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
	}
	return wire.Success
}

// enter adds or replaces a subscription (3.8.4-3) and has it get what is
// retained. It returns the QoS that is granted, or wire.QuotaExceeded. The caller
// holds s.mu.
//
// A filter that stands in a packet several times is answered as often, and gets
// what is retained once.
func (s *session) enter(o *packets.SubOptions, share, filter string, qos byte, id uint32) byte {
	t := &s.b.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.seek(filter)
	n := t.own(&s.subs, share, &f)
	isNew := n == 0
	if isNew && s.subs.count < s.b.limits.MaximumSubscriptions {
		n = t.subscribe(s, share, &f)
	}
	if n == 0 {
		return wire.QuotaExceeded
	}
	sub := t.sub(n)
	sub.id = id
	sub.options = sub.options&^maxQoS | options(qos)
	sub.set(noLocal, o.NoLocal)
	sub.set(asPublished, o.RetainAsPublished)
	// 3.3.1-9 to -11; never for a Shared Subscription (4.8.2)
	if share == "" && (o.RetainHandling == 0 || o.RetainHandling == 1 && isNew) {
		s.startFeed(n)
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
	reasons := make([]byte, len(p.Topics))
	for i, topic := range p.Topics {
		switch {
		case s.leave(topic):
		case !wire.ValidTopicFilter(topic):
			reasons[i] = wire.TopicFilterInvalid
		default:
			reasons[i] = wire.NoSubscriptionExisted
		}
	}
	c.send(appendSuback(make([]byte, 0, 64), c.version, packets.UNSUBACK, p.PacketID, reasons))
	return nil
}

// leave removes a subscription, and reports whether there was one. The caller holds s.mu.
func (s *session) leave(topic string) bool {
	t := &s.b.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	share, filter := splitShared(topic)
	f := t.seek(filter)
	n := t.own(&s.subs, share, &f)
	if n == 0 {
		return false
	}
	s.stopFeed(n)
	t.unsubscribe(s, n)
	return true
}
