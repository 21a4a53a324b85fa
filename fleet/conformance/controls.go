package conformance

import (
	"context"
	"sync"
)

// basic marks a statement as one that others rest upon.
func basic(proves feature, s Statement) Statement {
	s.proves = proves
	return s
}

// controls have to go well for a check of their group that finds nothing wrong to
// mean something: who sees no Will at all has not seen that none came too often.
var controls = map[Group]func(*run){
	Connect:   answers,
	Limits:    answers,
	Format:    answers,
	Session:   returns,
	Publish:   passes,
	QoS:       passes,
	Flow:      passes,
	Subscribe: passes,
	Expiry:    passes,
	Alias:     passes,
	Requests:  passes,
	Retained:  keeps,
	Wills:     publishesWills,
	Shared: func(r *run) {
		w := r.watcher("$share/g/"+r.topic("a"), 1)
		r.plain().publish(r.topic("a"), "m", 1, 0)
		w.ack(w.message(r.topic("a"), "m"))
	},
	Old: func(r *run) {
		w := r.connect(v4(""))
		w.subscribe(r.topic("a"), 0)
		r.connect(v4("")).publish(r.topic("a"), "m", 0, 0)
		w.message(r.topic("a"), "m")
	},
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
	r.plain().publish(r.topic("a"), "m", 0, 1)
	w := r.watcher(r.topic("a"), 0)
	w.message(r.topic("a"), "m")
}

func publishesWills(r *run) {
	w := r.watcher(r.topic("will"), 0)
	r.connect(hello{will: &will{topic: r.topic("will"), payload: "gone"}}).cut()
	w.message(r.topic("will"), "gone")
}

// controlled carries out the control of a statement; that of a group once for all
// of the group.
func (x *examiner) controlled(ctx context.Context, s *Statement) ended {
	if s.control != nil {
		return x.attempt(ctx, s, s.control).ended
	}
	x.mu.Lock()
	once, ok := x.controls[s.Group]
	if !ok {
		once = sync.OnceValue(func() ended { return x.attempt(ctx, s, controls[s.Group]).ended })
		x.controls[s.Group] = once
	}
	x.mu.Unlock()
	return once()
}
