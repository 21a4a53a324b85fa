package broker

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
)

// topics holds who subscribes to what, and the retained messages. One lock
// guards both, because a message that is retained while somebody subscribes
// must reach him either as retained or as new, not twice and not never.
//
// Filters are found by hash. A filter's key is the sum of what its levels hash
// to, each mixed with its place; a + counts as a level of that text. Which levels
// are + and whether a # ends it is the filter's form. A message looks up one key
// for each form that there is, made from the hashes of its levels, which are
// taken once. So a filter costs no more memory than its text and one entry
// however many levels it has, and a message as much work as there are forms: a
// fleet has a handful, and maxForms bounds what a client can make of it.
type topics struct {
	mu       sync.RWMutex
	seed     maphash.Seed // against filters that are chosen to have one key; what matches does not depend on it
	plus     uint64       // what a + hashes to
	subs     slab[subscription]
	texts    texts
	sessions []*session // those with subscriptions, by subscriptions.who; nil: free
	freed    []uint32   // the places of those that are nil
	filters  table      // the first subscription of each filter
	forms    forms
	groups   slab[group]
	retained retained
	late     map[slot]struct{} // those that get the message of a crowd as retained, while it is collected; else nil

	subscriptions atomic.Int64
	sys           atomic.Int64 // of these, those to what the broker says of itself
}

// maxSubscriptions bounds those of all clients, so that there are slots for their texts.
const maxSubscriptions = 1 << 26

// maxGroups bounds the Shared Subscriptions of different names on one filter:
// each is one more copy of every message.
const maxGroups = 1 << 10

// perFilter is how many filters are in one list of topics.filters in the middle.
const perFilter = 2

func (t *topics) init() {
	t.seed = maphash.MakeSeed()
	t.plus = maphash.String(t.seed, "+")
	t.subs.width, t.groups.width = 1, 1
	t.texts.init()
	t.forms.seed = t.seed
}

// sub returns a subscription, which is good until it is freed.
func (t *topics) sub(n slot) *subscription { return &t.subs.get(n)[0] }

// byFilter is the topics as the items of topics.filters.
type byFilter struct{ *topics }

func (x byFilter) link(n slot) *slot { return &x.sub(n).chain }

func (x byFilter) hash(n slot) uint64 {
	key, _, _ := x.key(x.texts.get(&x.sub(n).filter))
	return key
}

// placed mixes the hash of a level with its place.
func placed(h uint64, level int) uint64 {
	return bits.RotateLeft64(h, level&63) * (uint64(level)*2 + 0x9e3779b97f4a7c15)
}

// ending is what tells a from a/#, whose levels are the same.
func ending(levels int, hash bool) uint64 {
	n := uint64(levels) << 1
	if hash {
		n |= 1
	}
	return n * 0xbf58476d1ce4e5b9
}

// key returns a filter's key and shape, and whether it has wildcards.
func (t *topics) key(filter string) (key uint64, s shape, wild bool) {
	for more := true; more; {
		var level string
		level, filter, more = strings.Cut(filter, "/")
		switch level {
		case "#":
			s.hash, wild = true, true
			continue
		case "+":
			s.plus[s.levels/64] |= 1 << (s.levels % 64)
			wild = true
		}
		key += placed(maphash.String(t.seed, level), int(s.levels))
		s.levels++
	}
	return key ^ ending(int(s.levels), s.hash), s, wild
}

// sought is a filter, without $share/NAME/, and where it is.
type sought struct {
	filter string
	key    uint64
	shape  shape
	wild   bool
	first  slot // its first subscription; 0: nobody has it
}

// seek looks for a filter. What it returns is good until a filter comes or goes. The
// caller holds mu.
func (t *topics) seek(filter string) sought {
	f := sought{filter: filter}
	f.key, f.shape, f.wild = t.key(filter)
	for f.first = t.filters.first(f.key); f.first != 0; {
		sub := t.sub(f.first)
		if sub.tag == tag(f.key) && t.texts.get(&sub.filter) == filter {
			break
		}
		f.first = sub.chain
	}
	return f
}

// room reports whether a client may add a filter: it may not where that has a
// form that is new and one too many, or is a Shared Subscription one too many.
// The caller holds mu.
func (t *topics) room(f *sought, share string, by *session) bool {
	switch {
	case t.subscriptions.Load() >= maxSubscriptions:
		return false
	case f.first == 0 && f.wild && t.forms.find(f.shape) == 0:
		return len(t.forms.list) < maxForms && by.forms < maxFormsEach
	case f.first == 0 || share == "":
		return true
	}
	n := 0
	for at := t.groupsOf(f.first); at != 0; n++ {
		g := t.group(at)
		if t.texts.get(&g.name) == share {
			return true
		}
		at = g.next
	}
	return n < maxGroups
}

// add enters a subscription of a session that has none of this filter and share name,
// and reports how many bytes it takes that others with the filter share. The caller holds
// mu for writing.
func (t *topics) add(s *session, share string, f *sought) (n slot, once int) {
	n = t.subs.take()
	sub := t.sub(n)
	sub.session = t.enlist(s)
	sub.tag = tag(f.key)
	if f.first == 0 {
		once += t.found(n, f, s)
	} else {
		sub.filter = t.sub(f.first).filter
	}
	switch {
	case share != "":
		once += t.join(n, share, f)
	case f.first == 0:
		t.begin(n, f)
	default:
		t.insert(n, f.first)
	}
	t.subscriptions.Add(1)
	if reserved(f.filter) {
		t.sys.Add(1)
	}
	return n, once
}

// found keeps the text and the form of a filter that is new.
func (t *topics) found(n slot, f *sought, by *session) int {
	t.sub(n).filter = t.texts.put(f.filter)
	if f.wild {
		t.forms.add(f.shape, by)
	}
	return textCost(len(f.filter))
}

// begin makes a subscription, or what stands for Shared ones, the first of its filter.
func (t *topics) begin(n slot, f *sought) {
	sub := t.sub(n)
	sub.next, sub.prev = n, n
	t.filters.add(byFilter{t}, n, f.key, perFilter)
	f.first = n
}

// insert puts a subscription behind the last one of a ring.
func (t *topics) insert(n, first slot) {
	sub, head := t.sub(n), t.sub(first)
	sub.next, sub.prev = first, head.prev
	t.sub(head.prev).next = n
	head.prev = n
}

// extract takes a subscription out of its ring, and returns the one behind it, 0 if
// there is none.
func (t *topics) extract(n slot) slot {
	sub := t.sub(n)
	next := sub.next
	t.sub(sub.prev).next, t.sub(next).prev = next, sub.prev
	sub.next, sub.prev = 0, 0
	if next == n {
		return 0
	}
	return next
}

// remove takes a subscription out of its filter, and reports how many bytes it took that
// others with the filter shared. free is for the caller. The caller holds mu for writing.
func (t *topics) remove(n slot) (once int) {
	t.subscriptions.Add(-1)
	sub := t.sub(n)
	if reserved(t.texts.get(&sub.filter)) {
		t.sys.Add(-1)
	}
	if sub.is(isShared) {
		return t.part(n)
	}
	return t.end(n)
}

// end takes a subscription, or what stands for Shared ones, out of its filter's ring.
func (t *topics) end(n slot) (once int) {
	sub := t.sub(n)
	filter := t.texts.get(&sub.filter)
	key, s, wild := t.key(filter)
	next := t.extract(n)
	if next != 0 {
		t.filters.replace(byFilter{t}, n, next, key) // if it was the first
		return 0
	}
	once = textCost(len(filter))
	t.filters.remove(byFilter{t}, n, key, perFilter)
	t.texts.free(&sub.filter)
	if wild {
		t.forms.remove(s)
	}
	return once
}

// levels counts the levels of a topic or filter.
func levels[T string | []byte](s T) int {
	n := 1
	for i := range len(s) {
		if s[i] == '/' {
			n++
		}
	}
	return n
}
