package conformance

// Both versions on one broker.
var versionStatements = []Statement{
	{Clause: "3.1.1: 3.3", Title: "a version 5 message to a 3.1.1 client loses its properties",
		Does:  "A message with properties comes to a client of version 3.1.1.",
		Wants: "It comes without them.",
		check: func(r *run) {
			w := r.connect(v4(""))
			w.subscribe(r.topic("a"), 1)
			r.plain().publish(r.topic("a"), "ON", 1, 0, responseTopic(r.topic("re")), correlation("c"), user("k", "v"), contentType("t"), messageExpiry(9))
			w.ack(w.message(r.topic("a"), "ON"))
		}},
	{Clause: "3.1.1: 3.3", Title: "a 3.1.1 message to a version 5 client has no properties",
		Does:  "A client of version 3.1.1 publishes to one of version 5.",
		Wants: "The message has no properties.",
		check: func(r *run) {
			w := r.watcher(r.topic("a"), 1)
			r.connect(v4("")).publish(r.topic("a"), "ON", 1, 0)
			p := w.message(r.topic("a"), "ON")
			r.expect(len(p.props) == 0, "properties: %s; want none", propsInWords(p.props))
			w.ack(p)
		}},
	{Clause: "3.1.1: 3.3", Title: "retained by one version, read by the other",
		Does:  "Each version retains a message.",
		Wants: "Clients of the other get it.",
		check: func(r *run) {
			r.plain().publish(r.topic("a"), "5", 1, retainFlag, responseTopic(r.topic("re")), user("k", "v"))
			r.connect(v4("")).publish(r.topic("b"), "4", 1, retainFlag)
			w := r.connect(v4(""))
			w.subscribe(r.topic("a"), 0)
			w.message(r.topic("a"), "5")
			r.watcher(r.topic("b"), 0).message(r.topic("b"), "4")
		}},
	{Clause: "3.1.1: 3.1.4-2", Title: "a session changes hands between the versions",
		Does:  "A session of version 5 is resumed by version 3.1.1, and then by version 5 again.",
		Wants: "The session and what waits in it are there each time.",
		check: func(r *run) {
			five := r.connect(hello{id: r.id("a"), resume: true, props: sessionExpiry(100)})
			five.subscribe(r.topic("a"), 1, subscriptionID(7))
			five.bye()
			r.plain().publish(r.topic("a"), "m", 1, 0, user("k", "v"))
			four := r.connect(hello{version: 4, id: r.id("a"), resume: true})
			r.expect(four.connack.session, "Session Present = false; want the session")
			four.ack(four.message(r.topic("a"), "m"))
			four.bye()
			r.plain().publish(r.topic("a"), "n", 1, 0)
			five = r.connect(hello{id: r.id("a"), resume: true, props: sessionExpiry(100)})
			r.expect(five.connack.session, "Session Present = false; want the session")
			five.ack(five.message(r.topic("a"), "n"))
		}},
}
