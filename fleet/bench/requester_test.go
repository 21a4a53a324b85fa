//go:build linux

package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices/faces"
	"homefleet/fleet/wire"
)

// requester sends commands at a fixed rate, whatever the answers do, to all
// devices in turn, and checks that each is answered once. It is a process of its
// own, so that nothing of what it costs is in the figures of a contender.
type requester struct {
	conn net.Conn
	ids  []string
	asks []asked // in their dialects instead of by their ids

	writing sync.Mutex
	out     []byte

	sent, answered, strange atomic.Int64
	failed                  atomic.Int64

	mu   sync.Mutex
	seen map[uint64]int // outstanding, and how many messages of the answer

	messages int // that each answer has
}

const answers = "answers/requester"

func startRequester(j *job) (part, error) {
	ids, asks, err := whom(j)
	if err != nil {
		return nil, err
	}
	conn, err := dialPlain(j.Broker)
	if err != nil {
		return nil, err
	}
	r := &requester{conn: conn, ids: ids, asks: asks, seen: make(map[uint64]int), messages: 1}
	if f, ok := faces.ByName(j.Face); ok && f.InParts {
		r.messages = 2 // to POWER
	}
	r.out = wire.AppendConnect(nil, &wire.Connect{Version: wire.V5, ClientID: "requester", CleanStart: true, MaximumPacketSize: 1 << 20})
	r.out = wire.Append(r.out, &packets.Subscribe{PacketID: 1, Properties: &packets.Properties{}, Subscriptions: []packets.SubOptions{
		{Topic: answers, QoS: 1}, {Topic: "state/+/power", QoS: 1},
	}}, wire.V5)
	if _, err := conn.Write(r.out); err != nil {
		return nil, err
	}
	up := make(chan error, 1)
	go func() {
		err := r.read(up)
		r.failed.Add(1)
		select {
		case up <- err:
		default:
		}
	}()
	return r, <-up
}

// whom returns who is commanded: devices by their ids, or in the dialect of a face.
func whom(j *job) (ids []string, asks []asked, err error) {
	sc, err := homes(j, "")
	if err != nil {
		return nil, nil, err
	}
	if j.Face != "" {
		asks, err = commandsOf(sc)
	}
	for d := range sc.Devices() {
		ids = append(ids, d.ID)
	}
	return ids, asks, err
}

func (r *requester) counts() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return map[string]int64{"sent": r.sent.Load(), "answered": r.answered.Load(), "strange": r.strange.Load(),
		"outstanding": int64(len(r.seen)), "failed": r.failed.Load()}
}

// load implements loader.
func (r *requester) load(o order) error {
	if o.Rate <= 0 || o.Seconds <= 0 {
		return fmt.Errorf("a load of %d/s for %g s", o.Rate, o.Seconds)
	}
	r.mu.Lock()
	left := len(r.seen)
	r.mu.Unlock()
	if left > 0 {
		return fmt.Errorf("%d requests of the last load have no answer", left)
	}
	go r.send(o)
	return nil
}

// send sends every request at its own moment.
func (r *requester) send(o order) {
	every := time.Second / time.Duration(o.Rate)
	start := time.Now()
	total := int(o.Seconds * float64(o.Rate))
	first := uint64(r.sent.Load())
	var correlation [8]byte
	var topic, to []byte
	for i := range total {
		if wait := time.Until(start.Add(time.Duration(i) * every)); wait > 0 {
			time.Sleep(wait)
		}
		number := first + uint64(i)
		// A step that has no factor in common with the number of devices: all of
		// them in turn, but not neighbours one after the other.
		id := r.ids[number*7919%uint64(len(r.ids))]
		topic = append(append(append(topic[:0], "cmnd/"...), id...), "/power"...)
		to = append(to[:0], answers...)
		if o.Own {
			to = append(append(append(to[:0], "state/"...), id...), "/power"...)
		}
		binary.BigEndian.PutUint64(correlation[:], number)
		payload := "ON"
		if r.asks != nil {
			one := r.asks[number*7919%uint64(len(r.asks))]
			topic, to, payload = append(topic[:0], one.topic...), append(to[:0], answers...), one.payload
		}
		p := wire.Publish{Topic: topic, Payload: []byte(payload), QoS: o.QoS, PacketID: uint16(number%65535) + 1}
		p.Props.ResponseTopic, p.Props.CorrelationData = to, correlation[:]
		r.mu.Lock()
		r.seen[number] = r.messages
		r.mu.Unlock()
		r.sent.Add(1)
		r.writing.Lock()
		r.out = wire.AppendPublish(r.out[:0], &p, wire.V5)
		_, err := r.conn.Write(r.out)
		r.writing.Unlock()
		if err != nil {
			r.failed.Add(1)
			return
		}
	}
}

// read takes the answers until the connection ends; up gets word when the
// subscriptions are in force.
func (r *requester) read(up chan<- error) error {
	framer := wire.Framer{Max: 1 << 20}
	buf := make([]byte, 64<<10)
	var acks []byte
	for {
		n, err := r.conn.Read(buf)
		if err != nil {
			return err
		}
		acks = acks[:0]
		for chunk := buf[:n]; ; {
			frame, err := framer.Next(&chunk)
			if err != nil {
				return err
			}
			if frame == nil {
				break
			}
			switch frame.Type() {
			case packets.SUBACK:
				up <- nil
			case packets.CONNACK:
				if frame.Body()[1] >= 0x80 {
					return errors.New("the broker refused the requester")
				}
			case packets.DISCONNECT:
				return errors.New("the broker disconnected the requester")
			case packets.PUBLISH:
				p, err := wire.ParsePublish(frame, wire.V5)
				if err != nil {
					return err
				}
				if p.QoS > 0 {
					acks = wire.AppendAck(acks, packets.PUBACK, wire.Ack{PacketID: p.PacketID}, wire.V5)
				}
				r.take(&p)
			}
		}
		if len(acks) > 0 {
			r.writing.Lock()
			_, err := r.conn.Write(acks)
			r.writing.Unlock()
			if err != nil {
				return err
			}
		}
	}
}

// take enters an answer. What has no Correlation Data is a state message.
func (r *requester) take(p *wire.Publish) {
	if p.Props.CorrelationData == nil {
		return
	}
	if len(p.Props.CorrelationData) != 8 {
		r.strange.Add(1)
		return
	}
	number := binary.BigEndian.Uint64(p.Props.CorrelationData)
	r.mu.Lock()
	due := r.seen[number]
	if due > 1 {
		r.seen[number] = due - 1
	} else {
		delete(r.seen, number)
	}
	r.mu.Unlock()
	switch due {
	case 0:
		r.strange.Add(1)
	case 1:
		r.answered.Add(1)
	}
}
