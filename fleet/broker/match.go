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
	if len(t.points) == 0 {
		return true
	}
	r.hashes.take(t, r.m.topic)
	if !t.exact(r) {
		return false
	}
	for _, f := range t.forms {
		if !t.formed(r, f) {
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
	r.pick()
	for i, f := range slices.Clone(t.forms) {
		if r.visited > crowd || i%256 == 255 {
			r.visited = 0
			t.mu.RUnlock()
			t.mu.RLock()
		}
		t.formed(r, f) // if it is no more, nobody has it
		r.pick()
	}
}

// exact gathers what has no wildcards. It is false where there are too many.
func (t *topics) exact(r *routing) bool {
	h := &r.hashes
	n := len(h.level)
	for p := t.points[h.sum[n]^ending(n, false)]; p != nil; p = p.next {
		if p.form == nil && p.filter == string(r.m.topic) && !p.collect(r) {
			return false
		}
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
	for p := t.points[key^ending(levels, f.hash)]; p != nil; p = p.next {
		if p.form == f && matches(p.filter, topic) && !p.collect(r) {
			return false
		}
	}
	return true
}

// matches reports whether a filter of the topic's form matches it.
func matches(filter string, topic []byte) bool {
	for {
		level, rest, more := strings.Cut(filter, "/")
		if level == "#" {
			return true
		}
		name := topic
		before, after, ok := bytes.Cut(topic, []byte{'/'})
		if ok {
			name, topic = before, after
		}
		if level != "+" && level != string(name) {
			return false
		}
		if !more || !ok {
			return more == ok || rest == "#" // also the parent level itself (4.7.1.2)
		}
		filter = rest
	}
}

// collect gathers the subscriptions to a filter. It is false where there are too many.
func (p *point) collect(r *routing) bool {
	if len(r.targets)+len(p.subs) > crowd && !r.alone {
		return false
	}
	if len(p.subs) > 0 {
		r.points++
		r.visited += len(p.subs)
		for _, sub := range p.subs {
			// 3.8.3-3; the publisher is known by its Client Identifier.
			if sub.noLocal && sub.s.id == r.m.from.id || r.number > 0 && sub.newest >= r.number {
				continue
			}
			r.add(sub.target())
		}
	}
	for g := p.groups; g != nil; g = g.next {
		r.groups = append(r.groups, g)
	}
	return len(r.groups) <= crowd || r.alone
}

func (sub *subscription) target() target {
	return target{s: sub.s, via: sub.via, qos: sub.qos, asPublished: sub.asPublished}
}
