package broker

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// topics holds who subscribes to what, and the retained messages. One lock
// guards both, because a message that is retained while somebody subscribes
// must reach him either as retained or as new, not twice and not never.
type topics struct {
	mu       sync.RWMutex
	root     node
	retained retainedNode

	retainedCount, retainedBytes int
	swept                        time.Time // the retained messages, last
	subscriptions                atomic.Int64
}

// subscription is one Topic Filter of one session. What a SUBSCRIBE can change
// is guarded by topics.mu.
type subscription struct {
	s      *session
	filter string   // as the client sent it, $share/NAME/ included
	ids    []uint32 // its Subscription Identifier, or nil; never changed in place
	at     int      // where it stands in its point or group
	qos    byte
	noLocal,
	asPublished bool
}

// node is one level of the tree of filters.
type node struct {
	children branches[node]
	plus     *node
	exact    point // filters that end here
	hash     point // filters that end with a # beneath here
}

// point is where filters end.
type point struct {
	subs   []*subscription
	groups []*group
}

func (n *node) empty() bool {
	return n.children.len() == 0 && n.plus == nil && n.exact.empty() && n.hash.empty()
}

func (p *point) empty() bool { return len(p.subs) == 0 && len(p.groups) == 0 }

func (p *point) list(share string) *[]*subscription {
	if share == "" {
		return &p.subs
	}
	for _, g := range p.groups {
		if g.name == share {
			return &g.members
		}
	}
	g := &group{name: share}
	p.groups = append(p.groups, g)
	return &g.members
}

// add enters a subscription. filter is without $share/NAME/, and share is that
// name or empty. The caller holds mu for writing.
func (t *topics) add(share, filter string, sub *subscription) {
	n := &t.root
	for more := true; more; {
		var level string
		level, filter, more = strings.Cut(filter, "/")
		switch level {
		case "#":
			sub.enter(n.hash.list(share))
			t.subscriptions.Add(1)
			return
		case "+":
			if n.plus == nil {
				n.plus = new(node)
			}
			n = n.plus
		default:
			n = n.children.grow([]byte(level))
		}
	}
	sub.enter(n.exact.list(share))
	t.subscriptions.Add(1)
}

func (sub *subscription) enter(list *[]*subscription) {
	sub.at = len(*list)
	*list = append(*list, sub)
}

// remove takes a subscription out, which must be there. The caller holds mu for
// writing.
func (t *topics) remove(share, filter string, sub *subscription) {
	t.subscriptions.Add(-1)
	t.root.remove(share, filter, true, sub)
}

func (n *node) remove(share, filter string, more bool, sub *subscription) {
	if !more {
		n.exact.remove(share, sub)
		return
	}
	level, rest, more := strings.Cut(filter, "/")
	switch level {
	case "#":
		n.hash.remove(share, sub)
	case "+":
		n.plus.remove(share, rest, more, sub)
		if n.plus.empty() {
			n.plus = nil
		}
	default:
		child := n.children.get([]byte(level))
		child.remove(share, rest, more, sub)
		if child.empty() {
			n.children.remove([]byte(level))
		}
	}
}

func (p *point) remove(share string, sub *subscription) {
	list := p.list(share)
	last := len(*list) - 1
	(*list)[sub.at] = (*list)[last]
	(*list)[sub.at].at = sub.at
	(*list)[last] = nil
	*list = (*list)[:last]
	if last > 0 {
		return
	}
	*list = nil
	if share == "" {
		return
	}
	for i, g := range p.groups {
		if g.name == share {
			p.groups = append(p.groups[:i], p.groups[i+1:]...)
			break
		}
	}
	if len(p.groups) == 0 {
		p.groups = nil
	}
}

// collect gathers the subscriptions that a message matches. The caller holds mu.
func (t *topics) collect(r *routing) {
	// 4.7.2-1: a leading wildcard does not match topics that start with $.
	wild := r.m.topic[0] != '$'
	t.root.collect(r, r.m.topic, true, wild)
}

func (n *node) collect(r *routing, topic []byte, more, wild bool) {
	if wild {
		n.hash.collect(r) // also the parent level itself (4.7.1.2)
	}
	if !more {
		n.exact.collect(r)
		return
	}
	level := topic
	i := bytes.IndexByte(topic, '/')
	if more = i >= 0; more {
		level, topic = topic[:i], topic[i+1:]
	}
	if child := n.children.get(level); child != nil {
		child.collect(r, topic, more, true)
	}
	if wild && n.plus != nil {
		n.plus.collect(r, topic, more, true)
	}
}

func (p *point) collect(r *routing) {
	if len(p.subs) > 0 {
		r.points++
		for _, sub := range p.subs {
			// 3.8.3-3; the publisher is known by its Client Identifier.
			if sub.noLocal && sub.s.id == r.m.from {
				continue
			}
			r.targets = append(r.targets, sub.target())
		}
	}
	for _, g := range p.groups {
		r.shared = append(r.shared, g.target())
	}
}

func (sub *subscription) target() target {
	return target{s: sub.s, ids: sub.ids, qos: sub.qos, asPublished: sub.asPublished}
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
