package client

import (
	"context"
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// Handler is what a session is there for: a device, or somebody who talks to
// devices. The session's goroutine calls all of it. What else a handler may want is
// an interface of its own, with one method, for those that have it.
type Handler interface {
	// FillConnect fills in what is particular in the CONNECT.
	FillConnect(*wire.Connect) error
	// Subscriptions returns what to subscribe to, and how many of them, from the first,
	// must be granted: without those the session is of no use. There may be none.
	Subscriptions() (subs []packets.SubOptions, needed int, err error)
	// Online begins the routine of a handler whose subscriptions are in force. It
	// returns when it wants Act to be called; zero is never.
	Online(now time.Time) (next time.Time)
	// Message takes a PUBLISH that is no repeat. It is valid until Message returns.
	Message(*wire.Publish)
}

// Dials is a handler that reaches the broker in a way of its own, and not by the Dial of its
// [Env]. Dial runs beside the session's goroutine, which waits for it.
type Dials interface {
	Dial(context.Context) (net.Conn, error)
}

// Routine is a handler that does something at times of its own.
type Routine interface {
	// Act does what is due by now and returns when it wants to be called next; zero
	// is never. See Session.Wake for what is to be done sooner than that.
	Act(now time.Time) (next time.Time)
}

// Acknowledged is a handler that wants to know of the PUBACK or PUBREC of a message
// that it has sent with a note. A PUBCOMP, which makes room in the broker's Receive
// Maximum, has NoNote: the message was told of when its PUBREC came.
type Acknowledged interface {
	Acknowledged(note uint64, code byte)
}

// Completed is a handler that wants to know of the PUBCOMP of a message that it has sent
// with a note, too.
type Completed interface{ Completed(note uint64) }

// HearsReasons is a handler that wants to know what the broker says of a message that it
// refuses: Refused is called with the Reason String, "" if there is none, just before
// Acknowledged is with the code.
type HearsReasons interface{ Refused(reason string) }

// NoNote is that of no message.
const NoNote = 1<<64 - 1

// Rejects is a handler to which some messages are a protocol error, as firmware has it
// that takes less than the standard lets everybody send.
type Rejects interface {
	// Reject says what is wrong with a message, or nil. The connection is then ended by
	// DISCONNECT 0x82.
	Reject(*wire.Publish) error
}

// Parting is a handler that publishes something before an orderly DISCONNECT.
type Parting interface{ BeforeDisconnect() }

// Connecting is a handler that wants to know that a connection is about to be tried,
// and why one ended that never came so far as Online.
type Connecting interface {
	Connecting()
	// ConnectFailed reports whether that is told of as a part of something else.
	ConnectFailed(err error) bool
}

// GoesOffline is a handler that wants to know that it is no more online. What the
// session knows of the connection is still there.
type GoesOffline interface{ Offline(Departure) }

// Heeds is a handler that wants to know when something was done to it that others left word
// of.
type Heeds interface{ Heeded() }

// Freezes is a handler that wants to know that from now on its session neither reads nor
// writes, though its connection stays. What ends that is that it goes offline.
type Freezes interface{ Freezes() }

// Isolated is a handler that wants to know that nothing gets through on its connection any
// more, which stays, or that it does again. why is what has taken the network.
type Isolated interface{ Isolated(is bool, why string) }

// Speaks is a handler that knows when it publishes next, whatever happens; zero is
// never.
type Speaks interface{ Speaks() time.Time }

// Ponged is a handler that wants to know of a PINGRESP, and when the PINGREQ was made
// that it answers, on the fleet's clock; told only where the session is observed.
type Ponged interface{ Ponged(asked time.Duration) }

// HearsPingresp is a handler that is told of each PINGRESP, whoever observes the session.
type HearsPingresp interface{ Pingresp() }

// Stalled is a handler that wants to know when its connection took nothing for a time:
// while a write waits, nothing that comes due can leave.
type Stalled interface{ Stalled(from, to time.Time) }

// Ended is a handler that counts, when its session has ended, what it was to send while
// it was away.
type Ended interface{ Ended() }

// Withholds is a handler that does not acknowledge all that it receives: it decides of
// each message of QoS 1 or 2.
type Withholds interface{ Withholds() bool }

// LowersWill is a handler whose Will the broker may not take as it is. LowerWill lowers
// what the broker refuses with a reason code; it is false when there is nothing to
// lower.
type LowersWill interface {
	LowerWill(code byte, maximumQoS *byte) bool
}

// Follows is a handler that follows what becomes of single messages.
type Follows interface {
	// Follow takes what became of a message with a trace. With TraceSent, qos and
	// measured say at which QoS it goes and whether it was made in the measuring.
	Follow(t Trace, what TraceEvent, qos byte, measured bool)
}

// Trace says which of its handler's one-way messages a packet is, where somebody
// Follows them: a place in the sequence of one of its topics.
type Trace struct {
	Seq  uint32
	Slot uint16 // from 1; 0: nobody follows the packet
}

func (t Trace) On() bool { return t.Slot > 0 }

// TraceEvent is what became of a message, or of the connection.
type TraceEvent byte

const (
	TraceSent           TraceEvent = iota // it is about to be written for the first time
	TraceNotSent                          // it was not written after all
	TraceResent                           // it is about to be written again (4.4)
	TraceRefused                          // the broker has answered with a reason code of 0x80 or more
	TraceUnacknowledged                   // nobody will know whether the broker has it
	TraceBroken                           // of no message: the connection has broken, with whatever was written last
)

// follow tells a handler that follows its messages.
func (s *Session) follow(t Trace, what TraceEvent, qos byte, measured bool) {
	if !t.On() && what != TraceBroken {
		return
	}
	if h, ok := s.handler.(Follows); ok {
		h.Follow(t, what, qos, measured)
	}
}
