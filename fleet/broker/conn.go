package broker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/fleet/wire"
)

// conn is one network connection.
type conn struct {
	b       *Broker
	nc      net.Conn
	s       *session // set once, under Broker.mu, when the CONNECT is accepted
	timer   *time.Timer
	limit   time.Duration // how long the client may be silent; 0: for ever
	access  *access
	will    *will             // guarded by session.mu
	aliases map[uint16][]byte // Topic Aliases of the client
	framer  wire.Framer

	username       string // who it is to the broker; empty without Config.Users
	maxPacket      int    // Maximum Packet Size of the client
	receiveMaximum int    // of the client
	connectExpiry  uint32 // Session Expiry Interval as of CONNECT
	version        wire.Version

	active atomic.Int64 // when the last packet came, in nanoseconds since Broker.start

	proc sync.Mutex // see the package comment
	gone bool       // guarded by proc: what is read counts no more

	mu        sync.Mutex
	out       []byte // encoded packets
	inWrite   int    // bytes that the writer has taken and not written yet
	writing   bool   // there is a writer
	corked    bool   // the reader is at work and starts the writer when it has done
	connacked bool
	closing   bool       // nothing is accepted any more; the connection closes when out is written
	failed    bool       // writing failed
	departure *departure // how the connection ends, once it does
	overran   bool       // overrun is on its way
	readDone  bool       // the reader has ended
	writeDone bool       // nothing more will be written

	small [smallRead]byte
}

const (
	// smallRead is what an idle connection reads into. Most packets of a device
	// fit; a larger buffer is lent while it reads more.
	smallRead = 256
	bigRead   = 16 << 10
	// lingerTime is how long a connection that the broker ends stays open for the
	// client to take what was sent: closing a socket with unread input makes TCP
	// throw away output that is under way.
	lingerTime = time.Second
)

// ServeConn serves one connection and blocks until it has ended. The broker
// closes it in any case.
func (b *Broker) ServeConn(nc net.Conn) {
	c := &conn{b: b, nc: nc, limit: b.limits.ConnectTimeout}
	c.framer.Max = b.limits.MaximumPacketSize
	c.touch()
	c.mu.Lock()
	c.timer = time.AfterFunc(c.limit, c.silent)
	c.mu.Unlock()
	b.mu.Lock()
	// Connections that have not sent their CONNECT yet do not count against the
	// limit that the CONNACK answers with, but have one too.
	if b.closed || len(b.conns) >= 2*b.limits.MaximumConnections+100 {
		b.mu.Unlock()
		b.count.refused.Add(1)
		c.timer.Stop()
		_ = nc.Close()
		return
	}
	b.conns[c] = struct{}{}
	b.running.Add(1)
	b.mu.Unlock()
	defer b.running.Done()

	c.depart(c.read())
	c.drain()

	b.mu.Lock()
	delete(b.conns, c)
	b.mu.Unlock()
	c.mu.Lock()
	c.readDone = true
	done := c.writeDone
	c.mu.Unlock()
	if done {
		_ = nc.Close()
	}
}

// errGone ends the reader of a connection that somebody else has ended.
var errGone = errors.New("the connection was ended")

// read handles what the client sends until the connection ends.
func (c *conn) read() departure {
	var big *[]byte
	defer func() {
		if big != nil {
			c.b.reads.Put(big)
		}
	}()
	for {
		buf := c.small[:]
		if big != nil {
			buf = *big
		}
		n, err := c.nc.Read(buf)
		if n > 0 {
			c.b.count.bytesIn.Add(uint64(n))
			if d, end := c.handle(buf[:n]); end {
				return d
			}
		}
		if err != nil {
			return departure{err: err}
		}
		switch more := n == len(buf) || c.framer.Partial() > 0; {
		case more && big == nil:
			big = c.b.reads.Get().(*[]byte)
		case !more && big != nil:
			c.b.reads.Put(big)
			big = nil
		}
	}
}

// handle handles the packets of one read.
func (c *conn) handle(chunk []byte) (departure, bool) {
	if c.s == nil {
		f, err := c.framer.Next(&chunk)
		if f == nil && err == nil {
			return departure{}, false
		}
		if err != nil {
			return departure{err: err}, true // nobody has said what protocol this is
		}
		c.touch()
		if d, end := c.connect(f); end {
			return d, true
		}
	}
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.gone {
		return departure{err: errGone}, true
	}
	c.cork()
	defer c.uncork()
	for {
		f, err := c.framer.Next(&chunk)
		if f == nil && err == nil {
			return departure{}, false
		}
		if err == nil {
			c.touch()
			err = c.packet(f)
		}
		if err != nil {
			return c.fault(err), true
		}
	}
}

// fault turns an error into the end of the connection (section 4.13).
func (c *conn) fault(err error) departure {
	if d, ok := errors.AsType[*leave](err); ok {
		return departure{noWill: !d.will, err: io.EOF}
	}
	d := departure{code: wire.UnspecifiedError, linger: true, err: err}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		d.code = e.Code
		c.b.count.protocolErrors.Add(1)
	}
	return d
}

func protocolError(text string) error { return &wire.Error{Code: wire.ProtocolError, Text: text} }

// touch notes that a packet came.
func (c *conn) touch() { c.active.Store(int64(time.Since(c.b.start))) }

// silent is called by the timer, which is not moved for every packet, but set
// again when it fires too early.
func (c *conn) silent() {
	b := c.b
	if !b.enter() {
		return
	}
	defer b.leave()
	c.mu.Lock()
	limit, closing := c.limit, c.closing
	if closing || limit == 0 {
		c.mu.Unlock()
		return
	}
	if left := limit - (time.Since(b.start) - time.Duration(c.active.Load())); left > 0 {
		c.timer.Reset(left)
		c.mu.Unlock()
		return
	}
	connacked := c.connacked
	c.mu.Unlock()
	if connacked {
		b.count.keepAliveTimeouts.Add(1)
	} else {
		b.count.refused.Add(1)
	}
	c.depart(departure{code: wire.KeepAliveTimeout, linger: true, err: errSilent})
}

var errSilent = errors.New("nothing came within 1.5 times the keep alive")

// setLimit sets how long the client may be silent.
func (c *conn) setLimit(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = d
	if d == 0 || c.closing {
		c.timer.Stop()
		return
	}
	c.timer.Reset(d)
}

// depart ends the connection. What is in the buffer, and the DISCONNECT if there
// is one, is still written, in the background. When depart returns, the packet
// in hand has been handled, no further one will be, and the session is detached.
// It may be called from any goroutine that holds no lock, also several times:
// the first says how.
func (c *conn) depart(d departure) {
	c.mu.Lock()
	if c.departure == nil {
		c.departure = &d
	}
	d = *c.departure
	c.mu.Unlock()

	c.proc.Lock()
	c.gone = true
	c.proc.Unlock()

	c.mu.Lock()
	first := !c.closing
	start := false
	if first {
		if c.connacked && d.code != 0 && c.version == wire.V5 && !c.failed {
			c.out = c.appendDisconnect(c.buffer(), d.code)
		}
		c.closing = true
		start = !c.writing
		c.writing = true
		c.timer.Stop()
	}
	c.mu.Unlock()
	if first {
		// A write that is stuck ends too.
		_ = c.nc.SetWriteDeadline(time.Now().Add(lingerTime))
		if start {
			c.b.running.Go(c.write)
		}
	}
	c.b.detach(c, d)
	if first {
		c.logEnd(d)
	}
}

func (c *conn) logEnd(d departure) {
	level := slog.LevelDebug
	if d.code >= 0x80 && d.code != wire.SessionTakenOver && d.code != wire.ServerShuttingDown {
		level = slog.LevelWarn
	}
	ctx := context.Background()
	if !c.b.log.Enabled(ctx, level) {
		return
	}
	args := []any{"client", c.clientID(), "remote", remote(c.nc)}
	if d.code != 0 {
		args = append(args, "reason", wire.ReasonName(d.code))
	}
	if d.err != nil && d.err != io.EOF {
		args = append(args, "err", d.err)
	}
	c.b.log.Log(ctx, level, "connection ended", args...)
}

// departing reports whether depart was called.
func (c *conn) departing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.departure != nil
}

// overrun ends a connection whose client does not keep up. It may be called
// with locks held.
func (c *conn) overrun() {
	c.mu.Lock()
	first := c.departure == nil && !c.overran
	c.overran = true
	c.mu.Unlock()
	if !first {
		return
	}
	c.b.count.overrun.Add(1)
	c.b.running.Go(func() {
		c.depart(departure{code: wire.QuotaExceeded, err: errOverrun})
	})
}

var errOverrun = errors.New("more waits for the client than it may have queued")

// drain reads and throws away until the client closes, when the broker has ended
// the connection and the client may still be sending.
func (c *conn) drain() {
	c.mu.Lock()
	linger := c.departure.linger
	c.mu.Unlock()
	if !linger {
		return
	}
	for {
		if _, err := c.nc.Read(c.small[:]); err != nil {
			return
		}
	}
}

// finished is called by the writer when nothing is left to write and nothing
// will come.
func (c *conn) finished() {
	c.mu.Lock()
	c.writeDone = true
	wait := c.departure.linger && !c.failed && !c.readDone
	c.mu.Unlock()
	if wait {
		if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
			_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
			if half.CloseWrite() == nil {
				return // the reader closes
			}
		}
	}
	_ = c.nc.Close()
}

func (c *conn) clientID() string {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.s == nil {
		return ""
	}
	return c.s.id
}

func remote(nc net.Conn) string {
	if a := nc.RemoteAddr(); a != nil {
		return a.String()
	}
	return ""
}
