package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

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
					if m.qos == 1 {
						c.send(ack(0x40, m.id))
					}
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

// 4.8.2-6: what a member refuses goes to nobody else; 4.8.2-4: QoS 2 is completed
// with the member it was begun with.
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

// 4.8.2: what a member leaves unacknowledged when its session ends goes to another
// one, but for QoS 2 that was begun (4.8.2-5).
func TestSharedPassedOn(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   raw
		end  func(t *testing.T, b *Broker, a *client)
		want []string // payloads
	}{
		{"connection lost", connectV5("a", receiveMax(2)), func(_ *testing.T, _ *Broker, a *client) { a.crash() }, []string{"1", "3", "4", "5"}},
		{"DISCONNECT", connectV5("a", receiveMax(2)), func(_ *testing.T, _ *Broker, a *client) { a.send(disconnect) }, []string{"1", "3", "4", "5"}},
		{"expired", connectV5("a", receiveMax(2), expiry100), func(_ *testing.T, _ *Broker, a *client) {
			a.crash()
			time.Sleep(100 * time.Second)
		}, []string{"1", "3", "4"}},
		{"Clean Start", connectV5("a", receiveMax(2), expiry100), func(t *testing.T, b *Broker, a *client) {
			a.crash()
			connect(t, b, connectV5("a"))
		}, []string{"1", "3", "4", "5"}},
		{"take-over with Clean Start", connectV5("a", receiveMax(2), expiry100), func(t *testing.T, b *Broker, a *client) { connect(t, b, connectV5("a")) },
			[]string{"1", "3", "4", "5"}},
		{"resumed", connectV5("a", receiveMax(2), expiry100), func(t *testing.T, b *Broker, a *client) {
			a.crash()
			connect(t, b, resumeV5("a"))
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *Broker) {
				a, _ := connect(t, b, tt.in)
				a.subscribe("$share/g/x", 2)
				p, _ := connect(t, b, connectV5("p"))
				for i, m := range []raw{
					pub5(2, "x", 1, props(), "1"), pub5(4, "x", 2, props(), "2"), // sent
					pub5(2, "x", 3, props(), "3"), pub5(4, "x", 4, props(), "4"), pub5(2, "x", 5, props(2, u32(50)), "5"), // waiting
				} {
					p.exchange(m, ack(0x40+int(m[0]&4)<<2, i+1))
				}
				c, _ := connect(t, b, connectV5("c"))
				c.subscribe("$share/g/x", 1)
				tt.end(t, b, a)
				for _, want := range tt.want {
					m := c.publication()
					if m.payload != want || m.qos != 1 || m.dup {
						t.Fatalf("the other member got %+v; want %q at QoS 1, without DUP", m, want)
					}
					c.send(ack(0x40, m.id))
				}
				c.exchange(pingreq, pingresp)
			})
		})
	}
}

// A session that has ended between the choice of a member and the delivery does
// not swallow the message, and a group without members does not hold it up.
func TestSharedEndedMeanwhile(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		var members [2]*client
		var sessions [2]*session
		for i, id := range []string{"a", "b"} {
			members[i], _ = connect(t, b, connectV5(id))
			members[i].subscribe("$share/g/x", 1)
			sessions[i] = b.sessions.get(id)
		}
		v := b.topics.pick(b.topics.sub(b.topics.only(sessions[0])).chain).via
		m := &message{topic: []byte("x"), payload: []byte("1"), qos: 1}
		members[0].crash()
		b.share(&routing{b: b, m: m}, &target{s: sessions[0], qos: 1, via: v})
		members[1].want(pub5(2, "x", 1, props(), "1"))
		members[1].crash()
		b.share(&routing{b: b, m: m}, &target{s: sessions[1], qos: 1, via: v})
	})
}

// 4.8.2-1, -2: a share name has a character at least, and no wildcard; what is none is refused
// by itself, and a long one is a name like any other.
func TestOddShareNames(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		for _, filter := range []string{"$share", "$share/", "$share//", "$share//a", "$share/a", "$share/a/", "$share/+/a", "$share/#/a", "$share/a+/a", "$share/#", "$share/a/#/b"} {
			c.exchange(sub5(1, filter, 0), pkt(0x90, u16(1), 0, 0x8f))
		}
		long := "$share/" + strings.Repeat("n", 65_535-len("$share//a")) + "/a"
		for _, filter := range []string{long, "$share/ /a", "$share/$share/$share/a", "$share/g//"} {
			c.exchange(sub5(1, filter, 0), pkt(0x90, u16(1), 0, 0))
		}
		p, _ := connect(t, b, connectV5("p"))
		p.send(pub5(0, "a", 0, props(), "x"))
		for range 2 { // of the long one, and of the space
			c.want(pub5(0, "a", 0, props(), "x"))
		}
		if got := b.Stats(); got.Memory < 65_000 || got.Subscriptions != 4 {
			t.Errorf("%d subscriptions of %d bytes; want 4, and the long name charged", got.Subscriptions, got.Memory)
		}
		for _, filter := range []string{long, "$share/ /a", "$share/$share/$share/a", "$share/g//"} {
			c.exchange(pkt(0xa2, u16(1), 0, filter), pkt(0xb0, u16(1), 0, 0))
		}
		c.exchange(pingreq, pingresp)
	})
}
