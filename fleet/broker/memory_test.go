package broker

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// filler makes a broker keep things.
type filler struct {
	t     *testing.T
	b     *Broker
	conns []*client
}

func (f *filler) connect(packet raw) *client {
	f.t.Helper()
	nc, err := f.b.Dial(context.Background())
	if err != nil {
		f.t.Fatalf("Dial() = %v", err)
	}
	c := &client{t: f.t, nc: nc}
	f.conns = append(f.conns, c)
	c.send(packet)
	if a := c.connack(); a.code != 0 {
		f.t.Fatalf("CONNACK 0x%02x; want 0", a.code)
	}
	return c
}

// away connects and leaves a session behind.
func (f *filler) away(packet raw, more ...raw) {
	f.t.Helper()
	c := f.connect(packet)
	f.conns = f.conns[:len(f.conns)-1]
	for _, p := range more {
		c.exchangeAny(p)
	}
	_ = c.nc.Close()
}

// exchangeAny sends a packet and takes one.
func (c *client) exchangeAny(p raw) {
	c.t.Helper()
	c.send(p)
	if _, err := c.next(); err != nil {
		c.t.Fatalf("%.40x: %v", []byte(p), err)
	}
}

// kinds of what a client can make a broker keep.
var kinds = []struct {
	name string
	fill func(f *filler)
}{
	{"sessions", func(f *filler) {
		for i := range some(400, 800) {
			f.away(connectV5(fmt.Sprint("session-", i), neverExpire))
		}
	}},
	{"Wills", func(f *filler) {
		for i := range some(200, 800) {
			f.away(pkt(0x10, "MQTT", 5, 4, u16(0), props(neverExpire), fmt.Sprint("w", i), props(0x18, u32(100)), "will", strings.Repeat("w", 2000)))
		}
	}},
	{"short filters", func(f *filler) {
		c := f.connect(connectV5("c"))
		for i := range some(500, 1500) {
			c.exchangeAny(sub5(1, fmt.Sprint("t/", i), 0))
		}
	}},
	{"one filter of many", func(f *filler) {
		for i := range some(300, 1500) {
			c := f.connect(connectV5(fmt.Sprint("c", i)))
			c.exchangeAny(sub5(1, "state/#", 0))
		}
	}},
	{"deep filters", func(f *filler) {
		c := f.connect(connectV5("c"))
		for i := range some(300, 1500) {
			c.exchangeAny(sub5(1, fmt.Sprint(i)+strings.Repeat("/a", maxLevels-2)+"/#", 0))
		}
	}},
	{"retained", func(f *filler) {
		c := f.connect(connectV5("c"))
		for i := range some(500, 1500) {
			c.exchangeAny(pub5(3, fmt.Sprintf("state/light-%d/power", i), 1, props(), "ON"))
		}
	}},
	{"deep retained with properties", func(f *filler) {
		c := f.connect(connectV5("c"))
		for i := range some(300, 1500) {
			c.exchangeAny(pub5(3, fmt.Sprint(i)+strings.Repeat("/a", maxLevels-2), 1, props(8, "answer", 9, "1234567890"), "ON"))
		}
	}},
	{"a queue", func(f *filler) {
		f.away(connectV5("away", neverExpire), sub5(1, "a", 1))
		c := f.connect(connectV5("c"))
		for range some(600, 2000) {
			c.exchangeAny(pub5(2, "a", 1, props(), "x"))
		}
	}},
	{"queues of many", func(f *filler) {
		for i := range some(50, 200) {
			f.away(connectV5(fmt.Sprint("away", i), neverExpire), sub5(1, "a", 1))
		}
		c := f.connect(connectV5("c"))
		for range some(100, 300) {
			c.exchangeAny(pub5(2, "a", 1, props(), strings.Repeat("x", 1000)))
		}
	}},
	{"a queue with identifiers", func(f *filler) {
		c := f.connect(connectV5("away", neverExpire))
		for i := range 256 {
			c.exchangeAny(pkt(0x82, u16(1), props(0x0b, raw(varint(i+1))), overlapping(i, 8), 1))
		}
		_ = c.nc.Close()
		c = f.connect(connectV5("c"))
		for range some(250, 2000) {
			c.exchangeAny(pub5(2, overlapping(0, 8), 1, props(), "x"))
		}
	}},
	{"QoS 2 that is begun", func(f *filler) {
		for i := range some(2, 20) {
			c := f.connect(connectV5(fmt.Sprint("c", i)))
			for k := range 1000 {
				c.exchangeAny(pub5(4, "a", k+1, props(), "x"))
			}
		}
	}},
	{"packets that are not whole", func(f *filler) {
		for i := range some(10, 50) {
			c := f.connect(connectV5(fmt.Sprint("c", i)))
			c.send(pub5(0, "a", 0, props(), strings.Repeat("x", 500_000))[:400_000])
		}
	}},
	{"Topic Aliases", func(f *filler) {
		for i := range some(12, 50) {
			c := f.connect(connectV5(fmt.Sprint("c", i)))
			for k := range 64 {
				c.exchangeAny(pub5(2, strings.Repeat("a", 2000), 1, props(0x23, u16(k+1)), "x"))
			}
		}
	}},
	{"Topic Aliases of the broker", func(f *filler) {
		p := f.connect(connectV5("p"))
		for i := range some(50, 200) {
			c := f.connect(connectV5(fmt.Sprint("c", i), enc(0x22, u16(65535))))
			c.exchangeAny(sub5(1, "a/#", 0))
		}
		for k := range 64 {
			p.exchangeAny(pub5(2, "a/"+strings.Repeat("a", 20)+fmt.Sprint(k), 1, props(), "x"))
		}
	}},
	{"PUBREC without PUBCOMP", func(f *filler) {
		c := f.connect(connectV5("away", neverExpire))
		c.exchangeAny(sub5(1, "a", 2))
		p := f.connect(connectV5("p"))
		for k := range some(1, 20) {
			if k > 0 {
				c = f.connect(connectV5(fmt.Sprint("away", k), neverExpire))
				c.exchangeAny(sub5(1, "a", 2))
			}
		}
		for k := range 1000 {
			p.exchangeAny(pub5(4, "a", k+1, props(), "x"))
		}
		for _, c := range f.conns {
			if c == p {
				continue
			}
			var all raw
			for range 1000 {
				all = append(all, ack(0x50, c.publication().id)...)
			}
			c.send(all)
			for range 1000 {
				if _, err := c.next(); err != nil {
					f.t.Fatal(err)
				}
			}
			_ = c.nc.Close()
		}
		f.conns = []*client{p}
	}},
	{"long topics where feeds go on", func(f *filler) {
		p := f.connect(connectV5("p"))
		for _, c := range "abcd" {
			p.exchangeAny(pub5(3, strings.Repeat(string(c), 60_000), 1, props(), "x"))
		}
		for i := range some(50, 200) {
			c := f.connect(connectV5(fmt.Sprint("away", i), neverExpire, receiveMax(1)))
			c.exchangeAny(sub5(1, "#", 1))
			_ = c.nc.Close()
			f.conns = f.conns[:1]
		}
	}},
	{"clients that do not read", func(f *filler) {
		for i := range 20 {
			c := f.connect(connectV5(fmt.Sprint("c", i)))
			c.exchangeAny(sub5(1, "a", 0))
		}
		c := f.connect(connectV5("p"))
		for range 1000 {
			c.exchangeAny(pub5(2, "a", 1, props(), strings.Repeat("x", 1000)))
		}
	}},
}

// What clients make the broker keep is charged: within twice of what it takes, and
// no longer than it is kept. Of what they make it keep half is tried, or with HOMEFLEET_FULL=1
// all.
func TestMemoryIsCharged(t *testing.T) {
	for i, kind := range kinds {
		if i%some(2, 1) != 0 {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			b, err := New(Config{Anonymous: true})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			f := &filler{t: t, b: b}
			before := int64(live())
			kind.fill(f)
			// The last readers and writers end soon, or later where this machine is busy with
			// something else. The stacks of goroutines are no heap, and the pipes are the test's.
			var kept, charged int64
			for end := time.Now().Add(30 * time.Second); ; {
				time.Sleep(20 * time.Millisecond)
				kept, charged = int64(live())-before, int64(b.Stats().Memory)-int64(len(f.conns))*(costConn-1500)
				if charged >= kept/2 && charged <= 2*kept || time.Now().After(end) {
					break
				}
			}
			t.Logf("%d bytes are kept, %d charged (%.2f)", kept, charged, float64(charged)/float64(kept))
			if charged < kept/2 || charged > 2*kept {
				t.Errorf("%d bytes are charged for %d that are kept; want within twice", charged, kept)
			}
			runtime.KeepAlive(f.conns)
		})
	}
}

// What is over is charged no more.
func TestMemoryIsGivenBack(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		for _, kind := range []string{"alias", "given", "partial", "will", "queue", "taken", "qos2", "released", "shared", "feed", "refused of 3.1.1"} {
			c, _ := connect(t, b, pkt(0x10, "MQTT", 5, 6, u16(0), props(expiry100), "c", props(0x18, u32(5)), "w", "gone"))
			c.subscribe("#", 2)
			c.subscribe("$share/g/+", 1)
			p, _ := connect(t, b, connectV5("p", expiry100))
			switch kind {
			case "alias":
				p.exchange(pub5(2, "a", 1, props(0x23, u16(1)), "x"), ack(0x40, 1))
			case "given":
				given, _ := connect(t, b, connectV5("given", enc(0x22, u16(9))))
				given.subscribe("+", 0)
				p.exchange(pub5(2, "a", 1, props(), "x"), ack(0x40, 1))
				given.want(pkt(0x30, "a", props(0x23, u16(1)), raw("x")))
				given.crash()
			case "partial":
				c.send(pub5(0, "a", 0, props(), "some more bytes")[:9])
			case "queue":
				c.crash()
				for range 10 {
					p.exchange(pub5(2, "a", 1, props(8, "r"), "x"), ack(0x40, 1))
				}
			case "taken":
				c, _ = connect(t, b, resumeV5("c", expiry100))
			case "qos2":
				p.exchange(pub5(4, "a", 1, props(), "x"), ack(0x50, 1))
				p.exchange(pub5(4, "a", 2, props(), "x"), ack(0x50, 2))
				c.publication()
				m := c.publication()
				c.exchangeAny(ack(0x50, m.id))
			case "released":
				p.exchange(pub5(4, "a", 1, props(), "x"), ack(0x50, 1))
				c.exchangeAny(ack(0x50, c.publication().id))
			case "refused of 3.1.1": // which cannot be told, so that it releases what was dropped
				old, _ := connect(t, b, connectV311("old"))
				for id := range 9 {
					old.exchange(pkt(0x34, "$SYS/a", u16(id+1), raw("x")), ack(0x50, id+1))
					old.exchange(ack(0x62, id+1), ack(0x70, id+1))
				}
				old.exchange(pkt(0x34, "$SYS/a", u16(10), raw("x")), ack(0x50, 10))
				old.crash()
			case "feed":
				p.exchange(pub5(3, "b", 1, props(), strings.Repeat("x", 100_000)), ack(0x40, 1))
				slow, _ := connect(t, b, connectV5("slow", expiry100, receiveMax(1)))
				slow.subscribe("b", 1)
				slow.crash()
			case "shared":
				p.exchange(pub5(3, "b", 1, props(), "x"), ack(0x40, 1))
				p.exchange(pub5(3, "b", 1, props(), "y"), ack(0x40, 1))
			}
			c.crash()
			p.crash()
			time.Sleep(200 * time.Second)
			synctest.Wait()
			p, _ = connect(t, b, connectV5("p"))
			p.send(pub5(1, "b", 0, props(), ""))
			p.bye()
			synctest.Wait()
			if n := b.Stats().Memory; n != 0 {
				t.Errorf("after %s, %d bytes are charged; want none", kind, n)
			}
		}
	})
}

// Beyond a client's memory, subscriptions, retained messages and QoS 2 are refused
// with 0x97; another client has its own.
func TestClientMemory(t *testing.T) {
	bubble(t, Config{Limits: Limits{ClientMemory: 64 << 10, MaximumPacketSize: 1 << 16}}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		other, _ := connect(t, b, connectV5("other"))
		for i := 0; ; i++ {
			c.send(sub5(1, fmt.Sprint("t/", i), 0))
			p, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			if p[5] == 0x97 {
				if i < 1000 || i > 1500 {
					t.Errorf("there is room for %d subscriptions; want some 1,250", i)
				}
				break
			}
		}
		c.exchange(pub5(3, "r", 1, props(), strings.Repeat("x", 1000)), ackCodeOf(0x40, 1, 0x97))
		other.exchange(pub5(3, "r", 1, props(), strings.Repeat("x", 1000)), ackCodeOf(0x40, 1, 0x10))
		// In two parts, the first of which is for the account, and has no room there.
		short := pub5(3, "r", 1, props(), strings.Repeat("x", 1000))
		c.send(short[:700])
		synctest.Wait()
		c.exchange(short[700:], ackCodeOf(0x40, 1, 0x97))
		c.send(pub5(0, "t/1", 0, props(), strings.Repeat("x", 60000))) // more than there is room for
		c.want(disc(0x97))
	})
	bubble(t, Config{Limits: Limits{TotalMemory: 64 << 10}}, func(t *testing.T, b *Broker) {
		n := 0
		for ; ; n++ {
			c := dial(t, b)
			c.send(connectV5(fmt.Sprint("c", n), neverExpire))
			if a := c.connack(); a.code == 0x97 {
				break
			}
			c.crash()
		}
		synctest.Wait() // their connections are gone; this is about sessions
		if n < 250 || n > 400 {
			t.Errorf("there is room for %d sessions; want some 330", n)
		}
		connect(t, b, resumeV5("c1", neverExpire)) // it has one
	})
}

// What waits for the sessions that one user has left behind, whoever publishes it,
// takes no room of another user's.
func TestUserMemory(t *testing.T) {
	bubble(t, Config{Users: []User{{Name: "mallory", Password: "p"}, {Name: "bob", Password: "p"}}, Limits: Limits{UserMemory: 1 << 20, TotalMemory: 4 << 20}}, func(t *testing.T, b *Broker) {
		as := func(user, id string, flags int) *client {
			c := dial(t, b)
			c.send(pkt(0x10, "MQTT", 5, flags, u16(0), props(neverExpire), id, user, "p"))
			if a := c.connack(); a.code != 0 {
				t.Fatalf("%s of %s: CONNACK 0x%02x; want 0", id, user, a.code)
			}
			return c
		}
		for i := range 100 {
			c := as("mallory", fmt.Sprint("away-", i), 0xc2)
			c.subscribe("a", 1)
			c.crash()
		}
		c := as("bob", "bob-away", 0xc2)
		c.subscribe("#", 1)
		c.crash()
		p := as("bob", "p", 0xc2)
		const messages = 400 // for each of the 100 sessions 12,800 bytes and their texts, without a bound
		for range messages {
			p.exchangeAny(pub5(2, "a", 1, props(), "x"))
		}
		synctest.Wait()
		if s := b.Stats(); s.Memory > 1<<20+200<<10 || s.DroppedFull == 0 {
			t.Errorf("Memory = %d, DroppedFull = %d; want at most 1 MiB of one user, and what is beyond dropped", s.Memory, s.DroppedFull)
		}
		again := as("bob", "bob-away", 0xc0)
		for range messages {
			if m := again.publication(); m.topic != "a" {
				t.Fatalf("bob gets %+v; want all %d messages", m, messages)
			} else {
				again.send(ack(0x40, m.id))
			}
		}
	})
}

// anyone is a client with room for all that there is.
func anyone() *owner { return new(owner) }
