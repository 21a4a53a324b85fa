package broker

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

func login(id, user, password string) raw {
	return pkt(0x10, "MQTT", 5, 0xc2, u16(0), props(0x19, 1), id, user, []byte(password))
}

var house = []User{
	{Name: "alice", Password: "secret", Subscribe: []string{}, Publish: []string{"cmnd/+/power"}, ResponseInformation: "users/{user}"},
	{Name: "root", Password: "toor"},
	{Name: "dev", Password: "pw", Publish: []string{"state/{client}/#", "users/#"}, Subscribe: []string{"cmnd/{client}/#", "$special/+"}},
}

func TestPasswords(t *testing.T) {
	v3 := func(user, password string) raw {
		return pkt(0x10, "MQTT", 4, 0xc2, u16(0), "c", user, []byte(password))
	}
	for _, tt := range []struct {
		name      string
		anonymous bool
		in        raw
		want      raw
	}{
		{"right", false, login("c", "alice", "secret"), nil},
		{"wrong password", false, login("c", "alice", "Secret"), unhex("2003008600")},
		{"empty password", false, login("c", "alice", ""), unhex("2003008600")},
		{"no password", false, pkt(0x10, "MQTT", 5, 0x82, u16(0), 0, "c", "alice"), unhex("2003008600")},
		{"unknown user", false, login("c", "mallory", "secret"), unhex("2003008600")},
		{"unknown user, anonymous allowed", true, login("c", "mallory", ""), unhex("2003008600")},
		{"no user name", false, connectV5("c"), unhex("2003008700")},
		{"no user name, anonymous allowed", true, connectV5("c"), nil},
		{"password alone", false, pkt(0x10, "MQTT", 5, 0x42, u16(0), 0, "c", "secret"), unhex("2003008700")},
		{"empty user name", false, login("c", "", ""), unhex("2003008600")},
		{"3.1.1 right", false, v3("alice", "secret"), nil},
		{"3.1.1 wrong password", false, v3("alice", "x"), unhex("20020004")},
		{"3.1.1 no user name", false, connectV311("c"), unhex("20020005")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			config := Config{Users: house, Anonymous: tt.anonymous,
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
			bubble(t, config, func(t *testing.T, b *Broker) {
				c := dial(t, b)
				c.send(tt.in)
				if tt.want == nil {
					if a := c.connack(); a.code != 0 {
						t.Errorf("CONNACK 0x%02x; want 0", a.code)
					}
				} else {
					c.want(tt.want)
					c.wantClosed()
				}
				_ = b.Close()
				if strings.Contains(strings.ToLower(log.String()), "secret") {
					t.Errorf("the log has a password in it: %s", &log)
				}
			})
		})
	}
}

// Without users, user names and passwords are not looked at.
func TestNoUsers(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		connect(t, b, login("c", "anybody", "anything"))
	})
}

// 3.1.2-28, 3.2.2.3.15: Response Information for those who ask.
func TestResponseInformation(t *testing.T) {
	bubble(t, Config{Users: house}, func(t *testing.T, b *Broker) {
		for _, tt := range []struct {
			in   raw
			want string
		}{
			{login("c", "alice", "secret"), "\x00\x0busers/alice"},
			{pkt(0x10, "MQTT", 5, 0xc2, u16(0), 0, "c", "alice", "secret"), ""},
			{pkt(0x10, "MQTT", 5, 0xc2, u16(0), props(0x19, 0), "c", "alice", "secret"), ""},
			{login("c", "root", "toor"), ""},
		} {
			c := dial(t, b)
			c.send(tt.in)
			if a := c.connack(); a.code != 0 || a.props[0x1a] != tt.want {
				t.Errorf("CONNACK 0x%02x with Response Information %q; want 0 with %q", a.code, a.props[0x1a], tt.want)
			}
			c.bye()
			synctest.Wait() // the session has ended, which is of another user
		}
	})
}

func TestAccess(t *testing.T) {
	bubble(t, Config{Users: house}, func(t *testing.T, b *Broker) {
		alice, _ := connect(t, b, login("phone", "alice", "secret"))
		for filter, code := range map[string]int{
			"users/alice": 0, "users/alice/#": 0, "users/alice/+": 0, "users/alice/a/b": 0, "$share/g/users/alice/x": 0,
			"users/+": 0x87, "users/#": 0x87, "#": 0x87, "+/alice/x": 0x87, "users/bob": 0x87, "users/alicex": 0x87,
			"cmnd/x/power": 0x87, "$share/g/#": 0x87, "$share/users/alice": 0x87, "$SYS/#": 0x87, "+": 0x87, "a#": 0x8f,
		} {
			alice.exchange(sub5(1, filter, 0), pkt(0x90, u16(1), 0, code))
		}
		for topic, code := range map[string]int{
			"cmnd/x/power": 0x10, "users/alice/a": 0, "users/alice": 0,
			"cmnd/x/power/y": 0x87, "cmnd/power": 0x87, "users/bob": 0x87, "state/x": 0x87, "$SYS/x": 0x87,
		} {
			packet := ackCodeOf(0x40, 1, code)
			if code == 0 {
				packet = ack(0x40, 1)
				p, _ := connect(t, b, login("p", "root", "toor"))
				p.exchange(pub5(2, topic, 1, props(), "x"), packet)
				alice.publication()
				continue
			}
			alice.exchange(pub5(2, topic, 1, props(), "x"), packet)
			if code == 0x87 {
				alice.exchange(pub5(4, topic, 1, props(), "x"), ackCodeOf(0x50, 1, 0x87))
				alice.exchange(ack(0x62, 1), ackCodeOf(0x70, 1, 0x92)) // it was not begun
				alice.send(pub5(1, topic, 0, props(), "x"))
			}
		}
		alice.exchange(pingreq, pingresp)
		dev, _ := connect(t, b, login("light-1", "dev", "pw"))
		for filter, code := range map[string]int{
			"cmnd/light-1/#": 0, "cmnd/light-1": 0, "cmnd/light-2/#": 0x87, "cmnd/+/#": 0x87, "users/alice": 0x87, "$special/x": 0, "$special/#": 0x87,
		} {
			dev.exchange(sub5(1, filter, 1), pkt(0x90, u16(1), 0, code&0x80|code|b2i(code == 0)))
		}
		// The request of the README's user, and its answer.
		alice.exchange(sub5(1, "users/alice/#", 0), pkt(0x90, u16(1), 0, 0))
		root, _ := connect(t, b, login("r", "root", "toor"))
		root.subscribe("#", 0)
		root.bye()
		dev.exchange(pub5(2, "users/alice/r", 1, props(9, "1"), "ON"), ack(0x40, 1))
		if m := alice.publication(); m.payload != "ON" {
			t.Errorf("the answer = %+v; want ON", m)
		}
		// 3.1.1 is acknowledged, and nothing happens.
		old, _ := connect(t, b, pkt(0x10, "MQTT", 4, 0xc2, u16(0), "o", "dev", "pw"))
		old.exchange(pkt(0x33, "state/else", u16(1), raw("x")), ack(0x40, 1))
		old.exchange(pkt(0x35, "state/else", u16(1), raw("x")), ack(0x50, 1))
		old.exchange(ack(0x62, 1), ack(0x70, 1))
		old.exchange(pkt(0x82, u16(1), "a", 0), pkt(0x90, u16(1), 0x80))
		if s := b.Stats(); s.Retained != 0 {
			t.Errorf("Retained = %d; want 0", s.Retained)
		}
		// A Will that may not be published.
		c := dial(t, b)
		c.exchange(pkt(0x10, "MQTT", 5, 0xc6, u16(0), 0, "w", 0, "state/v", "x", "dev", "pw"), unhex("2003008700"))
		c = dial(t, b)
		c.send(pkt(0x10, "MQTT", 5, 0xc6, u16(0), 0, "w", 0, "state/w/x", "x", "dev", "pw"))
		if a := c.connack(); a.code != 0 {
			t.Errorf("CONNACK 0x%02x; want 0", a.code)
		}
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A Client Identifier or user name that looks like a wildcard grants nothing.
func TestPlaceholders(t *testing.T) {
	users := []User{
		{Name: "dev", Password: "pw", Subscribe: []string{"cmnd/{client}/#"}, Publish: []string{}},
		{Name: "#", Password: "pw", Subscribe: []string{"u/{user}"}, Publish: []string{}, ResponseInformation: "r/{user}"},
	}
	bubble(t, Config{Users: users}, func(t *testing.T, b *Broker) {
		for _, id := range []string{"+", "#", "a/b", "a+"} {
			c, _ := connect(t, b, login(id, "dev", "pw"))
			for _, f := range []string{"cmnd/" + id, "cmnd/+", "cmnd/x", "cmnd/#", "#"} {
				p, _ := connect(t, b, login("ok", "dev", "pw"))
				_ = p
				c.send(sub5(1, f, 0))
				got, err := c.next()
				if err != nil || got[5] < 0x80 {
					t.Errorf("client %q: SUBACK for %q = %x, %v; want a refusal", id, f, []byte(got), err)
				}
			}
		}
		c, _ := connect(t, b, login("c", "#", "pw"))
		c.exchange(sub5(1, "u/#", 0), pkt(0x90, u16(1), 0, 0x87))
	})
}

// A session is its user's.
func TestSessionOfAnother(t *testing.T) {
	bubble(t, Config{Users: house}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, pkt(0x10, "MQTT", 5, 0xc2, u16(0), props(expiry100), "c", "alice", "secret"))
		for range 2 {
			other := dial(t, b)
			other.exchange(login("c", "root", "toor"), unhex("2003008700"))
			other.wantClosed()
			c.crash()
		}
	})
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		f, g string
		want bool
	}{
		{"#", "#", true}, {"#", "a/+/#", true}, {"#", "+", true}, {"#", "/", true},
		{"a/#", "a", true}, {"a/#", "a/#", true}, {"a/#", "a/+", true}, {"a/#", "a/b/#", true}, {"a/#", "+/b", false}, {"a/#", "ab", false},
		{"a/#", "#", false}, {"+", "#", false}, {"+", "+", true}, {"+", "a", true}, {"+", "a/b", false}, {"+", "a/#", false},
		{"+/#", "#", true}, {"+/#", "+", true}, {"a/+/#", "a/#", false}, {"+/#", "a/#", true}, {"a/+", "a/#", false}, {"a/+", "a", false}, {"a/+", "a/", true},
		{"a/+/c", "a/b/c", true}, {"a/+/c", "a/+/+", false}, {"a/b", "a/+", false}, {"a/b", "a/b", true}, {"a", "a/b", false},
		{"#", "$SYS/#", false}, {"+/#", "$SYS/a", false}, {"$SYS/#", "$SYS/a", true}, {"a/#", "a/$x", true},
	} {
		if got := covers(tt.f, tt.g); got != tt.want {
			t.Errorf("covers(%q, %q) = %v; want %v", tt.f, tt.g, got, tt.want)
		}
	}
}
