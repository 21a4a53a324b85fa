package requester

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"homefleet/fleet/wire"
)

// PhoneConfig says how a [Phone] reaches its broker, and as whom.
type PhoneConfig struct {
	Name string // how its client id, and its Response Topic, begin
	Dial func(context.Context) (net.Conn, error)

	// Login returns the User Name and password; nil, or an empty name: there is none. It
	// is asked for each connection.
	Login func() (name string, password []byte, err error)

	// Patience is how long the broker may take over each single answer of its own.
	Patience time.Duration
}

// Phone is a requester for whoever tests against devices or plays with them: it sends a
// request and returns the answer, which it knows by its Correlation Data. It connects when
// it is first needed, and again when its connection was lost. Its methods may be called
// from any goroutine.
type Phone struct {
	config PhoneConfig

	mu   sync.Mutex
	line *line // nil: it has not connected yet
	shut bool
}

// line is one connection of a Phone.
type line struct {
	*Requester

	mu      sync.Mutex
	next    int
	waiting map[string]chan Answer // by Correlation Data
}

// NewPhone returns a phone that is not connected yet.
func NewPhone(c PhoneConfig) *Phone { return &Phone{config: c} }

// Answer is what came to the Response Topic.
type Answer struct {
	Topic       string
	Payload     []byte
	QoS         byte
	Retain      bool
	Correlation []byte // Correlation Data
	ContentType string
	User        []Property // User Properties, in order
	Took        time.Duration

	// Asked is what was sent for it.
	AskedTopic       string // the Response Topic
	AskedCorrelation []byte

	came time.Time
}

// Property is a User Property.
type Property struct{ Key, Value string }

// Fault is the text of the last User Property error; ok is false where there is none.
func (a *Answer) Fault() (text string, ok bool) {
	for _, u := range a.User {
		if u.Key == "error" {
			text, ok = u.Value, true
		}
	}
	return text, ok
}

var (
	// ErrNoAnswer says that nothing has come in time.
	ErrNoAnswer = errors.New("no answer")

	errLost = errors.New("the connection was lost")
	errShut = errors.New("the requester is closed")
)

// Request sends a request with a Response Topic and Correlation Data of its own, and waits
// for the answer until ctx is done. The error is [ErrNoAnswer] then; others are of the
// connection, or what the broker says against the request.
func (p *Phone) Request(ctx context.Context, topic string, payload []byte, qos byte) (Answer, error) {
	l, err := p.connected(ctx)
	if err != nil {
		return Answer{}, err
	}
	correlation, got := l.expect()
	defer l.forget(correlation)
	m := &wire.Publish{Topic: []byte(topic), Payload: payload, QoS: qos}
	m.Props.ResponseTopic, m.Props.CorrelationData = []byte(l.Topic), []byte(correlation)
	asked := Answer{AskedTopic: l.Topic, AskedCorrelation: []byte(correlation)}
	refused := make(chan error, 1)
	start := time.Now()
	l.Publish(m, func(code byte, reason string) {
		if code >= 0x80 {
			refused <- fmt.Errorf("sending to %s: the broker refused it: %s", topic, strings.TrimSpace(wire.ReasonName(code)+" "+reason))
		}
	})
	select {
	case a := <-got:
		a.AskedTopic, a.AskedCorrelation, a.Took = asked.AskedTopic, asked.AskedCorrelation, a.came.Sub(start)
		return a, nil
	case err := <-refused:
		return asked, err
	case <-l.Gone():
		return asked, fmt.Errorf("waiting for the answer to %s: %w: %w", topic, errLost, l.Err())
	case <-ctx.Done():
		return asked, fmt.Errorf("%w to %s in %v", ErrNoAnswer, topic, time.Since(start).Round(time.Millisecond))
	}
}

// Close ends the connection, if there is one, and every request.
func (p *Phone) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	if p.line != nil {
		p.line.Close()
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
		case <-p.line.Gone():
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

func (p *Phone) connect(ctx context.Context) (*line, error) {
	var topic string
	l := &line{waiting: make(map[string]chan Answer)}
	c := Config{
		Dial: p.config.Dial, Broker: "the broker", ClientID: p.config.Name + "-" + strings.ToLower(rand.Text()[:10]),
		QoS: 1, Log: slog.New(slog.DiscardHandler), Patience: p.config.Patience, Message: l.take,
		ResponseTopic: func(information, clientID string) string {
			topic = cmp.Or(information, p.config.Name+"/") + clientID
			return topic
		},
	}
	var err error
	if p.config.Login != nil {
		if c.Username, c.Password, err = p.config.Login(); err != nil {
			return nil, err
		}
	}
	l.Requester, err = Connect(ctx, c)
	if e, ok := errors.AsType[*Error](err); ok && e.Phase == Subscribing {
		err = fmt.Errorf("subscribing to %s: %w", topic, err)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// expect returns the Correlation Data of a request, and where its answer comes.
func (l *line) expect() (string, <-chan Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	correlation, got := strconv.Itoa(l.next), make(chan Answer, 1)
	l.waiting[correlation] = got
	return correlation, got
}

func (l *line) forget(correlation string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, correlation)
}

// take hands an answer to whoever waits for it.
func (l *line) take(m *wire.Publish) {
	l.mu.Lock()
	defer l.mu.Unlock()
	got := l.waiting[string(m.Props.CorrelationData)]
	if got == nil {
		return
	}
	a := Answer{
		Topic: string(m.Topic), Payload: bytes.Clone(m.Payload), QoS: m.QoS, Retain: m.Retain,
		Correlation: bytes.Clone(m.Props.CorrelationData), ContentType: string(m.Props.ContentType), came: time.Now(),
	}
	for key, value := range m.Props.UserProperties() {
		a.User = append(a.User, Property{key, value})
	}
	select {
	case got <- a:
	default: // a duplicate; the first counts
	}
}
