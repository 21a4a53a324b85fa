package broker

import (
	"fmt"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"homefleet/fleet/wire"
)

// newSession makes one that no connection and no table knows.
func newSession(b *Broker, id string) *session {
	b.sessionNumber++
	return &session{b: b, number: b.sessionNumber, owner: owner{id: id}, state: new(state)}
}

// enter subscribes; the filter may be that of a Shared Subscription.
func (t *topics) enter(s *session, filter string) slot {
	share, filter := splitShared(filter)
	f := t.seek(filter)
	if n := t.own(&s.subs, share, &f); n != 0 {
		return n
	}
	return t.subscribe(s, share, &f)
}

// only is a subscription of a session, which has one.
func (t *topics) only(s *session) slot {
	for n := range t.all(&s.subs) {
		return n
	}
	return 0
}

// kept is how many things are kept of subscriptions.
func (t *topics) kept() int {
	n := t.subs.items() + t.groups.items() + t.texts.long.items() + t.filters.count + len(t.forms.list) + len(t.sessions)
	for i := range t.texts.short {
		n += t.texts.short[i].items()
	}
	return n
}

func (s *slab[T]) items() (n int) {
	for _, taken := range s.taken {
		n += bits.OnesCount64(taken)
	}
	return n
}

// model says who subscribes to what, as a map a session.
type model struct {
	b        *Broker
	sessions []*session
	has      []map[string]uint32 // filters, and the Subscription Identifier of each
}

func newModel(t testing.TB, n int) *model {
	b, err := New(Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	m := &model{b: b}
	for i := range n {
		m.sessions = append(m.sessions, newSession(b, fmt.Sprint("s", i)))
		m.has = append(m.has, make(map[string]uint32))
	}
	return m
}

// change subscribes, or unsubscribes what is there.
func (m *model) change(t testing.TB, i int, filter string, id uint32, leave bool) {
	s, has := m.sessions[i], m.has[i]
	_, was := has[filter]
	if leave {
		if s.leave(filter) != was {
			t.Fatalf("leave(%q) = %v; want %v", filter, !was, was)
		}
		delete(has, filter)
		return
	}
	n := m.b.topics.enter(s, filter)
	if n == 0 {
		t.Fatalf("there is no room for %q", filter)
	}
	m.b.topics.sub(n).id = id
	has[filter] = id
}

// want is who is to get a message, by Client Identifier, each with the identifiers of his
// subscriptions, and the members of each Shared Subscription.
func (m *model) want(topic string) (plain map[string][]uint32, groups map[string][]string) {
	plain, groups = make(map[string][]uint32), make(map[string][]string)
	for i, has := range m.has {
		for filter, id := range has {
			share, rest := splitShared(filter)
			switch {
			case !oracle(rest, topic):
			case share != "":
				groups[filter] = append(groups[filter], m.sessions[i].id)
			default:
				plain[m.sessions[i].id] = append(plain[m.sessions[i].id], id)
			}
		}
	}
	return plain, groups
}

// check compares who gets a message with what section 4.7 says.
func (m *model) check(t testing.TB, topic string) {
	r := &routing{b: m.b, m: &message{from: anyone(), topic: []byte(topic)}}
	tt := &m.b.topics
	tt.collect(r)
	names := make([]string, len(r.groups))
	for i, at := range r.groups {
		g := tt.group(at)
		names[i] = "$share/" + tt.texts.get(&g.name) + "/" + tt.texts.get(&tt.sub(g.anchor).filter)
	}
	r.pick(tt)
	plain, groups := m.want(topic)
	got := make(map[string][]uint32)
	for _, to := range r.targets {
		got[to.s.id] = append(got[to.s.id], to.id)
	}
	for _, of := range []map[string][]uint32{got, plain} {
		for _, ids := range of {
			slices.Sort(ids)
		}
	}
	if !maps.EqualFunc(got, plain, slices.Equal) {
		t.Fatalf("%q reaches %v; want %v", topic, got, plain)
	}
	if want := slices.Sorted(maps.Keys(groups)); !slices.Equal(slices.Sorted(slices.Values(names)), want) {
		t.Fatalf("%q reaches the groups %q; want %q", topic, names, want)
	}
	for i, to := range r.shared {
		if !slices.Contains(groups[names[i]], to.s.id) {
			t.Fatalf("%q: %s has %q; want one of %q", topic, names[i], to.s.id, groups[names[i]])
		}
	}
	r.merge()
	for i, to := range r.targets {
		if i > 0 && r.targets[i-1].s.number >= to.s.number {
			t.Fatalf("%q goes to %s behind %s; want the order of the sessions, once each", topic, to.s.id, r.targets[i-1].s.id)
		}
		o := outgoing{via: to.via, subID: [1]uint32{to.id}}
		want := slices.DeleteFunc(slices.Clone(plain[to.s.id]), func(id uint32) bool { return id == 0 })
		if ids := slices.Sorted(slices.Values(o.identifiers())); !slices.Equal(ids, want) {
			t.Fatalf("%q goes to %s with the identifiers %v; want %v", topic, to.s.id, ids, want)
		}
	}
}

// empty has everybody leave, and wants nothing to be left.
func (m *model) empty(t testing.TB) {
	for i, has := range m.has {
		if i%2 == 0 {
			for filter := range has {
				m.change(t, i, filter, 0, true)
			}
			continue
		}
		for m.b.topics.forget(m.sessions[i], 128) {
		}
	}
	if n, bytes := m.b.topics.kept(), m.b.memory.used.Load(); n != 0 || bytes != 0 {
		t.Fatalf("without subscriptions %d things are kept, and %d bytes charged; want none", n, bytes)
	}
	for _, s := range m.sessions {
		if s.forms != 0 || s.used.Load() != 0 || s.subs.count != 0 {
			t.Fatalf("%s has %d forms and %d bytes left, of %d subscriptions; want none", s.id, s.forms, s.used.Load(), s.subs.count)
		}
	}
}

// 4.7, 4.8.2, 3.3.4-2 to -4: whoever subscribes in whatever order, and leaves again, a
// message finds those whose filters match, and no trace is left of the others.
func TestMatchingIsAsTheStandardSays(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, sessions := range []int{3, 30} {
		m := newModel(t, sessions)
		for step := range some(2000, 20_000) {
			filter := randomFilter(random)
			if random.IntN(4) == 0 {
				filter = "$share/" + words[random.IntN(2)] + "/" + filter
			}
			switch n := random.IntN(10); {
			case n < 4:
				grows := step/500%2 == 0
				m.change(t, random.IntN(sessions), filter, uint32(random.IntN(3)), grows == (random.IntN(4) == 0))
			case n == 4:
				i := random.IntN(sessions)
				m.sessions[i].note(random.IntN(2) == 0)
			default:
				m.check(t, randomTopic(random))
			}
		}
		m.empty(t)
	}
}

// The tables are right when they are large, too: filters of all lengths, tens of thousands
// of them, of one session and of many.
func TestManyFilters(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	m := newModel(t, 20)
	filter := func() string {
		text := make([]byte, 1+random.IntN(3)*random.IntN(180))
		for i := range text {
			text[i] = "abcdefghijklmnop"[random.IntN(16)]
		}
		return string(text)
	}
	var all []string
	for range some(3000, 60_000) {
		all = append(all, filter())
		m.change(t, random.IntN(len(m.sessions))*random.IntN(2), all[len(all)-1], 1, false)
	}
	for range 300 {
		m.check(t, all[random.IntN(len(all))])
	}
	for _, f := range all {
		if random.IntN(10) > 0 {
			for i := range m.sessions {
				m.change(t, i, f, 0, true)
			}
		}
	}
	for range 300 {
		m.check(t, all[random.IntN(len(all))])
	}
	m.empty(t)
}

// FuzzMatching has the input say who subscribes to what, leaves, and publishes.
func FuzzMatching(f *testing.F) {
	f.Add([]byte("\x00a/+\n\x01a/b\n\x07a/b\n\x02$share/g/a/#\n\x07a\n\x04a/+\n\x07a/b"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m := newModel(t, 3)
		for len(in) > 0 {
			op := in[0]
			line := in[1:]
			in = nil
			if i := slices.Index(line, '\n'); i >= 0 {
				line, in = line[:i], line[i+1:]
			}
			text := string(line)
			switch {
			case op%8 < 6:
				if wire.ValidTopicFilter(text) && levels(text) <= maxLevels {
					m.change(t, int(op%3), text, uint32(op/8), op%8 >= 3)
				}
			case op%8 == 6:
				m.sessions[op/8%3].note(op >= 128)
			case wire.ValidTopicName(text):
				m.check(t, text)
			}
		}
		m.empty(t)
	})
}
