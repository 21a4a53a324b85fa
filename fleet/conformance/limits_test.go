package conformance

import "time"

const (
	limited    = "QoS 1, no retain"
	restricted = "restricted"
	quick      = "quick"
)

// What a server that does not do everything says and does: sections 3.2.2.3 and 3.9.3.
var limitStatements = []statement{
	{section: "3.2.2.3.4", title: "Maximum QoS and Retain Available are declared", variant: limited, check: func(r *run) {
		c := r.plain()
		r.expect(c.connack.num(36, 2) == 1, "Maximum QoS = %d; want 1", c.connack.num(36, 2))
		r.expect(c.connack.num(37, 1) == 0, "Retain Available = %d; want 0", c.connack.num(37, 1))
	}},
	{section: "3.2.2-9", title: "a SUBSCRIBE over the Maximum QoS is accepted", variant: limited, check: func(r *run) {
		c := r.plain()
		got := c.trySubscribe(r.topic("a"), 2)
		r.expect(got < 0x80, "SUBACK 0x%02X; want it granted (3.2.2-10: at the maximum)", got)
		r.plain().publish(r.topic("a"), "m", 1, 0)
		c.ack(c.message(r.topic("a"), "m"))
	}},
	{section: "3.2.2-11", title: "a PUBLISH over the Maximum QoS", variant: limited, check: func(r *run) {
		c := r.plain()
		c.send(c.encodePublish(1, r.topic("a"), "m", 2, 0))
		c.closed(0x9b)
	}},
	{section: "3.2.2-12", title: "a Will over the Maximum QoS", variant: limited, check: func(r *run) {
		c := r.hello(hello{will: &will{topic: r.topic("w"), qos: 2}})
		r.expect(c.connack.code == 0x9b, "CONNACK 0x%02X; want 0x9B", c.connack.code)
		c.closed()
	}},
	{section: "3.2.2-13", title: "a retained Will where there is no retain", variant: limited, check: func(r *run) {
		c := r.hello(hello{will: &will{topic: r.topic("w"), retain: true}})
		r.expect(c.connack.code == 0x9a, "CONNACK 0x%02X; want 0x9A", c.connack.code)
		c.closed()
	}},
	{section: "3.2.2-14", title: "a retained PUBLISH where there is no retain", variant: limited, check: func(r *run) {
		c := r.plain()
		c.send(c.encodePublish(0, r.topic("a"), "m", 0, 1))
		c.closed(0x9a)
	}},
	{section: "3.2.2-21", title: "Server Keep Alive rules", variant: "keep alive", check: func(r *run) {
		start := time.Now()
		c := r.connect(hello{keep: 600})
		r.expect(c.connack.num(19, 0) == 1, "Server Keep Alive = %d; want 1", c.connack.num(19, 0))
		c.closed(0x8d)
		d := time.Since(start)
		r.expect(d > 1400*time.Millisecond && d < 2700*time.Millisecond, "closed after %v; want about 1.5 s", d)
	}},
	{section: "3.2.2-21", title: "Server Keep Alive for a client without one", variant: "keep alive", check: func(r *run) {
		c := r.connect(hello{keep: 0})
		r.expect(c.connack.num(19, 0) == 1, "Server Keep Alive = %d; want 1", c.connack.num(19, 0))
		c.closed(0x8d)
	}},
	{section: "3.2.2.3.11", title: "what is not available is declared", variant: restricted, check: func(r *run) {
		c := r.plain()
		for _, id := range []byte{40, 41, 42} {
			r.expect(c.connack.num(id, 1) == 0, "property %d = %d; want 0", id, c.connack.num(id, 1))
		}
		r.expect(c.connack.num(34, 0) == 0, "Topic Alias Maximum = %d; want 0 or none", c.connack.num(34, 0))
	}},
	{section: "3.2.2.3.11", title: "a wildcard where there are none", variant: restricted, check: func(r *run) {
		refusedSubscription(r, r.topic("#"), 0xa2)
	}},
	{section: "3.2.2.3.12", title: "a Subscription Identifier where there are none", variant: restricted, check: func(r *run) {
		refusedSubscription(r, r.topic("a"), 0xa1, subscriptionID(1))
	}},
	{section: "3.2.2.3.13", title: "a shared subscription where there are none", variant: restricted, check: func(r *run) {
		refusedSubscription(r, "$share/g/"+r.topic("a"), 0x9e)
	}},
	{section: "3.2.2-18", title: "a Topic Alias where there are none", variant: restricted, check: func(r *run) {
		c := r.plain()
		c.send(c.encodePublish(0, r.topic("a"), "m", 0, 0, topicAlias(1)))
		c.closed(0x94)
	}},
	{section: "3.1.4-2", title: "user name and password", variant: "users", check: func(r *run) {
		r.connect(hello{username: new("alice"), password: new("secret")})
		for _, h := range []hello{
			{}, {username: new("alice")}, {username: new("alice"), password: new("wrong")}, {username: new("alice"), password: new("")},
			{username: new("mallory"), password: new("secret")}, {username: new(""), password: new("secret")}, {password: new("secret")},
		} {
			c := r.hello(h)
			r.expect(c.connack.code == 0x86 || c.connack.code == 0x87, "CONNACK 0x%02X; want 0x86 or 0x87", c.connack.code)
			c.closed()
		}
	}},
	{section: "5.4.2", title: "what a user may subscribe to", variant: "users", check: func(r *run) {
		c := r.connect(hello{username: new("alice"), password: new("secret")})
		c.subscribe("open/"+r.topic("a"), 1)
		code := c.trySubscribe("closed/"+r.topic("a"), 1)
		r.expect(code == 0x87, "SUBACK 0x%02X; want 0x87", code)
	}},
	{section: "5.4.2", title: "what a user may publish", variant: "users", check: func(r *run) {
		c := r.connect(hello{username: new("alice"), password: new("secret")})
		c.subscribe("open/"+r.topic("#"), 0)
		c.send(c.encodePublish(1, "open/"+r.topic("a"), "m", 1, 0))
		var ack, msg bool
		for range 2 {
			p := c.next()
			ack = ack || p.typ == puback && p.code < 0x80
			msg = msg || p.typ == publish
		}
		r.expect(ack && msg, "a PUBLISH that is allowed: acknowledged %v, delivered %v; want both", ack, msg)
		for qos := byte(1); qos <= 2; qos++ {
			code := c.tryPublish("closed/"+r.topic("a"), "m", qos, 0)
			r.expect(code == 0x87, "QoS %d: refused with 0x%02X; want 0x87", qos, code)
		}
		c.alive()
	}},
	{section: "3.2.2.3.15", title: "Response Information", variant: "users", check: func(r *run) {
		c := r.connect(hello{username: new("alice"), password: new("secret"), props: requestResponse(1)})
		info, ok := c.connack.get(26)
		if !ok {
			r.skipf("the server has no Response Information")
		}
		topic := info.value + "/" + r.topic("re")
		c.subscribe(topic, 0)
		c.publish(topic, "m", 0, 0)
		c.message(topic, "m")
		_, ok = r.connect(hello{username: new("alice"), password: new("secret")}).connack.get(26)
		r.expect(!ok, "Response Information came without being asked for (3.1.2-28)")
	}},
}

// refusedSubscription checks that a SUBSCRIBE is refused in the SUBACK, or ends
// the connection, with that code.
func refusedSubscription(r *run, filter string, code byte, properties ...string) {
	c := r.plain()
	c.sendSubscribe(1, filter, 0, properties...)
	p := c.next()
	if p.typ == suback {
		r.expect(p.codes == string([]byte{code}), "SUBACK % x; want %02x", p.codes, code)
		c.alive()
		return
	}
	r.expect(p.typ == disconnect && p.code == code, "got %v; want it refused with 0x%02X", p, code)
}
