//go:build linux

package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	paholog "github.com/eclipse/paho.golang/paho/log"
)

// One paho.Client for each device, as well as the library can be made to do it:
//
//   - Receive Maximum is small: the client allocates a channel of that length,
//     half a megabyte of it by default.
//   - The answer leaves from the handler, which is not the reader's goroutine,
//     with PublishMethod_AsyncSend, which does not wait for the PUBACK: no further
//     goroutine, and no way to wait for what the reader has yet to read.
//   - A pinger without a goroutine of its own, which does not ping at once, in
//     place of the default one.
//   - The connection is read through a small buffer, because the library reads a
//     packet in four parts; it writes one with a single writev, to which it must
//     see the *net.TCPConn (so it is embedded).
//   - No NewThreadSafeConn: a TCP connection is safe for concurrent writes.

// pahos are all of them.
type pahos struct {
	states   bool
	answered atomic.Int64
	failed   atomic.Int64
	clients  []*paho.Client
}

// bufferedConn is a TCP connection with a buffer for reading.
type bufferedConn struct {
	*net.TCPConn
	r *bufio.Reader
}

func (c *bufferedConn) Read(b []byte) (int, error) { return c.r.Read(b) }

func startPaho(j *job) (part, error) {
	ids, err := names(j)
	if err != nil {
		return nil, err
	}
	p := &pahos{states: j.States, clients: make([]*paho.Client, len(ids))}
	err = connectAll(len(ids), func(i int) error {
		var err error
		p.clients[i], err = p.connect(j, ids[i])
		return err
	})
	return p, err
}

func (p *pahos) counts() map[string]int64 {
	return map[string]int64{"answered": p.answered.Load(), "failed": p.failed.Load()}
}

func (p *pahos) connect(j *job, id string) (*paho.Client, error) {
	conn, err := dialPlain(j.Broker)
	if err != nil {
		return nil, err
	}
	c := paho.NewClient(paho.ClientConfig{
		ClientID: id,
		Conn:     &bufferedConn{conn.(*net.TCPConn), bufio.NewReaderSize(conn, 256)},
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(m paho.PublishReceived) (bool, error) { return true, p.handle(m) },
		},
		PingHandler:   &quietPinger{},
		PacketTimeout: time.Minute,
		OnClientError: func(error) { p.failed.Add(1) },
	})
	ctx := context.Background()
	_, err = c.Connect(ctx, &paho.Connect{
		ClientID: id, CleanStart: true, KeepAlive: uint16(j.KeepAlive),
		Properties: &paho.ConnectProperties{
			SessionExpiryInterval: new(uint32(3600)), ReceiveMaximum: new(uint16(receiveMaximum)),
			MaximumPacketSize: new(uint32(256 << 10)), RequestProblemInfo: true,
		},
		WillMessage: &paho.WillMessage{Topic: "tele/" + id + "/lwt", Payload: []byte("Offline"), QoS: 1, Retain: true},
		// What else a Will has, the library takes and does not send.
		WillProperties: &paho.WillProperties{
			WillDelayInterval: new(uint32(5)), ResponseTopic: "will/seen/" + id, CorrelationData: []byte(id + "/run"),
			User: paho.UserProperties{{Key: "home", Value: id[:min(len(id), 9)]}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	_, err = c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{
		{Topic: "cmnd/" + id + "/#", QoS: 1, RetainHandling: packets.RetainDoNotSend},
		{Topic: "will/seen/" + id, QoS: 1, RetainHandling: packets.RetainDoNotSend},
	}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	return c, nil
}

// handle answers a command.
func (p *pahos) handle(m paho.PublishReceived) error {
	props := m.Packet.Properties
	if props == nil || props.ResponseTopic == "" {
		return nil
	}
	p.answered.Add(1)
	if err := p.publish(m.Client, m.Packet.QoS, props.ResponseTopic, props.CorrelationData); err != nil {
		return err
	}
	if !p.states {
		return nil
	}
	return p.publish(m.Client, 0, "state"+strings.TrimPrefix(m.Packet.Topic, "cmnd"), nil)
}

func (p *pahos) publish(c *paho.Client, qos byte, topic string, correlation []byte) error {
	_, err := c.PublishWithOptions(context.Background(), &paho.Publish{
		Topic: topic, QoS: qos, Payload: []byte("ON"),
		Properties: &paho.PublishProperties{PayloadFormat: new(byte(1)), ContentType: "text/plain", CorrelationData: correlation},
	}, paho.PublishOptions{Method: paho.PublishMethod_AsyncSend})
	if err != nil {
		p.failed.Add(1)
	}
	return err
}

// quietPinger pings when nothing was sent for most of the Keep Alive. It has a
// timer, but no goroutine.
type quietPinger struct {
	sent  atomic.Int64 // ns since 1970
	every time.Duration
	conn  net.Conn
	timer *time.Timer
}

// Run implements paho.Pinger: it returns at once.
func (q *quietPinger) Run(ctx context.Context, conn net.Conn, keepAlive uint16) error {
	if keepAlive == 0 {
		return nil
	}
	q.every, q.conn = time.Duration(keepAlive)*time.Second*9/10, conn
	q.PacketSent()
	q.timer = time.AfterFunc(q.every, q.look)
	context.AfterFunc(ctx, func() { q.timer.Stop() })
	return nil
}

func (q *quietPinger) look() {
	left := q.every - time.Since(time.Unix(0, q.sent.Load()))
	if left <= 0 {
		left = q.every
		q.PacketSent()
		if _, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(q.conn); err != nil {
			return // the client's reader tells
		}
	}
	q.timer.Reset(left)
}

func (q *quietPinger) PacketSent()             { q.sent.Store(time.Now().UnixNano()) }
func (q *quietPinger) PacketReceived()         {}
func (q *quietPinger) PingResp()               {}
func (q *quietPinger) SetDebug(paholog.Logger) {}
