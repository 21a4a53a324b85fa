package fleet

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// narrow takes so many bytes and then breaks.
type narrow struct {
	net.Conn
	room int
}

var errBroken = errors.New("broken")

func (c *narrow) Write(b []byte) (int, error) {
	if len(b) <= c.room {
		c.room -= len(b)
		return len(b), nil
	}
	n := c.room
	c.room = 0
	return n, errBroken
}

// fates are those of one kind of message that are not zero, over the whole run.
func fates(f *Fleet, k metrics.MessageKind) map[metrics.Fate]int64 {
	m := make(map[metrics.Fate]int64)
	for fate := metrics.Sent; fate <= metrics.Rejected; fate++ {
		if n := f.counts.Messages.Total(fate, k); n != 0 {
			m[fate] = n
		}
	}
	return m
}

func wantFates(t *testing.T, f *Fleet, k metrics.MessageKind, want map[metrics.Fate]int64) {
	t.Helper()
	got := fates(f, k)
	for fate := metrics.Sent; fate <= metrics.Rejected; fate++ {
		if got[fate] != want[fate] {
			t.Errorf("messages of kind %d: fates %v; want %v", k, got, want)
			return
		}
	}
}

// A message is sent when its whole packet has been written: one that was encoded
// for a connection that ended first was not, nor one of which a part was written.
func TestSentIsWritten(t *testing.T) {
	size := len(wire.AppendPublish(nil, &wire.Publish{Topic: []byte("phone"), Payload: []byte("ON")}, wire.V5))
	for _, tt := range []struct {
		name          string
		qos           byte
		room          int
		sent, offline int64
		held          int64 // in the session, for its next connection
	}{
		{"all", 0, 1 << 20, 3, 0, 0},
		{"all but a byte", 0, 3*size - 1, 2, 1, 0},
		{"one", 0, size, 1, 2, 0},
		{"none", 0, 0, 0, 3, 0},
		{"QoS 1, all", 1, 1 << 20, 3, 0, 0},
		{"QoS 1, none", 1, 0, 0, 0, 3},
		{"QoS 2, one", 2, size + 2, 1, 0, 2},
	} {
		f := stage(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\n")
		r := f.responders[0]
		attach(&r.session)
		r.wrote(len(r.link.out.packets))
		r.link.conn = &narrow{r.link.conn, tt.room}
		r.link.stream = transport.NewStream(r.link.conn, f.env.buffers)
		for range 3 {
			r.send(&wire.Publish{Topic: []byte("phone"), Payload: []byte("ON"), QoS: tt.qos}, metrics.Reply)
		}
		wantFates(t, f, metrics.Reply, nil)
		if err := r.flush(); (err != nil) != (tt.sent < 3) {
			t.Errorf("%s: flush = %v", tt.name, err)
		}
		r.drop()
		r.out.disconnected(true)
		want := map[metrics.Fate]int64{metrics.Sent: tt.sent, metrics.Offline: tt.offline}
		wantFates(t, f, metrics.Reply, want)
		if tt.qos == 0 {
			continue
		}
		// What is sent on the session's next connection is sent once, and a second
		// time only what was before, with DUP (3.3.1-1).
		attach(&r.session)
		r.wrote(len(r.link.out.packets))
		r.out.pump(&r.session)
		var framer wire.Framer
		dups := int64(0)
		for chunk := r.link.out.packets; ; {
			frame, err := framer.Next(&chunk)
			if frame == nil || err != nil {
				break
			}
			if p, err := wire.ParsePublish(frame, wire.V5); err == nil && p.Dup {
				dups++
			}
		}
		if err := r.flush(); err != nil {
			t.Fatal(err)
		}
		if dups != tt.sent || f.counts.Resent.Load() != tt.sent {
			t.Errorf("%s: %d sent with DUP, %d counted as sent again; want %d", tt.name, dups, f.counts.Resent.Load(), tt.sent)
		}
		wantFates(t, f, metrics.Reply, map[metrics.Fate]int64{metrics.Sent: 3})
	}
}

// What a broker leaves unacknowledged, and what waited behind it, has a fate of
// its own when session or run ends (4.9, 4.4).
func TestUnacknowledgedAndAbandoned(t *testing.T) {
	sc := scenarioOf(t, `
[[device]]
kind = "plug"
id = "plug"
telemetry = "1s"
telemetry_jitter = "0%"
qos = 1
`)
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		id := p.wantConnect().ClientID
		p.connack(0, false, &packets.Properties{ReceiveMaximum: new(uint16(2))})
		p.grant()
		p.wantMessage("tele/"+id+"/lwt", "Online")
		refused := p.wantPublish()
		p.ack(packets.PUBACK, refused.PacketID, wire.QuotaExceeded)
		p.wantPublish() // these two are never acknowledged
		p.wantPublish()
		time.Sleep(5*time.Second + time.Millisecond)
		p.conn.Close()
		p = b.accept()
		p.wantConnect()
		p.connack(0, false, nil) // no session: it has ended
		p.grant()
		p.wantMessage("tele/"+id+"/lwt", "Online")
		made := b.fleet.counts
		got := fates(b.fleet, metrics.Telemetry)
		if got[metrics.Sent] != 3 || got[metrics.Rejected] != 1 || got[metrics.Unacknowledged] != 2 || got[metrics.Abandoned] != 5 {
			t.Errorf("fates of telemetry: %v; want sent 3, of them rejected 1 and unacknowledged 2, and abandoned 5", got)
		}
		if n := made.Abandoned.Load(); n != 7 {
			t.Errorf("devices.abandoned = %d; want the two in flight and the five behind them", n)
		}
	})
}

// Telemetry, its PUBACK times and its deliveries belong to the part of the run in
// which they were sent.
func TestMeasuredIsOfTheMeasuring(t *testing.T) {
	snap, s := brew(t, `
[[device]]
kind = "plug"
count = 10
telemetry = "100ms"
telemetry_jitter = "0%"
qos = 1
[[watcher]]
topics = ["tele/+/state"]
qos = 1
[phases]
warm_up = "5s"
measure = "5s"
`, broker.Config{}, nil)
	for _, name := range []string{"telemetry.sent"} {
		if got := snap.Counts[name]; got != 500 {
			t.Errorf("%s = %d; want 500: 10 a second of 10 plugs in 5s", name, got)
		}
		if got := snap.Apart["warm-up"][name]; got != 500 {
			t.Errorf("%s in the warm-up = %d; want 500", name, got)
		}
	}
	for _, m := range []metrics.Metric{metrics.TelemetryPuback, metrics.StateDelivery} {
		if got := snap.Series[metrics.Series{Metric: m}].Count(); got != 500 {
			t.Errorf("%v: %d samples; want 500", m, got)
		}
	}
	if total := s.fleet.counts.Messages.Total(metrics.Sent, metrics.Telemetry); total < 1000 {
		t.Errorf("%d sent in the whole run; want 1000 or more", total)
	}
}
