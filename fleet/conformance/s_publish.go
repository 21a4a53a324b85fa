package conformance

import (
	"errors"
	"os"
	"strings"
	"time"
)

// Section 3.3 and chapter 4.7: messages and their topics.
// Their control, of which controls.go has the steps: a message comes to a subscriber.
var publishStatements = []Statement{
	{Clause: "3.3.4", Title: "a message comes as it was sent, and once", proves: received,
		Does:  "Publishes to a subscriber's topic and to another one.",
		Wants: "The one message comes with its topic and payload, and nothing else.",
		check: func(r *run) {
			w, c := r.watcher(r.topic("a"), 0), r.plain()
			c.publish(r.topic("b"), "another topic", 0, 0)
			c.publish(r.topic("a"), "m", 0, 0)
			p := w.message(r.topic("a"), "m")
			r.expect(p.qos() == 0 && !p.retain(), "got %v; want QoS 0 and no RETAIN", p)
			w.quiet()
		}},
	{Clause: "3.3.1-3", Title: "DUP is not passed on",
		Does:  "Publishes with DUP.",
		Wants: "The message comes without it.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 1)
			r.plain().publish(r.topic("a"), "m", 1, dupFlag)
			p := w.message(r.topic("a"), "m")
			r.expect(!p.dup(), "DUP is set on a first delivery")
			w.ack(p)
		}},
	{Clause: "3.3.2-20", Title: "an empty Content Type stays there",
		Does:  "Publishes with an empty Content Type.",
		Wants: "It comes with the message.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "m", 1, 0, contentType(""))
			wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{contentTypeProperty: ""})
		}},
	{Clause: "3.3.2-4", Title: "Payload Format 0 and none are passed on as they are",
		Does:  "Publishes without a Payload Format Indicator, and with 0.",
		Wants: "The message comes as it was sent.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			c := r.plain()
			c.publish(r.topic("a"), "m", 0, 0)
			p := w.message(r.topic("a"), "m")
			r.expect(len(p.props) == 0, "properties: %s; want none, as sent", propsInWords(p.props))
			c.publish(r.topic("a"), "m", 0, 0, payloadFormat(0))
			p = w.message(r.topic("a"), "m")
			r.expect(p.num(payloadFormatProperty, 0) == 0, "Payload Format = %d; want 0", p.num(payloadFormatProperty, 0))
		}},
	{Clause: "3.3.2-17", Title: "User Properties in order, with repeated and empty ones",
		Does:  "Publishes with six properties, keys repeated and out of order.",
		Wants: "All come, in the order in which they were sent.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "m", 1, 0, user("z", "1"), user("a", "2"), contentType("t"), user("z", "1"), user("", ""), correlation("c"), user("z", "0"))
			wantProps(r, w.message(r.topic("a"), "m"), map[byte]string{contentTypeProperty: "t", correlationDataProperty: "c"}, "z=1", "a=2", "z=1", "=", "z=0")
		}},
	{Clause: "3.3.3", Title: "an empty payload",
		Does:  "Publishes without a payload.",
		Wants: "The message comes without one.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "", 0, 0)
			w.message(r.topic("a"), "")
		}},
	{Clause: "3.3.2-4", Title: "a payload that is no UTF-8",
		Does:  "Publishes all 256 byte values.",
		Wants: "They come unaltered.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			all := make([]byte, 256)
			for i := range all {
				all[i] = byte(i)
			}
			r.plain().publish(r.topic("a"), string(all), 0, 0, payloadFormat(0))
			w.message(r.topic("a"), string(all))
		}},
	{Clause: "3.3.2-1", Title: "a Topic Name of 65,535 bytes",
		Does:  "Subscribes and publishes to a topic of 65,535 bytes.",
		Wants: "The message comes.",
		check: func(r *run) {
			topic := r.topic(strings.Repeat("ä", 40_000))[:65534] + "x"
			topic = strings.ToValidUTF8(topic, "")
			topic += strings.Repeat("y", 65535-len(topic))
			w := r.watcher(topic, 1)
			r.plain().publish(topic, "m", 1, 0)
			w.ack(w.message(topic, "m"))
		}},
	{Clause: "4.7.1-1", Title: "wildcards match as they should",
		Does:  "Subscribes to seventeen filters in turn and publishes to nine topics.",
		Wants: "Each filter gets the topics that it matches, and no others.",
		check: func(r *run) {
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
				w.part()
			}
		}},
	{Clause: "4.7.2-1", Title: "a leading wildcard does not match $",
		Does:  "Subscribes to # and to +/… and publishes to a topic that starts with $.",
		Wants: "It comes to neither.",
		check: func(r *run) {
			all, some := r.plain(), r.plain()
			all.subscribeWide("#")
			some.subscribeWide("+/" + r.topic("x"))
			c := r.plain()
			code := c.tryPublish("$"+r.prefix+"/"+r.topic("x"), "hidden", 1, 0)
			r.expect(code < 0x80 || code == 0x87 || code == 0x90, "PUBACK 0x%02X; want success or a refusal", code)
			marker := r.topic("marker")
			c.publish(marker, "m", 0, 0)
			// # gets the messages of the other checks, too, and so many that the server may drop
			// some of QoS 0, the marker among them.
			for end := time.Now().Add(r.x.patience); ; {
				p, err := all.read(300 * time.Millisecond)
				switch {
				case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(end):
					c.publish(marker, "m", 0, 0)
					continue
				case err != nil:
					r.fatalf("%s got %s; want a PUBLISH", all.name, plainly(err))
				}
				r.expect(p.typ == publish && !strings.HasPrefix(p.topic, "$"), "the subscriber of # got %v; want no topic that starts with $", p)
				if p.topic == marker {
					break
				}
			}
			some.quiet()
		}},
	{Clause: "4.7.3-4", Title: "topics are compared character by character",
		Does:  "Publishes to topics that differ in case and in normalisation.",
		Wants: "Only the one that is the same character by character comes.",
		check: func(r *run) {
			w := r.watcher(r.topic("Ä e\u0301"), 0)
			c := r.plain()
			c.publish(r.topic("ä e\u0301"), "case", 0, 0)
			c.publish(r.topic("Ä é"), "normalised", 0, 0)
			c.publish(r.topic("Ä e\u0301"), "m", 0, 0)
			w.message(r.topic("Ä e\u0301"), "m")
			w.quiet()
		}},
}
