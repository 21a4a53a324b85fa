package client

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// OfflineMode is a way to go offline.
type OfflineMode string

// The modes, as reports call them.
const (
	ModeOrderly   OfflineMode = "orderly"      // DISCONNECT 0x00, so that no Will is published (3.1.2-10)
	ModeWithWill  OfflineMode = "with-will"    // DISCONNECT 0x04, so that one is (3.14.2.1)
	ModeCut       OfflineMode = "cut"          // FIN without a DISCONNECT
	ModeReset     OfflineMode = "reset"        // RST
	ModeSilence   OfflineMode = "silence"      // the connection stays, and nothing is read or written any more
	ModeUnplugged OfflineMode = "unplugged"    // nothing reaches the broker, and the connection is left behind half open
	ModeExit      OfflineMode = "process-exit" // the socket is closed at once, with whatever is unread or unsent in it
)

// orders obeys what tasks said about the connection.
func (s *Session) orders() error {
	l := s.link
	switch {
	case s.stopping:
		s.quickenAll()
		s.goodbye()
		return ErrStopping
	case l.forgotten && s.hasNetwork():
		s.noteEnd()
		transport.Reset(l.conn)
		return errForgotten
	case !s.away:
		if l.stuck { // back from silence: the device was restarted
			return ErrAway
		}
		s.hurry = false // it has never been gone
		return nil
	case l.stuck:
		return nil
	case l.noNetwork: // whatever it says goes nowhere
		s.abandon(true)
		return ErrAway
	}
	switch s.mode {
	case ModeOrderly:
		s.goodbye()
	case ModeWithWill:
		if !s.V311() {
			s.part(wire.DisconnectWithWill)
			break
		}
		s.finish() // the end without a DISCONNECT is what brings the Will there (3.1.1: 3.1.2-8)
	case ModeReset:
		s.noteEnd()
		transport.Reset(l.conn)
	case ModeSilence:
		l.stuck = true
		s.setUp(false)
		s.wentSilent(string(ModeSilence))
		if h, ok := s.handler.(Freezes); ok && l.online {
			h.Freezes()
		}
		return nil
	case ModeUnplugged:
		s.abandon(false)
		s.wentSilent(string(ModeUnplugged))
	case ModeExit:
		// drop does what the system does.
	default: // Cut
		s.finish()
	}
	return ErrAway
}

// noteEnd notes that the broker may hear of the end from now on.
func (s *Session) noteEnd() {
	if s.link.account != nil {
		s.link.endFrom = s.env.now()
	}
}

// goodbye goes in an orderly way: Offline, then DISCONNECT 0x00, so that no
// Will is published.
func (s *Session) goodbye() {
	if s.link.stuck {
		return
	}
	if s.link.online {
		if h, ok := s.handler.(Parting); ok {
			h.BeforeDisconnect()
		}
	}
	s.part(wire.Success)
}

// part sends DISCONNECT, for the broker to close the connection. A device whose CONNACK is still on its way says DISCONNECT as well, since its
// Will may already be in force.
func (s *Session) part(code byte) {
	l := s.link
	d := &packets.Disconnect{ReasonCode: code, Properties: &packets.Properties{}}
	if s.stopping && l.connected && !s.V311() && (s.profile.EndsSession || s.leaving) && l.limits.SessionExpiry > 0 {
		d.Properties.SessionExpiryInterval = new(uint32(0))
		if l.account != nil {
			l.endsAfter = new(time.Duration)
		}
	}
	if s.leaving && !l.connected {
		s.resume = true // for the broker, it may have a session
	}
	s.post(d)
	l.writeBy = time.Now().Add(time.Second)
	_ = l.conn.SetWriteDeadline(l.writeBy)
	if l.noNetwork {
		return // it would be held back, and come out of nowhere later
	}
	n, err := l.conn.Write(l.out.packets)
	s.wrote(n)
	l.said, l.saidAt = true, s.env.now()
	if err != nil {
		if !errors.Is(err, os.ErrDeadlineExceeded) { // the broker has closed it before
			l.overtaken, l.ending = true, EndingByBroker
			l.last = &last{begun: time.Now(), until: time.Now().Add(time.Second)}
		}
		return
	}
	l.ending = EndingWithWill
	if code == wire.Success {
		l.ending = EndingOrderly
	}
	if d.Properties.SessionExpiryInterval != nil {
		s.resume = false
	}
	s.finish()
}

// finish closes our half of the connection (FIN), and has the broker close the other, for
// at most a second on a link that is not slow: closing at once while something is unread
// would reset it, and the broker might never see the end of what we sent.
func (s *Session) finish() {
	l := s.link
	cut := l.ending == EndingClosed
	s.noteEnd()
	if !transport.CloseWrite(l.conn, cut) && cut {
		return // it has no halves, and is closed as a whole
	}
	s.inbox.hangUp()
	until := time.Now().Add(time.Second)
	if !s.stopping {
		until = until.Add(s.linkDelay())
	}
	l.last = &last{begun: time.Now(), until: until, finished: true}
}

// A fleet that ends waits for a broker that is busy closing its connections one after the
// other: with that it has taken their DISCONNECT for certain.
const (
	partingPause = time.Second      // without any that was closed; the broker closes no more
	mostParting  = 10 * time.Second // for one
)

// stillParting reports whether the broker closes connections of a fleet that ends, and may
// come to one that has waited for so long.
func (e *Env) stillParting(waited time.Duration) bool {
	last := time.Duration(e.parted.Load())
	return e.Stopped() && last > 0 && e.now()-last < partingPause && waited < mostParting
}

// last is what is left of a connection that has ended on our side.
type last struct {
	begun    time.Time
	until    time.Time // when the broker's end of it is waited for no longer
	hurried  bool      // since the fleet stops
	finished bool      // our half is closed
	err      error     // why it ends
}

// readLast reads what is left on a connection until its end, or until a time, and returns
// why it has ended then. A fleet that stops does not wait longer than a second, but for a
// broker that is busy ending its connections: no task can tell a session that is here.
func (s *Session) readLast(t *turn, err error) (await, error) {
	l := s.link
	r := l.last
	r.err = err
	if t.woke == forBytes {
		t.woke = nothing
		switch {
		case t.err == nil:
			s.takeLast(t.chunk)
			l.stream.Release()
		case !errors.Is(t.err, os.ErrDeadlineExceeded):
			if l.confirmed = r.finished && errors.Is(t.err, io.EOF); l.confirmed {
				s.env.parted.Store(int64(s.env.now()))
			}
			return nothing, err
		case time.Now().Before(r.until):
		case s.env.stillParting(time.Since(r.begun)):
			r.until = time.Now().Add(partingPause / 4)
		default:
			return nothing, err
		}
	}
	soon := time.Now().Add(time.Second)
	if !r.hurried && s.env.Stopped() {
		r.hurried, r.until = true, Earlier(r.until, soon)
	}
	_ = l.conn.SetReadDeadline(Earlier(r.until, soon))
	return forBytes, nil
}

// takeLast takes the acknowledgements of what was published before parting, so
// that it is not sent again on the way back, and a DISCONNECT of the broker, which
// had ended the connection before ours came. Everything else is too late.
func (s *Session) takeLast(chunk []byte) {
	for {
		frame, err := s.link.framer.Next(&chunk)
		if frame == nil || err != nil {
			return
		}
		switch t := frame.Type(); t {
		case packets.PUBACK, packets.PUBREC, packets.PUBCOMP:
			if ack, err := wire.ParseAck(frame, s.version()); err == nil {
				s.settleAck(t, ack)
			}
		case packets.PUBREL: // it cannot be answered any more
			if ack, err := wire.ParseAck(frame, s.version()); err == nil {
				if i := s.received.find(ack.PacketID); i >= 0 {
					s.received[i].at = withheld
				}
			}
		case packets.DISCONNECT:
			if p, err := wire.Decode(frame, s.version()); err == nil && !s.V311() {
				code := p.(*packets.Disconnect).ReasonCode
				s.counts().Disconnected.Add(code)
				s.link.overtaken, s.link.ending = true, byBroker(code)
			}
		}
	}
}
