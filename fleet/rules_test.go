package fleet

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Rule 1: the reply goes to the Response Topic with the Correlation Data byte
// for byte (4.10.1, 3.3.2-16).
func TestRule1Reply(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	tests := []struct {
		name string
		cd   []byte // nil is absent
		qos  byte
	}{
		{"absent", nil, 0},
		{"empty", []byte{}, 0},
		{"zero byte", []byte{0}, 0},
		{"every byte", all, 1},
		{"65,535 bytes", bytes.Repeat([]byte{0, 0xff, 'x'}, 65535/3), 1},
		{"qos 2", []byte("two"), 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			play(t, oneLight(nil), func(t *testing.T, b *script) {
				p := b.accept()
				p.welcome(nil)
				m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("ON"), QoS: tt.qos, PacketID: 9}
				m.Props.ResponseTopic = []byte("phone/answers")
				m.Props.CorrelationData = tt.cd
				m.Props.User = wire.AppendUserProperty(nil, "trace", "1")
				p.publish(m)
				switch tt.qos {
				case 1:
					p.want(packets.PUBACK)
				case 2:
					p.want(packets.PUBREC)
				}
				r := p.wantPublish()
				if string(r.Topic) != "phone/answers" || string(r.Payload) != "ON" {
					t.Errorf("reply %q on %s; want ON on phone/answers", r.Payload, r.Topic)
				}
				if !bytes.Equal(r.Props.CorrelationData, tt.cd) || (r.Props.CorrelationData == nil) != (tt.cd == nil) {
					t.Errorf("Correlation Data of %d bytes (absent %t); want %d (absent %t)",
						len(r.Props.CorrelationData), r.Props.CorrelationData == nil, len(tt.cd), tt.cd == nil)
				}
				if r.QoS != tt.qos || r.Retain || r.Props.ResponseTopic != nil {
					t.Errorf("reply has QoS %d, retain %t, Response Topic %q; want QoS %d, not retained, none",
						r.QoS, r.Retain, r.Props.ResponseTopic, tt.qos)
				}
				if string(r.Props.ContentType) != "text/plain" || r.Props.PayloadFormat != 1 || !r.Props.HasPayloadFormat {
					t.Errorf("Content Type %q, Payload Format %d; want text/plain, 1", r.Props.ContentType, r.Props.PayloadFormat)
				}
				s := p.wantMessage("state/lamp/power", "ON") // watchers are not blind
				if s.Props.CorrelationData != nil {
					t.Errorf("the state message carries Correlation Data %q; want none", s.Props.CorrelationData)
				}
			})
		})
	}
}

// Rule 1: where the Response Topic is the state topic, one message serves both.
func TestRule1StateTopicServesBoth(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		p.command("power", "ON", []byte("state/lamp/power"), []byte("0123"))
		r := p.wantMessage("state/lamp/power", "ON")
		if string(r.Props.CorrelationData) != "0123" {
			t.Errorf("Correlation Data %q; want 0123", r.Props.CorrelationData)
		}
		p.wantMessage("state/lamp/brightness", "100") // which changed with it
		p.quiet()
	})
	retained := oneLight(func(sc *scenarios.Scenario) { sc.Groups[0].Retain = true })
	play(t, retained, func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		for range reported(retained.Groups[0].Kind) {
			if m := p.wantPublish(); !m.Retain {
				t.Errorf("state on %s at the start is not retained", m.Topic)
			}
		}
		p.command("power", "ON", []byte("state/lamp/power"), []byte("0123"))
		if r := p.wantMessage("state/lamp/power", "ON"); r.Retain || string(r.Props.CorrelationData) != "0123" {
			t.Errorf("reply retained %t, Correlation Data %q; want false, 0123", r.Retain, r.Props.CorrelationData)
		}
		if m := p.wantMessage("state/lamp/power", "ON"); !m.Retain || m.Props.CorrelationData != nil {
			t.Errorf("state retained %t, Correlation Data %q; want true, none", m.Retain, m.Props.CorrelationData)
		}
	})
}

// Rule 1: a request without Response Topic, as from MQTT 3.1.1, is answered on
// the state topic.
func TestRule1NoResponseTopic(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		p.command("Power", "on", nil, nil) // the attribute is matched without regard to case
		p.wantMessage("state/lamp/power", "ON")
		p.wantMessage("state/lamp/brightness", "100")
		p.command("power", "", nil, nil) // a query
		p.wantMessage("state/lamp/power", "ON")
		p.quiet()
	})
}

// Rule 2: Response Topics that a device does not answer on.
func TestRule2RefusedResponseTopics(t *testing.T) {
	for _, rt := range []string{"", "a/+", "#", "$SYS/x", "$share/g/x", "cmnd/lamp/power", "cmnd/lamp"} {
		t.Run(rt, func(t *testing.T) {
			play(t, oneLight(nil), func(t *testing.T, b *script) {
				p := b.accept()
				p.welcome(nil)
				for i := range 3 {
					p.command("power", "ON", []byte(rt), []byte("id"))
					p.wantMessage("state/lamp/power", "ON")
					if i == 0 {
						p.wantMessage("state/lamp/brightness", "100")
					}
				}
				p.quiet() // nothing more, and still connected
				if got := b.fleet.Counts().BadTopics.Load(); got != 3 {
					t.Errorf("BadTopics = %d; want 3", got)
				}
				if got := strings.Count(b.log.String(), "refused a response topic"); got != 1 {
					t.Errorf("the refusal was logged %d times; want once", got)
				}
			})
		})
	}
}

// Rule 2: a message on the device's own reply topics gets no answer, not even
// one with a Response Topic of its own.
func TestRule2NeverAnswersAnAnswer(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) {
		sc.Connect.SessionExpiry = 3600e9
		sc.Groups[0].Will.ResponseTopic = "will/seen/{id}"
		sc.Groups[0].Will.CorrelationData = "{id}/{run}"
	})
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		for _, topic := range []string{"will/seen/lamp", "state/lamp/power", "cmnd/lampshade/power", "cmnd", "x"} {
			m := wire.Publish{Topic: []byte(topic), Payload: []byte("ON")}
			m.Props.ResponseTopic = []byte("trap")
			p.publish(m)
		}
		p.quiet()
		if got := b.snapshot("lamp").Values["power"]; got != "OFF" {
			t.Errorf("power = %s; want OFF", got)
		}
	})
}

// Rule 3: ghost switching by a retained command.
func TestRule3RetainedCommand(t *testing.T) {
	ghost := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("ON"), Retain: true}
	for _, accept := range []bool{false, true} {
		handling, ghosts := byte(packets.RetainDoNotSend), int64(1)
		if accept {
			handling, ghosts = packets.RetainSendOnSubscribe, 0
		}
		play(t, oneLight(func(sc *scenarios.Scenario) { sc.Groups[0].AcceptRetained = accept }), func(t *testing.T, b *script) {
			p := b.accept()
			p.wantConnect()
			p.connack(0, false, nil)
			if s := p.grant(); s.Subscriptions[0].RetainHandling != handling {
				t.Errorf("Retain Handling %d; want %d", s.Subscriptions[0].RetainHandling, handling)
			}
			p.wantMessage("tele/lamp/lwt", "Online")
			p.publish(ghost) // where it is not wanted, from a broker that sends it all the same
			if accept {
				p.wantMessage("state/lamp/power", "ON")
				p.wantMessage("state/lamp/brightness", "100")
			}
			p.quiet()
			if got := b.fleet.Counts().GhostCommands.Load(); got != ghosts {
				t.Errorf("GhostCommands = %d; want %d", got, ghosts)
			}
		})
	}
}

// Rule 3: a bad payload or attribute gets an error reply and changes nothing.
func TestRule3ErrorReply(t *testing.T) {
	tests := []struct{ attribute, payload, value, want string }{
		{"power", "MAYBE", "OFF", "MAYBE"},
		{"brightness", "101", "", "0"},
		{"brightness", strings.Repeat("9", 100_000), "", "0"},
		{"brightness", "\x00\xff", "", "0"},
		{"volume", "11", "", "volume"},
		{"", "ON", "", "attribute"},
		{"power/extra", "ON", "", "power/extra"},
		{strings.Repeat("x", 60_000), "", "", "60000 bytes"},
	}
	for _, tt := range tests {
		play(t, oneLight(nil), func(t *testing.T, b *script) {
			p := b.accept()
			p.welcome(nil)
			before := b.snapshot("lamp")
			p.command(tt.attribute, tt.payload, []byte("phone"), []byte("7"))
			r := p.wantPublish()
			var fault string
			for k, v := range r.Props.UserProperties() {
				if k == "error" {
					fault = v
				}
			}
			if string(r.Topic) != "phone" || string(r.Props.CorrelationData) != "7" || !strings.Contains(fault, tt.want) {
				t.Errorf("%.20s %.20q: reply on %s, Correlation Data %q, error %q; want phone, 7, something with %q",
					tt.attribute, tt.payload, r.Topic, r.Props.CorrelationData, fault, tt.want)
			}
			if len(fault) > 300 {
				t.Errorf("the error has %d bytes; want a sentence", len(fault))
			}
			if after := b.snapshot("lamp"); after.Telemetry != before.Telemetry {
				t.Errorf("state after: %s; want %s", after.Telemetry, before.Telemetry)
			}
			p.quiet()
		})
	}
}

// Rule 4: the Will on the wire has everything the scenario says, and its answer
// is found on the resumed session (3.1.3.2).
func TestRule4Will(t *testing.T) {
	sc := scenarioOf(t, `
seed = 7
[connect]
session_expiry = "1h"
[[device]]
kind = "light"
count = 2
id = "lamp-{n:2}"
[device.will]
delay = "5s"
message_expiry = "1m"
content_type = "text/plain"
response_topic = "will/seen/{id}"
correlation_data = "{id}/{run}"
[device.will.user_properties]
zone = "hall"
number = "{n}"
`)
	play(t, sc, func(t *testing.T, b *script) {
		var p1 *peer
		var c *wire.Connect
		for range 2 {
			p := b.accept()
			if got := p.wantConnect(); got.ClientID == "lamp-01" {
				p1, c = p, got
			}
		}
		w := c.Will
		if w == nil {
			t.Fatal("CONNECT has no Will")
		}
		if string(w.Topic) != "tele/lamp-01/lwt" || string(w.Payload) != "Offline" || w.QoS != 1 || !w.Retain || w.Delay != 5 {
			t.Errorf("Will %q on %s, QoS %d, retain %t, delay %d; want Offline on tele/lamp-01/lwt, 1, true, 5", w.Payload, w.Topic, w.QoS, w.Retain, w.Delay)
		}
		if string(w.Props.ResponseTopic) != "will/seen/lamp-01" || string(w.Props.CorrelationData) != "lamp-01/r1" ||
			string(w.Props.ContentType) != "text/plain" || w.Props.MessageExpiry != 60 || w.Props.PayloadFormat != 1 {
			t.Errorf("Will properties %+v", w.Props)
		}
		var user []string
		for k, v := range w.Props.UserProperties() {
			user = append(user, k+"="+v)
		}
		if want := []string{"zone=hall", "number=1"}; !slices.Equal(user, want) {
			t.Errorf("Will User Properties %v; want %v", user, want)
		}
		p1.connack(0, false, nil)
		if s := p1.grant(); len(s.Subscriptions) != 2 || s.Subscriptions[1].Topic != "will/seen/lamp-01" {
			t.Errorf("subscriptions %+v; want the commands and will/seen/lamp-01", s.Subscriptions)
		}
		p1.wantMessage("tele/lamp-01/lwt", "Online")
		p1.conn.Close() // the Will is published, and a watcher answers it

		p1 = b.accept()
		if c := p1.wantConnect(); c.CleanStart || c.SessionExpiry != 3600 {
			t.Errorf("reconnect with Clean Start %t, Session Expiry %d; want false, 3600", c.CleanStart, c.SessionExpiry)
		}
		p1.connack(0, true, nil)
		p1.wantMessage("tele/lamp-01/lwt", "Online")
		stranger := wire.Publish{Topic: []byte("will/seen/lamp-01"), Payload: []byte("seen")}
		stranger.Props.CorrelationData = []byte("something else")
		p1.publish(stranger)
		seen := stranger
		seen.Props.CorrelationData = []byte("lamp-01/r1")
		p1.publish(seen)
		p1.quiet()
		if got := b.fleet.Counts().WillsSeen.Load(); got != 1 {
			t.Errorf("WillsSeen = %d; want 1", got)
		}
	})
}
