package broker

import (
	"fmt"
	"slices"

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
				p, _ := connect(t, b, connectV5("p"))
				p.exchange(enc(pub5(1, tt.topic, 0, props(), "x"), pingreq), pingresp)
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
		if n := b.Stats().Subscriptions; n != 0 || b.topics.kept() > 0 {
			t.Errorf("Subscriptions = %d, and %d things are kept of them; want none", n, b.topics.kept())
		}
	})
}
