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

// A PUBREL that does not come is missed as well (4.3.3), by whoever has taken the message
// and said so in a PUBREC; the message itself has been acted upon.
func TestMissingReleases(t *testing.T) {
	again := func(b *script, p *peer, present bool) *peer {
		p.conn.Close()
		p = b.accept()
		p.wantConnect()
		p.connack(0, present, nil)
		if !present {
			p.grant()
		}
		p.passed(packets.PUBLISH)
		time.Sleep(1500 * time.Millisecond)
		return p
	}
	for _, tt := range []struct {
		name string
		then func(b *script, p *peer) *peer // more than a second after the messages 7, 8 and 9
		want int64
	}{
		{"none comes", func(_ *script, p *peer) *peer { return p }, 3},
		{"one comes", func(_ *script, p *peer) *peer { p.release(8); return p }, 2},
		{"all come", func(_ *script, p *peer) *peer { p.release(9, 7, 8); return p }, 0},
		{"the same comes twice", func(_ *script, p *peer) *peer { p.release(7, 7); return p }, 2},
		{"one more, just now", func(_ *script, p *peer) *peer {
			p.release(7, 8, 9)
			p.exactly(10, false)
			return p
		}, 0},
		{"the message comes again", func(_ *script, p *peer) *peer {
			p.release(7, 8)
			p.exactly(9, true)
			return p
		}, 0},
		{"on a session that goes on", func(b *script, p *peer) *peer { // 4.4
			p = again(b, p, true)
			p.release(7)
			return p
		}, 2},
		{"on a session that is over", func(b *script, p *peer) *peer { return again(b, p, false) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc := scenarioOf(t, "[connect]\nsession_expiry = \"1h\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\nwill = false\n")
			var f *Fleet
			play(t, sc, func(t *testing.T, b *script) {
				f = b.fleet
				p := b.accept()
				p.wantConnect()
				p.connack(0, false, nil)
				p.grant()
				p.passed(packets.PUBLISH) // Online
				for id := uint16(7); id < 10; id++ {
					p.exactly(id, false)
				}
				time.Sleep(1500 * time.Millisecond)
				orderly(b, tt.then(b, p))
			})
			if got := f.counts.MissingAcks.Load(); got != tt.want {
				t.Errorf("acks.missing = %d; want %d", got, tt.want)
			}
		})
	}
}

// exactly sends a command at QoS 2 and wants its PUBREC.
func (p *peer) exactly(id uint16, dup bool) {
	p.t.Helper()
	p.publish(wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("ON"), QoS: 2, PacketID: id, Dup: dup})
	p.passed(packets.PUBREC)
	if !dup {
		p.passed(packets.PUBLISH) // the state
	}
}

// release sends PUBRELs and wants their PUBCOMPs.
func (p *peer) release(ids ...uint16) {
	p.t.Helper()
	for _, id := range ids {
		p.ack(packets.PUBREL, id, wire.Success)
		p.passed(packets.PUBCOMP)
	}
}

// passed waits for a packet of a type, and passes over others. PUBLISHes are acknowledged.
func (p *peer) passed(typ byte) {
	p.t.Helper()
	for {
		f := p.next()
		if f == nil {
			p.t.Fatalf("the connection ended; want %s", wire.TypeName(typ))
		}
		if f.Type() == packets.PUBLISH {
			m, err := wire.ParsePublish(f, wire.V5)
			if err != nil {
				p.t.Fatal(err)
			}
			switch m.QoS {
			case 1:
				p.ack(packets.PUBACK, m.PacketID, wire.Success)
			case 2:
				p.ack(packets.PUBREC, m.PacketID, wire.Success)
				p.passed(packets.PUBREL)
				p.ack(packets.PUBCOMP, m.PacketID, wire.Success)
			}
		}
		if f.Type() == typ {
			return
		}
	}
}

// The reason codes of a SUBACK (3.9.3-2): what is none of the standard's is a bad packet, of
// which 0x80 tells what it means, and a number of codes that is not that of the filters ends
// the connection (3.8.4-6).
func TestOddSubacks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		codes  []byte
		online bool
		bad    int64
	}{
		{"as asked", []byte{1}, true, 0},
		{"lower, which is allowed (3.8.4-8)", []byte{0}, true, 0},
		{"higher", []byte{2}, true, 0},
		{"0x05, which is none", []byte{0x05}, true, 1},
		{"0x7F, which is none", []byte{0x7f}, true, 1},
		{"0x87, not authorized", []byte{0x87}, false, 0},
		{"0x85, which is none of a SUBACK", []byte{0x85}, false, 1},
		{"0xFF, which is none", []byte{0xff}, false, 1},
		{"two for one filter", []byte{1, 1}, false, 1},
		{"none", nil, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f *Fleet
			play(t, scenarioOf(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\nqos = 1\n"), func(_ *testing.T, b *script) {
				f = b.fleet
				p := b.accept()
				p.wantConnect()
				p.connack(0, false, nil)
				s := p.wantSubscribe()
				p.write(append([]byte{packets.SUBACK << 4, byte(3 + len(tt.codes)), byte(s.PacketID >> 8), byte(s.PacketID), 0}, tt.codes...))
				time.Sleep(50 * time.Millisecond)
				if got := f.Presence().Online == 1; got != tt.online {
					b.t.Errorf("online is %t; want %t", got, tt.online)
				}
			})
			if got := f.counts.BadPackets.Load(); got != tt.bad {
				t.Errorf("connections.bad_packets = %d; want %d", got, tt.bad)
			}
		})
	}
}
