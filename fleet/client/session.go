package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/draws"
	"homefleet/fleet/faults"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Session is one MQTT client: its session state, its connection, and the handler
// whose client it is. One goroutine owns all of it, the one that calls Run; the inbox
// is the only way in for others. It is made by Init and lies in its handler.
//
// What outlives a connection stands here, what does not in link.
type Session struct {
	env     *Env
	profile *Profile
	handler Handler
	name    string // of the handler, in errors and logs
	stream  int    // of its random choices; no two sessions share one
	cause   error  // why it ended for good; to be read when the inbox is gone

	inbox inbox
	state
	link        *link      // nil while there is no connection
	obstacles   *obstacles // what keeps it from its broker; nil: nothing
	observation Observation
	standing
	retry
	ordered
}

// state is the MQTT session state (section 4.1) and whose it is.
type state struct {
	clientID   string // may have been assigned by the broker
	generation uint32 // client ids it has given up: each has sessions of its own
	resume     bool   // the next CONNECT has Clean Start 0
	subscribed bool   // SUBACK was received in this session
	out        outbox
	renewal    renewal // of a session of MQTT 3.1.1
	received   taken
}

// retry is what the session knows of its tries to connect.
type retry struct {
	dialled  Moment // the latest connection
	gaveUpOn Moment // a connection whose CONNECT was not answered
	failures uint32 // in a row; resets after a stable time
	draws    uint32 // back-off draws so far

	thrownOff uint32 // connections in a row that the broker closed soon after they came up; see TakeOvers
}

// ordered is what others want of the session.
type ordered struct {
	mode      OfflineMode // how to go, when away
	stopping  bool        // it is to end: the fleet is being stopped, or the session is removed
	leaving   bool        // it is removed
	vanishing bool        // it connects once more, to have the broker forget its session
	there     bool        // it was online as that began
	away      bool        // to stay away until it is told to return
	hurry     bool        // not to wait for the back-off
	later     bool        // to wait for the back-off before it connects
}

// Setup is what is particular to one session.
type Setup struct {
	Name        string // of the handler, in errors and logs
	Stream      int    // of its random choices; no two sessions share one
	ClientID    string // "" has the broker assign one
	Generation  uint32 // client ids that were given up before
	Resume      bool   // the first CONNECT has Clean Start 0
	Apart       bool   // nobody waits for its first try to connect
	Absent      bool   // it is kept off by NotPresent, and counts as none until that lets go
	Observation Observation
}

// Init makes a session, which lies in its handler. It is called before Run.
func (s *Session) Init(e *Env, p *Profile, h Handler, c Setup) {
	s.env, s.profile, s.handler = e, p, h
	s.name, s.stream, s.observation = c.Name, c.Stream, c.Observation
	s.clientID, s.generation, s.resume = c.ClientID, c.Generation, c.Resume
	s.tried = c.Apart || c.Absent
	if c.Absent {
		s.absent.Store(true)
		s.settled = true
		s.Disconnect(NotPresent, "")
	}
}

// ErrAway ends a connection on purpose; the device stays away until told.
var ErrAway = errors.New("told to go away")

// ErrStopping ends a connection because the fleet stops.
var ErrStopping = errors.New("the fleet stops")

// proceed does what there is to do, until there is something to wait for.
func (s *Session) proceed(t *turn) await {
	for {
		var wait await
		var err error
		if s.link != nil {
			if wait, err = s.serve(t); err == nil {
				return wait
			}
			s.hangUp(err)
		} else if wait, err = s.begin(t); wait != nothing {
			return wait
		}
		if s.link != nil {
			continue // it has been made
		}
		s.hasTried()
		switch verdict := s.judge(err); verdict {
		case giveUp:
			s.cause = err
			s.profile.Cohort.gaveUp(&s.standing, err)
			if e := s.env; e.GaveUp != nil && !s.profile.Cohort.Aside {
				e.GaveUp(err)
			}
			return s.end()
		case tryAgain:
			s.pause(t)
		}
	}
}

// begin connects, when that is its turn.
func (s *Session) begin(t *turn) (await, error) {
	s.read()
	t.woke = nothing
	if t.timer != nil {
		if !t.fired && !s.stopping && !s.away && !s.hurry {
			return forTimer, nil
		}
		t.timer.Stop()
		t.timer, t.fired = nil, false
	}
	switch {
	case s.stopping:
		s.countOffline()
		s.vanish(t.ctx)
		return s.end(), nil
	case s.away:
		s.hasTried() // the ramp does not wait for the dead
		return forTask, nil
	case s.later:
		s.later = false
		s.pause(t)
		return s.begin(t)
	}
	s.hurry = false
	return nothing, s.connect(t.ctx)
}

// end is the last of all that a session does.
func (s *Session) end() await {
	s.settleBooks()
	s.closeHalfOpen(func(halfOpen) bool { return true })
	s.inbox.close()
	return forGood
}

// read takes what is in the inbox.
func (s *Session) read() {
	all := s.inbox.take()
	for _, do := range all {
		do()
	}
	if h, ok := s.handler.(Heeds); ok && len(all) > 0 {
		h.Heeded()
	}
}

// wait blocks until there is a task or the timer, if there is one, fires, which it reports.
func (s *Session) wait(timer <-chan time.Time) bool {
	bell := s.inbox.ring()
	if bell == nil {
		return false
	}
	select {
	case <-bell:
		return false
	case <-timer:
		return true
	}
}

// pause has it wait before the next try, doing tasks meanwhile.
func (s *Session) pause(t *turn) {
	draw := draws.Chance(s.env.Seed, s.stream, draws.Backoff, uint64(s.draws))
	s.draws++
	t.timer = time.NewTimer(s.profile.Backoff.wait(max(int(s.failures), 1), draw))
}

// connect opens a connection and says CONNECT. There is none if it returns an error: why.
func (s *Session) connect(ctx context.Context) error {
	e := s.env
	if ctx.Err() != nil {
		s.wait(nil) // the fleet stops: the task that says so is on its way
		return ErrStopping
	}
	timeout := e.Timeout
	s.counts().Dials.Add(1)
	if s.vanishing {
		timeout = min(timeout, longestLeave)
	} else if h, ok := s.handler.(Connecting); ok {
		h.Connecting()
	}
	if !s.hasNetwork() {
		s.counts().DialFailures.Add(1)
		s.connectFailed(ErrNoNetwork, true)
		return s.fail("connecting to", ErrNoNetwork)
	}
	start := time.Now()
	conn, err := s.dial(ctx, timeout)
	if err != nil {
		if ctx.Err() != nil {
			return ErrStopping
		}
		s.counts().DialFailures.Add(1)
		s.thrownOff = 0 // it is the broker that is gone
		s.connectFailed(err, true)
		return s.fail("connecting to", err)
	}
	l := newLink(conn, e.Buffers)
	s.record(metrics.ConnectDial, start, l.began.Sub(start))
	l.framer.Max = e.MaximumPacket
	l.due = l.began.Add(timeout)
	l.handshake = l.due
	s.link, s.dialled = l, e.Clock.Moment(l.began)
	if s.observation.Observer != nil {
		l.number, l.account = s.observation.Numbers.Add(1), new(account)
	}
	if s.obstacles != nil {
		for i := range s.obstacles.links {
			s.obstacles.links[i].put(s.wrap())
		}
	}
	if err = s.sendConnect(); err != nil {
		s.hangUp(err)
	}
	return err
}

// dial opens a connection.
func (s *Session) dial(ctx context.Context, timeout time.Duration) (net.Conn, error) {
	by := s.env.Dial
	if h, ok := s.handler.(Dials); ok {
		by = h.Dial
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return by(ctx)
}

// hangUp closes the connection and forgets what was true of it alone.
func (s *Session) hangUp(err error) {
	l := s.link
	closing := s.env.now()
	if l.noNetwork && !l.abandoned && !l.forgotten && !s.stopping {
		s.abandon(true) // not even its end gets through
	}
	unasked := !s.stopping && !s.away && !l.noNetwork && !errors.Is(err, ErrAway) && !errors.Is(err, ErrRenewing)
	failed := unasked && !l.connected && !errors.Is(err, errWillLowered)
	if !l.connected && !l.refused {
		s.gaveUpOn = s.env.Clock.Moment(time.Now())
		if unasked {
			s.counts().HandshakeFailures.Add(1)
		}
	}
	s.inbox.hangUp()
	s.drop()
	s.noteTakeOver(err)
	s.ended(closing, err)
	s.setUp(false)
	if l.online {
		s.there = s.stopping
		if h, ok := s.handler.(GoesOffline); ok {
			h.Offline(s.departure(err))
		}
	} else {
		s.connectFailed(err, failed)
	}
	if l.connected && unasked && !l.stuck && (l.online || !l.said) {
		s.lost(err)
	}
	s.link = nil
	if l.online && !l.stuck && time.Since(l.up) >= s.profile.Backoff.Reset {
		s.failures = 0
	}
	broke := !l.said || !errors.Is(err, ErrAway) && !errors.Is(err, ErrStopping)
	if broke {
		s.follow(Trace{}, TraceBroken, 0, false)
	}
	missed := l.missed(broke)
	s.out.disconnected(broke, missed)
	s.received.disconnected(missed)
}

// missed is up to when what was written was to be acknowledged as the connection ended. It
// is negative where that cannot be told: the connection broke, had faults, or the broker
// did not close it in answer to DISCONNECT.
func (l *link) missed(broke bool) time.Duration {
	if _, faulty := l.conn.(*faults.Conn); faulty || broke || l.overtaken || !l.confirmed {
		return -1
	}
	return l.saidAt - ackTime
}

// fail wraps an error of the connection with who and where. doing may be "".
func (s *Session) fail(doing string, err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		s.counts().TimedOut.Add(1)
	}
	return &DeviceError{Device: s.name, Broker: s.broker(), Doing: doing, Err: err}
}

// broker is how errors call the broker of the present connection: of several addresses, which
// the fleet's word for it lists, the one that it goes to. An error of dialling says that itself.
func (s *Session) broker() string {
	if !strings.Contains(s.env.Broker, ", ") {
		return s.env.Broker
	}
	if s.link == nil {
		return "the broker"
	}
	return s.link.conn.RemoteAddr().String()
}

// broke answers a packet that breaks the standard with a DISCONNECT that says
// so (section 4.13) and returns the error for it.
func (s *Session) broke(err error) error {
	if s.link.connected {
		return s.brokeIn("reading from", err)
	}
	return s.brokeIn(WaitingForConnack, err)
}

// brokeIn is broke, where more is known of what was being done.
func (s *Session) brokeIn(doing string, err error) error {
	s.counts().BadPackets.Add(1)
	var fault *wire.Error
	if errors.As(err, &fault) && s.link.connected && !s.V311() { // whose DISCONNECT says that all is well
		s.post(&packets.Disconnect{ReasonCode: fault.Code, Properties: &packets.Properties{}})
		_ = s.flush()
	}
	return s.fail(doing, fmt.Errorf("the broker broke the protocol: %w", err))
}

// reject ends the connection because of a message that the broker did right to send.
func (s *Session) reject(err error) error {
	s.counts().Rejected.Add(1)
	s.Provoke()
	if !s.V311() {
		s.post(&packets.Disconnect{ReasonCode: wire.ProtocolError, Properties: &packets.Properties{}})
		_ = s.flush()
	}
	return s.fail("reading from", err)
}

// counts is where what happens to the session's connections is counted.
func (s *Session) counts() *metrics.Counts { return s.profile.Cohort.Counts }

// record takes the time that a part of connecting took which began at a moment.
func (s *Session) record(m metrics.Metric, began time.Time, d time.Duration) {
	if !s.profile.Cohort.Hidden {
		s.env.Recorder.RecordIn(s.stream, s.env.Period(s.env.Clock.At(began)), m, s.profile.Labels, d)
	}
}

// hasTried notes that the first try to connect has ended.
func (s *Session) hasTried() {
	if !s.tried {
		s.tried = true
		s.env.Tried()
	}
}
