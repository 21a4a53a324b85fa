package conformance

import (
	"fmt"
	"strings"
	"time"
)

// Chapters 4.3 to 4.6, and sections 3.4 to 3.7.
// Their control, of which controls.go has the steps: a message comes to a subscriber.
var qosStatements = []Statement{
	{Clause: "4.3", Title: "every QoS to every QoS", proves: qos1 | qos2,
		Does:  "Publishes at each QoS to subscriptions of each QoS.",
		Wants: "Each message comes at the lower of both.",
		check: func(r *run) {
			c := r.plain()
			for sub := range r.levels() {
				w := r.watcher(r.topic("a"), sub)
				for pub := range r.levels() {
					payload := fmt.Sprint(pub)
					c.publish(r.topic("a"), payload, pub, 0)
					p := w.message(r.topic("a"), payload)
					r.expect(p.qos() == min(pub, sub), "QoS %d for a message of %d and a subscription of %d (3.8.4-8)", p.qos(), pub, sub)
					w.ack(p)
				}
				w.part()
			}
		}},
	{Clause: "2.2.1-5", Title: "acknowledgements carry the identifier of what they acknowledge",
		Does:  "Publishes, subscribes and unsubscribes with the identifiers 1, 255, 256 and 65,535.",
		Wants: "Each acknowledgement has the identifier of its packet.",
		check: func(r *run) {
			c := r.plain()
			for _, id := range []int{1, 255, 256, 65535} {
				c.send(c.encodePublish(id, r.topic("a"), "m", 1, 0))
				c.wantID(puback, id)
				c.send(c.encodePublish(id, r.topic("a"), "m", 2, 0))
				c.wantID(pubrec, id)
				c.send(acknowledgement(pubrel, id))
				c.wantID(pubcomp, id)
				c.sendSubscribe(id, r.topic("b"), 0)
				c.wantID(suback, id)
				c.send(raw(0xa2, u16(id), none, str(r.topic("b"))))
				c.wantID(unsuback, id)
			}
		}},
	{Clause: "2.2.1-4", Title: "client's and server's identifiers are apart",
		Does:  "Has messages under way in both directions with the same identifiers.",
		Wants: "Each is acknowledged for itself, and nothing stalls.",
		check: func(r *run) {
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
				c.send(acknowledgement(pubrec, p.id))
				c.wantID(pubrel, p.id)
			}
			for id := 1; id <= 5; id++ {
				c.send(acknowledgement(pubrel, id))
				c.wantID(pubcomp, id)
			}
			for _, p := range down {
				c.send(acknowledgement(pubcomp, p.id))
			}
			other.publish(r.topic("a"), "last", 2, 0)
			c.ack(c.message(r.topic("a"), "last"))
		}},
	{Clause: "2.2.1-4", Title: "an identifier in use is passed over when they come round again", Slow: true,
		Does:  "Has two identifiers in use while more messages pass than there are identifiers.",
		Wants: "Neither is used for another message.",
		check: func(r *run) {
			w := r.connect(hello{props: receiveMaximum(4)})
			w.subscribe(r.topic("a"), 2)
			c := r.plain()
			// One message stays unacknowledged and one unreleased, while more than all
			// identifiers there are go by.
			c.publish(r.topic("a"), "held", 1, 0)
			held := w.message(r.topic("a"), "held")
			c.publish(r.topic("a"), "freed", 2, 0)
			freed := w.message(r.topic("a"), "freed")
			w.send(acknowledgement(pubrec, freed.id))
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
			w.send(acknowledgement(pubcomp, freed.id))
			w.quiet()
		}},
	{Clause: "4.3.3-10", Title: "QoS 2: a repeated PUBLISH is not delivered again",
		Does:  "Sends a PUBLISH at QoS 2 twice before its PUBREL.",
		Wants: "It is delivered once.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 2)
			c := r.plain()
			c.send(c.encodePublish(7, r.topic("a"), "once", 2, 0))
			c.wantID(pubrec, 7)
			c.send(c.encodePublish(7, r.topic("a"), "once", 2, dupFlag))
			c.wantID(pubrec, 7)
			c.send(acknowledgement(pubrel, 7))
			c.wantID(pubcomp, 7)
			w.ack(w.message(r.topic("a"), "once"))
			w.quiet()
		}},
	{Clause: "4.3.3-12", Title: "QoS 2: after PUBCOMP the identifier is a new message's",
		Does:  "Sends two messages with the same identifier, the second after the PUBCOMP of the first.",
		Wants: "Both are delivered.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			c := r.plain()
			for _, m := range []string{"1", "2"} {
				c.send(c.encodePublish(7, r.topic("a"), m, 2, 0))
				c.wantID(pubrec, 7)
				c.send(acknowledgement(pubrel, 7))
				c.wantID(pubcomp, 7)
				w.message(r.topic("a"), m)
			}
		}},
	{Clause: "4.3.3-11", Title: "QoS 2: every PUBREL is answered",
		Does:  "Sends PUBREL three times.",
		Wants: "PUBCOMP comes three times.",
		check: func(r *run) {
			c := r.plain()
			c.send(c.encodePublish(7, r.topic("a"), "m", 2, 0))
			c.wantID(pubrec, 7)
			for range 3 {
				c.send(acknowledgement(pubrel, 7))
				c.wantID(pubcomp, 7)
			}
		}},
	{Clause: "3.7.2.1", Title: "PUBREL of an unknown identifier",
		Does:  "Sends PUBREL for an identifier that is not in use.",
		Wants: "PUBCOMP comes with 0x92.",
		check: func(r *run) {
			c := r.plain()
			c.send(acknowledgement(pubrel, 77))
			p := c.wantID(pubcomp, 77)
			r.expect(p.code == 0x92, "PUBCOMP 0x%02X; want 0x92, Packet Identifier not found", p.code)
		}},
	{Clause: "3.6.2.1", Title: "PUBREC of an unknown identifier",
		Does:  "Sends PUBREC for an identifier that is not in use.",
		Wants: "PUBREL comes with 0x92.",
		check: func(r *run) {
			c := r.plain()
			c.send(acknowledgement(pubrec, 77))
			p := c.wantID(pubrel, 77)
			r.expect(p.code == 0x92, "PUBREL 0x%02X; want 0x92, Packet Identifier not found", p.code)
		}},
	{Clause: "4.3.2-4", Title: "QoS 1: a PUBLISH with an identifier in use is answered again",
		Does:  "Sends a PUBLISH at QoS 1 three times with the same identifier.",
		Wants: "Each is acknowledged.",
		check: func(r *run) {
			c := r.plain()
			for range 3 {
				c.send(c.encodePublish(7, r.topic("a"), "m", 1, dupFlag))
				c.wantID(puback, 7)
			}
		}},
	{Clause: "3.4.2.1", Title: "PUBACK says whether there are subscribers, or 0",
		Does:  "Publishes at QoS 1 where nobody has subscribed, and where somebody has.",
		Wants: "PUBACK has 0x00 or 0x10 for the first, and 0x00 for the second.",
		check: func(r *run) {
			c := r.plain()
			code := c.tryPublish(r.topic("nobody"), "m", 1, 0)
			r.expect(code == 0 || code == 0x10, "PUBACK 0x%02X; want 0x00 or 0x10", code)
			r.watcher(r.topic("somebody"), 0)
			code = c.tryPublish(r.topic("somebody"), "m", 1, 0)
			r.expect(code == 0, "PUBACK 0x%02X; want 0x00", code)
		}},
	{Clause: "3.4.2-1", Title: "acknowledgements with a reason code and properties",
		Does:  "Acknowledges messages with reason codes, Reason Strings and User Properties.",
		Wants: "The server takes them, and goes on.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 2)
			c := r.plain()
			c.publish(r.topic("a"), "1", 1, 0)
			w.send(acknowledgement(puback, w.message(r.topic("a"), "1").id, "\x10", props(reasonString("why"), user("k", "v"))))
			c.publish(r.topic("a"), "2", 2, 0)
			p := w.message(r.topic("a"), "2")
			w.send(acknowledgement(pubrec, p.id, "\x00", props(user("k", "v"))))
			w.wantID(pubrel, p.id)
			w.send(acknowledgement(pubcomp, p.id, "\x00", none))
			w.quiet()
		}},
	{Clause: "4.3.3-4", Title: "PUBREC with an error ends the delivery",
		Does:  "A client with Receive Maximum 1 answers a message with PUBREC 0x80.",
		Wants: "The next message comes, and the first does not come again.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100) + receiveMaximum(1)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 2)
			c := r.plain()
			c.publish(r.topic("a"), "1", 2, 0)
			c.publish(r.topic("a"), "2", 2, 0)
			w.send(acknowledgement(pubrec, w.message(r.topic("a"), "1").id, "\x80"))
			w.ack(w.message(r.topic("a"), "2"))
			w.bye()
			r.connect(h).quiet()
		}},
	{Clause: "4.3.2-3", Title: "PUBACK with an error ends the delivery",
		Does:  "A client with Receive Maximum 1 answers a message with PUBACK 0x80.",
		Wants: "The next message comes, and the first does not come again.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100) + receiveMaximum(1)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 1)
			c := r.plain()
			c.publish(r.topic("a"), "1", 1, 0)
			c.publish(r.topic("a"), "2", 1, 0)
			w.send(acknowledgement(puback, w.message(r.topic("a"), "1").id, "\x80"))
			w.ack(w.message(r.topic("a"), "2"))
			w.bye()
			r.connect(h).quiet()
		}},
	{Clause: "4.4.0-1", Title: "nothing is sent again within a connection",
		Does:  "Leaves two messages unacknowledged for 1.5 s.",
		Wants: "Neither comes again.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 2)
			c := r.plain()
			c.publish(r.topic("a"), "1", 1, 0)
			c.publish(r.topic("a"), "2", 2, 0)
			w.message(r.topic("a"), "1")
			w.message(r.topic("a"), "2")
			r.wait(1500 * time.Millisecond)
			w.quiet()
		}},
	{Clause: "4.4.0-1", Title: "an unacknowledged PUBLISH is sent again on the next connection",
		Does:  "Leaves six messages unacknowledged and connects again.",
		Wants: "They come again in order, with DUP, their identifiers and their properties.",
		check: func(r *run) {
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
	{Clause: "4.4.0-1", Title: "an unacknowledged PUBREL is sent again on the next connection",
		Does:  "Leaves a PUBREL unanswered and connects again.",
		Wants: "The PUBREL comes again, and the message does not.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 2)
			r.plain().publish(r.topic("a"), "m", 2, 0)
			p := w.message(r.topic("a"), "m")
			w.send(acknowledgement(pubrec, p.id))
			w.wantID(pubrel, p.id)
			w.cut()
			w = r.connect(h)
			w.wantID(pubrel, p.id)
			w.send(acknowledgement(pubcomp, p.id))
			w.quiet()
		}},
	{Clause: "4.3.3-13", Title: "QoS 2 across connections: delivered once",
		Does:  "Sends a PUBLISH at QoS 2, connects again and sends it again.",
		Wants: "It is delivered once.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 2)
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			c := r.connect(h)
			c.send(c.encodePublish(7, r.topic("a"), "once", 2, 0))
			c.wantID(pubrec, 7)
			c.cut()
			c = r.connect(h)
			r.expect(c.connack.session, "Session Present = false; want the session")
			c.send(c.encodePublish(7, r.topic("a"), "once", 2, dupFlag))
			c.wantID(pubrec, 7)
			c.send(acknowledgement(pubrel, 7))
			c.wantID(pubcomp, 7)
			w.ack(w.message(r.topic("a"), "once"))
			w.quiet()
		}},
	{Clause: "4.3.3-13", Title: "QoS 2 across connections: PUBREL is answered",
		Does:  "Sends a PUBLISH at QoS 2, connects again and sends PUBREL.",
		Wants: "PUBCOMP comes with success.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			c := r.connect(h)
			c.send(c.encodePublish(7, r.topic("a"), "once", 2, 0))
			c.wantID(pubrec, 7)
			c.cut()
			c = r.connect(h)
			c.send(acknowledgement(pubrel, 7))
			p := c.wantID(pubcomp, 7)
			r.expect(p.code == 0, "PUBCOMP 0x%02X; want success", p.code)
		}},
	{Clause: "4.3.3-13", Title: "QoS 2: a session that ended forgets the identifiers",
		Does:  "Sends a PUBLISH at QoS 2, connects again with Clean Start 1 and uses the same identifier.",
		Wants: "The second message is delivered.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			h := hello{id: r.id("a"), props: sessionExpiry(100)}
			c := r.connect(h)
			c.send(c.encodePublish(7, r.topic("a"), "1", 2, 0))
			c.wantID(pubrec, 7)
			c.cut()
			c = r.connect(h) // Clean Start
			c.send(c.encodePublish(7, r.topic("a"), "2", 2, 0))
			c.wantID(pubrec, 7)
			c.send(acknowledgement(pubrel, 7))
			c.wantID(pubcomp, 7)
			p := w.want(publish)
			if p.payload == "1" { // servers may deliver at the PUBLISH or at the PUBREL
				p = w.want(publish)
			}
			r.expect(p.payload == "2", "got %v; want the message of the new session", p)
		}},
	{Clause: "4.6.0-5", Title: "order, and nothing lost", proves: ordered,
		Does:  "Publishes sixty messages at QoS 1 to subscriptions of each QoS.",
		Wants: "All come, in order, and are acknowledged in order.",
		check: func(r *run) {
			const n, batch = 60, 5 // below every server's Receive Maximum
			for qos := range r.levels() {
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
	{Clause: "4.6.0-3", Title: "PUBRECs and PUBCOMPs in order",
		Does:  "Sends eight messages at QoS 2 in one go, and then eight PUBRELs.",
		Wants: "PUBRECs and PUBCOMPs come in the same order.",
		check: func(r *run) {
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
				c.send(acknowledgement(pubrel, id))
			}
			for id := 1; id <= 8; id++ {
				c.wantID(pubcomp, id)
			}
		}},
}
