package broker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// 3.1.2-4 to -6, 3.1.2.11.2, 3.2.2-2, -3: which CONNECT finds a session.
func TestSessionPresent(t *testing.T) {
	v3 := func(flags int) raw { return pkt(0x10, "MQTT", 4, flags, u16(0), "c") }
	for _, tt := range []struct {
		name   string
		limits Limits
		first  raw
		bye    raw // nil: the connection breaks
		wait   time.Duration
		second raw
		want   bool
	}{
		{"no expiry", Limits{}, connectV5("c"), nil, 0, resumeV5("c"), false},
		{"expiry 0", Limits{}, connectV5("c", 0x11, u32(0)), nil, 0, resumeV5("c"), false},
		{"expiry 100 at once", Limits{}, connectV5("c", expiry100), nil, 0, resumeV5("c"), true},
		{"expiry 100 after DISCONNECT", Limits{}, connectV5("c", expiry100), disconnect, 0, resumeV5("c"), true},
		{"expiry 100 after 99 s", Limits{}, connectV5("c", expiry100), nil, 99 * time.Second, resumeV5("c"), true},
		{"expiry 100 after 101 s", Limits{}, connectV5("c", expiry100), nil, 101 * time.Second, resumeV5("c"), false},
		{"expiry never after a century", Limits{}, connectV5("c", neverExpire), nil, 100 * 365 * 24 * time.Hour, resumeV5("c"), true},
		{"Clean Start 1 the second time", Limits{}, connectV5("c", expiry100), nil, 0, connectV5("c"), false},
		{"lowered by the broker", Limits{MaximumSessionExpiry: 10 * time.Second}, connectV5("c", neverExpire), nil, 11 * time.Second, resumeV5("c"), false},
		{"sessions switched off", Limits{MaximumSessionExpiry: -1}, connectV5("c", neverExpire), nil, 0, resumeV5("c"), false},
		{"switched off, and DISCONNECT lengthens", Limits{MaximumSessionExpiry: -1}, connectV5("c", expiry100), pkt(0xe0, 0, props(0x11, u32(200))), 0, resumeV5("c"), false},
		{"DISCONNECT shortens", Limits{}, connectV5("c", expiry100), pkt(0xe0, 0, props(0x11, u32(5))), 6 * time.Second, resumeV5("c"), false},
		{"DISCONNECT to 0", Limits{}, connectV5("c", expiry100), pkt(0xe0, 0, props(0x11, u32(0))), 0, resumeV5("c"), false},
		{"DISCONNECT lengthens", Limits{}, connectV5("c", 0x11, u32(1)), pkt(0xe0, 0, props(0x11, u32(50))), 49 * time.Second, resumeV5("c"), true},
		{"DISCONNECT to never", Limits{}, connectV5("c", 0x11, u32(1)), pkt(0xe0, 4, props(0x11, u32(0xffffffff))), 490 * time.Hour, resumeV5("c"), true},
		{"another Client Identifier", Limits{}, connectV5("c", expiry100), nil, 0, resumeV5("C"), false},
		{"3.1.1 Clean Session 0", Limits{}, v3(0), nil, 1000 * time.Hour, v3(0), true},
		{"3.1.1 Clean Session 1 first", Limits{}, v3(2), nil, 0, v3(0), false},
		{"3.1.1 Clean Session 1 second", Limits{}, v3(0), nil, 0, v3(2), false},
		{"3.1.1 to 5", Limits{}, v3(0), nil, 0, resumeV5("c"), true},
		{"3.1 has no flag", Limits{}, pkt(0x10, "MQIsdp", 3, 0, u16(0), "c"), nil, 0, pkt(0x10, "MQIsdp", 3, 0, u16(0), "c"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{Limits: tt.limits}, func(t *testing.T, b *Broker) {
				c, present := connect(t, b, tt.first)
				if present {
					t.Error("first Session Present = 1; want 0")
				}
				if tt.bye == nil {
					c.crash()
				} else {
					c.send(tt.bye)
					c.wantClosed()
					synctest.Wait()
				}
				time.Sleep(tt.wait)
				synctest.Wait()
				if _, present = connect(t, b, tt.second); present != tt.want {
					t.Errorf("Session Present = %v; want %v", present, tt.want)
				}
			})
		})
	}
}

// The expiry of a session that was resumed is that of the last CONNECT, and its
// timer does not end it while its client is there.
func TestExpiryStartsAgain(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", expiry100))
		c.crash()
		time.Sleep(60 * time.Second)
		c, present := connect(t, b, resumeV5("c", 0x11, u32(10)))
		if !present {
			t.Fatal("Session Present = 0; want 1")
		}
		c.wantSilence(1000 * time.Second)
		c.crash()
		time.Sleep(9 * time.Second)
		c, present = connect(t, b, resumeV5("c", 0x11, u32(10)))
		if !present {
			t.Fatal("Session Present = 0; want 1")
		}
		c.crash()
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if s := b.Stats(); s.Sessions != 0 || s.Connections != 0 || s.Clients != 0 {
			t.Errorf("Stats() = %+v; want nothing left", s)
		}
	})
}

// Messages for an absent session wait in order; QoS 0 does not.
func TestQueue(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", expiry100))
		c.exchange(pkt(0x82, u16(1), props(0x0b, 4), "q", 2), pkt(0x90, u16(1), 0, 2))
		c.crash()
		p, _ := connect(t, b, connectV5("p"))
		ps := append(varint(len(everyProperty)), everyProperty...)
		p.send(pub5(0, "q", 0, props(), "lost"))
		p.exchange(pub5(2, "q", 1, ps, "1"), ack(0x40, 1))
		p.exchange(pub5(4, "q", 2, props(), "2"), ack(0x50, 2))
		p.exchange(pub5(3, "q", 3, props(), "3"), ack(0x40, 3))
		c, _ = connect(t, b, resumeV5("c", expiry100))
		c.want(
			pub5(2, "q", 1, append(varint(len(everyProperty)+2), enc(everyProperty[:len(everyProperty)-len(userPart)], 0x0b, 4, userPart)...), "1"),
			pub5(4, "q", 2, props(0x0b, 4), "2"),
			pub5(2, "q", 3, props(0x0b, 4), "3"))
		c.exchange(pingreq, pingresp)
		if s := b.Stats(); s.DroppedAway != 1 {
			t.Errorf("DroppedAway = %d; want 1", s.DroppedAway)
		}
	})
}

// userPart is where the User Properties of everyProperty begin.
var userPart = everyProperty[2+3+len("text/plain")+3+len("reply/to/me")+3+3:]

// 4.4.0-1, 4.6.0-1, -4: what was not acknowledged is sent again on reconnecting
// only, with DUP, the same ids, in order: PUBREL as the PUBRECs came, PUBLISH as
// they were sent, then what is new.
func TestRetransmission(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", expiry100))
		c.subscribe("q", 2)
		p, _ := connect(t, b, connectV5("p"))
		for i := 1; i <= 6; i++ {
			qos := 1 + i%2 // 2 1 2 1 2 1
			p.send(pub5(qos<<1, "q", i, props(), fmt.Sprint(i)))
			c.want(pub5(qos<<1, "q", i, props(), fmt.Sprint(i)))
		}
		c.wantSilence(time.Hour) // never within a connection
		c.exchange(ack(0x50, 5), ack(0x62, 5))
		c.exchange(ack(0x50, 1), ack(0x62, 1))
		c.send(ack(0x40, 4))
		c.exchange(pingreq, pingresp)
		for range 3 {
			c.crash()
			p.send(pub5(2, "q", 7, props(), "7"))
			synctest.Wait()
			var present bool
			c, present = connect(t, b, resumeV5("c", expiry100))
			if !present {
				t.Fatal("Session Present = 0; want 1")
			}
			c.want(ack(0x62, 5), ack(0x62, 1),
				pub5(0xa, "q", 2, props(), "2"), pub5(0xc, "q", 3, props(), "3"), pub5(0xa, "q", 6, props(), "6"))
			m := c.publication()
			if m.payload != "7" || m.dup {
				t.Fatalf("then came %+v; want a new message 7", m)
			}
			c.send(ack(0x40, m.id))
			c.exchange(pingreq, pingresp)
		}
		c.exchange(enc(ack(0x40, 2), ack(0x70, 1), ack(0x40, 6), ack(0x50, 3)), ack(0x62, 3))
		c.exchange(enc(ack(0x70, 3), ack(0x70, 5), pingreq), pingresp)
		c.crash()
		c, _ = connect(t, b, resumeV5("c", expiry100))
		c.exchange(pingreq, pingresp) // nothing is left
	})
}

// The same for 3.1.1.
func TestRetransmissionV311(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		in := pkt(0x10, "MQTT", 4, 0, u16(0), "c")
		c, _ := connect(t, b, in)
		c.exchange(pkt(0x82, u16(1), "q", 2), pkt(0x90, u16(1), 2))
		c.send(pkt(0x34, "q", u16(1), raw("x")))
		got := map[string]bool{}
		for range 2 {
			p, _ := c.next()
			got[string(p)] = true
		}
		if !got[string(ack(0x50, 1))] || !got[string(pkt(0x34, "q", u16(1), raw("x")))] {
			t.Fatalf("packets = %v; want PUBREC and PUBLISH", got)
		}
		c.crash()
		c = dial(t, b)
		c.exchange(in, unhex("20020100"), pkt(0x3c, "q", u16(1), raw("x")))
		c.exchange(ack(0x50, 1), ack(0x62, 1))
		c.exchange(ack(0x62, 1), ack(0x70, 1)) // its own, from before
		c.crash()
		c = dial(t, b)
		c.exchange(in, unhex("20020100"), ack(0x62, 1))
		c.send(ack(0x70, 1))
		c.exchange(pingreq, pingresp)
	})
}

// 4.9.0-1, -2: never more under way than the client's Receive Maximum, which
// counts anew on each connection.
func TestReceiveMaximumOfClient(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", expiry100, receiveMax(2)))
		c.subscribe("q", 2)
		p, _ := connect(t, b, connectV5("p"))
		for i := 1; i <= 8; i++ {
			p.exchange(pub5(4, "q", i, props(), fmt.Sprint(i)), ack(0x50, i))
		}
		at0 := func(c *client) { // QoS 0 is not held up (4.9.0-3)
			p.send(pub5(0, "q", 0, props(), "0"))
			c.want(pub5(0, "q", 0, props(), "0"))
		}
		c.want(pub5(4, "q", 1, props(), "1"), pub5(4, "q", 2, props(), "2"))
		at0(c)
		c.exchange(ack(0x50, 2), ack(0x62, 2)) // PUBREC frees nothing
		at0(c)
		c.exchange(ack(0x70, 2), pub5(4, "q", 3, props(), "3")) // PUBCOMP does
		c.exchange(ackCodeOf(0x50, 1, 0x80), pub5(4, "q", 4, props(), "4"))
		c.exchange(ack(0x50, 3), ack(0x62, 3))
		// On the next connection only one may be under way.
		c.crash()
		c, _ = connect(t, b, resumeV5("c", expiry100, receiveMax(1)))
		c.want(ack(0x62, 3), pub5(0xc, "q", 4, props(), "4"))
		at0(c)
		c.send(ack(0x70, 3)) // counted before this connection: frees nothing
		at0(c)
		c.exchange(ack(0x50, 4), ack(0x62, 4))
		c.exchange(ack(0x70, 4), pub5(4, "q", 5, props(), "5"))
		at0(c)
		// And then three.
		c.crash()
		c, _ = connect(t, b, resumeV5("c", expiry100, receiveMax(3)))
		c.want(pub5(0xc, "q", 5, props(), "5"), pub5(4, "q", 6, props(), "6"), pub5(4, "q", 7, props(), "7"))
		at0(c)
		// Less than what is open already.
		c.crash()
		c, _ = connect(t, b, resumeV5("c", expiry100, receiveMax(2)))
		c.want(pub5(0xc, "q", 5, props(), "5"), pub5(0xc, "q", 6, props(), "6"))
		at0(c)
		c.crash()
		c, _ = connect(t, b, resumeV5("c", expiry100, receiveMax(2)))
		c.want(pub5(0xc, "q", 5, props(), "5"), pub5(0xc, "q", 6, props(), "6"))
		// An answer to what was sent on an earlier connection only.
		c.send(ack(0x40, 77), ackCodeOf(0x50, 7, 0x87))
		at0(c)
		c.exchange(ackCodeOf(0x50, 6, 0x87), pub5(4, "q", 8, props(), "8"))
		c.send(ackCodeOf(0x50, 8, 0x87), ackCodeOf(0x50, 5, 0x87))
		c.exchange(pingreq, pingresp)
	})
}

// 3.3.4-7 to -9, 4.9: more from the client than the broker's Receive Maximum.
func TestReceiveMaximumOfBroker(t *testing.T) {
	bubble(t, Config{Limits: Limits{ReceiveMaximum: 2}}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", expiry100))
		if a := b.limits.ReceiveMaximum; a != 2 {
			t.Fatalf("ReceiveMaximum = %d; want 2", a)
		}
		two := func(c *client, id int) {
			t.Helper()
			c.exchange(pub5(4, "a", id, props(), ""), ackCodeOf(0x50, id, 0x10))
		}
		two(c, 1)
		two(c, 2)
		c.exchange(pub5(0xc, "a", 2, props(), ""), ack(0x50, 2)) // is counted already
		c.send(pub5(0, "a", 0, props(), ""))
		c.exchange(ack(0x62, 1), ack(0x70, 1))
		two(c, 3)
		c.exchange(ack(0x62, 2), ack(0x70, 2))
		c.exchange(pub5(2, "a", 9, props(), ""), ackCodeOf(0x40, 9, 0x10))
		two(c, 4)
		c.exchange(pub5(2, "a", 9, props(), ""), disc(0x93))
		c.wantClosed()
		// What was open before does not count on the next connection.
		c, _ = connect(t, b, resumeV5("c", expiry100))
		two(c, 5)
		two(c, 6)
		c.exchange(ack(0x62, 3), ack(0x70, 3))
		c.exchange(pub5(4, "a", 7, props(), ""), disc(0x93))
		// Except when it is sent again.
		c, _ = connect(t, b, resumeV5("c", expiry100))
		c.exchange(pub5(0xc, "a", 4, props(), ""), ack(0x50, 4))
		c.exchange(pub5(0xc, "a", 5, props(), ""), ack(0x50, 5))
		c.exchange(pub5(0xc, "a", 6, props(), ""), disc(0x93))
		// 3.1.1 knows no Receive Maximum.
		old, _ := connect(t, b, connectV311("old"))
		for id := range 5 {
			old.exchange(pkt(0x34, "a", u16(id+1)), ack(0x50, id+1))
		}
	})
}

// 3.1.4-3: a second connection with the Client Identifier ends the first.
func TestTakeOver(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		first, _ := connect(t, b, connectV5("c", expiry100))
		first.subscribe("a", 1)
		second, present := connect(t, b, resumeV5("c", expiry100))
		if !present {
			t.Error("Session Present = 0; want 1")
		}
		first.want(disc(0x8e))
		first.wantClosed()
		second.send(pub5(2, "a", 1, props(), "x"))
		synctest.Wait()
		third, present := connect(t, b, connectV5("c"))
		if present {
			t.Error("Session Present = 1 with Clean Start 1; want 0")
		}
		_, _ = second.nc.Write(pingreq) // counts no more
		second.want(pub5(2, "a", 1, props(), "x"), ack(0x40, 1))
		old, _ := connect(t, b, connectV311("c"))
		third.want(disc(0x8e))
		third.wantClosed()
		last, _ := connect(t, b, connectV5("c"))
		old.wantClosed() // 3.1.1 is told nothing
		last.exchange(pingreq, pingresp)
		if s := b.Stats(); s.Clients != 1 || s.TakenOver != 4 || s.Subscriptions != 0 {
			t.Errorf("Stats() = %+v; want 1 client, 4 taken over, no subscription", s)
		}
	})
}

// A session without expiry does not outlive its connection by a take-over.
func TestTakeOverEndsSession(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		first, _ := connect(t, b, connectV5("c"))
		first.subscribe("a", 1)
		_, present := connect(t, b, resumeV5("c"))
		if present {
			t.Error("Session Present = 1; want 0")
		}
		first.want(disc(0x8e))
	})
}

// Many connections at once with one Client Identifier: one stays.
func TestTakeOverStorm(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		clients := make([]*client, 50)
		for i := range clients {
			clients[i] = dial(t, b)
		}
		for _, c := range clients {
			go func() { _, _ = c.nc.Write(resumeV5("c", expiry100)) }()
		}
		synctest.Wait()
		open := 0
		for _, c := range clients {
			_, _ = c.nc.Write(pingreq) // fails where the connection was ended
			var last raw
			for {
				p, err := c.within(2 * time.Second)
				if err != nil {
					break
				}
				last = p
			}
			switch string(last) {
			case string(pingresp):
				open++
			case string(disc(0x8e)):
			default:
				t.Errorf("last packet = %x; want PINGRESP or DISCONNECT 0x8e", []byte(last))
			}
		}
		if s := b.Stats(); open != 1 || s.Clients != 1 || s.Sessions != 1 || s.Connections != 1 {
			t.Errorf("%d open, Stats() = %+v; want 1 of everything", open, s)
		}
	})
}

// 3.3.2-5, -6: Message Expiry.
func TestMessageExpiry(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		expiry := func(n int) raw { return props(2, u32(n)) }
		c, _ := connect(t, b, connectV5("c", neverExpire, receiveMax(1)))
		c.subscribe("a", 1)
		p, _ := connect(t, b, connectV5("p"))
		p.send(pub5(1, "a", 0, expiry(10), "now"))
		c.want(pub5(0, "a", 0, expiry(10), "now"))
		c.crash()
		for _, m := range []struct {
			expiry  int
			payload string
		}{{10, "too short"}, {20, "mid"}, {100, "long"}, {-1, "for ever"}, {30, "waits"}, {0xffffffff, "136 years"}} {
			ps := props()
			if m.expiry >= 0 {
				ps = expiry(m.expiry)
			}
			p.exchange(pub5(2, "a", 1, ps, m.payload), ack(0x40, 1))
		}
		time.Sleep(10 * time.Second)
		// Retained: what is left of 10 s is nothing.
		late, _ := connect(t, b, connectV5("late"))
		late.subscribe("a", 1)
		late.exchange(pingreq, pingresp)
		p.send(pub5(1, "a", 0, expiry(10), "kept"))
		late.want(pub5(0, "a", 0, expiry(10), "kept"))
		time.Sleep(2500 * time.Millisecond)
		late.exchange(sub5(9, "a", 1), pkt(0x90, u16(9), 0, 1), pub5(1, "a", 0, expiry(8), "kept"))

		c, _ = connect(t, b, resumeV5("c", neverExpire, receiveMax(1)))
		c.want(pub5(2, "a", 1, expiry(8), "mid")) // 20 - 12.5
		time.Sleep(20 * time.Second)
		c.exchange(ack(0x40, 1), pub5(2, "a", 2, expiry(68), "long")) // 100 - 32.5
		c.exchange(ack(0x40, 2), pub5(2, "a", 3, props(), "for ever"))
		c.exchange(ack(0x40, 3), pub5(2, "a", 4, expiry(0xffffffff-32), "136 years"))
		if n := b.Stats().DroppedExpired; n != 2 {
			t.Errorf("DroppedExpired = %d; want 2", n)
		}
		// What was sent is sent again, however late (4.4.0-1).
		p.exchange(pub5(2, "a", 1, expiry(5), "under way"), ack(0x40, 1))
		c.exchange(ack(0x40, 4), pub5(2, "a", 5, expiry(5), "under way"))
		c.crash()
		time.Sleep(time.Minute)
		c, _ = connect(t, b, resumeV5("c", neverExpire, receiveMax(1)))
		c.want(pub5(0xa, "a", 5, expiry(0), "under way"))
		// An interval of 0 still reaches who is there.
		p.send(pub5(0, "a", 0, expiry(0), "at once"))
		c.want(pub5(0, "a", 0, expiry(0), "at once"))
	})
}
