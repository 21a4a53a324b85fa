package conformance

import (
	"fmt"
	"strings"
	"time"
)

// Sections 3.3 and 4.10: what a PUBLISH carries, and retained messages.
var publishStatements = []statement{
	{section: "3.3.1-3", title: "DUP is not passed on", check: func(r *run) {
		w := r.watcher(r.topic("a"), 1)
		r.plain().publish(r.topic("a"), "m", 1, 8)
		p := w.message(r.topic("a"), "m")
		r.expect(!p.dup(), "DUP is set on a first delivery")
		w.ack(p)
	}},
	{section: "3.3.2-15", title: "Response Topic, Correlation Data and the rest are passed on", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		r.plain().publish(r.topic("a"), "ON", 1, 0, responseTopic("re/ä"), correlation("\x00\xff\x80"), contentType("text/plain"), payloadFormat(1))
		p := w.message(r.topic("a"), "ON")
		wantProps(r, p, map[byte]string{8: "re/ä", 9: "\x00\xff\x80", 3: "text/plain"})
		r.expect(p.num(1, 9) == 1, "Payload Format = %d; want 1", p.num(1, 9))
	}},
	{section: "3.3.2-16", title: "Correlation Data of 65,535 bytes", check: func(r *run) {
		long := make([]byte, 65535)
		for i := range long {
			long[i] = byte(i * 7)
		}
		w := r.watcher(r.topic("a"), 0)
		r.plain().publish(r.topic("a"), "m", 1, 0, correlation(string(long)))
		wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{9: string(long)})
	}},
	{section: "3.3.2-16", title: "empty Correlation Data stays there", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		r.plain().publish(r.topic("a"), "m", 1, 0, correlation(""))
		wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{9: ""})
	}},
	{section: "3.3.2-20", title: "an empty Content Type stays there", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		r.plain().publish(r.topic("a"), "m", 1, 0, contentType(""))
		wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{3: ""})
	}},
	{section: "3.3.2-4", title: "Payload Format 0 and none are passed on as they are", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		c := r.plain()
		c.publish(r.topic("a"), "m", 0, 0)
		p := w.message(r.topic("a"), "m")
		r.expect(len(p.props) == 0, "properties = %v; want none, as sent", p.props)
		c.publish(r.topic("a"), "m", 0, 0, payloadFormat(0))
		p = w.message(r.topic("a"), "m")
		r.expect(p.num(1, 0) == 0, "Payload Format = %d; want 0", p.num(1, 0))
	}},
	{section: "3.3.2-17", title: "User Properties in order, with repeated and empty ones", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		r.plain().publish(r.topic("a"), "m", 1, 0, user("z", "1"), user("a", "2"), contentType("t"), user("z", "1"), user("", ""), correlation("c"), user("z", "0"))
		wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{3: "t", 9: "c"}, "z=1", "a=2", "z=1", "=", "z=0")
	}},
	{section: "4.10.1", title: "a request and its response", check: func(r *run) {
		requester, responder := r.watcher(r.topic("re/1"), 1), r.watcher(r.topic("cmnd"), 1)
		other := r.watcher(r.topic("re/2"), 1)
		requester.publish(r.topic("cmnd"), "ON", 1, 0, responseTopic(r.topic("re/1")), correlation("17"))
		p := responder.message(r.topic("cmnd"), "ON")
		responder.ack(p)
		re, _ := p.get(8)
		cd, _ := p.get(9)
		responder.publish(re.value, "ON", 1, 0, correlation(cd.value))
		p = requester.message(r.topic("re/1"), "ON")
		requester.ack(p)
		wantProps(r, p, map[byte]string{9: "17"})
		other.quiet()
	}},
	{section: "3.3.3", title: "an empty payload", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		r.plain().publish(r.topic("a"), "", 0, 0)
		w.message(r.topic("a"), "")
	}},
	{section: "3.3.2-4", title: "a payload that is no UTF-8", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		r.plain().publish(r.topic("a"), string(all), 0, 0, payloadFormat(0))
		w.message(r.topic("a"), string(all))
	}},
	{section: "3.3.2-6", title: "the Message Expiry that is passed on is what is left", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 1)
		w.bye()
		r.plain().publish(r.topic("a"), "m", 1, 0, messageExpiry(100))
		time.Sleep(2200 * time.Millisecond)
		w = r.connect(h)
		p := w.message(r.topic("a"), "m")
		w.ack(p)
		r.expect(p.num(2, 0) >= 95 && p.num(2, 0) <= 98, "Message Expiry = %d after 2.2 s; want 97 or 98", p.num(2, 0))
	}},
	{section: "3.3.2-5", title: "an expired message is not delivered", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 1)
		w.bye()
		c := r.plain()
		c.publish(r.topic("a"), "short", 1, 0, messageExpiry(1))
		c.publish(r.topic("a"), "long", 1, 0)
		time.Sleep(2300 * time.Millisecond)
		w = r.connect(h)
		p := w.message(r.topic("a"), "long")
		_, has := p.get(2)
		r.expect(!has, "a Message Expiry was added")
		w.ack(p)
	}},
	{section: "3.3.2-5", title: "an expired retained message is not delivered", check: func(r *run) {
		c := r.plain()
		c.publish(r.topic("a"), "short", 1, 1, messageExpiry(2))
		w := r.watcher(r.topic("a"), 0)
		p := w.message(r.topic("a"), "short")
		r.expect(p.num(2, 9) <= 2, "Message Expiry = %d; want at most 2", p.num(2, 9))
		time.Sleep(3300 * time.Millisecond)
		r.watcher(r.topic("a"), 0).quiet()
	}},
	{section: "3.3.1-5", title: "retained: the last message is kept", check: func(r *run) {
		c := r.plain()
		for qos := range byte(3) {
			topic := r.topic(fmt.Sprintf("q%d", qos))
			c.publish(topic, "old", qos, 1)
			c.publish(topic, "new", qos, 1, user("a", "1"), responseTopic("re"), correlation("c"), contentType("t"))
			c.alive()
			w := r.watcher(topic, 2)
			p := w.message(topic, "new")
			r.expect(p.retain() && !p.dup() && p.qos() == qos, "got %v; want QoS %d and RETAIN", p, qos)
			wantProps(r, p, map[byte]string{3: "t", 8: "re", 9: "c"}, "a=1")
			w.ack(p)
			w.quiet()
		}
	}},
	{section: "3.3.1-8", title: "retained: a message without RETAIN changes nothing", check: func(r *run) {
		c := r.plain()
		c.publish(r.topic("a"), "kept", 1, 1)
		c.publish(r.topic("a"), "passing", 1, 0)
		c.publish(r.topic("a"), "", 1, 0)
		w := r.watcher(r.topic("a"), 0)
		w.message(r.topic("a"), "kept")
		w.quiet()
	}},
	{section: "3.3.1-6", title: "retained: an empty payload removes, and is passed on", check: func(r *run) {
		c := r.plain()
		c.publish(r.topic("a"), "kept", 1, 1)
		live := r.watcher(r.topic("a"), 0)
		live.message(r.topic("a"), "kept")
		c.publish(r.topic("a"), "", 1, 1)
		p := live.message(r.topic("a"), "")
		r.expect(!p.retain(), "RETAIN is set towards a subscription that was there (3.3.1-12)")
		r.watcher(r.topic("a"), 0).quiet()
	}},
	{section: "3.3.1-9", title: "Retain Handling 0: at every SUBSCRIBE", check: func(r *run) {
		r.plain().publish(r.topic("a"), "kept", 1, 1)
		w := r.watcher(r.topic("a"), 0x00)
		w.message(r.topic("a"), "kept")
		w.subscribe(r.topic("a"), 0x01)
		w.ack(w.message(r.topic("a"), "kept"))
	}},
	{section: "3.3.1-10", title: "Retain Handling 1: only where the subscription is new", check: func(r *run) {
		r.plain().publish(r.topic("a"), "kept", 1, 1)
		w := r.watcher(r.topic("a"), 0x10)
		w.message(r.topic("a"), "kept")
		w.subscribe(r.topic("a"), 0x10)
		w.quiet()
		w.unsubscribe(r.topic("a"))
		w.subscribe(r.topic("a"), 0x10)
		w.message(r.topic("a"), "kept")
	}},
	{section: "3.3.1-10", title: "Retain Handling 1 on a resumed session", check: func(r *run) {
		r.plain().publish(r.topic("a"), "kept", 1, 1)
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		c := r.connect(h)
		c.subscribe(r.topic("a"), 0x10)
		c.message(r.topic("a"), "kept")
		c.bye()
		c = r.connect(h)
		c.quiet()
		c.subscribe(r.topic("a"), 0x10)
		c.quiet()
	}},
	{section: "3.3.1-11", title: "Retain Handling 2: never", check: func(r *run) {
		r.plain().publish(r.topic("a"), "kept", 1, 1)
		r.watcher(r.topic("a"), 0x20).quiet()
	}},
	{section: "3.3.1-12", title: "Retain As Published 0: RETAIN is cleared", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		r.plain().publish(r.topic("a"), "m", 1, 1)
		r.expect(!w.message(r.topic("a"), "m").retain(), "RETAIN is set")
	}},
	{section: "3.3.1-13", title: "Retain As Published 1: RETAIN as it came", check: func(r *run) {
		w := r.watcher(r.topic("a"), 8)
		c := r.plain()
		c.publish(r.topic("a"), "m", 1, 1)
		r.expect(w.message(r.topic("a"), "m").retain(), "RETAIN is not set")
		c.publish(r.topic("a"), "n", 1, 0)
		r.expect(!w.message(r.topic("a"), "n").retain(), "RETAIN is set")
	}},
	{section: "3.3.1.3", title: "RETAIN is set on what a SUBSCRIBE brings, whatever Retain As Published", check: func(r *run) {
		r.plain().publish(r.topic("a"), "m", 1, 1)
		for _, o := range []byte{0, 8} {
			r.expect(r.watcher(r.topic("a"), o).message(r.topic("a"), "m").retain(), "RETAIN is not set with options 0x%02X", o)
		}
	}},
	{section: "3.3.1-9", title: "retained messages of a wildcard subscription", check: func(r *run) {
		c := r.plain()
		want := map[string]bool{}
		for _, s := range []string{"x", "x/y", "x/y/z", "/", "x//z"} {
			c.publish(r.topic(s), "m", 1, 1)
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
	{section: "3.3.1-5", title: "the retained message outlives its publisher", check: func(r *run) {
		c := r.plain()
		c.publish(r.topic("a"), "m", 1, 1)
		c.bye()
		r.watcher(r.topic("a"), 0).message(r.topic("a"), "m")
	}},
	{section: "3.3.1-9", title: "the QoS of a retained message is bounded by the subscription's", check: func(r *run) {
		r.plain().publish(r.topic("a"), "m", 2, 1)
		p := r.watcher(r.topic("a"), 0).message(r.topic("a"), "m")
		r.expect(p.qos() == 0, "QoS %d; want 0", p.qos())
		w := r.watcher(r.topic("a"), 1)
		p = w.message(r.topic("a"), "m")
		r.expect(p.qos() == 1, "QoS %d; want 1", p.qos())
		w.ack(p)
	}},

	{section: "3.3.2-1", title: "a Topic Name of 65,535 bytes", check: func(r *run) {
		topic := r.topic(strings.Repeat("ä", 40_000))[:65534] + "x"
		topic = strings.ToValidUTF8(topic, "")
		topic += strings.Repeat("y", 65535-len(topic))
		w := r.watcher(topic, 1)
		r.plain().publish(topic, "m", 1, 0)
		w.ack(w.message(topic, "m"))
	}},
	{section: "3.3.4-9", title: "retained messages keep to the Receive Maximum", check: func(r *run) {
		c := r.plain()
		for i := range 5 {
			c.publish(r.topic(fmt.Sprint(i)), "kept", 1, 1)
		}
		w := r.connect(hello{props: receiveMaximum(1)})
		w.subscribe(r.topic("+"), 1)
		for range 5 {
			p := w.want(publish)
			w.quiet()
			w.ack(p)
		}
	}},

	{section: "3.3.2.3.4", title: "Topic Alias: set, used, set anew", check: func(r *run) {
		w := r.watcher(r.topic("#"), 0)
		c := r.plain()
		if c.connack.num(34, 0) < 2 {
			r.skipf("the server takes fewer than 2 Topic Aliases")
		}
		c.publish(r.topic("a"), "1", 0, 0, topicAlias(1))
		c.publish("", "2", 1, 0, topicAlias(1))
		c.publish(r.topic("b"), "3", 0, 0, topicAlias(2))
		c.publish("", "4", 0, 0, topicAlias(1))
		c.publish(r.topic("c"), "5", 0, 0, topicAlias(1))
		c.publish("", "6", 2, 0, topicAlias(1))
		c.publish("", "7", 0, 0, topicAlias(2))
		for _, m := range []string{"a1", "a2", "b3", "a4", "c5", "c6", "b7"} {
			p := w.message(r.topic(m[:1]), m[1:])
			_, has := p.get(35)
			r.expect(!has, "the sender's Topic Alias was passed on (3.3.2-7)")
		}
	}},
	{section: "3.3.2-7", title: "Topic Aliases end with the connection", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		c := r.connect(h)
		if c.connack.num(34, 0) < 1 {
			r.skipf("the server takes no Topic Aliases")
		}
		c.publish(r.topic("a"), "1", 1, 0, topicAlias(1))
		c.bye()
		c = r.connect(h)
		c.send(c.encodePublish(0, "", "2", 0, 0, topicAlias(1)))
		c.closed(protocolError, 0x94)
	}},
	{section: "3.2.2-17", title: "a Topic Alias over the server's maximum", check: func(r *run) {
		c := r.plain()
		limit := int(c.connack.num(34, 0))
		if limit == 65535 {
			r.skipf("the server takes all Topic Aliases")
		}
		c.send(c.encodePublish(0, r.topic("a"), "1", 0, 0, topicAlias(limit+1)))
		c.closed(0x94)
	}},
	{section: "3.1.2-26", title: "no Topic Alias to a client that takes none", check: func(r *run) {
		w := r.watcher(r.topic("a"), 0)
		c := r.plain()
		for range 5 {
			c.publish(r.topic("a"), "m", 0, 0)
			_, has := w.message(r.topic("a"), "m").get(35)
			r.expect(!has, "the PUBLISH has a Topic Alias (3.1.2-27)")
		}
	}},
	{section: "3.1.2-26", title: "Topic Aliases to a client that takes some", check: func(r *run) {
		w := r.connect(hello{props: topicAliasMaximum(2)})
		w.subscribe(r.topic("#"), 0)
		c := r.plain()
		aliases := map[uint32]string{}
		for i := range 30 {
			topic := r.topic(fmt.Sprint(i * i % 5))
			c.publish(topic, "m", 0, 0)
			p := w.want(publish)
			if a, ok := p.get(35); ok {
				r.expect(a.num >= 1 && a.num <= 2, "Topic Alias %d; want 1 or 2", a.num)
				if p.topic == "" {
					p.topic = aliases[a.num]
				}
				aliases[a.num] = p.topic
			}
			r.expect(p.topic == topic, "got %v; want a message to %q", p, topic)
		}
	}},

	{section: "4.7.1-1", title: "wildcards match as they should", check: func(r *run) {
		topics := []string{"a", "a/b", "a/b/c", "/a", "a/", "a//c", "A", "/", "b/a/b"}
		filters := map[string]string{ // what each must get
			"a": "a", "a/+": "a/b a/", "a/#": "a a/b a/b/c a/ a//c", "+/+": "a/b /a a/ /", "/+": "/a /", "+": "a A", "a/+/c": "a/b/c a//c", "a/b/#": "a/b a/b/c",
			"+/b": "a/b", "+/+/+": "a/b/c a//c b/a/b", "a/": "a/", "/#": "/a /", "+/#": strings.Join(topics, " "), "#": strings.Join(topics, " "), "A": "A", "a//c": "a//c", "a/+/": "",
		}
		c := r.plain()
		for filter, want := range filters {
			w := r.watcher(r.topic(filter), 0)
			for _, topic := range topics {
				c.publish(r.topic(topic), "m", 0, 0)
			}
			c.publish(r.topic("end of it all"), "end", 1, 0) // with the PUBACK all have been routed
			for topic := range strings.FieldsSeq(want) {
				w.message(r.topic(topic), "m")
			}
			// The last message matches only where everything of one level does.
			if filter == "#" || filter == "+" || filter == "+/#" {
				w.message(r.topic("end of it all"), "end")
			}
			w.send("\xc0\x00")
			p := w.next()
			r.expect(p.typ == pingresp, "filter %q got %v; want %q and no more", filter, p, want)
			w.bye()
		}
	}},
	{section: "4.7.2-1", title: "a leading wildcard does not match $", check: func(r *run) {
		all, some := r.watcher("#", 0), r.watcher("+/"+r.topic("x"), 0)
		c := r.plain()
		code := c.tryPublish("$"+r.prefix+"/"+r.topic("x"), "hidden", 1, 0)
		r.expect(code < 0x80 || code == 0x87 || code == 0x90, "PUBACK 0x%02X; want success or a refusal", code)
		marker := r.topic("marker")
		c.publish(marker, "m", 0, 0)
		for { // # gets the messages of the other checks too
			p := all.want(publish)
			r.expect(!strings.HasPrefix(p.topic, "$"), "# got %v", p)
			if p.topic == marker {
				break
			}
		}
		some.quiet()
	}},
	{section: "4.7.3-4", title: "topics are compared character by character", check: func(r *run) {
		w := r.watcher(r.topic("Ä e\u0301"), 0)
		c := r.plain()
		c.publish(r.topic("ä e\u0301"), "case", 0, 0)
		c.publish(r.topic("Ä é"), "normalised", 0, 0)
		c.publish(r.topic("Ä e\u0301"), "m", 0, 0)
		w.message(r.topic("Ä e\u0301"), "m")
		w.quiet()
	}},
}
