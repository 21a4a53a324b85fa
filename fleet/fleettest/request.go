package fleettest

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

// Answer is what came back for a request.
type Answer struct {
	Topic       string
	Payload     []byte
	ContentType string
	QoS         byte
	Retain      bool
	User        []Property // User Properties, in order
	Took        time.Duration
}

// Property is a User Property.
type Property struct{ Key, Value string }

// ErrorAnswer is an answer with a User Property "error".
type ErrorAnswer struct{ Text string }

func (e *ErrorAnswer) Error() string { return "the device answered with an error: " + e.Text }

// requester is the test's own MQTT client. It is paho's, so that a device is
// always tested against a second implementation of the protocol.
type requester struct {
	client *paho.Client
	topic  string // Response Topic

	mu      sync.Mutex
	next    int
	waiting map[string]chan *paho.Publish // by Correlation Data
}

// Request sends a request to any topic and waits for one answer. The error is
// an [*ErrorAnswer] when the device answered with one.
func (f *Fleet) Request(topic, payload string) (Answer, error) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.t.Context()), f.setup.patience)
	defer cancel()
	r, err := f.connectRequester(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("connecting the test's requester: %w", err)
	}
	r.mu.Lock()
	r.next++
	id := strconv.Itoa(r.next)
	got := make(chan *paho.Publish, 1)
	r.waiting[id] = got
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.waiting, id)
	}()
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	go func() {
		select {
		case <-r.client.Done():
			lose(errLost)
		case <-ctx.Done():
		}
	}()
	start := time.Now()
	_, err = r.client.Publish(ctx, &paho.Publish{
		Topic: topic, Payload: []byte(payload), QoS: 1,
		Properties: &paho.PublishProperties{ResponseTopic: r.topic, CorrelationData: []byte(id)},
	})
	if err != nil {
		return Answer{}, fmt.Errorf("sending to %s: %w", topic, cmp.Or(context.Cause(ctx), err))
	}
	select {
	case m := <-got:
		a := Answer{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain, Took: time.Since(start)}
		var fault error
		if p := m.Properties; p != nil {
			a.ContentType = p.ContentType
			for _, u := range p.User {
				a.User = append(a.User, Property{u.Key, u.Value})
				if u.Key == "error" {
					fault = &ErrorAnswer{u.Value}
				}
			}
		}
		return a, fault
	case <-ctx.Done():
		if err := context.Cause(ctx); err == errLost {
			return Answer{}, fmt.Errorf("no answer to %s: %w", topic, err)
		}
		return Answer{}, fmt.Errorf("no answer to %s within %v", topic, f.setup.patience)
	}
}

var errLost = errors.New("the connection of the test's requester was lost")

// connectRequester connects the test's client when it is first needed, and again
// when its connection was lost, as where the broker was away.
func (f *Fleet) connectRequester(ctx context.Context) (*requester, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.requester != nil {
		select {
		case <-f.requester.client.Done():
		default:
			return f.requester, nil
		}
	}
	r, err := f.newRequester(ctx)
	if err != nil {
		return nil, err
	}
	f.requester = r
	return r, nil
}

func (f *Fleet) newRequester(ctx context.Context) (*requester, error) {
	conn, err := f.dial(ctx)
	if err != nil {
		return nil, err
	}
	if _, tcp := conn.(*net.TCPConn); !tcp {
		conn = packets.NewThreadSafeConn(conn) // paho writes in several pieces
	}
	r := &requester{waiting: make(map[string]chan *paho.Publish)}
	r.client = paho.NewClient(paho.ClientConfig{
		Conn:              conn,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){r.received},
	})
	id := "fleettest-" + strings.ToLower(rand.Text()[:10])
	ack, err := r.client.Connect(ctx, &paho.Connect{
		ClientID: id, CleanStart: true, KeepAlive: 60,
		UsernameFlag: f.setup.username != "", Username: f.setup.username,
		PasswordFlag: f.setup.password != nil, Password: f.setup.password,
		Properties: &paho.ConnectProperties{RequestResponseInfo: true, RequestProblemInfo: true},
	})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	prefix := "fleettest/"
	if ack.Properties != nil && ack.Properties.ResponseInfo != "" {
		prefix = ack.Properties.ResponseInfo
	}
	r.topic = prefix + id
	sub, err := r.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: r.topic, QoS: 1}}})
	if err == nil && (len(sub.Reasons) != 1 || sub.Reasons[0] >= 0x80) {
		err = errors.New("the broker refused it")
	}
	if err != nil {
		r.disconnect()
		return nil, fmt.Errorf("subscribing to %s: %w", r.topic, err)
	}
	return r, nil
}

// received hands an answer to whoever waits for it.
func (r *requester) received(m paho.PublishReceived) (bool, error) {
	p := m.Packet
	if p.Properties == nil {
		return true, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := r.waiting[string(p.Properties.CorrelationData)]; got != nil {
		select {
		case got <- p:
		default: // a duplicate; the first counts
		}
	}
	return true, nil
}

// disconnect ends the connection, if it has not ended yet.
func (r *requester) disconnect() {
	_ = r.client.Disconnect(&paho.Disconnect{ReasonCode: 0})
	<-r.client.Done()
}
