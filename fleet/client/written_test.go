package client

import (
	"errors"
	"net"
	"testing"

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

func wantFates(t *testing.T, c *metrics.Counts, k metrics.MessageKind, want map[metrics.Fate]int64) {
	t.Helper()
	got := fatesOf(c, k)
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
		r := newNobody()
		attach(&r.Session)
		r.link.conn = &narrow{r.link.conn, tt.room}
		r.link.stream = transport.NewStream(r.link.conn, r.env.Buffers)
		for range 3 {
			r.Send(&wire.Publish{Topic: []byte("phone"), Payload: []byte("ON"), QoS: tt.qos}, metrics.Reply)
		}
		wantFates(t, r.counts(), metrics.Reply, nil)
		if err := r.flush(); (err != nil) != (tt.sent < 3) {
			t.Errorf("%s: flush = %v", tt.name, err)
		}
		r.drop()
		r.out.disconnected(true, -1)
		want := map[metrics.Fate]int64{metrics.Sent: tt.sent, metrics.Offline: tt.offline}
		wantFates(t, r.counts(), metrics.Reply, want)
		if tt.qos == 0 {
			continue
		}
		// What is sent on the session's next connection is sent once, and a second
		// time only what was before, with DUP (3.3.1-1).
		attach(&r.Session)
		r.out.pump(&r.Session)
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
		if dups != tt.sent || r.counts().Resent.Load() != tt.sent {
			t.Errorf("%s: %d sent with DUP, %d counted as sent again; want %d", tt.name, dups, r.counts().Resent.Load(), tt.sent)
		}
		wantFates(t, r.counts(), metrics.Reply, map[metrics.Fate]int64{metrics.Sent: 3})
	}
}
