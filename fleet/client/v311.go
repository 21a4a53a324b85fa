package client

import (
	"errors"
	"fmt"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// What a session of MQTT 3.1.1 does otherwise stands here. Section and statement
// numbers are those of the OASIS MQTT 3.1.1 standard.

// version is the MQTT version of the session.
func (s *Session) version() wire.Version {
	if s.profile.V311 {
		return wire.V311
	}
	return wire.V5
}

// V311 reports whether the session speaks MQTT 3.1.1. It may be called from any
// goroutine.
func (s *Session) V311() bool { return s.profile.V311 }

// renewal is how far a session of MQTT 3.1.1 has come that is to be new and to last.
// MQTT 5 says both in one CONNECT. Clean Session 0 keeps the session, but takes up one
// that is there as well, and it takes a connection with Clean Session 1 to discard that
// (3.1.2-6).
type renewal uint8

const (
	notRenewing renewal = iota
	discarding          // the next CONNECT has Clean Session 1, and no other purpose
	discarded           // it has had its answer
)

// ErrRenewing ends a connection of MQTT 3.1.1 whose session is of no use, or that has discarded it.
var ErrRenewing = errors.New("an old session is discarded")

// asV311 makes a CONNECT one of MQTT 3.1.1, whose Clean Session is both Clean Start and
// no Session Expiry Interval (3.1.2.4). What else is in properties does not come on the
// wire.
func (s *Session) asV311(p *wire.Connect) {
	l := s.link
	lasts := p.SessionExpiry > 0
	l.anew = lasts && p.CleanStart
	p.Version = wire.V311
	p.CleanStart = !lasts || s.renewal == discarding
	p.ReceiveMaximum = AllAtOnce // the broker does not hear of any other
	switch {
	case s.renewal == discarding:
		p.Will = nil
	case p.Will != nil:
		p.Will.Delay = 0
	}
}

// connackV311 takes the answer of MQTT 3.1.1 to CONNECT as that of MQTT 5 which means
// the same.
func (s *Session) connackV311(frame wire.Frame) (*packets.Connack, error) {
	packet, err := wire.Decode(frame, wire.V311)
	if err != nil {
		return nil, s.brokeIn(takingConnack, err)
	}
	ack := packet.(*packets.Connack)
	ack.Properties = &packets.Properties{}
	if code := ack.ReasonCode; code != 0 {
		s.link.refused = true
		reason := wire.ReasonOfReturnCode(code)
		s.counts().Refused.Add(reason)
		return nil, s.fail("connecting to", &RefusedError{Code: reason, V311: true, ReturnCode: code})
	}
	return ack, nil
}

// renews reports whether a connection that was accepted only leads to a new session,
// and ends it then: with ErrRenewing, or with what the broker did wrong.
func (s *Session) renews(present bool) (err error, renews bool) {
	switch was := s.renewal; {
	case was == discarding:
		s.renewal = discarded
	case !s.link.anew || !present:
		s.renewal = notRenewing
		return nil, false
	case was == discarded: // 3.1.2-6
		s.renewal = notRenewing
		return s.brokeIn(takingConnack, &wire.Error{Code: wire.ProtocolError, Text: "Session Present, but the session has been discarded"}), true
	default:
		s.renewal = discarding
	}
	s.part(wire.Success)
	return s.fail("", ErrRenewing), true
}

// v311Text is a refusal in the words of MQTT 3.1.1 (table 3.1, and 3.9.3).
func (e *RefusedError) v311Text() string {
	if e.Packet == "SUBACK" {
		return "failure (0x80)"
	}
	return fmt.Sprintf("%s (return code %d)", wire.ReturnCodeName(e.ReturnCode), e.ReturnCode)
}
