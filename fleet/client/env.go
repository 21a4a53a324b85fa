package client

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/metrics"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// Env is what all sessions of a process have in common. What stands here does not
// change once the first of them runs, and may be used from any goroutine.
type Env struct {
	Clock     Clock
	Dial      func(context.Context) (net.Conn, error)
	Broker    string // as errors call it
	Seed      uint64 // of every random choice
	Log       *slog.Logger
	Faults    *FaultLog
	TakeOvers *TakeOvers      // nil: nobody wants to know
	Stop      <-chan struct{} // closed when the run is over, or is to be

	Timeout        time.Duration // for a dial, for each answer of a handshake, for a PINGRESP and for a write
	KeepAlive      time.Duration
	SessionExpiry  uint32 // seconds; 0xFFFFFFFF: never
	ReceiveMaximum uint16
	MaximumPacket  int  // that clients take
	FailFast       bool // nobody tries twice

	Counts   *metrics.Counts
	Recorder *metrics.Recorder
	Alarm    *Alarm // of who is to be woken to the microsecond; nil: they go by the runtime's timers

	// Period says which part of the run a moment of the clock is in.
	Period func(at time.Duration) metrics.Period
	// GaveUp is told why a session has ended that was refused for good; nil: nobody wants to
	// know.
	GaveUp func(error)
	// Tried is called once for each session, when its first try to connect has ended.
	Tried func()
	// BrokerAway reports whether an incident keeps the broker away, or did a moment ago; nil:
	// none does.
	BrokerAway func() bool
	// Welcomed is told of each CONNACK of MQTT 5 with success.
	Welcomed func(*packets.Properties)

	parted atomic.Int64 // when a broker last closed a connection in answer to our end of it

	Buffers *transport.Buffers
	stacks  stacks
	packets sync.Pool // *[]byte, for packets on their way out
	batches sync.Pool // *batch, likewise
	// publishes are *wire.Publish, for what has come in: passed to a handler, one
	// on the stack would be moved to the heap for every message.
	publishes sync.Pool
}

// Profile is what the sessions of one group have in common.
type Profile struct {
	Cohort  *Cohort
	Backoff BackoffPolicy
	Labels  metrics.Labels
	// EndsSession says that the session is of no use to anybody once the run is over:
	// the last DISCONNECT ends it (3.14.2.2.2).
	EndsSession bool
	// V311 says that they speak MQTT 3.1.1, and not 5. What their messages have in
	// properties does not come on the wire then.
	V311 bool
}

// now is a moment of the clock.
func (e *Env) now() time.Duration { return e.Clock.Now() }

// Stopped reports whether the run is over, or is to be.
func (e *Env) Stopped() bool {
	select {
	case <-e.Stop:
		return true
	default:
		return false
	}
}

// note logs a fault that another try may mend.
func (e *Env) note(err error) { e.Faults.note(err) }

// Borrow returns an empty buffer for packets on their way out.
func (e *Env) Borrow() *[]byte {
	if b, ok := e.packets.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 512)
	return &b
}

// mostKept is the largest buffer that is kept for the next packet.
const mostKept = 64 << 10

// GiveBack returns a buffer that Borrow gave; nil is let pass.
func (e *Env) GiveBack(b *[]byte) {
	if b == nil || cap(*b) > mostKept {
		return
	}
	*b = (*b)[:0]
	e.packets.Put(b)
}

// newBatch returns an empty batch.
func (e *Env) newBatch() *batch {
	if b, ok := e.batches.Get().(*batch); ok {
		return b
	}
	return &batch{packets: make([]byte, 0, 512)}
}

// publish returns room for a PUBLISH that has come in.
func (e *Env) publish() *wire.Publish {
	if p, ok := e.publishes.Get().(*wire.Publish); ok {
		return p
	}
	return new(wire.Publish)
}
