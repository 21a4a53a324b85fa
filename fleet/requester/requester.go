// Package requester is an MQTT 5 client that asks: it subscribes to a Response Topic,
// publishes requests with it, and hands over what comes there (MQTT 5.0, 4.10). A
// [Requester] does not know which answer belongs to which request; a [Phone] does. Neither
// knows what they mean.
package requester

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// Config says who asks, and where.
type Config struct {
	Dial     func(context.Context) (net.Conn, error)
	Broker   string // as errors call it
	ClientID string
	Username string // "": none
	Password []byte // nil: none
	QoS      byte   // of the subscription: 0 to 2; what the broker allows rules
	Log      *slog.Logger

	// ResponseTopic returns where answers are to come. information is the broker's
	// Response Information, "" if it gives none; clientID may have been assigned by it.
	ResponseTopic func(information, clientID string) string
	// Message takes a message on the Response Topic, which is valid until it returns. The
	// goroutine of the session calls it, which reads nothing meanwhile.
	Message func(*wire.Publish)

	// Patience is how long the broker may take over each single answer, a PINGRESP most
	// of all, and over taking what is written.
	Patience time.Duration
}

const (
	// MaximumPacket is the Maximum Packet Size that a requester declares, in bytes: the
	// largest payload that a scenario can have, and what is around it. One that is
	// larger ends the connection (3.1.2.11.4).
	MaximumPacket = 17 << 20

	keepAlive      = time.Minute
	receiveMaximum = 1024 // bounds answers that wait
	disconnectTime = 500 * time.Millisecond
)

// Phase is how far a requester had come.
type Phase int32

// The phases, in order.
const (
	Dialling    Phase = iota // TCP, TLS, WebSocket
	Greeting                 // CONNECT was sent, CONNACK is to come
	Subscribing              // to the Response Topic
	Online
)

// Error is why there is no requester, or is none any more.
type Error struct {
	Phase Phase
	Err   error // a [*client.RefusedError], an error of the connection, or the context's
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// errClosed is how a connection ends without a word.
var errClosed = closedError{}

type closedError struct{}

func (closedError) Error() string { return "the broker closed the connection" }
func (closedError) Unwrap() error { return io.EOF }

// Requester is a session with its Response Topic in force. It may be used from any
// goroutine.
type Requester struct {
	session asker
	cancel  context.CancelFunc

	// Topic is the Response Topic, ClientID what the broker calls the client, MaximumQoS
	// and MaximumPacket what it takes; 0 is any size.
	Topic         string
	ClientID      string
	MaximumQoS    byte
	MaximumPacket int
}

// Connect connects and subscribes. It gives up when ctx is done, whatever it is at: all
// its phases share that time. It tries once. The error is an [*Error].
func Connect(ctx context.Context, c Config) (*Requester, error) {
	r := new(Requester)
	s := &r.session
	s.config, s.requester, s.up = c, r, make(chan struct{})
	faults := &client.FaultLog{Log: slog.New(slog.DiscardHandler)} // who asks is told by the error
	counts := new(metrics.Counts)
	env := &client.Env{
		Clock: client.Clock{Epoch: time.Now()}, Dial: s.dial, Broker: c.Broker, Log: c.Log, Faults: faults, Stop: make(chan struct{}),
		Timeout: c.Patience, KeepAlive: keepAlive, ReceiveMaximum: receiveMaximum, MaximumPacket: MaximumPacket, FailFast: true,
		Counts: counts, Buffers: transport.NewBuffers(client.ReadSize, 16<<10),
		Period: func(time.Duration) metrics.Period { return metrics.InMeasure },
		Tried:  func() {}, Welcomed: func(*packets.Properties) {},
	}
	profile := &client.Profile{Cohort: &client.Cohort{
		Log: c.Log, Faults: faults, Counts: counts, Size: 1, Hidden: true, Ready: make(chan struct{}),
	}}
	s.Init(env, profile, s, client.Setup{Name: "the requester", ClientID: c.ClientID})
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	go func() { _ = s.Run(running) }() // Cause has it
	select {
	case <-s.up:
		return r, nil
	case <-s.Gone():
		cancel()
		return nil, r.Err()
	case <-ctx.Done():
		err := &Error{Phase(s.phase.Load()), context.Cause(ctx)}
		r.Close()
		return nil, err
	}
}

// Publish sends a message, as soon as the broker's Receive Maximum allows that (4.9).
// done is called on the session's goroutine, with the reason code of the PUBACK or
// PUBREC, and with the broker's Reason String if the code is 0x80 or more; of a message
// of QoS 0, or one whose acknowledgement never comes, it is not called. What stands in
// the message must not be changed any more.
func (r *Requester) Publish(p *wire.Publish, done func(code byte, reason string)) {
	s := &r.session
	s.Tell(func() { // if nobody hears of it any more, Gone says so
		s.waiting = append(s.waiting, request{p, done})
		s.send()
	})
}

// Gone returns a channel that is closed when the connection has ended.
func (r *Requester) Gone() <-chan struct{} { return r.session.Gone() }

// Err is why it ended. It may be asked once the channel of Gone is closed.
func (r *Requester) Err() error {
	err := r.session.Cause()
	if e, ok := errors.AsType[*client.DeviceError](err); ok {
		err = e.Err // whose it was and where, the caller knows
	}
	switch err {
	case nil:
		err = net.ErrClosed
	case io.EOF:
		err = errClosed
	}
	return &Error{Phase(r.session.phase.Load()), err}
}

// Close ends the session in an orderly way (DISCONNECT 0x00), or after half a second in
// any way, and returns when it has ended.
func (r *Requester) Close() {
	s := &r.session
	r.cancel()
	s.EndBy(time.Now().Add(disconnectTime))
	timer := time.NewTimer(disconnectTime)
	defer timer.Stop()
	select {
	case <-s.Gone():
	case <-timer.C:
		s.mu.Lock()
		if s.conn != nil {
			_ = s.conn.Close() // which wakes whoever reads or writes
		}
		s.mu.Unlock()
		<-s.Gone()
	}
}

// asker is the handler of the session.
type asker struct {
	client.Session
	config    Config
	requester *Requester
	up        chan struct{} // closed when it is online
	phase     atomic.Int32

	mu   sync.Mutex
	conn net.Conn // for Close

	waiting []request                                 // for room in the broker's Receive Maximum
	sent    map[uint64]func(code byte, reason string) // by note
	notes   uint64
	why     string // the Reason String of a refusal
}

// request is a message on its way.
type request struct {
	message *wire.Publish
	done    func(code byte, reason string)
}

func (s *asker) dial(ctx context.Context) (net.Conn, error) {
	conn, err := s.config.Dial(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	return conn, nil
}

// FillConnect implements [client.Handler].
func (s *asker) FillConnect(c *wire.Connect) error {
	s.phase.Store(int32(Greeting))
	c.CleanStart, c.RequestResponseInfo = true, true
	c.HasUser, c.Username = s.config.Username != "", s.config.Username
	c.HasPass, c.Password = s.config.Password != nil, s.config.Password
	return nil
}

// Subscriptions implements [client.Handler].
func (s *asker) Subscriptions() ([]packets.SubOptions, int, error) {
	s.phase.Store(int32(Subscribing))
	r, lim := s.requester, s.Limits()
	r.ClientID, r.MaximumQoS, r.MaximumPacket = s.ClientID(), lim.MaximumQoS, lim.MaximumPacket
	r.Topic = s.config.ResponseTopic(lim.ResponseInformation, r.ClientID)
	return []packets.SubOptions{{
		Topic: r.Topic, QoS: min(s.config.QoS, lim.MaximumQoS), NoLocal: true,
		RetainHandling: packets.RetainDoNotSend, // what is retained there answers no request of ours
	}}, 1, nil
}

// Online implements [client.Handler].
func (s *asker) Online(time.Time) (next time.Time) {
	s.phase.Store(int32(Online))
	s.sent = make(map[uint64]func(byte, string))
	close(s.up) // once: it tries once
	return next
}

// Message implements [client.Handler].
func (s *asker) Message(p *wire.Publish) { s.config.Message(p) }

// send sends what waits, as far as there is room for it.
func (s *asker) send() {
	for len(s.waiting) > 0 && s.Live() && s.HasRoom(s.waiting[0].message.QoS) {
		q := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.notes++
		if q.message.QoS = min(q.message.QoS, s.Limits().MaximumQoS); q.message.QoS > 0 && q.done != nil {
			s.sent[s.notes] = q.done
		}
		s.SendOnce(q.message, s.notes)
	}
}

// Refused implements [client.HearsReasons].
func (s *asker) Refused(reason string) { s.why = reason }

// Acknowledged implements [client.Acknowledged].
func (s *asker) Acknowledged(note uint64, code byte) {
	if done := s.sent[note]; done != nil {
		delete(s.sent, note)
		done(code, s.why)
	}
	s.why = ""
	s.send()
}

// TopicLevel makes a client identifier, which may hold what a topic level may not, one.
func TopicLevel(clientID string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("/+#$", r) {
			return '_'
		}
		return r
	}, clientID)
}
