package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// every property of an application message, with values that get lost easily.
var everyProperty = enc(
	1, 1,
	3, "text/plain",
	8, "reply/to/me",
	9, []byte{0, 0xff, 0},
	0x26, "k", "v2", 0x26, "k", "v1", 0x26, "", "", 0x26, "a", "ä",
)

// 3.3.1-1 to 3.3.2-20: a message reaches a subscriber as it was sent, at the
// lower of both QoS, with the RETAIN flag cleared and no Topic Alias.
func TestDelivery(t *testing.T) {
	for published := range 3 {
		for granted := range 3 {
			t.Run(fmt.Sprintf("published %d granted %d", published, granted), func(t *testing.T) {
				bubble(t, Config{}, func(t *testing.T, b *Broker) {
					s, _ := connect(t, b, connectV5("s"))
					s.subscribe("a/+", granted)
					p, _ := connect(t, b, connectV5("p"))
					ps := append(varint(len(everyProperty)), everyProperty...)
					p.send(pub5(published<<1|1, "a/b", 77, ps, "payload"))
					want := min(published, granted)
					s.want(pub5(want<<1, "a/b", 1, ps, "payload"))
					switch published {
					case 1:
						p.want(ack(0x40, 77))
					case 2:
						p.want(ack(0x50, 77))
						p.exchange(ack(0x62, 77), ack(0x70, 77))
					}
					p.exchange(pingreq, pingresp)
					switch want {
					case 1:
						s.send(ack(0x40, 1))
					case 2:
						s.exchange(ack(0x50, 1), ack(0x62, 1))
						s.send(ack(0x70, 1))
					}
					s.exchange(pingreq, pingresp)
				})
			})
		}
	}
}

// 3.3.2-15, -16 and friends: what is empty or large stays what it is, and what
// is absent stays absent.
func TestPropertiesUnaltered(t *testing.T) {
	big := strings.Repeat("\x00\xff", 32767) + "z"
	for _, tt := range []struct {
		name string
		in   raw
	}{
		{"none", nil},
		{"Correlation Data empty", enc(9, "")},
		{"Correlation Data of 65,535 bytes", enc(9, big)},
		{"Content Type empty", enc(3, "")},
		{"Payload Format 0", enc(1, 0)},
		{"Response Topic with $", enc(8, "$x/y")},
		{"User Properties alone", enc(0x26, "a", "", 0x26, "a", "", 0x26, "A", "x")},
		{"65,535 bytes of User Property", enc(0x26, strings.Repeat("k", 65535), strings.Repeat("v", 65535))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *Broker) {
				s, _ := connect(t, b, connectV5("s"))
				s.subscribe("a", 1)
				p, _ := connect(t, b, connectV5("p"))
				for _, qos := range []int{0, 1} {
					m := append(varint(len(tt.in)), tt.in...)
					p.send(pub5(qos<<1, "a", 1, m, ""))
					s.want(pub5(qos<<1, "a", 1, m, ""))
				}
			})
		})
	}
}

// User Properties keep their order also when other properties stand between them.
func TestUserPropertiesApart(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		s, _ := connect(t, b, connectV5("s"))
		s.subscribe("a", 0)
		p, _ := connect(t, b, connectV5("p"))
		p.send(pub5(0, "a", 0, props(0x26, "k", "1", 3, "ct", 0x26, "k", "2", 9, "cd", 0x26, "a", "3"), "x"))
		s.want(pub5(0, "a", 0, props(3, "ct", 9, "cd", 0x26, "k", "1", 0x26, "k", "2", 0x26, "a", "3"), "x"))
	})
}

// 3.4.2.1, 3.5.2.1: 0x10 tells a version 5 publisher that nobody subscribes.
func TestNoMatchingSubscribers(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		p, _ := connect(t, b, connectV5("p"))
		p.exchange(pub5(2, "a", 1, props(), ""), ackCodeOf(0x40, 1, 0x10))
		p.exchange(pub5(4, "a", 2, props(), ""), ackCodeOf(0x50, 2, 0x10))
		p.exchange(ack(0x62, 2), ack(0x70, 2))
		p.exchange(sub5(1, "a", 4), pkt(0x90, u16(1), 0, 0)) // No Local
		p.exchange(pub5(2, "a", 1, props(), ""), ackCodeOf(0x40, 1, 0x10))
		old, _ := connect(t, b, connectV311("old"))
		old.exchange(pkt(0x32, "b", u16(5)), ack(0x40, 5))
		old.exchange(pkt(0x34, "b", u16(6)), ack(0x50, 6))
		old.exchange(ack(0x62, 6), ack(0x70, 6))
		old.exchange(ack(0x62, 6), ack(0x70, 6))
		// A subscriber that is away counts.
		s, _ := connect(t, b, connectV5("s", expiry100))
		s.subscribe("b", 1)
		s.bye()
		p.exchange(pub5(2, "b", 1, props(), ""), ack(0x40, 1))
	})
}

// 4.3.3: between PUBLISH and PUBREL the Packet Identifier stands for one
// message, over a reconnect too; PUBREL of an unknown one gets 0x92.
func TestQoS2Duplicates(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		s, _ := connect(t, b, connectV5("s"))
		s.subscribe("a", 0)
		p, _ := connect(t, b, connectV5("p", expiry100))
		p.exchange(pub5(4, "a", 1, props(), "one"), ack(0x50, 1))
		p.exchange(pub5(0xc, "a", 1, props(), "one"), ack(0x50, 1)) // 4.3.3-10
		p.exchange(pub5(4, "a", 1, props(), "one"), ack(0x50, 1))
		p.crash()
		p, present := connect(t, b, resumeV5("p", expiry100))
		if !present {
			t.Fatal("Session Present = 0; want 1")
		}
		p.exchange(pub5(0xc, "a", 1, props(), "one"), ack(0x50, 1))
		p.exchange(ack(0x62, 1), ack(0x70, 1))
		p.exchange(ack(0x62, 1), ackCodeOf(0x70, 1, 0x92))
		p.exchange(pub5(4, "a", 1, props(), "two"), ack(0x50, 1)) // 4.3.3-12: a new one
		s.want(pub5(0, "a", 0, props(), "one"), pub5(0, "a", 0, props(), "two"))
		s.wantSilence(time.Second)
	})
}

// 2.2.1-3: the Packet Identifiers of client and broker are apart.
func TestPacketIDSpaces(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		c.subscribe("a", 2)
		c.send(pub5(4, "a", 1, props(), "x"))
		got := []string{}
		for range 2 {
			p, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(p))
		}
		if want := string(pub5(4, "a", 1, props(), "x")); !slices.Contains(got, want) {
			t.Errorf("packets = %x; want one of them %x", got, want)
		}
		c.send(ack(0x50, 1)) // the broker's 1
		c.want(ack(0x62, 1))
		c.send(ack(0x62, 1)) // the client's 1
		c.want(ack(0x70, 1))
		c.send(ack(0x70, 1))
		c.exchange(pingreq, pingresp)
	})
}

// Acknowledgements that do not fit what was sent.
func TestWrongAcks(t *testing.T) {
	for _, tt := range []struct {
		name    string
		granted int
		in      raw
		want    raw
	}{
		{"PUBACK of an unknown id", 1, ack(0x40, 99), nil},
		{"PUBREC of an unknown id", 1, ack(0x50, 99), ackCodeOf(0x62, 99, 0x92)},
		{"PUBREC with an error of an unknown id", 1, ackCodeOf(0x50, 99, 0x80), nil},
		{"PUBCOMP of an unknown id", 1, ack(0x70, 99), nil},
		{"PUBREC for QoS 1", 1, ack(0x50, 1), disc(0x82)},
		{"PUBACK for QoS 2", 2, ack(0x40, 1), disc(0x82)},
		{"PUBCOMP before PUBREC", 2, ack(0x70, 1), disc(0x82)},
		{"PUBACK 0x10", 1, ackCodeOf(0x40, 1, 0x10), nil},
		{"PUBACK 0x80", 1, ackCodeOf(0x40, 1, 0x80), nil},
		{"PUBREC 0x80", 2, ackCodeOf(0x50, 1, 0x80), nil},
		{"PUBREC 0x10", 2, ackCodeOf(0x50, 1, 0x10), ack(0x62, 1)},
		{"PUBACK with properties", 1, pkt(0x40, u16(1), 0x87, props(0x1f, "why", 0x26, "a", "b")), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *Broker) {
				c, _ := connect(t, b, connectV5("c"))
				c.subscribe("a", tt.granted)
				c.send(pub5(0, "a", 0, props(), "zero")) // no id
				c.want(pub5(0, "a", 0, props(), "zero"))
				p, _ := connect(t, b, connectV5("p"))
				p.exchange(pub5(4, "a", 1, props(), "x"), ack(0x50, 1))
				c.want(pub5(tt.granted<<1, "a", 1, props(), "x"))
				c.send(tt.in)
				if tt.want != nil {
					c.want(tt.want)
				}
				if tt.want == nil || tt.want[0] != 0xe0 {
					c.exchange(pingreq, pingresp)
				} else {
					c.wantClosed()
				}
			})
		})
	}
}

// A PUBREC that is repeated gets its PUBREL again.
func TestPubrecTwice(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		c.subscribe("a", 2)
		p, _ := connect(t, b, connectV5("p"))
		p.exchange(pub5(4, "a", 1, props(), "x"), ack(0x50, 1))
		c.want(pub5(4, "a", 1, props(), "x"))
		c.exchange(ack(0x50, 1), ack(0x62, 1))
		c.exchange(ack(0x50, 1), ack(0x62, 1))
		c.exchange(enc(ack(0x70, 1), pingreq), pingresp)
	})
}

// 3.3.2.3.4: Topic Aliases of the client hold for its connection.
func TestTopicAlias(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		s, _ := connect(t, b, connectV5("s"))
		s.subscribe("#", 0)
		alias := func(n int) raw { return props(0x23, u16(n)) }
		p, _ := connect(t, b, connectV5("p", expiry100))
		p.send(pub5(0, "a", 0, alias(1), "1"), pub5(0, "", 0, alias(1), "2"),
			pub5(0, "b", 0, alias(64), "3"), pub5(0, "", 0, alias(1), "4"),
			pub5(0, "c", 0, alias(1), "5"), pub5(0, "", 0, alias(1), "6"), pub5(0, "", 0, alias(64), "7"))
		for i, topic := range []string{"a", "a", "b", "a", "c", "c", "b"} {
			s.want(pub5(0, topic, 0, props(), fmt.Sprint(i+1)))
		}
		p.crash()
		p, _ = connect(t, b, resumeV5("p", expiry100))
		p.exchange(pub5(0, "", 0, alias(1), "8"), disc(0x82)) // 3.3.2-7
	})
}

// 4.6.0-2: PUBACK and PUBREC in the order of the PUBLISHes.
func TestAckOrder(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		p, _ := connect(t, b, connectV5("p"))
		var in raw
		var want []raw
		for i := range 100 {
			id := 1000 - i
			qos := 1 + i%2
			in = enc(in, pub5(qos<<1, "a", id, props(), ""))
			want = append(want, ackCodeOf(0x40+0x10*(qos-1), id, 0x10))
		}
		p.send(in)
		p.want(want...)
	})
}

// 4.6.0-5, -6: messages of one publisher on one topic and QoS stay in order.
func TestOrder(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		s, _ := connect(t, b, connectV5("s", receiveMax(3)))
		s.subscribe("a", 2)
		p, _ := connect(t, b, connectV5("p"))
		const n = 60
		for i := range n {
			p.send(pub5(i%3<<1, "a", 100+i, props(), fmt.Sprint(i)))
		}
		seen := [3]int{-1, -1, -1}
		for range n {
			m := s.publication()
			var i int
			fmt.Sscan(m.payload, &i)
			if i <= seen[m.qos] || i%3 != m.qos {
				t.Fatalf("message %d at QoS %d after %d; want them in order", i, m.qos, seen[m.qos])
			}
			seen[m.qos] = i
			switch m.qos {
			case 1:
				s.send(ack(0x40, m.id))
			case 2:
				s.send(ackCodeOf(0x50, m.id, 0x80)) // done with
			}
		}
		if seen != [3]int{57, 58, 59} {
			t.Errorf("last messages = %v; want [57 58 59]", seen)
		}
	})
}

// 4.7.2-1 and the broker's own topics.
func TestDollarTopics(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		for _, f := range []string{"#", "+/a", "+/#", "$other/#"} {
			c.subscribe(f, 1)
		}
		c.subscribe("$SYS/#", 1|2<<4) // without what is retained there
		p, _ := connect(t, b, connectV5("p"))
		p.exchange(pub5(3, "$SYS/a", 1, props(), "x"), ackCodeOf(0x40, 1, 0x87))
		p.exchange(pub5(4, "$SYS", 2, props(), "x"), ackCodeOf(0x50, 2, 0x87))
		p.send(pub5(0, "$SYS/a", 0, props(), "x"))
		p.exchange(pub5(2, "$SYSx/a", 3, props(), "x"), ackCodeOf(0x40, 3, 0x10))
		p.exchange(pub5(2, "$other/a", 3, props(), "x"), ack(0x40, 3))
		c.want(pub5(2, "$other/a", 1, props(), "x"))
		p.exchange(pub5(2, "a/$b", 3, props(), "x"), ack(0x40, 3))
		c.want(pub5(2, "a/$b", 2, props(), "x"))
		c.exchange(pingreq, pingresp)
		if n := b.Stats().DroppedRefused; n != 3 {
			t.Errorf("DroppedRefused = %d; want 3", n)
		}
	})
}

// Topics of 65,535 bytes, of empty levels, with spaces and beyond the BMP.
func TestOddTopics(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		for _, topic := range []string{"/", "//", " ", "a//b", "/a", "a/", "ＡΩ/😀", strings.Repeat("t", 65535), strings.Repeat("a/", 199) + "z", "\ufeffa"} {
			c.subscribe(topic, 0)
			c.send(pub5(1, topic, 0, props(), "x"))
			c.want(pub5(0, topic, 0, props(), "x"))
			c.exchange(pkt(0xa2, u16(1), 0, topic), pkt(0xb0, u16(1), 0, 0))
			c.send(sub5(9, topic, 0))
			c.want(pkt(0x90, u16(9), 0, 0), pub5(1, topic, 0, props(), "x"))
			c.exchange(pkt(0xa2, u16(1), 0, topic), pkt(0xb0, u16(1), 0, 0))
		}
		deep := strings.Repeat("a/", 200) + "z"
		c.exchange(sub5(9, deep, 0), pkt(0x90, u16(9), 0, 0x8f))
		c.exchange(pub5(2, deep, 3, props(), "x"), ackCodeOf(0x40, 3, 0x90))
	})
}

// Messages between versions: properties are lost on the old side only.
func TestVersionsTogether(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		s5, _ := connect(t, b, connectV5("s5"))
		s5.subscribe("a", 1)
		s3, _ := connect(t, b, connectV311("s3"))
		s3.exchange(pkt(0x82, u16(1), "a", 2), pkt(0x90, u16(1), 2))
		s3.send(pub5(0, "a", 0, nil, "from 3.1.1"))
		s3.want(pkt(0x30, "a", raw("from 3.1.1")))
		s5.want(pub5(0, "a", 0, props(), "from 3.1.1"))
		ps := append(varint(len(everyProperty)), everyProperty...)
		s5.send(pub5(2, "a", 1, ps, "from 5"))
		s3.want(pkt(0x32, "a", u16(1), raw("from 5")))
		synctest.Wait()
		got := []raw{}
		for range 2 {
			p, _ := s5.next()
			got = append(got, p)
		}
		if want := pub5(2, "a", 1, ps, "from 5"); string(got[0]) != string(want) && string(got[1]) != string(want) {
			t.Errorf("packets = %x; want one of them %x", got, want)
		}
	})
}
