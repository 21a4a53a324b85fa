package conformance

import (
	"strings"
)

func (c *client) newID() int {
	c.nextID++
	return c.nextID
}

func (c *client) subscribe(filter string, options byte, properties ...string) {
	f := c.r.x.facts
	c.r.provided(options&3 <= f.MaximumQoS, "Maximum QoS is %d", f.MaximumQoS)
	c.r.provided(f.Wildcards || !strings.ContainsAny(filter, "#+"), "Wildcard Subscription Available is 0")
	if strings.HasPrefix(filter, "$share/") {
		c.r.used |= sharing
		c.r.provided(f.Shared, "Shared Subscription Available is 0")
	}
	if len(properties) > 0 {
		c.r.used |= identified
		c.r.provided(f.Identifiers, "Subscription Identifier Available is 0")
	}
	if got := c.trySubscribe(filter, options, properties...); got != options&3 {
		c.r.fatalf("%s: SUBACK 0x%02X for %s; want 0x%02X", c.name, got, brief(filter), options&3)
	}
	c.r.settle()
}

// subscribeWide subscribes to a filter that goes beyond the run's own topics, which the
// user may not be allowed.
func (c *client) subscribeWide(filter string) {
	c.r.provided(c.r.x.facts.Wildcards, "Wildcard Subscription Available is 0")
	if got := c.trySubscribe(filter, 0); got >= 0x80 {
		c.r.undecided("needs a user who may subscribe to #")
	}
	c.r.settle()
}

// settle waits until a subscription works, where the server was seen to say so
// before it does.
func (r *run) settle() {
	r.used |= subscribed
	if r.x.early > 0 && !r.uncorrected {
		r.wait(r.x.early)
	}
}

// trySubscribe returns the reason code of the SUBACK. Retained messages that
// come with it are left to be read.
func (c *client) trySubscribe(filter string, options byte, properties ...string) byte {
	id := c.newID()
	c.sendSubscribe(id, filter, options, properties...)
	p := c.await(suback, id)
	if len(p.codes) != 1 {
		c.r.fatalf("%s got %v; want a SUBACK of id %d with one code", c.name, p, id)
	}
	return p.codes[0]
}

func (c *client) sendSubscribe(id int, filter string, options byte, properties ...string) {
	b := u16(id)
	if c.version == 5 {
		b += props(properties...)
	}
	c.send(raw(0x82, b, str(filter), string([]byte{options})))
}

func (c *client) unsubscribe(filter string) {
	c.r.used |= unsubscribed
	id := c.newID()
	b := u16(id)
	if c.version == 5 {
		b += props()
	}
	c.send(raw(0xa2, b, str(filter)))
	if p := c.await(unsuback, id); c.version == 5 && p.codes != "\x00" {
		c.r.fatalf("%s got %v; want an UNSUBACK of id %d with code 0", c.name, p, id)
	}
}

// encodePublish of a QoS; bits are DUP (8) and RETAIN (1).
func (c *client) encodePublish(id int, topic, payload string, qos, bits byte, properties ...string) string {
	b := str(topic)
	if qos > 0 {
		b += u16(id)
	}
	if c.version == 5 {
		b += props(properties...)
	}
	if bits&1 != 0 {
		c.r.kept[topic] = true
	}
	if topic != c.fence {
		c.r.last = c
	}
	return raw(0x30|qos<<1|bits, b, payload)
}

// publish sends a message and goes through its acknowledgements.
func (c *client) publish(topic, payload string, qos, bits byte, properties ...string) {
	if code := c.tryPublish(topic, payload, qos, bits, properties...); code >= 0x80 {
		c.r.fatalf("%s: PUBLISH to %s refused with 0x%02X; want it taken", c.name, brief(topic), code)
	}
}

// tryPublish is publish that returns the reason code.
func (c *client) tryPublish(topic, payload string, qos, bits byte, properties ...string) byte {
	f := c.r.x.facts
	c.r.provided(qos <= f.MaximumQoS, "Maximum QoS is %d", f.MaximumQoS)
	if bits&1 != 0 {
		c.r.used |= retaining
		c.r.provided(f.Retain, "Retain Available is 0")
	}
	id := 0
	if qos > 0 {
		id = c.newID()
	}
	c.send(c.encodePublish(id, topic, payload, qos, bits, properties...))
	switch qos {
	case 1:
		c.r.used |= qos1
		return c.await(puback, id).code
	case 2:
		c.r.used |= qos2
		if p := c.await(pubrec, id); p.code >= 0x80 {
			return p.code
		}
		c.send(acknowledgement(pubrel, id))
		return c.await(pubcomp, id).code
	}
	return 0
}

// ack goes through the acknowledgements of a message that was received.
func (c *client) ack(p *packet) {
	switch p.qos() {
	case 1:
		c.send(acknowledgement(puback, p.id))
	case 2:
		c.r.used |= qos2
		c.send(acknowledgement(pubrec, p.id))
		c.await(pubrel, p.id)
		c.send(acknowledgement(pubcomp, p.id))
	}
}

// levels is how many levels of QoS the server offers, for loops from 0.
func (r *run) levels() byte { return r.x.facts.MaximumQoS + 1 }
