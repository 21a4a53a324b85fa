package conformance

import (
	"strings"
	"time"
)

// Sections 3.1, 3.2, 3.12 and 3.14, and sessions as they begin and end.
var connectStatements = []statement{
	{section: "3.1.3-5", title: "a client identifier of 23 letters and digits", check: func(r *run) {
		c := r.connect(hello{id: "0Az" + (r.prefix + "xxxxxxxxxxxxxxxxxxxxxxx")[:20]})
		_, ok := c.connack.get(18)
		r.expect(!ok, "an Assigned Client Identifier came for a client that has one")
	}},
	{section: "3.1.3-6", title: "an empty client identifier gets one assigned", check: func(r *run) {
		a, b := r.connect(hello{anon: true}), r.connect(hello{anon: true})
		ida, _ := a.connack.get(18)
		idb, _ := b.connack.get(18)
		r.expect(ida.value != "" && idb.value != "" && ida.value != idb.value, "Assigned Client Identifiers = %q, %q; want two that differ (3.2.2-16)", ida.value, idb.value)
		a.alive()
	}},
	{section: "3.1.3-6", title: "an empty client identifier without Clean Start", check: func(r *run) {
		c := r.connect(hello{anon: true, resume: true, props: sessionExpiry(1)})
		id, _ := c.connack.get(18)
		r.expect(id.value != "" && !c.connack.session, "identifier %q, Session Present %v; want one, and no session", id.value, c.connack.session)
	}},
	{section: "3.2.2-16", title: "the assigned identifier can be used to come back", check: func(r *run) {
		a := r.connect(hello{anon: true, props: sessionExpiry(100)})
		id, _ := a.connack.get(18)
		a.bye()
		b := r.connect(hello{id: id.value, resume: true, props: sessionExpiry(100)})
		r.expect(b.connack.session, "Session Present = false; want the session of %q", id.value)
	}},
	{section: "3.2.0-2", title: "one CONNACK", check: func(r *run) {
		r.plain().quiet()
	}},
	{section: "3.1.4-6", title: "packets sent before the CONNACK", check: func(r *run) {
		c := r.dial(5)
		c.send(hello{version: 5, id: r.id("a")}.encode(), raw(0x82, u16(1), none, str(r.topic("a")), "\x00"), c.encodePublish(0, r.topic("a"), "m", 0, 0))
		c.want(connack)
		c.want(suback)
		c.message(r.topic("a"), "m")
	}},
	{section: "3.1.2-16", title: "user name and password flags in all ways", check: func(r *run) {
		r.connect(hello{username: new("u")})
		r.connect(hello{password: new("p")})
		r.connect(hello{username: new(""), password: new("")})
	}},
	{section: "3.1.2-4", title: "Clean Start 1 discards the session", check: func(r *run) {
		h := hello{id: r.id("a"), props: sessionExpiry(100)}
		c := r.connect(h)
		c.subscribe(r.topic("a"), 1)
		c.bye()
		c = r.connect(h)
		r.expect(!c.connack.session, "Session Present = true after Clean Start (3.2.2-2)")
		r.plain().publish(r.topic("a"), "m", 1, 0)
		c.quiet()
	}},
	{section: "3.1.2-5", title: "Clean Start 0 resumes the session", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		c := r.connect(h)
		r.expect(!c.connack.session, "Session Present = true where there was none")
		c.subscribe(r.topic("a"), 1)
		c.bye()
		c = r.connect(h)
		r.expect(c.connack.session, "Session Present = false; want the session (3.2.2-3)")
		r.plain().publish(r.topic("a"), "m", 1, 0)
		c.ack(c.message(r.topic("a"), "m"))
	}},
	{section: "3.1.2-23", title: "without Session Expiry the session ends with the connection", check: func(r *run) {
		for _, h := range []hello{{id: r.id("a"), resume: true}, {id: r.id("a"), resume: true, props: sessionExpiry(0)}} {
			c := r.connect(h)
			c.subscribe(r.topic("a"), 1)
			c.cut()
			time.Sleep(soon)
			c = r.connect(h)
			r.expect(!c.connack.session, "Session Present = true; want the session gone")
			c.bye()
		}
	}},
	{section: "3.1.2-23", title: "a session lives until its expiry", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(2)}
		c := r.connect(h)
		c.cut()
		time.Sleep(700 * time.Millisecond)
		c = r.connect(h)
		r.expect(c.connack.session, "Session Present = false before the expiry")
		c.cut()
		time.Sleep(3500 * time.Millisecond)
		c = r.connect(h)
		r.expect(!c.connack.session, "Session Present = true after the expiry")
	}},
	{section: "3.1.2.11.2", title: "Session Expiry 0xFFFFFFFF", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(0xffffffff)}
		c := r.connect(h)
		r.expect(c.connack.num(17, 0xffffffff) > 0, "CONNACK's Session Expiry = 0; want the session kept")
		c.cut()
		time.Sleep(soon)
		r.expect(r.connect(h).connack.session, "Session Present = false; want the session")
	}},
	{section: "3.1.2.11.2", title: "the expiry is that of the last connection", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		r.connect(h).bye()
		c := r.connect(hello{id: h.id, resume: true})
		r.expect(c.connack.session, "Session Present = false; want the session")
		c.bye()
		r.expect(!r.connect(h).connack.session, "Session Present = true; want the session ended with a connection without expiry")
	}},
	{section: "3.14.2.2.2", title: "DISCONNECT sets the Session Expiry", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		c := r.connect(h)
		c.send(raw(0xe0, "\x00", props(sessionExpiry(0))))
		c.closed()
		c = r.connect(hello{id: h.id, resume: true, props: sessionExpiry(1)})
		r.expect(!c.connack.session, "Session Present = true; want the session ended by the DISCONNECT")
		c.send(raw(0xe0, "\x00", props(sessionExpiry(100))))
		c.closed()
		time.Sleep(2500 * time.Millisecond)
		r.expect(r.connect(h).connack.session, "Session Present = false; want the longer expiry of the DISCONNECT")
	}},
	{section: "3.14.2.2.2", title: "DISCONNECT with a Session Expiry where CONNECT had none is not a valid one", check: func(r *run) {
		w := r.watcher(r.topic("will"), 0)
		h := hello{id: r.id("a"), resume: true, will: &will{topic: r.topic("will"), payload: "gone"}}
		c := r.connect(h)
		c.send(raw(0xe0, "\x00", props(sessionExpiry(100))))
		c.closed(protocolError)
		w.message(r.topic("will"), "gone")
		r.expect(!r.connect(h).connack.session, "Session Present = true; want the session gone")
	}},
	{section: "3.1.4-3", title: "a second client with the identifier takes over", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		a := r.connect(h)
		a.subscribe(r.topic("a"), 1)
		b := r.connect(h)
		r.expect(b.connack.session, "Session Present = false; want the session that was taken over")
		a.closed(0x8e)
		r.plain().publish(r.topic("a"), "m", 1, 0)
		b.ack(b.message(r.topic("a"), "m"))
	}},
	{section: "3.1.4-3", title: "the DISCONNECT of a take-over says 0x8E", check: func(r *run) {
		h := hello{id: r.id("a")}
		a := r.connect(h)
		r.connect(h)
		p, err := a.read(patience)
		r.expect(err == nil && p.typ == disconnect && p.code == 0x8e, "got %v, %v; want DISCONNECT 0x8E", p, err)
		a.closed()
	}},
	{section: "3.1.4-3", title: "many take-overs in a row", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		old := r.connect(h)
		old.subscribe(r.topic("a"), 1)
		for range 20 {
			c := r.connect(h)
			r.expect(c.connack.session, "Session Present = false; want the session that was taken over")
			old.closed(0x8e)
			old = c
		}
		r.plain().publish(r.topic("a"), "m", 1, 0)
		old.ack(old.message(r.topic("a"), "m"))
	}},
	{section: "3.1.2-22", title: "Keep Alive: closed after one and a half times", check: func(r *run) {
		start := time.Now()
		c := r.connect(hello{keep: 1})
		c.closed(0x8d)
		d := time.Since(start)
		r.expect(d >= 1400*time.Millisecond && d < 2700*time.Millisecond, "closed after %v; want about 1.5 s", d)
	}},
	{section: "3.1.2-20", title: "Keep Alive: any packet counts", check: func(r *run) {
		c := r.connect(hello{keep: 1})
		for i := range 5 {
			time.Sleep(600 * time.Millisecond)
			if i%2 == 0 {
				c.alive()
			} else {
				c.publish(r.topic("a"), "m", 1, 0)
			}
		}
	}},
	{section: "3.1.2-22", title: "Keep Alive: what the client receives does not count", check: func(r *run) {
		start := time.Now()
		c := r.connect(hello{keep: 1})
		c.subscribe(r.topic("a"), 0)
		p := r.plain()
		for time.Since(start) < 2700*time.Millisecond {
			p.publish(r.topic("a"), "m", 0, 0)
			p, err := c.read(200 * time.Millisecond)
			if p != nil && p.typ == disconnect || p == nil && err != nil && !strings.Contains(err.Error(), "timeout") {
				return
			}
		}
		r.fatalf("%s, which is silent, is still connected after 2.7 s", c.name)
	}},
	{section: "3.1.2.10", title: "Keep Alive 0 is off", check: func(r *run) {
		c := r.connect(hello{keep: 0})
		time.Sleep(2500 * time.Millisecond)
		c.alive()
	}},
	{section: "3.12.4-1", title: "PINGREQ is answered", check: func(r *run) {
		c := r.plain()
		c.send("\xc0\x00\xc0\x00\xc0\x00")
		for range 3 {
			c.want(pingresp)
		}
		c.quiet()
	}},
	{section: "3.14.4", title: "the server closes after DISCONNECT", check: func(r *run) {
		c := r.plain()
		c.send("\xe0\x00")
		p, err := c.read(patience)
		r.expect(p == nil && err != nil, "got %v; want the connection closed without a word", p)
	}},
	{section: "3.14.4-1", title: "nothing after DISCONNECT is looked at", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		c := r.plain()
		c.send("\xe0\x00" + c.encodePublish(0, r.topic("a"), "m", 0, 0))
		c.closed()
		w.quiet()
	}},
	{section: "3.1.2-28", title: "no Response Information unless asked for", check: func(r *run) {
		for _, p := range []string{"", requestResponse(0)} {
			_, ok := r.connect(hello{props: p}).connack.get(26)
			r.expect(!ok, "CONNACK has Response Information")
		}
	}},
	{section: "3.1.2-29", title: "Request Problem Information 0: no Reason String", check: func(r *run) {
		c := r.connect(hello{props: requestProblem(0)})
		c.send(raw(0x62, u16(999)))
		p := c.want(pubcomp)
		r.expect(len(p.props) == 0, "PUBCOMP has %v; want no properties", p.props)
		c.sendSubscribe(1, r.topic("a"), 0)
		p = c.want(suback)
		r.expect(len(p.props) == 0, "SUBACK has %v; want no properties", p.props)
	}},
	{section: "3.2.2.3", title: "the CONNACK's properties have values that they may have", check: func(r *run) {
		c := r.connect(hello{props: sessionExpiry(100) + requestResponse(1)})
		for id, low := range map[byte]uint32{33: 1, 39: 1} {
			r.expect(c.connack.num(id, low) >= low, "property %d = %d; want at least %d", id, c.connack.num(id, low), low)
		}
		for _, id := range []byte{36, 37, 40, 41, 42} {
			r.expect(c.connack.num(id, 1) <= 1, "property %d = %d; want 0 or 1", id, c.connack.num(id, 1))
		}
		_, has := c.connack.get(36)
		r.expect(!has || c.connack.num(36, 0) < 2, "Maximum QoS 2 is said by leaving it out (3.2.2.3.4)")
		r.expect(c.connack.num(17, 100) <= 100, "Session Expiry = %d; want no more than asked for", c.connack.num(17, 100))
	}},
	{section: "3.1.2.11.8", title: "User Properties in the CONNECT", check: func(r *run) {
		r.connect(hello{props: user("a", "1") + user("a", "1") + user("", "")}).alive()
	}},
	{section: "4.12", title: "a DISCONNECT with a reason and a Reason String", check: func(r *run) {
		c := r.plain()
		c.send(raw(0xe0, "\x80", props(reasonString("tired"), user("k", "v"))))
		p, err := c.read(patience)
		r.expect(p == nil && err != nil, "got %v; want the connection closed", p)
	}},
	{section: "4.8", title: "a connection that says nothing is not for ever", check: func(r *run) {
		// Only that others are served meanwhile: how long is the server's affair.
		r.dial(5)
		c := r.dial(5)
		c.send("\x10\x7f")
		r.plain().alive()
	}},
}
