package broker

import (
	"sync/atomic"

	"homefleet/fleet/wire"
)

// group is a Shared Subscription (section 4.8.2).
type group struct {
	name    string
	next    *group          // of the same filter; guarded by topics.mu
	members []*subscription // those who are connected first; guarded by topics.mu
	online  int             // how many of them are
	turn    atomic.Uint32   // round robin
}

// target picks the member whose turn it is, among those who are connected if
// there is one: the others would get the message only when they come back. The
// caller holds topics.mu, and there is a member.
func (g *group) target() target {
	n := uint32(len(g.members))
	if g.online > 0 {
		n = uint32(g.online)
	}
	return g.members[g.turn.Add(1)%n].target()
}

// note notes whether a member is connected. The caller holds topics.mu for writing.
func (g *group) note(sub *subscription, online bool) {
	switch was := int(sub.at) < g.online; {
	case online && !was:
		g.swap(int(sub.at), g.online)
		g.online++
	case !online && was:
		g.online--
		g.swap(int(sub.at), g.online)
	}
}

func (g *group) swap(i, j int) {
	m := g.members
	m[i], m[j] = m[j], m[i]
	m[i].at, m[j].at = int32(i), int32(j)
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
	for _, sub := range s.subs.list {
		if g := sub.via.shared(); g != nil {
			g.note(sub, online)
		}
	}
}

// share delivers a message to the member that was picked or, when its session has
// ended meanwhile, to another one. A session that takes nothing any more has left
// its groups, so it is not picked twice.
func (b *Broker) share(r *routing, t *target) {
	for ok := true; ok && !t.s.deliver(r, t); {
		*t, ok = b.topics.another(t.via.shared())
	}
}

// another picks again, if any member is left.
func (t *topics) another(g *group) (target, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(g.members) == 0 {
		return target{}, false
	}
	return g.target(), true
}

// shared lists what a session that ends leaves to the other members of its Shared
// Subscriptions: the messages that were not acknowledged, but for QoS 2 that was
// begun (4.8.2-5). The caller holds s.mu.
func (s *session) shared() (left []outgoing) {
	for i := range s.redo.len() {
		if o := s.redo.at(i); o.via.shared() != nil && o.qos == 1 {
			left = append(left, *o)
		}
	}
	for i := range s.pending.len() {
		if o := s.pending.at(i); o.via.shared() != nil {
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
		if t, ok := b.topics.another(o.via.shared()); ok {
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
