package conformance

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Facts are what the broker says of itself in its CONNACK.
type Facts struct {
	OldOnly             bool   `json:"mqtt_3_1_1_only,omitempty"` // it refuses MQTT 5
	MaximumQoS          byte   `json:"maximum_qos"`
	Retain              bool   `json:"retain_available"`
	Wildcards           bool   `json:"wildcard_subscription_available"`
	Identifiers         bool   `json:"subscription_identifier_available"`
	Shared              bool   `json:"shared_subscription_available"`
	ReceiveMaximum      int    `json:"receive_maximum"`
	MaximumPacketSize   uint32 `json:"maximum_packet_size,omitempty"` // 0: no bound
	TopicAliasMaximum   int    `json:"topic_alias_maximum"`
	ServerKeepAlive     int    `json:"server_keep_alive"` // seconds; -1: the client's own
	ResponseInformation string `json:"response_information,omitempty"`
	Guarded             bool   `json:"guarded"` // nobody is let in without a name
}

// RefusedError says that the broker lets nobody in, so that it cannot be examined.
type RefusedError struct {
	Code byte
	Old  bool // it is a return code of version 3.1.1
}

func (e *RefusedError) Error() string {
	if e.Old {
		return fmt.Sprintf("the broker refuses to connect with return code %d", e.Code)
	}
	return fmt.Sprintf("the broker refuses to connect with reason code 0x%02X", e.Code)
}

// ForeignError says that something else than MQTT is spoken at the broker's address, so
// that there is nothing to examine.
type ForeignError struct {
	Speaks string // see [transport.Foreign]
}

func (e *ForeignError) Error() string { return "it speaks " + e.Speaks + ", and not MQTT" }

// everything is what a broker offers whose CONNACK says nothing else (3.2.2.3).
var everything = Facts{MaximumQoS: 2, Retain: true, Wildcards: true, Identifiers: true, Shared: true, ReceiveMaximum: 65535, ServerKeepAlive: -1}

// learn connects once for what the CONNACK says.
func (x *examiner) learn(ctx context.Context) error {
	x.facts = everything
	var ack *packet
	var five outcome
	for range 2 {
		five = x.attempt(ctx, &Statement{}, func(r *run) {
			ack = r.hello(hello{props: sessionExpiry(1) + requestResponse(1)}).connack
			r.judged++
		})
		if five.status == Conforms || !five.slow && !strings.Contains(five.seen, "got nothing") || ctx.Err() != nil {
			break // what says nothing may be busy, and need not mean that it knows no MQTT 5
		}
	}
	x.usual = five.slowest
	if five.status == Conforms && ack.code == 0 {
		x.read(ack)
		x.measureEarly(ctx)
		return nil
	}
	if x.gone != nil {
		return x.gone
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if five.status == Conforms && ack.code != 0x84 && ack.code != 1 {
		return &RefusedError{Code: ack.code}
	}
	four := x.attempt(ctx, &Statement{}, func(r *run) {
		ack = r.hello(hello{version: 4}).connack
		r.judged++
	})
	switch {
	case four.status == Conforms && ack.code == 0:
		x.usual = four.slowest
		x.facts.OldOnly = true
		x.facts.Identifiers, x.facts.Shared = false, false
		x.guarded(ctx, 4)
		return nil
	case four.status == Conforms:
		return &RefusedError{Code: ack.code, Old: true}
	}
	return fmt.Errorf("no MQTT broker answers: %s", five.seen)
}

// read takes the facts from a CONNACK.
func (x *examiner) read(p *packet) {
	f := &x.facts
	f.MaximumQoS = byte(min(p.num(maximumQoSProperty, 2), 2))
	f.Retain, f.Wildcards, f.Identifiers, f.Shared = p.num(retainAvailableProperty, 1) == 1, p.num(wildcardAvailableProperty, 1) == 1, p.num(identifierAvailableProperty, 1) == 1, p.num(sharedAvailableProperty, 1) == 1
	f.ReceiveMaximum, f.TopicAliasMaximum = int(p.num(receiveMaximumProperty, 65535)), int(p.num(topicAliasMaximumProperty, 0))
	f.MaximumPacketSize = p.num(maximumPacketSizeProperty, 0)
	if alive, ok := p.get(serverKeepAliveProperty); ok {
		f.ServerKeepAlive = int(alive.num)
	}
	info, _ := p.get(responseInformationProperty)
	f.ResponseInformation = info.value
}

// guarded finds out whether the broker lets somebody in who does not say who it is.
func (x *examiner) guarded(ctx context.Context, version byte) {
	if x.cfg.Username == "" {
		return
	}
	x.attempt(ctx, &Statement{}, func(r *run) {
		x.facts.Guarded = r.hello(hello{version: version, stranger: true}).connack.code != 0
	})
}

// measureEarly finds out how long after its SUBACK a subscription works. All that
// is checked later waits for that long, so that a SUBACK which comes too early is one
// deviation and not as many as there are subscriptions.
func (x *examiner) measureEarly(ctx context.Context) {
	x.guarded(ctx, 5)
	var worst time.Duration
	for range 3 {
		x.attempt(ctx, &Statement{}, func(r *run) {
			r.uncorrected = true
			by, c := r.plain(), r.watcher(r.topic("probe"), 0)
			start := time.Now()
			var sent []time.Duration
			for len(sent) < 100 {
				sent = append(sent, time.Since(start))
				by.send(by.encodePublish(0, r.topic("probe"), strconv.Itoa(len(sent)-1), 0, 0))
				p, err := c.receive(30 * time.Millisecond)
				if err != nil {
					continue
				}
				if first, err := strconv.Atoi(p.payload); err == nil && first > 0 && first < len(sent) {
					worst = max(worst, sent[first])
				}
				return
			}
		})
	}
	if worst > 0 {
		x.early = worst*3/2 + 50*time.Millisecond
	}
}
