package fleet

import (
	"bytes"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// pingCounter is a broker that welcomes everybody at once, answers PINGREQs, and
// notes when they come.
type pingCounter struct {
	mu    sync.Mutex
	pings []time.Time
}

func (c *pingCounter) serve(conn net.Conn) {
	defer conn.Close()
	var framer wire.Framer
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		for chunk := buf[:n]; ; {
			frame, err := framer.Next(&chunk)
			if frame == nil || err != nil {
				break
			}
			switch frame.Type() {
			case packets.CONNECT:
				_, _ = conn.Write([]byte{0x20, 3, 0, 0, 0})
			case packets.SUBSCRIBE:
				_, _ = conn.Write([]byte{0x90, 4, frame.Body()[0], frame.Body()[1], 0, 2})
			case packets.PUBLISH:
				if p, err := wire.ParsePublish(bytes.Clone(frame), wire.V5); err == nil && p.QoS == 1 {
					_, _ = conn.Write(wire.AppendAck(nil, packets.PUBACK, wire.Ack{PacketID: p.PacketID}, wire.V5))
				}
			case packets.PINGREQ:
				c.mu.Lock()
				c.pings = append(c.pings, time.Now())
				c.mu.Unlock()
				_, _ = conn.Write(wire.Pingresp[:])
			}
		}
	}
}

// most returns how many PINGREQs came in the busiest span of a length, and how many
// in all, since a moment.
func (c *pingCounter) most(since time.Time, span time.Duration) (most, all int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.SortFunc(c.pings, time.Time.Compare)
	for i, from := range c.pings {
		if from.Before(since) {
			continue
		}
		all++
		n := 0
		for _, p := range c.pings[i:] {
			if p.Sub(from) < span {
				n++
			}
		}
		most = max(most, n)
	}
	return most, all
}

// PINGREQs of a fleet are spread: after it came up together, and after all of it
// was commanded at once; and the Keep Alive is never over (3.1.2-20).
func TestPingsAreSpread(t *testing.T) {
	for _, keepAlive := range []string{"5s", "60s"} {
		sc := scenarioOf(t, "[connect]\nkeep_alive = \""+keepAlive+"\"\n[[device]]\nkind = \"light\"\ncount = 100\n[device.will]\nresponse_topic = \"\"\n")
		play(t, sc, func(t *testing.T, b *script) {
			c := new(pingCounter)
			var serving sync.WaitGroup
			defer serving.Wait()
			defer b.listener.Close()
			defer b.stop()
			serving.Go(func() {
				for {
					conn, err := b.listener.Accept()
					if err != nil {
						return
					}
					serving.Go(func() { c.serve(conn) })
				}
			})
			every := sc.Connect.KeepAlive
			check := func(when string, since time.Time) {
				t.Helper()
				// Spread evenly over a half of it, a tenth of it sees a fifth of them.
				most, all := c.most(since, every/10)
				if most > 40 || all < 200 {
					t.Errorf("keep_alive %s, %s: %d of %d PINGREQs came within a tenth of it; want at most 40 of 200 or more", keepAlive, when, most, all)
				}
			}
			start := time.Now()
			time.Sleep(3 * every)
			check("after coming up", start)
			for _, r := range b.fleet.responders {
				r.Tell(func() { _, _ = r.Do(time.Now(), "power", "TOGGLE") }) // all of them say something at once
			}
			said := time.Now().Add(time.Second)
			time.Sleep(4 * every)
			check("after all spoke at once", said)
			if n := b.fleet.counts.Lost.Load() + b.fleet.counts.TimedOut.Load(); n != 0 {
				t.Errorf("%d connections were lost; want none", n)
			}
		})
	}
}
