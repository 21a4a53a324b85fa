package conformance

import (
	"fmt"
	"slices"
	"time"
)

// v4 is a CONNECT of version 3.1.1 with Clean Session.
func v4(id string) hello { return hello{version: 4, id: id} }

// old and oldAfter are first and after for version 3.1.1.
func old(section, title, bytes string, codes ...byte) statement {
	return statement{section: "3.1.1: " + section, title: title, check: func(r *run) {
		c := r.dial(4)
		c.trySend(bytes)
		c.refused(codes...)
	}}
}

func oldAfter(section, title, bytes string) statement {
	return statement{section: "3.1.1: " + section, title: title, check: func(r *run) {
		c := r.connect(v4(""))
		c.trySend(bytes)
		c.closed()
	}}
}

// Clients of version 3.1.1 (and 3.1). Section and conformance numbers are those
// of the MQTT 3.1.1 standard.
var oldStatements = []statement{
	old("3.1.0-1", "PUBLISH before CONNECT", raw(0x30, str("a"))),
	old("3.1.2-2", "a version that is not spoken", raw(0x10, head("\x03", "\x02"), str("c")), 1),
	old("3.1.2-3", "the reserved Connect Flag", raw(0x10, head("\x04", "\x03"), str("c"))),
	old("3.1.2-13", "Will QoS without a Will", raw(0x10, head("\x04", "\x0a"), str("c"))),
	old("3.1.2-14", "Will QoS 3", raw(0x10, head("\x04", "\x1e"), str("c"), str("w"), str(""))),
	old("3.1.2-15", "Will Retain without a Will", raw(0x10, head("\x04", "\x22"), str("c"))),
	old("3.1.2-22", "a Password without a User Name", raw(0x10, head("\x04", "\x42"), str("c"), str("p"))),
	old("3.1.3-8", "an empty client identifier without Clean Session", raw(0x10, head("\x04", "\x00"), str("")), 2),
	old("1.5.3-1", "ill-formed UTF-8 in the client identifier", raw(0x10, head("\x04", "\x02"), str("\xff"))),
	oldAfter("3.1.0-2", "a second CONNECT", hello{version: 4, id: "second"}.encode()),
	oldAfter("2.2.2-2", "SUBSCRIBE with flags 0", raw(0x80, u16(1), str("a"), "\x00")),
	oldAfter("3.10.1-1", "UNSUBSCRIBE with flags 0", raw(0xa0, u16(1), str("a"))),
	oldAfter("3.6.1-1", "PUBREL with flags 0", raw(0x60, u16(1))),
	oldAfter("3.14.1-1", "DISCONNECT with flags 1", "\xe1\x00"),
	oldAfter("2.2.1", "CONNACK from a client", raw(0x20, "\x00\x00")),
	oldAfter("3.3.1-4", "PUBLISH of QoS 3", raw(0x36, str("a"), u16(1))),
	oldAfter("3.3.2-2", "a Topic Name with a wildcard", raw(0x30, str("a/+"))),
	oldAfter("4.7.3-1", "an empty Topic Name", raw(0x30, str(""))),
	oldAfter("1.5.3-2", "U+0000 in a Topic Name", raw(0x30, str("a\x00"))),
	oldAfter("2.3.1-1", "Packet Identifier 0", raw(0x32, str("a"), u16(0))),
	oldAfter("3.8.3-3", "SUBSCRIBE without a filter", raw(0x82, u16(1))),
	oldAfter("3-8.3-4", "SUBSCRIBE with QoS 3", raw(0x82, u16(1), str("a"), "\x03")),
	oldAfter("3-8.3-4", "SUBSCRIBE with options of version 5", raw(0x82, u16(1), str("a"), "\x08")),
	oldAfter("3.10.3-2", "UNSUBSCRIBE without a filter", raw(0xa2, u16(1))),
	oldAfter("2.2.1", "AUTH, which there is not", "\xf0\x00"),

	{section: "3.1.1: 4.3", title: "every QoS to every QoS", check: func(r *run) {
		c := r.connect(v4(""))
		for sub := range byte(3) {
			w := r.connect(v4(""))
			w.subscribe(r.topic("a"), sub)
			for pub := range byte(3) {
				c.publish(r.topic("a"), fmt.Sprint(pub), pub, 0)
				p := w.message(r.topic("a"), fmt.Sprint(pub))
				r.expect(p.qos() == min(pub, sub), "QoS %d; want %d", p.qos(), min(pub, sub))
				w.ack(p)
			}
			w.bye()
		}
	}},
	{section: "3.1: 3.1", title: "a client of version 3.1", check: func(r *run) {
		w := r.connect(hello{version: 3})
		w.subscribe(r.topic("a"), 1)
		r.plain().publish(r.topic("a"), "m", 1, 0)
		w.ack(w.message(r.topic("a"), "m"))
		w.bye()
	}},
	{section: "3.1.1: 3.1.3-7", title: "an empty client identifier with Clean Session", check: func(r *run) {
		a, b := r.connect(hello{version: 4, anon: true}), r.connect(hello{version: 4, anon: true})
		a.alive()
		b.alive()
	}},
	{section: "3.1.1: 3.1.2-4", title: "Clean Session 0 keeps the session, 1 ends it", check: func(r *run) {
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
	{section: "3.1.1: 4.4.0-1", title: "sent again on the next connection", check: func(r *run) {
		h := hello{version: 4, id: r.id("a"), resume: true}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 2)
		c := r.connect(v4(""))
		c.publish(r.topic("a"), "1", 1, 0)
		c.publish(r.topic("a"), "2", 2, 0)
		c.publish(r.topic("a"), "3", 2, 0)
		p1, p2, p3 := w.message(r.topic("a"), "1"), w.message(r.topic("a"), "2"), w.message(r.topic("a"), "3")
		w.send(raw(0x50, u16(p3.id)))
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
		w.send(raw(0x70, u16(p3.id)))
		w.send(raw(0x40, u16(p1.id)))
		w.ack(p2)
		w.quiet()
	}},
	{section: "3.1.1: 4.3.3-2", title: "QoS 2: a repeated PUBLISH is not delivered again", check: func(r *run) {
		w := r.connect(v4(""))
		w.subscribe(r.topic("a"), 2)
		c := r.connect(v4(""))
		for _, dup := range []byte{0, 8} {
			c.send(c.encodePublish(3, r.topic("a"), "once", 2, dup))
			c.wantID(pubrec, 3)
		}
		c.send(raw(0x62, u16(3)))
		c.wantID(pubcomp, 3)
		w.ack(w.message(r.topic("a"), "once"))
		w.quiet()
	}},
	{section: "3.1.1: 3.6", title: "PUBREL of an unknown identifier is answered", check: func(r *run) {
		c := r.connect(v4(""))
		c.send(raw(0x62, u16(77)))
		c.wantID(pubcomp, 77)
		c.alive()
	}},
	{section: "3.1.1: 3.3.1-5", title: "retained messages", check: func(r *run) {
		c := r.connect(v4(""))
		for qos := range byte(3) {
			topic := r.topic(fmt.Sprint(qos))
			c.publish(topic, "kept", qos, 1)
			c.alive()
			w := r.connect(v4(""))
			w.subscribe(r.topic("+"), 2)
			p := w.message(topic, "kept")
			r.expect(p.retain() && p.qos() == qos, "got %v; want RETAIN and QoS %d (3.3.1-8)", p, qos)
			w.ack(p)
			c.publish(topic, "live", qos, 1)
			p = w.message(topic, "live")
			r.expect(!p.retain(), "RETAIN is set towards a subscription that was there (3.3.1-9)")
			w.ack(p)
			c.publish(topic, "", qos, 1)
			p = w.message(topic, "") // 3.3.1-10
			w.ack(p)
			w.bye()
			w = r.connect(v4(""))
			w.subscribe(topic, 0)
			w.quiet()
		}
	}},
	{section: "3.1.1: 3.8.4-3", title: "a subscription again brings the retained message again", check: func(r *run) {
		c := r.connect(v4(""))
		c.publish(r.topic("a"), "kept", 1, 1)
		c.subscribe(r.topic("a"), 0)
		c.message(r.topic("a"), "kept")
		c.subscribe(r.topic("a"), 1)
		p := c.message(r.topic("a"), "kept")
		r.expect(p.qos() == 1, "QoS %d; want 1, that of the new subscription", p.qos())
		c.ack(p)
	}},
	{section: "3.1.1: 3.8.4-5", title: "a SUBSCRIBE of several filters", check: func(r *run) {
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
	{section: "3.1.1: 3.3.5-1", title: "overlapping subscriptions", check: func(r *run) {
		c := r.connect(v4(""))
		c.subscribe(r.topic("#"), 2)
		c.subscribe(r.topic("+"), 1)
		r.plain().publish(r.topic("a"), "m", 2, 0)
		var got []byte
		for {
			p, err := c.read(soon)
			if err != nil {
				break
			}
			got = append(got, p.qos())
			c.ack(p)
		}
		r.expect(len(got) > 0 && len(got) <= 2 && slices.Max(got) == 2, "messages of QoS %v; want one of 2, or one for each subscription", got)
	}},
	{section: "3.1.1: 3.1.2-8", title: "the Will", check: func(r *run) {
		w := r.watcher(r.topic("will"), 2)
		for qos := range byte(3) {
			r.connect(hello{version: 4, will: &will{topic: r.topic("will"), payload: "gone", qos: qos}}).cut()
			p := w.message(r.topic("will"), "gone")
			r.expect(p.qos() == qos && len(p.props) == 0, "got %v; want QoS %d and no properties", p, qos)
			w.ack(p)
		}
	}},
	{section: "3.1.1: 3.1.2-10", title: "no Will after DISCONNECT", check: func(r *run) {
		w := r.watcher(r.topic("will"), 0)
		r.connect(hello{version: 4, will: &will{topic: r.topic("will"), payload: "gone"}}).bye()
		w.quiet()
	}},
	{section: "3.1.1: 3.1.2-17", title: "a retained Will", check: func(r *run) {
		w := r.watcher(r.topic("will"), 0)
		r.connect(hello{version: 4, will: &will{topic: r.topic("will"), payload: "gone", retain: true}}).cut()
		w.message(r.topic("will"), "gone")
		late := r.connect(v4(""))
		late.subscribe(r.topic("will"), 0)
		r.expect(late.message(r.topic("will"), "gone").retain(), "RETAIN is not set")
	}},
	{section: "3.1.1: 3.1.2-24", title: "Keep Alive", check: func(r *run) {
		w := r.watcher(r.topic("will"), 0)
		start := time.Now()
		c := r.connect(hello{version: 4, keep: 1, will: &will{topic: r.topic("will"), payload: "gone"}})
		c.closed()
		d := time.Since(start)
		r.expect(d > 1400*time.Millisecond && d < 2700*time.Millisecond, "closed after %v; want about 1.5 s", d)
		w.message(r.topic("will"), "gone")
	}},
	{section: "3.1.1: 3.1.4-2", title: "a second client with the identifier takes over", check: func(r *run) {
		h := hello{version: 4, id: r.id("a"), resume: true}
		a := r.connect(h)
		a.subscribe(r.topic("a"), 1)
		b := r.connect(h)
		r.expect(b.connack.session, "Session Present = false; want the session")
		a.closed()
		r.plain().publish(r.topic("a"), "m", 1, 0)
		b.ack(b.message(r.topic("a"), "m"))
	}},
	{section: "3.1.1: 3.1.2-8", title: "the Will of a client that is taken over", check: func(r *run) {
		w := r.watcher(r.topic("will"), 0)
		a := r.connect(hello{version: 4, id: r.id("a"), will: &will{topic: r.topic("will"), payload: "gone"}})
		b := r.connect(v4(r.id("a")))
		a.closed() // and nothing is said before
		w.message(r.topic("will"), "gone")
		b.alive()
	}},
	{section: "3.1.1: 3.1.2-7", title: "retained messages are no part of a session", check: func(r *run) {
		c := r.connect(v4(r.id("a")))
		c.publish(r.topic("a"), "kept", 1, 1)
		c.bye()
		c = r.connect(v4(r.id("a")))
		c.subscribe(r.topic("a"), 0)
		r.expect(c.message(r.topic("a"), "kept").retain(), "RETAIN is not set")
	}},
	{section: "3.1.1: 4.6.0-6", title: "messages of a topic and QoS stay in order", check: func(r *run) {
		for qos := range byte(3) {
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
	{section: "3.1.1: 3.1.2-10", title: "DISCONNECT with bytes behind it is no DISCONNECT", check: func(r *run) {
		w := r.watcher(r.topic("will"), 0)
		c := r.connect(hello{version: 4, will: &will{topic: r.topic("will"), payload: "gone"}})
		c.trySend("\xe0\x01\x00") // that of version 5 (3.14: the Remaining Length is 0)
		c.closed()
		w.message(r.topic("will"), "gone")
	}},
	{section: "3.1.1: 3.14.4-2", title: "the server closes after DISCONNECT", check: func(r *run) { r.connect(v4("")).bye() }},
	{section: "3.1.1: 4.7.2-1", title: "a leading wildcard does not match $", check: func(r *run) {
		c := r.connect(v4(""))
		c.subscribe("+/"+r.topic("x"), 0)
		c.send(c.encodePublish(0, "$"+r.prefix+"old/"+r.topic("x"), "hidden", 0, 0))
		c.quiet()
	}},
	{section: "3.1.1: 3.9.3", title: "a refused subscription is 0x80", variant: "users", check: func(r *run) {
		c := r.connect(hello{version: 4, username: new("alice"), password: new("secret")})
		c.subscribe("open/a", 1)
		code := c.trySubscribe("closed/"+r.topic("a"), 1)
		r.expect(code == 0x80, "SUBACK 0x%02X; want 0x80", code)
	}},
	{section: "3.1.1: 3.2.2-4", title: "bad user name or password", variant: "users", check: func(r *run) {
		for _, h := range []hello{{version: 4}, {version: 4, username: new("alice"), password: new("wrong")}, {version: 4, username: new("mallory")}} {
			c := r.hello(h)
			r.expect(c.connack.code == 4 || c.connack.code == 5, "CONNACK %d; want 4 or 5", c.connack.code)
			c.closed()
		}
	}},
	{section: "3.1.1: 3.3.5-2", title: "a PUBLISH that is not allowed is acknowledged all the same", variant: "users", check: func(r *run) {
		c := r.connect(hello{version: 4, username: new("alice"), password: new("secret")})
		c.publish("closed/"+r.topic("a"), "m", 1, 0)
		c.publish("closed/"+r.topic("a"), "m", 2, 0)
		c.alive()
	}},

	// Both versions on one broker.
	{section: "3.1.1: 3.3", title: "a version 5 message to a 3.1.1 client loses its properties", check: func(r *run) {
		w := r.connect(v4(""))
		w.subscribe(r.topic("a"), 1)
		r.plain().publish(r.topic("a"), "ON", 1, 0, responseTopic("re"), correlation("c"), user("k", "v"), contentType("t"), messageExpiry(9))
		w.ack(w.message(r.topic("a"), "ON"))
	}},
	{section: "3.1.1: 3.3", title: "a 3.1.1 message to a version 5 client has no properties", check: func(r *run) {
		w := r.watcher(r.topic("a"), 1)
		r.connect(v4("")).publish(r.topic("a"), "ON", 1, 0)
		p := w.message(r.topic("a"), "ON")
		r.expect(len(p.props) == 0, "properties = %v; want none", p.props)
		w.ack(p)
	}},
	{section: "3.1.1: 3.3", title: "retained by one version, read by the other", check: func(r *run) {
		r.plain().publish(r.topic("a"), "5", 1, 1, responseTopic("re"), user("k", "v"))
		r.connect(v4("")).publish(r.topic("b"), "4", 1, 1)
		w := r.connect(v4(""))
		w.subscribe(r.topic("a"), 0)
		w.message(r.topic("a"), "5")
		r.watcher(r.topic("b"), 0).message(r.topic("b"), "4")
	}},
	{section: "3.1.1: 3.1.4-2", title: "a session changes hands between the versions", check: func(r *run) {
		five := r.connect(hello{id: r.id("a"), resume: true, props: sessionExpiry(100)})
		five.subscribe(r.topic("a"), 1, subscriptionID(7))
		five.bye()
		r.plain().publish(r.topic("a"), "m", 1, 0, user("k", "v"))
		four := r.connect(hello{version: 4, id: r.id("a"), resume: true})
		r.expect(four.connack.session, "Session Present = false; want the session")
		four.ack(four.message(r.topic("a"), "m"))
		four.bye()
		r.plain().publish(r.topic("a"), "n", 1, 0)
		five = r.connect(hello{id: r.id("a"), resume: true, props: sessionExpiry(100)})
		r.expect(five.connack.session, "Session Present = false; want the session")
		five.ack(five.message(r.topic("a"), "n"))
	}},
	{section: "3.1.1: 4.9", title: "many messages of QoS 2 to a 3.1.1 client", check: func(r *run) {
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
