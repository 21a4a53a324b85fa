package conformance

import (
	"fmt"
	"strings"
	"time"
)

// Chapter 4.1, and sessions as they begin and end.
// Their control, of which controls.go has the steps: a client comes back to its session.
var sessionStatements = []Statement{
	{Clause: "3.1.2-4", Title: "Clean Start 1 discards the session",
		Does:  "Leaves a session with a subscription and connects again with Clean Start 1.",
		Wants: "Session Present is 0, and the subscription is gone.",
		check: func(r *run) {
			h := hello{id: r.id("a"), props: sessionExpiry(100)}
			c := r.connect(h)
			c.subscribe(r.topic("a"), 1)
			c.bye()
			c = r.connect(h)
			r.expect(!c.connack.session, "Session Present = true after Clean Start (3.2.2-2)")
			r.plain().publish(r.topic("a"), "m", 1, 0)
			c.quiet()
		}},
	{Clause: "3.1.2-5", Title: "Clean Start 0 resumes the session", proves: resumed,
		Does:  "Leaves a session with a subscription and connects again with Clean Start 0.",
		Wants: "Session Present is 1, and the subscription works.",
		check: func(r *run) {
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
	{Clause: "3.1.2-23", Title: "without Session Expiry the session ends with the connection",
		Does:  "Connects without Session Expiry Interval, and with 0, is cut off and connects again.",
		Wants: "Session Present is 0.",
		check: func(r *run) {
			for _, h := range []hello{{id: r.id("a"), resume: true}, {id: r.id("a"), resume: true, props: sessionExpiry(0)}} {
				c := r.connect(h)
				c.subscribe(r.topic("a"), 1)
				c.cut()
				r.gone(h, soon, time.Second, 3*time.Second).bye()
			}
		}},
	{Clause: "3.1.2-23", Title: "a session lives until its expiry",
		Does:  "Leaves a session with an expiry of 2 s, and connects again after 0.7 s and after 3.5 s.",
		Wants: "The session is there the first time, and gone the second.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(2)}
			c := r.connect(h)
			c.cut()
			start := time.Now()
			r.wait(700 * time.Millisecond)
			c = r.connect(h)
			r.within(start, 1900*time.Millisecond)
			r.expect(c.connack.session, "Session Present = false before the expiry")
			c.cut()
			r.gone(h, 3500*time.Millisecond, 5*time.Second)
		}},
	{Clause: "3.1.2.11.2", Title: "Session Expiry 0xFFFFFFFF",
		Does:  "Leaves a session that never expires and connects again.",
		Wants: "Session Present is 1.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(0xffffffff)}
			c := r.connect(h)
			r.expect(c.connack.num(sessionExpiryProperty, 0xffffffff) > 0, "CONNACK's Session Expiry = 0; want the session kept")
			c.cut()
			r.wait(soon)
			r.expect(r.connect(h).connack.session, "Session Present = false; want the session")
		}},
	{Clause: "3.1.2.11.2", Title: "the expiry is that of the last connection",
		Does:  "Leaves a session with an expiry of 100 s, resumes it without one, and leaves again.",
		Wants: "The session is gone.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			r.connect(h).bye()
			c := r.connect(hello{id: h.id, resume: true})
			r.expect(c.connack.session, "Session Present = false; want the session")
			c.bye()
			r.expect(!r.connect(h).connack.session, "Session Present = true; want the session ended with a connection without expiry")
		}},
	{Clause: "3.14.2.2.2", Title: "DISCONNECT sets the Session Expiry",
		Does:  "Changes the Session Expiry Interval in a DISCONNECT, to 0 and from 1 s to 100 s.",
		Wants: "The session is gone the first time, and there after 2.5 s the second.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			c := r.connect(h)
			c.byeWith(raw(disconnect<<4, "\x00", props(sessionExpiry(0))))
			c = r.connect(hello{id: h.id, resume: true, props: sessionExpiry(1)})
			r.expect(!c.connack.session, "Session Present = true; want the session ended by the DISCONNECT")
			c.byeWith(raw(disconnect<<4, "\x00", props(sessionExpiry(100))))
			r.wait(2500 * time.Millisecond)
			r.expect(r.connect(h).connack.session, "Session Present = false; want the longer expiry of the DISCONNECT")
		}},
	{Clause: "3.14.2.2.2", Title: "DISCONNECT with a Session Expiry where CONNECT had none is not a valid one",
		Does:  "A client with a Will and no session sends a DISCONNECT with a Session Expiry Interval.",
		Wants: "The server closes, with 0x82 if it says why, the Will comes, and no session is left.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			h := hello{id: r.id("a"), resume: true, will: &will{topic: r.topic("will"), payload: "gone"}}
			c := r.connect(h)
			c.send(raw(disconnect<<4, "\x00", props(sessionExpiry(100))))
			c.closed(protocolError)
			w.message(r.topic("will"), "gone")
			r.expect(!r.connect(h).connack.session, "Session Present = true; want the session gone")
		}},
	{Clause: "4.1.0-1", Title: "messages of QoS 1 and 2 wait for a client that is away",
		Does:  "Publishes twenty messages at QoS 1 and 2 for a client that is away.",
		Wants: "All come when it is back, in order and without DUP.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 2)
			w.bye()
			c := r.plain()
			for i := range 20 {
				c.publish(r.topic("a"), fmt.Sprint(i), byte(1+i%2), 0)
			}
			w = r.connect(h)
			r.expect(w.connack.session, "Session Present = false; want the session")
			for i := range 20 {
				p := w.message(r.topic("a"), fmt.Sprint(i))
				r.expect(!p.dup(), "DUP is set on a first delivery")
				w.ack(p)
			}
			w.quiet()
		}},
	{Clause: "4.1.0-1", Title: "what waits comes after what was under way",
		Does:  "Leaves a message unacknowledged, and another is published meanwhile.",
		Wants: "The first comes again before the second.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 1)
			c := r.plain()
			c.publish(r.topic("a"), "under way", 1, 0)
			w.message(r.topic("a"), "under way")
			w.cut()
			r.wait(soon)
			c.publish(r.topic("a"), "waits", 1, 0)
			w = r.connect(h)
			p := w.message(r.topic("a"), "under way")
			r.expect(p.dup(), "DUP is not set on what is sent again")
			w.ack(p)
			w.ack(w.message(r.topic("a"), "waits"))
		}},
	{Clause: "4.1", Title: "an acknowledged message does not come again",
		Does:  "Acknowledges a message of each QoS and connects again.",
		Wants: "None comes again.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 2)
			c := r.plain()
			for qos := range r.levels() {
				c.publish(r.topic("a"), "m", qos, 0)
				w.ack(w.message(r.topic("a"), "m"))
			}
			w.alive() // the last PUBCOMP has been read
			w.cut()
			r.connect(h).quiet()
		}},
	{Clause: "4.1", Title: "retained messages are not part of the session",
		Does:  "Subscribes where a message is retained, and resumes the session.",
		Wants: "The retained message does not come again.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 1)
			r.plain().publish(r.topic("a"), "m", 1, retainFlag)
			w.ack(w.message(r.topic("a"), "m"))
			w.alive()
			w.cut()
			r.connect(h).quiet()
		}},
	{Clause: "4.1", Title: "subscription options survive a resume",
		Does:  "Subscribes with No Local and Retain As Published, and resumes the session.",
		Wants: "Both still hold.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 1|noLocal|retainAsPublished)
			w.bye()
			w = r.connect(h)
			w.publish(r.topic("a"), "own", 1, 0)
			w.quiet()
			r.plain().publish(r.topic("a"), "m", 1, retainFlag)
			p := w.message(r.topic("a"), "m")
			r.expect(p.retain(), "RETAIN is not set")
			w.ack(p)
		}},
	{Clause: "4.1", Title: "UNSUBSCRIBE lasts over a resume",
		Does:  "Unsubscribes from one of two topics, and resumes the session.",
		Wants: "Only the other one's message comes.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 1)
			w.subscribe(r.topic("b"), 1)
			w.unsubscribe(r.topic("a"))
			w.bye()
			c := r.plain()
			c.publish(r.topic("a"), "m", 1, 0)
			c.publish(r.topic("b"), "m", 1, 0)
			w = r.connect(h)
			w.ack(w.message(r.topic("b"), "m"))
			w.quiet()
		}},
	{Clause: "4.1", Title: "a resumed client with another version of its limits",
		Does:  "Resumes a session with a Maximum Packet Size below that of a message that waits.",
		Wants: "The next message comes, and the first does not.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 1)
			w.bye()
			c := r.plain()
			c.publish(r.topic("a"), strings.Repeat("x", 200), 1, 0)
			c.publish(r.topic("a"), "m", 1, 0)
			h.props = sessionExpiry(100) + maximumPacket(100)
			w = r.connect(h)
			w.ack(w.message(r.topic("a"), "m")) // the other cannot be sent: 3.1.2-24
			w.quiet()
		}},
	{Clause: "4.3.2-1", Title: "identifiers of messages under way differ",
		Does:  "Leaves ten messages unacknowledged.",
		Wants: "Their identifiers differ.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 2)
			c := r.plain()
			seen := map[int]bool{}
			for i := range 10 {
				c.publish(r.topic("a"), fmt.Sprint(i), byte(1+i%2), 0)
				p := w.message(r.topic("a"), fmt.Sprint(i))
				r.expect(!seen[p.id], "Packet Identifier %d is used twice (2.2.1-4)", p.id)
				seen[p.id] = true
			}
		}},
	{Clause: "4.4.0-1", Title: "a take-over sends again what was under way",
		Does:  "A client with unacknowledged messages is taken over.",
		Wants: "They come again to the second, with DUP and their identifiers.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			old := r.connect(h)
			old.subscribe(r.topic("a"), 2)
			c := r.plain()
			c.publish(r.topic("a"), "1", 1, 0)
			c.publish(r.topic("a"), "2", 2, 0)
			p1, p2 := old.message(r.topic("a"), "1"), old.message(r.topic("a"), "2")
			w := r.connect(h)
			old.closed()
			for _, f := range []*packet{p1, p2} {
				p := w.message(r.topic("a"), f.payload)
				r.expect(p.dup() && p.id == f.id, "sent again as %v; want DUP and id %d", p, f.id)
				w.ack(p)
			}
			c.publish(r.topic("a"), "3", 1, 0)
			w.ack(w.message(r.topic("a"), "3"))
			w.quiet()
		}},
}

// gone waits for a session to end and connects. A server that is busy sees late that a client
// was cut off: where the session is still there after the first of the times, it is left again.
func (r *run) gone(h hello, after ...time.Duration) *client {
	for i, d := range after {
		r.wait(d)
		c := r.connect(h)
		if !c.connack.session {
			r.judged++
			return c
		}
		c.cut()
		r.expect(i+1 < len(after), "Session Present = true %v after the end of the connection, and so it was before; want the session gone", d)
	}
	return nil
}
