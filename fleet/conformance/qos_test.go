package conformance

import (
	"fmt"
	"strings"
	"time"
)

// Chapter 4.3 to 4.6, 4.9, and sections 3.4 to 3.7.
var qosStatements = []statement{
	{section: "4.3", title: "every QoS to every QoS", check: func(r *run) {
		c := r.plain()
		for sub := range byte(3) {
			w := r.watcher(r.topic("a"), sub)
			for pub := range byte(3) {
				payload := fmt.Sprint(pub)
				c.publish(r.topic("a"), payload, pub, 0)
				p := w.message(r.topic("a"), payload)
				r.expect(p.qos() == min(pub, sub), "QoS %d for a message of %d and a subscription of %d (3.8.4-8)", p.qos(), pub, sub)
				w.ack(p)
			}
			w.bye()
		}
	}},
	{section: "2.2.1-5", title: "acknowledgements carry the identifier of what they acknowledge", check: func(r *run) {
		c := r.plain()
		for _, id := range []int{1, 255, 256, 65535} {
			c.send(c.encodePublish(id, r.topic("a"), "m", 1, 0))
			c.wantID(puback, id)
			c.send(c.encodePublish(id, r.topic("a"), "m", 2, 0))
			c.wantID(pubrec, id)
			c.send(raw(0x62, u16(id)))
			c.wantID(pubcomp, id)
			c.sendSubscribe(id, r.topic("b"), 0)
			c.wantID(suback, id)
			c.send(raw(0xa2, u16(id), none, str(r.topic("b"))))
			c.wantID(unsuback, id)
		}
	}},
	{section: "2.2.1-4", title: "client's and server's identifiers are apart", check: func(r *run) {
		c := r.plain()
		c.subscribe(r.topic("a"), 2)
		other := r.plain()
		// The server has message N under way to the client while the client has
		// its own N under way to the server, for many N.
		for id := 1; id <= 5; id++ {
			c.send(c.encodePublish(id, r.topic("b"), "up", 2, 0))
			c.wantID(pubrec, id)
		}
		var down []*packet
		for i := range 5 {
			other.publish(r.topic("a"), fmt.Sprint(i), 2, 0)
			p := c.message(r.topic("a"), fmt.Sprint(i))
			down = append(down, p)
			c.send(raw(0x50, u16(p.id)))
			c.wantID(pubrel, p.id)
		}
		for id := 1; id <= 5; id++ {
			c.send(raw(0x62, u16(id)))
			c.wantID(pubcomp, id)
		}
		for _, p := range down {
			c.send(raw(0x70, u16(p.id)))
		}
		other.publish(r.topic("a"), "last", 2, 0)
		c.ack(c.message(r.topic("a"), "last"))
	}},
	{section: "2.2.1-4", title: "an identifier in use is passed over when they come round again", variant: quick, full: true, check: func(r *run) {
		w := r.connect(hello{props: receiveMaximum(4)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		// One message stays unacknowledged and one unreleased, while more than all
		// identifiers there are go by.
		c.publish(r.topic("a"), "held", 1, 0)
		held := w.message(r.topic("a"), "held")
		c.publish(r.topic("a"), "freed", 2, 0)
		freed := w.message(r.topic("a"), "freed")
		w.send(raw(0x50, u16(freed.id)))
		w.wantID(pubrel, freed.id)
		const batch = 5 // below every server's Receive Maximum
		var up strings.Builder
		for i := range batch {
			up.WriteString(c.encodePublish(1+i, r.topic("a"), "m", 1, 0))
		}
		for range 65_600 / batch {
			c.send(up.String())
			for i := range batch {
				p := w.message(r.topic("a"), "m")
				r.expect(p.id != held.id && p.id != freed.id, "Packet Identifier %d is in use and used again", p.id)
				w.ack(p)
				c.wantID(puback, 1+i)
			}
		}
		w.ack(held)
		w.send(raw(0x70, u16(freed.id)))
		w.quiet()
	}},
	{section: "4.3.3-10", title: "QoS 2: a repeated PUBLISH is not delivered again", check: func(r *run) {
		w := r.watcher(r.topic("a"), 2)
		c := r.plain()
		c.send(c.encodePublish(7, r.topic("a"), "once", 2, 0))
		c.wantID(pubrec, 7)
		c.send(c.encodePublish(7, r.topic("a"), "once", 2, 8))
		c.wantID(pubrec, 7)
		c.send(raw(0x62, u16(7)))
		c.wantID(pubcomp, 7)
		w.ack(w.message(r.topic("a"), "once"))
		w.quiet()
	}},
	{section: "4.3.3-12", title: "QoS 2: after PUBCOMP the identifier is a new message's", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		c := r.plain()
		for _, m := range []string{"1", "2"} {
			c.send(c.encodePublish(7, r.topic("a"), m, 2, 0))
			c.wantID(pubrec, 7)
			c.send(raw(0x62, u16(7)))
			c.wantID(pubcomp, 7)
			w.message(r.topic("a"), m)
		}
	}},
	{section: "4.3.3-11", title: "QoS 2: every PUBREL is answered", check: func(r *run) {
		c := r.plain()
		c.send(c.encodePublish(7, r.topic("a"), "m", 2, 0))
		c.wantID(pubrec, 7)
		for range 3 {
			c.send(raw(0x62, u16(7)))
			c.wantID(pubcomp, 7)
		}
	}},
	{section: "3.7.2.1", title: "PUBREL of an unknown identifier", check: func(r *run) {
		c := r.plain()
		c.send(raw(0x62, u16(77)))
		p := c.wantID(pubcomp, 77)
		r.expect(p.code == 0x92, "PUBCOMP 0x%02X; want 0x92, Packet Identifier not found", p.code)
	}},
	{section: "3.6.2.1", title: "PUBREC of an unknown identifier", check: func(r *run) {
		c := r.plain()
		c.send(raw(0x50, u16(77)))
		p := c.wantID(pubrel, 77)
		r.expect(p.code == 0x92, "PUBREL 0x%02X; want 0x92, Packet Identifier not found", p.code)
	}},
	{section: "4.3.2-4", title: "QoS 1: a PUBLISH with an identifier in use is answered again", check: func(r *run) {
		c := r.plain()
		for range 3 {
			c.send(c.encodePublish(7, r.topic("a"), "m", 1, 8))
			c.wantID(puback, 7)
		}
	}},
	{section: "3.4.2.1", title: "PUBACK says whether there are subscribers, or 0", check: func(r *run) {
		c := r.plain()
		code := c.tryPublish(r.topic("nobody"), "m", 1, 0)
		r.expect(code == 0 || code == 0x10, "PUBACK 0x%02X; want 0x00 or 0x10", code)
		r.watcher(r.topic("somebody"), 0)
		code = c.tryPublish(r.topic("somebody"), "m", 1, 0)
		r.expect(code == 0, "PUBACK 0x%02X; want 0x00", code)
	}},
	{section: "3.4.2-1", title: "acknowledgements with a reason code and properties", check: func(r *run) {
		w := r.watcher(r.topic("a"), 2)
		c := r.plain()
		c.publish(r.topic("a"), "1", 1, 0)
		w.send(raw(0x40, u16(w.message(r.topic("a"), "1").id), "\x10", props(reasonString("why"), user("k", "v"))))
		c.publish(r.topic("a"), "2", 2, 0)
		p := w.message(r.topic("a"), "2")
		w.send(raw(0x50, u16(p.id), "\x00", props(user("k", "v"))))
		w.wantID(pubrel, p.id)
		w.send(raw(0x70, u16(p.id), "\x00", none))
		w.quiet()
	}},
	{section: "4.3.3-4", title: "PUBREC with an error ends the delivery", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100) + receiveMaximum(1)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		c.publish(r.topic("a"), "1", 2, 0)
		c.publish(r.topic("a"), "2", 2, 0)
		w.send(raw(0x50, u16(w.message(r.topic("a"), "1").id), "\x80"))
		w.ack(w.message(r.topic("a"), "2"))
		w.bye()
		r.connect(h).quiet()
	}},
	{section: "4.3.2-3", title: "PUBACK with an error ends the delivery", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100) + receiveMaximum(1)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 1)
		c := r.plain()
		c.publish(r.topic("a"), "1", 1, 0)
		c.publish(r.topic("a"), "2", 1, 0)
		w.send(raw(0x40, u16(w.message(r.topic("a"), "1").id), "\x80"))
		w.ack(w.message(r.topic("a"), "2"))
		w.bye()
		r.connect(h).quiet()
	}},
	{section: "4.4.0-1", title: "nothing is sent again within a connection", check: func(r *run) {
		w := r.watcher(r.topic("a"), 2)
		c := r.plain()
		c.publish(r.topic("a"), "1", 1, 0)
		c.publish(r.topic("a"), "2", 2, 0)
		w.message(r.topic("a"), "1")
		w.message(r.topic("a"), "2")
		time.Sleep(1500 * time.Millisecond)
		w.quiet()
	}},
	{section: "4.4.0-1", title: "an unacknowledged PUBLISH is sent again on the next connection", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		var first []*packet
		for i := range 6 {
			c.publish(r.topic("a"), fmt.Sprint(i), byte(1+i%2), 0, user("n", fmt.Sprint(i)))
			first = append(first, w.message(r.topic("a"), fmt.Sprint(i)))
		}
		w.cut()
		w = r.connect(h)
		for i, f := range first {
			p := w.message(r.topic("a"), fmt.Sprint(i)) // in the order of before: 4.6.0-1
			r.expect(p.dup() && p.id == f.id && p.qos() == f.qos(), "sent again as %v; want DUP, id %d and QoS %d", p, f.id, f.qos())
			wantProps(r, p, nil, "n="+fmt.Sprint(i))
			w.ack(p)
		}
		w.quiet()
	}},
	{section: "4.4.0-1", title: "an unacknowledged PUBREL is sent again on the next connection", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 2)
		r.plain().publish(r.topic("a"), "m", 2, 0)
		p := w.message(r.topic("a"), "m")
		w.send(raw(0x50, u16(p.id)))
		w.wantID(pubrel, p.id)
		w.cut()
		w = r.connect(h)
		w.wantID(pubrel, p.id)
		w.send(raw(0x70, u16(p.id)))
		w.quiet()
	}},
	{section: "4.3.3-13", title: "QoS 2 across connections: delivered once", check: func(r *run) {
		w := r.watcher(r.topic("a"), 2)
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		c := r.connect(h)
		c.send(c.encodePublish(7, r.topic("a"), "once", 2, 0))
		c.wantID(pubrec, 7)
		c.cut()
		c = r.connect(h)
		r.expect(c.connack.session, "Session Present = false; want the session")
		c.send(c.encodePublish(7, r.topic("a"), "once", 2, 8))
		c.wantID(pubrec, 7)
		c.send(raw(0x62, u16(7)))
		c.wantID(pubcomp, 7)
		w.ack(w.message(r.topic("a"), "once"))
		w.quiet()
	}},
	{section: "4.3.3-13", title: "QoS 2 across connections: PUBREL is answered", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		c := r.connect(h)
		c.send(c.encodePublish(7, r.topic("a"), "once", 2, 0))
		c.wantID(pubrec, 7)
		c.cut()
		c = r.connect(h)
		c.send(raw(0x62, u16(7)))
		p := c.wantID(pubcomp, 7)
		r.expect(p.code == 0, "PUBCOMP 0x%02X; want success", p.code)
	}},
	{section: "4.3.3-13", title: "QoS 2: a session that ended forgets the identifiers", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		h := hello{id: r.id("a"), props: sessionExpiry(100)}
		c := r.connect(h)
		c.send(c.encodePublish(7, r.topic("a"), "1", 2, 0))
		c.wantID(pubrec, 7)
		c.cut()
		c = r.connect(h) // Clean Start
		c.send(c.encodePublish(7, r.topic("a"), "2", 2, 0))
		c.wantID(pubrec, 7)
		c.send(raw(0x62, u16(7)))
		c.wantID(pubcomp, 7)
		p := w.want(publish)
		if p.payload == "1" { // servers may deliver at the PUBLISH or at the PUBREL
			p = w.want(publish)
		}
		r.expect(p.payload == "2", "got %v; want the message of the new session", p)
	}},
	{section: "4.6.0-5", title: "order, and nothing lost", check: func(r *run) {
		const n, batch = 300, 5 // below every server's Receive Maximum
		for qos := range byte(3) {
			topic := r.topic(fmt.Sprint(qos))
			w := r.watcher(topic, qos)
			c := r.plain()
			for i := 0; i < n; i += batch {
				var all strings.Builder
				for k := range batch {
					all.WriteString(c.encodePublish(1+k, topic, fmt.Sprint(i+k), 1, 0))
				}
				c.send(all.String())
				for k := range batch { // in the order of the PUBLISHes: 4.6.0-2
					c.wantID(puback, 1+k)
				}
			}
			for i := range n {
				w.ack(w.message(topic, fmt.Sprint(i)))
			}
		}
	}},
	{section: "4.6.0-3", title: "PUBRECs and PUBCOMPs in order", check: func(r *run) {
		c := r.plain()
		var all strings.Builder
		for id := 1; id <= 8; id++ {
			all.WriteString(c.encodePublish(id, r.topic("a"), "m", 2, 0))
		}
		c.send(all.String())
		for id := 1; id <= 8; id++ {
			c.wantID(pubrec, id)
		}
		for id := 1; id <= 8; id++ {
			c.send(raw(0x62, u16(id)))
		}
		for id := 1; id <= 8; id++ {
			c.wantID(pubcomp, id)
		}
	}},
	{section: "3.3.4-9", title: "the client's Receive Maximum holds QoS 1 back", check: func(r *run) {
		w := r.connect(hello{props: receiveMaximum(2)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		for i := range 6 {
			c.publish(r.topic("a"), fmt.Sprint(i), 1, 0)
		}
		p0, p1 := w.message(r.topic("a"), "0"), w.message(r.topic("a"), "1")
		w.quiet()
		w.ack(p0)
		p2 := w.message(r.topic("a"), "2")
		w.quiet()
		w.ack(p1)
		w.ack(p2)
		for i := 3; i < 6; i++ {
			w.ack(w.message(r.topic("a"), fmt.Sprint(i)))
		}
		w.quiet()
	}},
	{section: "4.9.0-3", title: "QoS 0 is not held back and not counted", check: func(r *run) {
		w := r.connect(hello{props: receiveMaximum(1)})
		w.subscribe(r.topic("a"), 1)
		c := r.plain()
		c.publish(r.topic("a"), "0", 1, 0)
		c.publish(r.topic("a"), "1", 1, 0)
		p := w.message(r.topic("a"), "0")
		for range 3 {
			c.publish(r.topic("a"), "zero", 0, 0)
			w.message(r.topic("a"), "zero")
		}
		w.quiet()
		w.ack(p)
		p = w.message(r.topic("a"), "1")
		c.publish(r.topic("a"), "2", 1, 0)
		w.quiet()
		w.ack(p)
		w.ack(w.message(r.topic("a"), "2"))
	}},
	{section: "4.9.0-2", title: "QoS 2 counts until PUBCOMP", check: func(r *run) {
		w := r.connect(hello{props: receiveMaximum(1)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		c.publish(r.topic("a"), "0", 2, 0)
		c.publish(r.topic("a"), "1", 1, 0)
		p := w.message(r.topic("a"), "0")
		w.quiet()
		w.send(raw(0x50, u16(p.id)))
		w.wantID(pubrel, p.id)
		c.publish(r.topic("a"), "2", 1, 0)
		w.quiet()
		w.send(raw(0x70, u16(p.id)))
		w.ack(w.message(r.topic("a"), "1"))
		w.ack(w.message(r.topic("a"), "2"))
	}},
	{section: "4.9.0-1", title: "the quota starts anew with each connection", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100) + receiveMaximum(2)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 1)
		c := r.plain()
		for i := range 4 {
			c.publish(r.topic("a"), fmt.Sprint(i), 1, 0)
		}
		w.message(r.topic("a"), "0")
		w.message(r.topic("a"), "1")
		w.cut()
		h.props = sessionExpiry(100) + receiveMaximum(1)
		w = r.connect(h)
		p := w.message(r.topic("a"), "0")
		w.quiet()
		w.ack(p)
		for i := 1; i < 4; i++ {
			w.ack(w.message(r.topic("a"), fmt.Sprint(i)))
		}
		w.quiet()
	}},
	{section: "4.9.0-1", title: "Receive Maximum 1 and many messages both ways do not stall", check: func(r *run) {
		w := r.connect(hello{props: receiveMaximum(1)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		const n = 60
		for i := range n {
			c.publish(r.topic("a"), fmt.Sprint(i), byte(1+i%2), 0)
		}
		for i := range n {
			p := w.message(r.topic("a"), fmt.Sprint(i))
			id := p.id // the client uses the same identifiers for its own
			w.send(w.encodePublish(id, r.topic("b"), "m", 1, 0))
			w.wantID(puback, id)
			w.ack(p)
		}
	}},
	{section: "3.3.4-8", title: "more than the server's Receive Maximum", check: func(r *run) {
		c := r.plain()
		limit := int(c.connack.num(33, 65535))
		if limit > 2000 {
			r.skipf("the server's Receive Maximum is %d", limit)
		}
		for id := 1; id <= limit; id++ {
			c.send(c.encodePublish(id, r.topic("a"), "m", 2, 0))
			c.wantID(pubrec, id)
		}
		c.send(c.encodePublish(limit+1, r.topic("a"), "m", 2, 0))
		c.closed(0x93)
	}},
	{section: "3.3.4-7", title: "the server's Receive Maximum can be used up and freed", check: func(r *run) {
		c := r.plain()
		limit := int(c.connack.num(33, 65535))
		if limit > 2000 {
			r.skipf("the server's Receive Maximum is %d", limit)
		}
		for range 3 {
			for id := 1; id <= limit; id++ {
				c.send(c.encodePublish(id, r.topic("a"), "m", 2, 0))
				c.wantID(pubrec, id)
			}
			c.publish(r.topic("a"), "m", 0, 0)
			for id := 1; id <= limit; id++ {
				c.send(raw(0x62, u16(id)))
				c.wantID(pubcomp, id)
			}
		}
		c.alive()
	}},
	{section: "3.1.2-24", title: "the client's Maximum Packet Size", check: func(r *run) {
		w := r.connect(hello{props: maximumPacket(100)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		for qos := range byte(3) {
			c.publish(r.topic("a"), strings.Repeat("x", 100), qos, 0)
			c.publish(r.topic("a"), "m", qos, 0)
			w.ack(w.message(r.topic("a"), "m")) // as if the large one had been sent: 3.1.2-25
		}
		w.quiet()
	}},
	{section: "3.1.2-24", title: "a packet exactly as large as the Maximum Packet Size", check: func(r *run) {
		topic := r.topic("a")
		n := 100 - 2 - 2 - len(topic) - 1 // fixed header, topic, no properties
		w := r.connect(hello{props: maximumPacket(100)})
		w.subscribe(topic, 0)
		c := r.plain()
		c.publish(topic, strings.Repeat("x", n+1), 0, 0)
		c.publish(topic, strings.Repeat("x", n), 0, 0)
		w.message(topic, strings.Repeat("x", n))
	}},
	{section: "3.1.2-25", title: "a message that was too large does not use up the quota", check: func(r *run) {
		w := r.connect(hello{props: maximumPacket(100) + receiveMaximum(1)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		for i := range 5 {
			c.publish(r.topic("a"), strings.Repeat("x", 100), byte(1+i%2), 0)
		}
		c.publish(r.topic("a"), "m", 1, 0)
		w.ack(w.message(r.topic("a"), "m"))
	}},
	{section: "3.2.2-15", title: "a packet over the server's Maximum Packet Size", check: func(r *run) {
		c := r.plain()
		limit := int(c.connack.num(39, 1<<28))
		if limit > 1<<20 {
			r.skipf("the server's Maximum Packet Size is %d", limit)
		}
		w := r.watcher(r.topic("a"), 0)
		overhead := len(c.encodePublish(0, r.topic("a"), strings.Repeat("x", 20_000), 0, 0)) - 20_000
		c.publish(r.topic("a"), strings.Repeat("x", limit-overhead), 0, 0)
		w.message(r.topic("a"), strings.Repeat("x", limit-overhead))
		c.trySend(c.encodePublish(0, r.topic("a"), strings.Repeat("x", limit-overhead+1), 0, 0))
		c.closed(0x95)
		w.quiet()
	}},
	{section: "3.2.2-15", title: "a CONNECT over the server's Maximum Packet Size", check: func(r *run) {
		limit := r.plain().connack.num(39, 1<<28)
		if limit > 200_000 {
			r.skipf("the server's Maximum Packet Size is %d", limit)
		}
		long := strings.Repeat("x", 65535)
		c := r.dial(5)
		c.trySend(hello{version: 5, id: r.id("a"), username: &long, password: &long, will: &will{topic: "w", payload: long, props: correlation(long)}}.encode())
		c.refused(0x95)
	}},
	{section: "4.13", title: "a broken client harms nobody else", check: func(r *run) {
		w := r.watcher(r.topic("a"), 1)
		c := r.plain()
		for i := range 5 {
			bad := r.plain()
			bad.subscribe(r.topic("a"), 1)
			bad.trySend("\xff\xff\xff\xff\xff")
			c.publish(r.topic("a"), fmt.Sprint(i), 1, 0)
			w.ack(w.message(r.topic("a"), fmt.Sprint(i)))
		}
	}},
}
