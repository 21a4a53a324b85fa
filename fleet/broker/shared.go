package broker

import (
	"sync/atomic"

	"homefleet/fleet/wire"
)

// group is a Shared Subscription (section 4.8.2). Its members stand in two rings, those
// who are connected and those who are not.
type group struct {
	via    atomic.Pointer[via]
	turn   atomic.Uint32 // the slot of who had the last message: somebody who is connected, if anybody is
	away   slot          // somebody who is not, if turn is somebody who is; 0: nobody
	name   textRef
	anchor slot // what stands for it among the subscriptions to its filter
	next   slot // another group of this filter
}

func (t *topics) group(n slot) *group { return &t.groups.get(n)[0] }

// groupsOf returns the first group of a filter, given its first subscription.
func (t *topics) groupsOf(first slot) slot {
	if sub := t.sub(first); sub.session == 0 {
		return slot(sub.id)
	}
	return 0
}

// join makes a subscription a member of a group of a filter. It reports how many bytes
// it takes that other members share.
func (t *topics) join(n slot, share string, f *sought) (once int) {
	sub := t.sub(n)
	if f.first == 0 || t.sub(f.first).session != 0 {
		once += t.anchor(sub, f)
	}
	at := t.groupsOf(f.first)
	for at != 0 && t.texts.get(&t.group(at).name) != share {
		at = t.group(at).next
	}
	if at == 0 {
		at = t.groups.take()
		g, first := t.group(at), t.sub(f.first)
		g.name, g.anchor, g.next = t.texts.put(share), f.first, slot(first.id)
		first.id = uint32(at)
		once += costGroup + textCost(len(share))
	}
	sub.chain = at
	sub.options = isShared
	t.place(n, true) // who subscribes is connected
	return once
}

// anchor puts what stands for Shared Subscriptions in front of the others to a filter.
func (t *topics) anchor(sub *subscription, f *sought) int {
	n := t.subs.take()
	a := t.sub(n)
	a.filter, a.tag = sub.filter, sub.tag
	if f.first == 0 {
		t.begin(n, f)
	} else {
		t.insert(n, f.first)
		t.filters.replace(byFilter{t}, f.first, n, f.key)
		f.first = n
	}
	return costSubscription
}

// part takes a member out of its group. It reports how many bytes it took that other
// members shared.
func (t *topics) part(n slot) (once int) {
	t.displace(n)
	at := t.sub(n).chain
	g := t.group(at)
	if g.turn.Load() != 0 {
		return 0
	}
	if v := g.via.Load(); v != nil {
		v.group = 0
	}
	once = costGroup + textCost(len(t.texts.get(&g.name)))
	a := t.sub(g.anchor)
	if slot(a.id) == at {
		a.id = uint32(g.next)
	} else {
		other := t.group(slot(a.id))
		for other.next != at {
			other = t.group(other.next)
		}
		other.next = g.next
	}
	if a.id == 0 {
		once += costSubscription + t.end(g.anchor)
		t.subs.free(g.anchor)
	}
	t.texts.free(&g.name)
	t.groups.free(at)
	return once
}

// place puts a member into one of the rings.
func (t *topics) place(n slot, online bool) {
	sub := t.sub(n)
	g := t.group(sub.chain)
	sub.set(isOnline, online)
	sub.next, sub.prev = n, n
	turn := slot(g.turn.Load())
	switch {
	case turn == 0:
		g.turn.Store(uint32(n))
	case t.sub(turn).is(isOnline) == online:
		t.insert(n, turn)
	case online:
		g.away = turn
		g.turn.Store(uint32(n))
	case g.away == 0:
		g.away = n
	default:
		t.insert(n, g.away)
	}
}

// displace takes a member out of its ring.
func (t *topics) displace(n slot) {
	sub := t.sub(n)
	g := t.group(sub.chain)
	prev := sub.prev
	next := t.extract(n)
	switch {
	case slot(g.turn.Load()) != n:
		if g.away == n {
			g.away = next
		}
	case next == 0:
		g.turn.Store(uint32(g.away))
		g.away = 0
	default:
		g.turn.Store(uint32(prev)) // so that it is the next one's turn
	}
}

// note notes whether a member is connected. The caller holds mu for writing.
func (t *topics) note(n slot, online bool) {
	if t.sub(n).is(isOnline) != online {
		t.displace(n)
		t.place(n, online)
	}
}

// pick picks the member of a group whose turn it is, among those who are connected if
// there is one: the others would get the message only when they come back. The
// caller holds mu.
func (t *topics) pick(at slot) target {
	g := t.group(at)
	v := g.via.Load()
	if v == nil {
		v = &via{group: at, shared: true}
		if !g.via.CompareAndSwap(nil, v) {
			v = g.via.Load()
		}
	}
	for {
		was := g.turn.Load()
		next := t.sub(slot(was)).next
		if g.turn.CompareAndSwap(was, uint32(next)) {
			to := t.target(t.sub(next))
			to.via = v
			return to
		}
	}
}

// note notes in its Shared Subscriptions whether a session is connected. The caller
// holds s.mu.
func (s *session) note(online bool) {
	if s.subs.shared == 0 {
		return
	}
	t := &s.b.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	for n := range t.all(&s.subs) {
		if t.sub(n).is(isShared) {
			t.note(n, online)
		}
	}
}

// share delivers a message to the member that was picked or, when its session has
// ended meanwhile, to another one. A session that takes nothing any more has left
// its groups, so it is not picked twice.
func (b *Broker) share(r *routing, t *target) {
	for ok := true; ok && !t.s.deliver(r, t); {
		*t, ok = b.topics.another(t.via)
	}
}

// another picks again, if any member is left.
func (t *topics) another(v *via) (target, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if v.group == 0 {
		return target{}, false
	}
	return t.pick(v.group), true
}

// shared lists what a session that ends leaves to the other members of its Shared
// Subscriptions: the messages that were not acknowledged, but for QoS 2 that was
// begun (4.8.2-5). The caller holds s.mu.
func (s *session) shared() (left []outgoing) {
	for i := range s.redo.len() {
		if o := s.redo.at(i); o.via.isShared() && o.qos == 1 {
			left = append(left, *o)
		}
	}
	for i := range s.pending.len() {
		if o := s.pending.at(i); o.via.isShared() {
			left = append(left, *o)
		}
	}
	return left
}

// passOn shares out what shared has listed, unless it is the broker that ends.
func (b *Broker) passOn(left []outgoing) {
	if len(left) == 0 || !b.enter() {
		return
	}
	defer b.leave()
	for _, o := range left {
		if t, ok := b.topics.another(o.via); ok {
			r := &routing{b: b, kept: o.m}
			o.m.message(&r.own, &r.props)
			r.m = &r.own
			b.share(r, &t)
		}
	}
}

// splitShared returns the share name, empty if there is none, and the filter.
func splitShared(filter string) (share, rest string) {
	if name, rest, ok := wire.SplitShared(filter); ok {
		return name, rest
	}
	return "", filter
}
