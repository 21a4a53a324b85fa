// Package survey asks a broker, by a client of its own, what explains the figures of a run: its
// version, and whether it holds small packets back. It judges nothing and publishes nothing.
package survey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// Config says who asks, and where.
type Config struct {
	Dial        func(context.Context) (net.Conn, error)
	ClientID    string
	Credentials func(*wire.Connect) error
	V311        bool // by MQTT 3.1.1
}

// Findings are what a broker was found to be.
type Findings struct {
	// Version is what it says of itself at $SYS/broker/version; "" where it says nothing
	// there, or not to this client.
	Version string

	// HeldBack is how long the second of two small packets waited until the first was
	// acknowledged (Nagle's algorithm, RFC 1122, 4.2.3.4); 0 where it came at once, or
	// that could not be found out.
	HeldBack time.Duration
}

// Remark says what of it explains times that are longer than they need be; "" is nothing.
func (f Findings) Remark() string {
	if f.HeldBack == 0 {
		return ""
	}
	return fmt.Sprintf("the broker holds a small packet back until the one before it is acknowledged, here for %v, which is in the times (Nagle's algorithm); Mosquitto sends at once with `set_tcp_nodelay true` in its configuration",
		f.HeldBack.Round(time.Millisecond))
}

const (
	patience = 2 * time.Second // for each answer of the broker
	all      = 3 * time.Second // for all of them
	// versionWithin is how soon after its SUBACK a broker has sent what it retains at one
	// topic.
	versionWithin = 500 * time.Millisecond

	// quietAfter is how long after the last of what the broker has sent it has been
	// acknowledged, whatever delays that: what would be held back for it would come together
	// with what follows.
	quietAfter = 300 * time.Millisecond

	// leastHeldBack is from when on a packet was held back. A system acknowledges after
	// 40 ms (Linux), 100 ms (macOS) or 200 ms; a broker that does not wait for that is
	// late by so much only where the machine is very busy, and not each time.
	leastHeldBack = 20 * time.Millisecond
	heldOften     = 3 // so often is no chance
	mostTries     = 12

	versionTopic = "$SYS/broker/version"
)

// Broker asks until ctx is done, or three seconds have passed. Who cannot connect finds
// nothing, and says nothing: whatever is wrong, others find out.
func Broker(ctx context.Context, c Config) Findings {
	s := &surveyor{config: c, done: make(chan struct{})}
	s.ask(ctx)
	return s.found
}

// Version asks as Broker does, and for the version alone; where that is "", why says why.
func Version(ctx context.Context, c Config) (version, why string) {
	s := &surveyor{config: c, done: make(chan struct{}), settled: true}
	s.ask(ctx)
	refused, isRefusal := errors.AsType[*client.RefusedError](s.Cause())
	switch {
	case s.found.Version != "":
		return s.found.Version, ""
	case isRefusal && refused.Packet == "SUBACK":
		return "", "it does not let this client subscribe to " + versionTopic
	case s.until.IsZero():
		return "", "another client was not let in to ask"
	}
	return "", "it says nothing at " + versionTopic
}

// ask asks, and returns when the session is over.
func (s *surveyor) ask(ctx context.Context) {
	c := s.config
	c.Dial = s.dial
	converse(ctx, c, &s.Session, s, s.done)
}

// converse runs a session with the broker until done is closed, ctx is done, or all of it has
// taken too long. Who is refused has found nothing.
func converse(ctx context.Context, c Config, s *client.Session, h client.Handler, done <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, all)
	defer cancel()
	faults := &client.FaultLog{Log: slog.New(slog.DiscardHandler)}
	counts := new(metrics.Counts)
	env := &client.Env{
		Clock: client.Clock{Epoch: time.Now()}, Dial: c.Dial, Broker: "the broker", Log: faults.Log, Faults: faults, Stop: make(chan struct{}),
		Timeout: patience, KeepAlive: time.Minute, ReceiveMaximum: 16, MaximumPacket: 64 << 10, FailFast: true,
		Counts: counts, Buffers: transport.NewBuffers(client.ReadSize, client.ReadSize),
		Period: func(time.Duration) metrics.Period { return metrics.InMeasure },
		Tried:  func() {}, Welcomed: func(*packets.Properties) {},
	}
	profile := &client.Profile{V311: c.V311, Cohort: &client.Cohort{
		Log: faults.Log, Faults: faults, Counts: counts, Size: 1, Hidden: true, Ready: make(chan struct{}),
	}}
	s.Init(env, profile, h, client.Setup{Name: "the survey", ClientID: c.ClientID})
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	select {
	case <-done:
	case <-s.Gone():
	case <-ctx.Done():
	}
	cancel()
	s.EndBy(time.Now().Add(time.Second))
	running.Wait()
}

// surveyor is the handler of the session.
type surveyor struct {
	client.Session
	config Config
	conn   net.Conn
	found  Findings // to be read when the session is over
	done   chan struct{}
	over   bool

	until   time.Time // the version has come by then
	quiet   time.Time // nothing that came earlier is unacknowledged any more
	tried   int
	asked   time.Time     // when the present try began
	pongs   int           // of it
	first   time.Time     // when the first of them came
	held    int           // tries in which the second was held back
	least   time.Duration // for how long at least
	settled bool          // it is known whether packets are held back
}

func (s *surveyor) dial(ctx context.Context) (net.Conn, error) {
	conn, err := s.config.Dial(ctx)
	s.conn = conn
	return conn, err
}

// FillConnect implements [client.Handler].
func (s *surveyor) FillConnect(c *wire.Connect) error {
	c.CleanStart, c.SessionExpiry = true, 0
	return s.config.Credentials(c)
}

// Subscriptions implements [client.Handler].
func (s *surveyor) Subscriptions() ([]packets.SubOptions, int, error) {
	needed := 0 // there is more to find out
	if s.settled {
		needed = 1
	}
	return []packets.SubOptions{{Topic: versionTopic}}, needed, nil
}

// Online implements [client.Handler].
func (s *surveyor) Online(now time.Time) time.Time {
	s.until, s.quiet = now.Add(versionWithin), now.Add(quietAfter)
	return s.quiet
}

// try has two answers come in a row: a broker that holds small packets back sends the
// second when it has heard that the first has arrived.
func (s *surveyor) try(now time.Time) {
	if !transport.DelayAcks(s.conn) {
		s.settled = true
		return
	}
	s.tried, s.pongs, s.asked = s.tried+1, 0, now
	s.Ping(now)
	s.Ping(now)
}

// Pingresp implements [client.HearsPingresp].
func (s *surveyor) Pingresp() {
	now := time.Now()
	if s.pongs++; s.pongs == 1 {
		s.first = now
		return
	}
	switch gap := now.Sub(s.first); {
	case s.settled:
	case gap >= leastHeldBack:
		if s.held++; s.held == 1 || gap < s.least {
			s.least = gap
		}
		if s.held == heldOften {
			s.found.HeldBack, s.settled = s.least, true
		}
	case s.first.Sub(s.asked) < leastHeldBack:
		s.settled = true // it came at once, and we were there to see it
	}
	if !s.settled {
		if s.settled = s.tried == mostTries; !s.settled {
			s.try(now)
		}
	}
	s.finish(now)
}

// Message implements [client.Handler].
func (s *surveyor) Message(p *wire.Publish) {
	if string(p.Topic) == versionTopic && s.found.Version == "" {
		s.found.Version = string(p.Payload)
		s.finish(time.Now())
	}
}

// Act implements [client.Routine].
func (s *surveyor) Act(now time.Time) (next time.Time) {
	if s.tried == 0 && !s.settled && !now.Before(s.quiet) {
		s.try(now)
	}
	switch s.finish(now); {
	case now.Before(s.quiet):
		return s.quiet
	case !s.over && now.Before(s.until):
		return s.until
	}
	return next
}

// finish ends the survey when all is known that will be.
func (s *surveyor) finish(now time.Time) {
	if !s.over && s.settled && (s.found.Version != "" || !now.Before(s.until)) {
		s.over = true
		close(s.done)
	}
}
