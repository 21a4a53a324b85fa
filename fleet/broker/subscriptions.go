package broker

import (
	"hash/maphash"
	"iter"
)

// subscription is one Topic Filter of one session. Clients can make a broker keep many,
// for some six bytes that they send each, so it is as small as may be. It is guarded by
// topics.mu.
type subscription struct {
	filter     textRef // its text, without $share/NAME/, which all have who subscribe to it
	chain      slot    // of the first of a filter: another filter, see topics.filters; of a Shared Subscription: its group
	own        slot    // another of the session, see subscriptions
	next, prev slot    // in the ring of those to this filter, or of the members of a group
	session    uint32  // see topics.sessions; 0: it stands for the Shared Subscriptions to its filter, or was removed
	id         uint32  // its Subscription Identifier; 0: none. Of what stands for Shared Subscriptions, the first group
	since      uint16  // while it stands in its session's feeds, see feeds.moments; 0: it gets nothing of them
	tag        uint8   // of its filter's key, for most that are not equal to be seen at once
	options    options
}

// options of a subscription, and what becomes of it.
type options uint8

const (
	maxQoS      options = 3
	noLocal     options = 1 << 2
	asPublished options = 1 << 3
	fed         options = 1 << 4 // it stands in its session's feeds
	lateFed     options = 1 << 5 // it does, for a connection that has ended
	isShared    options = 1 << 6
	isOnline    options = 1 << 7 // of a Shared Subscription: the client is connected
)

func (sub *subscription) is(o options) bool { return sub.options&o != 0 }

func (sub *subscription) set(o options, on bool) {
	sub.options &^= o
	if on {
		sub.options |= o
	}
}

// tag is what a subscription has of its filter's key.
func tag(key uint64) uint8 { return uint8(key >> 56) }

// subscriptions are those of one session.
type subscriptions struct {
	table
	who    uint32 // see topics.sessions; 0: nobody, there is none
	shared uint32 // how many are Shared Subscriptions
}

// perOwn is how many are in one list of subscriptions in the middle: most sessions have a
// few, which are in one.
const perOwn = 4

// byOwner is the topics as the items of subscriptions.
type byOwner struct{ *topics }

func (x byOwner) link(n slot) *slot { return &x.sub(n).own }

func (x byOwner) hash(n slot) uint64 {
	sub := x.sub(n)
	key, _, _ := x.key(x.texts.get(&sub.filter))
	return x.ownKey(key, x.share(sub))
}

// ownKey is a filter's key with its share name.
func (t *topics) ownKey(key uint64, share string) uint64 {
	if share == "" {
		return key
	}
	return key ^ maphash.String(t.seed, share)
}

// share is the share name of a subscription, empty if it has none.
func (t *topics) share(sub *subscription) string {
	if !sub.is(isShared) {
		return ""
	}
	return t.texts.get(&t.group(sub.chain).name)
}

// own finds a session's own subscription; 0: it has none. The caller holds mu.
func (t *topics) own(l *subscriptions, share string, f *sought) slot {
	n := l.first(t.ownKey(f.key, share))
	for n != 0 {
		sub := t.sub(n)
		if sub.tag == tag(f.key) && t.texts.get(&sub.filter) == f.filter && t.share(sub) == share {
			break
		}
		n = sub.own
	}
	return n
}

// all are the subscriptions of a session. The caller holds mu.
func (t *topics) all(l *subscriptions) iter.Seq[slot] {
	return func(yield func(slot) bool) {
		for _, n := range l.lists {
			for ; n != 0; n = t.sub(n).own {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// enlist gives a session a place among those with subscriptions.
func (t *topics) enlist(s *session) uint32 {
	l := &s.subs
	if l.who > 0 {
		return l.who
	}
	if last := len(t.freed) - 1; last >= 0 {
		l.who = t.freed[last]
		t.freed = t.freed[:last]
		t.sessions[l.who-1] = s
		return l.who
	}
	t.sessions = append(t.sessions, s)
	l.who = uint32(len(t.sessions))
	return l.who
}

// strike takes that place from a session without subscriptions.
func (t *topics) strike(l *subscriptions) {
	t.sessions[l.who-1] = nil
	t.freed = append(t.freed, l.who)
	if len(t.freed) == len(t.sessions) {
		t.sessions, t.freed = nil, nil
	}
	*l = subscriptions{}
}

// subscribe enters a subscription of a session that has none of this filter and share
// name. It is 0 where there is no room. The caller holds mu for writing, and s.mu.
func (t *topics) subscribe(s *session, share string, f *sought) slot {
	all := &s.b.memory
	cost := subscriptionCost(share, len(f.filter))
	if most := cost + costForm; !t.room(f, share, s) || !all.room(most) || !all.roomFor(&s.owner, most) {
		return 0
	}
	n, once := t.add(s, share, f)
	all.used.Add(int64(costSubscription + once))
	s.owner.add(cost)
	s.subs.add(byOwner{t}, n, t.ownKey(f.key, share), perOwn)
	if share != "" {
		s.subs.shared++
	}
	return n
}

// unsubscribe is the end of what subscribe began. What stands in the session's feeds is
// freed when they have come to it. The caller holds mu for writing, and s.mu.
func (t *topics) unsubscribe(s *session, n slot) {
	sub := t.sub(n)
	share := t.share(sub)
	filter := t.texts.get(&sub.filter)
	cost := subscriptionCost(share, len(filter)) - costSubscription
	key, _, _ := t.key(filter)
	s.subs.remove(byOwner{t}, n, t.ownKey(key, share), perOwn)
	if share != "" {
		s.subs.shared--
	}
	s.owner.add(-cost)
	s.b.memory.used.Add(-int64(t.remove(n)))
	delete(t.late, n)
	left := subscription{options: sub.options & (fed | lateFed)}
	if *sub = left; left.options == 0 {
		t.discard(s, n)
	}
	if s.subs.count == 0 {
		t.strike(&s.subs)
	}
}

// forget unsubscribes up to so many of a session, and reports whether there are more. The
// caller holds mu for writing, and s.mu.
func (t *topics) forget(s *session, most int) bool {
	l := &s.subs
	for i := len(l.lists) - 1; i >= 0 && most > 0; i = min(i, len(l.lists)-1) {
		if l.lists[i] == 0 {
			i--
			continue
		}
		t.unsubscribe(s, l.lists[i])
		most--
	}
	return l.count > 0
}

// discard frees what was unsubscribed.
func (t *topics) discard(s *session, n slot) {
	t.subs.free(n)
	s.b.memory.enter(&s.owner, -costSubscription)
}

// subscriptionCost is what a subscription to a filter of n bytes takes.
func subscriptionCost(share string, n int) int {
	cost := costSubscription + textCost(n)
	if share != "" {
		cost += costSubscription + costGroup + textCost(len(share)) // with what stands for it
	}
	return cost
}
