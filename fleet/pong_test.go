package fleet

import (
	"strings"
	"testing"
	"time"

	"homefleet/fleet/wire"
)

// A PINGRESP cannot overtake what is in transit: while bytes of a large command
// come over a slow link, the connection is not given up (3.1.2.10). One on which
// nothing comes is, and so is one of a broker that never answers.
func TestPongBehindALargePacket(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration // between pieces
		whole bool          // each piece is a packet of its own
		ends  bool
	}{
		{"a packet that comes slowly", time.Second, false, false},
		{"nothing comes", time.Hour, false, true},
		{"packets without end and no PINGRESP", time.Second, true, true},
	} {
		sc := scenarioOf(t, "[connect]\nkeep_alive = \"5s\"\ntimeout = \"3s\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n")
		play(t, sc, func(t *testing.T, b *script) {
			p := b.accept()
			p.welcome(nil)
			m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte(strings.Repeat(" ", 6000) + "ON")}
			packet := wire.AppendPublish(nil, &m, wire.V5)
			small := wire.AppendPublish(nil, &wire.Publish{Topic: []byte("cmnd/x/y")}, wire.V5)
			start := time.Now()
			gone := make(chan time.Duration, 1)
			go func() {
				for f := p.next(); f != nil; f = p.next() {
				}
				gone <- time.Since(start)
			}()
			for len(packet) > 0 && time.Since(start) < 2*time.Minute {
				time.Sleep(tt.every)
				piece := small
				if !tt.whole {
					n := min(200, len(packet))
					piece, packet = packet[:n], packet[n:]
				}
				if _, err := p.conn.Write(piece); err != nil {
					break
				}
			}
			if !tt.ends {
				_, _ = p.conn.Write(wire.Pingresp[:])
			}
			time.Sleep(time.Second)
			select {
			case after := <-gone:
				if !tt.ends {
					t.Errorf("%s: given up after %v", tt.name, after)
				}
			default:
				if tt.ends {
					t.Errorf("%s: not given up after %v", tt.name, time.Since(start))
				}
			}
		})
	}
}
