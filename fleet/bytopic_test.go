package fleet

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
)

// peer311 is the broker's end of a connection of MQTT 3.1.1, with a codec of its own.
type peer311 struct {
	t    *testing.T
	conn net.Conn
}

// next returns the next packet: its first byte, and what follows the length.
func (p *peer311) next() (first byte, body []byte) {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(time.Minute))
	head := make([]byte, 2)
	if _, err := io.ReadFull(p.conn, head); err != nil {
		p.t.Fatalf("reading a packet: %v", err)
	}
	n := int(head[1])
	if n > 127 {
		more := make([]byte, 1)
		if _, err := io.ReadFull(p.conn, more); err != nil || more[0] > 127 {
			p.t.Fatalf("reading a length: %v", err)
		}
		n = n&0x7f | int(more[0])<<7
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(p.conn, body); err != nil {
		p.t.Fatalf("reading a packet: %v", err)
	}
	return head[0], body
}

// take is next for a PUBLISH of QoS 0.
func (p *peer311) take() (topic, payload string) {
	p.t.Helper()
	first, body := p.next()
	if first != 0x30 {
		p.t.Fatalf("got packet 0x%02X % x; want a PUBLISH of QoS 0", first, body)
	}
	n := binary.BigEndian.Uint16(body)
	return string(body[2 : 2+n]), string(body[2+n:])
}

// quiet wants nothing to come for a time.
func (p *peer311) quiet(d time.Duration) {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(d))
	b := make([]byte, 1)
	if n, _ := p.conn.Read(b); n > 0 {
		p.t.Fatalf("a packet 0x%02X; want none for %v", b[0], d)
	}
}

// say publishes; first is 0x30, or 0x31 for a retained message.
func (p *peer311) say(first byte, topic, payload string) {
	p.t.Helper()
	n := 2 + len(topic) + len(payload)
	b := []byte{first, byte(n)}
	if n > 127 {
		b = []byte{first, byte(n&0x7f | 0x80), byte(n >> 7)}
	}
	b = append(append(append(b, byte(len(topic)>>8), byte(len(topic))), topic...), payload...)
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
	synctest.Wait()
}

// comesUp takes a controller in that subscribes to these topics at QoS 1.
func (p *peer311) comesUp(id string, topics ...string) {
	p.t.Helper()
	want := append([]byte("\x00\x04MQTT\x04\x02\x00\x3c\x00"), append([]byte{byte(len(id))}, id...)...)
	if first, body := p.next(); first != 0x10 || !bytes.Equal(body, want) {
		p.t.Fatalf("got 0x%02X % x; want the CONNECT % x (3.1.1: 3.1)", first, body, want)
	}
	_, _ = p.conn.Write([]byte{0x20, 2, 0, 0})
	want = []byte{0, 1}
	ack := []byte{0x90, byte(2 + len(topics)), 0, 1}
	for _, t := range topics {
		want = append(append(append(want, 0, byte(len(t))), t...), 1)
		ack = append(ack, 1)
	}
	if first, body := p.next(); first != 0x82 || !bytes.Equal(body, want) {
		p.t.Fatalf("got 0x%02X % x; want the SUBSCRIBE % x (3.1.1: 3.8)", first, body, want)
	}
	_, _ = p.conn.Write(ack)
	synctest.Wait()
}

// by311 runs one controller of MQTT 3.1.1 and gives it a broker that the test plays.
func by311(t *testing.T, keys string, play func(p *peer311, r *load.Controller)) {
	synctest.Test(t, func(t *testing.T) {
		f := stage(t, `
[[device]]
kind = "light"
id = "lamp-{n}"
count = 2
[[controller]]
name = "phone"
mqtt = "3.1.1"
attribute = "POWER"
payload = "ON"
timeout = "1s"
`+keys+`
[phases]
measure = "1m"
`)
		r := f.requesters[0]
		p := &peer311{t, f.start(t, &r.Session).conn}
		play(p, r)
	})
}

func begin311(r *load.Controller) { on(&r.Session, func() { r.Begin(time.Now()) }) }

func totals311(r *load.Controller) (t metrics.Totals) {
	on(&r.Session, func() { t = r.Totals() })
	return t
}

// A controller of MQTT 3.1.1 has one request outstanding for a device, and takes what
// comes next on its state topic for the answer: not what is retained, nor what another
// device says. Whose it is nobody can tell, and the ledger says so.
func TestAnswersByTopic(t *testing.T) {
	by311(t, "target.id = \"lamp-1\"\nrate = \"10/s\"\n", func(p *peer311, r *load.Controller) {
		p.comesUp("phone", "state/lamp-1/power")
		begin311(r)
		if topic, payload := p.take(); topic != "cmnd/lamp-1/power" || payload != "ON" {
			t.Fatalf("got %q on %q; want ON on cmnd/lamp-1/power", payload, topic)
		}
		p.say(0x31, "state/lamp-1/power", "ON")
		p.say(0x30, "state/lamp-2/power", "ON")
		p.quiet(250 * time.Millisecond) // two more are due
		p.say(0x30, "state/lamp-1/power", "ON")
		p.take()
		got := totals311(r)
		if got.Sent != 2 || got.Answered != 1 || got.Held != 1 || got.ByTopic != (metrics.ByTopic{Unknown: 1}) {
			t.Errorf("sent %d, answered %d, held %d, by topic %+v; want 2, 1, 1, one of which nobody can tell whose it was", got.Sent, got.Answered, got.Held, got.ByTopic)
		}
	})
}

// A request to one device does not wait for another's answer, but in the order of the
// plan a slot waits behind one that has to; when the time-out is over the requester asks
// again, and takes what comes then for the answer to the latest.
func TestByTopicAsksAgainAfterTheTimeout(t *testing.T) {
	by311(t, "target.id = \"lamp-1\"\nrate = \"10/s\"\n", func(p *peer311, r *load.Controller) {
		p.comesUp("phone", "state/lamp-1/power")
		begin311(r)
		start := time.Now()
		p.take()
		p.take()
		if d := time.Since(start); d < time.Second || d > 1010*time.Millisecond {
			t.Errorf("asked again after %v; want 1 s, the time-out", d)
		}
		p.say(0x30, "state/lamp-1/power", "ON")
		if got := totals311(r); got.Answered != 1 || got.Late != 0 {
			t.Errorf("answered %d, late %d; want 1, 0: the answer counts for the second request", got.Answered, got.Late)
		}
	})
	// An answer that comes after the time-out, and before the next request, is late.
	by311(t, "target.id = \"lamp-1\"\narrival = \"bursts\"\nburst = 1\nevery = \"10s\"\n", func(p *peer311, r *load.Controller) {
		p.comesUp("phone", "state/lamp-1/power")
		begin311(r)
		p.take()
		time.Sleep(1500 * time.Millisecond)
		p.say(0x30, "state/lamp-1/power", "ON")
		if got := totals311(r); got.Answered != 0 || got.Late != 1 {
			t.Errorf("answered %d, late %d; want 0, 1", got.Answered, got.Late)
		}
	})
	// Two devices, closed: each is asked while the other is silent.
	by311(t, "arrival = \"closed\"\nin_flight = 2\npair = true\n", func(p *peer311, r *load.Controller) {
		p.comesUp("phone-1", "state/lamp-1/power")
		begin311(r)
		p.take()
		p.quiet(900 * time.Millisecond) // though in_flight is 2: there is but one device
		p.say(0x30, "state/lamp-1/power", "ON")
		p.take()
	})
}

// marked311 reads the mark of a payload: a line feed and 72 bits, 16 of the run, 24 of the
// controller, 32 of the request.
func marked311(t *testing.T, payload string) (run, controller, seq uint64, text string) {
	t.Helper()
	text, bits, ok := strings.Cut(payload, "\n")
	if !ok || len(bits) != 72 || strings.Trim(bits, " \t") != "" {
		t.Fatalf("the payload %q has no mark", payload)
	}
	number := func(s string) (n uint64) {
		for _, c := range s {
			n <<= 1
			if c == '\t' {
				n |= 1
			}
		}
		return n
	}
	return number(bits[:16]), number(bits[16:40]), number(bits[40:]), text
}

func markOf311(run, controller, seq uint64) string {
	var b strings.Builder
	b.WriteByte('\n')
	for _, part := range []struct {
		n    uint64
		bits int
	}{{run, 16}, {controller, 24}, {seq, 32}} {
		for i := part.bits - 1; i >= 0; i-- {
			b.WriteByte(" \t"[part.n>>i&1])
		}
	}
	return b.String()
}

// With identify the ledger tells whose answer it was that a requester took: the requester
// goes by the topic all the same, but a request is answered by its own answer alone.
func TestLedgerTellsWhoseAnswerItWas(t *testing.T) {
	by311(t, "target.id = \"lamp-1\"\nrate = \"10/s\"\nidentify = true\n", func(p *peer311, r *load.Controller) {
		p.comesUp("phone", "state/lamp-1/power")
		begin311(r)
		topic := "state/lamp-1/power"
		var marks []string
		take := func() {
			t.Helper()
			_, payload := p.take()
			run, controller, seq, text := marked311(t, payload)
			if text != "ON" || controller != 0 || seq != uint64(len(marks)) {
				t.Errorf("request %d has %q, controller %d, number %d; want ON, 0, %d", len(marks), text, controller, seq, len(marks))
			}
			marks = append(marks, markOf311(run, controller, seq))
		}
		foreign := func(controllerShift uint64) string {
			run, _, seq, _ := marked311(t, "ON"+marks[len(marks)-1])
			return markOf311(run, controllerShift, seq)
		}
		step := func(what, payload string, answered int64, want metrics.ByTopic) {
			t.Helper()
			p.say(0x30, topic, payload)
			if got := totals311(r); got.Answered != answered || got.ByTopic != want {
				t.Errorf("%s: answered %d, by topic %+v; want %d, %+v", what, got.Answered, got.ByTopic, answered, want)
			}
		}
		take()
		step("its own", "ON"+marks[0], 1, metrics.ByTopic{Own: 1})
		step("nothing is asked", "ON"+foreign(7), 1, metrics.ByTopic{Own: 1})
		take()
		step("another's", "OFF"+foreign(7), 1, metrics.ByTopic{Own: 1, Others: 1})
		take() // it takes itself for answered
		step("the one before", "ON"+marks[1], 2, metrics.ByTopic{Own: 1, Others: 1, Earlier: 1})
		take()
		step("a change by itself", "OFF", 2, metrics.ByTopic{Own: 1, Others: 1, Earlier: 1, Nobodys: 1})
		step("an answer that nobody waits for any more", "ON"+marks[2], 3, metrics.ByTopic{Own: 1, Others: 1, Earlier: 1, Nobodys: 1})
		if got := totals311(r); got.Sent != 4 || got.Duplicates != 0 || got.Misrouted.Total() != 0 {
			t.Errorf("sent %d, %d duplicates, %d misrouted; want 4, 0, 0", got.Sent, got.Duplicates, got.Misrouted.Total())
		}
		step("the same twice", "ON"+marks[2], 3, metrics.ByTopic{Own: 1, Others: 1, Earlier: 1, Nobodys: 1})
		if got := totals311(r); got.Duplicates != 1 {
			t.Errorf("%d duplicates; want 1", got.Duplicates)
		}
	})
}

// A controller of many devices asks for the states of all in one filter.
func TestByTopicSubscribesOnce(t *testing.T) {
	for _, tt := range []struct {
		count string
		want  []string
	}{{"2", []string{"state/lamp-1/power", "state/lamp-2/power"}}, {"33", []string{"state/+/power"}}} {
		synctest.Test(t, func(t *testing.T) {
			f := stage(t, "[[device]]\nkind = \"light\"\nid = \"lamp-{n}\"\ncount = "+tt.count+
				"\n[[controller]]\nname = \"phone\"\nmqtt = \"3.1.1\"\nattribute = \"power\"\nrate = \"1/s\"\n")
			p := &peer311{t, f.start(t, &f.requesters[0].Session).conn}
			p.comesUp("phone", tt.want...)
		})
	}
}
