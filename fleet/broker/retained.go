package broker

import (
	"bytes"
	"strings"
	"time"
)

// retainedNode is one level of the tree of retained messages.
type retainedNode struct {
	children branches[retainedNode]
	m        *message
}

// sweepEvery is how often a full store is looked through for what has expired.
const sweepEvery = time.Second

// retain stores m as its topic's retained message, or removes that if m has no
// payload (3.3.1-5 to -7). It returns false, with nothing changed, where the
// bounds do not allow it. The caller holds mu for writing.
func (t *topics) retain(m *message, l *limits, now time.Time) bool {
	if len(m.payload) == 0 {
		t.forget(&t.retained, m.topic, true)
		return true
	}
	if !t.roomFor(m, l) {
		// Not for every message: a full store takes its time to be swept.
		if now.Sub(t.swept) < sweepEvery {
			return false
		}
		t.swept = now
		t.sweep(&t.retained, now)
		if !t.roomFor(m, l) {
			return false
		}
	}
	n := &t.retained
	rest := m.topic
	for more := true; more; {
		var level []byte
		level, rest, more = bytes.Cut(rest, []byte{'/'})
		n = n.children.grow(level)
	}
	t.drop(n)
	n.m = m
	t.retainedCount++
	t.retainedBytes += m.size()
	return true
}

// roomFor reports whether m may be retained. What it replaces is set off.
func (t *topics) roomFor(m *message, l *limits) bool {
	count, size := t.retainedCount+1, t.retainedBytes+m.size()
	if count <= l.MaximumRetained && size <= l.MaximumRetainedBytes {
		return true
	}
	n := &t.retained
	for level := range bytes.SplitSeq(m.topic, []byte{'/'}) {
		if n = n.children.get(level); n == nil {
			return false
		}
	}
	return n.m != nil && count-1 <= l.MaximumRetained && size-n.m.size() <= l.MaximumRetainedBytes
}

func (t *topics) drop(n *retainedNode) {
	if n.m != nil {
		t.retainedCount--
		t.retainedBytes -= n.m.size()
		n.m = nil
	}
}

// forget removes the retained message of a topic, and levels that are empty then.
func (t *topics) forget(n *retainedNode, topic []byte, more bool) {
	if !more {
		t.drop(n)
		return
	}
	level, rest, more := bytes.Cut(topic, []byte{'/'})
	child := n.children.get(level)
	if child == nil {
		return
	}
	t.forget(child, rest, more)
	n.prune(level, child)
}

func (n *retainedNode) prune(level []byte, child *retainedNode) {
	if child.m == nil && child.children.len() == 0 {
		n.children.remove(level)
	}
}

// sweep removes all that has expired.
func (t *topics) sweep(n *retainedNode, now time.Time) {
	if n.m != nil && n.m.expired(now) {
		t.drop(n)
	}
	for level, child := range n.children.all() {
		t.sweep(child, now)
		n.prune([]byte(level), child)
	}
}

// matching appends the retained messages that match a filter. The caller holds
// mu for writing, since those that have expired are removed.
func (t *topics) matching(out []*message, filter string, now time.Time) []*message {
	return t.match(out, &t.retained, filter, true, true, now)
}

func (t *topics) match(out []*message, n *retainedNode, filter string, more, top bool, now time.Time) []*message {
	if !more {
		return t.take(out, n, now)
	}
	level, rest, more := strings.Cut(filter, "/")
	switch level {
	case "#":
		return t.all(out, n, top, now)
	case "+":
		for name, child := range n.children.all() {
			if top && strings.HasPrefix(name, "$") { // 4.7.2-1
				continue
			}
			out = t.match(out, child, rest, more, false, now)
			n.prune([]byte(name), child)
		}
	default:
		if child := n.children.get([]byte(level)); child != nil {
			out = t.match(out, child, rest, more, false, now)
			n.prune([]byte(level), child)
		}
	}
	return out
}

// all appends everything at and beneath n.
func (t *topics) all(out []*message, n *retainedNode, top bool, now time.Time) []*message {
	out = t.take(out, n, now)
	for name, child := range n.children.all() {
		if top && strings.HasPrefix(name, "$") {
			continue
		}
		out = t.all(out, child, false, now)
		n.prune([]byte(name), child)
	}
	return out
}

func (t *topics) take(out []*message, n *retainedNode, now time.Time) []*message {
	switch {
	case n.m == nil:
	case n.m.expired(now):
		t.drop(n) // 3.3.2-5
	default:
		out = append(out, n.m)
	}
	return out
}
