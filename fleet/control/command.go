package control

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"homefleet/devices/faces"
	"homefleet/fleet"
	"homefleet/fleet/control/api"
	"homefleet/fleet/requester"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
)

// mostShown bounds the bytes of a payload that a reply shows.
const mostShown = 4096

// shown is a payload as replies have it.
func shown(payload []byte) string {
	return string([]rune(string(payload[:min(len(payload), mostShown)])))
}

func (c *call) commandOne() (any, error) {
	d, err := c.device()
	if err != nil {
		return nil, err
	}
	o, err := scenarios.ParseOrder(scenarios.Command, c.body, false)
	if err != nil {
		return nil, err
	}
	if err := c.running(); err != nil {
		return nil, err
	}
	asked, err := c.requestOf(d, o)
	if unknown, ok := errors.AsType[*faces.AttributeError](err); ok {
		return nil, noAttribute(d, unknown)
	}
	if err != nil && o.Via == scenarios.ByMQTT {
		return nil, notHere.because("", "%v", err)
	}
	n := c.number()
	out := &api.CommandReply{ID: d.ID(), Intervention: n}
	ctx, cancel := c.within(o.Timeout)
	defer cancel()
	c.patient(time.Now().Add(o.Timeout + patience))
	c.begin(n, 1)
	if o.Via == scenarios.ByHand {
		out.Value, err = byHand(ctx, d, o)
		c.note(n, 1, done(err))
		if err != nil {
			return nil, asDeviceProblem(d, err)
		}
		return out, nil
	}
	a, err := c.send(ctx, asked, o.QoS)
	c.note(n, 1, done(err))
	if err != nil {
		return nil, noAnswer.because(whyMute(d), "%v", err)
	}
	out.Value, out.RoundTrip = string(a.Payload), span(a.Took)
	out.Error, _ = a.Fault()
	out.Request = &api.Message{Topic: asked.topic, Payload: shown(asked.payload), Bytes: len(asked.payload), QoS: o.QoS,
		ResponseTopic: a.AskedTopic, CorrelationData: hex.EncodeToString(a.AskedCorrelation)}
	out.Response = &api.Message{Topic: a.Topic, Payload: shown(a.Payload), Bytes: len(a.Payload), QoS: a.QoS, Retain: a.Retain,
		CorrelationData: hex.EncodeToString(a.Correlation), ContentType: a.ContentType}
	for _, u := range a.User {
		out.Response.Properties = append(out.Response.Properties, api.Property{Key: u.Key, Value: u.Value})
	}
	return out, nil
}

// byHand has a device obey a command at once, as with a hand on its switch. One that has not
// come to it in time does not obey it any more.
func byHand(ctx context.Context, d *fleet.Device, o *scenarios.Order) (value string, err error) {
	was := each(ctx, []*fleet.Device{d}, func(_ int, r *responder.Responder) outcome {
		if value, err = r.Do(time.Now(), o.Attribute, o.Payload); err != nil {
			err = fmt.Errorf("%s: %w", d.ID(), err)
		}
		return outcome{}
	})[0]
	switch {
	case was.told:
		return value, err
	case was.refused == ended(d):
		return "", fleet.ErrEnded
	}
	return "", context.DeadlineExceeded
}

func done(err error) int {
	if err != nil {
		return 0
	}
	return 1
}

// request is a command to a device in its own dialect, as it goes through the broker.
type request struct {
	topic   string
	payload []byte
}

// requestOf says a command in the dialect of a device.
func (s *Server) requestOf(d *fleet.Device, o *scenarios.Order) (request, error) {
	topic, payload, err := d.Request(o.Attribute, o.Payload)
	if _, unknown := errors.AsType[*faces.AttributeError](err); err != nil && !unknown {
		err = fmt.Errorf("%w; want it by hand", err)
	}
	return request{topic, payload}, err
}

// send sends a request and waits for its answer.
func (s *Server) send(ctx context.Context, r request, qos byte) (requester.Answer, error) {
	if s.Phone == nil {
		return requester.Answer{}, errors.New("this run has no requester of its own")
	}
	return s.Phone.Request(ctx, r.topic, r.payload, qos)
}

// whyMute is a hint for a device that has not answered.
func whyMute(d *fleet.Device) string {
	if d.Absent() {
		return d.ID() + " is not present yet; revive brings it"
	}
	if !d.Online() {
		return d.ID() + " is offline"
	}
	return "GET /v1/devices/" + d.ID() + " says whether it misbehaves"
}

// requestsAtOnce bounds the requests of one action that are under way.
const requestsAtOnce = 64

func (c *call) commandAll() (any, error) {
	o, err := c.order(scenarios.Command)
	if err != nil {
		return nil, err
	}
	return c.bulk(&o.Select, func(_ int, all []*fleet.Device) []outcome {
		if o.Via == scenarios.ByHand {
			return each(c.r.Context(), all, func(_ int, r *responder.Responder) outcome {
				if _, err := r.Do(time.Now(), o.Attribute, o.Payload); err != nil {
					return outcome{refused: err.Error()}
				}
				return outcome{}
			})
		}
		out := make([]outcome, len(all))
		whole := time.Now().Add(o.Timeout + patience)
		c.patient(whole.Add(patience))
		ctx, cancel := context.WithDeadline(c.r.Context(), whole)
		defer cancel()
		turns := make(chan struct{}, requestsAtOnce)
		var asking sync.WaitGroup
		for i, d := range all {
			turns <- struct{}{}
			asking.Go(func() {
				defer func() { <-turns }()
				asked, err := c.requestOf(d, o)
				if err != nil {
					out[i].refused = err.Error()
					return
				}
				ctx, cancel := context.WithTimeout(ctx, o.Timeout)
				defer cancel()
				a, err := c.send(ctx, asked, o.QoS)
				if err != nil {
					out[i].refused = err.Error()
				} else if fault, bad := a.Fault(); bad {
					out[i].refused = fault
				}
			})
		}
		asking.Wait()
		return out
	})
}
