package conformance

import "fmt"

// Section 3.3.1.3: retained messages.
// Their control, of which controls.go has the steps: a retained message comes to a later subscriber.
var retainedStatements = []Statement{
	{Clause: "3.3.1-5", Title: "retained: the last message is kept",
		Does:  "Retains two messages on a topic at each QoS, the second with properties.",
		Wants: "A subscriber gets the second with its properties, its QoS and RETAIN.",
		check: func(r *run) {
			c := r.plain()
			for qos := range r.levels() {
				topic := r.topic(fmt.Sprintf("q%d", qos))
				c.publish(topic, "old", qos, retainFlag)
				c.publish(topic, "new", qos, retainFlag, user("a", "1"), responseTopic(r.topic("re")), correlation("c"), contentType("t"))
				c.alive()
				w := r.watcher(topic, 2)
				p := w.message(topic, "new")
				r.expect(p.retain() && !p.dup() && p.qos() == qos, "got %v; want QoS %d and RETAIN", p, qos)
				wantProps(r, p, map[byte]string{contentTypeProperty: "t", responseTopicProperty: r.topic("re"), correlationDataProperty: "c"}, "a=1")
				w.ack(p)
				w.quiet()
			}
		}},
	{Clause: "3.3.1-8", Title: "retained: a message without RETAIN changes nothing",
		Does:  "Retains a message and publishes others without RETAIN.",
		Wants: "A subscriber gets the first.",
		check: func(r *run) {
			c := r.plain()
			c.publish(r.topic("a"), "kept", 1, retainFlag)
			c.publish(r.topic("a"), "passing", 1, 0)
			c.publish(r.topic("a"), "", 1, 0)
			w := r.watcher(r.topic("a"), 0)
			w.message(r.topic("a"), "kept")
			w.quiet()
		}},
	{Clause: "3.3.1-6", Title: "retained: an empty payload removes, and is passed on",
		Does:  "Retains a message and an empty one.",
		Wants: "The empty one comes to who has subscribed, without RETAIN; a later subscriber gets nothing.",
		check: func(r *run) {
			c := r.plain()
			c.publish(r.topic("a"), "kept", 1, retainFlag)
			live := r.watcher(r.topic("a"), 0)
			live.message(r.topic("a"), "kept")
			c.publish(r.topic("a"), "", 1, retainFlag)
			p := live.message(r.topic("a"), "")
			r.expect(!p.retain(), "RETAIN is set towards a subscription that was there (3.3.1-12)")
			r.watcher(r.topic("a"), 0).quiet()
		}},
	{Clause: "3.3.1-9", Title: "Retain Handling 0: at every SUBSCRIBE",
		Does:  "Subscribes twice with Retain Handling 0.",
		Wants: "The retained message comes each time.",
		check: func(r *run) {
			r.plain().publish(r.topic("a"), "kept", 1, retainFlag)
			w := r.watcher(r.topic("a"), 0)
			w.message(r.topic("a"), "kept")
			w.subscribe(r.topic("a"), 1)
			w.ack(w.message(r.topic("a"), "kept"))
		}},
	{Clause: "3.3.1-10", Title: "Retain Handling 1: only where the subscription is new",
		Does:  "Subscribes twice with Retain Handling 1, unsubscribes and subscribes again.",
		Wants: "The retained message comes the first and the last time.",
		check: func(r *run) {
			r.plain().publish(r.topic("a"), "kept", 1, retainFlag)
			w := r.watcher(r.topic("a"), retainHandling1)
			w.message(r.topic("a"), "kept")
			w.subscribe(r.topic("a"), retainHandling1)
			w.quiet()
			w.unsubscribe(r.topic("a"))
			w.subscribe(r.topic("a"), retainHandling1)
			w.message(r.topic("a"), "kept")
		}},
	{Clause: "3.3.1-10", Title: "Retain Handling 1 on a resumed session",
		Does:  "Resumes a session and subscribes again with Retain Handling 1.",
		Wants: "The retained message does not come again.",
		check: func(r *run) {
			r.plain().publish(r.topic("a"), "kept", 1, retainFlag)
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			c := r.connect(h)
			c.subscribe(r.topic("a"), retainHandling1)
			c.message(r.topic("a"), "kept")
			c.bye()
			c = r.connect(h)
			c.quiet()
			c.subscribe(r.topic("a"), retainHandling1)
			c.quiet()
		}},
	{Clause: "3.3.1-11", Title: "Retain Handling 2: never",
		Does:  "Subscribes with Retain Handling 2.",
		Wants: "The retained message does not come.",
		check: func(r *run) {
			r.plain().publish(r.topic("a"), "kept", 1, retainFlag)
			r.watcher(r.topic("a"), retainHandling2).quiet()
		}},
	{Clause: "3.3.1-12", Title: "Retain As Published 0: RETAIN is cleared",
		Does:  "Publishes with RETAIN to a subscription without Retain As Published.",
		Wants: "The message comes without RETAIN.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "m", 1, retainFlag)
			r.expect(!w.message(r.topic("a"), "m").retain(), "RETAIN is set")
		}},
	{Clause: "3.3.1-13", Title: "Retain As Published 1: RETAIN as it came",
		Does:  "Publishes with and without RETAIN to a subscription with Retain As Published.",
		Wants: "RETAIN comes as it was sent.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), retainAsPublished)
			c := r.plain()
			c.publish(r.topic("a"), "m", 1, retainFlag)
			r.expect(w.message(r.topic("a"), "m").retain(), "RETAIN is not set")
			c.publish(r.topic("a"), "n", 1, 0)
			r.expect(!w.message(r.topic("a"), "n").retain(), "RETAIN is set")
		}},
	{Clause: "3.3.1.3", Title: "RETAIN is set on what a SUBSCRIBE brings, whatever Retain As Published",
		Does:  "Subscribes with and without Retain As Published where a message is retained.",
		Wants: "It comes with RETAIN to both.",
		check: func(r *run) {
			r.plain().publish(r.topic("a"), "m", 1, retainFlag)
			for _, o := range []byte{0, 8} {
				r.expect(r.watcher(r.topic("a"), o).message(r.topic("a"), "m").retain(), "RETAIN is not set with options 0x%02X", o)
			}
		}},
	{Clause: "3.3.1-9", Title: "retained messages of a wildcard subscription",
		Does:  "Subscribes with wildcards where five messages are retained.",
		Wants: "Those that the filter matches come, each once.",
		check: func(r *run) {
			c := r.plain()
			want := map[string]bool{}
			for _, s := range []string{"x", "x/y", "x/y/z", "/", "x//z"} {
				c.publish(r.topic(s), "m", 1, retainFlag)
				want[r.topic(s)] = true
			}
			w := r.watcher(r.topic("#"), 0)
			for range len(want) {
				p := w.want(publish)
				r.expect(want[p.topic], "got %v; want each topic once", p)
				delete(want, p.topic)
			}
			w.quiet()
			w = r.watcher(r.topic("+/y"), 0)
			w.message(r.topic("x/y"), "m")
			w.quiet()
		}},
	{Clause: "3.3.1-5", Title: "the retained message outlives its publisher", proves: retaining,
		Does:  "Retains a message and disconnects.",
		Wants: "A later subscriber gets it.",
		check: func(r *run) {
			c := r.plain()
			c.publish(r.topic("a"), "m", 1, retainFlag)
			c.bye()
			r.watcher(r.topic("a"), 0).message(r.topic("a"), "m")
		}},
	{Clause: "3.3.1-9", Title: "the QoS of a retained message is bounded by the subscription's",
		Does:  "Subscribes at QoS 0 and 1 where a message of QoS 2 is retained.",
		Wants: "It comes at the QoS of the subscription.",
		check: func(r *run) {
			r.plain().publish(r.topic("a"), "m", 2, retainFlag)
			p := r.watcher(r.topic("a"), 0).message(r.topic("a"), "m")
			r.expect(p.qos() == 0, "QoS %d; want 0", p.qos())
			w := r.watcher(r.topic("a"), 1)
			p = w.message(r.topic("a"), "m")
			r.expect(p.qos() == 1, "QoS %d; want 1", p.qos())
			w.ack(p)
		}},
	{Clause: "3.3.4-9", Title: "retained messages keep to the Receive Maximum",
		Does:  "A client with Receive Maximum 1 subscribes where five messages are retained.",
		Wants: "They come one at a time.",
		check: func(r *run) {
			c := r.plain()
			for i := range 5 {
				c.publish(r.topic(fmt.Sprint(i)), "kept", 1, retainFlag)
			}
			w := r.connect(hello{props: receiveMaximum(1)})
			w.subscribe(r.topic("+"), 1)
			for range 5 {
				p := w.want(publish)
				w.held()
				w.ack(p)
			}
		}},
}
