package broker

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// 3.1.2-24, -25: a message too large for a client is dropped for it, and counts
// as sent.
func TestMaximumPacketSizeOfClient(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", expiry100, receiveMax(1), 0x27, u32(50)))
		c.subscribe("a", 2)
		other, _ := connect(t, b, connectV5("other"))
		other.subscribe("a", 2)
		p, _ := connect(t, b, connectV5("p"))
		fits := fmt.Sprintf("%042d", 1) // 2 + 3 + 2 + 1 + 42 = 50
		for qos := range 3 {
			for _, payload := range []string{fits + "!", fits} {
				p.send(pub5(qos<<1, "a", 1, props(), payload))
				if qos > 0 {
					p.want(ack(0x40+(qos-1)<<4, 1))
				}
				if qos == 2 {
					p.exchange(ack(0x62, 1), ack(0x70, 1))
				}
				if m := other.publication(); m.payload != payload {
					t.Fatalf("the other client got %q; want %q", m.payload, payload)
				}
			}
			want := fits
			if qos == 0 {
				want = fits + "!" // no id: two bytes less
				if m := c.publication(); m.payload != want {
					t.Errorf("message = %q; want %q", m.payload, want)
				}
				want = fits
			}
			m := c.publication()
			if m.payload != want || m.qos != qos {
				t.Errorf("message = %q at %d; want %q at %d", m.payload, m.qos, want, qos)
			}
			switch qos {
			case 1:
				c.send(ack(0x40, m.id))
			case 2:
				c.exchange(ack(0x50, m.id), ack(0x62, m.id))
				c.send(ack(0x70, m.id))
			}
			c.exchange(pingreq, pingresp)
		}
		if n := b.Stats().DroppedTooLarge; n != 2 {
			t.Errorf("DroppedTooLarge = %d; want 2", n)
		}
		// A SUBACK that is too large ends the connection.
		var filters raw
		for range 50 {
			filters = enc(filters, "a", 0)
		}
		c.exchange(pkt(0x82, u16(1), 0, filters), disc(0x95))
	})
}

// Bounds on what waits for a client.
func TestQueueBounds(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumQueued: 3}}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", expiry100, receiveMax(1)))
		c.subscribe("a", 1)
		p, _ := connect(t, b, connectV5("p"))
		publish := func(payload string) {
			t.Helper()
			p.exchange(pub5(2, "a", 1, props(), payload), ack(0x40, 1))
		}
		for _, payload := range []string{"1", "2", "3", "4"} {
			publish(payload)
		}
		c.want(pub5(2, "a", 1, props(), "1"))
		c.wantSilence(time.Second)
		publish("5") // one too many: the client is too slow
		c.want(disc(0x97))
		c.wantClosed()
		publish("6")
		if s := b.Stats(); s.DroppedFull != 2 || s.Overrun != 1 {
			t.Errorf("DroppedFull = %d, Overrun = %d; want 2, 1", s.DroppedFull, s.Overrun)
		}
		c, _ = connect(t, b, resumeV5("c", expiry100))
		c.want(pub5(0xa, "a", 1, props(), "1"), pub5(2, "a", 2, props(), "2"), pub5(2, "a", 3, props(), "3"), pub5(2, "a", 4, props(), "4"))
	})
}

// A client that does not read is not waited for: QoS 0 is dropped, QoS 1 stays
// in the queue, and both go on when it reads again.
func TestSlowConsumer(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumQueuedBytes: 300_000}}, func(t *testing.T, b *Broker) {
		slow, _ := connect(t, b, connectV5("slow"))
		slow.subscribe("a", 1)
		p, _ := connect(t, b, connectV5("p"))
		payload := string(make([]byte, 1000))
		for range 1000 {
			p.send(pub5(0, "a", 0, props(), payload))
		}
		p.exchange(pingreq, pingresp)
		dropped := int(b.Stats().DroppedSlow)
		if dropped < 500 || dropped > 800 {
			t.Errorf("DroppedSlow = %d of 1000; want what is over 300 kB", dropped)
		}
		for range 100 {
			p.exchange(pub5(2, "a", 1, props(), payload), ack(0x40, 1))
		}
		for range 1000 - dropped {
			if m := slow.publication(); m.qos != 0 {
				t.Fatalf("a message at QoS %d; want those at 0 first", m.qos)
			}
		}
		for range 100 {
			m := slow.publication()
			if m.qos != 1 {
				t.Fatalf("a message at QoS %d; want 1", m.qos)
			}
			slow.send(ack(0x40, m.id))
		}
		slow.exchange(pingreq, pingresp)
		// One that never reads its answers is ended. It cannot be told.
		deaf, _ := connect(t, b, connectV5("deaf"))
		go func() {
			pings := make([]byte, 0, 20000)
			for range 10000 {
				pings = append(pings, pingreq...)
			}
			for {
				if _, err := deaf.nc.Write(pings); err != nil {
					return
				}
			}
		}()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s := b.Stats(); s.Overrun != 1 || s.Clients != 2 {
			t.Errorf("Overrun = %d, Clients = %d; want 1, 2", s.Overrun, s.Clients)
		}
	})
}

func TestRetainedBounds(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumRetained: 2, MaximumRetainedBytes: 2000}}, func(t *testing.T, b *Broker) {
		p, _ := connect(t, b, connectV5("p"))
		kept := func(topic string, ps raw, payload string, code int) {
			t.Helper()
			p.exchange(pub5(3, topic, 1, ps, payload), ackCodeOf(0x40, 1, code))
		}
		kept("a", props(), "x", 0x10)
		kept("b", props(2, u32(5)), "x", 0x10)
		kept("c", props(), "x", 0x97)
		kept("b", props(2, u32(5)), "y", 0x10) // replaces
		time.Sleep(5 * time.Second)
		kept("c", props(), "x", 0x10) // b has expired
		kept("a", props(), string(make([]byte, 2000)), 0x97)
		kept("a", props(), "", 0x10)
		if s := b.Stats(); s.Retained != 1 || s.DroppedRefused != 2 {
			t.Errorf("Retained = %d, DroppedRefused = %d; want 1, 2", s.Retained, s.DroppedRefused)
		}
	})
}

// A full store is looked through for what has expired (3.3.2-5) once a second at
// most, and not for each message that finds no room: of 100,000 topics that takes
// 200 ms each time.
func TestFullStoreIsSweptNowAndThen(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumRetained: 2}}, func(t *testing.T, b *Broker) {
		p, _ := connect(t, b, connectV5("p"))
		began := time.Now()
		for _, tt := range []struct {
			at    time.Duration
			topic string
			props raw
			code  int
			swept time.Duration // the last time
		}{
			{0, "a", props(), 0x10, -1},
			{0, "b", props(2, u32(1)), 0x10, -1},
			{500 * time.Millisecond, "c", props(), 0x97, 500 * time.Millisecond},
			{time.Second, "c", props(), 0x97, 500 * time.Millisecond}, // b has expired
			{1400 * time.Millisecond, "a", props(), 0x10, 500 * time.Millisecond},
			{1500 * time.Millisecond, "c", props(), 0x10, 1500 * time.Millisecond},
		} {
			time.Sleep(time.Until(began.Add(tt.at)))
			p.exchange(pub5(3, tt.topic, 1, tt.props, "x"), ackCodeOf(0x40, 1, tt.code))
			b.topics.mu.Lock()
			swept := b.topics.retained.swept
			b.topics.mu.Unlock()
			if swept = max(swept, -1); swept != tt.swept {
				t.Errorf("%s at %v: the store was swept at %v; want %v", tt.topic, tt.at, swept, tt.swept)
			}
		}
	})
}

func TestMaximumConnections(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumConnections: 2}}, func(t *testing.T, b *Broker) {
		connect(t, b, connectV5("a"))
		second, _ := connect(t, b, connectV5("b", expiry100))
		c := dial(t, b)
		c.exchange(connectV5("c"), unhex("2003008900"))
		c.wantClosed()
		connect(t, b, connectV5("a")) // a take-over is not one more
		second.bye()
		synctest.Wait()
		connect(t, b, connectV5("c"))
		c = dial(t, b)
		c.exchange(connectV311("d"), unhex("20020003"))
		if s := b.Stats(); s.Clients != 2 || s.Refused != 2 {
			t.Errorf("Clients = %d, Refused = %d; want 2, 2", s.Clients, s.Refused)
		}
	})
}

func TestMaximumSessions(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumSessions: 2}}, func(t *testing.T, b *Broker) {
		for _, id := range []string{"a", "b"} {
			c, _ := connect(t, b, connectV5(id, expiry100))
			c.crash()
		}
		c := dial(t, b)
		c.exchange(connectV5("c"), unhex("2003009700"))
		connect(t, b, resumeV5("a"))
		connect(t, b, connectV5("b"))
		time.Sleep(time.Second)
		c, _ = connect(t, b, connectV5("a"))
		c.bye()
		synctest.Wait()
		connect(t, b, connectV5("c"))
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
