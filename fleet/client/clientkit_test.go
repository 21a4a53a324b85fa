package client

import (
	"log/slog"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/memconn"
	"homefleet/fleet/metrics"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// nobody is a handler that wants nothing. A test drives its session by hand, without a
// goroutine.
type nobody struct{ Session }

func (n *nobody) FillConnect(*wire.Connect) error { return nil }
func (n *nobody) Subscriptions() ([]packets.SubOptions, int, error) {
	return []packets.SubOptions{{Topic: "t"}}, 1, nil
}
func (n *nobody) Online(time.Time) (next time.Time) { return next }
func (n *nobody) Message(*wire.Publish)             {}

// newNobody returns a session like that of a device, without a connection.
func newNobody() *nobody {
	log, counts := slog.New(slog.DiscardHandler), new(metrics.Counts)
	e := &Env{
		Clock: Clock{time.Now()}, Broker: "the broker", Log: log, Faults: &FaultLog{Log: log}, Stop: make(chan struct{}),
		Timeout: 10 * time.Second, KeepAlive: time.Minute, MaximumPacket: 1 << 18,
		Counts: counts, Recorder: metrics.NewRecorder(metrics.RecorderConfig{}), Buffers: transport.NewBuffers(ReadSize, ReadSize),
		Period: func(time.Duration) metrics.Period { return metrics.InMeasure },
		Tried:  func() {}, Welcomed: func(*packets.Properties) {},
	}
	n := new(nobody)
	n.Init(e, &Profile{Cohort: &Cohort{Log: log, Faults: e.Faults, Counts: counts, Size: 1, Devices: true, Ready: make(chan struct{})}},
		n, Setup{Name: "nobody", ClientID: "nobody"})
	return n
}

// attach gives a session a connection that leads nowhere, on which CONNECT has been
// written.
func attach(s *Session) {
	conn, _ := memconn.Pipe(1 << 20)
	s.link = newLink(conn, s.env.Buffers)
	if err := s.sendConnect(); err != nil {
		panic(err)
	}
	s.wrote(len(s.link.out.packets))
}

// fatesOf are those of one kind of message that are not zero.
func fatesOf(c *metrics.Counts, k metrics.MessageKind) map[metrics.Fate]int64 {
	m := make(map[metrics.Fate]int64)
	for fate := metrics.Sent; fate <= metrics.Rejected; fate++ {
		if n := c.Messages.Total(fate, k); n != 0 {
			m[fate] = n
		}
	}
	return m
}

// A packet id that is in use is not given out again, even after the ids have
// gone round (2.2.1-3, 2.2.1-4).
func TestPacketIDsGoRound(t *testing.T) {
	var o outbox
	take := func() uint16 {
		id := o.id()
		if o.find(id) >= 0 {
			t.Fatalf("id() = %d, which is in use", id)
		}
		o.messages = append(o.messages, outgoing{id: id})
		return id
	}
	for n := range 200 { // the first and the hundredth are never acknowledged
		take()
		if n != 0 && n != 99 {
			o.remove(len(o.messages) - 1)
		}
	}
	take()
	for range 2 * 65536 { // acknowledged one later
		take()
		o.remove(len(o.messages) - 2)
	}
}

// What a session keeps for a broker that acknowledges nothing is bounded in
// bytes, not only in messages.
func TestOutboxIsBoundedInBytes(t *testing.T) {
	s := newNobody()
	attach(&s.Session)
	m := wire.Publish{Topic: []byte("phone"), Payload: []byte("ON")}
	m.Props.ResponseTopic = make([]byte, 65535)
	m.Props.CorrelationData = make([]byte, 65535)
	taken := 0
	for range 100 {
		m.QoS = 1
		if s.Send(&m, metrics.Reply) {
			taken++
		}
		s.wrote(len(s.buffered()))
	}
	held := 0
	for _, m := range s.out.messages {
		if m.packet != nil {
			held += cap(*m.packet)
		}
	}
	if held > 4<<20 || taken == 0 || taken == 100 {
		t.Errorf("the outbox holds %d MiB of %d messages; want at most 4 MiB, of some, but not all", held>>20, taken)
	}
}

// buffered is what the next flush writes.
func (n *nobody) buffered() []byte {
	if n.link.out == nil {
		return nil
	}
	return n.link.out.packets
}
