package fleet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"homefleet/fleet"
	"homefleet/fleet/metrics"
)

// forger alters every third of some packets on their way from the broker to those
// clients whose client ids begin so. It has a parser of its own.
type forger struct {
	who   string
	of    func(packet []byte) bool
	forge func(packet []byte) []byte
	seen  atomic.Int64
	did   atomic.Int64
}

func (f *forger) dial(to func(context.Context) (net.Conn, error)) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		c, err := to(ctx)
		return &forged{OnTheWay: &fleet.OnTheWay{Conn: c}, by: f}, err
	}
}

// every third of the packets is altered.
func (f *forger) every(p []byte) bool { return f.of(p) && f.seen.Add(1)%3 == 0 }

func (f *forger) alter(p []byte) []byte {
	f.did.Add(1)
	return f.forge(p)
}

type forged struct {
	*fleet.OnTheWay
	by    *forger
	begun bool
}

// Write reads the client id of the CONNECT, which is the first of its payload (3.1.3.1).
func (c *forged) Write(b []byte) (int, error) {
	if !c.begun {
		c.begun = true
		head := 1
		for b[head] >= 0x80 {
			head++
		}
		id := head + 1 + 10
		if version := b[head+1+6]; version == 5 {
			n, width := binary.Uvarint(b[id:])
			id += width + int(n)
		}
		id += 2
		if bytes.HasPrefix(b[id:], []byte(c.by.who)) {
			c.Of, c.To = c.by.every, c.by.alter
		}
	}
	return c.Conn.Write(b)
}

func isPublish(topic string) func([]byte) bool {
	return func(p []byte) bool { return p[0]>>4 == 3 && bytes.Contains(p[:min(len(p), 40)], []byte(topic)) }
}

// replaced returns a packet in which one text, of one length, stands for another.
func replaced(old, new string) func([]byte) []byte {
	return func(p []byte) []byte { return bytes.Replace(p, []byte(old), []byte(new), 1) }
}

func lastByte(p []byte) []byte { p[len(p)-1] ^= 1; return p }

func retained(p []byte) []byte { p[0] |= 1; return p }

// atQoS0 makes a PUBLISH of QoS 1 one of QoS 0, whose length takes one byte or two.
func atQoS0(p []byte) []byte {
	rest, width := binary.Uvarint(p[1:])
	body := bytes.Clone(p[1+width:])
	id := 2 + int(binary.BigEndian.Uint16(body))
	body = slices.Delete(body, id, id+2)
	return append(binary.AppendUvarint([]byte{p[0] &^ 6}, rest-2), body...)
}

// asQoS1 makes a PUBLISH of QoS 0 one of QoS 1, with a Packet Identifier.
func asQoS1(p []byte) []byte {
	rest, width := binary.Uvarint(p[1:])
	body := bytes.Clone(p[1+width:])
	id := 2 + int(binary.BigEndian.Uint16(body))
	body = slices.Insert(body, id, 0x7f, 0x77)
	return append(binary.AppendUvarint([]byte{p[0] | 2}, rest+2), body...)
}

// inserted puts a User Property, or another property, in front of those of a PUBLISH of
// QoS 1 (3.3.2.3), and appended behind them.
func inserted(property string) func([]byte) []byte { return withProperty(property, false) }
func appended(property string) func([]byte) []byte { return withProperty(property, true) }

func withProperty(property string, last bool) func([]byte) []byte {
	return func(p []byte) []byte {
		_, width := binary.Uvarint(p[1:])
		body := bytes.Clone(p[1+width:])
		at := 2 + int(binary.BigEndian.Uint16(body)) + 2
		n, had := binary.Uvarint(body[at:])
		length := binary.AppendUvarint(nil, n+uint64(len(property)))
		body = slices.Replace(body, at, at+had, length...)
		if at += len(length); last {
			at += int(n)
		}
		body = slices.Insert(body, at, []byte(property)...)
		return append(binary.AppendUvarint([]byte{p[0]}, uint64(len(body))), body...)
	}
}

// alteration is what a proxy alters of requests and answers, and what the books say then of n
// of them.
type alteration struct {
	name, qos, who string
	of             func([]byte) bool
	forge          func([]byte) []byte
	want           func(t *metrics.Totals, n int64)
}

// play has 60 requests go to a lamp and back through the proxy, and compares the books; head
// is the beginning of the scenario, and base what is in the books whatever is altered.
func (a *alteration) play(t *testing.T, head string, base metrics.Totals) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		defer b.Close()
		f := &forger{who: a.who, of: a.of, forge: a.forge}
		snap, _ := load(t, head+`
[phases]
measure = "6s"
drain = "3s"
[[device]]
kind = "light"
id = "lamp"
qos = `+a.qos+`
[[controller]]
name = "phone"
client_id = "phone"
rate = "10/s"
attribute = "brightness"
payloads = ["40", "60"]
identify = true
timeout = "1s"
qos = `+a.qos, f.dial(b.Dial))
		n, want := f.did.Load(), base
		want.Planned, want.Sent = 60, 60
		a.want(&want, n)
		if a.qos != "0" {
			want.ToAcknowledge = 60
		}
		want.Answered = 60 - want.Lost
		want.Answers, want.MissingAnswers = want.Answered, want.Lost
		if n == 0 || !snap.Totals.Equal(want) {
			t.Errorf("%s, %d times:\n got %+v\nwant %+v", a.name, n, snap.Totals, want)
		}
		if ghosts := snap.Counts["devices.ghost_commands"]; strings.HasPrefix(a.name, "requests with RETAIN") && ghosts != n {
			t.Errorf("%d commands were ignored as retained; want %d", ghosts, n)
		}
	})
}

// What a broker must hand on (3.3.1-12, 3.3.2-4, 3.3.2-15 to 3.3.2-20, 3.8.4) of
// requests and answers is not altered unseen.
func TestAlteredRequestsAndAnswers(t *testing.T) {
	answers, commands := isPublish("response/phone"), isPublish("cmnd/")
	for i, a := range []alteration{
		{"the payload of answers", "1", "phone", answers, lastByte, func(t *metrics.Totals, n int64) { t.Corrupted.Content, t.Lost = n, n }},
		{"their Content Type", "1", "phone", answers, replaced("text/plain", "text/html!"), func(t *metrics.Totals, n int64) { t.Corrupted.Content, t.Lost = n, n }},
		{"their Payload Format", "1", "phone", answers, replaced("\x01\x01\x03", "\x01\x00\x03"), func(t *metrics.Totals, n int64) { t.Corrupted.Content, t.Lost = n, n }},
		{"their User Properties", "1", "phone", answers, replaced("device\x00\x04lamp", "device\x00\x04lump"), func(t *metrics.Totals, n int64) { t.Corrupted.Content, t.Lost = n, n }},
		{"a User Property more", "1", "phone", answers, inserted("\x26\x00\x01a\x00\x01b"), func(t *metrics.Totals, n int64) { t.Corrupted.Content, t.Lost = n, n }},
		{"a Message Expiry Interval more", "1", "phone", answers, inserted("\x02\x00\x00\x00\x09"), func(t *metrics.Totals, n int64) { t.Corrupted.Content, t.Lost = n, n }},
		{"no checksum", "1", "phone", answers, replaced("checksum", "chocksum"), func(t *metrics.Totals, n int64) { t.Unchecked = n }},
		{"answers with RETAIN 1", "1", "phone", answers, retained, func(t *metrics.Totals, n int64) { t.OtherRetain = n }},
		{"answers at a lower QoS", "1", "phone", answers, atQoS0, func(t *metrics.Totals, n int64) { t.OtherQoS.Answers = n }},
		{"answers at a higher QoS", "0", "phone", answers, asQoS1, func(t *metrics.Totals, n int64) { t.OtherQoS.Answers = n }},
		{"the payload of requests", "1", "lamp", commands, lastByte, func(t *metrics.Totals, n int64) { t.AlteredRequests, t.Lost = n, n }},
		{"their topic", "1", "lamp", commands, replaced("brightness", "Brightness"), func(t *metrics.Totals, n int64) { t.AlteredRequests, t.Lost = n, n }},
		{"a Content Type more", "1", "lamp", commands, inserted("\x03\x00\x01a"), func(t *metrics.Totals, n int64) { t.AlteredRequests, t.Lost = n, n }},
		{"no request to name the device", "1", "lamp", commands, replaced("identify", "identity"), func(t *metrics.Totals, n int64) { t.AlteredRequests, t.Lost = n, n }},
		{"requests at a lower QoS", "1", "lamp", commands, atQoS0, func(t *metrics.Totals, n int64) { t.OtherQoS.Requests = n }},
		{"requests at a higher QoS", "0", "lamp", commands, asQoS1, func(t *metrics.Totals, n int64) { t.OtherQoS.Requests = n }},
		{"requests with RETAIN 1", "1", "lamp", commands, retained, func(t *metrics.Totals, n int64) { t.Lost = n }},
	} {
		if fleet.Some(i%2 != 0, false) {
			continue // half of them
		}
		a.play(t, "", metrics.Totals{})
	}
}

// With MQTT 3.1.1 there is white space for the checksum, where requests are marked.
func TestAlteredWithoutProperties(t *testing.T) {
	answers, commands := isPublish("state/lamp/brightness"), isPublish("cmnd/")
	other := func(p []byte) []byte { // a space for a tab, or the other way round
		p[len(p)-1] ^= ' ' ^ '\t'
		return p
	}
	cut := func(p []byte) []byte {
		_, width := binary.Uvarint(p[1:])
		body := p[1+width : len(p)-73]
		return append(binary.AppendUvarint([]byte{p[0]}, uint64(len(body))), body...)
	}
	for _, a := range []alteration{
		{"the payload of answers", "1", "phone", answers, replaced("0\n", "1\n"), func(t *metrics.Totals, n int64) { t.Corrupted.Content, t.Lost = n, n }},
		{"their checksum", "1", "phone", answers, other, func(t *metrics.Totals, n int64) { t.Corrupted.Content, t.Lost = n, n }},
		{"no checksum", "1", "phone", answers, cut, func(t *metrics.Totals, n int64) { t.Unchecked = n }},
		{"answers with RETAIN 1", "1", "phone", answers, retained, func(t *metrics.Totals, n int64) { t.OtherRetain = n }},
		{"answers at a lower QoS", "1", "phone", answers, atQoS0, func(t *metrics.Totals, n int64) { t.OtherQoS.Answers = n }},
		{"answers at a higher QoS", "0", "phone", answers, asQoS1, func(t *metrics.Totals, n int64) { t.OtherQoS.Answers = n }},
		{"the payload of requests", "1", "lamp", commands, replaced("0\n", "1\n"), func(t *metrics.Totals, n int64) { t.AlteredRequests, t.Lost = n, n }},
		{"their topic", "1", "lamp", commands, replaced("brightness", "Brightness"), func(t *metrics.Totals, n int64) { t.AlteredRequests, t.Lost = n, n }},
		{"requests at a lower QoS", "1", "lamp", commands, atQoS0, func(t *metrics.Totals, n int64) { t.OtherQoS.Requests = n }},
	} {
		a.play(t, "[broker]\nmqtt = \"3.1.1\"\n", metrics.Totals{ByTopic: metrics.ByTopic{Own: 60}})
	}
}

// Nor is a state or telemetry.
func TestAlteredStatesAndTelemetry(t *testing.T) {
	for name, forge := range map[string]func([]byte) []byte{
		"payload":                          lastByte,
		"Content Type":                     replaced("application/json", "application/jsan"),
		"a User Property more in front":    inserted("\x26\x00\x01a\x00\x01b"),
		"a User Property more at the end":  appended("\x26\x00\x01a\x00\x01b"),
		"the moment once more":             appended("\x26\x00\x04sent\x00\x011"),
		"a User Property of another value": replaced("Z\x26\x00\x04sent", "X\x26\x00\x04sent"),
		"a User Property of another name":  replaced("time\x00", "tame\x00"),
		"a Message Expiry Interval more":   appended("\x02\x00\x00\x00\x09"),
		"Correlation Data where none was":  appended("\x09\x00\x01a"),
		"a Response Topic where none was":  appended("\x08\x00\x01a"),
		"another Payload Format":           replaced("\x01\x01\x03", "\x01\x00\x03"),
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t)
			f := &forger{who: "eye", of: isPublish("tele/"), forge: forge}
			snap, _ := load(t, `
[phases]
measure = "6s"
[[device]]
kind = "thermostat"
id = "lamp"
telemetry = "100ms"
qos = 1
[device.misbehave]
clock_skew = "1h"
[[watcher]]
name = "eye"
qos = 1
`, f.dial(b.Dial))
			b.Close()
			n := f.did.Load()
			var got metrics.DeliveryTotals
			for _, d := range snap.Deliveries {
				got.Add(d.DeliveryTotals)
			}
			if n < 10 || got.Altered != n || got.Delivered != got.Sent-n {
				t.Errorf("%s, %d times: %+v; want so many altered, and the rest delivered", name, n, got)
			}
		})
	}
}

// What waited for a device in its session comes to it before the broker has said what it
// grants anew (3.1.2.4, 3.9.3): that is no other QoS than it was to be.
func TestQueuedRequestsKeepTheirQoS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		snap, _ := load(t, `
[connect]
session_expiry = "1h"
[phases]
measure = "6s"
drain = "9s"
[[device]]
kind = "light"
id = "lamp"
[[incident]]
kind = "offline"
at = "1s"
for = "2s"
[[controller]]
rate = "10/s"
attribute = "brightness"
payloads = ["40", "60"]
timeout = "8s"
qos = 1
`, b.Dial)
		got := snap.Totals
		if got.SentAway < 10 || got.Answered != 60 || got.OtherQoS != (metrics.OtherQoS{}) || got.AlteredRequests != 0 {
			t.Errorf("%d to a device that was away, %d answered, with another QoS %+v, altered %d; want 10 at the least, 60 and none",
				got.SentAway, got.Answered, got.OtherQoS, got.AlteredRequests)
		}
		b.Close()
	})
}

// A message for who is subscribed that comes with RETAIN 1 (3.3.1-12) is delivered, and
// said to be odd; it is not lost, nor out of the store.
func TestLiveMessagesWithRetain(t *testing.T) {
	for _, share := range []string{"", `share = "s"`} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t)
			f := &forger{who: "panel", of: isPublish("/state"), forge: retained}
			snap, _ := load(t, `
[phases]
measure = "6s"
[[device]]
kind = "plug"
id = "fridge"
telemetry = "100ms"
retain = true
[[watcher]]
name = "panels"
client_id = "panel"
topics = ["tele/+/state"]
`+share, f.dial(b.Dial))
			if len(snap.Deliveries) != 1 || f.did.Load() == 0 {
				t.Fatalf("share %q: deliveries %+v, %d forged; want a row, and some", share, snap.Deliveries, f.did.Load())
			}
			got := snap.Deliveries[0].DeliveryTotals
			want := metrics.DeliveryTotals{Sent: got.Sent, Delivered: got.Sent, OtherRetain: f.did.Load()}
			if got != want || got.Sent < 50 {
				t.Errorf("share %q: %+v; want %+v", share, got, want)
			}
			b.Close()
		})
	}
}

// Acknowledgements that acknowledge nothing, since they come twice, and those that say
// that nobody is subscribed (3.4.2.1), are counted.
func TestOddAcknowledgements(t *testing.T) {
	const puback = 4
	for _, tt := range []struct {
		name  string
		forge func([]byte) []byte
		stray bool
		bad   bool
	}{
		{"twice", func(p []byte) []byte { return append(p, p...) }, true, false},
		{"of another Packet Identifier", func(p []byte) []byte { return append([]byte{puback << 4, 2, 0x7f, 0x77}, p...) }, true, false},
		{"PUBCOMP for PUBACK", func(p []byte) []byte { return append([]byte{7 << 4, 2, p[2], p[3]}, p...) }, true, false},
		{"0x10", func(p []byte) []byte { return append([]byte{puback << 4, 3}, p[2], p[3], 0x10) }, false, false},
		{"0x42, which no PUBACK has (3.4.2-1)", func(p []byte) []byte { return append([]byte{puback << 4, 3}, p[2], p[3], 0x42) }, false, true},
		{"0x92, which is of PUBREL", func(p []byte) []byte { return append([]byte{puback << 4, 3}, p[2], p[3], 0x92) }, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker(t)
			var nobodyThere atomic.Int64 // by the broker's own word, as before the watcher came or when it had left
			f := &forger{who: "fridge", forge: tt.forge, of: func(p []byte) bool {
				if p[0]>>4 == puback && p[1] > 2 && p[4] == 0x10 {
					nobodyThere.Add(1)
				}
				return p[0]>>4 == puback && p[1] == 2
			}}
			snap, _ := load(t, `
[phases]
measure = "6s"
[[device]]
kind = "plug"
id = "fridge"
telemetry = "100ms"
qos = 1
[[watcher]]
topics = ["#"]
`, f.dial(b.Dial))
			stray, nobody := snap.Counts["acks.stray"], snap.Counts["acks.no_subscribers"]
			want := [2]int64{f.did.Load(), nobodyThere.Load()}
			if bad := snap.Counts["connections.bad_packets"]; tt.bad != (bad > 0) || tt.bad && bad != f.did.Load() {
				t.Errorf("%s: connections.bad_packets is %d; %d were forged", tt.name, bad, f.did.Load())
			}
			if tt.bad {
				want[0] = 0
			} else if !tt.stray {
				want = [2]int64{0, f.did.Load() + nobodyThere.Load()}
			}
			if got := [2]int64{stray, nobody}; got != want || f.did.Load() < 10 {
				t.Errorf("%s: acks.stray and acks.no_subscribers are %v; want %v", tt.name, got, want)
			}
			b.Close()
		})
	}
}
