package broker

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A CONNECT that is refused changes nothing: the connection with its Client
// Identifier stays, so does the session of a client that is away, and what
// follows it is not handled (3.1.4-6).
func TestRefusalChangesNothing(t *testing.T) {
	small := pkt(0x10, "MQTT", 5, 6, u16(0), props(0x27, u32(6)), "c", 0, "will", "gone") // smaller than the CONNACK
	for _, tt := range []struct {
		name   string
		limits Limits
		online bool // the client with the identifier is connected
		in     raw
		want   raw
	}{
		{"too small a packet size, take-over", Limits{}, true, small, unhex("2003009500")},
		{"too small a packet size, session", Limits{}, false, small, unhex("2003009500")},
		{"too small for any CONNACK", Limits{}, true, connectV5("c", 0x27, u32(4)), nil},
		{"too small for the CONNACK that refuses", Limits{}, true, connectV5("c", 0x27, u32(4), 0x15, "X"), nil},
		{"no room, Clean Start", Limits{MaximumConnections: 2}, false, connectV5("c"), unhex("2003008900")},
		{"no room", Limits{MaximumConnections: 2}, false, resumeV5("c"), unhex("2003008900")},
		{"malformed", Limits{}, true, connectV5("c", 0x21, u16(0)), unhex("2003008200")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, Config{Limits: tt.limits}, func(t *testing.T, b *Broker) {
				watcher, _ := connect(t, b, connectV5("watcher"))
				watcher.subscribe("#", 0)
				first, _ := connect(t, b, connectV5("c", expiry100))
				first.subscribe("q", 1)
				if !tt.online {
					first.crash()
					connect(t, b, connectV5("d")) // fills up to two
				}
				before := b.Stats()
				c := dial(t, b)
				c.send(enc(tt.in, pub5(0, "a", 0, props(), "not this")))
				if tt.want != nil {
					c.want(tt.want)
				}
				c.wantClosed()
				watcher.exchange(pingreq, pingresp)
				if tt.online {
					first.exchange(pingreq, pingresp)
				}
				s := b.Stats()
				if s.Refused != before.Refused+1 || s.Sessions != before.Sessions || s.Clients != before.Clients || s.Subscriptions != 2 || s.TakenOver != 0 {
					t.Errorf("Stats() = %+v; want one more refused than %+v and nothing else", s, before)
				}
			})
		})
	}
}

// What no packet can start with is a connection refused too, and a socket that
// sends nothing is not blamed for its keep alive.
func TestNoConnect(t *testing.T) {
	var text strings.Builder
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	bubble(t, Config{Log: log}, func(t *testing.T, b *Broker) {
		garbage := dial(t, b)
		garbage.send(unhex("00"))
		garbage.wantClosed()
		dial(t, b)
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.Stats(); s.Refused != 2 || s.KeepAliveTimeouts != 0 {
			t.Errorf("Refused = %d, KeepAliveTimeouts = %d; want 2, 0", s.Refused, s.KeepAliveTimeouts)
		}
	})
	if got := text.String(); !strings.Contains(got, "no CONNECT came in time") || strings.Contains(got, "keep alive") {
		t.Errorf("log = %q; want no CONNECT came in time, and no word of a keep alive", got)
	}
}

// 3.1.2-24: a DISCONNECT goes without its Server Reference where the client takes
// only smaller packets.
func TestDisconnectFits(t *testing.T) {
	bubble(t, Config{ServerReference: "other.example:1883"}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c", 0x27, u32(20))) // with the reference it has 25
		b.Kick("c", 0x9d)
		c.want(disc(0x9d))
		c.wantClosed()
	})
}

// A Will that cannot be retained any more comes to those who subscribe all the
// same (3.1.2-8): there is nobody to refuse it to.
func TestWillOverRetainedBound(t *testing.T) {
	bubble(t, Config{Limits: Limits{MaximumRetained: 1}}, func(t *testing.T, b *Broker) {
		w, _ := connect(t, b, connectV5("watcher"))
		w.subscribe("will", 0)
		w.send(pub5(1, "full", 0, props(), "x"))
		c, _ := connect(t, b, pkt(0x10, "MQTT", 5, 6|0x20, u16(0), 0, "c", 0, "will", "gone"))
		c.crash()
		w.want(pub5(0, "will", 0, props(), "gone"))
		w.exchange(pingreq, pingresp) // once
		if s := b.Stats(); s.WillsPublished != 1 || s.Retained != 1 || s.DroppedRefused != 1 {
			t.Errorf("Stats() = %+v; want one Will published, one message retained, one not", s)
		}
	})
}

// 3.1.3.2.4: the expiry of a Will begins when it is published, and holds in the
// queue of a client that is away.
func TestWillExpiresInQueue(t *testing.T) {
	for _, tt := range []struct {
		away time.Duration // from the end of the connection on
		want int           // expiry; -1: it has expired
	}{{10 * time.Second, 5}, {12 * time.Second, 3}, {15 * time.Second, -1}} {
		bubble(t, Config{}, func(t *testing.T, b *Broker) {
			w, _ := connect(t, b, connectV5("w", expiry100))
			w.subscribe("will", 1)
			w.crash()
			c, _ := connect(t, b, connectWill(true, 0, 100, props(0x18, u32(10), 2, u32(5))))
			c.crash()
			time.Sleep(tt.away)
			synctest.Wait()
			w, _ = connect(t, b, resumeV5("w"))
			if tt.want < 0 {
				w.exchange(pingreq, pingresp)
				if n := b.Stats().DroppedExpired; n != 1 {
					t.Errorf("DroppedExpired = %d; want 1", n)
				}
				return
			}
			if m := w.publication(); m.payload != "gone" || m.expiry != tt.want {
				t.Errorf("after %v the Will = %+v; want it with expiry %d", tt.away, m, tt.want)
			}
		})
	}
}
