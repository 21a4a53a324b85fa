package conformance

import (
	"fmt"
	"slices"
)

// Chapter 4.8: shared subscriptions.
// Their control, of which controls.go has the steps: a message comes to the only member of a group.
var sharedStatements = []Statement{
	{Clause: "4.8.2", Title: "shared: each message to one of the group", proves: sharing,
		Does:  "Publishes thirty messages to a group of three, another group and a plain subscriber.",
		Wants: "Each comes to one of the three, to the other group and to the plain subscriber.",
		check: func(r *run) {
			const n = 30
			var group []*client
			for range 3 {
				group = append(group, r.watcher("$share/g/"+r.topic("a"), 0))
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
			for _, w := range group {
				for _, p := range w.rest() {
					seen[p.payload]++
				}
			}
			for i := range n {
				r.expect(seen[fmt.Sprint(i)] == 1, "message %d came to %d of the group; want 1", i, seen[fmt.Sprint(i)])
			}
		}},
	{Clause: "4.8.2", Title: "shared: two groups and a plain subscription of one client",
		Does:  "A client that is in two groups and has a plain subscription, too, gets a message.",
		Wants: "It comes for each of the three.",
		check: func(r *run) {
			c := r.plain()
			c.subscribe("$share/g/"+r.topic("a"), 0, subscriptionID(1))
			c.subscribe("$share/h/"+r.topic("a"), 0, subscriptionID(2))
			c.subscribe(r.topic("a"), 0, subscriptionID(3))
			r.plain().publish(r.topic("a"), "m", 0, 0)
			var got []int
			for _, p := range c.rest() {
				got = append(got, ids(p)...)
			}
			slices.Sort(got)
			r.expect(slices.Equal(got, []int{1, 2, 3}), "Subscription Identifiers = %v; want 1, 2 and 3", got)
		}},
	{Clause: "4.8.2", Title: "shared: the QoS of the subscription is a bound",
		Does:  "Publishes at each QoS to a shared subscription at QoS 1.",
		Wants: "No message comes above QoS 1.",
		check: func(r *run) {
			c := r.watcher("$share/g/"+r.topic("a"), 1)
			p := r.plain()
			for qos := range r.levels() {
				p.publish(r.topic("a"), "m", qos, 0)
				q := c.message(r.topic("a"), "m")
				r.expect(q.qos() == min(qos, 1), "QoS %d; want %d", q.qos(), min(qos, 1))
				c.ack(q)
			}
		}},
	{Clause: "4.8.2", Title: "shared: no retained messages on SUBSCRIBE",
		Does:  "Subscribes to a shared subscription where a message is retained.",
		Wants: "The retained message does not come, and a new one does.",
		check: func(r *run) {
			r.plain().publish(r.topic("a"), "kept", 1, retainFlag)
			c := r.watcher("$share/g/"+r.topic("a"), 1)
			c.quiet()
			r.plain().publish(r.topic("a"), "m", 1, 0)
			c.ack(c.message(r.topic("a"), "m"))
		}},
	{Clause: "4.8.2", Title: "shared: who leaves or unsubscribes gets no more",
		Does:  "One of three members leaves, another one unsubscribes.",
		Wants: "All messages come to the third.",
		check: func(r *run) {
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
	{Clause: "4.8.2", Title: "shared: a wildcard filter",
		Does:  "Publishes to topics that a shared filter with wildcards matches, and to one that it does not.",
		Wants: "Only the former come.",
		check: func(r *run) {
			c := r.watcher("$share/g/"+r.topic("+/x/#"), 0)
			p := r.plain()
			p.publish(r.topic("a/x"), "1", 0, 0)
			p.publish(r.topic("a/y"), "2", 0, 0)
			p.publish(r.topic("a/x/b/c"), "3", 0, 0)
			c.message(r.topic("a/x"), "1")
			c.message(r.topic("a/x/b/c"), "3")
		}},
	{Clause: "4.8.2", Title: "shared: a group that is away as a whole gets its messages later",
		Does:  "Publishes while the only member of a group is away.",
		Wants: "It gets the message when it is back.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			c := r.connect(h)
			c.subscribe("$share/g/"+r.topic("a"), 1)
			c.cut()
			r.wait(soon)
			p := r.plain()
			p.publish(r.topic("a"), "m", 1, 0)
			c = r.connect(h)
			c.ack(c.message(r.topic("a"), "m"))
		}},
	{Clause: "4.8.2", Title: "shared: QoS 1 that a session leaves behind goes to another member",
		Does:  "A member with an unacknowledged message is cut off, without a session.",
		Wants: "The message comes to another member.",
		check: func(r *run) {
			a := r.watcher("$share/g/"+r.topic("a"), 1)
			r.plain().publish(r.topic("a"), "m", 1, 0)
			a.message(r.topic("a"), "m")
			b := r.watcher("$share/g/"+r.topic("a"), 1)
			a.cut()
			b.ack(b.message(r.topic("a"), "m"))
		}},
	{Clause: "3.3.1-13", Title: "shared: Retain As Published",
		Does:  "Publishes with RETAIN to a shared subscription with Retain As Published.",
		Wants: "The message comes with RETAIN.",
		check: func(r *run) {
			c := r.watcher("$share/g/"+r.topic("a"), retainAsPublished)
			r.plain().publish(r.topic("a"), "m", 0, retainFlag)
			r.expect(c.message(r.topic("a"), "m").retain(), "RETAIN is not set")
		}},
}
