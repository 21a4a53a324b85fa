package conformance

import (
	"fmt"
	"strings"
	"time"
)

// Chapter 4.1: what a session keeps while its client is away.
var sessionStatements = []statement{
	{section: "4.1.0-1", title: "messages of QoS 1 and 2 wait for a client that is away", check: func(r *run) {
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
	{section: "4.1.0-1", title: "what waits comes after what was under way", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 1)
		c := r.plain()
		c.publish(r.topic("a"), "under way", 1, 0)
		w.message(r.topic("a"), "under way")
		w.cut()
		time.Sleep(soon)
		c.publish(r.topic("a"), "waits", 1, 0)
		w = r.connect(h)
		p := w.message(r.topic("a"), "under way")
		r.expect(p.dup(), "DUP is not set on what is sent again")
		w.ack(p)
		w.ack(w.message(r.topic("a"), "waits"))
	}},
	{section: "4.1", title: "an acknowledged message does not come again", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 2)
		c := r.plain()
		for qos := range byte(3) {
			c.publish(r.topic("a"), "m", qos, 0)
			w.ack(w.message(r.topic("a"), "m"))
		}
		w.alive() // the last PUBCOMP has been read
		w.cut()
		r.connect(h).quiet()
	}},
	{section: "4.1", title: "retained messages are not part of the session", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 1)
		r.plain().publish(r.topic("a"), "m", 1, 1)
		w.ack(w.message(r.topic("a"), "m"))
		w.alive()
		w.cut()
		r.connect(h).quiet()
	}},
	{section: "4.1", title: "subscription options survive a resume", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 0x0d) // QoS 1, No Local, Retain As Published
		w.bye()
		w = r.connect(h)
		w.publish(r.topic("a"), "own", 1, 0)
		w.quiet()
		r.plain().publish(r.topic("a"), "m", 1, 1)
		p := w.message(r.topic("a"), "m")
		r.expect(p.retain(), "RETAIN is not set")
		w.ack(p)
	}},
	{section: "4.1", title: "UNSUBSCRIBE lasts over a resume", check: func(r *run) {
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
	{section: "4.1", title: "a resumed client with another version of its limits", check: func(r *run) {
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
	{section: "4.3.2-1", title: "identifiers of messages under way differ", check: func(r *run) {
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
	{section: "4.4.0-1", title: "a take-over sends again what was under way", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		old := r.connect(h)
		old.subscribe(r.topic("a"), 2)
		c := r.plain()
		c.publish(r.topic("a"), "1", 1, 0)
		c.publish(r.topic("a"), "2", 2, 0)
		p1, p2 := old.message(r.topic("a"), "1"), old.message(r.topic("a"), "2")
		w := r.connect(h)
		old.closed(0x8e)
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
