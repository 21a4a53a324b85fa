package broker

import (
	"bytes"

	"homefleet/fleet/wire"
)

// publishIn handles a PUBLISH of the client (section 3.3).
func (c *conn) publishIn(f wire.Frame) error {
	p, err := c.parsePublish(f)
	if err != nil {
		return err
	}
	if err := c.resolve(&p); err != nil {
		return err
	}
	l := &c.b.limits
	switch {
	case p.QoS > l.maximumQoS:
		return &wire.Error{Code: wire.QoSNotSupported, Text: "a PUBLISH over the Maximum QoS"} // 3.2.2-11
	case p.Retain && l.NoRetain:
		return &wire.Error{Code: wire.RetainNotSupported, Text: "a PUBLISH to be retained, which is not supported"} // 3.2.2-14
	case len(p.Props.SubscriptionIDs) > 0:
		return protocolError("a PUBLISH of a client with a Subscription Identifier") // 3.3.4-6
	case c.b.badResponseTopic(&p.Props):
		return protocolError("a Response Topic that is empty or has a wildcard") // 3.3.2-14
	}
	s := c.s
	s.mu.Lock()
	if s.conn != c { // taken over meanwhile
		s.mu.Unlock()
		return errGone
	}
	counted, known := s.incoming[p.PacketID]
	known = known && p.QoS == 2
	if p.QoS > 0 && !(known && counted) && c.version == wire.V5 && s.incomingCounted >= int(l.ReceiveMaximum) {
		s.mu.Unlock()
		return &wire.Error{Code: wire.ReceiveMaximumExceeded, Text: "more PUBLISH under way than the Receive Maximum"} // 3.3.4-7
	}
	if known && !counted {
		s.incoming[p.PacketID] = true
		s.incomingCounted++
	}
	s.mu.Unlock()
	if known { // 4.3.3-10
		c.ack(packetPubrec, p.PacketID, wire.Success)
		return nil
	}

	code := byte(wire.QuotaExceeded)
	room := p.QoS < 2 || c.b.memory.take(&s.owner, costIncoming)
	if room {
		code = c.accept(&p)
	}
	if code >= 0x80 {
		c.b.count.rejected.Add(1)
		if c.version != wire.V5 {
			code = wire.Success // 3.1.1 has no way to say it: acknowledged and dropped
		}
	} else {
		c.b.count.messagesIn.Add(1)
	}
	switch p.QoS {
	case 1:
		c.ack(packetPuback, p.PacketID, code)
	case 2:
		switch {
		case code < 0x80 && !room: // acknowledged and dropped, and the client will release it
			c.b.memory.enter(&s.owner, costIncoming)
		case code >= 0x80 && room:
			c.b.memory.enter(&s.owner, -costIncoming)
		}
		if code < 0x80 {
			s.mu.Lock()
			if s.incoming == nil {
				s.incoming = make(map[uint16]bool)
			}
			s.incoming[p.PacketID] = true
			s.incomingCounted++
			s.mu.Unlock()
		}
		c.ack(packetPubrec, p.PacketID, code)
	}
	return nil
}

// parsePublish is wire.ParsePublish, of one large packet at a time.
func (c *conn) parsePublish(f wire.Frame) (wire.Publish, error) {
	if len(f) >= largePacket {
		c.b.parsing.Lock()
		defer c.b.parsing.Unlock()
	}
	return wire.ParsePublish(f, c.version)
}

// resolve replaces a Topic Alias by its topic (3.3.2.3.4).
func (c *conn) resolve(p *wire.Publish) error {
	if !p.Props.HasTopicAlias {
		return nil
	}
	alias := p.Props.TopicAlias
	p.Props.TopicAlias, p.Props.HasTopicAlias = 0, false
	if int(alias) > c.b.limits.TopicAliasMaximum { // 3.2.2-17, -18
		return &wire.Error{Code: wire.TopicAliasInvalid, Text: "a Topic Alias over the Topic Alias Maximum"}
	}
	if len(p.Topic) == 0 {
		topic, ok := c.aliases[alias]
		if !ok {
			return protocolError("a Topic Alias that was never set")
		}
		p.Topic = topic
		return nil
	}
	if c.aliases == nil {
		c.aliases = make(map[uint16][]byte)
	}
	n := costAlias + text(len(p.Topic))
	if old, ok := c.aliases[alias]; ok {
		n -= costAlias + text(len(old))
	}
	if !c.b.memory.take(&c.s.owner, n) {
		return &wire.Error{Code: wire.QuotaExceeded, Text: "a Topic Alias that there is no room for"}
	}
	c.aliases[alias] = bytes.Clone(p.Topic)
	return nil
}

// accept routes a message and returns the reason code for its sender.
func (c *conn) accept(p *wire.Publish) byte {
	switch {
	case reserved(p.Topic) || !c.access.mayPublish(p.Topic) || !c.mayAnswerTo(p.Props.ResponseTopic):
		return wire.NotAuthorized
	case levels(p.Topic) > maxLevels:
		return wire.TopicNameInvalid
	}
	matched, code := c.b.route(p, &c.s.owner)
	if code == wire.Success && !matched {
		return wire.NoMatchingSubscribers
	}
	return code
}

// pubrel handles a PUBREL of the client.
func (s *session) pubrel(c *conn, a wire.Ack) {
	counted, known := s.incoming[a.PacketID]
	code := byte(wire.PacketIDNotFound)
	if known {
		code = wire.Success
		delete(s.incoming, a.PacketID)
		s.b.memory.enter(&s.owner, -costIncoming)
		if len(s.incoming) == 0 {
			s.incoming = nil
		}
		if counted {
			s.incomingCounted--
		}
	}
	c.ack(packetPubcomp, a.PacketID, code)
}
