package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ids are a PUBLISH's Subscription Identifiers, sorted.
func ids(p *packet) (out []int) {
	for _, q := range p.all(11) {
		out = append(out, int(q.num))
	}
	slices.Sort(out)
	return out
}

// badFilter is a filter that must not be granted: refused in the SUBACK, or the
// end of the connection.
func badFilter(filter string) statement {
	return statement{section: "4.7.1", title: fmt.Sprintf("the filter %q is not granted", filter), check: func(r *run) {
		c := r.plain()
		c.sendSubscribe(1, filter, 0)
		p, err := c.read(patience)
		switch {
		case err != nil:
		case p.typ == disconnect:
			c.closed()
		case p.typ != suback || len(p.codes) != 1 || p.codes[0] < 0x80:
			r.fatalf("got %v; want a SUBACK that refuses, or the end of the connection", p)
		}
	}}
}

// Sections 3.8 to 3.11 and 4.8: subscriptions.
var subscribeStatements = []statement{
	badFilter(""), badFilter("a/#/b"), badFilter("a#"), badFilter("a+"), badFilter("+a"), badFilter("a/b+/c"), badFilter("#/a"), badFilter("##"), badFilter("a/#b"),
	badFilter("$share/"), badFilter("$share/g"), badFilter("$share/g/"), badFilter("$share//a"), badFilter("$share/g+/a"), badFilter("$share/#/a"),
	badFilter("$share/g/a#"),
	{section: "3.8.4-6", title: "one SUBACK with a code for each filter, in order", check: func(r *run) {
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
	{section: "3.8.4-5", title: "a SUBSCRIBE of 1,000 filters", check: func(r *run) {
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
	{section: "3.8.4-3", title: "the same filter again replaces the subscription", check: func(r *run) {
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
	{section: "3.3.4-2", title: "overlapping subscriptions: the highest QoS", check: func(r *run) {
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
		for {
			q, err := c.read(soon)
			if err != nil {
				break
			}
			n++
			best = max(best, q.qos())
			c.ack(q)
		}
		r.expect(best == 2 && (n == 1 || n == 3), "%d messages, the highest QoS is %d; want 1 or 3, and QoS 2", n, best)
	}},
	{section: "3.3.4-3", title: "a Subscription Identifier comes with the message", check: func(r *run) {
		c := r.plain()
		for _, id := range []int{1, 127, 128, 16384, 268_435_455} {
			topic := r.topic(fmt.Sprint(id))
			c.subscribe(topic, 0, subscriptionID(id))
			c.publish(topic, "m", 0, 0)
			p := c.message(topic, "m")
			r.expect(slices.Equal(ids(p), []int{id}), "Subscription Identifiers = %v; want %d", ids(p), id)
		}
	}},
	{section: "3.3.4-4", title: "Subscription Identifiers of overlapping subscriptions", check: func(r *run) {
		c := r.plain()
		c.subscribe(r.topic("#"), 0, subscriptionID(5))
		c.subscribe(r.topic("+"), 0, subscriptionID(3))
		c.subscribe(r.topic("a"), 0)
		r.plain().publish(r.topic("a"), "m", 0, 0)
		var got []int
		n := 0
		for {
			p, err := c.read(soon)
			if err != nil {
				break
			}
			n++
			got = append(got, ids(p)...)
		}
		slices.Sort(got)
		r.expect(slices.Equal(got, []int{3, 5}) && (n == 1 || n == 3), "%d messages with identifiers %v; want 3 and 5 in one message or in three", n, got)
	}},
	{section: "3.3.4-3", title: "the Subscription Identifier comes with retained messages and survives a resume", check: func(r *run) {
		r.plain().publish(r.topic("a"), "kept", 1, 1)
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
	{section: "3.8.3-3", title: "No Local", check: func(r *run) {
		c := r.plain()
		c.subscribe(r.topic("a"), 0x04)
		c.subscribe(r.topic("b"), 0)
		c.publish(r.topic("a"), "own", 1, 0)
		c.quiet()
		r.plain().publish(r.topic("a"), "other's", 1, 0)
		c.message(r.topic("a"), "other's")
		c.send(c.encodePublish(0, r.topic("b"), "own", 0, 0))
		c.message(r.topic("b"), "own")
	}},
	{section: "3.8.3-3", title: "No Local beside a subscription without it", check: func(r *run) {
		c := r.plain()
		c.subscribe(r.topic("#"), 0x04)
		c.subscribe(r.topic("a"), 0)
		c.send(c.encodePublish(0, r.topic("a"), "own", 0, 0))
		c.message(r.topic("a"), "own")
		c.quiet()
	}},
	{section: "3.8.4-8", title: "a subscription works from the SUBACK on", check: func(r *run) {
		p := r.plain()
		for i := range 30 {
			c := r.watcher(r.topic("a"), 0)
			p.publish(r.topic("a"), fmt.Sprint(i), 0, 0)
			c.message(r.topic("a"), fmt.Sprint(i))
			c.cut()
		}
	}},
	{section: "3.10.4-4", title: "UNSUBACK has a code for each filter, in order", check: func(r *run) {
		c := r.plain()
		c.subscribe(r.topic("a"), 0)
		c.subscribe(r.topic("+"), 0)
		c.send(raw(0xa2, u16(600), none, str(r.topic("never")), str(r.topic("a")), str(r.topic("#")), str(r.topic("+"))))
		p := c.wantID(unsuback, 600)
		r.expect(p.codes == "\x11\x00\x11\x00", "UNSUBACK codes = % x; want 11 00 11 00 (3.11.3-1)", p.codes)
		r.plain().publish(r.topic("a"), "m", 1, 0)
		c.quiet()
	}},
	{section: "3.10.4-1", title: "UNSUBSCRIBE takes the filter character by character", check: func(r *run) {
		c := r.watcher(r.topic("a/+"), 0)
		c.send(raw(0xa2, u16(9), none, str(r.topic("a/b")), str(r.topic("a/#"))))
		r.expect(c.want(unsuback).codes == "\x11\x11", "another filter was removed")
		c.publish(r.topic("a/b"), "m", 0, 0)
		c.message(r.topic("a/b"), "m")
	}},
	{section: "3.10.4-3", title: "UNSUBSCRIBE lets what has begun come to its end", check: func(r *run) {
		c := r.watcher(r.topic("a"), 2)
		r.plain().publish(r.topic("a"), "m", 2, 0)
		p := c.message(r.topic("a"), "m")
		c.unsubscribe(r.topic("a"))
		c.ack(p)
		c.quiet()
	}},

	{section: "4.8.2", title: "shared: each message to one of the group", check: func(r *run) {
		const n = 60
		var group []*client
		for range 3 {
			group = append(group, r.watcher("$share/g/"+r.topic("a"), 1))
		}
		plain := r.watcher(r.topic("a"), 1)
		other := r.watcher("$share/h/"+r.topic("+"), 1)
		c := r.plain()
		for i := range n {
			c.publish(r.topic("a"), fmt.Sprint(i), 1, 0)
			plain.ack(plain.message(r.topic("a"), fmt.Sprint(i)))
			other.ack(other.message(r.topic("a"), fmt.Sprint(i)))
		}
		seen := map[string]int{}
		for i, w := range group {
			for {
				p, err := w.read(soon)
				if err != nil {
					break
				}
				seen[p.payload]++
				w.ack(p)
				_ = i
			}
		}
		for i := range n {
			r.expect(seen[fmt.Sprint(i)] == 1, "message %d came to %d of the group; want 1", i, seen[fmt.Sprint(i)])
		}
	}},
	{section: "4.8.2", title: "shared: two groups and a plain subscription of one client", check: func(r *run) {
		c := r.plain()
		c.subscribe("$share/g/"+r.topic("a"), 0, subscriptionID(1))
		c.subscribe("$share/h/"+r.topic("a"), 0, subscriptionID(2))
		c.subscribe(r.topic("a"), 0, subscriptionID(3))
		r.plain().publish(r.topic("a"), "m", 0, 0)
		var got []int
		for {
			p, err := c.read(soon)
			if err != nil {
				break
			}
			got = append(got, ids(p)...)
		}
		slices.Sort(got)
		r.expect(slices.Equal(got, []int{1, 2, 3}), "Subscription Identifiers = %v; want 1, 2 and 3", got)
	}},
	{section: "4.8.2", title: "shared: the QoS of the subscription is a bound", check: func(r *run) {
		c := r.watcher("$share/g/"+r.topic("a"), 1)
		p := r.plain()
		for qos := range byte(3) {
			p.publish(r.topic("a"), "m", qos, 0)
			q := c.message(r.topic("a"), "m")
			r.expect(q.qos() == min(qos, 1), "QoS %d; want %d", q.qos(), min(qos, 1))
			c.ack(q)
		}
	}},
	{section: "4.8.2", title: "shared: no retained messages on SUBSCRIBE", check: func(r *run) {
		r.plain().publish(r.topic("a"), "kept", 1, 1)
		c := r.watcher("$share/g/"+r.topic("a"), 1)
		c.quiet()
		r.plain().publish(r.topic("a"), "m", 1, 0)
		c.ack(c.message(r.topic("a"), "m"))
	}},
	{section: "4.8.2", title: "shared: who leaves or unsubscribes gets no more", check: func(r *run) {
		a, b := r.watcher("$share/g/"+r.topic("a"), 1), r.watcher("$share/g/"+r.topic("a"), 1)
		gone := r.watcher("$share/g/"+r.topic("a"), 1)
		gone.bye()
		a.unsubscribe("$share/g/" + r.topic("a"))
		c := r.plain()
		for i := range 10 {
			c.publish(r.topic("a"), fmt.Sprint(i), 1, 0)
			b.ack(b.message(r.topic("a"), fmt.Sprint(i)))
		}
		a.quiet()
	}},
	{section: "4.8.2", title: "shared: a wildcard filter", check: func(r *run) {
		c := r.watcher("$share/g/"+r.topic("+/x/#"), 0)
		p := r.plain()
		p.publish(r.topic("a/x"), "1", 0, 0)
		p.publish(r.topic("a/y"), "2", 0, 0)
		p.publish(r.topic("a/x/b/c"), "3", 0, 0)
		c.message(r.topic("a/x"), "1")
		c.message(r.topic("a/x/b/c"), "3")
	}},
	{section: "4.8.2", title: "shared: a group that is away as a whole gets its messages later", check: func(r *run) {
		h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
		c := r.connect(h)
		c.subscribe("$share/g/"+r.topic("a"), 1)
		c.cut()
		time.Sleep(soon)
		p := r.plain()
		p.publish(r.topic("a"), "m", 1, 0)
		c = r.connect(h)
		c.ack(c.message(r.topic("a"), "m"))
	}},
	{section: "4.8.2", title: "shared: QoS 1 that a session leaves behind goes to another member", check: func(r *run) {
		a := r.watcher("$share/g/"+r.topic("a"), 1)
		r.plain().publish(r.topic("a"), "m", 1, 0)
		a.message(r.topic("a"), "m")
		b := r.watcher("$share/g/"+r.topic("a"), 1)
		a.cut()
		b.ack(b.message(r.topic("a"), "m"))
	}},
	{section: "3.3.1-13", title: "shared: Retain As Published", check: func(r *run) {
		c := r.watcher("$share/g/"+r.topic("a"), 8)
		r.plain().publish(r.topic("a"), "m", 0, 1)
		r.expect(c.message(r.topic("a"), "m").retain(), "RETAIN is not set")
	}},
}
