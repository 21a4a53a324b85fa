package broker

import (
	"slices"
	"time"

	"homefleet/fleet/wire"
)

// routing is one message on its way to all who subscribe. It is reused.
type routing struct {
	m       *message
	own     message         // room for m, so that a message on its way is no allocation
	props   wire.Properties // room for its properties
	kept    *kept           // a copy that may be stored, made when the first one needs it
	b       *Broker
	at      time.Duration
	hashes  hashes   // of the topic
	targets []target // one or several a session, see merge
	shared  []target // one a Shared Subscription
	points  int      // how many sets of filters the targets come from
}

// target is a session with what its matching subscriptions ask for.
type target struct {
	s           *session
	via         *via
	qos         byte
	asPublished bool
}

// receive makes the message of a PUBLISH, whose memory it shares; its Message
// Expiry Interval begins.
func (r *routing) receive(p *wire.Publish, from *owner) {
	r.own = message{topic: p.Topic, payload: p.Payload, from: from, qos: p.QoS, retain: p.Retain}
	r.m = &r.own
	if plain(&p.Props) {
		return
	}
	r.props = p.Props
	r.own.props = &r.props
	if p.Props.HasMessageExpiry {
		r.own.expires = r.now() + time.Duration(p.Props.MessageExpiry)*time.Second
	}
}

func (r *routing) keep() *kept {
	if r.kept == nil {
		r.kept = r.m.keep()
	}
	return r.kept
}

func (r *routing) now() time.Duration {
	if r.at == 0 {
		r.at = r.b.now()
	}
	return r.at
}

// route delivers the message of a PUBLISH to all who subscribe and retains it if
// it is to be retained. from is its sender. It reports
// whether anybody subscribes; the code is wire.Success or why the message was
// not accepted.
func (b *Broker) route(p *wire.Publish, from *owner) (matched bool, code byte) {
	r := b.routings.Get().(*routing)
	r.b = b
	r.receive(p, from)
	m := r.m
	t := &b.topics
	if m.retain {
		var k *kept
		if len(m.payload) > 0 {
			k = r.keep()
		}
		t.mu.Lock()
		if !t.retained.retain(m.topic, k, from, &b.limits, r.now()) {
			t.mu.Unlock()
			b.routings.Put(r.reset())
			return false, wire.QuotaExceeded
		}
		t.collect(r)
		t.mu.Unlock()
	} else {
		t.mu.RLock()
		t.collect(r)
		t.mu.RUnlock()
	}
	matched = len(r.targets)+len(r.shared) > 0
	if r.points > 1 {
		r.merge()
	}
	for i := range r.targets {
		r.targets[i].s.deliver(r, &r.targets[i])
	}
	for i := range r.shared {
		b.share(r, &r.shared[i])
	}
	b.routings.Put(r.reset())
	return matched, wire.Success
}

func (r *routing) reset() *routing {
	clear(r.targets)
	clear(r.shared)
	*r = routing{targets: r.targets[:0], shared: r.shared[:0], hashes: r.hashes}
	if cap(r.targets) > 4096 {
		r.targets = nil
	}
	return r
}

// merge makes one target of all of a session's, so that a client gets one copy
// of a message however many of its filters match, at their highest QoS and with
// all their Subscription Identifiers (3.3.4-2 to -4).
func (r *routing) merge() {
	slices.SortStableFunc(r.targets, func(a, b target) int {
		switch {
		case a.s.number < b.s.number:
			return -1
		case a.s.number > b.s.number:
			return 1
		}
		return 0
	})
	n := 0
	for i := 0; i < len(r.targets); n++ {
		same := r.targets[i:]
		k, ids := 1, len(same[0].via.identifiers())
		for ; k < len(same) && same[k].s == same[0].s; k++ {
			ids += len(same[k].via.identifiers())
		}
		r.targets[n] = one(same[:k], ids)
		i += k
	}
	clear(r.targets[n:])
	r.targets = r.targets[:n]
}

// one makes one target of several of a session, which have so many Subscription
// Identifiers.
func one(same []target, ids int) target {
	t := same[0]
	if len(same) == 1 {
		return t
	}
	var all []uint32
	more := ids > len(t.via.identifiers())
	if more {
		all = make([]uint32, 0, ids) // those of a subscription may not be changed in place
	}
	for _, u := range same {
		t.qos = max(t.qos, u.qos)
		t.asPublished = t.asPublished || u.asPublished
		if more {
			all = append(all, u.via.identifiers()...)
		}
	}
	if more {
		t.via = &via{ids: all}
	}
	return t
}
