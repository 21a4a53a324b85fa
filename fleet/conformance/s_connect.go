package conformance

import (
	"errors"
	"os"
	"time"
)

// Sections 3.1, 3.2, 3.12 and 3.14.
// Their control, of which controls.go has the steps: a PINGREQ is answered.
var connectStatements = []Statement{
	{Clause: "3.1.3-5", Title: "a client identifier of 23 letters and digits",
		Does:  "Connects with an identifier of 23 characters out of 0-9, a-z, A-Z.",
		Wants: "It is accepted, and none is assigned in its place.",
		check: func(r *run) {
			c := r.connect(hello{id: "0Az" + (r.prefix + "xxxxxxxxxxxxxxxxxxxxxxx")[:20]})
			_, ok := c.connack.get(assignedClientIdentifierProperty)
			r.expect(!ok, "an Assigned Client Identifier came for a client that has one")
		}},
	{Clause: "3.1.3-6", Title: "an empty client identifier gets one assigned",
		Does:  "Two clients connect with empty identifiers.",
		Wants: "Each is assigned one, and they differ.",
		check: func(r *run) {
			a, b := r.connect(hello{anon: true}), r.connect(hello{anon: true})
			ida, _ := a.connack.get(assignedClientIdentifierProperty)
			idb, _ := b.connack.get(assignedClientIdentifierProperty)
			r.expect(ida.value != "" && idb.value != "" && ida.value != idb.value, "Assigned Client Identifiers = %q, %q; want two that differ (3.2.2-16)", ida.value, idb.value)
			a.alive()
		}},
	{Clause: "3.1.3-6", Title: "an empty client identifier without Clean Start",
		Does:  "Connects with an empty identifier and Clean Start 0.",
		Wants: "An identifier is assigned, and Session Present is 0.",
		check: func(r *run) {
			c := r.connect(hello{anon: true, resume: true, props: sessionExpiry(1)})
			id, _ := c.connack.get(assignedClientIdentifierProperty)
			r.expect(id.value != "" && !c.connack.session, "got %v; want an Assigned Client Identifier, and no session", c.connack)
		}},
	{Clause: "3.2.2-16", Title: "the assigned identifier can be used to come back",
		Does:  "Leaves a session under an assigned identifier and connects with that one.",
		Wants: "Session Present is 1.",
		check: func(r *run) {
			a := r.connect(hello{anon: true, props: sessionExpiry(100)})
			id, _ := a.connack.get(assignedClientIdentifierProperty)
			a.bye()
			b := r.connect(hello{id: id.value, resume: true, props: sessionExpiry(100)})
			r.expect(b.connack.session, "Session Present = false; want the session of %q", id.value)
		}},
	{Clause: "3.2.0-2", Title: "one CONNACK",
		Does:  "Connects and waits.",
		Wants: "One CONNACK comes, and nothing else.",
		check: func(r *run) {
			r.plain().quiet()
		}},
	{Clause: "3.1.4-6", Title: "packets sent before the CONNACK",
		Does:  "Sends CONNECT, SUBSCRIBE and PUBLISH in one go.",
		Wants: "CONNACK, SUBACK and the message come, in this order.",
		check: func(r *run) {
			c := r.dial(5)
			c.send(r.introduced(hello{version: 5, id: r.id("a")}).encode(), raw(0x82, u16(1), none, str(r.topic("a")), "\x00"), c.encodePublish(0, r.topic("a"), "m", 0, 0))
			c.want(connack)
			c.want(suback)
			c.message(r.topic("a"), "m")
		}},
	{Clause: "3.1.2-16", Title: "user name and password flags in all ways",
		Does:  "Connects with a user name alone, a password alone, and both empty.",
		Wants: "All are accepted by a server that does not look at them.",
		check: func(r *run) {
			if r.x.cfg.Username != "" {
				r.undecided("needs a server that does not look at user names")
			}
			r.connect(hello{username: new("u")})
			r.connect(hello{password: new("p")})
			r.connect(hello{username: new(""), password: new("")})
		}},
	{Clause: "3.1.4-3", Title: "a second client with the identifier takes over",
		Does:  "A second client connects with the identifier of one that is connected, and resumes its session.",
		Wants: "The first is disconnected, and the session with its subscription is the second's.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			a := r.connect(h)
			a.subscribe(r.topic("a"), 1)
			b := r.connect(h)
			r.expect(b.connack.session, "Session Present = false; want the session that was taken over")
			a.closed()
			r.plain().publish(r.topic("a"), "m", 1, 0)
			b.ack(b.message(r.topic("a"), "m"))
		}},
	{Clause: "3.1.4-3", Title: "the DISCONNECT of a take-over says 0x8E",
		Does:  "A second client connects with the identifier of one that is connected, with Clean Start 1.",
		Wants: "The first gets DISCONNECT 0x8E before the end of its connection.",
		check: func(r *run) {
			h := hello{id: r.id("a")}
			a := r.connect(h)
			r.connect(h)
			p, err := a.read(r.x.patience)
			r.expect(err == nil && p.typ == disconnect && p.code == 0x8e, "got %s; want DISCONNECT 0x8E", seen(p, err))
			a.closed()
		}},
	{Clause: "3.1.4-3", Title: "many take-overs in a row",
		Does:  "Twenty clients in a row take the same session over.",
		Wants: "Each finds the session, and the subscription works in the end.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			old := r.connect(h)
			old.subscribe(r.topic("a"), 1)
			for range 20 {
				c := r.connect(h)
				r.expect(c.connack.session, "Session Present = false; want the session that was taken over")
				old.closed()
				old = c
			}
			r.plain().publish(r.topic("a"), "m", 1, 0)
			old.ack(old.message(r.topic("a"), "m"))
		}},
	{Clause: "3.1.2-22", Title: "Keep Alive: closed after one and a half times",
		Does:  "A client with a Keep Alive of 2 s says nothing.",
		Wants: "The server closes after one and a half times that, within 8 s, with 0x8D if it says why.",
		check: func(r *run) {
			r.connect(hello{keep: 2}).timedOut(2, 0x8d)
		}},
	{Clause: "3.1.2-20", Title: "Keep Alive: any packet counts",
		Does:  "Of two clients with a Keep Alive of 2 s one sends nothing but PINGREQs, the other nothing but PUBLISHes, every 1.2 s.",
		Wants: "Both stay connected.",
		check: func(r *run) {
			a, b := r.connect(hello{keep: 2}), r.connect(hello{keep: 2})
			r.excuse = func() string { return r.tardy(2500*time.Millisecond, a, b) }
			for range 4 {
				r.wait(1200 * time.Millisecond)
				a.alive()
				b.publish(r.topic("a"), "m", 1, 0)
			}
		}},
	{Clause: "3.1.2-22", Title: "Keep Alive: what the client receives does not count",
		Does:  "A client with a Keep Alive of 2 s receives messages and says nothing.",
		Wants: "The server closes after one and a half times that, within 8 s, with 0x8D if it says why.",
		check: func(r *run) {
			p := r.plain()
			c := r.connect(hello{keep: 2})
			c.subscribe(r.topic("a"), 0)
			for c.got = 0; time.Since(c.wrote) < 11*time.Second; {
				p.publish(r.topic("a"), "m", 0, 0)
				q, err := c.read(200 * time.Millisecond)
				switch {
				case errors.Is(err, os.ErrDeadlineExceeded):
					continue
				case q != nil && q.typ == publish:
					r.wait(200 * time.Millisecond)
					continue
				case q != nil:
					c.queue = append(c.queue, q)
				}
				r.expect(c.got > 0, "%s got %s before any message; want messages first", c.name, seen(q, err))
				c.timedOut(2, 0x8d)
				return
			}
			r.fatalf("%s, which is silent, is still connected after 11 s; want the server to close", c.name)
		}},
	{Clause: "3.1.2.10", Title: "Keep Alive 0 is off",
		Does:  "A client with Keep Alive 0 says nothing for 2.5 s.",
		Wants: "It stays connected.",
		check: func(r *run) {
			c := r.connect(hello{keep: 0})
			r.wait(2500 * time.Millisecond)
			c.alive()
		}},
	{Clause: "3.12.4-1", Title: "PINGREQ is answered", proves: ping,
		Does:  "Sends three PINGREQs in one go.",
		Wants: "Three PINGRESPs come, and nothing else.",
		check: func(r *run) {
			c := r.plain()
			c.send("\xc0\x00\xc0\x00\xc0\x00")
			for range 3 {
				c.want(pingresp)
			}
			c.quiet()
		}},
	{Clause: "3.14.4", Title: "the server closes after DISCONNECT",
		Does:  "Sends DISCONNECT.",
		Wants: "The server closes without a word.",
		check: func(r *run) {
			c := r.plain()
			c.send("\xe0\x00")
			c.left()
		}},
	{Clause: "3.14.4-1", Title: "nothing after DISCONNECT is looked at",
		Does:  "Sends DISCONNECT and a PUBLISH in one go.",
		Wants: "The message is not delivered.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			c := r.plain()
			c.leave("\xe0\x00" + c.encodePublish(0, r.topic("a"), "m", 0, 0))
			w.quiet()
		}},
	{Clause: "3.1.2-29", Title: "Request Problem Information 0: no Reason String",
		Does:  "A client with Request Problem Information 0 sends what is answered with a reason code.",
		Wants: "PUBCOMP and SUBACK come without Reason String and User Properties.",
		check: func(r *run) {
			c := r.connect(hello{props: requestProblem(0)})
			c.send(acknowledgement(pubrel, 999))
			p := c.want(pubcomp)
			r.expect(len(p.props) == 0, "PUBCOMP has %s; want no properties", propsInWords(p.props))
			c.sendSubscribe(1, r.topic("a"), 0)
			p = c.want(suback)
			r.expect(len(p.props) == 0, "SUBACK has %s; want no properties", propsInWords(p.props))
		}},
	{Clause: "3.2.2.3", Title: "the CONNACK's properties have values that they may have",
		Does:  "Connects and reads the properties of the CONNACK.",
		Wants: "Each has a value that the standard allows.",
		check: func(r *run) {
			c := r.connect(hello{props: sessionExpiry(100) + requestResponse(1)})
			for id, low := range map[byte]uint32{33: 1, 39: 1} {
				r.expect(c.connack.num(id, low) >= low, "property %d = %d; want at least %d", id, c.connack.num(id, low), low)
			}
			for _, id := range []byte{36, 37, 40, 41, 42} {
				r.expect(c.connack.num(id, 1) <= 1, "property %d = %d; want 0 or 1", id, c.connack.num(id, 1))
			}
			_, has := c.connack.get(maximumQoSProperty)
			r.expect(!has || c.connack.num(maximumQoSProperty, 0) < 2, "Maximum QoS 2 is said by leaving it out (3.2.2.3.4)")
			r.expect(c.connack.num(sessionExpiryProperty, 100) <= 100, "Session Expiry = %d; want no more than asked for", c.connack.num(sessionExpiryProperty, 100))
		}},
	{Clause: "3.1.2.11.8", Title: "User Properties in the CONNECT",
		Does:  "Connects with User Properties, one twice and one empty.",
		Wants: "It is accepted.",
		check: func(r *run) {
			r.connect(hello{props: user("a", "1") + user("a", "1") + user("", "")}).alive()
		}},
	{Clause: "4.12", Title: "a DISCONNECT with a reason and a Reason String",
		Does:  "A client with a Will sends DISCONNECT 0x00 with a Reason String and a User Property.",
		Wants: "The server has nothing to say to that, and the Will does not come.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{will: &will{topic: r.topic("will"), payload: "gone"}})
			c.byeWith(raw(disconnect<<4, "\x00", props(reasonString("tired"), user("k", "v"))))
			for _, p := range c.queue {
				r.fatalf("%s got %v; want nothing but the end of the connection", c.name, p)
			}
			w.still()
		},
		control: publishesWills, proof: controls[Wills].says},
	{Clause: "4.8", Title: "a connection that says nothing is not for ever",
		Does:  "Opens one connection that sends nothing and one that sends half a CONNECT.",
		Wants: "Another client is served meanwhile.",
		check: func(r *run) {
			// Only that others are served meanwhile: how long is the server's affair.
			r.dial(5)
			c := r.dial(5)
			c.send("\x10\x7f")
			r.plain().alive()
		}},
}
