package conformance

import "context"

// basic marks a statement as one that others rest upon.
func basic(proves feature, s Statement) Statement {
	s.proves = proves
	return s
}

// control is what has to go well for a check that finds nothing wrong to mean something.
type control struct {
	says  string // what has to come of it, a sentence
	check func(*run)
}

// controls are those of the groups, for statements without one of their own: who sees no Will
// at all has not seen that none came too often.
var controls = map[Group]control{
	Connect:   {"A PINGREQ is answered.", answers},
	Limits:    {"A PINGREQ is answered.", answers},
	Format:    {"A PINGREQ is answered.", answers},
	Session:   {"A client comes back to its session.", returns},
	Publish:   {"A message comes to a subscriber.", passes},
	QoS:       {"A message comes to a subscriber.", passes},
	Flow:      {"A message comes to a subscriber.", passes},
	Subscribe: {"A message comes to a subscriber.", passes},
	Expiry:    {"A message comes to a subscriber.", passes},
	Alias:     {"A message comes to a subscriber.", passes},
	Requests:  {"A message comes to a subscriber.", passes},
	Retained:  {"A retained message comes to a later subscriber.", keeps},
	Wills:     {"A client is cut off, and its Will comes.", publishesWills},
	Shared:    {"A message comes to the only member of a group.", shares},
	Old:       {"A message of a 3.1.1 client comes to another one.", passesOld},
}

// Control says what else has to go well for the check to mean something, a sentence.
func (s *Statement) Control() string {
	switch {
	case s.control != nil && s.proof != "":
		return s.proof
	case s.control != nil:
		return "The same without its fault is taken."
	}
	return controls[s.Group].says
}

func answers(r *run) { r.plain().alive() }

func passes(r *run) {
	w := r.watcher(r.topic("a"), 0)
	r.plain().publish(r.topic("a"), "m", 0, 0)
	w.message(r.topic("a"), "m")
}

func returns(r *run) {
	h := hello{id: r.id("a"), resume: true, props: sessionExpiry(100)}
	r.connect(h).bye()
	r.expect(r.connect(h).connack.session, "Session Present = false; want the session")
}

func keeps(r *run) {
	r.plain().publish(r.topic("a"), "m", 0, retainFlag)
	w := r.watcher(r.topic("a"), 0)
	w.message(r.topic("a"), "m")
}

func publishesWills(r *run) {
	w := r.watcher(r.topic("will"), 0)
	r.connect(hello{will: &will{topic: r.topic("will"), payload: "gone"}}).cut()
	w.message(r.topic("will"), "gone")
}

func shares(r *run) {
	w := r.watcher("$share/g/"+r.topic("a"), 1)
	r.plain().publish(r.topic("a"), "m", 1, 0)
	w.ack(w.message(r.topic("a"), "m"))
}

func passesOld(r *run) {
	w := r.connect(v4(""))
	w.subscribe(r.topic("a"), 0)
	r.connect(v4("")).publish(r.topic("a"), "m", 0, 0)
	w.message(r.topic("a"), "m")
}

// shared is a control that is carried out once for all of its group.
type shared struct {
	done chan struct{} // closed when it has ended
	end  ended
}

// controlled carries out the control of a statement; that of a group once for all
// of the group, and anew where this machine was too slow for it.
func (x *examiner) controlled(ctx context.Context, s *Statement) ended {
	if s.control != nil {
		return x.tried(ctx, s, s.control).ended
	}
	x.mu.Lock()
	c, there := x.controls[s.Group]
	if !there {
		c = &shared{done: make(chan struct{})}
		x.controls[s.Group] = c
	}
	x.mu.Unlock()
	if there {
		<-c.done
		return c.end
	}
	defer close(c.done)
	if c.end = x.tried(ctx, s, controls[s.Group].check).ended; c.end.slow {
		x.mu.Lock()
		delete(x.controls, s.Group)
		x.mu.Unlock()
	}
	return c.end
}
