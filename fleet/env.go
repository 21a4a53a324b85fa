package fleet

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/metrics"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// env is what all sessions of a process have in common. What stands here does not
// change once the first of them runs, and may be used from any goroutine.
type env struct {
	clock  clock
	dial   func(context.Context) (net.Conn, error)
	broker string // as errors call it
	seed   uint64 // of every random choice
	log    *slog.Logger
	faults *faultLog
	stop   <-chan struct{} // closed when the run is over, or is to be

	timeout       time.Duration // for a dial, for each answer of a handshake, for a PINGRESP and for a write
	keepAlive     time.Duration
	sessionExpiry uint32 // seconds; 0xFFFFFFFF: never
	receiveMax    uint16
	maximumPacket int  // that clients take
	failFast      bool // nobody tries twice

	counts   *metrics.Counts
	recorder *metrics.Recorder
	alarm    *alarm // of who is to be woken to the microsecond; nil: they go by the runtime's timers

	// period says which part of the run a moment of the clock is in.
	period func(at time.Duration) metrics.Period
	// tried is called once for each session, when its first try to connect has ended.
	tried func()
	// welcomed is told of each CONNACK with success.
	welcomed func(*packets.Properties)

	buffers *transport.Buffers
	packets sync.Pool // *[]byte, for packets on their way out
	batches sync.Pool // *batch, likewise
	// publishes are *wire.Publish, for what has come in: passed to a handler, one
	// on the stack would be moved to the heap for every message.
	publishes sync.Pool
}

// profile is what the sessions of one group have in common.
type profile struct {
	cohort  *cohort
	backoff backoffPolicy
	labels  metrics.Labels
	// endsSession says that the session is of no use to anybody once the run is over:
	// the last DISCONNECT ends it (3.14.2.2.2).
	endsSession bool
}

// now is a moment of the clock.
func (e *env) now() time.Duration { return e.clock.now() }

// stopped reports whether the run is over, or is to be.
func (e *env) stopped() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

// note logs a fault that another try may mend.
func (e *env) note(err error) { e.faults.note(err) }

// borrow returns an empty buffer for packets on their way out.
func (e *env) borrow() *[]byte {
	if b, ok := e.packets.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 512)
	return &b
}

// mostKept is the largest buffer that is kept for the next packet.
const mostKept = 64 << 10

// giveBack returns a buffer that borrow gave; nil is let pass.
func (e *env) giveBack(b *[]byte) {
	if b == nil || cap(*b) > mostKept {
		return
	}
	*b = (*b)[:0]
	e.packets.Put(b)
}

// newBatch returns an empty batch.
func (e *env) newBatch() *batch {
	if b, ok := e.batches.Get().(*batch); ok {
		return b
	}
	return &batch{packets: make([]byte, 0, 512)}
}

// publish returns room for a PUBLISH that has come in.
func (e *env) publish() *wire.Publish {
	if p, ok := e.publishes.Get().(*wire.Publish); ok {
		return p
	}
	return new(wire.Publish)
}
