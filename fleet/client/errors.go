package client

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"homefleet/fleet/wire"
)

// DeviceError is what went wrong with one device's connection.
type DeviceError struct {
	Device string
	Broker string // as the user named it
	Doing  string // "connecting to", "waiting for CONNACK from" …; may be ""
	Err    error
}

func (e *DeviceError) Error() string { return e.Device + ": " + e.What() }

// What is the error without the device, so that the same fault of a thousand
// devices can be counted as one.
func (e *DeviceError) What() string {
	text := e.Broker + ": " + plain(e.Err)
	if e.Doing != "" {
		text = e.Doing + " " + text
	}
	if wall := wallOf(e); wall != "" {
		text += "; " + wall
	}
	return text
}

func (e *DeviceError) Unwrap() error { return e.Err }

// RefusedError is a reason code of 0x80 or more in a CONNACK, a SUBACK or a
// DISCONNECT of the broker.
type RefusedError struct {
	Code            byte
	Packet          string // "" means CONNACK
	Reason          string // the broker's own words, if it gave any
	ServerReference string
	Old             bool // the CONNACK was of MQTT 3.1.1, the CONNECT of 5
	V311            bool // both are of 3.1.1: Code is what comes nearest
	ReturnCode      byte // of such a CONNACK
}

func (e *RefusedError) Error() string {
	var b strings.Builder
	switch e.Packet {
	case "":
		b.WriteString("the broker refused the connection")
	case "SUBACK":
		b.WriteString("the broker refused the subscription")
	case "PUBACK":
		b.WriteString("the broker refused a message")
	default:
		b.WriteString("the broker sent DISCONNECT")
	}
	if e.V311 {
		b.WriteString(": " + e.v311Text())
		return b.String()
	}
	name, digits := wire.ReasonName(e.Code), fmt.Sprintf("0x%02X", e.Code)
	b.WriteString(": " + name)
	if name != digits { // which an unknown code's name is
		b.WriteString(" (" + digits + ")")
	}
	if e.Old {
		b.WriteString("; it speaks MQTT 3.1.1 only, and the CONNECT was one of MQTT 5: with mqtt = \"3.1.1\" in [broker] all speak 3.1.1")
	}
	if e.Reason != "" {
		b.WriteString(": " + Shorten([]byte(e.Reason)))
	}
	if e.ServerReference != "" {
		b.WriteString("; it names another server: " + Shorten([]byte(e.ServerReference)))
	}
	return b.String()
}

// errWillLowered is a CONNECT that is sent again at once with a lower Will.
var errWillLowered = errors.New("the broker does not take the Will as it is")

// verdict is what follows from the end of a connection.
type verdict int

const (
	tryAgain verdict = iota // after the back-off
	atOnce                  // there was no fault
	giveUp
)

// judge decides what follows from the end of a connection (rule 7), and keeps
// count of failures.
func (s *Session) judge(err error) verdict {
	if errors.Is(err, ErrStopping) || errors.Is(err, ErrAway) {
		s.failures = 0
		return atOnce
	}
	if errors.Is(err, errForgotten) || errors.Is(err, ErrNoNetwork) {
		s.failures++
		return tryAgain // the incident has been told of
	}
	if errors.Is(err, ErrRenewing) {
		return atOnce
	}
	if errors.Is(err, errWillLowered) {
		s.env.note(err)
		return atOnce
	}
	if s.env.Stopped() {
		if s.profile.Cohort.Lasting {
			return tryAgain
		}
		return atOnce // what fails now fails because of the end
	}
	s.failures++
	if s.env.FailFast && !s.struck() {
		return giveUp
	}
	if refused, ok := errors.AsType[*RefusedError](err); ok && refused.final() {
		if refused.Code != wire.SessionTakenOver || refused.Packet != "DISCONNECT" || !s.gaveUp() && !s.hasDuplicate() {
			return giveUp
		}
		// It was the device itself: a CONNECT of a connection that it gave up
		// was still on its way. Or it is fighting for its client id.
		if s.hasDuplicate() {
			return tryAgain
		}
	}
	if _, ok := errors.AsType[*UnfitError](err); ok {
		return giveUp
	}
	s.env.note(err)
	return tryAgain
}

// UnfitError says that a broker's limits do not allow what a scenario wants.
type UnfitError struct{ Why string }

func (e *UnfitError) Error() string { return e.Why }

// IsUnfit reports whether an error says that the broker has not what its client wants, which
// no other client would get from it either.
func IsUnfit(err error) bool {
	if _, ok := errors.AsType[*UnfitError](err); ok {
		return true
	}
	refused, ok := errors.AsType[*RefusedError](err)
	return ok && refused.Packet == "SUBACK" && (refused.Code == wire.SharedSubsNotSupported || refused.Code == wire.WildcardSubsNotSupported)
}

// final reports whether a refusal is not worth another try.
func (e *RefusedError) final() bool {
	switch e.Code {
	case wire.ServerUnavailable, wire.ServerBusy, wire.QuotaExceeded, wire.ConnectionRateExceeded:
		return false
	case wire.SessionTakenOver, wire.UseAnotherServer, wire.ServerMoved:
		return true
	}
	// A DISCONNECT in mid-session may be a broker's restart or an operator's
	// whim; a CONNACK or SUBACK will be the same the next time.
	return e.Packet != "DISCONNECT"
}

// plain is an error's text without the ephemeral port of our own side, which
// would make every occurrence a new one.
func plain(err error) string {
	if err == io.EOF {
		return "the broker closed the connection"
	}
	text := err.Error()
	if i := strings.Index(text, "->"); i > 0 {
		if j := strings.LastIndexByte(text[:i], ' '); j >= 0 {
			text = text[:j+1] + text[i+2:]
		}
	}
	return text
}

// Shorten quotes what came from elsewhere, so that it cannot play tricks on a
// terminal or fill a log.
func Shorten(b []byte) string {
	const most = 60
	if len(b) <= most {
		return strconv.Quote(string(b))
	}
	return strconv.Quote(string(b[:most])) + "… (" + strconv.Itoa(len(b)) + " bytes)"
}

// noAuth is what is wrong with an AUTH.
const noAuth = "an AUTH: the broker wants enhanced authentication (4.12), which homefleet does not speak"
