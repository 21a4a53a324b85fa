package conformance

import (
	"fmt"
	"strings"
)

// Chapter 4.9 and the sizes of packets: how much a side may send.
// Their control, of which controls.go has the steps: a message comes to a subscriber.
var flowStatements = []Statement{
	{Clause: "3.3.4-9", Title: "the client's Receive Maximum holds QoS 1 back",
		Does:  "A client with Receive Maximum 2 is sent six messages at QoS 1 and acknowledges them one by one.",
		Wants: "There are never more than two under way, and in the end all have come.",
		check: func(r *run) {
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
	{Clause: "4.9.0-3", Title: "QoS 0 is not held back and not counted",
		Does:  "A client with Receive Maximum 1 has one message at QoS 1 under way, while some at QoS 0 are published.",
		Wants: "Those at QoS 0 come, and the next at QoS 1 only after the PUBACK.",
		check: func(r *run) {
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
	{Clause: "4.9.0-2", Title: "QoS 2 counts until PUBCOMP",
		Does:  "A client with Receive Maximum 1 has a message at QoS 2 under way.",
		Wants: "The next comes after its PUBCOMP, not after its PUBREC.",
		check: func(r *run) {
			w := r.connect(hello{props: receiveMaximum(1)})
			w.subscribe(r.topic("a"), 2)
			c := r.plain()
			c.publish(r.topic("a"), "0", 2, 0)
			c.publish(r.topic("a"), "1", 1, 0)
			p := w.message(r.topic("a"), "0")
			w.held()
			w.send(acknowledgement(pubrec, p.id))
			w.wantID(pubrel, p.id)
			c.publish(r.topic("a"), "2", 1, 0)
			w.held()
			w.send(acknowledgement(pubcomp, p.id))
			w.ack(w.message(r.topic("a"), "1"))
			w.ack(w.message(r.topic("a"), "2"))
		}},
	{Clause: "4.9.0-1", Title: "the quota starts anew with each connection",
		Does:  "A client leaves two messages unacknowledged and comes back with Receive Maximum 1.",
		Wants: "They come again one at a time.",
		check: func(r *run) {
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
	{Clause: "4.9.0-1", Title: "Receive Maximum 1 and many messages both ways do not stall",
		Does:  "A client with Receive Maximum 1 gets sixty messages and publishes under the same identifiers.",
		Wants: "All come, in order.",
		check: func(r *run) {
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
	{Clause: "3.3.4-8", Title: "more than the server's Receive Maximum",
		Does:  "Publishes one message at QoS 2 more than the server's Receive Maximum, and releases none.",
		Wants: "The server closes with 0x93.",
		check: func(r *run) {
			c := r.plain()
			limit := int(c.connack.num(receiveMaximumProperty, 65535))
			if limit > 2000 {
				r.undecided("needs a Receive Maximum of at most 2,000")
			}
			for id := 1; id <= limit; id++ {
				c.send(c.encodePublish(id, r.topic("a"), "m", 2, 0))
				c.wantID(pubrec, id)
			}
			c.send(c.encodePublish(limit+1, r.topic("a"), "m", 2, 0))
			c.closed(0x93)
		}},
	{Clause: "3.3.4-7", Title: "the server's Receive Maximum can be used up and freed",
		Does:  "Publishes as many messages at QoS 2 as the server's Receive Maximum allows, then releases them, three times.",
		Wants: "All are acknowledged.",
		check: func(r *run) {
			c := r.plain()
			limit := int(c.connack.num(receiveMaximumProperty, 65535))
			if limit > 2000 {
				r.undecided("needs a Receive Maximum of at most 2,000")
			}
			for range 3 {
				for id := 1; id <= limit; id++ {
					c.send(c.encodePublish(id, r.topic("a"), "m", 2, 0))
					c.wantID(pubrec, id)
				}
				c.publish(r.topic("a"), "m", 0, 0)
				for id := 1; id <= limit; id++ {
					c.send(acknowledgement(pubrel, id))
					c.wantID(pubcomp, id)
				}
			}
			c.alive()
		}},
	{Clause: "3.1.2-24", Title: "the client's Maximum Packet Size",
		Does:  "A client with Maximum Packet Size 100 is sent a message that is larger, and one that is not, at each QoS.",
		Wants: "Only the small ones come.",
		check: func(r *run) {
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
	{Clause: "3.1.2-24", Title: "a packet exactly as large as the Maximum Packet Size",
		Does:  "A client with Maximum Packet Size 100 is sent a message of 101 bytes and one of 100.",
		Wants: "The second comes, the first does not.",
		check: func(r *run) {
			topic := r.topic("a")
			n := 100 - 2 - 2 - len(topic) - 1 // fixed header, topic, no properties
			w := r.connect(hello{props: maximumPacket(100)})
			w.subscribe(topic, 0)
			c := r.plain()
			c.publish(topic, strings.Repeat("x", n+1), 0, 0)
			c.publish(topic, strings.Repeat("x", n), 0, 0)
			w.message(topic, strings.Repeat("x", n))
		}},
	{Clause: "3.1.2-25", Title: "a message that was too large does not use up the quota",
		Does:  "A client with Receive Maximum 1 and Maximum Packet Size 100 is sent five messages that are larger, and one that is not.",
		Wants: "The small one comes.",
		check: func(r *run) {
			w := r.connect(hello{props: maximumPacket(100) + receiveMaximum(1)})
			w.subscribe(r.topic("a"), 2)
			c := r.plain()
			for i := range 5 {
				c.publish(r.topic("a"), strings.Repeat("x", 100), byte(1+i%2), 0)
			}
			c.publish(r.topic("a"), "m", 1, 0)
			w.ack(w.message(r.topic("a"), "m"))
		}},
	{Clause: "3.2.2-15", Title: "a packet over the server's Maximum Packet Size",
		Does:  "Publishes a packet of exactly the server's Maximum Packet Size, and one that is a byte longer.",
		Wants: "The first is delivered, the second closes the connection, with 0x95 if it says why.",
		check: func(r *run) {
			c := r.plain()
			limit := int(c.connack.num(maximumPacketSizeProperty, 1<<28))
			if limit > 1<<20 {
				r.undecided("needs a smaller Maximum Packet Size")
			}
			w := r.watcher(r.topic("a"), 0)
			overhead := len(c.encodePublish(0, r.topic("a"), strings.Repeat("x", 20_000), 0, 0)) - 20_000
			c.publish(r.topic("a"), strings.Repeat("x", limit-overhead), 0, 0)
			w.message(r.topic("a"), strings.Repeat("x", limit-overhead))
			c.trySend(c.encodePublish(0, r.topic("a"), strings.Repeat("x", limit-overhead+1), 0, 0))
			c.closed(0x95)
			w.quiet()
		}},
	{Clause: "3.2.2-15", Title: "a CONNECT over the server's Maximum Packet Size",
		Does:  "Sends a CONNECT that is larger than the server's Maximum Packet Size.",
		Wants: "The server refuses, with 0x95 if it says why.",
		check: func(r *run) {
			limit := r.plain().connack.num(maximumPacketSizeProperty, 1<<28)
			if limit > 200_000 {
				r.undecided("needs a smaller Maximum Packet Size")
			}
			long := strings.Repeat("x", 65535)
			c := r.dial(5)
			c.trySend(hello{version: 5, id: r.id("a"), username: &long, password: &long, will: &will{topic: "w", payload: long, props: correlation(long)}}.encode())
			c.refused(0x95)
		}},
	{Clause: "4.13", Title: "a broken client harms nobody else",
		Does:  "Five subscribers send nonsense.",
		Wants: "Another subscriber gets its messages all the same.",
		check: func(r *run) {
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
	{Clause: "4.9.0-1", Title: "as many as the server's Receive Maximum says",
		Does:  "Publishes as many messages at QoS 2 in one go as the CONNACK allows, 1,200 at most, and releases none.",
		Wants: "All are acknowledged, and the connection lives on.",
		check: func(r *run) {
			r.used |= qos2
			r.provided(r.x.facts.MaximumQoS == 2, "Maximum QoS is %d", r.x.facts.MaximumQoS)
			c := r.plain()
			n := min(int(c.connack.num(receiveMaximumProperty, 65535)), 1200)
			var all strings.Builder
			for id := 1; id <= n; id++ {
				all.WriteString(c.encodePublish(id, r.topic("a"), "m", 2, 0))
			}
			c.trySend(all.String())
			for id := 1; id <= n; id++ {
				p, err := c.read(r.x.patience)
				if err != nil || p.typ != pubrec || p.id != id || p.code >= 0x80 {
					r.fatalf("message %d of %d, which the server's Receive Maximum allows, got %s; want PUBREC", id, n, seen(p, err))
				}
			}
			c.alive()
		}},
	{Clause: "3.3.4-9", Title: "the client's Receive Maximum under load",
		Does:  "A client with Receive Maximum 5 receives two hundred messages at QoS 1 and 2 and acknowledges them late.",
		Wants: "There are never more than five under way, and all come, in order.",
		check: func(r *run) {
			r.provided(r.x.facts.MaximumQoS == 2, "Maximum QoS is %d", r.x.facts.MaximumQoS)
			w := r.connect(hello{props: receiveMaximum(5)})
			w.subscribe(r.topic("a"), 2)
			c := r.plain()
			const n = 200
			sent := 0
			open := make(map[int]bool) // not acknowledged, or not released
			for got := 0; got < n || len(open) > 0; {
				for ; sent < n && sent < got+15; sent++ {
					c.publish(r.topic("a"), fmt.Sprint(sent), byte(1+sent%2), 0)
				}
				p := w.next()
				switch p.typ {
				case publish:
					r.expect(p.payload == fmt.Sprint(got), "got %v; want message %d", p, got)
					got++
					open[p.id] = true
					r.expect(len(open) <= 5, "%d messages are under way; want 5 at most", len(open))
					if p.qos() == 1 {
						w.send(acknowledgement(puback, p.id))
						delete(open, p.id)
					} else {
						w.send(acknowledgement(pubrec, p.id))
					}
				case pubrel:
					delete(open, p.id)
					w.send(acknowledgement(pubcomp, p.id))
				default:
					r.fatalf("%s got %v; want PUBLISH or PUBREL", w.name, p)
				}
			}
		}},
}
