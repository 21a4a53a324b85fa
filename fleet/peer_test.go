package fleet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// script is a broker that a test plays by hand: it accepts the fleet's
// connections and says packet by packet what is answered.
type script struct {
	t        *testing.T
	listener *MemListener
	fleet    *Fleet
	log      *lockedBuffer
	ended    runEnd
	stop     context.CancelFunc
}

// oneLight is a scenario with one light called "lamp".
func oneLight(change func(*scenarios.Scenario)) *scenarios.Scenario {
	sc, faults := scenarios.Load("test.toml", []byte(`
title = "test"
seed = 7
[connect]
keep_alive = "60s"
[[device]]
kind = "light"
id = "lamp"
`))
	if err := faults.Err(); err != nil {
		panic(err)
	}
	if change != nil {
		change(sc)
	}
	return sc
}

// play runs a fleet against a broker that the test plays, in a bubble of fake
// time, and checks that every goroutine has ended afterwards.
func play(t *testing.T, sc *scenarios.Scenario, act func(*testing.T, *script), options ...func(*Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &script{t: t, listener: ListenInMemory(), log: new(lockedBuffer), ended: make(runEnd, 1)}
		o := Options{
			Dial:       b.listener.Dial,
			BrokerName: "mqtt://broker",
			Run:        "r1",
			Log:        slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}
		for _, f := range options {
			f(&o)
		}
		f, err := New(sc, o)
		if err != nil {
			t.Fatal(err)
		}
		b.fleet = f
		ctx, cancel := context.WithCancel(t.Context())
		b.stop = cancel
		go func() { b.ended <- f.Run(ctx) }()
		defer func() {
			cancel()
			b.listener.Close()
			select {
			case <-b.ended:
			case <-time.After(time.Hour):
				t.Error("the fleet did not stop within an hour")
			}
			if t.Failed() {
				t.Logf("log of the fleet:\n%s", b.log)
			}
		}()
		act(t, b)
	})
}

// runEnd is where a fleet's Run leaves what it returns.
type runEnd chan error

// wait waits for that, and leaves it for the next who waits.
func (e runEnd) wait() error {
	err := <-e
	e <- err
	return err
}

// peer is the broker's end of one connection.
type peer struct {
	t      *testing.T
	conn   net.Conn
	framer wire.Framer
	chunk  []byte
}

// accept waits for the next connection.
func (b *script) accept() *peer {
	b.t.Helper()
	conn, err := b.listener.Accept()
	if err != nil {
		b.t.Fatalf("accepting: %v", err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return &peer{t: b.t, conn: conn}
}

// next returns the next packet, or nil at the end of the stream.
func (p *peer) next() wire.Frame {
	p.t.Helper()
	for {
		frame, err := p.framer.Next(&p.chunk)
		if err != nil {
			p.t.Fatalf("framing what the device sent: %v", err)
		}
		if frame != nil {
			return bytes.Clone(frame)
		}
		buf := make([]byte, 4096)
		if err := p.conn.SetReadDeadline(time.Now().Add(10 * time.Minute)); err != nil {
			p.t.Fatal(err)
		}
		n, err := p.conn.Read(buf)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || err != nil && strings.Contains(err.Error(), "reset") {
			return nil
		}
		if err != nil {
			p.t.Fatalf("reading from the device: %v", err)
		}
		p.chunk = buf[:n]
	}
}

// want returns the next packet, which must be of a type.
func (p *peer) want(typ byte) wire.Frame {
	p.t.Helper()
	f := p.next()
	if f == nil {
		p.t.Fatalf("the connection ended; want %s", wire.TypeName(typ))
	}
	if f.Type() != typ {
		p.t.Fatalf("got %s % x; want %s", wire.TypeName(f.Type()), []byte(f), wire.TypeName(typ))
	}
	return f
}

func (p *peer) wantConnect() *wire.Connect {
	p.t.Helper()
	c, err := wire.ParseConnect(p.want(packets.CONNECT))
	if err != nil {
		p.t.Fatalf("CONNECT: %v", err)
	}
	return c
}

func (p *peer) wantPublish() wire.Publish {
	p.t.Helper()
	m, err := wire.ParsePublish(p.want(packets.PUBLISH), wire.V5)
	if err != nil {
		p.t.Fatalf("PUBLISH: %v", err)
	}
	return m
}

// wantMessage is wantPublish for a topic and a payload; QoS 1 is acknowledged.
func (p *peer) wantMessage(topic, payload string) wire.Publish {
	p.t.Helper()
	m := p.wantPublish()
	if string(m.Topic) != topic || string(m.Payload) != payload {
		p.t.Fatalf("got %q on %s; want %q on %s", m.Payload, m.Topic, payload, topic)
	}
	if m.QoS == 1 {
		p.ack(packets.PUBACK, m.PacketID, 0)
	}
	return m
}

func (p *peer) wantSubscribe() *packets.Subscribe {
	p.t.Helper()
	packet, err := wire.Decode(p.want(packets.SUBSCRIBE), wire.V5)
	if err != nil {
		p.t.Fatalf("SUBSCRIBE: %v", err)
	}
	return packet.(*packets.Subscribe)
}

// wantEnd reads until the device has closed the connection and returns what came
// before.
func (p *peer) wantEnd() []wire.Frame {
	p.t.Helper()
	var got []wire.Frame
	for {
		f := p.next()
		if f == nil {
			p.conn.Close()
			return got
		}
		got = append(got, f)
	}
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatalf("writing to the device: %v", err)
	}
}

func (p *peer) send(packet packets.Packet) {
	p.t.Helper()
	p.write(wire.Append(nil, packet, wire.V5))
}

func (p *peer) publish(m wire.Publish) {
	p.t.Helper()
	p.write(wire.AppendPublish(nil, &m, wire.V5))
}

func (p *peer) ack(typ byte, id uint16, code byte) {
	p.t.Helper()
	p.write(wire.AppendAck(nil, typ, wire.Ack{PacketID: id, Code: code}, wire.V5))
}

func (p *peer) connack(code byte, present bool, props *packets.Properties) {
	p.t.Helper()
	if props == nil {
		props = &packets.Properties{}
	}
	p.send(&packets.Connack{ReasonCode: code, SessionPresent: present, Properties: props})
}

// welcome lets a device come up: CONNACK with these properties, SUBACK, and the
// Online message.
func (p *peer) welcome(props *packets.Properties) *wire.Connect {
	p.t.Helper()
	c := p.wantConnect()
	p.connack(0, false, props)
	p.grant()
	p.wantMessage("tele/"+c.ClientID+"/lwt", "Online")
	return c
}

func (p *peer) grant() *packets.Subscribe {
	p.t.Helper()
	s := p.wantSubscribe()
	ack := &packets.Suback{PacketID: s.PacketID, Properties: &packets.Properties{}}
	for _, o := range s.Subscriptions {
		ack.Reasons = append(ack.Reasons, o.QoS)
	}
	p.send(ack)
	return s
}

// refuse answers a SUBSCRIBE of one filter: not authorized.
func (p *peer) refuse() {
	p.t.Helper()
	p.send(&packets.Suback{PacketID: p.wantSubscribe().PacketID, Reasons: []byte{wire.NotAuthorized}, Properties: &packets.Properties{}})
}

// command sends a command to the light "lamp" at QoS 0 with a Response Topic
// (absent when nil) and Correlation Data (absent when nil).
func (p *peer) command(attribute, payload string, rt, cd []byte) {
	p.t.Helper()
	m := wire.Publish{Topic: []byte("cmnd/lamp/" + attribute), Payload: []byte(payload)}
	m.Props.ResponseTopic, m.Props.CorrelationData = rt, cd
	p.publish(m)
}

// quiet checks that the device sends nothing before a PINGREQ.
func (p *peer) quiet() {
	p.t.Helper()
	p.want(packets.PINGREQ)
	p.write(wire.Pingresp[:])
}

func (b *script) snapshot(id string) Snapshot {
	b.t.Helper()
	d, ok := b.fleet.Device(id)
	if !ok {
		b.t.Fatalf("no device %s", id)
	}
	s, err := d.Snapshot(b.t.Context())
	if err != nil {
		b.t.Fatalf("Snapshot(%s): %v", id, err)
	}
	return s
}

// lockedBuffer is a log that may be written and read at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// reported is how many attributes of a kind have states of their own.
func reported(k *devices.Kind) (n int) {
	for i := range k.Attributes {
		if !k.Attributes[i].Momentary {
			n++
		}
	}
	return n
}
