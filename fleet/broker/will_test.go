package broker

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// connectWill makes a CONNECT with a Will at QoS 1 on topic will.
func connectWill(clean bool, keepAlive int, expiry int, willProps raw) raw {
	flags := 4 | 8
	if clean {
		flags |= 2
	}
	ps := props()
	if expiry >= 0 {
		ps = props(0x11, u32(expiry))
	}
	return pkt(0x10, "MQTT", 5, flags, u16(keepAlive), ps, "c", willProps, "will", "gone")
}

// 3.1.2-8, 3.1.2-10, 3.1.3-9, 3.14.4-3: when a Will Message is published.
func TestWill(t *testing.T) {
	delay := func(n int) raw { return props(0x18, u32(n)) }
	crash := func(_ *testing.T, _ *Broker, c *client) { c.crash() }
	sends := func(p raw) func(*testing.T, *Broker, *client) {
		return func(t *testing.T, b *Broker, c *client) { c.send(p) }
	}
	reconnects := func(after time.Duration, p raw) func(*testing.T, *Broker, *client) {
		return func(t *testing.T, b *Broker, c *client) {
			c.crash()
			time.Sleep(after)
			synctest.Wait()
			connect(t, b, p)
		}
	}
	takesOver := func(p raw) func(*testing.T, *Broker, *client) {
		return func(t *testing.T, b *Broker, c *client) { connect(t, b, p) }
	}
	const not = -1
	for _, tt := range []struct {
		name string
		in   raw
		do   func(*testing.T, *Broker, *client)
		want time.Duration // until the will; not: never
	}{
		{"connection lost", connectWill(true, 0, -1, props()), crash, 0},
		{"connection lost, session lasts", connectWill(true, 0, 100, props()), crash, 0},
		{"reset", connectWill(true, 0, -1, props()), func(t *testing.T, b *Broker, c *client) {
			if err := c.nc.(interface{ Reset() error }).Reset(); err != nil {
				t.Fatal(err)
			}
		}, 0},
		{"DISCONNECT 0x00", connectWill(true, 0, -1, props()), sends(disconnect), not},
		{"DISCONNECT 0x00 in long form", connectWill(true, 0, 100, delay(5)), sends(unhex("e0020000")), not},
		{"DISCONNECT 0x00 in one byte", connectWill(true, 0, 100, delay(5)), sends(unhex("e00100")), not},
		{"DISCONNECT 0x04", connectWill(true, 0, -1, props()), sends(unhex("e00104")), 0},
		{"DISCONNECT 0x04 with delay", connectWill(true, 0, 100, delay(5)), sends(unhex("e00104")), 5 * time.Second},
		{"DISCONNECT 0x80", connectWill(true, 0, -1, props()), sends(unhex("e00180")), 0},
		{"DISCONNECT that is a Protocol Error", connectWill(true, 0, -1, props()), sends(pkt(0xe0, 0, props(0x11, u32(9)))), 0},
		{"protocol error", connectWill(true, 0, -1, props()), sends(connectV5("c")), 0},
		{"garbage", connectWill(true, 0, -1, props()), sends(unhex("00")), 0},
		{"keep alive", connectWill(true, 10, -1, props()), nil, 15 * time.Second},
		{"keep alive with delay", connectWill(true, 10, 100, delay(5)), nil, 20 * time.Second},
		{"kicked", connectWill(true, 0, -1, props()), func(t *testing.T, b *Broker, c *client) {
			if !b.Kick("c", 0x98) {
				t.Error(`Kick("c") = false; want true`)
			}
		}, 0},
		{"kicked with delay", connectWill(true, 0, 100, delay(5)), func(t *testing.T, b *Broker, c *client) { b.Kick("c", 0) }, 5 * time.Second},
		{"delay", connectWill(true, 0, 100, delay(5)), crash, 5 * time.Second},
		{"3.1.3.2.2 delay without session", connectWill(true, 0, -1, delay(5)), crash, 0},
		{"delay longer than the session", connectWill(true, 0, 3, delay(5)), crash, 3 * time.Second},
		{"delay as long as the session", connectWill(true, 0, 5, delay(5)), crash, 5 * time.Second},
		{"session that never ends", connectWill(true, 0, 0xffffffff, delay(500)), crash, 500 * time.Second},
		{"session ended by DISCONNECT 0x04", connectWill(true, 0, 100, delay(50)), sends(pkt(0xe0, 4, props(0x11, u32(0)))), 0},
		{"session shortened by DISCONNECT 0x04", connectWill(true, 0, 100, delay(50)), sends(pkt(0xe0, 4, props(0x11, u32(7)))), 7 * time.Second},
		{"3.1.3-9 resumed in time", connectWill(true, 0, 100, delay(5)), reconnects(4*time.Second, resumeV5("c")), not},
		{"resumed too late", connectWill(true, 0, 100, delay(5)), reconnects(6*time.Second, resumeV5("c")), 5 * time.Second},
		{"ended by Clean Start", connectWill(true, 0, 100, delay(50)), reconnects(4*time.Second, connectV5("c")), 4 * time.Second},
		{"take-over", connectWill(true, 0, 100, props()), takesOver(resumeV5("c")), 0},
		{"take-over with delay", connectWill(true, 0, 100, delay(5)), takesOver(resumeV5("c")), not},
		{"take-over with delay and no session", connectWill(true, 0, -1, delay(5)), takesOver(resumeV5("c")), 0},
		{"take-over with delay and Clean Start", connectWill(true, 0, 100, delay(5)), takesOver(connectV5("c")), 0},
		{"3.1.1 lost", pkt(0x10, "MQTT", 4, 4|8|2, u16(0), "c", "will", "gone"), crash, 0},
		{"3.1.1 lost, session lasts", pkt(0x10, "MQTT", 4, 4|8, u16(0), "c", "will", "gone"), crash, 0},
		{"3.1.1 DISCONNECT", pkt(0x10, "MQTT", 4, 4|8|2, u16(0), "c", "will", "gone"), sends(disconnect), not},
		{"3.1.1 take-over", pkt(0x10, "MQTT", 4, 4|8, u16(0), "c", "will", "gone"), takesOver(pkt(0x10, "MQTT", 4, 0, u16(0), "c")), 0},
		{"3.1.1 keep alive", pkt(0x10, "MQTT", 4, 4|8|2, u16(10), "c", "will", "gone"), nil, 15 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, b *Broker) {
				w, _ := connect(t, b, connectV5("watcher"))
				w.subscribe("will", 1)
				c, _ := connect(t, b, tt.in)
				start := time.Now()
				if tt.do != nil {
					go tt.do(t, b, c)
				}
				p, err := w.within(2000 * time.Second)
				switch {
				case tt.want == not && err == nil:
					t.Errorf("the will came after %v; want none", time.Since(start))
				case tt.want != not && err != nil:
					t.Errorf("waiting for the will: %v; want it after %v", err, tt.want)
				case tt.want != not:
					if got := time.Since(start); got != tt.want {
						t.Errorf("the will came after %v; want %v", got, tt.want)
					}
					if want := pub5(2, "will", 1, props(), "gone"); string(p) != string(want) {
						t.Errorf("the will = %x; want %x", []byte(p), []byte(want))
					}
					w.send(ack(0x40, 1))
					w.wantSilence(2000 * time.Second) // once only (3.1.2-10)
				}
			})
		})
	}
}

// 3.1.3.2.3 to 3.1.3.2.8, 3.1.3-10: everything a Will has arrives with it; the
// Message Expiry begins when it is published.
func TestWillProperties(t *testing.T) {
	for qos := range 3 {
		bubble(t, Config{}, func(t *testing.T, b *Broker) {
			w, _ := connect(t, b, connectV5("watcher"))
			w.subscribe("w", 2)
			flags := 4 | qos<<3 | 0x20 | 2
			ps := props(0x18, u32(7), 2, u32(100), everyProperty)
			c, _ := connect(t, b, pkt(0x10, "MQTT", 5, flags, u16(0), props(expiry100), "c", ps, "w", []byte{0, 255}))
			c.crash()
			time.Sleep(7 * time.Second)
			m := w.publication()
			if m.topic != "w" || m.payload != "\x00\xff" || m.qos != qos || m.retain || m.expiry != 100 || string(m.props) != string(everyProperty) {
				t.Errorf("the will = %+v; want QoS %d, expiry 100 and %x", m, qos, []byte(everyProperty))
			}
			time.Sleep(10 * time.Second)
			late, _ := connect(t, b, connectV5("late")) // 3.1.2-17: it is retained
			late.subscribe("w", 2)
			m = late.publication()
			if !m.retain || m.qos != qos || m.expiry != 90 || string(m.props) != string(everyProperty) {
				t.Errorf("the retained will = %+v; want QoS %d, expiry 90 and %x", m, qos, []byte(everyProperty))
			}
		})
	}
}

// Empty properties and an empty payload are kept, and an empty retained Will
// removes what is retained.
func TestWillEmpty(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		w, _ := connect(t, b, connectV5("watcher"))
		w.subscribe("w", 0)
		w.send(pub5(1, "w", 0, props(), "old"))
		w.want(pub5(0, "w", 0, props(), "old"))
		c, _ := connect(t, b, pkt(0x10, "MQTT", 5, 0x26, u16(0), 0, "c", props(9, "", 3, "", 1, 0), "w", ""))
		c.crash()
		w.want(pub5(0, "w", 0, props(1, 0, 3, "", 9, ""), ""))
		w.exchange(sub5(1, "w", 0), pkt(0x90, u16(1), 0, 0))
		w.exchange(pingreq, pingresp)
	})
}

// Closing the broker publishes no Will, and tells version 5 clients why.
func TestClose(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		w, _ := connect(t, b, connectV5("watcher"))
		w.subscribe("#", 0)
		delayed, _ := connect(t, b, connectWill(true, 0, 100, props(0x18, u32(50))))
		delayed.crash()
		c, _ := connect(t, b, pkt(0x10, "MQTT", 5, 6, u16(0), 0, "d", 0, "will", "gone"))
		old, _ := connect(t, b, connectV311("old"))
		silent := dial(t, b)
		synctest.Wait()
		if err := b.Close(); err != nil {
			t.Errorf("Close() = %v; want nil", err)
		}
		w.want(disc(0x8b))
		w.wantClosed()
		c.want(disc(0x8b))
		old.wantClosed()
		silent.wantClosed()
		if s := b.Stats(); s.WillsPublished != 0 || s.Connections != 0 {
			t.Errorf("Stats() = %+v; want no will and no connection", s)
		}
		if _, err := b.Dial(t.Context()); err == nil {
			t.Error("Dial after Close = nil; want an error")
		}
		if b.Kick("d", 0) {
			t.Error("Kick after Close = true; want false")
		}
		x, y := net.Pipe()
		defer x.Close()
		b.ServeConn(y)
		if err := b.Close(); err != nil {
			t.Errorf("second Close() = %v; want nil", err)
		}
	})
}

func TestKick(t *testing.T) {
	config := Config{ServerReference: "other:1883"}
	bubble(t, config, func(t *testing.T, b *Broker) {
		if b.Kick("nobody", 0x98) {
			t.Error("Kick(nobody) = true; want false")
		}
		for _, tt := range []struct {
			code int
			want raw
		}{{0x98, disc(0x98)}, {0x9d, pkt(0xe0, 0x9d, props(0x1c, "other:1883"))}, {0x89, disc(0x89)}, {0, nil}} {
			c, _ := connect(t, b, connectV5("c", expiry100))
			if !b.Kick("c", byte(tt.code)) {
				t.Errorf("Kick(0x%x) = false; want true", tt.code)
			}
			if tt.want != nil {
				c.want(tt.want)
			}
			c.wantClosed()
			if b.Kick("c", 0) {
				t.Error("Kick of a client that is away = true; want false")
			}
		}
	})
}

// Admit sees every CONNECT and decides.
func TestAdmit(t *testing.T) {
	var seen []ConnectInfo
	config := Config{
		ServerReference: "other:1883",
		Admit: func(i ConnectInfo) byte {
			seen = append(seen, i)
			switch i.Number {
			case 2:
				return 0x9c
			case 3:
				return 0x89
			}
			return 0
		},
	}
	bubble(t, config, func(t *testing.T, b *Broker) {
		connect(t, b, connectV5(""))
		c := dial(t, b)
		c.exchange(connectV5("x"), pkt(0x20, 0, 0x9c, props(0x1c, "other:1883")))
		c.wantClosed()
		c = dial(t, b)
		c.exchange(connectV311("x"), unhex("20020003"))
		c.wantClosed()
		connect(t, b, pkt(0x10, "MQTT", 5, 0x82, u16(0), 0, "y", "me"))
		want := []ConnectInfo{
			{Number: 1, ClientID: "auto-1", Remote: "pipe:1", Version: 5}, {Number: 2, ClientID: "x", Remote: "pipe:1", Version: 5},
			{Number: 3, ClientID: "x", Remote: "pipe:1", Version: 4}, {Number: 4, ClientID: "y", Username: "me", Remote: "pipe:1", Version: 5},
		}
		for i, w := range want {
			if i >= len(seen) || seen[i] != w {
				t.Errorf("Admit saw %+v; want %+v", seen, want)
				break
			}
		}
	})
}
