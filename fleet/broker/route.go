package broker

import (
	"cmp"
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
	groups  []slot   // the Shared Subscriptions
	shared  []target // one of each
	filters int      // how many filters the targets come from

	// Of one that has Broker.crowds:
	alone   bool
	places  map[*session]int // of the targets
	visited int              // subscriptions, since topics.mu was taken
}

// crowd is how many subscriptions, and how many Shared Subscriptions, a message may go to
// beside other messages. What goes to more takes memory and time: one at a time does,
// so that a hundred clients with a message each have no more of both than one, and
// everybody else has the machine meanwhile.
const crowd = 4 << 10

// target is a session with what its matching subscriptions ask for.
type target struct {
	s           *session
	via         *via   // of a Shared Subscription, or of several subscriptions
	id          uint32 // the Subscription Identifier of one; 0: none
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
	all, code := b.gather(r, from)
	if !all {
		r.forget()
		b.crowds.Lock()
		defer b.crowds.Unlock()
		r.alone, r.places = true, make(map[*session]int)
		code = b.gatherCrowd(r, from)
	}
	matched = len(r.targets)+len(r.shared) > 0
	if r.filters > 1 && !r.alone {
		r.merge()
	}
	for i := range r.targets {
		r.targets[i].s.deliver(r, &r.targets[i])
	}
	for i := range r.shared {
		b.share(r, &r.shared[i])
	}
	b.routings.Put(r.reset())
	return matched, code
}

// gather finds who is to get a message, and retains it if it is to be retained. It does
// nothing, and all is false, where they are a crowd.
func (b *Broker) gather(r *routing, from *owner) (all bool, code byte) {
	t := &b.topics
	if !r.m.retain {
		t.mu.RLock()
		defer t.mu.RUnlock()
		if all = t.collect(r); all {
			r.pick(t)
		}
		return all, wire.Success
	}
	k := r.keepPayload()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.collect(r):
		return false, wire.Success
	case !t.retained.retain(r.m.topic, k, from, &b.limits, r.now()):
		r.forget()
		return true, wire.QuotaExceeded
	}
	r.pick(t)
	return true, wire.Success
}

// gatherCrowd is gather for a routing that is alone.
func (b *Broker) gatherCrowd(r *routing, from *owner) byte {
	t := &b.topics
	if r.m.retain {
		k := r.keepPayload()
		t.mu.Lock()
		ok := t.retained.retain(r.m.topic, k, from, &b.limits, r.now())
		if ok && k != nil {
			t.late = make(map[slot]struct{})
		}
		t.mu.Unlock()
		if !ok {
			return wire.QuotaExceeded
		}
	}
	t.collectCrowd(r)
	t.mu.Lock()
	t.late = nil
	t.mu.Unlock()
	return wire.Success
}

// keepPayload is keep; nil, which takes away what is retained, if there is no payload.
func (r *routing) keepPayload() *kept {
	if len(r.m.payload) == 0 {
		return nil
	}
	return r.keep()
}

// pick picks a member of each Shared Subscription. The caller holds topics.mu.
func (r *routing) pick(t *topics) {
	for _, g := range r.groups {
		r.shared = append(r.shared, t.pick(g))
	}
	r.groups = r.groups[:0]
}

// forget takes back what was collected.
func (r *routing) forget() {
	clear(r.targets)
	r.targets, r.groups, r.filters = r.targets[:0], r.groups[:0], 0
}

func (r *routing) reset() *routing {
	r.forget()
	clear(r.shared)
	*r = routing{targets: r.targets, groups: r.groups, shared: r.shared[:0], hashes: r.hashes}
	if cap(r.targets) > crowd {
		r.targets = nil
	}
	if cap(r.groups) > crowd {
		r.groups, r.shared = nil, nil
	}
	return r
}

// merge makes one target of all of a session's, so that a client gets one copy
// of a message however many of its filters match, at their highest QoS and with
// all their Subscription Identifiers (3.3.4-2 to -4).
func (r *routing) merge() {
	slices.SortStableFunc(r.targets, func(a, b target) int { return cmp.Compare(a.s.number, b.s.number) })
	n := 0
	for i := range r.targets {
		if i > 0 && r.targets[n-1].s == r.targets[i].s {
			r.targets[n-1].join(&r.targets[i])
			continue
		}
		r.targets[n] = r.targets[i]
		n++
	}
	clear(r.targets[n:])
	r.targets = r.targets[:n]
}

// add enters a target. Of a crowd, those of a session are made one right away: so it
// takes memory for the sessions alone, and there is nothing to sort.
func (r *routing) add(t target) {
	if !r.alone {
		r.targets = append(r.targets, t)
		return
	}
	if i, ok := r.places[t.s]; ok {
		r.targets[i].join(&t)
		return
	}
	r.places[t.s] = len(r.targets)
	r.targets = append(r.targets, t)
}

// join makes one target of two of a session.
func (t *target) join(u *target) {
	t.qos = max(t.qos, u.qos)
	t.asPublished = t.asPublished || u.asPublished
	switch {
	case u.id == 0:
	case t.id == 0:
		t.id = u.id
	case t.via != nil:
		t.via.ids = append(t.via.ids, u.id)
	default:
		t.via = &via{ids: []uint32{t.id, u.id}}
	}
}
