package fleet

import (
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// handler is what a session is there for: a device, or somebody who talks to
// devices. The session's goroutine calls all of it. What else a handler may want is
// an interface of its own, with one method, for those that have it.
type handler interface {
	// FillConnect fills in what is particular in the CONNECT.
	FillConnect(*wire.Connect) error
	// Subscriptions returns what to subscribe to, and how many of them, from the first,
	// must be granted: without those the session is of no use.
	Subscriptions() (subs []packets.SubOptions, needed int, err error)
	// Online begins the routine of a handler whose subscriptions are in force. It
	// returns when it wants Act to be called; zero is never.
	Online(now time.Time) (next time.Time)
	// Message takes a PUBLISH that is no repeat. It is valid until Message returns.
	Message(*wire.Publish)
}

// routine is a handler that does something at times of its own.
type routine interface {
	// Act does what is due by now and returns when it wants to be called next; zero
	// is never. See session.wake for what is to be done sooner than that.
	Act(now time.Time) (next time.Time)
}

// acknowledged is a handler that wants to know of the PUBACK or PUBREC of a message
// that it has sent with a note. A PUBCOMP, which makes room in the broker's Receive
// Maximum, has noNote: the message was told of when its PUBREC came.
type acknowledged interface {
	Acknowledged(note uint64, code byte)
}

// noNote is that of no message.
const noNote = 1<<64 - 1

// parting is a handler that publishes something before an orderly DISCONNECT.
type parting interface{ BeforeDisconnect() }

// connecting is a handler that wants to know that a connection is about to be tried,
// and why one ended that never came so far as Online.
type connecting interface {
	Connecting()
	ConnectFailed(err error)
}

// goesOffline is a handler that wants to know that it is no more online. What the
// session knows of the connection is still there.
type goesOffline interface{ Offline(departure) }

// speaks is a handler that knows when it publishes next, whatever happens; zero is
// never.
type speaks interface{ Speaks() time.Time }

// ponged is a handler that wants to know of a PINGRESP, and when the PINGREQ was made
// that it answers, on the fleet's clock; told only where the session is observed.
type ponged interface{ Ponged(asked time.Duration) }

// stalled is a handler that wants to know when its connection took nothing for a time:
// while a write waits, nothing that comes due can leave.
type stalled interface{ Stalled(from, to time.Time) }

// ended is a handler that counts, when its session has ended, what it was to send while
// it was away.
type ended interface{ Ended() }

// withholds is a handler that does not acknowledge all that it receives: it decides of
// each message of QoS 1 or 2.
type withholds interface{ Withholds() bool }

// lowersWill is a handler whose Will the broker may not take as it is. LowerWill lowers
// what the broker refuses with a reason code; it is false when there is nothing to
// lower.
type lowersWill interface {
	LowerWill(code byte, maximumQoS *byte) bool
}

// follows is a handler that follows what becomes of single messages.
type follows interface {
	// Follow takes what became of a message with a trace. With traceSent, qos and
	// measured say at which QoS it goes and whether it was made in the measuring.
	Follow(t trace, what traceEvent, qos byte, measured bool)
}

// trace says which of its handler's one-way messages a packet is, where somebody
// follows them: a place in the sequence of one of its topics.
type trace struct {
	seq  uint32
	slot uint16 // from 1; 0: nobody follows the packet
}

func (t trace) on() bool { return t.slot > 0 }

// traceEvent is what became of a message, or of the connection.
type traceEvent byte

const (
	traceSent           traceEvent = iota // it is about to be written for the first time
	traceNotSent                          // it was not written after all
	traceResent                           // it is about to be written again (4.4)
	traceRefused                          // the broker has answered with a reason code of 0x80 or more
	traceUnacknowledged                   // nobody will know whether the broker has it
	traceBroken                           // of no message: the connection has broken, with whatever was written last
)

// follow tells a handler that follows its messages.
func (s *session) follow(t trace, what traceEvent, qos byte, measured bool) {
	if !t.on() && what != traceBroken {
		return
	}
	if h, ok := s.handler.(follows); ok {
		h.Follow(t, what, qos, measured)
	}
}
