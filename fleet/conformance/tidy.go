package conformance

import (
	"bufio"
	"context"
	"time"
)

// tidy removes what the check has left on the broker: sessions, and retained
// messages. It does so as well where the check was interrupted.
func (r *run) tidy() {
	if len(r.sessions) == 0 && len(r.kept) == 0 {
		return
	}
	r.hangUp() // who is still there would be taken over, and its Will be retained after all
	for id, version := range r.sessions {
		r.tryClear(hello{version: version, id: id}, nil)
	}
	if len(r.kept) > 0 && r.x.facts.Retain {
		r.tryClear(hello{version: r.version, id: r.id("tidy")}, r.kept)
	}
}

// inVain is how often it is tried to clear what is left on a broker that has never gone along.
const inVain = 3

// tryClear is clear, and counts what could not be cleared.
func (r *run) tryClear(h hello, topics map[string]bool) {
	switch x := r.x; {
	case !x.cleared.Load() && x.left.Load() >= inVain, !r.clear(h, topics):
		x.left.Add(1)
	default:
		x.cleared.Store(true)
	}
}

// clear ends a session by a CONNECT with Clean Start and no expiry, and empties
// topics. It reports whether the broker has gone along.
func (r *run) clear(h hello, topics map[string]bool) bool {
	ctx, stop := context.WithTimeout(context.WithoutCancel(r.ctx), r.x.patience)
	defer stop()
	conn, err := r.x.cfg.Dial(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(r.x.patience))
	if r.x.cfg.Username != "" {
		h.username, h.password = &r.x.cfg.Username, r.x.password
	}
	c := &client{r: &run{ctx: ctx, x: r.x, kept: make(map[string]bool)}, c: conn, br: bufio.NewReader(conn), version: h.version}
	if c.write(h.encode()) != nil {
		return false
	}
	ok := c.skipTo(connack)
	for topic := range topics {
		ok = ok && c.write(c.encodePublish(0, topic, "", 0, 1)) == nil
	}
	if ok && len(topics) > 0 {
		ok = c.write("\xc0\x00") == nil && c.skipTo(pingresp)
	}
	return ok && c.write("\xe0\x00") == nil
}

// skipTo reads until a packet of that type has come, or the run's time is up.
func (c *client) skipTo(typ byte) (came bool) {
	defer func() {
		if _, fault := recover().(ended); fault {
			came = false
		}
	}()
	for c.r.ctx.Err() == nil { // a server may send others for ever
		p, err := c.receive(c.r.x.patience)
		if err != nil {
			return false
		}
		if p.typ == typ {
			return typ != connack || p.code == 0
		}
	}
	return false
}
