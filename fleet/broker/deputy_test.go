package broker

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// family is the README's users file with another user beside alice.
var family = []User{
	{Name: "alice", Password: "a", Subscribe: []string{"state/#"}, Publish: []string{"cmnd/light-1/#", "state/alice"}, ResponseInformation: "users/{user}/"},
	{Name: "bob", Password: "b", Subscribe: []string{}, Publish: []string{}, ResponseInformation: "users/bob/"},
	{Name: "fleet", Password: "f", Publish: []string{"state/#", "tele/#", "users/#", "cmnd/#"}, Subscribe: []string{"cmnd/#", "will/#"}},
	{Name: "monitor", Password: "m", Publish: []string{"cmnd/light-1/#"}, Subscribe: []string{"users/#", "seen/#"}},
}

// A device answers where it is told to, with the rights of its own user. With
// users, nobody has it publish where she could not have the answer herself.
func TestConfusedDeputy(t *testing.T) {
	for _, open := range []bool{false, true} {
		bubble(t, Config{Users: family, Limits: Limits{ForeignResponseTopics: open}}, func(t *testing.T, b *Broker) {
			device, _ := connect(t, b, login("light-1", "fleet", "f"))
			device.subscribe("cmnd/light-1/#", 1)
			bob, _ := connect(t, b, login("bob", "bob", "b"))
			bob.subscribe("users/bob/#", 1)
			lamp, _ := connect(t, b, login("light-2", "fleet", "f"))
			lamp.subscribe("cmnd/light-2/#", 1)
			// answer does what a device does with a request.
			answer := func() (answered string) {
				p, err := device.within(time.Second)
				if err != nil {
					return ""
				}
				m, err := parsePublish(p)
				if err != nil {
					t.Fatal(err)
				}
				if m.qos > 0 {
					device.send(ack(0x40, m.id))
				}
				to := string(m.props[3:])
				device.send(pub5(0, to, 0, props(), m.payload))
				return to
			}
			for _, tt := range []struct {
				user, topic string
				ok          bool
			}{
				{"alice", "users/alice/1", true}, {"alice", "users/alice", true},
				{"alice", "users/bob/inbox", false}, {"alice", "cmnd/light-2/power", false}, {"alice", "$SYS/x", false},
				{"alice", "state/light-2/power", false}, // hers to read, but not to write
				{"alice", "state/alice", true},          // hers to write as well
				{"monitor", "seen/1", true}, {"monitor", "users/bob/inbox", false}, {"monitor", "cmnd/light-2/power", false},
				{"fleet", "will/seen/1", true}, {"fleet", "cmnd/light-2/power", true}, {"fleet", "users/bob/inbox", false},
			} {
				c, _ := connect(t, b, login("requester", tt.user, tt.user[:1]))
				for qos := range 3 {
					request := pub5(qos<<1, "cmnd/light-1/power", 1, props(8, tt.topic), "ON")
					code, want := 0x87, ""
					if tt.ok || open {
						code, want = 0, tt.topic
					}
					dropped := b.Stats().DroppedRefused
					c.send(request)
					if qos > 0 {
						p, err := c.next()
						if err != nil || p[0] != byte(0x40+(qos-1)<<4) || len(p) == 5 && int(p[4]) != code || len(p) == 4 && code != 0 {
							t.Errorf("open %v: %s at QoS %d with Response Topic %s gets %x, %v; want code 0x%02x", open, tt.user, qos, tt.topic, []byte(p), err, code)
						}
						if qos == 2 && code == 0 {
							c.exchange(ack(0x62, 1), ack(0x70, 1))
						}
					}
					if got := answer(); got != want {
						t.Errorf("open %v: the device answers %s at %q; want %q", open, tt.user, got, want)
					}
					if got := b.Stats().DroppedRefused - dropped; code != 0 && got != 1 {
						t.Errorf("open %v: %s at QoS %d with Response Topic %s: %d messages refused; want 1", open, tt.user, qos, tt.topic, got)
					}
				}
				c.bye()
				synctest.Wait()
				// A Will is a request as well (3.1.2.5).
				w := dial(t, b)
				w.send(pkt(0x10, "MQTT", 5, 0xc6, u16(0), 0, "w", props(8, tt.topic), willTopic[tt.user], "x", tt.user, tt.user[:1]))
				if a := w.connack(); (a.code == 0) != (tt.ok || open) || a.code != 0 && a.code != 0x87 {
					t.Errorf("open %v: the CONNECT of %s with a Will of Response Topic %s gets 0x%02x", open, tt.user, tt.topic, a.code)
				} else if a.code == 0 {
					w.bye()
				}
			}
		})
	}
}

var willTopic = map[string]string{"alice": "users/alice/will", "monitor": "cmnd/light-1/nothing", "fleet": "tele/w/lwt"}

// 4.7.3-1: a Response Topic has one character at least.
func TestEmptyResponseTopic(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		for qos := range 3 {
			c, _ := connect(t, b, connectV5("c"))
			c.exchange(pub5(qos<<1, "a", 1, props(8, ""), ""), disc(0x82))
			c.wantClosed()
		}
		c := dial(t, b)
		c.exchange(pkt(0x10, "MQTT", 5, 6, u16(0), 0, "c", props(8, ""), "w", "x"), unhex("2003008200"))
		c.wantClosed()
	})
	bubble(t, Config{Limits: Limits{AnyResponseTopic: true}}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		c.subscribe("a", 0)
		c.exchange(pub5(0, "a", 0, props(8, ""), ""), pub5(0, "a", 0, props(8, ""), ""))
	})
}

// Client Identifiers that are reserved, and the sessions that a user may have.
func TestReservedClientIDs(t *testing.T) {
	users := []User{
		{Name: "fleet", Password: "f", ClientIDs: []string{"light-*", "homefleet-*-auditor"}, MaximumSessions: 3},
		{Name: "alice", Password: "a", ClientIDs: []string{"{user}", "{user}-*"}},
		{Name: "guest", Password: "g", MaximumSessions: 2},
	}
	bubble(t, Config{Users: users, Anonymous: true, Limits: Limits{MaximumUserSessions: 1}}, func(t *testing.T, b *Broker) {
		for _, tt := range []struct {
			id, user string
			code     byte
		}{
			{"light-1", "guest", 0x85}, {"light-1", "alice", 0x85}, {"light-1", "", 0x85}, {"light-1", "fleet", 0},
			{"light-", "guest", 0x85}, {"light", "guest", 0}, {"homefleet-x-auditor", "guest", 0x85}, {"homefleet-auditor", "guest", 0},
			{"alice", "fleet", 0x85}, {"alice", "guest", 0x85}, {"alice", "alice", 0}, {"alice-phone", "alice", 0}, {"alicia", "alice", 0x85},
			{"", "alice", 0}, {"", "fleet", 0}, {"other", "fleet", 0x85}, {"other", "", 0},
		} {
			c := dial(t, b)
			if tt.user == "" {
				c.send(connectV5(tt.id))
			} else {
				c.send(login(tt.id, tt.user, tt.user[:1]))
			}
			if a := c.connack(); a.code != tt.code {
				t.Errorf("%q of %q: CONNACK 0x%02x; want 0x%02x", tt.id, tt.user, a.code, tt.code)
			} else if tt.code == 0 {
				c.bye()
			}
			synctest.Wait()
		}
		lasting := func(id, user string, code byte) *client {
			t.Helper()
			c := dial(t, b)
			c.send(pkt(0x10, "MQTT", 5, 0xc2, u16(0), props(0x11, u32(100)), id, user, []byte(user[:1])))
			if a := c.connack(); a.code != code {
				t.Errorf("%q of %q: CONNACK 0x%02x; want 0x%02x", id, user, a.code, code)
			}
			return c
		}
		for i := range 3 {
			lasting(fmt.Sprint("light-", i), "fleet", 0).crash()
		}
		lasting("light-3", "fleet", 0x97)
		lasting("light-2", "fleet", 0).crash() // it has one
		lasting("1", "guest", 0).crash()
		lasting("2", "guest", 0)
		lasting("3", "guest", 0x97)
		connect(t, b, connectV5("somebody"))
		second := dial(t, b)
		second.exchange(connectV5("somebody else"), unhex("2003009700"))
		time.Sleep(100 * time.Second)
		synctest.Wait()
		lasting("light-3", "fleet", 0)
		lasting("3", "guest", 0)
	})
}

// Passwords may be argon2id hashes.
func TestHashedPasswords(t *testing.T) {
	hash := HashPassword([]byte("secret"))
	if other := HashPassword([]byte("secret")); other == hash {
		t.Errorf("two hashes are %q; want a salt for each", hash)
	}
	// The example of the reference implementation, of another tool's making.
	const known = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	users := []User{{Name: "alice", Password: hash}, {Name: "bob", Password: known}, {Name: "carol", Password: "plain"}}
	b, err := New(Config{Users: users})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for round := range some(1, 2) {
		for _, tt := range []struct {
			user, password string
			code           byte
		}{
			{"alice", "secret", 0}, {"alice", hash, 0x86}, {"bob", "", 0x86},
			{"bob", "password", 0}, {"bob", "secret", 0x86}, {"carol", "plain", 0}, {"carol", "x", 0x86}, {"mallory", "secret", 0x86},
		} {
			c := dial(t, b)
			c.send(login(fmt.Sprint(round, tt.user, tt.code), tt.user, tt.password))
			if a := c.connack(); a.code != tt.code {
				t.Errorf("%s with %q: CONNACK 0x%02x; want 0x%02x", tt.user, tt.password, a.code, tt.code)
			}
			_ = c.nc.Close()
		}
	}
	for _, bad := range []string{
		"$argon2id$", "$argon2id$v=18" + hash[len("$argon2id$v=19"):], strings.Replace(hash, "m=19456", "m=65537", 1),
		strings.Replace(hash, "t=2", "t=11", 1), strings.Replace(hash, "p=1", "p=5", 1), strings.Replace(hash, "p=1", "p=0", 1),
		strings.Replace(hash, "m=", "n=", 1), hash + "=", hash[:len(hash)-40], known + "$", strings.Replace(hash, "t=2", "t=-2", 1),
	} {
		if _, err := New(Config{Users: []User{{Name: "alice", Password: bad}}}); err == nil {
			t.Errorf("New() takes the hash %q; want an error", bad)
		} else if strings.Contains(err.Error(), hash[40:60]) {
			t.Errorf("the error repeats the hash: %v", err)
		}
	}
}

// Guesses at hashed passwords do not take the machine: what is over the bound is
// turned away, and who has been in comes in.
func TestGuessesAreBounded(t *testing.T) {
	const known = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	bubble(t, Config{Users: []User{{Name: "alice", Password: known}}}, func(t *testing.T, b *Broker) {
		enter := func(id, password string) *client {
			c := dial(t, b)
			c.send(login(id, "alice", password))
			return c
		}
		if a := enter("first", "password").connack(); a.code != 0 {
			t.Fatalf("CONNACK 0x%02x; want 0", a.code)
		}
		for range guessesAtOnce { // as if guesses of others took long
			b.guesses.slots <- struct{}{}
		}
		var guessers []*client
		for i := range guessesWaiting + 20 {
			guessers = append(guessers, enter(fmt.Sprint(i), rand.Text()))
		}
		if a := enter("second", "password").connack(); a.code != 0 {
			t.Errorf("who has been in gets CONNACK 0x%02x; want 0", a.code)
		}
		synctest.Wait()
		for range guessesAtOnce {
			<-b.guesses.slots
		}
		codes := make(map[byte]int)
		for _, g := range guessers {
			codes[g.connack().code]++
		}
		if codes[0x86] != guessesWaiting || codes[0x89] != 20 {
			t.Errorf("CONNACKs by code: %v; want %d of 0x86 and 20 of 0x89", codes, guessesWaiting)
		}
	})
}

// 3.2.2.2, 0x95: a CONNECT over the broker's own maximum is told so.
func TestConnectTooLarge(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumPacketSize: 1000}}, func(t *testing.T, b *Broker) {
		for size, want := range map[int]byte{800: 0, 2000: 0x95, 60000: 0x95} {
			c := dial(t, b)
			in := pkt(0x10, "MQTT", 5, 0xc2, u16(0), 0, "c", "u", strings.Repeat("x", size))
			go func() { _, _ = c.nc.Write(in) }()
			if a := c.connack(); a.code != want {
				t.Errorf("a CONNECT of %d bytes: CONNACK 0x%02x; want 0x%02x", len(in), a.code, want)
			}
		}
		c := dial(t, b)
		go func() { _, _ = c.nc.Write(pkt(0x10, "MQTT", 4, 0x82, u16(0), strings.Repeat("x", 2000), "u")) }()
		c.wantClosed() // 3.1.1 has no word for it
	})
}
