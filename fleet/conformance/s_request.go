package conformance

import "strings"

// Chapter 4.10: requests and responses.
var requestStatements = []Statement{
	{Clause: "3.1.2-28", Title: "no Response Information unless asked for",
		Does:  "Connects without Request Response Information, and with 0.",
		Wants: "The CONNACK has no Response Information.",
		check: func(r *run) {
			for _, p := range []string{"", requestResponse(0)} {
				_, ok := r.connect(hello{props: p}).connack.get(26)
				r.expect(!ok, "CONNACK has Response Information")
			}
		}},
	{Clause: "4.10", Title: "a Will that is a request is answered to a client that was away",
		Does:  "A client whose Will has a Response Topic is cut off; who sees the Will answers; the client comes back.",
		Wants: "The answer waits in its session, with the Correlation Data of the Will.",
		check: func(r *run) {
			w := r.watcher(r.topic("will"), 1)
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100),
				will: &will{topic: r.topic("will"), payload: "gone", props: responseTopic(r.topic("seen")) + correlation("a/1")}}
			c := r.connect(h)
			c.subscribe(r.topic("seen"), 1)
			c.cut()
			p := w.message(r.topic("will"), "gone")
			re, _ := p.get(8)
			cd, _ := p.get(9)
			w.publish(re.value, "seen", 1, 0, correlation(cd.value))
			c = r.connect(h)
			p = c.message(r.topic("seen"), "seen")
			c.ack(p)
			wantProps(r, p, map[byte]string{9: "a/1"})
		}},
	{Clause: "3.3.2-15", Title: "Response Topic, Correlation Data and the rest are passed on",
		Does:  "Publishes with Response Topic, Correlation Data, Content Type and Payload Format Indicator.",
		Wants: "All come unaltered.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "ON", 1, 0, responseTopic("re/ä"), correlation("\x00\xff\x80"), contentType("text/plain"), payloadFormat(1))
			p := w.message(r.topic("a"), "ON")
			wantProps(r, p, map[byte]string{8: "re/ä", 9: "\x00\xff\x80", 3: "text/plain"})
			r.expect(p.num(1, 9) == 1, "Payload Format = %d; want 1", p.num(1, 9))
		}},
	{Clause: "3.3.2-16", Title: "Correlation Data of 65,535 bytes",
		Does:  "Publishes with Correlation Data of 65,535 bytes.",
		Wants: "They come unaltered.",
		check: func(r *run) {
			long := make([]byte, 65535)
			for i := range long {
				long[i] = byte(i * 7)
			}
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "m", 1, 0, correlation(string(long)))
			wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{9: string(long)})
		}},
	{Clause: "3.3.2-16", Title: "empty Correlation Data stays there",
		Does:  "Publishes with Correlation Data of no bytes.",
		Wants: "They come, with no bytes.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "m", 1, 0, correlation(""))
			wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{9: ""})
		}},
	{Clause: "4.10.1", Title: "a request and its response",
		Does:  "Sends a request; the responder answers to its Response Topic with its Correlation Data.",
		Wants: "The answer comes to the requester, and to nobody else.",
		check: func(r *run) {
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
	{Clause: "3.2.2.3.15", Title: "Response Information", needs: responseInformation,
		Does:  "Asks for Response Information, subscribes and publishes beneath it.",
		Wants: "It is given, and both are allowed.",
		check: func(r *run) {
			c := r.connect(hello{props: requestResponse(1)})
			info, ok := c.connack.get(26)
			r.expect(ok && info.value != "", "the CONNACK has no Response Information; want that which the user has")
			topic := strings.TrimSuffix(info.value, "/") + "/" + r.prefix + "/re"
			c.subscribe(topic, 0)
			c.publish(topic, "m", 0, 0)
			c.message(topic, "m")
		}},
}
