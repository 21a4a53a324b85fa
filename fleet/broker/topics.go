package broker

import (
	"hash/maphash"
	"maps"
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
	points   map[uint64]*point
	most     int // of points since the map was made
	forms    []*form
	byShape  map[shape]*form
	retained retained

	subscriptions atomic.Int64
}

// maxForms bounds the forms of all filters, and maxFormsEach how many of them one
// client can have added.
const (
	maxForms     = 16 << 10
	maxFormsEach = 1000
)

// maxGroups bounds the Shared Subscriptions of different names on one filter:
// each is one more copy of every message.
const maxGroups = 1 << 10

// shape says where a filter has its wildcards.
type shape struct {
	plus   [(maxLevels + 63) / 64]uint64 // the levels that are +
	levels uint8                         // without a # at the end
	hash   bool                          // there is a # at the end
}

// form is a shape that filters have. Filters without wildcards have none.
type form struct {
	shape
	wildFirst bool // 4.7.2-1: not for topics that start with $
	points    int
	at        int      // where it stands in topics.forms
	by        *session // the client who added it
}

// point is where equal filters meet.
type point struct {
	filter string // without $share/NAME/
	form   *form  // nil: no wildcards
	next   *point // another filter with the same key
	subs   []*subscription
	groups *group // the first Shared Subscription
}

// subscription is one Topic Filter of one session. What a SUBSCRIBE can change
// is guarded by topics.mu.
type subscription struct {
	s      *session
	filter string // as the client sent it, $share/NAME/ included
	via    *via   // with its Subscription Identifier and its Shared Subscription, if any
	newest uint64 // see feeds: the number of the last message that it is to get; 0: none
	at     int32  // where it stands in its point or group
	qos    byte
	noLocal,
	asPublished bool
	feed feedState // see feeds
}

// feedState is whether a subscription stands in its session's feeds.
type feedState byte

const (
	notFed  feedState = iota
	queued            // it does
	lateFed           // it does, for a connection that has ended
)

func (t *topics) init() {
	t.seed = maphash.MakeSeed()
	t.plus = maphash.String(t.seed, "+")
	t.points = make(map[uint64]*point)
	t.byShape = make(map[shape]*form)
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

// room reports whether a client may add a filter: it may not where that has a
// form that is new and one too many, or is a Shared Subscription one too many.
// The caller holds mu.
func (t *topics) room(share, filter string, by *session) bool {
	key, s, wild := t.key(filter)
	p := t.find(key, filter)
	switch {
	case p == nil && wild && t.byShape[s] == nil:
		return len(t.forms) < maxForms && by.forms < maxFormsEach
	case p == nil || share == "":
		return true
	}
	n := 0
	for g := p.groups; g != nil; g = g.next {
		if n++; g.name == share {
			return true
		}
	}
	return n < maxGroups
}

func (t *topics) find(key uint64, filter string) *point {
	p := t.points[key]
	for p != nil && p.filter != filter {
		p = p.next
	}
	return p
}

// add enters a subscription. filter is without $share/NAME/, and share is that
// name or empty. The caller holds mu for writing.
func (t *topics) add(share, filter string, sub *subscription, by *session) {
	key, s, wild := t.key(filter)
	p := t.find(key, filter)
	if p == nil {
		p = &point{filter: filter, next: t.points[key]}
		t.points[key] = p
		t.most = max(t.most, len(t.points))
		if wild {
			p.form = t.form(s, by)
			p.form.points++
		}
	}
	list, g := p.list(share)
	if g != nil {
		v := &via{group: g}
		if sub.via != nil {
			v.ids = sub.via.ids
		}
		sub.via = v
	}
	sub.at = int32(len(*list))
	*list = append(*list, sub)
	if g != nil {
		g.note(sub, true) // who subscribes is connected
	}
	t.subscriptions.Add(1)
}

func (t *topics) form(s shape, by *session) *form {
	f := t.byShape[s]
	if f == nil {
		f = &form{shape: s, wildFirst: s.levels == 0 || s.plus[0]&1 != 0, at: len(t.forms), by: by}
		t.forms = append(t.forms, f)
		t.byShape[s] = f
		by.forms++
	}
	return f
}

// remove takes a subscription out, which must be there. The caller holds mu for
// writing.
func (t *topics) remove(share, filter string, sub *subscription) {
	t.subscriptions.Add(-1)
	key, _, _ := t.key(filter)
	p := t.find(key, filter)
	p.remove(share, sub)
	if len(p.subs) > 0 || p.groups != nil {
		return
	}
	t.unlink(key, p)
	f := p.form
	if f == nil {
		return
	}
	if f.points--; f.points > 0 {
		return
	}
	f.by.forms--
	last := len(t.forms) - 1
	t.forms[f.at] = t.forms[last]
	t.forms[f.at].at = f.at
	t.forms[last] = nil
	t.forms = t.forms[:last]
	delete(t.byShape, f.shape)
}

func (t *topics) unlink(key uint64, p *point) {
	first := t.points[key]
	switch {
	case first == p && p.next == nil:
		delete(t.points, key)
	case first == p:
		t.points[key] = p.next
	default:
		for first.next != p {
			first = first.next
		}
		first.next = p.next
	}
	// A map keeps the memory of its best days.
	if t.most > 1024 && len(t.points) < t.most/8 {
		small := make(map[uint64]*point, len(t.points))
		maps.Copy(small, t.points)
		t.points, t.most = small, len(small)
	}
}

func (p *point) list(share string) (*[]*subscription, *group) {
	if share == "" {
		return &p.subs, nil
	}
	at := &p.groups
	for *at != nil && (*at).name != share {
		at = &(*at).next
	}
	if *at == nil {
		*at = &group{name: share}
	}
	return &(*at).members, *at
}

func (p *point) remove(share string, sub *subscription) {
	list, g := p.list(share)
	if g != nil {
		g.note(sub, false) // so that the gap is behind those who are
	}
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
	at := &p.groups
	for (*at).name != share {
		at = &(*at).next
	}
	*at = (*at).next
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
