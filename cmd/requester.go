package cmd

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// requesting is a request on its way.
type requesting struct {
	*app
	q   *request
	log *slog.Logger

	url       string
	clientID  string
	topic     string // the Response Topic
	topicFrom string

	sent         time.Time
	answers      []answer
	kept         int  // bytes of them
	others       int  // messages without our Correlation Data
	without      int  // of these, without any
	code         byte // of the PUBACK or PUBREC
	acknowledged bool
}

// answer is a message on the Response Topic.
type answer struct {
	topic       string
	payload     []byte
	correlation []byte
	contentType string
	properties  []scenarios.Pair
	qos         byte
	retain      bool
	came        time.Time
	took        time.Duration
	fault       string // what the User Property "error" says
}

// request sends the request and prints what came of it.
func (a *app) request(ctx context.Context, q *request) error {
	r := &requesting{app: a, q: q, log: a.logger()}
	err := r.exchange(ctx)
	if a.json {
		doc := r.document()
		if exit, ok := errors.AsType[*exitError](err); ok {
			doc.Error, doc.ExitCode = exit.Error(), exit.code
		}
		if printErr := a.document(doc); printErr != nil {
			return printErr
		}
		return err
	}
	if len(r.answers) > 0 {
		if printErr := r.printAnswers(); printErr != nil {
			return printErr
		}
	}
	return err
}

// exchange connects, subscribes, publishes and collects, in this order: an
// answer that came before the subscription would be lost (MQTT 5.0, 4.10.1).
func (r *requesting) exchange(ctx context.Context) error {
	conn, err := r.dial(ctx)
	if err != nil {
		return err
	}
	// The connection's end ends everything that waits, and is told once.
	live, end := context.WithCancelCause(ctx)
	defer end(nil)
	came := make(chan answer)
	done := make(chan struct{})
	client := paho.NewClient(paho.ClientConfig{
		Conn:          conn,
		PacketTimeout: r.q.timeout,
		PingHandler:   &pinger{},
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			select {
			case came <- answerOf(p.Packet):
			case <-done:
			}
			return true, nil
		}},
		OnServerDisconnect: func(d *paho.Disconnect) {
			e := &fleet.RefusedError{Code: d.ReasonCode, Packet: "DISCONNECT"}
			if d.Properties != nil {
				e.Reason, e.ServerReference = d.Properties.ReasonString, d.Properties.ServerReference
			}
			end(e)
		},
		OnClientError: func(err error) { end(err) },
	})
	if err := r.connect(ctx, client, conn); err != nil {
		return err
	}
	var publishing sync.WaitGroup
	defer publishing.Wait()
	defer func() {
		close(done)
		// A broker that does not read may have stopped the request half-way.
		_ = conn.SetWriteDeadline(time.Now().Add(ackPatience))
		_ = client.Disconnect(&paho.Disconnect{}) // the connection ends either way
	}()
	if err := r.subscribe(live, client); err != nil {
		return err
	}
	published := make(chan publishResult, 1)
	message := r.message()
	r.sent = time.Now()
	publishing.Go(func() {
		resp, err := client.Publish(live, message)
		published <- publishResult{resp, err}
	})
	return r.collect(live, came, published)
}

// over says why everything that waits was ended: by the user or by the broker.
func (r *requesting) over(live context.Context, doing string) error {
	cause := context.Cause(live)
	if errors.Is(cause, errInterrupted) || errors.Is(cause, context.Canceled) {
		return interrupted()
	}
	return failed("", "%s, the connection to %s ended: %w", doing, r.url, cause)
}

// dial opens the connection.
func (r *requesting) dial(ctx context.Context) (*phoneConn, error) {
	dialer, err := fleet.NewDialer(r.q.broker)
	if err != nil {
		return nil, misused("", "%w", err)
	}
	r.url, r.clientID = dialer.String(), r.q.clientID
	dctx, cancel := context.WithTimeout(ctx, r.q.timeout)
	defer cancel()
	conn, err := dialer.Dial(dctx)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			_ = conn.Close()
		}
		return nil, interrupted()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, failed(brokerHint(err, r.url), "connecting to %s: no answer within %s", r.url, setting(r.q.timeout))
	case err != nil:
		return nil, failed(brokerHint(err, r.url), "connecting to %s: %w", r.url, err)
	}
	return &phoneConn{Conn: conn}, nil
}

const (
	requestKeepAlive = 60 * time.Second

	// requestReceiveMaximum bounds answers that wait; the library makes room for
	// 65,535 otherwise.
	requestReceiveMaximum = 1024
)

// connect sends CONNECT and takes the CONNACK.
func (r *requesting) connect(ctx context.Context, client *paho.Client, conn *phoneConn) error {
	cp := &paho.Connect{
		ClientID:   r.q.clientID,
		CleanStart: true,
		KeepAlive:  uint16(requestKeepAlive / time.Second),
		Properties: &paho.ConnectProperties{
			RequestResponseInfo: true,
			RequestProblemInfo:  true, // the library asks for none unless told
			ReceiveMaximum:      new(uint16(requestReceiveMaximum)),
			MaximumPacketSize:   new(uint32(requestMaximumPacket)),
		},
	}
	if b := &r.q.broker; b.Username != "" {
		cp.UsernameFlag, cp.Username = true, string(b.Username)
		if b.Password != (scenarios.Secret{}) {
			// Of a request everything is text, braces too.
			secret, err := r.secret(scenarios.Secret{File: escaped(string(b.Password.File)), Env: escaped(string(b.Password.Env))}, scenarios.Vars{})
			if err != nil {
				_ = conn.Close()
				return misused("", "%w", err)
			}
			cp.PasswordFlag, cp.Password = true, secret
		}
	}
	ack, err := client.Connect(ctx, cp)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return interrupted()
	case errors.Is(err, context.DeadlineExceeded):
		return failed(r.strangerHint(conn), "%s took the connection, but sent no CONNACK within %s", r.url, setting(r.q.timeout))
	case conn.old():
		return failed("", "%s speaks MQTT 3.1.1 only; a request needs MQTT 5", r.url)
	case ack != nil && ack.ReasonCode >= 0x80:
		refusal := &fleet.RefusedError{Code: ack.ReasonCode, Reason: ack.Properties.ReasonString, ServerReference: ack.Properties.ServerReference}
		return failed(brokerHint(refusal, r.url), "connecting to %s: %w", r.url, refusal)
	default:
		return failed(r.strangerHint(conn), "connecting to %s: no sound CONNACK came: %w", r.url, err)
	}
	if ack.Properties.AssignedClientID != "" {
		r.clientID = ack.Properties.AssignedClientID
	}
	if most := ack.Properties.MaximumQoS; most != nil && r.q.qos > *most {
		r.log.Info("the broker allows less than the QoS asked for", "asked", r.q.qos, "allowed", *most)
		r.q.qos = *most
	}
	if most := ack.Properties.MaximumPacketSize; most != nil && len(r.q.payload) > int(*most) {
		_ = client.Disconnect(&paho.Disconnect{}) // the error says why
		return failed("", "the payload has %s bytes; %s takes packets of up to %s", words.Grouped(int64(len(r.q.payload))), r.url, plural(int64(*most), "byte"))
	}
	r.topic, r.topicFrom = r.q.responseTopicOf(ack.Properties.ResponseInfo, r.clientID)
	r.log.Debug("connected", "broker", r.url, "client_id", r.clientID, "response_information", ack.Properties.ResponseInfo)
	r.log.Debug("the response topic is "+r.topicFrom, "topic", r.topic)
	return nil
}

// strangerHint says what may be at the other end that sent no CONNACK.
func (r *requesting) strangerHint(conn *phoneConn) string {
	if !isPlain(r.url) {
		return ""
	}
	return firstBytesHint(conn.begin())
}

// subscribe asks for the answers and waits for the SUBACK.
func (r *requesting) subscribe(live context.Context, client *paho.Client) error {
	ack, err := client.Subscribe(live, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{
		Topic:          r.topic,
		QoS:            r.q.qos,
		NoLocal:        true,
		RetainHandling: packets.RetainDoNotSend, // what is retained there answers no request of ours
	}}})
	switch {
	case ack != nil && len(ack.Reasons) > 0 && ack.Reasons[0] >= 0x80:
		refusal := &fleet.RefusedError{Code: ack.Reasons[0], Packet: "SUBACK"}
		if ack.Properties != nil {
			refusal.Reason = ack.Properties.ReasonString
		}
		hint := ""
		if refusal.Code == wire.NotAuthorized {
			hint = "this user may not subscribe there; without --response-topic the broker's Response Information is used, if there is any"
		}
		return failed(hint, "subscribing to the Response Topic %s on %s: %w", r.topic, r.url, refusal)
	case live.Err() != nil:
		return r.over(live, "while subscribing to the Response Topic "+r.topic)
	case errors.Is(err, context.DeadlineExceeded):
		return failed("", "subscribing to the Response Topic %s on %s: no SUBACK within %s", r.topic, r.url, setting(r.q.timeout))
	case err != nil:
		return failed("", "subscribing to the Response Topic %s on %s: %w", r.topic, r.url, err)
	}
	r.log.Debug("subscribed", "topic", r.topic, "qos", ack.Reasons[0])
	return nil
}

// message is the PUBLISH.
func (r *requesting) message() *paho.Publish {
	q := r.q
	p := &paho.PublishProperties{
		ResponseTopic:   r.topic,
		CorrelationData: q.correlation,
		ContentType:     q.contentType,
	}
	if utf8.Valid(q.payload) && len(q.payload) > 0 {
		p.PayloadFormat = new(byte(1))
	}
	if q.expiry > 0 {
		p.MessageExpiry = new(q.expiry)
	}
	for _, u := range q.properties {
		p.User = append(p.User, paho.UserProperty{Key: u.Key, Value: u.Value})
	}
	return &paho.Publish{Topic: q.topic, QoS: q.qos, Payload: q.payload, Properties: p}
}

// answerOf takes from a message what is shown of it.
func answerOf(p *paho.Publish) answer {
	an := answer{topic: p.Topic, payload: p.Payload, qos: p.QoS, retain: p.Retain, came: time.Now()}
	if p.Properties == nil {
		return an
	}
	an.correlation, an.contentType = p.Properties.CorrelationData, p.Properties.ContentType
	for _, u := range p.Properties.User {
		an.properties = append(an.properties, scenarios.Pair{Key: u.Key, Value: u.Value})
		if u.Key == "error" && an.fault == "" {
			an.fault = u.Value
		}
	}
	return an
}
