package fleet

import (
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Receive Maximum is not preserved across connections (4.9): on a session that is
// resumed a broker may send as many QoS 2 messages as on a new one, also where those of
// before still wait for their PUBREL, and no more than that (3.3.4-9).
func TestReceiveMaximumOfAResumedSession(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) {
		sc.Connect.SessionExpiry, sc.Connect.ReceiveMaximum = time.Hour, 4
		sc.Connect.Backoff, sc.Connect.BackoffMin = scenarios.Naive, time.Second
	})
	play(t, sc, func(_ *testing.T, b *script) {
		send := func(p *peer, id uint16) {
			p.publish(wire.Publish{Topic: []byte("cmnd/lamp/brightness"), QoS: 2, PacketID: id})
			for {
				f := p.next()
				if f == nil {
					t.Fatalf("message %d ends the connection; want PUBREC", id)
				}
				if f.Type() == packets.PUBREC {
					return
				}
			}
		}
		release := func(p *peer, id uint16) {
			p.ack(packets.PUBREL, id, 0)
			for f := p.next(); f != nil; f = p.next() {
				if f.Type() == packets.PUBCOMP {
					return
				}
			}
			t.Fatalf("PUBREL %d ends the connection; want PUBCOMP", id)
		}
		first := b.accept()
		first.welcome(nil)
		for id := range uint16(4) {
			send(first, id+1)
		}
		first.conn.Close()

		second := b.accept()
		second.wantConnect()
		second.connack(0, true, nil)
		for id := range uint16(4) {
			send(second, id+5)
		}
		release(second, 5) // room for another
		send(second, 9)
		release(second, 1) // of before: it makes none
		second.publish(wire.Publish{Topic: []byte("cmnd/lamp/brightness"), QoS: 2, PacketID: 10})
		got := byte(0)
		for _, f := range second.wantEnd() {
			if f.Type() == packets.DISCONNECT && len(f.Body()) > 0 {
				got = f.Body()[0]
			}
		}
		if got != wire.ReceiveMaximumExceeded {
			t.Errorf("one more than Receive Maximum ends the connection with 0x%02X; want 0x93", got)
		}
	})
}
