package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSubscribeFilters(t *testing.T) {
	for _, tt := range []struct {
		filter string
		code   int
	}{
		{"a", 0}, {"#", 0}, {"+", 0}, {"a/#", 0}, {"+/b/#", 0}, {"/", 0}, {"/+", 0}, {"+/+", 0}, {"$SYS/#", 0},
		{"$share/g/a/+", 0}, {"$share/g/#", 0}, {"$share/ g /x", 0}, {"$shared/a", 0},
		{"", 0x8f},         // 4.7.3-1
		{"a#", 0x8f},       // 4.7.1-1
		{"#/a", 0x8f},      // 4.7.1-1
		{"a/#/b", 0x8f},    // 4.7.1-1
		{"a/b#", 0x8f},     // 4.7.1-1
		{"##", 0x8f},       //
		{"a+", 0x8f},       // 4.7.1-2
		{"a/+b", 0x8f},     // 4.7.1-2
		{"++", 0x8f},       //
		{"+#", 0x8f},       //
		{"$share", 0x8f},   // 4.8.2-1
		{"$share/", 0x8f},  // 4.8.2-1
		{"$share/g", 0x8f}, // 4.8.2-2
		{"$share/g/", 0x8f},
		{"$share//a", 0x8f},
		{"$share/+/a", 0x8f}, // 4.8.2-2
		{"$share/g#/a", 0x8f},
		{"$share/g/a#", 0x8f},
	} {
		t.Run(tt.filter, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *Broker) {
				c, _ := connect(t, b, connectV5("c"))
				c.exchange(sub5(7, tt.filter, 0), pkt(0x90, u16(7), 0, tt.code))
				old, _ := connect(t, b, connectV311("old"))
				old.exchange(pkt(0x82, u16(7), tt.filter, 0), pkt(0x90, u16(7), min(tt.code, 0x80)))
			})
		})
	}
}

// 4.7: what matches what.
func TestMatching(t *testing.T) {
	filters := []string{"a", "a/#", "a/+", "+", "#", "+/#", "a/b", "+/b", "/+", "/", "+/+", "a/+/c", "a//c", "A"}
	for _, tt := range []struct {
		topic string
		want  []string
	}{
		{"a", []string{"a", "a/#", "+", "#", "+/#"}},
		{"a/b", []string{"a/#", "a/+", "#", "+/#", "a/b", "+/b", "+/+"}},
		{"a/", []string{"a/#", "a/+", "#", "+/#", "+/+"}},
		{"/", []string{"/", "/+", "+/+", "#", "+/#"}},
		{"/b", []string{"/+", "+/+", "+/b", "#", "+/#"}},
		{"a/b/c", []string{"a/#", "#", "+/#", "a/+/c"}},
		{"a//c", []string{"a/#", "#", "+/#", "a/+/c", "a//c"}},
		{"A", []string{"A", "+", "#", "+/#"}},
		{"b", []string{"+", "#", "+/#"}},
	} {
		t.Run(tt.topic, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *Broker) {
				clients := make([]*client, len(filters))
				for i, f := range filters {
					clients[i], _ = connect(t, b, connectV5(fmt.Sprint("c", i)))
					clients[i].subscribe(f, 0)
				}
				clients[0].send(pub5(1, tt.topic, 0, props(), "x"))
				for i, f := range filters {
					// What is retained matches in the same way.
					late, _ := connect(t, b, connectV5("late"))
					late.subscribe(f, 0)
					if slices.Contains(tt.want, f) {
						clients[i].want(pub5(0, tt.topic, 0, props(), "x"))
						late.want(pub5(1, tt.topic, 0, props(), "x"))
					}
					clients[i].exchange(pingreq, pingresp)
					late.exchange(pingreq, pingresp)
				}
			})
		})
	}
}

// 3.8.4-5 to -7: one SUBACK with a code for each filter, in order.
func TestSubackOrder(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumQoS: new(byte(1))}}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		c.exchange(pkt(0x82, u16(0xfffe), props(0x26, "a", "b"), "a", 2, "b#", 0, "c", 0, "d", 1),
			pkt(0x90, u16(0xfffe), 0, 1, 0x8f, 0, 1))
		c.exchange(pkt(0xa2, u16(3), props(), "a", "x", "c", "b#", "a"), pkt(0xb0, u16(3), 0, 0, 0x11, 0, 0x8f, 0x11)) // 3.11.3-1
		old, _ := connect(t, b, connectV311("old"))
		old.exchange(pkt(0x82, u16(1), "a", 2, "b#", 0), pkt(0x90, u16(1), 1, 0x80))
		old.exchange(pkt(0xa2, u16(1), "a", "nothing"), pkt(0xb0, u16(1)))
	})
}

// 3.8.4-3, -4: the same filter again replaces the subscription.
func TestSubscribeAgain(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		p, _ := connect(t, b, connectV5("p"))
		c.exchange(pkt(0x82, u16(1), props(0x0b, 5), "a", 2), pkt(0x90, u16(1), 0, 2))
		c.exchange(pkt(0x82, u16(1), props(0x0b, varint(300)), "a", 0), pkt(0x90, u16(1), 0, 0))
		p.send(pub5(2, "a", 1, props(), "x"))
		c.want(pub5(0, "a", 0, props(0x0b, varint(300)), "x"))
		c.exchange(pkt(0x82, u16(1), props(), "a", 0), pkt(0x90, u16(1), 0, 0))
		p.send(pub5(2, "a", 1, props(), "x"))
		c.want(pub5(0, "a", 0, props(), "x"))
		c.exchange(pingreq, pingresp)
		if n := b.Stats().Subscriptions; n != 1 {
			t.Errorf("Subscriptions = %d; want 1", n)
		}
	})
}

// 3.3.4-2 to -5: overlapping subscriptions of a client get one copy, at their
// highest QoS, with all their Subscription Identifiers.
func TestOverlapping(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		other, _ := connect(t, b, connectV5("other"))
		c.exchange(pkt(0x82, u16(1), props(0x0b, 1), "a/#", 0), pkt(0x90, u16(1), 0, 0))
		c.exchange(pkt(0x82, u16(1), props(0x0b, 2), "a/+", 2, "+/b", 1), pkt(0x90, u16(1), 0, 2, 1))
		c.exchange(pkt(0x82, u16(1), props(0x0b, varint(268435455)), "#", 8), pkt(0x90, u16(1), 0, 0)) // Retain As Published
		c.exchange(pkt(0x82, u16(1), props(), "a/b", 0), pkt(0x90, u16(1), 0, 0))
		other.subscribe("a/b", 0)
		other.subscribe("+/b", 1)
		p, _ := connect(t, b, connectV5("p"))
		p.exchange(pub5(4, "a/b", 1, props(), "x"), ack(0x50, 1))
		m := c.publication()
		slices.Sort(m.subscriptionIDs)
		if want := []int{1, 2, 2, 268435455}; m.qos != 2 || !slices.Equal(m.subscriptionIDs, want) {
			t.Errorf("delivered at QoS %d with identifiers %v; want 2 with %v", m.qos, m.subscriptionIDs, want)
		}
		if m := other.publication(); m.qos != 1 || m.subscriptionIDs != nil {
			t.Errorf("delivered at QoS %d with identifiers %v; want 1 with none", m.qos, m.subscriptionIDs)
		}
		c.exchange(pingreq, pingresp)
		other.exchange(pingreq, pingresp)
		p.send(pub5(1, "z", 0, props(), "y"))
		if m := c.publication(); !m.retain || !slices.Equal(m.subscriptionIDs, []int{268435455}) {
			t.Errorf("delivered with RETAIN %v and identifiers %v; want true and [268435455]", m.retain, m.subscriptionIDs)
		}
	})
}

// 3.8.3-3: No Local.
func TestNoLocal(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", expiry100))
		c.exchange(sub5(1, "a", 4|1), pkt(0x90, u16(1), 0, 1))
		other, _ := connect(t, b, connectV5("other"))
		c.exchange(pub5(3, "a", 1, props(), "own"), ackCodeOf(0x40, 1, 0x10))
		other.exchange(pub5(2, "a", 1, props(), "other's"), ack(0x40, 1))
		c.want(pub5(2, "a", 1, props(), "other's"))
		// Subscribing again brings the retained message, but not its own.
		c.exchange(sub5(1, "a", 4|1), pkt(0x90, u16(1), 0, 1))
		c.exchange(pingreq, pingresp)
		c.exchange(sub5(1, "a", 1), pkt(0x90, u16(1), 0, 1), pub5(3, "a", 2, props(), "own"))
	})
}

// 3.10.4-1 to -3: after UNSUBSCRIBE nothing new comes, but what was sent is
// completed.
func TestUnsubscribe(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", receiveMax(1)))
		p, _ := connect(t, b, connectV5("p"))
		c.subscribe("a/+", 2)
		p.exchange(pub5(4, "a/b", 1, props(), "1"), ack(0x50, 1))
		p.exchange(pub5(4, "a/b", 2, props(), "2"), ack(0x50, 2))
		c.want(pub5(4, "a/b", 1, props(), "1"))
		c.exchange(pkt(0xa2, u16(5), 0, "a/#"), pkt(0xb0, u16(5), 0, 0x11)) // compared character by character
		c.exchange(pkt(0xa2, u16(5), 0, "a/+"), pkt(0xb0, u16(5), 0, 0))
		p.exchange(pub5(2, "a/b", 3, props(), "3"), ackCodeOf(0x40, 3, 0x10))
		c.exchange(ack(0x50, 1), ack(0x62, 1))
		c.exchange(ack(0x70, 1), pub5(4, "a/b", 2, props(), "2"))
		c.wantSilence(time.Second)
	})
}

// 3.3.1-5 to -8: what is kept, replaced and removed.
func TestRetained(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		p, _ := connect(t, b, connectV5("p"))
		ps := append(varint(len(everyProperty)), everyProperty...)
		live, _ := connect(t, b, connectV5("live"))
		live.subscribe("r/+", 2)
		p.exchange(pub5(3, "r/a", 1, props(), "old"), ack(0x40, 1))
		p.exchange(pub5(5, "r/a", 2, ps, "new"), ack(0x50, 2))
		p.exchange(pub5(3, "r/b", 3, props(), "b"), ack(0x40, 3))
		p.send(pub5(0, "r/b", 0, props(), "not kept"), pub5(1, "r/zero", 0, props(), "0"))
		for _, want := range []string{"old", "new", "b", "not kept", "0"} {
			if m := live.publication(); m.payload != want || m.retain { // 3.3.1-12
				t.Errorf("live message = %q, RETAIN %v; want %q, false", m.payload, m.retain, want)
			}
		}
		for granted := range 3 {
			s, _ := connect(t, b, connectV5("s"))
			s.exchange(pkt(0x82, u16(9), props(0x0b, 7), "r/+", granted), pkt(0x90, u16(9), 0, granted))
			for _, want := range []struct {
				payload string
				qos     int
				props   raw
			}{{"new", 2, everyProperty}, {"b", 1, nil}, {"0", 0, nil}} {
				m := s.publication()
				if m.payload != want.payload || m.qos != min(want.qos, granted) || !m.retain ||
					string(m.props) != string(want.props) || !slices.Equal(m.subscriptionIDs, []int{7}) {
					t.Errorf("retained message = %+v; want %+v", m, want)
				}
			}
		}
		// An empty payload removes it, and is delivered like any message.
		p.exchange(pub5(3, "r/a", 1, props(), ""), ack(0x40, 1))
		if m := live.publication(); m.payload != "" || m.topic != "r/a" || m.retain {
			t.Errorf("live message = %+v; want an empty one", m)
		}
		p.exchange(pub5(3, "r/never", 1, props(), ""), ack(0x40, 1))
		s, _ := connect(t, b, connectV5("s"))
		s.subscribe("r/#", 0)
		s.want(pub5(1, "r/b", 0, props(), "b"), pub5(1, "r/zero", 0, props(), "0"))
		s.exchange(pingreq, pingresp)
		if st := b.Stats(); st.Retained != 2 {
			t.Errorf("Retained = %d; want 2", st.Retained)
		}
		p.send(pub5(1, "r/b", 0, props(), ""), pub5(1, "r/zero", 0, props(), ""))
		p.exchange(pingreq, pingresp)
		if st := b.Stats(); st.Retained != 0 || st.RetainedBytes != 0 {
			t.Errorf("Retained = %d, %d bytes; want 0, 0", st.Retained, st.RetainedBytes)
		}
	})
}

// 3.3.1-9 to -11, 3.8.3.1: Retain Handling; 3.3.1-12, -13: Retain As Published.
func TestRetainOptions(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		p, _ := connect(t, b, connectV5("p"))
		p.send(pub5(1, "a", 0, props(), "kept"))
		p.exchange(pingreq, pingresp)
		for _, tt := range []struct {
			options       int
			first, second bool
		}{{0, true, true}, {0x10, true, false}, {0x20, false, false}} {
			s, _ := connect(t, b, connectV5("s"))
			for i, want := range []bool{tt.first, tt.second} {
				s.exchange(sub5(1, "a", tt.options), pkt(0x90, u16(1), 0, 0))
				if want {
					s.want(pub5(1, "a", 0, props(), "kept"))
				}
				if _, err := s.within(time.Second); err == nil {
					t.Errorf("options 0x%x, time %d: a message too many", tt.options, i+1)
				}
			}
			s.bye()
		}
		// After UNSUBSCRIBE, the subscription is new again.
		s, _ := connect(t, b, connectV5("s"))
		s.exchange(sub5(1, "a", 0x10), pkt(0x90, u16(1), 0, 0), pub5(1, "a", 0, props(), "kept"))
		s.exchange(pkt(0xa2, u16(5), 0, "a"), pkt(0xb0, u16(5), 0, 0))
		s.exchange(sub5(1, "a", 0x10), pkt(0x90, u16(1), 0, 0), pub5(1, "a", 0, props(), "kept"))
		// Retain As Published.
		s.exchange(sub5(1, "a", 0x28), pkt(0x90, u16(1), 0, 0))
		p.send(pub5(1, "a", 0, props(), "x"), pub5(0, "a", 0, props(), "y"))
		s.want(pub5(1, "a", 0, props(), "x"), pub5(0, "a", 0, props(), "y"))
		// 3.1.1 always gets it.
		old, _ := connect(t, b, connectV311("old"))
		for range 2 {
			old.exchange(pkt(0x82, u16(7), "a", 0), pkt(0x90, u16(7), 0), pkt(0x31, "a", raw("x")))
		}
		p.send(pub5(1, "a", 0, props(), "z"))
		old.want(pkt(0x30, "a", raw("z")))
	})
}

// Two filters of one SUBSCRIBE each bring what they match.
func TestRetainedOfSeveralFilters(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		c.send(pub5(1, "a", 0, props(), "x"))
		c.exchange(pkt(0x82, u16(1), 0, "a", 0, "#", 0, "b", 0), pkt(0x90, u16(1), 0, 0, 0, 0),
			pub5(1, "a", 0, props(), "x"), pub5(1, "a", 0, props(), "x"))
		c.exchange(pingreq, pingresp)
	})
}

// 4.8.2: a Shared Subscription.
func TestShared(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		p, _ := connect(t, b, connectV5("p"))
		p.send(pub5(1, "a", 0, props(), "kept"))
		p.exchange(pingreq, pingresp)
		var members [3]*client
		for i := range members {
			members[i], _ = connect(t, b, connectV5(fmt.Sprint("m", i), expiry100))
			members[i].exchange(pkt(0x82, u16(1), props(0x0b, i+1), "$share/g/a", 1), pkt(0x90, u16(1), 0, 1))
			members[i].exchange(pingreq, pingresp) // nothing retained
		}
		count := func(clients []*client, n int) (counts []int) {
			t.Helper()
			for i := range n {
				p.exchange(pub5(2, "a", 1, props(), fmt.Sprint(i)), ack(0x40, 1))
			}
			for _, c := range clients {
				k := 0
				for {
					pk, err := c.within(time.Second)
					if err != nil {
						break
					}
					m, err := parsePublish(pk)
					if err != nil {
						t.Fatal(err)
					}
					c.send(ack(0x40, m.id))
					k++
				}
				counts = append(counts, k)
			}
			return counts
		}
		if got := count(members[:], 9); !slices.Equal(got, []int{3, 3, 3}) {
			t.Errorf("9 messages were shared out as %v; want [3 3 3]", got)
		}
		// Another group of the same filter, and the filter itself, get their own.
		other, _ := connect(t, b, connectV5("other"))
		other.subscribe("$share/h/a", 0)
		plain, _ := connect(t, b, connectV5("plain"))
		plain.subscribe("$share/h2/+", 0)
		plain.subscribe("a", 0)
		plain.want(pub5(1, "a", 0, props(), "kept"))
		if got := count([]*client{other, plain}, 4); !slices.Equal(got, []int{4, 8}) {
			t.Errorf("4 messages came to other groups as %v; want [4 8]", got)
		}
		count(members[:], 0) // takes what the two before left
		// Members that are away get nothing while one is there.
		members[0].crash()
		members[1].crash()
		if got := count(members[2:], 6); !slices.Equal(got, []int{6}) {
			t.Errorf("6 messages came to the only live member as %v; want [6]", got)
		}
		// When all are away, messages wait for one of them.
		members[2].crash()
		for i := range 3 {
			p.exchange(pub5(2, "a", 1, props(), fmt.Sprint(i)), ack(0x40, 1))
		}
		total := 0
		for i := range members {
			members[i], _ = connect(t, b, resumeV5(fmt.Sprint("m", i), expiry100))
			total += count(members[i:i+1], 0)[0]
		}
		if total != 3 {
			t.Errorf("%d messages waited for members who were away; want 3", total)
		}
		members[1].exchange(pkt(0xa2, u16(1), 0, "$share/g/a"), pkt(0xb0, u16(1), 0, 0))
		if got := count(members[:], 4); !slices.Equal(got, []int{2, 0, 2}) {
			t.Errorf("4 messages were shared out as %v; want [2 0 2]", got)
		}
	})
}

// 4.8.2-5, -6: what a member refuses, or leaves behind with its session, goes to
// nobody else; QoS 2 is completed with the member it was begun with.
func TestSharedRefused(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		a, _ := connect(t, b, connectV5("a", expiry100))
		a.subscribe("$share/g/x", 2)
		p, _ := connect(t, b, connectV5("p"))
		p.exchange(pub5(4, "x", 1, props(), "1"), ack(0x50, 1))
		a.want(pub5(4, "x", 1, props(), "1"))
		c, _ := connect(t, b, connectV5("c"))
		c.subscribe("$share/g/x", 2)
		a.crash()
		c.wantSilence(time.Second)
		a, _ = connect(t, b, resumeV5("a", expiry100))
		a.want(pub5(0xc, "x", 1, props(), "1"))
		a.send(ackCodeOf(0x50, 1, 0x80))
		c.wantSilence(time.Second)
		a.exchange(pingreq, pingresp)
	})
}

// Many subscriptions of one session, added and taken away in any order.
func TestManySubscriptions(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumSubscriptions: 100}}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		for i := range 100 {
			c.subscribe(fmt.Sprint("t/", i), 0)
		}
		c.exchange(sub5(1, "t/100", 0), pkt(0x90, u16(1), 0, 0x97))
		c.exchange(sub5(1, "t/50", 0), pkt(0x90, u16(1), 0, 0))
		for i := range 100 {
			j := i * 37 % 100
			c.exchange(pkt(0xa2, u16(1), 0, fmt.Sprint("t/", j)), pkt(0xb0, u16(1), 0, 0))
			c.exchange(pkt(0xa2, u16(1), 0, fmt.Sprint("t/", j)), pkt(0xb0, u16(1), 0, 0x11))
		}
		c.send(pub5(0, "t/1", 0, props(), ""))
		c.exchange(pingreq, pingresp)
		if n := b.Stats().Subscriptions; n != 0 || !b.topics.root.empty() {
			t.Errorf("Subscriptions = %d, tree empty = %v; want 0, true", n, b.topics.root.empty())
		}
	})
}

// 3.2.2-11 to 3.2.2-20, 3.2.2.3.11 to 13: what is not available is refused.
func TestUnavailable(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for _, tt := range []struct {
		name   string
		limits Limits
		in     raw
		want   raw
	}{
		{"PUBLISH over Maximum QoS 0", Limits{MaximumQoS: new(byte(0))}, pub5(2, "a", 1, props(), ""), disc(0x9b)},
		{"PUBLISH over Maximum QoS 1", Limits{MaximumQoS: new(byte(1))}, pub5(4, "a", 1, props(), ""), disc(0x9b)},
		{"PUBLISH at Maximum QoS 1", Limits{MaximumQoS: new(byte(1))}, pub5(2, "a", 1, props(), ""), ackCodeOf(0x40, 1, 0x10)},
		{"3.2.2-9 SUBSCRIBE over Maximum QoS", Limits{MaximumQoS: new(byte(0))}, sub5(1, "a", 2), pkt(0x90, u16(1), 0, 0)},
		{"3.2.2-14 PUBLISH retained", Limits{NoRetain: true}, pub5(1, "a", 0, props(), ""), disc(0x9a)},
		{"wildcards", Limits{NoWildcards: true}, sub5(1, "a/#", 0), pkt(0x90, u16(1), 0, 0xa2)},
		{"wildcard in shared", Limits{NoWildcards: true}, sub5(1, "$share/g/+", 0), pkt(0x90, u16(1), 0, 0xa2)},
		{"no wildcard", Limits{NoWildcards: true}, sub5(1, "a", 0), pkt(0x90, u16(1), 0, 0)},
		{"identifiers", Limits{NoSubscriptionIDs: true}, pkt(0x82, u16(1), props(0x0b, 1), "a", 0), pkt(0x90, u16(1), 0, 0xa1)},
		{"shared", Limits{NoShared: true}, sub5(1, "$share/g/a", 0), pkt(0x90, u16(1), 0, 0x9e)},
		{"3.2.2-15 Maximum Packet Size", Limits{MaximumPacketSize: 1000}, pub5(0, "a", 0, props(), long), disc(0x95)},
		{"Topic Alias", Limits{TopicAliasMaximum: -1}, pub5(0, "a", 0, props(0x23, u16(1)), ""), disc(0x94)},
		{"any Response Topic", Limits{AnyResponseTopic: true}, pub5(2, "a", 1, props(8, "r/+"), ""), ackCodeOf(0x40, 1, 0x10)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{Limits: tt.limits}, func(t *testing.T, b *Broker) {
				c, _ := connect(t, b, connectV5("c"))
				c.exchange(tt.in, tt.want)
				if tt.want[0] == 0xe0 {
					c.wantClosed()
				} else {
					c.exchange(pingreq, pingresp)
				}
			})
		})
	}
	for _, tt := range []struct {
		name   string
		limits Limits
		in     raw
		want   raw
	}{
		{"3.2.2-12 Will QoS", Limits{MaximumQoS: new(byte(1))}, pkt(0x10, "MQTT", 5, 0x16, u16(0), 0, "c", 0, "w", "x"), unhex("2003009b00")},
		{"3.2.2-13 Will Retain", Limits{NoRetain: true}, pkt(0x10, "MQTT", 5, 0x26, u16(0), 0, "c", 0, "w", "x"), unhex("2003009a00")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{Limits: tt.limits}, func(t *testing.T, b *Broker) {
				c := dial(t, b)
				c.exchange(tt.in, tt.want)
				c.wantClosed()
			})
		})
	}
}
