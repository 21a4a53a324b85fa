package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/audit"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// session is one MQTT client: its session state, its connection, and the actor
// whose client it is. One goroutine owns all of it; the inbox is the only way in
// for others.
//
// What outlives a connection stands here, what does not in link.
type session struct {
	fleet  *Fleet
	crew   *crew // whom it is counted with
	actor  actor
	name   string // of the actor, in errors and logs
	number int    // of the actor among its like: seeds and phases follow from it
	labels metrics.Labels
	inbox  inbox

	clientID string // may have been assigned by the broker

	// MQTT session state (section 4.1).
	out        outbox
	received   []uint16 // QoS 2 messages taken, PUBREL still to come
	subscribed bool     // SUBACK was received in this session

	link *link // nil while there is no connection

	terms    *terms         // of back-off
	trouble  *trouble       // what keeps it from its broker; nil: nothing
	numbers  *atomic.Uint32 // of its connections, where they are audited
	renames  uint32         // client ids it has given up
	careless bool           // its actor is a withholder
	dialled  moment         // the latest connection
	failures int            // in a row; resets after a stable time
	draws    uint64         // back-off draws so far
	resume   bool           // the next CONNECT has Clean Start 0
	wasUp    bool           // was online at least once
	tried    bool           // the first try to connect has ended
	settled  bool           // nobody waits for it to come up any more
	stopping bool           // the fleet is being stopped
	away     bool           // told to stay away until it is told to return
	hurry    bool           // told not to wait for the back-off
	later    bool           // told to wait for the back-off before it connects
	way      Way            // how to go, when away
	cause    error          // why it ended for good
	ghost    moment         // when a connection was given up whose CONNECT was not answered
}

// actor is what a session is there for. The session's goroutine calls all of it.
type actor interface {
	// greet fills in what is particular in the CONNECT.
	greet(*wire.Connect) error
	// topics returns what to subscribe to; the first of them must be granted.
	topics() ([]packets.SubOptions, error)
	// up begins the routine of an actor whose subscriptions are in force.
	up(now time.Time)
	// message takes a PUBLISH that is no repeat.
	message(*wire.Publish)
	// act does what is due by now.
	act(now time.Time)
	// next returns when act wants to be called; zero is never.
	next() time.Time
	// acknowledged takes the PUBACK or PUBREC of a message with its note.
	acknowledged(note uint64, code byte)
	// farewell publishes what comes before an orderly DISCONNECT.
	farewell()
	// attempt notes that it is about to connect, attemptFailed how that ended.
	attempt()
	attemptFailed(err error)
	// down notes that it is no more online; err says why.
	down(err error)
}

// talkative is an actor that knows when it publishes next, whatever happens; zero
// is never.
type talkative interface{ speaks() time.Time }

// ponger is an actor that wants to know of a PINGRESP, and when the PINGREQ was
// made that it answers, on the fleet's clock; told only where that is accounted.
type ponger interface{ ponged(asked time.Duration) }

// sender is an actor that counts what it was to send while it was away.
type sender interface{ ended() }

// demanding is an actor that needs more than the first of its subscriptions.
type demanding interface{ needs(subscription int) bool }

// withholder is an actor that does not acknowledge all that it receives.
type withholder interface{ withholds() bool }

// errAway ends a connection on purpose; the device stays away until told.
var errAway = errors.New("told to go away")

// errStopping ends a connection because the fleet stops.
var errStopping = errors.New("the fleet stops")

// run is the session's goroutine: it connects, serves, and connects again until
// it is stopped or refused for good. It returns why it was refused.
func (s *session) run(ctx context.Context) error {
	defer s.inbox.close()
	defer s.bury(func(ghost) bool { return true })
	defer s.settleBooks()
	for {
		s.read()
		switch {
		case s.stopping:
			return nil
		case s.away:
			s.fleet.tried(s) // the ramp does not wait for the dead
			s.wait(nil)
			continue
		case s.later:
			s.later = false
			s.pause()
			continue
		}
		s.hurry = false
		err := s.connect(ctx)
		s.fleet.tried(s)
		switch verdict := s.judge(err); verdict {
		case giveUp:
			s.cause = err
			s.crew.gaveUp(s, err)
			return err
		case tryAgain:
			s.pause()
		}
	}
}

// read takes what is in the inbox.
func (s *session) read() {
	for _, l := range s.inbox.take() {
		l()
	}
}

// wait blocks until there is a letter or the timer, if there is one, fires.
func (s *session) wait(timer <-chan time.Time) {
	bell := s.inbox.ring()
	if bell == nil {
		return
	}
	select {
	case <-bell:
	case <-timer:
	}
}

// pause waits before the next try, reading letters meanwhile.
func (s *session) pause() {
	draw := chance(s.fleet.scenario.Seed, s.number, forBackoff, s.draws)
	s.draws++
	timer := time.NewTimer(s.terms.backoff(max(s.failures, 1), draw))
	defer timer.Stop()
	for fired := false; !fired; {
		s.read()
		if s.stopping || s.away || s.hurry {
			return
		}
		bell := s.inbox.ring()
		if bell == nil {
			continue
		}
		select {
		case <-bell:
		case <-timer.C:
			fired = true
		}
	}
}

// connect opens a connection and serves it until it ends. It always returns an
// error: why it ended.
func (s *session) connect(ctx context.Context) error {
	f := s.fleet
	if ctx.Err() != nil {
		s.wait(nil) // the fleet stops: the letter that says so is on its way
		return errStopping
	}
	timeout := f.scenario.Connect.Timeout
	s.counts().Dials.Add(1)
	s.actor.attempt()
	if !s.hasNetwork() {
		s.counts().DialFailures.Add(1)
		s.actor.attemptFailed(errNoNetwork)
		return s.fail("connecting to", errNoNetwork)
	}
	start := time.Now()
	conn, err := s.dial(ctx, timeout)
	if err != nil {
		if ctx.Err() != nil {
			return errStopping
		}
		s.counts().DialFailures.Add(1)
		s.actor.attemptFailed(err)
		return s.fail("connecting to", err)
	}
	l := &link{conn: conn, reader: newReader(conn, f.buffers), began: time.Now(), ending: audit.Closed}
	s.record(metrics.ConnectDial, start, l.began.Sub(start))
	l.framer.Max = f.maximumPacket
	l.limits = defaultLimits()
	l.due = l.began.Add(timeout)
	l.handshake = l.due
	s.link, s.dialled = l, f.moment(l.began)
	if s.numbers != nil {
		l.number, l.account = s.numbers.Add(1), new(account)
	}
	if s.trouble != nil {
		for i := range s.trouble.links {
			s.trouble.links[i].put(s.wrap())
		}
	}
	err = s.sendConnect()
	if err == nil {
		err = s.serve()
	}
	s.hangUp(err)
	return err
}

// dial opens a connection, on a goroutine of its own that ends with that: nothing
// else that a session calls goes as deep, TLS most of all, and a stack that has
// grown stays large for as long as its goroutine lives.
func (s *session) dial(ctx context.Context, timeout time.Duration) (conn net.Conn, err error) {
	dialled := make(chan struct{})
	go func() {
		defer close(dialled)
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err = s.fleet.dial(ctx)
	}()
	<-dialled
	return conn, err
}

// hangUp closes the connection and forgets what was true of it alone.
func (s *session) hangUp(err error) {
	l := s.link
	closing := s.fleet.now()
	if l.dark && !l.haunts && !l.forgotten && !s.stopping {
		s.haunt(true) // not even its end gets through
	}
	if !l.connected && !l.refused {
		s.ghost = s.fleet.moment(time.Now())
		if !s.stopping && !s.away && !l.dark {
			s.counts().HandshakeFailures.Add(1)
		}
	}
	s.inbox.hangUp()
	s.drop()
	s.ended(closing, err)
	if l.online {
		s.actor.down(err)
	} else {
		s.actor.attemptFailed(err)
	}
	s.link = nil
	if l.online {
		s.crew.offline(s)
		if !s.stopping && !s.away && !l.dark && !errors.Is(err, errAway) {
			s.counts().Lost.Add(1)
			if !s.isWitness() {
				s.fleet.losses.add(time.Since(s.fleet.epoch))
			}
		}
		if time.Since(l.up) >= s.terms.reset {
			s.failures = 0
		}
	}
	broke := !l.parted || !errors.Is(err, errAway) && !errors.Is(err, errStopping)
	if broke {
		s.cut()
	}
	s.out.disconnected(broke)
}

// fail wraps an error of the connection with who and where. doing may be "".
func (s *session) fail(doing string, err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		s.counts().TimedOut.Add(1)
	}
	return &DeviceError{Device: s.name, Broker: s.fleet.brokerName, Doing: doing, Err: err}
}

// broke answers a packet that breaks the standard with a DISCONNECT that says
// so (section 4.13) and returns the error for it.
func (s *session) broke(err error) error {
	s.counts().BadPackets.Add(1)
	var fault *wire.Error
	if errors.As(err, &fault) && s.link.connected {
		s.post(&packets.Disconnect{ReasonCode: fault.Code, Properties: &packets.Properties{}})
		_ = s.flush()
	}
	doing := "reading from"
	if !s.link.connected {
		doing = waitingForConnack
	}
	return s.fail(doing, fmt.Errorf("the broker broke the protocol: %w", err))
}

// isWitness reports whether the session is one of those of the audit, which are
// no part of the fleet.
func (s *session) isWitness() bool { return s.crew == &s.fleet.referees }

// counts is where what happens to the session's connections is counted.
func (s *session) counts() *metrics.Counts {
	if s.isWitness() {
		return &s.fleet.unseen
	}
	return s.fleet.counts
}

// record takes the time that a part of connecting took which began at a moment.
func (s *session) record(m metrics.Metric, began time.Time, d time.Duration) {
	if !s.crew.hidden {
		s.fleet.recorder.RecordIn(s.number, s.fleet.period(began.Sub(s.fleet.epoch)), m, s.labels, d)
	}
}
