package broker

import (
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// conn is one network connection.
type conn struct {
	b          *Broker
	nc         net.Conn
	s          *session // set once, under Broker.mu, when the CONNECT is accepted
	timer      *time.Timer
	limit      time.Duration // how long the client may be silent; 0: for ever
	access     *access
	will       *will             // guarded by session.mu
	aliases    map[uint16][]byte // Topic Aliases of the client
	given      map[string]uint16 // Topic Aliases of the broker; guarded by mu
	mayGive    int               // how many the client takes (3.1.2.11.5)
	givenBytes int               // what they take
	framer     wire.Framer

	user           *user  // who it is to the broker; nil without Config.Users
	maxPacket      int    // Maximum Packet Size of the client
	receiveMaximum int    // of the client
	connectExpiry  uint32 // Session Expiry Interval that the CONNECT asked for
	version        wire.Version

	// Of the reader.
	partial  int // bytes of the framer that are in the accounts
	stream   transport.Stream
	again    func() // loop
	reads    uint8  // up to manyReads
	work     uint8  // since it let others have their turn, see worked
	came     uint32 // packets of the present read
	lastRead time.Duration

	active atomic.Int64 // when the last packet came, in nanoseconds since Broker.start

	proc sync.Mutex // see the package comment
	gone bool       // guarded by proc: what is read counts no more

	mu        sync.Mutex
	out       []byte  // encoded packets
	lent      *[]byte // what out was, from Broker.writes
	outTaken  int     // bytes of it that are in the accounts
	inWrite   int     // bytes that the writer has taken and not written yet
	writing   bool    // there is a writer
	corked    bool    // the reader is at work and starts the writer when it has done
	connacked bool
	closing   bool       // nothing is accepted any more; the connection closes when out is written
	failed    bool       // writing failed
	departure *departure // how the connection ends, once it does
	overran   bool       // overrun is on its way
	readDone  bool       // the reader has ended
	writeDone bool       // nothing more will be written
	packets   uint32     // in out
}

// Most packets of a device fit into the small buffer. What publishes a lot gets the
// large one.
const (
	smallRead = 1 << 10
	largeRead = 16 << 10
)

// lingerTime is how long a connection that the broker ends stays open for the
// client to take what was sent: closing a socket with unread input makes TCP
// throw away output that is under way.
const lingerTime = time.Second

// ServeConn serves one connection and blocks until it has ended. The broker
// closes it in any case.
func (b *Broker) ServeConn(nc net.Conn) {
	if c := b.open(nc); c != nil {
		for c.read() {
		}
	}
}

// serve is ServeConn for connections that need no goroutine of their own: it
// does not block. See conn.loop.
func (b *Broker) serve(nc net.Conn) {
	if c := b.open(nc); c != nil {
		c.again = c.loop
		go c.again()
	}
}

// open enters a connection, and returns nil if there can be no more. The reader
// that ends it is counted.
func (b *Broker) open(nc net.Conn) *conn {
	c := &conn{b: b, nc: nc, stream: transport.NewStream(nc, b.buffers), limit: b.limits.ConnectTimeout}
	c.framer.Max = b.limits.MaximumPacketSize
	c.touch()
	c.mu.Lock()
	c.timer = time.AfterFunc(c.limit, c.silent)
	c.mu.Unlock()
	b.mu.Lock()
	suspended := b.suspended
	// Connections that have not sent their CONNECT yet do not count against the
	// limit that the CONNACK answers with, but have one too.
	if !b.closed && !suspended && len(b.conns) < 2*b.limits.MaximumConnections+100 && b.memory.take(nil, cost(nc)) {
		b.conns[c] = struct{}{}
		b.running.Add(1)
		b.mu.Unlock()
		return c
	}
	b.mu.Unlock()
	b.count.refused.Add(1)
	c.timer.Stop()
	if suspended {
		transport.Reset(nc)
	}
	transport.CloseNow(nc) // a WebSocket may wait for its client
	return nil
}

// loop reads in a goroutine of its own. Handling a packet needs more stack than
// waiting for one, and the runtime does not give it back as long as the
// goroutine lives; so after packets that came far apart, as those of idle
// clients do, and after the first ones, the reader goes on in a new goroutine.
func (c *conn) loop() {
	for c.read() {
		if c.fresh() {
			go c.again()
			return
		}
	}
}

// fresh decides whether the reader goes on in a new goroutine.
func (c *conn) fresh() bool {
	now := time.Since(c.b.start)
	apart := now-c.lastRead > time.Second
	c.lastRead = now
	if c.reads < manyReads {
		c.reads++
		return true
	}
	return apart
}

// manyReads is how many first reads of a connection are taken for its beginning:
// CONNECT, SUBSCRIBE, what it publishes then, and their acknowledgements.
const manyReads = 8

// errGone ends the reader of a connection that somebody else has ended.
var errGone = errors.New("the connection was ended")

// read waits for the client to send something and handles it. It returns false
// when the connection has ended and the reader with it. It and what it calls to
// wait are to need little stack.
func (c *conn) read() bool {
	b, err := c.stream.Read()
	return c.received(b, err)
}

// received handles what was read.
func (c *conn) received(b []byte, err error) bool {
	var d departure
	end := false
	if len(b) > 0 {
		c.b.count.bytesIn.Add(uint64(len(b)))
		d, end = c.handle(b)
		c.b.count.packetsIn.Add(uint64(c.came))
		c.came = 0
	}
	c.stream.Release()
	if !end && !c.keeps() {
		d, end = departure{code: wire.QuotaExceeded, linger: true, err: errOverrun}, true
	}
	if !end && err != nil {
		d, end = c.lost(err), true
	}
	if end {
		c.end(d)
		return false
	}
	if len(b) > 0 {
		c.worked(readWork)
	} else { // many frames without content, say
		c.worked(turn)
	}
	return true
}

// lost turns what ended the reading into the end of the connection.
func (c *conn) lost(err error) departure {
	d := departure{err: err}
	if e, ok := errors.AsType[*transport.FrameError](err); ok {
		c.b.count.protocolErrors.Add(1)
		d.linger = true
		if e.Status == transport.StatusPolicy {
			d.code = wire.MessageRateTooHigh
		}
	}
	return d
}

// end ends the connection and then the reader.
func (c *conn) end(d departure) {
	b := c.b
	defer b.running.Done()
	c.depart(d)
	c.drain()
	b.mu.Lock()
	delete(b.conns, c)
	b.mu.Unlock()
	c.forgets()
	c.mu.Lock()
	c.readDone = true
	done := c.writeDone
	c.mu.Unlock()
	if done {
		_ = c.nc.Close()
	}
}

// handle handles the packets of one read.
func (c *conn) handle(chunk []byte) (departure, bool) {
	if c.s == nil {
		if undecided, err := c.foreign(chunk); undecided || err != nil {
			return departure{err: err}, !undecided
		}
		f, err := c.framer.Next(&chunk)
		if f == nil && err == nil {
			return departure{}, false
		}
		if err != nil {
			c.b.count.refused.Add(1)
			return departure{err: err, linger: c.refuseUnread(chunk, err)}, true
		}
		c.touch()
		c.came++
		if d, end := c.connect(f); end {
			return d, true
		}
		c.b.shaken(c.nc)
	}
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.gone {
		return departure{err: errGone}, true
	}
	c.cork()
	defer c.uncork()
	for {
		c.worked(1)
		f, err := c.framer.Next(&chunk)
		if f == nil && err == nil {
			return departure{}, false
		}
		if err == nil {
			c.touch()
			c.came++
			err = c.packet(f)
		}
		if err != nil {
			return c.fault(err), true
		}
	}
}

// turn is how many packets are handled before others have their turn, and readWork what a
// read counts as, which may be of frames or of TLS alone. The runtime takes a processor from
// a goroutine after 10 ms only, and each of many that always have more to do would take
// that long.
const (
	turn     = 64
	readWork = 8
)

// worked notes what the reader did, and lets others have their turn when it was much.
func (c *conn) worked(n uint8) {
	if c.work += n; c.work >= turn { // it is below twice that
		c.work = 0
		runtime.Gosched()
	}
}

// fault turns an error into the end of the connection (section 4.13).
func (c *conn) fault(err error) departure {
	if d, ok := errors.AsType[*leave](err); ok {
		return departure{noWill: !d.will, orderly: !d.will, err: io.EOF}
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
	if !connacked {
		b.count.refused.Add(1)
		c.depart(departure{err: errNoConnect})
		return
	}
	b.count.keepAliveTimeouts.Add(1)
	c.depart(departure{code: wire.KeepAliveTimeout, linger: true, err: errSilent})
}

var (
	errNoConnect = errors.New("no CONNECT came in time")
	errSilent    = errors.New("nothing came within 1.5 times the keep alive")
)

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
