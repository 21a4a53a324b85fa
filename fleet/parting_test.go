package fleet

import (
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/scenarios"
)

// What waits when a device leaves is not sent behind its DISCONNECT (3.14.4-1), nor
// taken for sent: on the way back it goes without DUP (3.3.1-1).
func TestNothingIsSentBehindDisconnect(t *testing.T) {
	sc := oneLight(func(sc *scenarios.Scenario) {
		sc.Groups[0].QoS = 1
		sc.Connect.SessionExpiry = time.Hour
	})
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, &packets.Properties{ReceiveMaximum: new(uint16(1))})
		p.grant()
		p.wantMessage("tele/lamp/lwt", "Online")
		d, _ := b.fleet.Device("lamp")
		do := func(attr, value string) {
			t.Helper()
			if _, err := d.Do(t.Context(), attr, value); err != nil {
				t.Fatal(err)
			}
		}
		do("power", "ON")
		first := p.wantPublish() // takes the only place
		do("brightness", "10")
		do("brightness", "20")
		went := make(chan error, 1)
		go func() { went <- d.Die(t.Context(), Orderly) }()
		for p.next().Type() != packets.DISCONNECT {
		}
		p.ack(packets.PUBACK, first.PacketID, 0) // makes room
		p.wantEnd()
		if err := <-went; err != nil {
			t.Fatal(err)
		}
		if err := d.Return(t.Context()); err != nil {
			t.Fatal(err)
		}
		p = b.accept()
		p.wantConnect()
		p.connack(0, true, nil)
		for range 2 {
			m := p.wantPublish()
			if m.Dup {
				t.Errorf("%s %s has DUP; want none: it was never sent", m.Topic, m.Payload)
			}
			p.ack(packets.PUBACK, m.PacketID, 0)
		}
		if n := b.fleet.counts.Resent.Load(); n != 0 {
			t.Errorf("%d messages were resent; want none", n)
		}
	})
}
