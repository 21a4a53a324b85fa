package conformance

import (
	"fmt"
	"slices"
)

// Clients of version 3.1.1 (and 3.1). Section and conformance numbers are those
// of the MQTT 3.1.1 standard.
// Their control, of which controls.go has the steps: a message of a 3.1.1 client comes to another one.
var oldStatements = []Statement{
	{Clause: "3.1.1: 4.3", Title: "every QoS to every QoS",
		Does:  "Publishes at each QoS to subscriptions of each QoS.",
		Wants: "Each message comes at the lower of both.",
		check: func(r *run) {
			c := r.connect(v4(""))
			for sub := range r.levels() {
				w := r.connect(v4(""))
				w.subscribe(r.topic("a"), sub)
				for pub := range r.levels() {
					c.publish(r.topic("a"), fmt.Sprint(pub), pub, 0)
					p := w.message(r.topic("a"), fmt.Sprint(pub))
					r.expect(p.qos() == min(pub, sub), "QoS %d; want %d", p.qos(), min(pub, sub))
					w.ack(p)
				}
				w.part()
			}
		}},
	{Clause: "3.1: 3.1", Title: "a client of version 3.1",
		Does:  "A client of version 3.1 subscribes.",
		Wants: "It gets its message.",
		check: func(r *run) {
			w := r.connect(hello{version: 3})
			w.subscribe(r.topic("a"), 1)
			r.plain().publish(r.topic("a"), "m", 1, 0)
			w.ack(w.message(r.topic("a"), "m"))
			w.part()
		}},
	{Clause: "3.1.1: 3.1.3-7", Title: "an empty client identifier with Clean Session",
		Does:  "Two clients connect with empty identifiers.",
		Wants: "Both are accepted.",
		check: func(r *run) {
			a, b := r.connect(hello{version: 4, anon: true}), r.connect(hello{version: 4, anon: true})
			a.alive()
			b.alive()
		}},
	{Clause: "3.1.1: 3.1.2-4", Title: "Clean Session 0 keeps the session, 1 ends it",
		Does:  "Connects with Clean Session 0, 0, 1 and 0 again.",
		Wants: "The session is there the second time, and gone the last.",
		check: func(r *run) {
			h := hello{version: 4, id: r.id("a"), resume: true}
			w := r.connect(h)
			r.expect(!w.connack.session, "Session Present = true where there was none (3.2.2-3)")
			w.subscribe(r.topic("a"), 1)
			w.bye()
			r.plain().publish(r.topic("a"), "m", 1, 0)
			w = r.connect(h)
			r.expect(w.connack.session, "Session Present = false; want the session (3.2.2-2)")
			w.ack(w.message(r.topic("a"), "m"))
			w.bye()
			w = r.connect(v4(h.id))
			r.expect(!w.connack.session, "Session Present = true for Clean Session 1 (3.2.2-1)")
			w.bye()
			w = r.connect(h)
			r.expect(!w.connack.session, "Session Present = true after a Clean Session (3.1.2-6)")
			r.plain().publish(r.topic("a"), "m", 1, 0)
			w.quiet()
		}},
	{Clause: "3.1.1: 4.4.0-1", Title: "sent again on the next connection",
		Does:  "A client leaves messages unacknowledged and one unreleased, and comes back.",
		Wants: "They come again with DUP, their identifiers and in order.",
		check: func(r *run) {
			h := hello{version: 4, id: r.id("a"), resume: true}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 2)
			c := r.connect(v4(""))
			c.publish(r.topic("a"), "1", 1, 0)
			c.publish(r.topic("a"), "2", 2, 0)
			c.publish(r.topic("a"), "3", 2, 0)
			p1, p2, p3 := w.message(r.topic("a"), "1"), w.message(r.topic("a"), "2"), w.message(r.topic("a"), "3")
			w.send(acknowledgement(pubrec, p3.id))
			w.wantID(pubrel, p3.id)
			w.cut()
			w = r.connect(h)
			again := []*packet{p1, p2}
			rel := false
			for range 3 { // the PUBREL may come before, between and after
				p := w.next()
				if p.typ == pubrel && p.id == p3.id && !rel {
					rel = true
					continue
				}
				r.expect(len(again) > 0, "got %v; want the PUBREL of id %d", p, p3.id)
				f := again[0]
				again = again[1:]
				r.expect(p.typ == publish && p.payload == f.payload && p.dup() && p.id == f.id, "sent again as %v; want %q with DUP and id %d", p, f.payload, f.id)
			}
			w.send(acknowledgement(pubcomp, p3.id))
			w.send(acknowledgement(puback, p1.id))
			w.ack(p2)
			w.quiet()
		}},
	{Clause: "3.1.1: 4.3.3-2", Title: "QoS 2: a repeated PUBLISH is not delivered again",
		Does:  "Sends a PUBLISH at QoS 2 twice before its PUBREL.",
		Wants: "It is delivered once.",
		check: func(r *run) {
			w := r.connect(v4(""))
			w.subscribe(r.topic("a"), 2)
			c := r.connect(v4(""))
			for _, dup := range []byte{0, 8} {
				c.send(c.encodePublish(3, r.topic("a"), "once", 2, dup))
				c.wantID(pubrec, 3)
			}
			c.send(acknowledgement(pubrel, 3))
			c.wantID(pubcomp, 3)
			w.ack(w.message(r.topic("a"), "once"))
			w.quiet()
		}},
	{Clause: "3.1.1: 3.6", Title: "PUBREL of an unknown identifier is answered",
		Does:  "Sends PUBREL for an identifier that is not in use.",
		Wants: "PUBCOMP comes.",
		check: func(r *run) {
			c := r.connect(v4(""))
			c.send(acknowledgement(pubrel, 77))
			c.wantID(pubcomp, 77)
			c.alive()
		}},
	{Clause: "3.1.1: 3.3.1-5", Title: "retained messages",
		Does:  "Retains, replaces and removes a message at each QoS.",
		Wants: "Subscribers get the last one with RETAIN, and nothing after it was removed.",
		check: func(r *run) {
			c := r.connect(v4(""))
			for qos := range r.levels() {
				topic := r.topic(fmt.Sprint(qos))
				c.publish(topic, "kept", qos, retainFlag)
				c.alive()
				w := r.connect(v4(""))
				w.subscribe(r.topic("+"), 2)
				p := w.message(topic, "kept")
				r.expect(p.retain() && p.qos() == qos, "got %v; want RETAIN and QoS %d (3.3.1-8)", p, qos)
				w.ack(p)
				c.publish(topic, "live", qos, retainFlag)
				p = w.message(topic, "live")
				r.expect(!p.retain(), "RETAIN is set towards a subscription that was there (3.3.1-9)")
				w.ack(p)
				c.publish(topic, "", qos, retainFlag)
				p = w.message(topic, "") // 3.3.1-10
				w.ack(p)
				w.bye()
				w = r.connect(v4(""))
				w.subscribe(topic, 0)
				w.quiet()
			}
		}},
	{Clause: "3.1.1: 3.8.4-3", Title: "a subscription again brings the retained message again",
		Does:  "Subscribes to a filter twice.",
		Wants: "The retained message comes each time.",
		check: func(r *run) {
			c := r.connect(v4(""))
			c.publish(r.topic("a"), "kept", 1, retainFlag)
			c.subscribe(r.topic("a"), 0)
			c.message(r.topic("a"), "kept")
			c.subscribe(r.topic("a"), 1)
			p := c.message(r.topic("a"), "kept")
			r.expect(p.qos() == 1, "QoS %d; want 1, that of the new subscription", p.qos())
			c.ack(p)
		}},
	{Clause: "3.1.1: 3.8.4-5", Title: "a SUBSCRIBE of several filters",
		Does:  "Subscribes to three filters and unsubscribes from two of them.",
		Wants: "SUBACK has a code for each in order, and only the third gets messages.",
		check: func(r *run) {
			c := r.connect(v4(""))
			c.send(raw(0x82, u16(700), str(r.topic("a")), "\x02", str(r.topic("b")), "\x00", str(r.topic("c")), "\x01"))
			p := c.wantID(suback, 700)
			r.expect(p.codes == "\x02\x00\x01", "SUBACK codes = % x; want 02 00 01", p.codes)
			c.send(raw(0xa2, u16(701), str(r.topic("a")), str(r.topic("never")), str(r.topic("c"))))
			c.wantID(unsuback, 701) // 3.10.4-5
			c.publish(r.topic("a"), "m", 0, 0)
			c.publish(r.topic("c"), "m", 0, 0)
			c.publish(r.topic("b"), "m", 0, 0)
			c.message(r.topic("b"), "m")
			c.quiet()
		}},
	{Clause: "3.1.1: 3.3.5-1", Title: "overlapping subscriptions",
		Does:  "A client whose two filters match gets a message at QoS 2.",
		Wants: "It comes once at QoS 2, or once for each subscription.",
		check: func(r *run) {
			c := r.connect(v4(""))
			c.subscribe(r.topic("#"), 2)
			c.subscribe(r.topic("+"), 1)
			r.plain().publish(r.topic("a"), "m", 2, 0)
			var got []byte
			for _, p := range c.rest() {
				got = append(got, p.qos())
			}
			r.expect(len(got) > 0 && len(got) <= 2 && slices.Max(got) == 2, "messages of QoS %v; want one of 2, or one for each subscription", got)
		}},
	{Clause: "3.1.1: 3.1.2-8", Title: "the Will",
		Does:  "Clients with Wills of each QoS are cut off.",
		Wants: "Each Will comes at its QoS.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 2)
			for qos := range r.levels() {
				r.connect(hello{version: 4, will: &will{topic: r.topic("will"), payload: "gone", qos: qos}}).cut()
				p := w.message(r.topic("will"), "gone")
				r.expect(p.qos() == qos && len(p.props) == 0, "got %v; want QoS %d and no properties", p, qos)
				w.ack(p)
			}
		}},
	{Clause: "3.1.1: 3.1.2-10", Title: "no Will after DISCONNECT",
		Does:  "A client with a Will sends DISCONNECT.",
		Wants: "The Will does not come.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			r.connect(hello{version: 4, will: &will{topic: r.topic("will"), payload: "gone"}}).bye()
			w.still()
		}},
	{Clause: "3.1.1: 3.1.2-17", Title: "a retained Will",
		Does:  "A client with a Will that is to be retained is cut off.",
		Wants: "A later subscriber gets it with RETAIN.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			r.connect(hello{version: 4, will: &will{topic: r.topic("will"), payload: "gone", retain: true}}).cut()
			w.message(r.topic("will"), "gone")
			late := r.connect(v4(""))
			late.subscribe(r.topic("will"), 0)
			r.expect(late.message(r.topic("will"), "gone").retain(), "RETAIN is not set")
		}},
	{Clause: "3.1.1: 3.1.2-24", Title: "Keep Alive",
		Does:  "A client with a Keep Alive of 2 s says nothing.",
		Wants: "The server closes after one and a half times that, within 8 s, and the Will comes.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{version: 4, keep: 2, will: &will{topic: r.topic("will"), payload: "gone"}})
			c.timedOut(2)
			w.message(r.topic("will"), "gone")
		}},
	{Clause: "3.1.1: 3.1.4-2", Title: "a second client with the identifier takes over",
		Does:  "A second client connects with the identifier of one that is connected.",
		Wants: "The first is disconnected, and the session is the second's.",
		check: func(r *run) {
			h := hello{version: 4, id: r.id("a"), resume: true}
			a := r.connect(h)
			a.subscribe(r.topic("a"), 1)
			b := r.connect(h)
			r.expect(b.connack.session, "Session Present = false; want the session")
			a.closed()
			r.plain().publish(r.topic("a"), "m", 1, 0)
			b.ack(b.message(r.topic("a"), "m"))
		}},
	{Clause: "3.1.1: 3.1.2-8", Title: "the Will of a client that is taken over",
		Does:  "A client with a Will is taken over.",
		Wants: "The Will comes, and the first client is told nothing before the end.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			a := r.connect(hello{version: 4, id: r.id("a"), will: &will{topic: r.topic("will"), payload: "gone"}})
			b := r.connect(v4(r.id("a")))
			a.closed() // and nothing is said before
			w.message(r.topic("will"), "gone")
			b.alive()
		}},
	{Clause: "3.1.1: 3.1.2-7", Title: "retained messages are no part of a session",
		Does:  "Retains a message, and connects again with Clean Session 1.",
		Wants: "The message is still there.",
		check: func(r *run) {
			c := r.connect(v4(r.id("a")))
			c.publish(r.topic("a"), "kept", 1, retainFlag)
			c.bye()
			c = r.connect(v4(r.id("a")))
			c.subscribe(r.topic("a"), 0)
			r.expect(c.message(r.topic("a"), "kept").retain(), "RETAIN is not set")
		}},
	{Clause: "3.1.1: 4.6.0-6", Title: "messages of a topic and QoS stay in order",
		Does:  "Publishes fifteen messages at each QoS.",
		Wants: "They come in order.",
		check: func(r *run) {
			for qos := range r.levels() {
				topic := r.topic(fmt.Sprint(qos))
				w, c := r.connect(v4("")), r.connect(v4(""))
				w.subscribe(topic, 2)
				for i := range 15 {
					c.publish(topic, fmt.Sprint(i), qos, 0)
				}
				for i := range 15 {
					w.ack(w.message(topic, fmt.Sprint(i)))
				}
			}
		}},
	{Clause: "3.1.1: 3.1.2-10", Title: "DISCONNECT with bytes behind it is no DISCONNECT",
		Does:  "A client with a Will sends a DISCONNECT with a reason code, as version 5 has them.",
		Wants: "The server closes, and the Will comes.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{version: 4, will: &will{topic: r.topic("will"), payload: "gone"}})
			c.trySend("\xe0\x01\x00") // that of version 5 (3.14: the Remaining Length is 0)
			c.closed()
			w.message(r.topic("will"), "gone")
		}},
	{Clause: "3.1.1: 3.14.4-2", Title: "the server closes after DISCONNECT",
		Does:  "Sends DISCONNECT.",
		Wants: "The server closes.",
		check: func(r *run) {
			c := r.connect(v4(""))
			c.send("\xe0\x00")
			c.left()
		}},
	{Clause: "3.1.1: 4.7.2-1", Title: "a leading wildcard does not match $",
		Does:  "Subscribes to + at the first level and publishes to a topic that starts with $.",
		Wants: "It does not come.",
		check: func(r *run) {
			c := r.connect(v4(""))
			c.subscribeWide("+/" + r.topic("x"))
			c.send(c.encodePublish(0, "$"+r.prefix+"old/"+r.topic("x"), "hidden", 0, 0))
			c.quiet()
		}},
	{Clause: "3.1.1: 3.9.3", Title: "a refused subscription is 0x80", needs: forbidden,
		Does:  "Subscribes to the forbidden topic.",
		Wants: "The SUBACK refuses with 0x80.",
		check: func(r *run) {
			c := r.connect(v4(""))
			c.subscribe(r.topic("a"), 1)
			code := c.trySubscribe(r.x.cfg.ForbiddenTopic, 1)
			r.expect(code == 0x80, "SUBACK 0x%02X; want 0x80", code)
		}},
	{Clause: "3.1.1: 3.2.2-4", Title: "bad user name or password", needs: users,
		Does:  "Connects without a name, with a wrong one and with a wrong password.",
		Wants: "Each is refused with 4 or 5.",
		check: func(r *run) {
			for _, h := range []hello{{version: 4, stranger: true}, {version: 4, username: &r.x.cfg.Username, password: new("not it")}, {version: 4, username: new("not " + r.x.cfg.Username)}} {
				c := r.hello(h)
				r.expect(c.connack.code == 4 || c.connack.code == 5, "CONNACK %d; want 4 or 5", c.connack.code)
				c.closed()
			}
		}},
	{Clause: "3.1.1: 3.3.5-2", Title: "a PUBLISH that is not allowed is acknowledged all the same", needs: forbidden,
		Does:  "Publishes to the forbidden topic at QoS 1 and 2.",
		Wants: "It is acknowledged, since version 3.1.1 knows no other answer, and the client stays connected.",
		check: func(r *run) {
			c := r.connect(v4(""))
			c.publish(r.x.cfg.ForbiddenTopic, "m", 1, 0)
			c.publish(r.x.cfg.ForbiddenTopic, "m", 2, 0)
			c.alive()
		}},
	{Clause: "3.1.1: 4.9", Title: "many messages of QoS 2 to a 3.1.1 client",
		Does:  "Publishes sixty messages at QoS 2 to a client of version 3.1.1.",
		Wants: "All come, in order.",
		check: func(r *run) {
			w := r.connect(v4(""))
			w.subscribe(r.topic("a"), 2)
			c := r.plain()
			for i := range 60 {
				c.publish(r.topic("a"), fmt.Sprint(i), 2, 0)
			}
			for i := range 60 {
				w.ack(w.message(r.topic("a"), fmt.Sprint(i)))
			}
		}},
}
