package broker

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"
)

// hashes are those of a topic's levels, and their sums up to each level.
type hashes struct {
	level []uint64
	sum   []uint64 // one more than there are levels
}

func (h *hashes) take(t *topics, topic []byte) {
	h.level, h.sum = h.level[:0], append(h.sum[:0], 0)
	sum := uint64(0)
	for more := true; more; {
		level := topic
		i := bytes.IndexByte(topic, '/')
		if more = i >= 0; more {
			level, topic = topic[:i], topic[i+1:]
		}
		v := placed(maphash.Bytes(t.seed, level), len(h.level))
		sum += v
		h.level, h.sum = append(h.level, v), append(h.sum, sum)
	}
}

// collect gathers the subscriptions that a message matches, and reports whether it has
// all of them, which it has not where they are more than a crowd. The caller holds mu.
func (t *topics) collect(r *routing) bool {
	if t.filters.count == 0 {
		return true
	}
	r.hashes.take(t, r.m.topic)
	if !t.exact(r) {
		return false
	}
	for i := range t.forms.list {
		if !t.formed(r, &t.forms.list[i]) {
			return false
		}
	}
	return true
}

// collectCrowd is collect for a routing that is alone, with a pick of each Shared
// Subscription. It lets go of mu, which it takes by itself, again and again. Who
// subscribes, or leaves, meanwhile may get the message or not; but if it has been
// retained, who subscribes gets it once, as retained.
func (t *topics) collectCrowd(r *routing) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	r.hashes.take(t, r.m.topic)
	t.exact(r)
	r.pick(t)
	all := slices.Clone(t.forms.list)
	for i := range all {
		if r.visited > crowd || i%256 == 255 {
			r.visited = 0
			t.mu.RUnlock()
			t.mu.RLock()
		}
		t.formed(r, &all[i]) // if it is no more, nobody has it
		r.pick(t)
	}
}

// isLate reports whether a subscription was made while the message of a crowd was being
// collected, and gets that as retained.
func (t *topics) isLate(n slot) bool {
	_, late := t.late[n]
	return late
}

// exact gathers what has no wildcards. It is false where there are too many.
func (t *topics) exact(r *routing) bool {
	h := &r.hashes
	n := len(h.level)
	key := h.sum[n] ^ ending(n, false)
	for at := t.filters.first(key); at != 0; {
		sub := t.sub(at)
		if sub.tag == tag(key) && t.texts.get(&sub.filter) == string(r.m.topic) {
			return t.gather(r, at)
		}
		at = sub.chain
	}
	return true
}

// formed gathers what is of a form.
func (t *topics) formed(r *routing, f *form) bool {
	h, topic := &r.hashes, r.m.topic
	n, levels := len(h.level), int(f.levels)
	if f.hash && n < levels || !f.hash && n != levels || f.wildFirst && topic[0] == '$' {
		return true
	}
	key := h.sum[levels]
	for i, word := range f.plus {
		for ; word != 0; word &= word - 1 {
			level := i*64 + bits.TrailingZeros64(word)
			key += placed(t.plus, level) - h.level[level]
		}
	}
	key ^= ending(levels, f.hash)
	for at := t.filters.first(key); at != 0; {
		sub := t.sub(at)
		if sub.tag == tag(key) && f.matches(t.texts.get(&sub.filter), topic) {
			return t.gather(r, at)
		}
		at = sub.chain
	}
	return true
}

// matches reports whether a filter has a form and matches a topic with as many levels as
// that wants.
func (f *form) matches(filter string, topic []byte) bool {
	for i := 0; ; i++ {
		level, rest, more := strings.Cut(filter, "/")
		if level == "#" {
			return f.hash && i == int(f.levels)
		}
		name := topic
		before, after, ok := bytes.Cut(topic, []byte{'/'})
		if ok {
			name, topic = before, after
		}
		switch plus := level == "+"; {
		case i == int(f.levels) || plus != f.has(i) || !plus && level != string(name):
			return false
		case !more:
			return !ok && !f.hash && i+1 == int(f.levels)
		case !ok:
			return rest == "#" && f.hash && i+1 == int(f.levels) // also the parent level itself (4.7.1.2)
		}
		filter = rest
	}
}

// gather gathers the subscriptions to a filter, given the first one. It is false where
// there are too many.
func (t *topics) gather(r *routing, first slot) bool {
	plain := false
	for n := first; ; {
		sub := t.sub(n)
		if sub.session == 0 {
			for at := slot(sub.id); at != 0; at = t.group(at).next {
				r.groups = append(r.groups, at)
			}
		} else {
			plain = true
			r.visited++
			// 3.8.3-3; the publisher is known by its Client Identifier.
			if to := t.target(sub); !(sub.is(noLocal) && to.s.id == r.m.from.id || r.alone && t.isLate(n)) {
				r.add(to)
			}
		}
		if n = sub.next; n == first {
			break
		}
		if len(r.targets) > crowd && !r.alone {
			return false
		}
	}
	if plain {
		r.filters++
	}
	return len(r.targets) <= crowd && len(r.groups) <= crowd || r.alone
}

func (t *topics) target(sub *subscription) target {
	return target{s: t.sessions[sub.session-1], id: sub.id, qos: byte(sub.options & maxQoS), asPublished: sub.is(asPublished)}
}
