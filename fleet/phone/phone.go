// Package phone is a requester for whoever tests against devices or plays with them: an MQTT
// 5 client of its own, on another implementation than that of the devices, which sends a
// request and returns the answer. It measures nothing and is no part of a fleet.
package phone

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// Config says how a phone reaches its broker, and as whom.
type Config struct {
	Name string // how its client id, and its Response Topic, begin
	Dial func(context.Context) (net.Conn, error)

	// Login returns the User Name and password; nil, or an empty name: there is none. It
	// is asked for each connection.
	Login func() (name string, password []byte, err error)
}

// Phone is a requester. It connects when it is first needed, and again when its connection
// was lost. Its methods may be called from any goroutine.
type Phone struct {
	config Config

	mu   sync.Mutex
	line *line // nil: it has not connected yet
	shut bool
}

// New returns a phone that is not connected yet.
func New(c Config) *Phone { return &Phone{config: c} }

// Answer is what came to the Response Topic.
type Answer struct {
	Topic       string
	Payload     []byte
	QoS         byte
	Retain      bool
	Correlation []byte // Correlation Data
	ContentType string
	User        []Property
	Took        time.Duration // from PUBLISH to answer

	// Asked is what was sent for it.
	AskedTopic       string // the Response Topic
	AskedCorrelation []byte
}

// Property is a User Property.
type Property struct{ Key, Value string }

// Fault is the text of the User Property error; ok is false where there is none.
func (a *Answer) Fault() (text string, ok bool) {
	for _, u := range a.User {
		if u.Key == "error" {
			return u.Value, true
		}
	}
	return "", false
}

// ErrNoAnswer says that nothing has come in time.
var ErrNoAnswer = errors.New("no answer")

// errShut says that the phone was closed.
var errShut = errors.New("the phone is closed")

// Request sends a request with a Response Topic and Correlation Data of its own, and waits
// for the answer until ctx is done. The error is [ErrNoAnswer] then; others are of the
// connection.
func (p *Phone) Request(ctx context.Context, topic string, payload []byte, qos byte) (Answer, error) {
	l, err := p.connected(ctx)
	if err != nil {
		return Answer{}, err
	}
	correlation, got := l.expect()
	defer l.forget(correlation)
	a := Answer{AskedTopic: l.topic, AskedCorrelation: []byte(correlation)}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go func() {
		select {
		case <-l.client.Done():
			end(errLost)
		case <-ctx.Done():
		}
	}()
	start := time.Now()
	_, err = l.client.Publish(ctx, &paho.Publish{
		Topic: topic, Payload: payload, QoS: min(qos, l.most),
		Properties: &paho.PublishProperties{ResponseTopic: l.topic, CorrelationData: []byte(correlation)},
	})
	if err != nil && context.Cause(ctx) == nil {
		return a, fmt.Errorf("sending to %s: %w", topic, err)
	}
	select {
	case m := <-got:
		a.fill(m, time.Since(start))
		return a, nil
	case <-ctx.Done():
		if err := context.Cause(ctx); errors.Is(err, errLost) {
			return a, fmt.Errorf("waiting for the answer to %s: %w", topic, err)
		}
		return a, fmt.Errorf("%w to %s in %v", ErrNoAnswer, topic, time.Since(start).Round(time.Millisecond))
	}
}

var errLost = errors.New("the connection was lost")

func (a *Answer) fill(m *paho.Publish, took time.Duration) {
	a.Topic, a.Payload, a.QoS, a.Retain, a.Took = m.Topic, m.Payload, m.QoS, m.Retain, took
	if p := m.Properties; p != nil {
		a.ContentType, a.Correlation = p.ContentType, p.CorrelationData
		for _, u := range p.User {
			a.User = append(a.User, Property{u.Key, u.Value})
		}
	}
}

// Close ends the connection, if there is one, and every request.
func (p *Phone) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	if p.line != nil {
		p.line.disconnect()
	}
}

// connected returns the connection, a new one if the last was lost.
func (p *Phone) connected(ctx context.Context) (*line, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return nil, errShut
	}
	if p.line != nil {
		select {
		case <-p.line.client.Done():
		default:
			return p.line, nil
		}
	}
	l, err := p.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting the requester: %w", err)
	}
	p.line = l
	return l, nil
}

// line is one connection.
type line struct {
	client *paho.Client
	topic  string // the Response Topic
	most   byte   // Maximum QoS

	mu      sync.Mutex
	next    int
	waiting map[string]chan *paho.Publish // by Correlation Data
}

// receiveMaximum bounds answers that wait; the library makes room for 65,535 otherwise.
const receiveMaximum = 256

func (p *Phone) connect(ctx context.Context) (*line, error) {
	conn, err := p.config.Dial(ctx)
	if err != nil {
		return nil, err
	}
	if _, tcp := conn.(*net.TCPConn); !tcp {
		conn = packets.NewThreadSafeConn(conn) // the library writes in several pieces
	}
	l := &line{waiting: make(map[string]chan *paho.Publish), most: 2}
	l.client = paho.NewClient(paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){l.received}})
	id := p.config.Name + "-" + strings.ToLower(rand.Text()[:10])
	cp := &paho.Connect{ClientID: id, CleanStart: true, KeepAlive: 60,
		Properties: &paho.ConnectProperties{RequestResponseInfo: true, RequestProblemInfo: true, ReceiveMaximum: new(uint16(receiveMaximum))}}
	if p.config.Login != nil {
		name, password, err := p.config.Login()
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		cp.UsernameFlag, cp.Username = name != "", name
		cp.PasswordFlag, cp.Password = password != nil, password
	}
	ack, err := l.client.Connect(ctx, cp)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	l.topic = p.config.Name + "/" + id
	if a := ack.Properties; a != nil {
		if a.ResponseInfo != "" {
			l.topic = a.ResponseInfo + id
		}
		if a.MaximumQoS != nil {
			l.most = *a.MaximumQoS
		}
	}
	sub, err := l.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: l.topic, QoS: min(1, l.most)}}})
	if err == nil && (len(sub.Reasons) != 1 || sub.Reasons[0] >= 0x80) {
		err = errors.New("the broker refused it")
	}
	if err != nil {
		l.disconnect()
		return nil, fmt.Errorf("subscribing to %s: %w", l.topic, cmp.Or(context.Cause(ctx), err))
	}
	return l, nil
}

// expect returns Correlation Data of its own, and where the answer to it comes.
func (l *line) expect() (string, <-chan *paho.Publish) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	correlation, got := strconv.Itoa(l.next), make(chan *paho.Publish, 1)
	l.waiting[correlation] = got
	return correlation, got
}

func (l *line) forget(correlation string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, correlation)
}

// received hands an answer to whoever waits for it.
func (l *line) received(m paho.PublishReceived) (bool, error) {
	if m.Packet.Properties == nil {
		return true, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := l.waiting[string(m.Packet.Properties.CorrelationData)]; got != nil {
		select {
		case got <- m.Packet:
		default: // a duplicate; the first counts
		}
	}
	return true, nil
}

// disconnect ends the connection, if it has not ended yet.
func (l *line) disconnect() {
	_ = l.client.Disconnect(&paho.Disconnect{ReasonCode: 0}) // it ends either way
	<-l.client.Done()
}
