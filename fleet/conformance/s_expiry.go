package conformance

import "time"

// Section 3.3.2.3.3: messages that expire.
// Their control, of which controls.go has the steps: a message comes to a subscriber.
var expiryStatements = []Statement{
	{Clause: "3.3.2-6", Title: "the Message Expiry that is passed on is what is left",
		Does:  "A message with an expiry of 100 s waits for 2.2 s for a client that is away.",
		Wants: "The expiry that comes with it is what is left.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 1)
			w.bye()
			c, sent := r.plain(), time.Now()
			c.publish(r.topic("a"), "m", 1, 0, messageExpiry(100))
			waited := r.waited(2200 * time.Millisecond)
			w = r.connect(h)
			p := w.message(r.topic("a"), "m")
			w.ack(p)
			r.expiryLeft(p, 100, waited, time.Since(sent))
		}},
	{Clause: "3.3.2-5", Title: "an expired message is not delivered",
		Does:  "A message with an expiry of 1 s, and one without, wait for 2.3 s for a client that is away.",
		Wants: "The second comes, without an expiry; the first does not.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 1)
			w.bye()
			c := r.plain()
			c.publish(r.topic("a"), "short", 1, 0, messageExpiry(1))
			c.publish(r.topic("a"), "long", 1, 0)
			r.wait(2300 * time.Millisecond)
			w = r.connect(h)
			p := w.message(r.topic("a"), "long")
			_, has := p.get(messageExpiryProperty)
			r.expect(!has, "a Message Expiry was added")
			w.ack(p)
		}},
	{Clause: "3.3.2-5", Title: "an expired retained message is not delivered",
		Does:  "A message with an expiry of 2 s is retained.",
		Wants: "A subscriber gets it at once, and another one after 3.3 s does not.",
		check: func(r *run) {
			c, w := r.plain(), r.plain()
			start := time.Now()
			c.publish(r.topic("a"), "short", 1, retainFlag, messageExpiry(2))
			w.subscribe(r.topic("a"), 0)
			r.within(start, r.x.early+1500*time.Millisecond)
			p := w.message(r.topic("a"), "short")
			r.expect(p.num(messageExpiryProperty, 9) <= 2, "Message Expiry = %d; want at most 2", p.num(messageExpiryProperty, 9))
			r.wait(3300 * time.Millisecond)
			r.watcher(r.topic("a"), 0).quiet()
		}},
	{Clause: "3.3.2-6", Title: "the Message Expiry of a retained message is what is left",
		Does:  "A message with an expiry of 100 s is retained, and subscribed to after 2.2 s.",
		Wants: "The expiry that comes with it is what is left.",
		check: func(r *run) {
			c, sent := r.plain(), time.Now()
			c.publish(r.topic("a"), "m", 1, retainFlag, messageExpiry(100))
			waited := r.waited(2200 * time.Millisecond)
			p := r.watcher(r.topic("a"), 0).message(r.topic("a"), "m")
			r.expiryLeft(p, 100, waited, time.Since(sent))
		}},
	{Clause: "4.3.3-7", Title: "a message does not expire once it was sent",
		Does:  "A message at QoS 2 with an expiry of 1 s is answered with PUBREC after 2.6 s, and the session resumed.",
		Wants: "PUBREL comes, at once and on the next connection.",
		check: func(r *run) {
			h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
			w := r.connect(h)
			w.subscribe(r.topic("a"), 2)
			r.plain().publish(r.topic("a"), "m", 2, 0, messageExpiry(1))
			p := w.message(r.topic("a"), "m")
			r.wait(2600 * time.Millisecond)
			w.send(acknowledgement(pubrec, p.id))
			w.wantID(pubrel, p.id)
			w.cut()
			w = r.connect(h)
			w.wantID(pubrel, p.id)
			w.send(acknowledgement(pubcomp, p.id))
			w.quiet()
		}},
}

// waited lets time pass, and returns how much it was.
func (r *run) waited(d time.Duration) time.Duration {
	start := time.Now()
	r.wait(d)
	return time.Since(start)
}

// coarse is how many seconds a Message Expiry may be lower than what is left: some servers count
// in whole seconds of their own clock, at the beginning and at the end.
const coarse = 2

// expiryLeft checks that a message which had waited for between least and most has what is left
// of its Message Expiry.
func (r *run) expiryLeft(p *packet, of int, least, most time.Duration) {
	high := of - int(least/time.Second)
	low := of - int((most+time.Second-1)/time.Second)
	got := int(p.num(messageExpiryProperty, 0))
	r.expect(got >= max(1, low-coarse) && got <= high, "Message Expiry = %d after %.1f s, of %d; want %d to %d", got, most.Seconds(), of, low, high)
}
