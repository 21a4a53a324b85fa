package faults

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is a net.Conn with faults that can be changed at any time. All methods
// may be called from any goroutine.
//
// While a direction has no fault and holds nothing, its calls go straight to the
// wrapped connection. Otherwise Read waits in the wrapped Read for no longer
// than until the next byte is to be seen, and what was written is written on by a
// goroutine that lives only while there is something to write.
//
// Deadlines hold for the calls of this Conn as for any other; what has been taken
// from a Write is not bound by its deadline any more. Errors of its own are
// *net.OpError and wrap what those of a socket wrap, or are io.EOF.
type Conn struct {
	conn net.Conn
	seed uint64

	open atomic.Bool  // Read goes straight through
	gate atomic.Int64 // Writes that go straight through; below 0 while they may not

	mu       sync.Mutex
	cond     sync.Cond // something changed for a call that waits
	names    []named   // in the order of the lanes' stages
	rand     *rand.Rand
	up, down lane

	readDeadline, writeDeadline time.Time
	aimed                       time.Time // the wrapped connection's read deadline
	readTimer, writeTimer       *time.Timer
	readers, writers            int // calls that wait on cond

	reading bool        // a Read waits in the wrapped one
	writing bool        // a Write is taking its turn at the lane
	pumping bool        // the goroutine that writes on is there
	pumpAt  *time.Timer // starts it

	late time.Duration // by how much our timers have held up what came last: see makeUp

	failed  error // of a delayed write, for a Read to return
	closed  bool
	halfway bool // CloseWrite was called
}

// named is what one name has set.
type named struct {
	name  string
	fault Fault
}

// shut is what gate has on top of its count while it is shut.
const shut = -1 << 32

// Wrap returns c with no faults. The seed decides all that is random in those
// that are set later. A TLS connection is wrapped after its handshake, since one
// that a deadline cuts short fails for good; or the faults go beneath the TLS.
func Wrap(c net.Conn, seed uint64) *Conn {
	w := &Conn{conn: c, seed: seed}
	w.cond.L = &w.mu
	w.open.Store(true)
	return w
}

// NetConn returns the wrapped connection.
func (c *Conn) NetConn() net.Conn { return c.conn }

// LocalAddr is that of the wrapped connection.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr is that of the wrapped connection.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// Set adds a fault, or replaces the one of that name in its place. On a connection
// that was closed it does nothing.
func (c *Conn) Set(name string, f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.rand == nil {
		c.rand = rand.New(rand.NewPCG(c.seed, 0))
	}
	// Always the same number of draws, so that a fault does not change the next.
	upRand := rand.New(rand.NewPCG(c.rand.Uint64(), 0))
	downRand := rand.New(rand.NewPCG(c.rand.Uint64(), 0))
	now := time.Now()
	c.up.advance(now)
	c.down.advance(now)
	i := c.index(name)
	if i < 0 {
		i = len(c.names)
		c.names = append(c.names, named{name: name})
		c.up.add(nil, now)
		c.down.add(nil, now)
	}
	c.names[i].fault = f
	c.up.stages[i].replace(f.pacer(upRand), c.up.clock(now))
	c.down.stages[i].replace(f.pacer(downRand), c.down.clock(now))
	c.changed(now)
}

// Clear takes away the fault of that name, if there is one.
func (c *Conn) Clear(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.index(name)
	if i < 0 || c.closed {
		return
	}
	now := time.Now()
	c.up.advance(now)
	c.down.advance(now)
	c.names = slices.Delete(c.names, i, i+1)
	c.up.remove(i, now)
	c.down.remove(i, now)
	c.changed(now)
}

func (c *Conn) index(name string) int {
	return slices.IndexFunc(c.names, func(n named) bool { return n.name == name })
}

// changed has both directions follow what the faults are now.
func (c *Conn) changed(now time.Time) {
	still := slices.ContainsFunc(c.names, func(n named) bool {
		_, ok := n.fault.(Timeout)
		return ok
	})
	c.up.stop(still, now)
	c.down.stop(still, now)
	c.down.advance(now)
	if !c.up.plain() {
		c.shut()
	}
	if !c.down.plain() {
		c.open.Store(false)
	}
	c.run()
	c.rest()
	c.aim()
	c.cond.Broadcast()
}

// mostLate bounds what is made up for: what takes longer is no timer.
const mostLate = 20 * time.Millisecond

// overslept notes, as a timer of a lane has fired, by how much it was late: some
// part of a millisecond, and more where the machine is busy.
func (c *Conn) overslept(l *lane, now time.Time) {
	if due := l.next(); !l.ready() && !due.IsZero() && now.After(due) {
		c.late = min(now.Sub(due), mostLate)
	}
}

// makeUp takes in bytes for a lane. Where a peer waits for one packet before it
// sends the next, the next comes as late as we had the last one go, so that a
// line of small packets would be slower than its rate by all our timers'
// lateness. It counts as come when it would have come had they been punctual;
// what that is too much for this packet is left for the next.
func (c *Conn) makeUp(l *lane, b []byte, now time.Time) {
	late := c.late
	l.push(b, now, late)
	if late > 0 {
		l.advance(now)
		c.late = min(max(l.overdue(now), 0), late)
	}
}

// shut has Writes take the lane.
func (c *Conn) shut() {
	if c.gate.Load() >= 0 {
		c.gate.Add(shut)
	}
}

// rest has Reads go straight through again if there is nothing left to do.
func (c *Conn) rest() {
	if c.down.plain() && c.failed == nil && !c.closed {
		c.aim() // a Read that goes straight through has its own deadline
		c.open.Store(true)
	}
}

// aim gives the wrapped connection the read deadline that it is to have now.
func (c *Conn) aim() {
	t := sooner(c.readDeadline, c.down.next())
	if c.closed {
		t = time.Unix(1, 0)
	}
	if c.failed != nil && !c.down.ready() {
		t = sooner(t, time.Now().Add(grace))
	}
	if t != c.aimed {
		c.aimed = t
		_ = c.conn.SetReadDeadline(t) // one that fails has its Reads fail
	}
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error { return c.setDeadline(t, true, true) }

// SetReadDeadline sets the time after which Read fails; the zero time means
// never. It also holds for a Read that waits already. Bytes that are held are not
// lost by it.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, true, false) }

// SetWriteDeadline is SetReadDeadline for Write.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, false, true) }

func (c *Conn) setDeadline(t time.Time, read, write bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	var err error
	if read {
		c.readDeadline = t
		if c.open.Load() {
			c.aimed = t
			err = c.conn.SetReadDeadline(t)
		} else {
			c.aim()
		}
	}
	if write {
		c.writeDeadline = t
		if !c.pumping {
			err = errors.Join(err, c.conn.SetWriteDeadline(t))
		}
	}
	if c.readers+c.writers > 0 {
		c.cond.Broadcast()
	}
	return err
}

// wait waits until something changes or t comes; the caller looks again at
// everything. Calls may share the timer, and what they wait for.
func (c *Conn) wait(timer **time.Timer, t time.Time, waiting *int) {
	if !t.IsZero() {
		d := time.Until(t)
		if *timer == nil {
			*timer = time.AfterFunc(d, c.wake)
		} else {
			(*timer).Reset(d)
		}
	}
	*waiting++
	c.cond.Wait()
	*waiting--
	if *waiting == 0 && *timer != nil {
		(*timer).Stop()
	}
}

func (c *Conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cond.Broadcast()
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

func expired(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
