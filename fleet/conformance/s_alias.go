package conformance

import "fmt"

// Section 3.3.2.3.4: Topic Aliases.
// Their control, of which controls.go has the steps: a message comes to a subscriber.
var aliasStatements = []Statement{
	{Clause: "3.3.2.3.4", Title: "Topic Alias: set, used, set anew",
		Does:  "Publishes with aliases that are set, used without a topic, and set to another topic.",
		Wants: "Each message comes to the topic that its alias stood for, without the sender's alias.",
		check: func(r *run) {
			w := r.watcher(r.topic("#"), 0)
			c := r.plain()
			if c.connack.num(topicAliasMaximumProperty, 0) < 2 {
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
				_, has := p.get(topicAliasProperty)
				r.expect(!has, "the sender's Topic Alias was passed on (3.3.2-7)")
			}
		}},
	{Clause: "3.3.2-7", Title: "Topic Aliases end with the connection",
		Does:  "Sets an alias, connects again to the same session and uses it.",
		Wants: "The server closes with 0x82 or 0x94.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			c := r.connect(h)
			if c.connack.num(topicAliasMaximumProperty, 0) < 1 {
				r.skipf("the server takes no Topic Aliases")
			}
			c.publish(r.topic("a"), "1", 1, 0, topicAlias(1))
			c.bye()
			c = r.connect(h)
			c.send(c.encodePublish(0, "", "2", 0, 0, topicAlias(1)))
			c.closed(protocolError, 0x94)
		}},
	{Clause: "3.2.2-17", Title: "a Topic Alias over the server's maximum",
		Does:  "Publishes with an alias one above the Topic Alias Maximum of the CONNACK.",
		Wants: "The server closes with 0x94.",
		check: func(r *run) {
			c := r.plain()
			limit := int(c.connack.num(topicAliasMaximumProperty, 0))
			if limit == 65535 {
				r.skipf("the server takes all Topic Aliases")
			}
			c.send(c.encodePublish(0, r.topic("a"), "1", 0, 0, topicAlias(limit+1)))
			c.closed(0x94)
		}},
	{Clause: "3.1.2-26", Title: "no Topic Alias to a client that takes none",
		Does:  "A client without Topic Alias Maximum receives five messages of one topic.",
		Wants: "None of them has an alias.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 0)
			c := r.plain()
			for range 5 {
				c.publish(r.topic("a"), "m", 0, 0)
				_, has := w.message(r.topic("a"), "m").get(topicAliasProperty)
				r.expect(!has, "the PUBLISH has a Topic Alias (3.1.2-27)")
			}
		}},
	{Clause: "3.1.2-26", Title: "Topic Aliases to a client that takes some",
		Does:  "A client with Topic Alias Maximum 2 receives thirty messages of five topics.",
		Wants: "Every alias is 1 or 2, and resolves to the topic that the message was sent to.",
		check: func(r *run) {
			w := r.connect(hello{props: topicAliasMaximum(2)})
			w.subscribe(r.topic("#"), 0)
			c := r.plain()
			aliases := map[uint32]string{}
			for i := range 30 {
				topic := r.topic(fmt.Sprint(i * i % 5))
				c.publish(topic, "m", 0, 0)
				p := w.want(publish)
				if a, ok := p.get(topicAliasProperty); ok {
					r.expect(a.num >= 1 && a.num <= 2, "Topic Alias %d; want 1 or 2", a.num)
					if p.topic == "" {
						p.topic = aliases[a.num]
					}
					aliases[a.num] = p.topic
				}
				r.expect(p.topic == topic, "got %v; want a message to %q", p, topic)
			}
		}},
}
