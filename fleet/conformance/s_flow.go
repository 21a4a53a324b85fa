package conformance

import (
	"fmt"
	"strings"
)

// Chapter 4.9 and the sizes of packets: how much a side may send.
var flowStatements = []Statement{
	{Clause: "3.3.4-9", Title: "the client's Receive Maximum holds QoS 1 back", check: func(r *run) {
		w := r.connect(hello{props: receiveMaximum(2)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		for i := range 6 {
			c.publish(r.topic("a"), fmt.Sprint(i), 1, 0)
		}
		p0, p1 := w.message(r.topic("a"), "0"), w.message(r.topic("a"), "1")
		w.held()
		w.ack(p0)
		p2 := w.message(r.topic("a"), "2")
		w.held()
		w.ack(p1)
		w.ack(p2)
		for i := 3; i < 6; i++ {
			w.ack(w.message(r.topic("a"), fmt.Sprint(i)))
		}
		w.quiet()
	}},
	{Clause: "4.9.0-3", Title: "QoS 0 is not held back and not counted", check: func(r *run) {
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
		w.held()
		w.ack(p)
		p = w.message(r.topic("a"), "1")
		c.publish(r.topic("a"), "2", 1, 0)
		w.held()
		w.ack(p)
		w.ack(w.message(r.topic("a"), "2"))
	}},
	{Clause: "4.9.0-2", Title: "QoS 2 counts until PUBCOMP", check: func(r *run) {
		w := r.connect(hello{props: receiveMaximum(1)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		c.publish(r.topic("a"), "0", 2, 0)
		c.publish(r.topic("a"), "1", 1, 0)
		p := w.message(r.topic("a"), "0")
		w.held()
		w.send(raw(0x50, u16(p.id)))
		w.wantID(pubrel, p.id)
		c.publish(r.topic("a"), "2", 1, 0)
		w.held()
		w.send(raw(0x70, u16(p.id)))
		w.ack(w.message(r.topic("a"), "1"))
		w.ack(w.message(r.topic("a"), "2"))
	}},
	{Clause: "4.9.0-1", Title: "the quota starts anew with each connection", check: func(r *run) {
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
		w.held()
		w.ack(p)
		for i := 1; i < 4; i++ {
			w.ack(w.message(r.topic("a"), fmt.Sprint(i)))
		}
		w.quiet()
	}},
	{Clause: "4.9.0-1", Title: "Receive Maximum 1 and many messages both ways do not stall", check: func(r *run) {
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
	{Clause: "3.3.4-8", Title: "more than the server's Receive Maximum", check: func(r *run) {
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
	{Clause: "3.3.4-7", Title: "the server's Receive Maximum can be used up and freed", check: func(r *run) {
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
	{Clause: "3.1.2-24", Title: "the client's Maximum Packet Size", check: func(r *run) {
		w := r.connect(hello{props: maximumPacket(100)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		for qos := range r.levels() {
			c.publish(r.topic("a"), strings.Repeat("x", 100), qos, 0)
			c.publish(r.topic("a"), "m", qos, 0)
			w.ack(w.message(r.topic("a"), "m")) // as if the large one had been sent: 3.1.2-25
		}
		w.quiet()
	}},
	{Clause: "3.1.2-24", Title: "a packet exactly as large as the Maximum Packet Size", check: func(r *run) {
		topic := r.topic("a")
		n := 100 - 2 - 2 - len(topic) - 1 // fixed header, topic, no properties
		w := r.connect(hello{props: maximumPacket(100)})
		w.subscribe(topic, 0)
		c := r.plain()
		c.publish(topic, strings.Repeat("x", n+1), 0, 0)
		c.publish(topic, strings.Repeat("x", n), 0, 0)
		w.message(topic, strings.Repeat("x", n))
	}},
	{Clause: "3.1.2-25", Title: "a message that was too large does not use up the quota", check: func(r *run) {
		w := r.connect(hello{props: maximumPacket(100) + receiveMaximum(1)})
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		for i := range 5 {
			c.publish(r.topic("a"), strings.Repeat("x", 100), byte(1+i%2), 0)
		}
		c.publish(r.topic("a"), "m", 1, 0)
		w.ack(w.message(r.topic("a"), "m"))
	}},
	{Clause: "3.2.2-15", Title: "a packet over the server's Maximum Packet Size", check: func(r *run) {
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
	{Clause: "3.2.2-15", Title: "a CONNECT over the server's Maximum Packet Size", check: func(r *run) {
		limit := r.plain().connack.num(39, 1<<28)
		if limit > 200_000 {
			r.skipf("the server's Maximum Packet Size is %d", limit)
		}
		long := strings.Repeat("x", 65535)
		c := r.dial(5)
		c.trySend(hello{version: 5, id: r.id("a"), username: &long, password: &long, will: &will{topic: "w", payload: long, props: correlation(long)}}.encode())
		c.refused(0x95)
	}},
	{Clause: "4.13", Title: "a broken client harms nobody else", check: func(r *run) {
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
