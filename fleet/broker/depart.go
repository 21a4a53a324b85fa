package broker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// depart ends the connection. What is in the buffer, and the DISCONNECT if there
// is one, is still written, in the background. When depart returns, the packet
// in hand has been handled, no further one will be, and the session is detached.
// It may be called from any goroutine that holds no lock, also several times:
// the first says how.
func (c *conn) depart(d departure) {
	c.b.publishWill(c.cut(d))
}

// cut is depart without the Will that is due with it, which it leaves to the
// caller to publish.
func (c *conn) cut(d departure) (from *owner, due *will) {
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
			c.packets++
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
			c.startWriter()
		}
	}
	from, due = c.b.detach(c, d)
	if first {
		c.logEnd(d)
	}
	return from, due
}

func (c *conn) logEnd(d departure) {
	level := slog.LevelDebug
	_, fault := errors.AsType[*wire.Error](d.err)
	if _, frames := errors.AsType[*transport.FrameError](d.err); fault && d.code != 0 || frames || d.err == errOverrun {
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
	defer c.mu.Unlock()
	if c.departure == nil {
		c.overflow()
	}
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
		_, err := c.stream.Read()
		c.stream.Release()
		if err != nil {
			return
		}
		c.worked(turn)
	}
}

// finished is called by the writer when nothing is left to write and nothing
// will come.
func (c *conn) finished() {
	c.mu.Lock()
	c.writeDone = true
	wait := c.departure.linger && !c.failed && !c.readDone
	c.mu.Unlock()
	if wait && transport.CloseWrite(c.nc, false) {
		_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
		return // the reader closes
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
