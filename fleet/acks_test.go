package fleet

import (
	"fmt"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// A PUBACK, PUBREC or PUBCOMP that does not come is missed (4.3.2-3, 4.3.3-8), once a
// second has passed on a connection that held until it was ended in order.
func TestMissingAcks(t *testing.T) {
	for _, tt := range []struct {
		name string
		qos  int
		acks func(p *peer, id uint16) // what the broker says to each report
		ends func(b *script, p *peer)
		want int64
	}{
		{"none comes", 1, nil, orderly, 2}, // the third report is half a second old
		{"all come", 1, func(p *peer, id uint16) { p.ack(packets.PUBACK, id, wire.Success) }, orderly, 0},
		{"all are refused", 1, func(p *peer, id uint16) { p.ack(packets.PUBACK, id, wire.QuotaExceeded) }, orderly, 0},
		{"no PUBREC", 2, nil, orderly, 2},
		{"PUBREC, and no PUBCOMP", 2, func(p *peer, id uint16) {
			p.ack(packets.PUBREC, id, wire.Success)
			p.want(packets.PUBREL)
		}, orderly, 2},
		{"QoS 0", 0, nil, orderly, 0},
		{"the connection breaks", 1, nil, func(b *script, p *peer) {
			p.conn.Close()
			p = b.accept()
			p.wantConnect()
			p.connack(0, false, nil) // no session: nobody knows what came of it
			p.grant()
			p.wantMessage("tele/plug/lwt", "Online")
			orderly(b, p)
		}, 0},
		{"the broker does not close", 1, nil, func(b *script, p *peer) {
			b.stop()
			p.wantEnd()
		}, 0},
		{"it breaks as the fleet stops", 1, nil, func(b *script, p *peer) {
			p.conn.Close()
			b.stop()
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc := scenarioOf(t, fmt.Sprintf(`
[[device]]
kind = "plug"
id = "plug"
telemetry = "1s"
telemetry_jitter = "0%%"
qos = %d
`, tt.qos))
			var f *Fleet
			play(t, sc, func(t *testing.T, b *script) {
				f = b.fleet
				p := b.accept()
				p.wantConnect()
				p.connack(0, false, nil)
				p.grant()
				online := p.wantMessage("tele/plug/lwt", "Online")
				p.ack(packets.PUBACK, online.PacketID, wire.Success)
				for range 3 {
					if m := p.wantPublish(); tt.acks != nil {
						tt.acks(p, m.PacketID)
					}
				}
				time.Sleep(500 * time.Millisecond)
				tt.ends(b, p)
			})
			if got := f.counts.MissingAcks.Load(); got != tt.want {
				t.Errorf("acks.missing = %d; want %d", got, tt.want)
			}
		})
	}
}

// orderly stops the fleet, which says Offline and DISCONNECT, and closes the connection in
// answer (3.14.4).
func orderly(b *script, p *peer) {
	b.stop()
	for f := p.next(); f != nil && f.Type() != packets.DISCONNECT; {
		f = p.next()
	}
	p.conn.Close()
}
