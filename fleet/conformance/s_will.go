package conformance

import "time"

// Sections 3.1.2.5 and 3.1.3.2: Will Messages.
// Their control, of which controls.go has the steps: a client is cut off, and its Will comes.
var willStatements = []Statement{
	basic(willed, departed("3.1.2-8", "FIN", func(_ *run, c *client) { c.cut() })),
	departed("3.1.2-8", "RST", func(_ *run, c *client) { c.reset() }),
	departed("3.1.2-8", "half a packet and FIN", func(r *run, c *client) {
		c.send(c.encodePublish(0, r.topic("will"), "half", 0, 0)[:9])
		c.cut()
	}),
	departed("3.1.2-8", "a Protocol Error", func(_ *run, c *client) {
		c.trySend(raw(0x30, str("a/#"), none))
		c.closed()
	}),
	departedAlive(2, "3.1.2-8", "A client with a Will and a Keep Alive of 2 s says nothing.", "a Keep Alive time-out", func(_ *run, c *client) { c.timedOut(2) }),
	departed("3.1.2-8", "a take-over", func(r *run, c *client) { r.connect(hello{id: c.id}) }),
	departed("3.14.4-3", "DISCONNECT 0x04", func(_ *run, c *client) { c.leave(raw(disconnect<<4, "\x04")) }),
	departed("3.1.2.5", "DISCONNECT 0x80", func(_ *run, c *client) { c.leave(raw(disconnect<<4, "\x80")) }),
	departed("3.14.1-1", "DISCONNECT with reserved flags", func(_ *run, c *client) {
		c.trySend("\xe1\x00")
		c.closed()
	}),
	{Clause: "3.14.4-3", Title: "no Will after DISCONNECT 0x00",
		Does:  "Three clients with Wills send DISCONNECT 0x00 in its three forms.",
		Wants: "No Will comes.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			for _, d := range []string{"\xe0\x00", raw(disconnect<<4, "\x00"), raw(disconnect<<4, "\x00", none)} {
				r.connect(hello{will: &will{topic: r.topic("will"), payload: "gone"}}).byeWith(d)
			}
			w.still()
		}},
	{Clause: "3.1.2-10", Title: "a Will is not published twice",
		Does:  "A client's Will is published; it comes back without one and is cut off again.",
		Wants: "The Will comes once.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			h := hello{id: r.id("a"), props: sessionExpiry(100), will: &will{topic: r.topic("will"), payload: "gone"}}
			r.connect(h).cut()
			w.message(r.topic("will"), "gone")
			h.will, h.resume = nil, true
			r.connect(h).cut()
			w.still()
		}},
	{Clause: "3.1.2-14", Title: "a Will that is not retained",
		Does:  "A client with a Will is cut off.",
		Wants: "The Will comes without RETAIN, and a later subscriber gets nothing.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), retainAsPublished)
			r.connect(hello{will: &will{topic: r.topic("will"), payload: "gone"}}).cut()
			r.expect(!w.message(r.topic("will"), "gone").retain(), "RETAIN is set")
			r.watcher(r.topic("will"), 0).still()
		}},
	{Clause: "3.1.2-15", Title: "a Will that is retained",
		Does:  "A client with a Will that is to be retained is cut off.",
		Wants: "The Will comes with RETAIN where that is asked for, and a later subscriber gets it.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), retainAsPublished)
			r.connect(hello{will: &will{topic: r.topic("will"), payload: "gone", retain: true, qos: 1}}).cut()
			r.expect(w.message(r.topic("will"), "gone").retain(), "RETAIN is not set for Retain As Published")
			late := r.watcher(r.topic("will"), 0)
			r.expect(late.message(r.topic("will"), "gone").retain(), "RETAIN is not set on a new subscription")
		}},
	{Clause: "3.1.2-15", Title: "an empty retained Will clears the topic",
		Does:  "A client whose Will is empty and to be retained is cut off.",
		Wants: "The Will comes, and the topic is empty.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{will: &will{topic: r.topic("will"), retain: true}})
			c.publish(r.topic("will"), "Online", 1, retainFlag)
			w.message(r.topic("will"), "Online")
			c.cut()
			w.message(r.topic("will"), "")
			r.watcher(r.topic("will"), 0).still()
		}},
	{Clause: "3.1.2.6", Title: "Will QoS",
		Does:  "Clients with Wills of each QoS are cut off.",
		Wants: "Each Will comes at its QoS.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 2)
			for qos := range r.levels() {
				r.connect(hello{will: &will{topic: r.topic("will"), payload: "gone", qos: qos}}).cut()
				p := w.message(r.topic("will"), "gone")
				r.expect(p.qos() == qos, "QoS %d; want %d", p.qos(), qos)
				w.ack(p)
			}
		}},
	{Clause: "3.1.3-10", Title: "all properties of the Will arrive",
		Does:  "A client whose Will has all properties is cut off.",
		Wants: "All of them come with the Will, User Properties in order.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{will: &will{topic: r.topic("will"), payload: "gone", props: payloadFormat(1) + messageExpiry(100) + contentType("text/plain") +
				responseTopic(r.topic("re/x")) + correlation("\x00\xff") + user("b", "1") + user("a", "2") + user("b", "3")}})
			left := time.Now()
			c.cut()
			p := w.message(r.topic("will"), "gone")
			wantProps(r, p, map[byte]string{contentTypeProperty: "text/plain", responseTopicProperty: r.topic("re/x"), correlationDataProperty: "\x00\xff"}, "b=1", "a=2", "b=3")
			r.expect(p.num(payloadFormatProperty, 9) == 1, "Payload Format = %d; want 1", p.num(payloadFormatProperty, 9))
			r.expiryLeft(p, 100, 0, time.Since(left))
		}},
	{Clause: "3.1.3-10", Title: "a Will of 65,535 bytes, and its Correlation Data too",
		Does:  "A client whose Will has a payload and Correlation Data of 65,535 bytes is cut off.",
		Wants: "Both come unaltered.",
		check: func(r *run) {
			long := make([]byte, 65535)
			for i := range long {
				long[i] = byte(i)
			}
			w := r.watcher(r.topic("will"), 0)
			r.connect(hello{will: &will{topic: r.topic("will"), payload: string(long), props: correlation(string(long))}}).cut()
			wantProps(r, w.message(r.topic("will"), string(long)), map[byte]string{correlationDataProperty: string(long)})
		}},
	{Clause: "3.1.3-9", Title: "a Will Delay ends with a new connection",
		Does:  "A client with a Will Delay Interval of 2 s is cut off and comes back after 0.3 s.",
		Wants: "The Will does not come, then or later.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100), will: &will{topic: r.topic("will"), payload: "gone", props: willDelay(2)}}
			r.connect(h).cut()
			left := time.Now()
			r.wait(300 * time.Millisecond)
			c := r.connect(h)
			r.within(left, 1800*time.Millisecond) // or the Will was due
			r.expect(c.connack.session, "Session Present = false; want the session")
			r.wait(3 * time.Second)
			w.still()
			c.bye()
			r.wait(2500 * time.Millisecond)
			w.still()
		}},
	{Clause: "3.1.2-8", Title: "a Will Delay passes",
		Does:  "A client with a Will Delay Interval of 1 s is cut off.",
		Wants: "The Will comes after about 1 s.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{props: sessionExpiry(100), will: &will{topic: r.topic("will"), payload: "gone", props: willDelay(1)}})
			start := time.Now() // how long it took to connect is no part of the delay
			c.cut()
			w.message(r.topic("will"), "gone")
			d := time.Since(start)
			r.expect(d > 900*time.Millisecond, "the Will came after %v; want about 1 s", d)
		}},
	{Clause: "3.1.3.2.2", Title: "a Will Delay does not outlive the session",
		Does:  "A client with a Will Delay Interval of 60 s and a session of 1 s is cut off.",
		Wants: "The Will comes after about 1 s, when the session ends.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{props: sessionExpiry(1), will: &will{topic: r.topic("will"), payload: "gone", props: willDelay(60)}})
			start := time.Now() // how long it took to connect is no part of the delay
			c.cut()
			w.message(r.topic("will"), "gone")
			d := time.Since(start)
			r.expect(d > 900*time.Millisecond, "the Will came after %v; want about 1 s", d)
		}},
	{Clause: "3.1.3.2.2", Title: "a Will Delay without a session is none",
		Does:  "A client with a Will Delay Interval of 60 s and no session is cut off.",
		Wants: "The Will comes at once, or at least within seconds.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			r.connect(hello{will: &will{topic: r.topic("will"), payload: "gone", props: willDelay(60)}}).cut()
			w.message(r.topic("will"), "gone") // which has patience for seconds, not for the delay
		}},
	{Clause: "3.1.3-9", Title: "Clean Start ends the session and so the delay",
		Does:  "A client with a Will Delay Interval of 60 s is cut off, and connects again with Clean Start 1.",
		Wants: "The Will comes, since the session has ended.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			h := hello{id: r.id("a"), props: sessionExpiry(100), will: &will{topic: r.topic("will"), payload: "gone", props: willDelay(60)}}
			r.connect(h).cut()
			r.wait(soon)
			h.will = nil
			r.connect(h)
			w.message(r.topic("will"), "gone")
			w.still()
		}},
	{Clause: "3.1.3-9", Title: "a take-over with Clean Start ends the delay",
		Does:  "A client with a Will Delay Interval of 60 s is taken over with Clean Start 1.",
		Wants: "The Will comes, since the session has ended.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			h := hello{id: r.id("a"), props: sessionExpiry(100), will: &will{topic: r.topic("will"), payload: "gone", props: willDelay(60)}}
			r.connect(h)
			h.will = nil
			r.connect(h)
			w.message(r.topic("will"), "gone")
			w.still()
		}},
	{Clause: "3.1.3-9", Title: "a take-over with a Will Delay",
		Does:  "A client with a Will Delay Interval of 1 s is taken over by one that resumes the session.",
		Wants: "The Will does not come.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100), will: &will{topic: r.topic("will"), payload: "gone", props: willDelay(1)}}
			a := r.connect(h)
			r.connect(h)
			a.closed()
			r.wait(1800 * time.Millisecond)
			w.still()
		}},
	{Clause: "3.1.3.2.2", Title: "DISCONNECT 0x04 with a Will Delay",
		Does:  "A client with a Will Delay Interval of 1 s sends DISCONNECT 0x04.",
		Wants: "The Will comes after about 1 s.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{props: sessionExpiry(100), will: &will{topic: r.topic("will"), payload: "gone", props: willDelay(1)}})
			start := time.Now()
			c.leave(raw(disconnect<<4, "\x04"))
			w.message(r.topic("will"), "gone")
			r.expect(time.Since(start) > 900*time.Millisecond, "the Will came after %v; want about 1 s", time.Since(start))
		}},
	{Clause: "3.1.2.5", Title: "the new connection's Will replaces the old one's",
		Does:  "A client with a delayed Will is cut off, comes back with another Will and is cut off again.",
		Wants: "Only the second Will comes.",
		check: func(r *run) {
			w := r.watcher(r.topic("+"), 0)
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100), will: &will{topic: r.topic("old"), payload: "gone", props: willDelay(2)}}
			r.connect(h).cut()
			left := time.Now()
			r.wait(soon)
			h.will = &will{topic: r.topic("new"), payload: "gone"}
			c := r.connect(h)
			r.within(left, 1800*time.Millisecond) // or the old Will was due
			c.cut()
			w.message(r.topic("new"), "gone")
			r.wait(2500 * time.Millisecond)
			w.still()
		}},
	{Clause: "3.1.2-8", Title: "the Will after a take-over that resumes the session",
		Does:  "A client with a Will without delay is taken over by one that resumes its session.",
		Wants: "The Will comes, since the connection has ended.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100), will: &will{topic: r.topic("will"), payload: "gone"}}
			r.connect(h)
			h.will = nil
			c := r.connect(h)
			w.message(r.topic("will"), "gone")
			c.alive()
			w.still()
		}},
	{Clause: "3.14.4-3", Title: "the Will after DISCONNECT 0x04 on a resumed session",
		Does:  "A client resumes its session with another Will and sends DISCONNECT 0x04.",
		Wants: "The second Will comes, and the first does not.",
		check: func(r *run) {
			w := r.watcher(r.topic("+"), 0)
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100), will: &will{topic: r.topic("old"), payload: "gone"}}
			r.connect(h).bye()
			h.will = &will{topic: r.topic("new"), payload: "gone"}
			c := r.connect(h)
			c.leave(raw(disconnect<<4, "\x04"))
			w.message(r.topic("new"), "gone")
			w.still()
		}},
	{Clause: "3.1.3-10", Title: "the properties of a delayed Will",
		Does:  "A client whose Will has a delay of 1 s and all properties is cut off.",
		Wants: "All of them come with the Will, and its delay does not.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 0)
			c := r.connect(hello{props: sessionExpiry(100), will: &will{topic: r.topic("will"), payload: "late", props: willDelay(1) + payloadFormat(1) + messageExpiry(100) +
				contentType("text/plain") + responseTopic(r.topic("re/x")) + correlation("\x00\xff") + user("b", "1") + user("a", "2")}})
			left := time.Now()
			c.cut()
			p := w.message(r.topic("will"), "late")
			wantProps(r, p, map[byte]string{contentTypeProperty: "text/plain", responseTopicProperty: r.topic("re/x"), correlationDataProperty: "\x00\xff"}, "b=1", "a=2")
			r.expect(p.num(payloadFormatProperty, 9) == 1, "Payload Format = %d; want 1", p.num(payloadFormatProperty, 9))
			r.expiryLeft(p, 100, 0, time.Since(left)) // it counts from when the Will is published, and may begin before
		}},
}
