package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices/faces"
	"homefleet/fleet/audit"
	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Clearing is how [Clear] is to go about it.
type Clearing struct {
	LookOnly bool                 // nothing is emptied
	Progress func(done, of int64) // from another goroutine, after each hundred or so; nil: nobody wants to know
}

// Cleared is what [Clear] has found and done.
type Cleared struct {
	Topics  []string // that were emptied, or with LookOnly would be: all on which the devices may have left something
	Looked  bool     // the broker let be seen what it keeps
	Held    []string // of Topics, those that held something, as far as could be seen
	Left    []string // those that do so still
	Refused int      // of Topics, how many the broker refused to empty
	Why     string   // it refused the first of them
}

// mostLooked bounds, in bytes, what the broker may send of what it keeps: a bridge tells in one
// message of all that hang on it.
const mostLooked = 16 << 20

// mostClearing bounds the topics that are emptied and not acknowledged yet.
const mostClearing = 200

// Clear empties every topic that the devices of a scenario leave retained: presence, Will,
// and what their faces keep. A topic is emptied by a retained message without a payload
// (MQTT 5.0, 3.3.1-6). It is theirs alone: what others keep on topics beside them stays. The
// devices must not be running.
//
// The error is why the broker could not be asked.
func Clear(ctx context.Context, sc *scenarios.Scenario, o Options, c Clearing) (Cleared, error) {
	o.FailFast = true
	f, err := newBare(sc, &o)
	if err != nil {
		return Cleared{}, err
	}
	f.env.MaximumPacket = max(f.env.MaximumPacket, mostLooked)
	leave := context.AfterFunc(ctx, f.Stop)
	defer leave()
	all, keepers, err := f.retainedTopics()
	if err != nil {
		return Cleared{}, err
	}
	filters := f.retainedFilters()
	look := func() (map[string]audit.Retained, error) {
		found, err := f.fetchAs("clearing", clearerID(f.run), filters)
		if refused, ok := errors.AsType[*client.RefusedError](err); ok && refused.Packet == "SUBACK" {
			return nil, nil
		}
		return found, cmp.Or(ctx.Err(), err)
	}
	found, err := look()
	if err != nil {
		return Cleared{}, err
	}
	// What is not seen is emptied, too: a broker may keep from this client what it lets it write.
	done := Cleared{Topics: all, Looked: found != nil}
	known := make(map[string]bool, len(all))
	for _, topic := range all {
		known[topic] = true
	}
	for topic := range found {
		if !known[topic] && slices.ContainsFunc(keepers, func(k keeper) bool { return k.Keeps(&k.who, []byte(topic)) }) {
			done.Topics = append(done.Topics, topic)
		}
	}
	slices.Sort(done.Topics)
	done.Held = held(done.Topics, found)
	if c.LookOnly || len(done.Topics) == 0 {
		return done, nil
	}
	if err := f.erase(ctx, &done, c.Progress); err != nil {
		return done, err
	}
	if found, err = look(); err != nil {
		return done, err
	}
	done.Looked, done.Left = done.Looked && found != nil, held(done.Topics, found)
	return done, nil
}

// held returns those of the topics that are among what was found.
func held(topics []string, found map[string]audit.Retained) (some []string) {
	for _, topic := range topics {
		if _, ok := found[topic]; ok {
			some = append(some, topic)
		}
	}
	return some
}

// RunTopics returns the templates of retained topics that rest on the ID of the run.
func RunTopics(sc *scenarios.Scenario) (topics []scenarios.Template) {
	present := sc.Availability()
	for i := range sc.Groups {
		g := &sc.Groups[i]
		for _, topic := range []scenarios.Template{present[g].Topic, g.Will.Topic} {
			if topic.Has("run") && !(topic == g.Will.Topic && (g.Will.Off || !g.Will.Retain)) {
				topics = append(topics, topic)
			}
		}
	}
	return topics
}

// keeper is a device that may have left more than can be known beforehand.
type keeper struct {
	faces.Keeper
	who faces.Who
}

// retainedTopics returns the topics on which the devices leave something retained, each
// once, and those that may have left more.
func (f *Fleet) retainedTopics() (all []string, keepers []keeper, err error) {
	makers, voices, err := prepare(f.scenario)
	if err != nil {
		return nil, nil, err
	}
	present := f.scenario.Availability()
	for spec := range f.scenario.Devices() {
		g, vars := spec.Group, spec.Vars(f.run)
		all = append(all, present[g].Topic.Expand(vars))
		if !g.Will.Off && g.Will.Retain {
			all = append(all, g.Will.Topic.Expand(vars))
		}
		m := faces.Member{Who: spec.Who(), Model: makers[g](deviceSeed(f.scenario.Seed, spec.Global), f.scenario.Start)}
		all = append(all, faces.Retained(voices[g], &m)...)
		if k, ok := voices[g].(faces.Keeper); ok {
			keepers = append(keepers, keeper{k, spec.Who()})
		}
	}
	slices.Sort(all)
	return slices.Compact(all), keepers, nil
}

// retainedFilters returns the filters of all that the devices leave retained.
func (f *Fleet) retainedFilters() []string {
	filters := responder.AvailabilityOf(f.scenario).Filters(f.scenario)
	for i := range f.scenario.Groups {
		g := &f.scenario.Groups[i]
		if !g.Will.Off && g.Will.Retain {
			filters = oneMore(filters, g.WillFilter())
		}
		for _, filter := range g.Voice().Reports().Retained {
			filters = oneMore(filters, filter)
		}
		if k, ok := g.Voice().(faces.Keeper); ok {
			for _, filter := range k.KeptFilters() {
				filters = oneMore(filters, filter)
			}
		}
	}
	return filters
}

// erase has the topics emptied.
func (f *Fleet) erase(ctx context.Context, done *Cleared, progress func(done, of int64)) error {
	e := &eraser{cleared: done, progress: progress, credentials: f.auditorCredentials(clearerID(f.run)), patience: f.env.Timeout, finished: make(chan struct{})}
	e.Init(f.env, f.auditorProfile(), e, client.Setup{Name: "clearing", Stream: identity{auditorRole, 2}.stream(), ClientID: clearerID(f.run), Apart: true})
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
		return fmt.Errorf("clearing: %s has acknowledged %d of %d messages and then no more for %s", f.env.Broker, e.settled, len(done.Topics), f.env.Timeout)
	}
	return e.Cause()
}

// eraser is a client that empties topics.
type eraser struct {
	client.Session
	cleared     *Cleared
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
	topics := e.cleared.Topics
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
	if e.cleared.Refused++; e.cleared.Refused == 1 {
		e.cleared.Why = why
	}
}

// settle notes that one topic less is to be heard of.
func (e *eraser) settle() {
	const often = 128
	e.settled++
	all := len(e.cleared.Topics)
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
