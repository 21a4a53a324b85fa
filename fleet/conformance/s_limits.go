package conformance

import (
	"cmp"
)

// What a server that does not do everything says and does: sections 3.2.2.3 and 3.9.3.
// Their control, of which controls.go has the steps: a PINGREQ is answered.
var limitStatements = []Statement{
	{Clause: "3.2.2-9", Title: "a SUBSCRIBE over the Maximum QoS is accepted", needs: lowQoS,
		Does:  "Subscribes at QoS 2.",
		Wants: "It is granted, at the maximum.",
		check: func(r *run) {
			c := r.plain()
			got := c.trySubscribe(r.topic("a"), 2)
			r.expect(got < 0x80, "SUBACK 0x%02X; want it granted (3.2.2-10: at the maximum)", got)
			r.plain().publish(r.topic("a"), "m", 1, 0)
			c.ack(c.message(r.topic("a"), "m"))
		}},
	{Clause: "3.2.2-11", Title: "a PUBLISH over the Maximum QoS", needs: lowQoS,
		Does:  "Publishes at QoS 2.",
		Wants: "The server closes with 0x9B.",
		check: func(r *run) {
			c := r.plain()
			c.send(c.encodePublish(1, r.topic("a"), "m", 2, 0))
			c.closed(0x9b)
		}},
	{Clause: "3.2.2-12", Title: "a Will over the Maximum QoS", needs: lowQoS,
		Does:  "Connects with a Will of QoS 2.",
		Wants: "The CONNACK refuses with 0x9B.",
		check: func(r *run) {
			c := r.hello(hello{will: &will{topic: r.topic("w"), qos: 2}})
			r.expect(c.connack.code == 0x9b, "CONNACK 0x%02X; want 0x9B", c.connack.code)
			c.closed()
		}},
	{Clause: "3.2.2-13", Title: "a retained Will where there is no retain", needs: noRetain,
		Does:  "Connects with a Will that is to be retained.",
		Wants: "The CONNACK refuses with 0x9A.",
		check: func(r *run) {
			c := r.hello(hello{will: &will{topic: r.topic("w"), retain: true}})
			r.expect(c.connack.code == 0x9a, "CONNACK 0x%02X; want 0x9A", c.connack.code)
			c.closed()
		}},
	{Clause: "3.2.2-14", Title: "a retained PUBLISH where there is no retain", needs: noRetain,
		Does:  "Publishes with RETAIN.",
		Wants: "The server closes with 0x9A.",
		check: func(r *run) {
			c := r.plain()
			c.send(c.encodePublish(0, r.topic("a"), "m", 0, retainFlag))
			c.closed(0x9a)
		}},
	{Clause: "3.2.2-21", Title: "Server Keep Alive rules", needs: serverKeepAlive,
		Does:  "Connects with a Keep Alive of 600 s and says nothing.",
		Wants: "The server closes after one and a half times its own Keep Alive, with 0x8D if it says why.",
		check: func(r *run) {
			c := r.connect(hello{keep: 600})
			c.timedOut(int(c.connack.num(serverKeepAliveProperty, 0)), 0x8d)
		}},
	{Clause: "3.2.2-21", Title: "Server Keep Alive for a client without one", needs: serverKeepAlive,
		Does:  "Connects with Keep Alive 0 and says nothing.",
		Wants: "The CONNACK has the Server Keep Alive, and the server closes.",
		check: func(r *run) {
			c := r.connect(hello{keep: 0})
			r.expect(c.connack.num(serverKeepAliveProperty, 0) > 0, "the CONNACK has no Server Keep Alive; want the one that others get")
			c.timedOut(int(c.connack.num(serverKeepAliveProperty, 0)), 0x8d)
		}},
	{Clause: "3.2.2.3.11", Title: "a wildcard where there are none", needs: noWildcards,
		Does:  "Subscribes to a filter with a wildcard.",
		Wants: "It is refused with 0xA2.",
		check: func(r *run) {
			refusedSubscription(r, r.topic("#"), 0xa2)
		}},
	{Clause: "3.2.2.3.12", Title: "a Subscription Identifier where there are none", needs: noIdentifiers,
		Does:  "Subscribes with a Subscription Identifier.",
		Wants: "It is refused with 0xA1.",
		check: func(r *run) {
			refusedSubscription(r, r.topic("a"), 0xa1, subscriptionID(1))
		}},
	{Clause: "3.2.2.3.13", Title: "a shared subscription where there are none", needs: noShared,
		Does:  "Subscribes to a shared subscription.",
		Wants: "It is refused with 0x9E.",
		check: func(r *run) {
			refusedSubscription(r, "$share/g/"+r.topic("a"), 0x9e)
		}},
	{Clause: "3.2.2-18", Title: "a Topic Alias where there are none", needs: noAliases,
		Does:  "Publishes with a Topic Alias.",
		Wants: "The server closes with 0x94.",
		check: func(r *run) {
			c := r.plain()
			c.send(c.encodePublish(0, r.topic("a"), "m", 0, 0, topicAlias(1)))
			c.closed(0x94)
		}},
	{Clause: "3.1.4-2", Title: "user name and password", needs: users,
		Does:  "Connects without a name, with a wrong name, without a password and with a wrong one.",
		Wants: "Each is refused with 0x86 or 0x87.",
		check: func(r *run) {
			r.plain()
			name, secret := &r.x.cfg.Username, cmp.Or(r.x.password, new("secret"))
			for _, h := range []hello{
				{stranger: true}, {username: name}, {username: name, password: new("not " + *secret)}, {username: name, password: new("")},
				{username: new("not " + *name), password: secret}, {username: new(""), password: secret}, {password: secret},
			} {
				c := r.hello(h)
				r.expect(c.connack.code == 0x86 || c.connack.code == 0x87, "CONNACK 0x%02X; want 0x86 or 0x87", c.connack.code)
				c.closed()
			}
		}},
	{Clause: "5.4.2", Title: "what a user may subscribe to", needs: forbidden,
		Does:  "Subscribes to the forbidden topic.",
		Wants: "The SUBACK refuses with 0x87.",
		check: func(r *run) {
			c := r.watcher(r.topic("a"), 1)
			code := c.trySubscribe(r.x.cfg.ForbiddenTopic, 1)
			r.expect(code == 0x87, "SUBACK 0x%02X; want 0x87", code)
		}},
	{Clause: "5.4.2", Title: "what a user may publish", needs: forbidden,
		Does:  "Publishes to a topic that is allowed, and to the forbidden one.",
		Wants: "The first is delivered, the others are refused with 0x87, and the client stays connected.",
		check: func(r *run) {
			c := r.watcher(r.topic("#"), 0)
			c.send(c.encodePublish(1, r.topic("a"), "m", 1, 0))
			var ack, msg bool
			for range 2 {
				p := c.next()
				ack = ack || p.typ == puback && p.code < 0x80
				msg = msg || p.typ == publish
			}
			r.expect(ack && msg, "a PUBLISH that is allowed: acknowledged %v, delivered %v; want both", ack, msg)
			for qos := byte(1); qos < r.levels(); qos++ {
				code := c.tryPublish(r.x.cfg.ForbiddenTopic, "m", qos, 0)
				r.expect(code == 0x87, "QoS %d: refused with 0x%02X; want 0x87", qos, code)
			}
			c.alive()
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
