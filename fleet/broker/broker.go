package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/fleet/memconn"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// Broker is a running broker. All methods may be called from any goroutine.
type Broker struct {
	config    Config
	limits    limits
	declared  []byte // see connackProps
	users     map[string]*user
	nobody    *user   // counts what those have who are without a user name, where there are users
	reserving []*user // those with Client Identifiers of their own
	guesses   guesses
	log       *slog.Logger
	foreign   sync.Map // of protocols that are not MQTT, those that have been logged
	memory    accounts
	strangers account // of those that have not said who they are
	start     time.Time
	topics    topics
	sys       sysTree
	count     counters
	asked     atomic.Uint64 // CONNECTs that Config.Admit saw

	due, notDue atomic.Uint64 // Wills that Config.Will saw

	running sync.WaitGroup // every goroutine of the broker
	ending  chan struct{}  // closed by Close

	mu            sync.Mutex
	closed        bool
	suspended     bool // see Suspend
	listeners     map[net.Listener]struct{}
	conns         map[*conn]struct{}
	sessions      sessions
	absent        absentees
	wakes         *time.Timer    // for the first of them; nil: there never was one
	wakesAt       time.Duration  // when it is set for
	wills         map[string]int // on their way, by client
	willSent      sync.Cond      // one is no more
	clients       int            // sessions with a connection
	mostClients   int            // that there were at a time
	assigned      uint64
	sessionNumber uint64

	feeder sync.Mutex // see session.goOn
	crowds sync.Mutex // of a message that goes to many: see crowd

	parsing sync.Mutex // of large packets: see largePacket

	buffers          *transport.Buffers
	routings, writes sync.Pool
}

// New makes a broker, which has no listener yet: see Serve, ServeConn, Handler
// and Dial. The error says everything that is wrong with the Config.
func New(c Config) (*Broker, error) {
	l, err := c.limits()
	if err != nil {
		return nil, fmt.Errorf("configuring the broker: %w", err)
	}
	b := &Broker{
		config:    c,
		limits:    l,
		declared:  l.connackProps(),
		users:     make(map[string]*user),
		log:       c.Log,
		start:     time.Now(),
		ending:    make(chan struct{}),
		listeners: make(map[net.Listener]struct{}),
		conns:     make(map[*conn]struct{}),
		wills:     make(map[string]int),
		buffers:   transport.NewBuffers(smallRead, largeRead),
	}
	b.config.Version = cmp.Or(c.Version, "homefleet")
	b.willSent.L = &b.mu
	b.sessions.init()
	b.memory.most, b.memory.each = int64(l.TotalMemory), int64(l.ClientMemory)
	b.strangers.most = b.memory.most / 16
	b.topics.init()
	b.topics.retained.memory, b.topics.retained.broker = &b.memory, &b.sys.owner
	b.sys.loads = make(map[string]*sysLoad)
	b.topics.retained.swept = -sweepEvery // never yet
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.nobody = &user{User: User{MaximumSessions: l.MaximumUserSessions}, memory: account{most: int64(l.UserMemory)}}
	for _, u := range c.Users {
		b.addUser(u)
	}
	b.guesses.init()
	b.routings.New = func() any { return new(routing) }
	b.writes.New = func() any { return new(make([]byte, 0, 512)) }
	return b, nil
}

// now is the time since the broker's start, by which messages expire.
func (b *Broker) now() time.Duration { return time.Since(b.start) }

// enter counts a goroutine that Close is to wait for; it returns false once the
// broker is closed.
func (b *Broker) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.running.Add(1)
	return true
}

func (b *Broker) leave() { b.running.Done() }

// Serve accepts connections from a listener, such as a TCP or TLS one, until
// Close, after which it returns nil, or until the listener fails for good. It
// closes the listener.
func (b *Broker) Serve(l net.Listener) error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return errors.Join(errClosed, l.Close())
	}
	b.listeners[l] = struct{}{}
	b.running.Add(1)
	b.mu.Unlock()
	defer b.leave()
	defer func() {
		_ = l.Close() // Close may have done so already
		b.mu.Lock()
		delete(b.listeners, l)
		b.mu.Unlock()
	}()
	wait := time.Duration(0)
	for {
		nc, err := l.Accept()
		b.mu.Lock()
		closed := b.closed
		b.mu.Unlock()
		switch {
		case closed:
			if err == nil {
				_ = nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accepting connections: %w", err)
		case err != nil:
			// Mostly too many open files, which passes without a word: anybody in the process
			// may close one.
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			b.log.Warn("accepting a connection", "err", err, "again in", wait)
			select {
			case <-time.After(wait):
			case <-b.ending:
			}
			continue
		}
		wait = 0
		b.serve(nc)
	}
}

var errClosed = errors.New("the broker is closed")

// Dial connects to the broker inside the process.
func (b *Broker) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dialling the broker: %w", context.Cause(ctx))
	}
	if !b.enter() {
		return nil, fmt.Errorf("dialling the broker: %w", errClosed)
	}
	defer b.leave()
	if b.away() {
		b.count.refused.Add(1)
		return nil, fmt.Errorf("dialling the broker: %w", errRefused)
	}
	client, server := memconn.Pipe(0)
	b.serve(server)
	return client, nil
}

// Kick ends the connection of a client with a DISCONNECT of that reason code,
// such as wire.AdministrativeAction; a client before version 5 sees its
// connection closed. Code 0 cuts the connection without a word. The Will is
// published as after any other loss of the connection (3.1.2-8). It returns
// false if no such client is connected.
func (b *Broker) Kick(clientID string, code byte) bool {
	if !b.enter() {
		return false
	}
	defer b.leave()
	b.mu.Lock()
	s := b.sessions.get(clientID)
	b.mu.Unlock()
	if s == nil {
		return false
	}
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c == nil {
		return false
	}
	c.depart(departure{code: code, linger: code != 0})
	return true
}

// Close ends all connections, version 5 clients with DISCONNECT 0x8B, closes the
// listeners given to Serve, and waits for all goroutines. Sessions and retained
// messages are gone then. Wills are not published: it is the broker that went
// away, not the clients. It always returns nil.
func (b *Broker) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		b.running.Wait()
		return nil
	}
	b.closed = true
	close(b.ending)
	b.running.Add(1)
	conns := make([]*conn, 0, len(b.conns))
	for c := range b.conns {
		conns = append(conns, c)
	}
	for l := range b.listeners {
		_ = l.Close()
	}
	b.mu.Unlock()
	for _, c := range conns {
		c.depart(departure{code: wire.ServerShuttingDown, noWill: true, err: errClosed})
	}
	b.mu.Lock()
	if b.wakes != nil {
		b.wakes.Stop()
	}
	b.mu.Unlock()
	b.stopSys()
	b.running.Done()
	b.running.Wait()
	return nil
}
