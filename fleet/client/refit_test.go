package client

import (
	"fmt"
	"strings"
	"testing"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// What a resumed session sends again keeps to the limits of the new CONNACK, and
// is otherwise as it was: the same packet id, QoS and retain flag, and DUP
// (MQTT-4.4.0-1, 3.3.1-1). What the broker forbids now is not sent and counted.
func TestResentKeepsToTheNewLimits(t *testing.T) {
	for _, tt := range []struct {
		name    string
		qos     byte
		retain  bool
		size    int
		written bool // on the connection before
		limit   func(*Limits)
		want    string // what is written on the new one
		unfit   int64
		held    int // in the outbox afterwards
	}{
		{"as it was", 1, false, 10, true, func(*Limits) {}, "id 1 QoS 1 dup", 0, 1},
		{"as it was, QoS 2", 2, true, 10, true, func(*Limits) {}, "id 1 QoS 2 dup retain", 0, 1},
		{"too large, written", 1, false, 300, true, func(l *Limits) { l.MaximumPacket = 200 }, "", 1, 0},
		{"too large, never written", 1, false, 300, false, func(l *Limits) { l.MaximumPacket = 200 }, "", 1, 0},
		{"too large, QoS 2: its packet id stays in use (4.3.3)", 2, false, 300, true, func(l *Limits) { l.MaximumPacket = 200 }, "", 1, 1},
		{"Maximum QoS, written", 2, false, 10, true, func(l *Limits) { l.MaximumQoS = 1 }, "", 1, 1},
		{"Maximum QoS 1, never written", 2, false, 10, false, func(l *Limits) { l.MaximumQoS = 1 }, "id 1 QoS 1", 0, 1},
		{"Maximum QoS 0, never written", 1, false, 10, false, func(l *Limits) { l.MaximumQoS = 0 }, "id 0 QoS 0", 0, 0},
		{"Maximum QoS 0, written", 1, false, 10, true, func(l *Limits) { l.MaximumQoS = 0 }, "", 1, 0},
		{"no retain, written", 1, true, 10, true, func(l *Limits) { l.NoRetain = true }, "", 1, 0},
		{"no retain, never written", 1, true, 10, false, func(l *Limits) { l.NoRetain = true }, "id 1 QoS 1", 0, 1},
		{"Receive Maximum", 1, false, 10, true, func(l *Limits) { l.ReceiveMaximum = 0 }, "", 0, 1},
	} {
		r := newNobody()
		attach(&r.Session)
		r.Send(&wire.Publish{Topic: []byte("t"), Payload: make([]byte, tt.size), QoS: tt.qos, Retain: tt.retain}, metrics.State)
		if n := 0; tt.written {
			n = len(r.link.out.packets)
			r.wrote(n)
		} else {
			r.wrote(0)
		}
		r.drop()
		r.out.disconnected(true, -1)

		attach(&r.Session)
		tt.limit(&r.link.limits)
		r.refit()
		r.out.pump(&r.Session)
		got := publishes(t, r.buffered())
		if got != tt.want || r.counts().Unfit.Load() != tt.unfit || len(r.out.messages) != tt.held {
			t.Errorf("%s: sent again %q, %d unfit, %d held; want %q, %d, %d",
				tt.name, got, r.counts().Unfit.Load(), len(r.out.messages), tt.want, tt.unfit, tt.held)
		}
		if id := r.out.id(); tt.held > 0 && id == 1 {
			t.Errorf("%s: packet id 1 is given out again, but is in use", tt.name)
		}
		// Whatever became of it, there is one fate.
		r.drop()
		r.writeOff()
		sum := int64(0)
		for fate, n := range fatesOf(r.counts(), metrics.State) {
			if fate != metrics.Unacknowledged && fate != metrics.Rejected {
				sum += n
			}
		}
		if sum != 1 {
			t.Errorf("%s: fates %v; want one of them", tt.name, fatesOf(r.counts(), metrics.State))
		}
	}
}

// publishes tells the PUBLISH packets of a stream in words.
func publishes(t *testing.T, stream []byte) string {
	t.Helper()
	var framer wire.Framer
	var all []string
	for chunk := stream; ; {
		frame, err := framer.Next(&chunk)
		if err != nil {
			t.Fatal(err)
		}
		if frame == nil {
			return strings.Join(all, ", ")
		}
		p, err := wire.ParsePublish(frame, wire.V5)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("id %d QoS %d", p.PacketID, p.QoS)
		if p.Dup {
			text += " dup"
		}
		if p.Retain {
			text += " retain"
		}
		all = append(all, text)
	}
}
