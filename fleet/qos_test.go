package fleet

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
	"homefleet/fleet/wire"
)

// tap is a connection that notes the QoS of each PUBLISH that passes, by what it
// is: it frames the streams itself.
type tap struct {
	net.Conn
	seen     *qosCounts
	up, down []byte
}

type qosCounts struct {
	mu  sync.Mutex
	qos map[string][3]int
}

func (c *tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.down = c.seen.take(append(c.down, b[:n]...))
	return n, err
}

func (c *tap) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.up = c.seen.take(append(c.up, b[:n]...))
	return n, err
}

// take notes the whole packets of a stream and returns the rest.
func (s *qosCounts) take(stream []byte) []byte {
	for {
		size, at, shift := 0, 1, 0
		for ; ; at++ {
			if at >= len(stream) {
				return stream
			}
			size |= int(stream[at]&0x7f) << shift
			shift += 7
			if stream[at] < 0x80 {
				break
			}
		}
		body := at + 1
		if len(stream) < body+size {
			return stream
		}
		if stream[0]>>4 == 3 {
			n := int(stream[body])<<8 | int(stream[body+1])
			topic := string(stream[body+2 : body+2+n])
			what, _, _ := strings.Cut(topic, "/")
			s.mu.Lock()
			q := s.qos[what]
			q[stream[0]>>1&3]++
			s.qos[what] = q
			s.mu.Unlock()
		}
		stream = stream[body+size:]
	}
}

// A controller's qos is that of its requests and answers on the whole way: from
// it to the broker, on to the device, and back.
func TestQoSOnTheWholeWay(t *testing.T) {
	for qos, text := range []string{"0", "1", "2"} {
		seen := &qosCounts{qos: make(map[string][3]int)}
		snap, _ := brew(t, `
[[device]]
kind = "light"
count = 3
[[controller]]
attribute = "power"
payload = "TOGGLE"
rate = "10/s"
qos = `+text+`
[phases]
measure = "2s"
`, broker.Config{}, nil, func(o *Options) {
			dial := o.Dial
			o.Dial = func(ctx context.Context) (net.Conn, error) {
				c, err := dial(ctx)
				if err != nil {
					return nil, err
				}
				return &tap{Conn: c, seen: seen}, nil
			}
		})
		var want [3]int
		want[qos] = 2 * int(snap.Totals.Sent) // to the broker and on
		if snap.Totals.Answered != 20 || snap.Totals.Sent != 20 {
			t.Errorf("QoS %d: %d sent, %d answered; want 20", qos, snap.Totals.Sent, snap.Totals.Answered)
		}
		for _, what := range []string{"cmnd", "homefleet"} {
			if got := seen.qos[what]; got != want {
				t.Errorf("QoS %d: %s/… passed at QoS 0, 1 and 2 %v times; want %v", qos, what, got, want)
			}
		}
	}
}

// A broker may grant less than it is asked for (3.8.4-8): it is counted and said,
// and answers go at the QoS at which their requests came.
func TestLowerGrantIsNoticed(t *testing.T) {
	sc := scenarioOf(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\n[[controller]]\nattribute = \"power\"\nqos = 2\nrate = \"1/s\"\n")
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept() // the device or the controller, whichever is first
		if p.wantConnect().ClientID != "lamp" {
			p = b.accept()
			p.wantConnect()
		}
		p.connack(0, false, nil)
		s := p.wantSubscribe()
		if s.Subscriptions[0].QoS != 2 {
			t.Errorf("the device subscribes at QoS %d; want 2", s.Subscriptions[0].QoS)
		}
		p.send(&packets.Suback{PacketID: s.PacketID, Reasons: []byte{1}, Properties: &packets.Properties{}})
		p.wantMessage("tele/lamp/lwt", "Online")
		m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("ON"), QoS: 1, PacketID: 3}
		m.Props.ResponseTopic = []byte("phone")
		p.publish(m)
		p.want(packets.PUBACK)
		if got := p.wantMessage("phone", "ON"); got.QoS != 1 {
			t.Errorf("the answer goes at QoS %d; want 1, at which the request came", got.QoS)
		}
		p.wantMessage("state/lamp/power", "ON")
		time.Sleep(time.Millisecond)
		if n := b.fleet.counts.SubsLowered.Load(); n != 1 {
			t.Errorf("subscriptions.lowered = %d; want 1", n)
		}
		if log := b.log.String(); !strings.Contains(log, "a lower QoS than asked for") || !strings.Contains(log, "granted=1") {
			t.Errorf("nothing is said of the lower QoS")
		}
	})
}

// Where the broker has a Maximum QoS, no more is asked for, and nothing is said.
func TestSubscribesWithinMaximumQoS(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, &packets.Properties{MaximumQOS: new(byte(1))})
		if s := p.grant(); s.Subscriptions[0].QoS != 1 {
			t.Errorf("the device subscribes at QoS %d; want 1", s.Subscriptions[0].QoS)
		}
		p.wantMessage("tele/lamp/lwt", "Online")
		if n := b.fleet.counts.SubsLowered.Load(); n != 0 {
			t.Errorf("subscriptions.lowered = %d; want 0", n)
		}
	})
}
