package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Unacknowledged messages are sent again on the resumed session, in order, with
// their ids, PUBLISH with DUP and PUBREL as it is, and never within a
// connection (4.4.0-1).
func TestResumeSendsAgain(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) { sc.Connect.SessionExpiry = time.Hour })
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		request := func(id uint16, qos byte, cd string) {
			m := wire.Publish{Topic: []byte("cmnd/lamp/power"), QoS: qos, PacketID: id}
			m.Props.ResponseTopic, m.Props.CorrelationData = []byte("phone"), []byte(cd)
			p.publish(m)
		}
		request(1, 1, "a")
		p.want(packets.PUBACK)
		first := p.wantPublish()
		request(2, 2, "b")
		p.want(packets.PUBREC)
		second := p.wantPublish()
		p.ack(packets.PUBREC, second.PacketID, 0)
		p.want(packets.PUBREL)
		request(3, 2, "c") // its PUBREL is never sent on this connection
		p.want(packets.PUBREC)
		third := p.wantPublish()
		p.quiet() // nothing is sent again by time
		p.conn.Close()

		p = b.accept()
		if c := p.wantConnect(); c.CleanStart {
			t.Error("Clean Start 1; want 0")
		}
		p.connack(0, true, nil)
		var ids []uint16
		for range 4 {
			f := p.next()
			switch f.Type() {
			case packets.PUBLISH:
				m, _ := wire.ParsePublish(f, wire.V5)
				if string(m.Payload) == "Online" {
					continue
				}
				if !m.Dup {
					t.Errorf("PUBLISH %d without DUP", m.PacketID)
				}
				ids = append(ids, m.PacketID)
			case packets.PUBREL:
				a, _ := wire.ParseAck(f, wire.V5)
				ids = append(ids, a.PacketID)
			default:
				t.Errorf("got %s", wire.TypeName(f.Type()))
			}
		}
		want := []uint16{first.PacketID, second.PacketID, third.PacketID}
		if len(ids) != 3 || ids[0] != want[0] || ids[1] != want[1] || ids[2] != want[2] {
			t.Errorf("sent again: %v; want %v", ids, want)
		}
		// The broker sends the third request again; it is not obeyed twice.
		before := b.fleet.Counts().Requests.Load()
		m := wire.Publish{Topic: []byte("cmnd/lamp/power"), QoS: 2, PacketID: 3, Dup: true}
		m.Props.ResponseTopic = []byte("phone")
		p.publish(m)
		if a, _ := wire.ParseAck(p.want(packets.PUBREC), wire.V5); a.PacketID != 3 {
			t.Errorf("PUBREC for %d; want 3", a.PacketID)
		}
		p.ack(packets.PUBREL, 3, 0)
		p.want(packets.PUBCOMP)
		if got := b.fleet.Counts().Requests.Load(); got != before {
			t.Errorf("the repeated request was obeyed again")
		}
		// Once released, the id may be used for a new message.
		m.Dup = false
		p.publish(m)
		p.want(packets.PUBREC)
		if r := p.wantPublish(); string(r.Topic) != "phone" {
			t.Errorf("reply on %s; want phone", r.Topic)
		}
	})
}

// A session that is gone on the broker takes its unacknowledged messages along
// and is subscribed to anew.
func TestSessionLostOnBroker(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) { sc.Connect.SessionExpiry = time.Hour })
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		m := wire.Publish{Topic: []byte("cmnd/lamp/power"), QoS: 1, PacketID: 1}
		m.Props.ResponseTopic = []byte("phone")
		p.publish(m)
		p.want(packets.PUBACK)
		p.wantPublish()
		p.conn.Close()
		p = b.accept()
		p.welcome(nil) // Session Present 0, SUBSCRIBE, Online, nothing else
		p.quiet()
		if got := b.fleet.Counts().Abandoned.Load(); got != 1 {
			t.Errorf("Abandoned = %d; want 1", got)
		}
	})
}

// Session Present without a session here means close (3.2.2-4).
func TestSessionPresentUnasked(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, true, nil)
		p.wantEnd()
		b.accept().welcome(nil)
		if got := b.fleet.Counts().BadPackets.Load(); got != 1 {
			t.Errorf("BadPackets = %d; want 1", got)
		}
	})
}

// A PUBREL for an id that is not known is answered with 0x92 (3.7.2.1), and a
// PUBREC for one with a PUBREL that says so.
func TestUnknownPacketIDs(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		p.ack(packets.PUBREL, 77, 0)
		if a, _ := wire.ParseAck(p.want(packets.PUBCOMP), wire.V5); a.PacketID != 77 || a.Code != wire.PacketIDNotFound {
			t.Errorf("PUBCOMP %+v; want 77 with 0x92", a)
		}
		p.ack(packets.PUBREC, 78, 0)
		if a, _ := wire.ParseAck(p.want(packets.PUBREL), wire.V5); a.PacketID != 78 || a.Code != wire.PacketIDNotFound {
			t.Errorf("PUBREL %+v; want 78 with 0x92", a)
		}
		p.ack(packets.PUBACK, 79, 0)
		p.ack(packets.PUBCOMP, 80, 0)
		p.quiet()
	})
}

// PUBCOMP with 0x92 is no error where a PUBREL is sent again on a session that goes on, and a
// refusal at other times (3.7.2.1).
func TestUnknownPacketIDWhileRecovering(t *testing.T) {
	sc := scenarioOf(t, "[connect]\nsession_expiry = \"1h\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\nqos = 2\n")
	// released takes the first message at QoS 2, if it comes, and returns the Packet
	// Identifier of the first PUBREL.
	released := func(t *testing.T, p *peer) uint16 {
		t.Helper()
		for first := true; ; {
			f := p.next()
			if f == nil {
				t.Fatal("the connection ends without a PUBREL")
			}
			switch f.Type() {
			case packets.PUBLISH:
				if m, err := wire.ParsePublish(f, wire.V5); err == nil && m.QoS == 2 && first {
					first = false
					p.ack(packets.PUBREC, m.PacketID, 0)
				}
			case packets.PUBREL:
				a, _ := wire.ParseAck(f, wire.V5)
				return a.PacketID
			}
		}
	}
	for recovers, want := range map[bool]int64{true: 0, false: 1} {
		play(t, sc, func(t *testing.T, b *script) {
			p := b.accept()
			p.welcome(nil)
			p.command("brightness", "40", nil, nil)
			id := released(t, p)
			if recovers {
				p.conn.Close()
				p = b.accept()
				p.wantConnect()
				p.connack(0, true, nil)
				if again := released(t, p); again != id {
					t.Errorf("PUBREL of %d when the session goes on; want %d again", again, id)
				}
			}
			p.ack(packets.PUBCOMP, id, wire.PacketIDNotFound)
			synctest.Wait()
			if n := b.fleet.Counts().PublishRefused.Total(); n != want {
				t.Errorf("recovering %v, %d messages are refused by a PUBCOMP with 0x92; want %d", recovers, n, want)
			}
		})
	}
}

// More QoS 2 messages than Receive Maximum allows end the connection with 0x93
// (3.3.4-9).
func TestReceiveMaximumOfTheDevice(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) { sc.Connect.ReceiveMaximum = 2 })
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		if c := p.welcome(nil); c.ReceiveMaximum != 2 {
			t.Errorf("Receive Maximum %d; want 2", c.ReceiveMaximum)
		}
		for i := range 3 {
			p.publish(wire.Publish{Topic: []byte("x"), QoS: 2, PacketID: uint16(i + 1)})
		}
		got := p.wantEnd()
		last := got[len(got)-1]
		if last.Type() != packets.DISCONNECT || last.Body()[0] != wire.ReceiveMaximumExceeded {
			t.Errorf("the last packet is % x; want DISCONNECT 0x93", []byte(last))
		}
	})
}

// A broker that stops answering is noticed by the missing PINGRESP.
func TestNoPingresp(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		p.want(packets.PINGREQ)
		start := time.Now()
		p.wantEnd()
		if d := time.Since(start); d > 11*time.Second {
			t.Errorf("the device waited %v for PINGRESP; want 10s", d)
		}
		b.accept().welcome(nil)
		if !strings.Contains(b.log.String(), "waiting for PINGRESP") {
			t.Error("the log does not say that PINGRESP was missing")
		}
	})
}

// A broker that accepts connections and says nothing.
func TestNoConnack(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		start := time.Now()
		p.wantEnd()
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("the device waited %v for CONNACK; want 10s", d)
		}
		p = b.accept()
		p.wantConnect()
		p.connack(0, false, nil)
		p.wantSubscribe()
		p.wantEnd()
		b.accept().welcome(nil)
		if got := b.fleet.Counts().HandshakeFailures.Load(); got != 1 {
			t.Errorf("HandshakeFailures = %d; want 1, for the missing CONNACK", got)
		}
		if log := b.log.String(); !strings.Contains(log, "waiting for CONNACK") || !strings.Contains(log, "waiting for SUBACK") {
			t.Error("the log does not say what was waited for")
		}
	})
}

// What a broken or hostile broker may send. The device closes, says why if it is
// connected, and comes back.
func TestGarbage(t *testing.T) {
	connected := map[string]struct {
		bytes []byte
		code  byte // of the DISCONNECT that answers
	}{
		"reserved type":      {[]byte{0x00, 0x00}, wire.MalformedPacket},
		"endless length":     {[]byte{0x30, 0xff, 0xff, 0xff, 0xff, 0x01}, wire.MalformedPacket},
		"256 MB promised":    {[]byte{0x30, 0xff, 0xff, 0xff, 0x7f}, wire.PacketTooLarge},
		"CONNECT":            {[]byte("\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00"), wire.ProtocolError},
		"second CONNACK":     {[]byte{0x20, 0x03, 0, 0, 0}, wire.ProtocolError},
		"wildcard topic":     {[]byte{0x30, 0x06, 0, 3, 'a', '/', '+', 0}, wire.TopicNameInvalid},
		"topic alias":        {[]byte{0x30, 0x07, 0, 1, 'a', 3, 0x23, 0, 1}, wire.TopicAliasInvalid},
		"packet id 0":        {[]byte{0x32, 0x06, 0, 1, 'a', 0, 0, 0}, wire.ProtocolError},
		"qos 3":              {[]byte{0x36, 0x06, 0, 1, 'a', 0, 1, 0}, wire.MalformedPacket},
		"bad UTF-8":          {[]byte{0x30, 0x04, 0, 1, 0xff, 0}, wire.MalformedPacket},
		"SUBACK for nothing": {[]byte{0x90, 0x04, 0, 99, 0, 0}, wire.ProtocolError},
		"two Response Topics": {append([]byte{0x30, 0x0d, 0, 1, 'a', 8}, "\x08\x00\x01b\x08\x00\x01c!"...),
			wire.ProtocolError},
	}
	for name, tt := range connected {
		t.Run(name, func(t *testing.T) {
			play(t, oneLight(nil), func(t *testing.T, b *script) {
				p := b.accept()
				p.welcome(nil)
				p.write(tt.bytes)
				got := p.wantEnd()
				if len(got) != 1 || got[0].Type() != packets.DISCONNECT || got[0].Body()[0] != tt.code {
					t.Errorf("answered with % x; want DISCONNECT 0x%02X", got, tt.code)
				}
				b.accept().welcome(nil)
			})
		})
	}
	for name, garbage := range map[string]string{
		"HTTP":         "HTTP/1.1 400 Bad Request\r\n\r\n",
		"SSH":          "SSH-2.0-OpenSSH_9.2p1\r\n",
		"PINGRESP":     "\xd0\x00",
		"half CONNACK": "\x20\x03\x00",
		"CONNACK 0x01": "\x20\x03\x00\x01\x00", // 3.2.2.2 has none but 0x00 below 0x80
		"zeros":        strings.Repeat("\x00", 100),
	} {
		t.Run(name, func(t *testing.T) {
			play(t, oneLight(nil), func(t *testing.T, b *script) {
				p := b.accept()
				p.wantConnect()
				p.write([]byte(garbage))
				if name == "half CONNACK" {
					p.conn.Close()
				} else if got := p.wantEnd(); len(got) != 0 {
					t.Errorf("answered with % x before CONNACK; want nothing", got)
				}
				b.accept().welcome(nil)
			})
		})
	}
}

// A broker that speaks MQTT 3.1.1 only answers with a CONNACK of two bytes.
func TestOldBroker(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.write([]byte{0x20, 2, 0, 1})
		err := b.ended.wait()
		if err == nil || !strings.Contains(err.Error(), "3.1.1") || !strings.Contains(err.Error(), "lamp") {
			t.Errorf("Run() = %v; want that the broker speaks 3.1.1 only", err)
		}
	})
}

func TestFailFast(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(wire.ServerBusy, false, nil) // would be tried again
		err := b.ended.wait()
		var refused *client.RefusedError
		if !errors.As(err, &refused) || refused.Code != wire.ServerBusy {
			t.Errorf("Run() = %v; want server busy", err)
		}
	}, func(o *Options) { o.FailFast = true })
}

// An orderly stop publishes Offline and sends DISCONNECT 0x00 (3.1.2-10), also
// while CONNACK or SUBACK are still to come.
func TestStop(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		start := time.Now()
		b.stop()
		if m := p.wantPublish(); string(m.Payload) != "Offline" || string(m.Topic) != "tele/lamp/lwt" || !m.Retain {
			t.Errorf("got %q on %s, retain %t; want Offline on tele/lamp/lwt, retained", m.Payload, m.Topic, m.Retain)
		}
		d := p.want(packets.DISCONNECT)
		if d.Body()[0] != 0 {
			t.Errorf("DISCONNECT 0x%02X; want 0x00", d.Body()[0])
		}
		p.conn.Close()
		b.ended <- <-b.ended
		if took := time.Since(start); took > time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		b.stop()
		p.want(packets.DISCONNECT) // the Will may be in force already
		b.ended <- <-b.ended       // though the broker never hangs up
	})
	play(t, oneLight(nil), func(t *testing.T, b *script) { // in back-off
		p := b.accept()
		p.conn.Close()
		synctest.Wait()
		b.stop()
		start := time.Now()
		b.ended <- <-b.ended
		if took := time.Since(start); took != 0 {
			t.Errorf("stopping in back-off took %v", took)
		}
	})
}

// A device that was stopped leaves no session behind, unless the scenario keeps
// sessions from run to run.
func TestStopEndsSession(t *testing.T) {
	for _, clean := range []bool{true, false} {
		sc := oneLight(func(sc *scenarios.Scenario) {
			sc.Connect.SessionExpiry = time.Hour
			sc.Connect.Resume = !clean
		})
		play(t, sc, func(t *testing.T, b *script) {
			p := b.accept()
			p.welcome(nil)
			b.stop()
			p.wantPublish()
			packet, err := wire.Decode(p.want(packets.DISCONNECT), wire.V5)
			if err != nil {
				t.Fatal(err)
			}
			expiry := packet.(*packets.Disconnect).Properties.SessionExpiryInterval
			if got := expiry != nil && *expiry == 0; got != clean {
				t.Errorf("clean start %t: DISCONNECT ends the session: %t; want %t", clean, got, clean)
			}
			p.conn.Close()
		})
	}
}

// The ways to go, as the broker sees them.
func TestDie(t *testing.T) {
	tests := []struct {
		way  OfflineMode
		want []byte // packet types before the end
		code byte   // of the DISCONNECT
	}{
		{Orderly, []byte{packets.PUBLISH, packets.DISCONNECT}, 0x00},
		{WithWill, []byte{packets.DISCONNECT}, 0x04},
		{Cut, nil, 0},
		{Reset, nil, 0},
	}
	for _, tt := range tests {
		t.Run(string(tt.way), func(t *testing.T) {
			play(t, oneLight(nil), func(t *testing.T, b *script) {
				p := b.accept()
				p.welcome(nil)
				d, _ := b.fleet.Device("lamp")
				if err := d.Die(t.Context(), tt.way); err != nil {
					t.Fatal(err)
				}
				got := p.wantEnd()
				if len(got) != len(tt.want) {
					t.Fatalf("got % x; want %d packets", got, len(tt.want))
				}
				for i, f := range got {
					if f.Type() != tt.want[i] {
						t.Errorf("packet %d is %s; want %s", i, wire.TypeName(f.Type()), wire.TypeName(tt.want[i]))
					}
					if f.Type() == packets.DISCONNECT && f.Body()[0] != tt.code {
						t.Errorf("DISCONNECT 0x%02X; want 0x%02X", f.Body()[0], tt.code)
					}
				}
				time.Sleep(time.Hour) // it stays away
				if b.fleet.Presence().Online != 0 {
					t.Error("the device came back by itself")
				}
				if err := d.Return(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.accept().welcome(nil)
			})
		})
	}
}

// A silent device neither reads nor writes, but its connection stays.
func TestSilence(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		d, _ := b.fleet.Device("lamp")
		if err := d.Die(t.Context(), Silence); err != nil {
			t.Fatal(err)
		}
		p.command("power", "ON", nil, nil)
		p.conn.SetReadDeadline(time.Now().Add(time.Hour))
		var timeout net.Error
		if n, err := p.conn.Read(make([]byte, 100)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("read %d bytes, %v; want nothing for an hour", n, err)
		}
		if err := d.Return(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.wantEnd()
		b.accept().welcome(nil)
	})
}

// Telemetry comes at its interval with its jitter, as JSON.
func TestTelemetry(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) {
		sc.Groups[0].Telemetry = 30 * time.Second
		sc.Groups[0].TelemetryJitter = 0.1
		sc.Connect.KeepAlive = 0
	})
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		start := time.Now()
		var last time.Time
		for i := range 20 {
			m := p.wantPublish()
			if string(m.Topic) != "tele/lamp/state" || !json.Valid(m.Payload) || string(m.Props.ContentType) != "application/json" {
				t.Fatalf("got %q on %s (%s); want JSON on tele/lamp/state", m.Payload, m.Topic, m.Props.ContentType)
			}
			now := time.Now()
			if i == 0 {
				if d := now.Sub(start); d > 30*time.Second {
					t.Errorf("the first telemetry came after %v; want within 30s", d)
				}
			} else if d := now.Sub(last); d < 27*time.Second || d > 33*time.Second {
				t.Errorf("telemetry after %v; want 30s ±10%%", d)
			}
			last = now
		}
	})
}

// The ramp connects at its rate.
func TestRamp(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) {
		sc.Groups[0].Count, sc.Groups[0].ID = 50, "lamp-{n}"
		sc.Connect.Rate = 10
	})
	play(t, sc, func(t *testing.T, b *script) {
		start := time.Now()
		for i := range 50 {
			b.accept().welcome(nil)
			if got, want := time.Since(start), time.Duration(i)*100*time.Millisecond; got < want-time.Millisecond || got > want+50*time.Millisecond {
				t.Errorf("device %d connected after %v; want %v", i, got, want)
			}
		}
		<-b.fleet.Ready()
		if p := b.fleet.Presence(); p.Online != 50 || p.Seen != 50 || p.Devices != 50 {
			t.Errorf("Presence = %+v; want 50 devices online", p)
		}
	})
}

// The run ends by itself when its duration is over.
func TestDuration(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) { sc.Duration = 5 * time.Minute })
	play(t, sc, func(t *testing.T, b *script) {
		start := time.Now()
		p := b.accept()
		p.welcome(nil)
		for {
			f := p.next()
			if f.Type() == packets.DISCONNECT {
				break
			}
			if f.Type() == packets.PINGREQ {
				p.write(wire.Pingresp[:])
			}
		}
		p.conn.Close()
		err := b.ended.wait()
		if took := time.Since(start); err != nil || took != 5*time.Minute {
			t.Errorf("Run() = %v after %v; want nil after 5m", err, took)
		}
	})
}

// A password is asked for with the device's own values and never logged.
func TestPassword(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) {
		sc.Broker.Username = "user-{id}"
		sc.Broker.Password = scenarios.Secret{File: "/secrets/{id}"}
	})
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		c := p.wantConnect()
		if c.Username != "user-lamp" || string(c.Password) != "hush-lamp" {
			t.Errorf("user %q, password %q; want user-lamp, hush-lamp", c.Username, c.Password)
		}
		p.connack(wire.BadUserNameOrPassword, false, nil)
		err := b.ended.wait()
		if text := b.log.String() + err.Error(); strings.Contains(text, "hush") {
			t.Errorf("the password is in the log or error:\n%s", text)
		}
	}, func(o *Options) {
		o.Secret = func(s scenarios.Secret, v scenarios.Vars) ([]byte, error) {
			if s.File.Expand(v) != "/secrets/lamp" {
				return nil, errors.New("not that file")
			}
			return []byte("hush-" + v.ID), nil
		}
	})
}

// Packets arrive in any pieces.
func TestBytewise(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("ON"), QoS: 1, PacketID: 5}
		m.Props.ResponseTopic = []byte("phone")
		m.Props.CorrelationData = bytes.Repeat([]byte("c"), 1000)
		for _, c := range wire.AppendPublish(nil, &m, wire.V5) {
			p.write([]byte{c})
			time.Sleep(time.Millisecond)
		}
		p.want(packets.PUBACK)
		p.wantMessage("phone", "ON")
		p.wantMessage("state/lamp/power", "ON")
	})
}

// A broker that does not read costs the device a time-out, not its life.
func TestBrokerDoesNotRead(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		m := wire.Publish{Topic: []byte("cmnd/lamp/power")}
		m.Props.ResponseTopic = []byte("phone")
		m.Props.CorrelationData = bytes.Repeat([]byte("c"), 60_000)
		packet := wire.AppendPublish(nil, &m, wire.V5)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for ctx.Err() == nil {
			p.conn.SetWriteDeadline(time.Now().Add(time.Minute))
			if _, err := p.conn.Write(packet); err != nil {
				break
			}
		}
		if ctx.Err() != nil {
			t.Error("the device never gave the connection up")
		}
		p.conn.Close()
		b.accept().welcome(nil)
	})
}
