package memconn

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

// backlog is how many connections a Listener holds that were dialled and not
// accepted yet; a further Dial waits.
const backlog = 128

// Addr is the address of an end of a connection. A dialling end has a number,
// from 1 in the order of the Dials; a listening end has none.
type Addr struct {
	Name string
	Num  uint64
}

// Network returns "mem".
func (Addr) Network() string { return "mem" }

func (a Addr) String() string {
	if a.Num == 0 {
		return a.Name
	}
	return a.Name + ":" + strconv.FormatUint(a.Num, 10)
}

// LocalAddr returns the [Addr] of this end.
func (c *Conn) LocalAddr() net.Addr {
	if c == &c.pair.ends[0] {
		return Addr{c.pair.name, c.pair.num}
	}
	return Addr{Name: c.pair.name}
}

// RemoteAddr returns the [Addr] of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.peer.LocalAddr() }

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// Listener accepts the connections that are dialled to it, a [net.Listener].
// All methods may be called from any goroutine.
type Listener struct {
	addr   Addr
	dialed atomic.Uint64
	queue  chan *Conn
	done   chan struct{}
	once   sync.Once
}

// Listen returns a new listener. The name is only for its address: two
// listeners of one name know nothing of each other.
func Listen(name string) *Listener {
	return &Listener{addr: Addr{Name: name}, queue: make(chan *Conn, backlog), done: make(chan struct{})}
}

// Dial connects to the listener. Like a TCP connect it does not wait for the
// Accept, but for a free place in the queue. On a closed listener it fails with
// ECONNREFUSED.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.opError("dial", context.Cause(ctx))
	}
	client, server := newPair(l.addr.Name, l.dialed.Add(1), DefaultSize)
	select {
	case l.queue <- server:
	case <-l.done:
	case <-ctx.Done():
		return nil, l.opError("dial", context.Cause(ctx))
	}
	select {
	case <-l.done: // perhaps put into a queue that nobody empties any more, perhaps accepted
		_ = client.Reset() // nobody else has client, so it cannot be closed yet
		return nil, l.opError("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	default:
		return client, nil
	}
}

// Accept returns the next connection. Once the listener is closed it fails with
// net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, l.opError("accept", net.ErrClosed)
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, l.opError("accept", net.ErrClosed)
	}
}

// Close stops the listener. Connections that were not accepted are reset, those
// that were live on. A second Close is an error, as on a socket.
func (l *Listener) Close() error {
	err := l.opError("close", net.ErrClosed)
	l.once.Do(func() {
		err = nil
		close(l.done)
		for {
			select {
			case c := <-l.queue:
				_ = c.Reset() // fails only if the dialler has closed already
			default:
				return
			}
		}
	})
	return err
}

// Addr returns the listener's [Addr].
func (l *Listener) Addr() net.Addr { return l.addr }

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Addr: l.addr, Err: err}
}
