package fleet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices/faces"
	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// misbehaving is a light called lamp with a habit.
func misbehaving(habit string) string {
	return "[connect]\nsession_expiry = \"1h\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\nmisbehave = { " + habit + " }\n"
}

// reply returns the next answer on the topic phone, passing over states.
func (p *peer) reply() wire.Publish {
	p.t.Helper()
	for {
		if m := p.wantPublish(); !bytes.HasPrefix(m.Topic, []byte("state/")) {
			return m
		}
	}
}

// What each sort of misbehavior is on the wire. The command is obeyed and acknowledged all
// the same, but where the answer is an error.
func TestMisbehaviorOnTheWire(t *testing.T) {
	cd := []byte{1, 2, 3, 4, 5}
	differing := func(got []byte) (n int) {
		for i := range got {
			if i >= len(cd) || got[i] != cd[i] {
				n++
			}
		}
		return n + max(len(cd)-len(got), 0)
	}
	for _, tt := range []struct {
		habit string
		power string // afterwards
		check func(*testing.T, *peer)
	}{
		{`drop = "100%"`, "ON", func(t *testing.T, p *peer) {
			for f := p.next(); f.Type() != packets.PINGREQ; f = p.next() {
				m, err := wire.ParsePublish(f, wire.V5)
				if err != nil || !bytes.HasPrefix(m.Topic, []byte("state/lamp/")) {
					t.Errorf("got a message on %s, %v; want states alone", m.Topic, err)
				}
			}
		}},
		{`duplicate = "100%"`, "ON", func(t *testing.T, p *peer) {
			first, second := p.reply(), p.reply()
			if string(first.Topic) != "phone" || string(first.Payload) != "ON" || !bytes.Equal(first.Props.CorrelationData, cd) {
				t.Errorf("answered %q with % x on %s; want ON with % x on phone", first.Payload, first.Props.CorrelationData, first.Topic, cd)
			}
			if string(second.Topic) != "phone" || string(second.Payload) != "ON" || !bytes.Equal(second.Props.CorrelationData, cd) || second.Dup {
				t.Errorf("the second time %q with % x on %s, DUP %t; want the same, without DUP", second.Payload, second.Props.CorrelationData, second.Topic, second.Dup)
			}
		}},
		{`wrong_correlation = "100%"`, "ON", func(t *testing.T, p *peer) {
			if m := p.reply(); differing(m.Props.CorrelationData) != 1 || string(m.Topic) != "phone" {
				t.Errorf("Correlation Data % x on %s; want % x with one byte wrong, on phone", m.Props.CorrelationData, m.Topic, cd)
			}
		}},
		{`no_correlation = "100%"`, "ON", func(t *testing.T, p *peer) {
			if m := p.reply(); m.Props.CorrelationData != nil || string(m.Topic) != "phone" {
				t.Errorf("Correlation Data % x on %s; want none, on phone", m.Props.CorrelationData, m.Topic)
			}
		}},
		{`wrong_topic = "100%"`, "ON", func(t *testing.T, p *peer) {
			if m := p.reply(); string(m.Topic) != "phone/wrong" || !bytes.Equal(m.Props.CorrelationData, cd) {
				t.Errorf("answered on %s with % x; want on phone/wrong with % x", m.Topic, m.Props.CorrelationData, cd)
			}
		}},
		{`error = "100%"`, "OFF", func(t *testing.T, p *peer) {
			m := p.reply()
			text := ""
			for k, v := range m.Props.UserProperties() {
				if k == "error" {
					text = v
				}
			}
			if !strings.Contains(text, "misbehaves") || string(m.Payload) != "OFF" || !bytes.Equal(m.Props.CorrelationData, cd) {
				t.Errorf("answered %q, error %q; want the unchanged OFF, and an error that says that the device misbehaves", m.Payload, text)
			}
		}},
		{`late = "100%", late_min = "5s", late_max = "7s"`, "ON", func(t *testing.T, p *peer) {
			start := time.Now()
			m := p.reply()
			if took := time.Since(start); took < 5*time.Second || took > 7*time.Second || !bytes.Equal(m.Props.CorrelationData, cd) || string(m.Payload) != "ON" {
				t.Errorf("answered %q with % x after %v; want ON with % x after 5s to 7s", m.Payload, m.Props.CorrelationData, took, cd)
			}
		}},
		{`reorder = "100%", reorder_for = "4s"`, "ON", func(t *testing.T, p *peer) {
			start := time.Now()
			p.reply()
			if took := time.Since(start); took != 4*time.Second {
				t.Errorf("with no other answer that goes before it, it goes after %v; want 4s", took)
			}
		}},
	} {
		t.Run(tt.habit, func(t *testing.T) {
			play(t, scenarioOf(t, misbehaving(tt.habit)), func(t *testing.T, b *script) {
				p := b.accept()
				p.welcome(nil)
				m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("ON"), QoS: 1, PacketID: 9}
				m.Props.ResponseTopic, m.Props.CorrelationData = []byte("phone"), cd
				p.publish(m)
				if ack, err := wire.ParseAck(p.want(packets.PUBACK), wire.V5); err != nil || ack.PacketID != 9 {
					t.Fatalf("PUBACK %+v, %v; want one of 9", ack, err)
				}
				tt.check(t, p)
				if got := b.snapshot("lamp").Values["power"]; got != tt.power {
					t.Errorf("power is %s afterwards; want %s", got, tt.power)
				}
				var deeds int64
				for i := range b.fleet.Counts().Misbehavior {
					deeds += b.fleet.Counts().Misbehavior[i].Load()
				}
				if deeds != 1 {
					t.Errorf("%d counted as misbehavior; want 1", deeds)
				}
			})
		})
	}
}

// An answer that is overtaken goes right behind the one that overtakes it.
func TestReorderOnTheWire(t *testing.T) {
	// Half of the answers, by the seed: out of 20 some must be overtaken.
	play(t, scenarioOf(t, "seed = 3\n"+misbehaving(`reorder = "50%", reorder_for = "1h"`)), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		const commands = 20
		for i := range byte(commands) {
			p.command("power", "TOGGLE", []byte("phone"), []byte{i})
		}
		time.Sleep(time.Second)
		late := int(b.fleet.Counts().Misbehavior[metrics.AnswerReordered].Load())
		sent := int(b.fleet.Counts().Messages.In(metrics.InMeasure, metrics.Reply, metrics.Sent))
		held := commands - sent // those at the end that no other follows
		if late < 4 || late > 16 {
			t.Errorf("%d of %d answers are held back; want about half", late, commands)
		}
		overtaken, most := 0, -1
		for range commands - held {
			m := p.reply()
			if n := int(m.Props.CorrelationData[0]); n < most {
				overtaken++
			} else {
				most = n
			}
		}
		if overtaken != late-held {
			t.Errorf("%d answers came behind a later one; want the %d that were held back, but for the last %d", overtaken, late-held, held)
		}
	})
}

// The requester's books say of each kind of misbehavior what the device's own count
// says: no more and no less.
func TestMisbehaviorInTheBooks(t *testing.T) {
	t.Parallel()
	seconds := Some[int64](2, 6)
	requests := 100 * seconds
	for i, tt := range []struct {
		habit string
		deed  metrics.Misbehavior
		want  func(t *metrics.Totals, deeds int64)
	}{
		{`drop = "5%"`, metrics.AnswerDropped, func(t *metrics.Totals, n int64) { t.Lost = n }},
		{`duplicate = "5%"`, metrics.AnswerDuplicated, func(t *metrics.Totals, n int64) { t.Duplicates = n }},
		{`wrong_correlation = "5%"`, metrics.AnswerWrongCorrelation, func(t *metrics.Totals, n int64) { t.Lost, t.Corrupted.Checksum = n, n }},
		{`no_correlation = "5%"`, metrics.AnswerNoCorrelation, func(t *metrics.Totals, n int64) { t.Lost, t.Corrupted.Missing = n, n }},
		{`wrong_topic = "5%"`, metrics.AnswerWrongTopic, func(t *metrics.Totals, n int64) { t.Lost = n }},
		{`error = "5%"`, metrics.AnswerError, func(t *metrics.Totals, n int64) { t.ErrorAnswers = n }},
		{`reorder = "5%"`, metrics.AnswerReordered, func(*metrics.Totals, int64) {}},
		{`late = "5%", late_min = "500ms", late_max = "1500ms"`, metrics.AnswerLate, func(*metrics.Totals, int64) {}},
		{`late = "5%", late_min = "2500ms", late_max = "3500ms"`, metrics.AnswerLate, func(t *metrics.Totals, n int64) { t.Late = n }},
	} {
		if Some(i%2 != 0, false) {
			continue // half of them
		}
		t.Run(tt.habit, func(t *testing.T) {
			run := func(seed int) (metrics.Totals, int64) {
				snap, s := brew(t, fmt.Sprintf(`
seed = %d
[connect]
session_expiry = "1h"
[phases]
measure = "%ds"
drain = "8s"
[[device]]
kind = "light"
count = 10
misbehave = { %s }
[[controller]]
count = 3
rate = "100/s"
attribute = "power"
payload = "TOGGLE"
qos = 1
timeout = "2s"
`, seed, seconds, tt.habit), broker.Config{}, nil)
				deeds := s.fleet.Counts().Misbehavior[tt.deed].Load()
				if got := s.fleet.Counts().Requests.Load(); got != requests {
					t.Errorf("the devices took %d requests; want %d", got, requests)
				}
				for d := range s.fleet.Counts().Misbehavior {
					if n := s.fleet.Counts().Misbehavior[d].Load(); n != 0 && metrics.Misbehavior(d) != tt.deed {
						t.Errorf("%d counted as misbehavior of kind %d; want those of kind %d alone", n, d, tt.deed)
					}
				}
				return snap.Totals, deeds
			}
			got, deeds := run(1)
			if deeds < requests/60 || deeds > requests/8 {
				t.Errorf("misbehavior in %d of %d answers; want about 5 %%", deeds, requests)
			}
			want := metrics.Totals{Planned: requests, Sent: requests, ToAcknowledge: requests}
			tt.want(&want, deeds)
			want.Answered = requests - want.Lost - want.Late
			want.Answers = want.Answered + want.Late
			want.MissingAnswers = want.Lost
			if !got.Equal(want) {
				t.Errorf("the books say %+v; want %+v", got, want)
			}
			if Some(true, false) {
				return
			}
			if again, n := run(1); n != deeds || !again.Equal(got) {
				t.Errorf("with the same seed %d times misbehavior and %+v; want %d and %+v", n, again, deeds, got)
			}
		})
	}
}

// A PUBACK that is withheld takes one of the places that the device's Receive
// Maximum gives the broker, until the connection ends (4.9): when all are taken,
// nothing at QoS 1 comes any more. QoS 0 needs no place. On the next connection
// the broker sends them again, with DUP, and the device answers again.
func TestWithheldPubacksFillReceiveMaximum(t *testing.T) {
	_, s := brew(t, `
audit = false
[connect]
session_expiry = "1h"
receive_maximum = 4
[phases]
measure = "60s"
[[device]]
kind = "light"
id = "lamp"
misbehave = { withhold_puback = "100%" }
[[controller]]
name = "careful"
rate = "1/s"
attribute = "power"
payload = "TOGGLE"
qos = 1
timeout = "2s"
[[controller]]
name = "careless"
rate = "1/s"
attribute = "brightness"
payload = "50"
timeout = "2s"
[[incident]]
kind = "offline"
at = "30500ms"
for = "1s"
`, broker.Config{}, func(s *storm) {
		c := s.fleet.Counts()
		s.sleepTo(29500 * time.Millisecond)
		if withheld, requests := c.Misbehavior[metrics.AckWithheld].Load(), c.Requests.Load(); withheld != 4 || requests != 4+30 {
			t.Errorf("after 30s %d PUBACKs withheld, %d requests taken; want 4, and 4 beside the 30 at QoS 0", withheld, requests)
		}
		s.sleepTo(59 * time.Second)
		if withheld := c.Misbehavior[metrics.AckWithheld].Load(); withheld != 8 {
			t.Errorf("%d PUBACKs withheld on two connections; want 4 on each", withheld)
		}
	})
	if got := s.fleet.Counts().BadPackets.Load(); got != 0 {
		t.Errorf("%d bad packets; want none", got)
	}
}

// A PUBREC is withheld in the same way, and the message is acted on once (4.3.3).
func TestWithheldPubrec(t *testing.T) {
	play(t, scenarioOf(t, misbehaving(`withhold_puback = "100%"`)), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("TOGGLE"), QoS: 2, PacketID: 9}
		p.publish(m)
		for p.next().Type() != packets.PUBLISH { // the state
			t.Error("a packet before the state; want no PUBREC")
		}
		p.conn.Close()
		p = b.accept()
		if c := p.wantConnect(); c.CleanStart {
			t.Fatal("CONNECT with Clean Start 1; want 0")
		}
		p.connack(0, true, nil)
		for string(p.wantPublish().Payload) != faces.Native().Online { // its answer at QoS 2 comes first, again
		}
		m.Dup = true
		p.publish(m)
		if ack, err := wire.ParseAck(p.want(packets.PUBREC), wire.V5); err != nil || ack.PacketID != 9 {
			t.Errorf("PUBREC %+v, %v; want one of 9: it has the message already", ack, err)
		}
		if got := b.snapshot("lamp").Values["power"]; got != "ON" {
			t.Errorf("power is %s; want ON: toggled once", got)
		}
	})
}

// A flood of telemetry has its rate, beside the regular reports.
func TestTelemetryFlood(t *testing.T) {
	_, s := brew(t, `
audit = false
[phases]
measure = "2m"
[[device]]
kind = "plug"
id = "plug"
telemetry = "10s"
misbehave = { flood = "20/s" }
[[watcher]]
topics = ["tele/plug/state"]
`, broker.Config{}, func(s *storm) {
		s.sleepTo(10 * time.Second)
		c := s.fleet.Counts()
		flood, seen := c.Misbehavior[metrics.TelemetryFlood].Load(), c.Watched.Load()
		s.sleepTo(110 * time.Second)
		if n := c.Misbehavior[metrics.TelemetryFlood].Load() - flood; n < 1999 || n > 2001 {
			t.Errorf("%d messages too many in 100s; want 2000", n)
		}
		if n := c.Watched.Load() - seen; n < 2007 || n > 2013 {
			t.Errorf("%d messages came in 100s; want 2000 and about 10", n)
		}
	})
	c := s.fleet.Counts()
	if sent := c.Messages.Total(metrics.Sent, metrics.Telemetry); sent <= c.Misbehavior[metrics.TelemetryFlood].Load() || c.Dropped.Load() != 0 {
		t.Errorf("%d reports, %d of them too many, %d dropped; want regular ones too, and none dropped", sent, c.Misbehavior[metrics.TelemetryFlood].Load(), c.Dropped.Load())
	}
}

// A clock that is wrong shows in the telemetry's User Property "time", and only
// where it is wrong.
func TestClockSkew(t *testing.T) {
	for habit, skew := range map[string]time.Duration{`clock_skew = "-3h"`: -3 * time.Hour, `clock_skew = "90s"`: 90 * time.Second, `drop = "1%"`: 0} {
		play(t, scenarioOf(t, strings.Replace(misbehaving(habit), "id =", "telemetry = \"10s\"\nid =", 1)), func(t *testing.T, b *script) {
			p := b.accept()
			p.welcome(nil)
			for range 3 {
				m := p.wantPublish()
				said := ""
				for k, v := range m.Props.UserProperties() {
					if k == "time" {
						said = v
					}
				}
				if skew == 0 {
					if said != "" {
						t.Errorf("%s: the telemetry says %q; want no time", habit, said)
					}
					continue
				}
				at, err := time.Parse(time.RFC3339Nano, said)
				if got := time.Until(at); err != nil || got != skew {
					t.Errorf("%s: the telemetry says %q, which is %v from now; want %v", habit, said, got, skew)
				}
			}
		})
	}
}
