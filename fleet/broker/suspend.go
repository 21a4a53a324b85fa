package broker

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// Suspend emulates a broker that goes away and will come back with its memory.
// Every connection ends without a DISCONNECT, as by Kick with code 0, and until
// Resume new ones end before any CONNACK: Dial fails with ECONNREFUSED, a TCP
// connection is accepted and reset, a WebSocket handshake gets status 503.
// When Suspend returns, no client is connected.
//
// Sessions, queues, retained messages and timers live on. To their Wills the
// clients have lost their connection (3.1.2-8): one with a delay waits for it,
// also beyond Resume, and one without is published when all clients are gone, so
// that it is retained or waits in the sessions of those who are to get it.
//
// Suspending a broker that is suspended or closed changes nothing. It may not be
// called from the functions of Config.
func (b *Broker) Suspend() {
	if !b.enter() {
		return
	}
	defer b.leave()
	b.mu.Lock()
	b.suspended = true
	conns := make([]*conn, 0, len(b.conns))
	for c := range b.conns {
		conns = append(conns, c)
	}
	b.mu.Unlock()
	type last struct {
		from *owner
		will *will
	}
	var due []last
	for _, c := range conns {
		if from, w := c.cut(departure{err: errSuspended}); w != nil {
			due = append(due, last{from, w})
		}
	}
	for _, l := range due {
		b.publishWill(l.from, l.will)
	}
}

// Resume ends what Suspend began: clients may connect again, and find their
// sessions. Resuming a broker that is not suspended changes nothing.
func (b *Broker) Resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.suspended = false
}

// away reports whether the broker is suspended.
func (b *Broker) away() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.suspended
}

var (
	errSuspended = errors.New("the broker is suspended")
	// errRefused is what dialling a port fails with where nobody listens.
	errRefused = &net.OpError{Op: "dial", Net: "mem", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
)
