package retained

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// mostClearing bounds the topics that are emptied and not acknowledged yet.
const mostClearing = 200

// erase has topics emptied by a client of its own.
func (c *Clearing) erase(ctx context.Context, done *Cleared) error {
	e := &eraser{done: done, progress: c.Progress, credentials: c.Credentials, patience: c.Env.Timeout, finished: make(chan struct{})}
	e.Init(c.Env, c.Profile, e, client.Setup{Name: c.Name, Stream: c.Stream, ClientID: c.ClientID, Apart: true})
	var running sync.WaitGroup
	dials, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	running.Go(func() { _ = e.Run(dials) }) // Cause has it
	select {
	case <-e.finished:
	case <-e.Gone():
	case <-ctx.Done():
		cancel()
	}
	e.EndSoon()
	running.Wait()
	switch {
	case e.settled == len(done.Topics):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case e.mute:
		return fmt.Errorf("%s: %s has acknowledged %d of %d messages and then no more for %s", c.Name, c.Env.Broker, e.settled, len(done.Topics), c.Env.Timeout)
	}
	return e.Cause()
}

// eraser is a client that empties topics.
type eraser struct {
	client.Session
	done        *Cleared
	credentials func(*wire.Connect) error
	progress    func(done, of int64)
	begun       int // topics, from the first
	settled     int // of these, those of which no more is to be heard
	patience    time.Duration
	heard       time.Time // from the broker, of one of them
	mute        bool      // it has said nothing for too long
	over        bool
	finished    chan struct{}
}

// FillConnect implements [client.Handler].
func (e *eraser) FillConnect(c *wire.Connect) error {
	c.CleanStart, c.SessionExpiry = true, 0
	return e.credentials(c)
}

// Subscriptions implements [client.Handler]: it hears nothing.
func (e *eraser) Subscriptions() ([]packets.SubOptions, int, error) { return nil, 0, nil }

// Online implements [client.Handler].
func (e *eraser) Online(now time.Time) (next time.Time) {
	e.heard = now
	return e.Act(now)
}

// Message implements [client.Handler].
func (e *eraser) Message(*wire.Publish) {}

// Act implements [client.Routine].
func (e *eraser) Act(now time.Time) (next time.Time) {
	e.send()
	switch giveUp := e.heard.Add(e.patience); {
	case e.over:
		return next
	case e.Limits().MaximumQoS == 0:
		return now // when what there is has been written
	case client.IsDue(giveUp, now):
		e.mute = true
		e.finish()
		return next
	default:
		return giveUp
	}
}

// send has a number of topics emptied.
func (e *eraser) send() {
	topics := e.done.Topics
	answers := e.Limits().MaximumQoS > 0
	for n := 0; e.begun < len(topics) && n < mostClearing; n++ {
		p := wire.Publish{Topic: []byte(topics[e.begun]), QoS: 1, Retain: true}
		if answers && (e.Unacknowledged() >= mostClearing || !e.TakesAtOnce(&p)) {
			return // until one is acknowledged
		}
		e.begun++
		sent := e.SendMade(&p, metrics.NoMessage, 0, 0)
		if !sent {
			e.refused("the packet is larger than it takes")
		}
		if !answers || !sent {
			e.settle()
		}
	}
}

// Acknowledged implements [client.Acknowledged].
func (e *eraser) Acknowledged(_ uint64, code byte) {
	e.heard = time.Now()
	if code >= 0x80 {
		e.refused(wire.ReasonName(code))
	}
	e.settle()
	e.send()
}

func (e *eraser) refused(why string) {
	if e.done.Refused++; e.done.Refused == 1 {
		e.done.Why = why
	}
}

// settle notes that one topic less is to be heard of.
func (e *eraser) settle() {
	const often = 128
	e.settled++
	all := len(e.done.Topics)
	if e.progress != nil && (e.settled%often == 0 || e.settled == all) {
		e.progress(int64(e.settled), int64(all))
	}
	if e.settled == all {
		e.finish()
	}
}

func (e *eraser) finish() {
	if !e.over {
		e.over = true
		close(e.finished)
	}
}
