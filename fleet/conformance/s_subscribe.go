package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// Sections 3.8 to 3.11: subscriptions.
// Their control, of which controls.go has the steps: a message comes to a subscriber.
var subscribeStatements = []Statement{
	badFilter(""), badFilter("a/#/b"), badFilter("a#"), badFilter("a+"), badFilter("+a"), badFilter("a/b+/c"), badFilter("#/a"), badFilter("##"), badFilter("a/#b"),
	badFilter("$share/"), badFilter("$share/g"), badFilter("$share/g/"), badFilter("$share//a"), badFilter("$share/g+/a"), badFilter("$share/#/a"),
	badFilter("$share/g/a#"),
	{Clause: "3.8.4-6", Title: "one SUBACK with a code for each filter, in order",
		Does:  "Subscribes to three filters at different QoS in one packet.",
		Wants: "The SUBACK has the code of each, in order, and the messages come at that QoS.",
		check: func(r *run) {
			c := r.plain()
			c.send(raw(0x82, u16(513), none, str(r.topic("0")), "\x00", str(r.topic("2")), "\x02", str(r.topic("1")), "\x01"))
			p := c.wantID(suback, 513)
			r.expect(p.codes == "\x00\x02\x01", "SUBACK codes = % x; want 00 02 01", p.codes)
			for i := range 3 {
				c.publish(r.topic(fmt.Sprint(i)), "m", 2, 0)
			}
			for i := range 3 {
				q := c.want(publish)
				r.expect(q.topic == r.topic(fmt.Sprint(i)) && q.qos() == byte(i), "got %v; want %d at QoS %d", q, i, i)
				c.ack(q)
			}
		}},
	{Clause: "3.8.4-5", Title: "a SUBSCRIBE of 1,000 filters",
		Does:  "Subscribes to a thousand filters in one packet.",
		Wants: "The SUBACK has a thousand codes, in order.",
		check: func(r *run) {
			c := r.plain()
			var b strings.Builder
			b.WriteString(u16(1) + none)
			for i := range 1000 {
				b.WriteString(str(r.topic(fmt.Sprint(i))) + string([]byte{byte(i % 3)}))
			}
			c.send(raw(0x82, b.String()))
			p := c.wantID(suback, 1)
			r.expect(len(p.codes) == 1000, "%d codes; want 1,000", len(p.codes))
			for i := range p.codes {
				r.expect(p.codes[i] == byte(i%3), "code %d = 0x%02X; want 0x%02X", i, p.codes[i], i%3)
			}
			c.send(c.encodePublish(0, r.topic("999"), "m", 0, 0))
			c.message(r.topic("999"), "m")
		}},
	{Clause: "3.8.4-3", Title: "the same filter again replaces the subscription",
		Does:  "Subscribes to a filter three times with other QoS and Subscription Identifiers.",
		Wants: "Only the last subscription counts each time.",
		check: func(r *run) {
			c := r.plain()
			c.subscribe(r.topic("a"), 2, subscriptionID(1))
			c.subscribe(r.topic("a"), 0, subscriptionID(2))
			r.plain().publish(r.topic("a"), "m", 2, 0)
			p := c.message(r.topic("a"), "m")
			r.expect(p.qos() == 0 && slices.Equal(ids(p), []int{2}), "got %v; want QoS 0 and identifier 2", p)
			c.quiet()
			c.subscribe(r.topic("a"), 1)
			r.plain().publish(r.topic("a"), "m", 2, 0)
			p = c.message(r.topic("a"), "m")
			r.expect(p.qos() == 1 && len(ids(p)) == 0, "got %v; want QoS 1 and no identifier", p)
			c.ack(p)
		}},
	{Clause: "3.3.4-2", Title: "overlapping subscriptions: the highest QoS",
		Does:  "A client whose three filters match gets a message at QoS 2.",
		Wants: "It comes once at QoS 2, or once for each subscription.",
		check: func(r *run) {
			c := r.plain()
			c.subscribe(r.topic("#"), 2)
			c.subscribe(r.topic("+"), 1)
			c.subscribe(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "m", 2, 0)
			p := c.want(publish)
			// One message of the highest QoS, or one for each subscription.
			n := 1
			best := p.qos()
			c.ack(p)
			for _, q := range c.rest() {
				n++
				best = max(best, q.qos())
			}
			r.expect(best == 2 && (n == 1 || n == 3), "%d messages, the highest QoS is %d; want 1 or 3, and QoS 2", n, best)
		}},
	{Clause: "3.3.4-3", Title: "a Subscription Identifier comes with the message", proves: identified,
		Does:  "Subscribes with identifiers from 1 to 268,435,455.",
		Wants: "Each comes with the message of its subscription.",
		check: func(r *run) {
			c := r.plain()
			for _, id := range []int{1, 127, 128, 16384, 268_435_455} {
				topic := r.topic(fmt.Sprint(id))
				c.subscribe(topic, 0, subscriptionID(id))
				c.publish(topic, "m", 0, 0)
				p := c.message(topic, "m")
				r.expect(slices.Equal(ids(p), []int{id}), "Subscription Identifiers = %v; want %d", ids(p), id)
			}
		}},
	{Clause: "3.3.4-4", Title: "Subscription Identifiers of overlapping subscriptions",
		Does:  "A client whose three filters match, two with identifiers, gets a message.",
		Wants: "Both identifiers come, in one message or in three.",
		check: func(r *run) {
			c := r.plain()
			c.subscribe(r.topic("#"), 0, subscriptionID(5))
			c.subscribe(r.topic("+"), 0, subscriptionID(3))
			c.subscribe(r.topic("a"), 0)
			r.plain().publish(r.topic("a"), "m", 0, 0)
			var got []int
			n := 0
			for _, p := range c.rest() {
				n++
				got = append(got, ids(p)...)
			}
			slices.Sort(got)
			r.expect(slices.Equal(got, []int{3, 5}) && (n == 1 || n == 3), "%d messages with identifiers %v; want 3 and 5 in one message or in three", n, got)
		}},
	{Clause: "3.3.4-3", Title: "the Subscription Identifier comes with retained messages and survives a resume",
		Does:  "Subscribes with an identifier where a message is retained, and resumes the session.",
		Wants: "The identifier comes with both messages.",
		check: func(r *run) {
			r.plain().publish(r.topic("a"), "kept", 1, retainFlag)
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			c := r.connect(h)
			c.subscribe(r.topic("a"), 1, subscriptionID(42))
			p := c.message(r.topic("a"), "kept")
			r.expect(slices.Equal(ids(p), []int{42}), "Subscription Identifiers of the retained message = %v; want 42", ids(p))
			c.ack(p)
			c.bye()
			r.plain().publish(r.topic("a"), "m", 1, 0)
			c = r.connect(h)
			p = c.message(r.topic("a"), "m")
			r.expect(slices.Equal(ids(p), []int{42}), "Subscription Identifiers after a resume = %v; want 42", ids(p))
			c.ack(p)
		}},
	{Clause: "3.8.3-3", Title: "No Local",
		Does:  "Publishes to its own subscription with No Local.",
		Wants: "The message does not come; that of another client does.",
		check: func(r *run) {
			c := r.plain()
			c.subscribe(r.topic("a"), noLocal)
			c.subscribe(r.topic("b"), 0)
			c.publish(r.topic("a"), "own", 1, 0)
			c.quiet()
			r.plain().publish(r.topic("a"), "other's", 1, 0)
			c.message(r.topic("a"), "other's")
			c.send(c.encodePublish(0, r.topic("b"), "own", 0, 0))
			c.message(r.topic("b"), "own")
		}},
	{Clause: "3.8.3-3", Title: "No Local beside a subscription without it",
		Does:  "Publishes to its own subscriptions with and without No Local.",
		Wants: "The message comes once.",
		check: func(r *run) {
			c := r.plain()
			c.subscribe(r.topic("#"), noLocal)
			c.subscribe(r.topic("a"), 0)
			c.send(c.encodePublish(0, r.topic("a"), "own", 0, 0))
			c.message(r.topic("a"), "own")
			c.quiet()
		}},
	{Clause: "3.8.4-8", Title: "a subscription works from the SUBACK on", proves: subscribed,
		Does:  "Fifteen times, somebody publishes right after a SUBACK.",
		Wants: "The message comes.",
		check: func(r *run) {
			r.uncorrected = true
			p := r.plain()
			for i := range 15 {
				c := r.watcher(r.topic("a"), 0)
				p.publish(r.topic("a"), fmt.Sprint(i), 0, 0)
				c.message(r.topic("a"), fmt.Sprint(i))
				c.cut()
			}
		}},
	{Clause: "3.10.4-4", Title: "UNSUBACK has a code for each filter, in order", proves: unsubscribed,
		Does:  "Unsubscribes from four filters, two of which it has not subscribed to.",
		Wants: "UNSUBACK has 0x11 and 0x00 in order, and no messages come any more.",
		check: func(r *run) {
			c := r.plain()
			c.subscribe(r.topic("a"), 0)
			c.subscribe(r.topic("+"), 0)
			c.send(raw(0xa2, u16(600), none, str(r.topic("never")), str(r.topic("a")), str(r.topic("#")), str(r.topic("+"))))
			p := c.wantID(unsuback, 600)
			r.expect(p.codes == "\x11\x00\x11\x00", "UNSUBACK codes = % x; want 11 00 11 00 (3.11.3-1)", p.codes)
			r.plain().publish(r.topic("a"), "m", 1, 0)
			c.quiet()
		}},
	{Clause: "3.10.4-1", Title: "UNSUBSCRIBE takes the filter character by character",
		Does:  "Unsubscribes from filters that would match the same topics.",
		Wants: "UNSUBACK has 0x11, and messages go on coming.",
		check: func(r *run) {
			c := r.watcher(r.topic("a/+"), 0)
			c.send(raw(0xa2, u16(9), none, str(r.topic("a/b")), str(r.topic("a/#"))))
			r.expect(c.want(unsuback).codes == "\x11\x11", "another filter was removed")
			c.publish(r.topic("a/b"), "m", 0, 0)
			c.message(r.topic("a/b"), "m")
		}},
	{Clause: "3.10.4-3", Title: "UNSUBSCRIBE lets what has begun come to its end",
		Does:  "Unsubscribes while a message at QoS 2 is under way.",
		Wants: "It comes to its end.",
		check: func(r *run) {
			c := r.watcher(r.topic("a"), 2)
			r.plain().publish(r.topic("a"), "m", 2, 0)
			p := c.message(r.topic("a"), "m")
			c.unsubscribe(r.topic("a"))
			c.ack(p)
			c.quiet()
		}},
}
