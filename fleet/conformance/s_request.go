package conformance

import (
	"strings"
	"time"
)

// Chapter 4.10: requests and responses.
// Their control, of which controls.go has the steps: a message comes to a subscriber.
var requestStatements = []Statement{
	{Clause: "3.1.2-28", Title: "no Response Information unless asked for",
		Does:  "Connects without Request Response Information, and with 0.",
		Wants: "The CONNACK has no Response Information.",
		check: func(r *run) {
			for _, p := range []string{"", requestResponse(0)} {
				_, ok := r.connect(hello{props: p}).connack.get(responseInformationProperty)
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
			wantProps(r, p, map[byte]string{responseTopicProperty: r.topic("seen"), correlationDataProperty: "a/1"})
			re, _ := p.get(responseTopicProperty)
			cd, _ := p.get(correlationDataProperty)
			w.publish(re.value, "seen", 1, 0, correlation(cd.value))
			c = r.connect(h)
			p = c.message(r.topic("seen"), "seen")
			c.ack(p)
			wantProps(r, p, map[byte]string{correlationDataProperty: "a/1"})
		}},
	{Clause: "3.3.2-15", Title: "Response Topic, Correlation Data and the rest are passed on",
		Does:  "Publishes with Response Topic, Correlation Data, Content Type and Payload Format Indicator.",
		Wants: "All come unaltered.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "ON", 1, 0, responseTopic(r.topic("re/ä")), correlation("\x00\xff\x80"), contentType("text/plain"), payloadFormat(1))
			p := w.message(r.topic("a"), "ON")
			wantProps(r, p, map[byte]string{responseTopicProperty: r.topic("re/ä"), correlationDataProperty: "\x00\xff\x80", contentTypeProperty: "text/plain"})
			r.expect(p.num(payloadFormatProperty, 9) == 1, "Payload Format = %d; want 1", p.num(payloadFormatProperty, 9))
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
			wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{correlationDataProperty: string(long)})
		}},
	{Clause: "3.3.2-16", Title: "empty Correlation Data stays there",
		Does:  "Publishes with Correlation Data of no bytes.",
		Wants: "They come, with no bytes.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "m", 1, 0, correlation(""))
			wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{correlationDataProperty: ""})
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
			wantProps(r, p, map[byte]string{responseTopicProperty: r.topic("re/1"), correlationDataProperty: "17"})
			re, _ := p.get(responseTopicProperty)
			cd, _ := p.get(correlationDataProperty)
			responder.publish(re.value, "ON", 1, 0, correlation(cd.value))
			p = requester.message(r.topic("re/1"), "ON")
			requester.ack(p)
			wantProps(r, p, map[byte]string{correlationDataProperty: "17"})
			other.quiet()
		}},
	{Clause: "3.2.2.3.15", Title: "Response Information", needs: responseInformation,
		Does:  "Asks for Response Information, subscribes and publishes beneath it.",
		Wants: "It is given, and both are allowed.",
		check: func(r *run) {
			c := r.connect(hello{props: requestResponse(1)})
			info, ok := c.connack.get(responseInformationProperty)
			r.expect(ok && info.value != "", "the CONNACK has no Response Information; want that which the user has")
			topic := strings.TrimSuffix(info.value, "/") + "/" + r.prefix + "/re"
			c.subscribe(topic, 0)
			c.publish(topic, "m", 0, 0)
			c.message(topic, "m")
		}},
	{Clause: "3.2.2.3.15", Title: "Response Information: another user's answers cannot be read", needs: otherUser,
		Does:  "Two users ask for Response Information; the second subscribes to a topic beneath that of the first, who publishes there.",
		Wants: "They are given different topics, and the second user gets nothing, whether the subscription was refused or not.",
		check: func(r *run) {
			a := r.connect(hello{props: requestResponse(1)})
			b := r.connect(hello{props: requestResponse(1), username: &r.x.cfg.OtherUsername, password: r.x.cfg.OtherPassword})
			own, _ := a.connack.get(responseInformationProperty)
			others, _ := b.connack.get(responseInformationProperty)
			r.expect(own.value != "" && others.value != "" && own.value != others.value,
				"the users are given %s and %s; want a part of the topic tree for each", brief(own.value), brief(others.value))
			topic := strings.TrimSuffix(own.value, "/") + "/" + r.prefix + "/re"
			a.subscribe(topic, 0)
			b.trySubscribe(topic, 0)
			r.settle()
			a.publish(topic, "secret", 0, 0)
			a.message(topic, "secret")
			b.quiet()
		}},
	{Clause: "3.3.2-15", Title: "Response Topic and Correlation Data over a bridge", needs: bridged,
		Does:  "Subscribes at the second broker and publishes a request at the first, again and again until it comes.",
		Wants: "It comes with its Response Topic and Correlation Data unaltered.",
		check: func(r *run) {
			w := r.connect(hello{far: true})
			w.subscribe(r.topic("a"), 1)
			by := r.plain()
			for end := time.Now().Add(r.x.patience); ; {
				by.publish(r.topic("a"), "m", 1, 0, responseTopic(r.topic("re/ä")), correlation(allBytes))
				if p, err := w.receive(200 * time.Millisecond); err == nil {
					wantProps(r, p, map[byte]string{responseTopicProperty: r.topic("re/ä"), correlationDataProperty: allBytes})
					return
				}
				r.expect(time.Now().Before(end), "the client at the second broker got nothing; want the request")
			}
		}},
	{Clause: "3.3.2-16", Title: "Correlation Data of all byte values",
		Does:  "Publishes with Correlation Data of the byte values 0x00 to 0xFF.",
		Wants: "They come unaltered.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "m", 1, 0, correlation(allBytes))
			wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{correlationDataProperty: allBytes})
		}},
	carried("a retained message", func(r *run, send func(bits byte)) (*client, *packet) {
		send(1)
		w := r.watcher(r.topic("a"), 1)
		return w, w.message(r.topic("a"), "m")
	}),
	carried("a message that waits for a client", func(r *run, send func(bits byte)) (*client, *packet) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 1)
		w.bye()
		send(0)
		w = r.connect(h)
		return w, w.message(r.topic("a"), "m")
	}),
	carried("a message whose Message Expiry counts down", func(r *run, send func(bits byte)) (*client, *packet) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 1)
		w.bye()
		send(0)
		r.wait(1500 * time.Millisecond)
		w = r.connect(h)
		p := w.message(r.topic("a"), "m")
		r.expect(p.num(messageExpiryProperty, 0) > 0 && p.num(messageExpiryProperty, 0) < 100, "Message Expiry = %d; want less than 100, which it was", p.num(messageExpiryProperty, 0))
		return w, p
	}),
	carried("a shared subscription", func(r *run, send func(bits byte)) (*client, *packet) {
		w := r.watcher("$share/g/"+r.topic("a"), 1)
		send(0)
		return w, w.message(r.topic("a"), "m")
	}),
	carried("a message that is sent again", func(r *run, send func(bits byte)) (*client, *packet) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		w := r.connect(h)
		w.subscribe(r.topic("a"), 1)
		send(0)
		w.message(r.topic("a"), "m")
		w.cut()
		w = r.connect(h)
		return w, w.message(r.topic("a"), "m")
	}),
}

// allBytes are all byte values.
var allBytes = func() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}()

// carried is a way for a request to come to who answers it, on which nothing of it may
// be lost.
func carried(by string, way func(r *run, send func(bits byte)) (*client, *packet)) Statement {
	return Statement{
		Clause: "3.3.2-15", Title: "Response Topic and Correlation Data in " + by,
		Does:  "Publishes with a Response Topic of 1,000 bytes, Correlation Data of 65,535 bytes with all byte values, and a Message Expiry.",
		Wants: "They come unaltered in " + by + ".",
		check: func(r *run) {
			topic, data := r.topic("re/"+strings.Repeat("ä", 490)), strings.Repeat(allBytes, 256)[:65535]
			w, p := way(r, func(bits byte) {
				r.plain().publish(r.topic("a"), "m", 1, bits, responseTopic(topic), correlation(data), messageExpiry(100))
			})
			w.ack(p)
			wantProps(r, p, map[byte]string{responseTopicProperty: topic, correlationDataProperty: data})
		},
	}
}
