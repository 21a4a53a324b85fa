package fleet

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices"
	"homefleet/fleet/broker"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Rule 6: Maximum QoS (3.2.2-11).
func TestRule6MaximumQoS(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, &packets.Properties{MaximumQOS: new(byte(0))})
		p.grant()
		if m := p.wantPublish(); m.QoS != 0 {
			t.Errorf("Online has QoS %d; want 0", m.QoS)
		}
		m := wire.Publish{Topic: []byte("cmnd/lamp/power"), QoS: 1, PacketID: 1}
		m.Props.ResponseTopic = []byte("phone")
		p.publish(m)
		p.want(packets.PUBACK)
		if r := p.wantPublish(); r.QoS != 0 {
			t.Errorf("reply has QoS %d; want 0", r.QoS)
		}
	})
}

// Rule 6: Retain Available (3.2.2-14).
func TestRule6RetainAvailable(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, &packets.Properties{RetainAvailable: new(byte(0))})
		p.grant()
		if m := p.wantPublish(); m.Retain {
			t.Error("Online is retained; want not")
		}
	})
}

// Rule 6: a Will that the broker does not take is lowered, once it says so with
// 0x9B or 0x9A (3.2.2-12, -13).
func TestRule6WillIsLowered(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(wire.QoSNotSupported, false, &packets.Properties{MaximumQOS: new(byte(0))})
		p.wantEnd()
		p = b.accept()
		if c := p.wantConnect(); c.Will.QoS != 0 || !c.Will.Retain {
			t.Errorf("second CONNECT: Will QoS %d, retain %t; want 0, true", c.Will.QoS, c.Will.Retain)
		}
		p.connack(wire.RetainNotSupported, false, nil)
		p.wantEnd()
		p = b.accept()
		if c := p.wantConnect(); c.Will.QoS != 0 || c.Will.Retain {
			t.Errorf("third CONNECT: Will QoS %d, retain %t; want 0, false", c.Will.QoS, c.Will.Retain)
		}
		p.connack(wire.QoSNotSupported, false, nil) // nothing is left to lower
		p.wantEnd()
		<-b.fleet.Ready()
		if got := b.fleet.Presence().GaveUp; got != 1 {
			t.Errorf("GaveUp = %d; want 1", got)
		}
		if got := b.fleet.Counts().Refused.Total(); got != 1 {
			t.Errorf("%d refusals are counted; want the last alone: a Will that is lowered is no failure", got)
		}
	})
}

// Clients take what the scenario has others send, however large.
func TestLargePayloads(t *testing.T) {
	snap, _ := brew(t, hasty+`
[[device]]
kind = "light"
[[controller]]
attribute = "power"
payload = "ON"
payload_size = "512KiB"
rate = "`+Some("4", "10")+`/min"
`, broker.Config{}, nil)
	if n := snap.Totals; n.Answered == 0 || n.Answered != n.Sent {
		t.Errorf("%d of %d requests with 512 KiB of payload are answered; want all", n.Answered, n.Sent)
	}
}

// Rule 6: Maximum Packet Size (3.2.2-15): what is too large is not sent.
func TestRule6MaximumPacketSize(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(&packets.Properties{MaximumPacketSize: new(uint32(200))})
		p.command("power", "ON", []byte("phone"), bytes.Repeat([]byte("x"), 300))
		p.wantMessage("state/lamp/power", "ON")
		p.wantMessage("state/lamp/brightness", "100")
		p.command("power", "", []byte("phone"), []byte("short"))
		p.wantMessage("phone", "ON")
		if got := b.fleet.Counts().TooLarge.Load(); got != 1 {
			t.Errorf("TooLarge = %d; want 1", got)
		}
	})
}

// Rule 6: Receive Maximum bounds what is unacknowledged, and the rest follows in
// order (3.3.4-7, 4.9).
func TestRule6ReceiveMaximum(t *testing.T) {
	for _, qos := range []byte{1, 2} {
		play(t, oneLight(nil), func(t *testing.T, b *script) {
			p := b.accept()
			p.welcome(&packets.Properties{ReceiveMaximum: new(uint16(2))})
			for i := range 5 {
				m := wire.Publish{Topic: []byte("cmnd/lamp/power"), QoS: qos, PacketID: uint16(i + 1)}
				m.Props.ResponseTopic = []byte("phone")
				m.Props.CorrelationData = []byte{byte(i)}
				p.publish(m)
			}
			var got []wire.Publish
			for len(got) < 2 { // among the acknowledgements of the requests
				if f := p.next(); f.Type() == packets.PUBLISH {
					m, _ := wire.ParsePublish(f, wire.V5)
					got = append(got, m)
				}
			}
			for f := p.next(); f.Type() != packets.PINGREQ; f = p.next() {
				if f.Type() == packets.PUBLISH {
					t.Fatalf("qos %d: a third PUBLISH while two are unacknowledged", qos)
				}
			}
			p.write(wire.Pingresp[:])
			for i := range 5 {
				m := got[i]
				if m.Props.CorrelationData[0] != byte(i) || m.QoS != qos {
					t.Errorf("qos %d: reply %d is to request %d, QoS %d; want in order", qos, i, m.Props.CorrelationData[0], m.QoS)
				}
				if qos == 1 {
					p.ack(packets.PUBACK, m.PacketID, 0)
				} else {
					p.ack(packets.PUBREC, m.PacketID, 0)
					p.want(packets.PUBREL)
					p.ack(packets.PUBCOMP, m.PacketID, 0)
				}
				if len(got) < 5 {
					got = append(got, p.wantPublish())
				}
			}
			p.quiet()
		})
	}
}

// Rule 6: without wildcards each attribute is subscribed to by name (3.2.2.3.11).
func TestRule6NoWildcards(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, &packets.Properties{WildcardSubAvailable: new(byte(0))})
		s := p.grant()
		kind, _ := devices.KindByName("light")
		if len(s.Subscriptions) != len(kind.Attributes) {
			t.Errorf("%d subscriptions; want %d", len(s.Subscriptions), len(kind.Attributes))
		}
		for i, o := range s.Subscriptions {
			if want := "cmnd/lamp/" + kind.Attributes[i].Name; o.Topic != want {
				t.Errorf("subscription %d is %s; want %s", i, o.Topic, want)
			}
		}
	})
}

// Rule 6: Server Keep Alive overrides the scenario's (3.2.2-21), and a PINGREQ
// goes out before it is over (3.1.2-20).
func TestRule6ServerKeepAlive(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		if c := p.wantConnect(); c.KeepAlive != 60 {
			t.Errorf("Keep Alive %d; want 60", c.KeepAlive)
		}
		p.connack(0, false, &packets.Properties{ServerKeepAlive: new(uint16(10))})
		p.grant()
		p.wantMessage("tele/lamp/lwt", "Online")
		for range 5 {
			start := time.Now()
			p.quiet()
			if d := time.Since(start); d > 10*time.Second || d < 2*time.Second {
				t.Errorf("PINGREQ after %v; want at most 10s and not much less", d)
			}
		}
	})
}

// Rule 6: a Server Keep Alive of 0 turns it off.
func TestRule6ServerKeepAliveOff(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(&packets.Properties{ServerKeepAlive: new(uint16(0))})
		time.Sleep(24 * time.Hour)
		p.command("power", "", []byte("phone"), nil)
		p.wantMessage("phone", "OFF")
	})
}

// Rule 6: Assigned Client Identifier (3.2.2-16) is used from then on.
func TestRule6AssignedClientID(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) {
		sc.Connect.ClientID = ""
		sc.Connect.SessionExpiry = time.Hour
	})
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		if c := p.wantConnect(); c.ClientID != "" {
			t.Errorf("client id %q; want none", c.ClientID)
		}
		p.connack(0, false, &packets.Properties{AssignedClientID: "auto-7"})
		p.grant()
		p.wantMessage("tele/lamp/lwt", "Online")
		p.conn.Close()
		p = b.accept()
		if c := p.wantConnect(); c.ClientID != "auto-7" {
			t.Errorf("client id at the reconnect %q; want auto-7", c.ClientID)
		}
	})
}

// Rule 6: Session Expiry lowered to 0 by the broker means a clean start next time.
func TestRule6SessionExpiry(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) { sc.Connect.SessionExpiry = time.Hour })
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(&packets.Properties{SessionExpiryInterval: new(uint32(0))})
		p.conn.Close()
		p = b.accept()
		if c := p.wantConnect(); !c.CleanStart {
			t.Error("Clean Start 0 for a session that has ended; want 1")
		}
	})
}

// Rule 7: which refusals are tried again, and which are final.
func TestRule7ConnackReasonCodes(t *testing.T) {
	for code := 0x80; code <= 0xA2; code++ {
		if code == wire.QoSNotSupported || code == wire.RetainNotSupported {
			continue // TestRule6WillIsLowered
		}
		retry := code == 0x88 || code == 0x89 || code == 0x97 || code == 0x9F
		play(t, oneLight(nil), func(t *testing.T, b *script) {
			p := b.accept()
			p.wantConnect()
			props := &packets.Properties{}
			if code == wire.UseAnotherServer || code == wire.ServerMoved {
				props.ServerReference = "other.example:1883"
			}
			p.connack(byte(code), false, props)
			p.wantEnd()
			if got := b.fleet.Counts().Refused.ByName()[wire.ReasonName(byte(code))]; got != 1 {
				t.Errorf("0x%02X is counted %d times by its name; want 1", code, got)
			}
			if retry {
				b.accept().welcome(nil)
				return
			}
			err := b.ended.wait()
			if err == nil || !strings.Contains(err.Error(), wire.ReasonName(byte(code))) || !strings.Contains(err.Error(), "lamp") ||
				!strings.Contains(err.Error(), "mqtt://broker") || !strings.Contains(err.Error(), props.ServerReference) {
				t.Errorf("0x%02X: Run() = %v; want an error with device, broker, reason and server reference", code, err)
			}
		})
	}
}

// Rule 7: a DISCONNECT with 0x8E does not reconnect, 0x8B and others do.
func TestRule7DisconnectReasonCodes(t *testing.T) {
	tests := []struct {
		code  byte
		again bool
	}{
		{wire.ServerShuttingDown, true}, {wire.KeepAliveTimeout, true}, {wire.AdministrativeAction, true},
		{wire.ServerBusy, true}, {wire.ProtocolError, true},
		{wire.SessionTakenOver, false}, {wire.UseAnotherServer, false}, {wire.ServerMoved, false},
	}
	for _, tt := range tests {
		play(t, oneLight(nil), func(t *testing.T, b *script) {
			p := b.accept()
			p.welcome(nil)
			p.send(&packets.Disconnect{ReasonCode: tt.code, Properties: &packets.Properties{ServerReference: "elsewhere"}})
			p.wantEnd()
			if tt.again {
				b.accept().welcome(nil)
				return
			}
			err := b.ended.wait()
			if err == nil || !strings.Contains(err.Error(), wire.ReasonName(tt.code)) {
				t.Errorf("0x%02X: Run() = %v; want an error that names it", tt.code, err)
			}
		})
	}
}

// A SUBACK has a reason code for each topic that was asked for (3.9.3-1).
func TestSubackOfAnotherLength(t *testing.T) {
	for _, reasons := range [][]byte{{1, 1}, {1, 1, 1}} {
		play(t, oneLight(nil), func(t *testing.T, b *script) {
			p := b.accept()
			p.wantConnect()
			p.connack(0, false, nil)
			p.send(&packets.Suback{PacketID: p.wantSubscribe().PacketID, Reasons: reasons, Properties: &packets.Properties{}})
			got := p.wantEnd()
			if len(got) != 1 || got[0].Type() != packets.DISCONNECT || got[0].Body()[0] != wire.ProtocolError {
				t.Errorf("%d reason codes for one topic: answered with % x; want DISCONNECT 0x82", len(reasons), got)
			}
			b.accept().welcome(nil)
		})
	}
}

// Rule 7: a SUBACK that refuses the commands.
func TestRule7SubackRefused(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, nil)
		p.refuse()
		err := b.ended.wait()
		if err == nil || !strings.Contains(err.Error(), "not authorized (0x87)") || !strings.Contains(err.Error(), "subscri") {
			t.Errorf("Run() = %v; want the refused subscription", err)
		}
	})
}

// Rule 8: full jitter is drawn from the seed, stays under its ceiling, and starts
// anew after a stable time.
func TestRule8Backoff(t *testing.T) {
	waits := func(seed uint64, kind scenarios.BackoffKind) []time.Duration {
		sc := oneLight(func(sc *scenarios.Scenario) {
			sc.Seed = seed
			g := &sc.Groups[0]
			g.Backoff, g.BackoffMin, g.BackoffMax = kind, time.Second, 8*time.Second
			sc.Connect.BackoffReset = 30 * time.Second
		})
		var got []time.Duration
		play(t, sc, func(t *testing.T, b *script) {
			for range 6 {
				p := b.accept()
				p.wantConnect()
				start := time.Now()
				p.conn.Close()
				next := b.accept()
				got = append(got, time.Since(start))
				next.wantConnect()
				next.conn.Close()
				b.accept().conn.Close()
			}
		})
		return got
	}
	a := waits(7, scenarios.FullJitter)
	for i, d := range a {
		if d < 0 || d > 8*time.Second {
			t.Errorf("wait %d is %v; want under 8s", i, d)
		}
	}
	if b := waits(7, scenarios.FullJitter); !equal(a, b) {
		t.Errorf("the same seed waits %v and %v; want the same", a, b)
	}
	if b := waits(8, scenarios.FullJitter); equal(a, b) {
		t.Errorf("two seeds both wait %v; want different", a)
	}
	for _, d := range waits(7, scenarios.Naive) {
		if d != time.Second {
			t.Errorf("naive waits %v; want 1s", d)
		}
	}
}

func equal(a, b []time.Duration) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
