package broker

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// subscribe handles a SUBSCRIBE (section 3.8). The session stays locked until
// the SUBACK and the retained messages are in the buffer: a message that is
// published meanwhile comes behind them.
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
	var ids []uint32
	if id != nil {
		ids = []uint32{uint32(*id)}
	}
	reasons := make([]byte, len(p.Subscriptions))
	type batch struct {
		retained []*message
		qos      byte
	}
	var batches []batch
	for i := range p.Subscriptions {
		o := &p.Subscriptions[i]
		share, filter := splitShared(o.Topic)
		if reasons[i] = c.subscribable(o.Topic, share, filter, id != nil); reasons[i] >= 0x80 {
			continue
		}
		reasons[i] = min(o.QoS, c.b.limits.maximumQoS)
		retained := s.enter(o, share, filter, reasons[i], ids)
		if len(retained) > 0 {
			batches = append(batches, batch{retained, reasons[i]})
		}
	}
	c.send(appendSuback(make([]byte, 0, 64), c.version, packets.SUBACK, p.PacketID, reasons))
	for _, batch := range batches {
		for _, m := range batch.retained {
			r := routing{m: m, kept: m}
			s.send(&r, outgoing{ids: ids, qos: min(m.qos, batch.qos), retain: true}) // 3.3.1-8
		}
	}
	return nil
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

// enter adds or replaces a subscription (3.8.4-3) and returns the retained
// messages to send. The caller holds s.mu.
func (s *session) enter(o *packets.SubOptions, share, filter string, qos byte, ids []uint32) (retained []*message) {
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
	}
	sub.ids, sub.qos, sub.noLocal, sub.asPublished = ids, qos, o.NoLocal, o.RetainAsPublished
	if isNew {
		s.subs.add(sub)
		t.add(share, filter, sub)
	}
	if share != "" || o.RetainHandling == 2 || o.RetainHandling == 1 && !isNew {
		return nil // 3.3.1-9 to -11; never for a Shared Subscription (4.8.2)
	}
	retained = t.matching(nil, filter, time.Now())
	if o.NoLocal {
		retained = slices.DeleteFunc(retained, func(m *message) bool { return m.from == s.id })
	}
	slices.SortFunc(retained, func(a, b *message) int { return bytes.Compare(a.topic, b.topic) })
	return retained
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
			t.mu.Unlock()
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
