package fleet

import (
	"context"
	"net"
	"sync"
	"syscall"

	"homefleet/fleet/memconn"
)

// MemListener accepts the connections in memory that are dialled to it: the broker of a test
// that plays it by hand.
type MemListener struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// ListenInMemory returns a listener to dial.
func ListenInMemory() *MemListener {
	return &MemListener{dialled: make(chan net.Conn, 128), closed: make(chan struct{})}
}

// Dial connects to it. Like a TCP connect it does not wait for the Accept.
func (l *MemListener) Dial(ctx context.Context) (net.Conn, error) {
	client, server := memconn.Pipe(0)
	select {
	case <-l.closed:
		return nil, syscall.ECONNREFUSED
	default:
	}
	select {
	case l.dialled <- server:
	case <-l.closed:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-l.closed: // perhaps it waits where nobody accepts any more
		_ = client.(*memconn.Conn).Reset() // nobody else has it, so it cannot be closed yet
		return nil, syscall.ECONNREFUSED
	default:
		return client, nil
	}
}

// Accept returns the next connection, or net.ErrClosed after Close.
func (l *MemListener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.dialled:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends it, and resets whoever was not accepted.
func (l *MemListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		for {
			select {
			case c := <-l.dialled:
				_ = c.(*memconn.Conn).Reset() // fails only if the dialler has closed already
			default:
				return
			}
		}
	})
	return nil
}

// Addr is that of everybody in memory.
func (l *MemListener) Addr() net.Addr { return memconn.Addr("listener") }
