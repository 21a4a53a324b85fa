package fleettest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"homefleet/fleet/requester"
	"homefleet/fleet/wire"
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

// phone is the test's own MQTT client, and who waits for what comes to it.
type phone struct {
	*requester.Requester

	mu      sync.Mutex
	next    int
	waiting map[string]chan arrival // by Correlation Data
}

// arrival is an answer, and when it came.
type arrival struct {
	Answer
	at    time.Time
	fault error
}

// Request sends a request to any topic and waits for one answer. The error is
// an [*ErrorAnswer] when the device answered with one.
func (f *Fleet) Request(topic, payload string) (Answer, error) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.t.Context()), f.setup.patience)
	defer cancel()
	p, err := f.phoneOf(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("connecting the test's requester: %w", err)
	}
	id, got := p.expect()
	defer p.forget(id)
	m := &wire.Publish{Topic: []byte(topic), Payload: []byte(payload), QoS: 1}
	m.Props.ResponseTopic, m.Props.CorrelationData = []byte(p.Topic), []byte(id)
	refused := make(chan error, 1)
	start := time.Now()
	p.Publish(m, func(code byte, reason string) {
		if code >= 0x80 {
			refused <- fmt.Errorf("sending to %s: the broker refused it: %s %s", topic, wire.ReasonName(code), reason)
		}
	})
	select {
	case a := <-got:
		a.Took = a.at.Sub(start)
		return a.Answer, a.fault
	case err := <-refused:
		return Answer{}, err
	case <-p.Gone():
		return Answer{}, fmt.Errorf("no answer to %s: %w: %w", topic, errLost, p.Err())
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("no answer to %s within %v", topic, f.setup.patience)
	}
}

var errLost = errors.New("the connection of the test's requester was lost")

// expect returns the Correlation Data of a request, and where its answer comes.
func (p *phone) expect() (id string, got <-chan arrival) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	id = strconv.Itoa(p.next)
	ch := make(chan arrival, 1)
	p.waiting[id] = ch
	return id, ch
}

func (p *phone) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

// phoneOf connects the test's client when it is first needed, and again when its
// connection was lost, as where the broker was away.
func (f *Fleet) phoneOf(ctx context.Context) (*phone, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.phone != nil {
		select {
		case <-f.phone.Gone():
		default:
			return f.phone, nil
		}
	}
	p := &phone{waiting: make(map[string]chan arrival)}
	var topic string
	var err error
	p.Requester, err = requester.Connect(ctx, requester.Config{
		Dial: f.dial, Broker: "the broker", ClientID: "fleettest-" + strings.ToLower(rand.Text()[:10]),
		Username: f.setup.username, Password: f.setup.password, QoS: 1, Log: slog.New(slog.DiscardHandler),
		ResponseTopic: func(information, clientID string) string {
			if information == "" {
				information = "fleettest/"
			}
			topic = information + clientID
			return topic
		},
		Message: p.take, Patience: f.setup.patience,
	})
	if e, ok := errors.AsType[*requester.Error](err); ok && e.Phase == requester.Subscribing {
		err = fmt.Errorf("subscribing to %s: %w", topic, err)
	}
	if err != nil {
		return nil, err
	}
	f.phone = p
	return p, nil
}

// take hands an answer to whoever waits for it.
func (p *phone) take(m *wire.Publish) {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.waiting[string(m.Props.CorrelationData)]
	if got == nil {
		return
	}
	a := arrival{at: time.Now(), Answer: Answer{
		Topic: string(m.Topic), Payload: bytes.Clone(m.Payload), ContentType: string(m.Props.ContentType), QoS: m.QoS, Retain: m.Retain,
	}}
	for key, value := range m.Props.UserProperties() {
		a.User = append(a.User, Property{key, value})
		if key == "error" {
			a.fault = &ErrorAnswer{value}
		}
	}
	select {
	case got <- a:
	default: // a duplicate; the first counts
	}
}
