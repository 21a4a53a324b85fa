package cmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"
	"unicode/utf8"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/requester"
	"homefleet/fleet/survey"
	"homefleet/fleet/transport"
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
	version      brokerVersion
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
// answer that came before the subscription would be lost (MQTT 5.0, 4.10.1). All of it
// has one time-out.
func (r *requesting) exchange(ctx context.Context) error {
	dialer, err := fleet.NewDialer(r.q.broker)
	if err != nil {
		return misused("", "%w", err)
	}
	r.url, r.clientID = dialer.String(), r.q.clientID
	came, done := make(chan answer), make(chan struct{})
	config, err := r.config(dialer, func(p *wire.Publish) {
		select {
		case came <- answerOf(p):
		case <-done:
		}
	})
	if err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, r.q.timeout)
	defer cancel()
	phone, err := requester.Connect(timed, config)
	if err != nil {
		if ctx.Err() != nil {
			return interrupted()
		}
		return r.unconnected(err)
	}
	defer phone.Close()
	defer close(done)
	if r.json {
		r.version.ask(ctx, survey.Config{Dial: config.Dial, ClientID: "homefleet" + randomHex(6), Credentials: loginOf(config.Username, config.Password)})
		defer r.version.wait()
	}
	if err := r.connected(phone); err != nil {
		return err
	}
	published := make(chan publishResult, 1)
	r.sent = time.Now()
	phone.Publish(r.message(), func(code byte, reason string) { published <- publishResult{code, reason} })
	return r.collect(ctx, timed, phone, came, published)
}

// config says who asks, and for what.
func (r *requesting) config(dialer *transport.Dialer, message func(*wire.Publish)) (requester.Config, error) {
	c := requester.Config{
		Dial: dialer.Dial, Broker: r.url, ClientID: r.q.clientID, QoS: r.q.qos, Log: r.log, Message: message,
		Patience: r.q.timeout + time.Second, // the one time-out of all comes first
		ResponseTopic: func(information, clientID string) string {
			r.topic, r.topicFrom = r.q.responseTopicOf(information, clientID)
			return r.topic
		},
	}
	if b := &r.q.broker; b.Username != "" {
		c.Username = string(b.Username)
		if b.Password != (scenarios.Secret{}) {
			// Of a request everything is text, braces too.
			secret, err := r.secret(scenarios.Secret{File: escaped(string(b.Password.File)), Env: escaped(string(b.Password.Env))}, scenarios.Vars{})
			if err != nil {
				return c, misused("", "%w", err)
			}
			c.Password = secret
		}
	}
	return c, nil
}

// unconnected says why there is no connection with a subscription.
func (r *requesting) unconnected(err error) error {
	e, _ := errors.AsType[*requester.Error](err)
	refused, isRefusal := errors.AsType[*fleet.RefusedError](err)
	foreign, isForeign := errors.AsType[*fleet.ForeignError](err)
	late := errors.Is(err, context.DeadlineExceeded)
	switch e.Phase {
	case requester.Dialling:
		if late {
			return failed(brokerHint(err, r.url), "connecting to %s: no answer within %s", r.url, setting(r.q.timeout))
		}
		return failed(brokerHint(err, r.url), "connecting to %s: %w", r.url, err)
	case requester.Greeting:
		hint := brokerHint(err, r.url) // with TLS 1.3 a certificate that is missing shows only now
		if isPlain(r.url) && (late || errors.Is(err, io.EOF)) {
			hint = notPlainHint
		}
		switch {
		case isForeign:
			return failed(foreignHint(foreign.Speaks, r.url), "connecting to %s: %w", r.url, foreign)
		case late:
			return failed(hint, "%s took the connection, but sent no CONNACK within %s", r.url, setting(r.q.timeout))
		case isRefusal && refused.Old:
			return failed("", "%s speaks MQTT 3.1.1 only; a request needs MQTT 5", r.url)
		case isRefusal:
			return failed(brokerHint(refused, r.url), "connecting to %s: %w", r.url, refused)
		}
		return failed(hint, "connecting to %s: no sound CONNACK came: %w", r.url, err)
	}
	what := "subscribing to the Response Topic " + r.topic
	switch {
	case late:
		return failed("", "%s on %s: no SUBACK within %s", what, r.url, setting(r.q.timeout))
	case isRefusal && refused.Packet == "SUBACK":
		hint := ""
		if refused.Code == wire.NotAuthorized {
			hint = "this user may not subscribe there; without --response-topic the broker's Response Information is used, if there is any"
		}
		return failed(hint, "%s on %s: %w", what, r.url, refused)
	}
	return r.over("while "+what, err)
}

// over says how the connection ended.
func (r *requesting) over(doing string, err error) error {
	return failed("", "%s, the connection to %s ended: %w", doing, r.url, err)
}

// connected takes what the broker said of itself.
func (r *requesting) connected(phone *requester.Requester) error {
	r.clientID = phone.ClientID
	if most := phone.MaximumQoS; r.q.qos > most {
		r.log.Info("the broker allows less than the QoS asked for", "asked", r.q.qos, "allowed", most)
		r.q.qos = most
	}
	r.log.Debug("the response topic is "+r.topicFrom, "topic", r.topic)
	if most := phone.MaximumPacket; most > 0 && wire.PublishSize(r.message(), wire.V5) > most { // 3.1.2-24
		return failed("", "the request, with a payload of %s bytes, is too large: %s takes packets of up to %s",
			words.Grouped(int64(len(r.q.payload))), r.url, plural(int64(most), "byte"))
	}
	return nil
}

// message is the PUBLISH.
func (r *requesting) message() *wire.Publish {
	q := r.q
	p := &wire.Publish{Topic: []byte(q.topic), QoS: q.qos, Payload: q.payload}
	p.Props.ResponseTopic, p.Props.CorrelationData, p.Props.ContentType = []byte(r.topic), q.correlation, []byte(q.contentType)
	if utf8.Valid(q.payload) && len(q.payload) > 0 {
		p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
	}
	if q.expiry > 0 {
		p.Props.HasMessageExpiry, p.Props.MessageExpiry = true, q.expiry
	}
	for _, u := range q.properties {
		p.Props.User = wire.AppendUserProperty(p.Props.User, u.Key, u.Value)
	}
	return p
}

// answerOf takes from a message, which is valid for a moment only, what is shown of it.
func answerOf(p *wire.Publish) answer {
	an := answer{
		topic: string(p.Topic), payload: bytes.Clone(p.Payload), qos: p.QoS, retain: p.Retain, came: time.Now(),
		correlation: bytes.Clone(p.Props.CorrelationData), contentType: string(p.Props.ContentType),
	}
	for key, value := range p.Props.UserProperties() {
		an.properties = append(an.properties, scenarios.Pair{Key: key, Value: value})
		if key == "error" && an.fault == "" {
			an.fault = value
		}
	}
	return an
}
