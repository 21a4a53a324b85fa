package broker

import (
	"slices"
	"testing"
	"time"
)

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
