package client

import (
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// ReadSize, in bytes, is enough for the packets of a home; longer ones are put
// together by the Framer. In memory a whole fleet may be lent buffers at the same
// moment, and a slow consumer takes no more at a time.
const ReadSize = 2048

// link is one network connection of a session and what is true while it lasts.
type link struct {
	conn    net.Conn
	stream  transport.Stream
	framer  wire.Framer
	out     *batch    // packets that are written together before the next wait; nil when there are none
	writeBy time.Time // the write deadline that conn has
	due     time.Time // the earliest of all that is to be done; zero never
	next    Moment    // when the handler wants to act
	arrived time.Time // when what is being handled was read; only for a timed cohort
	dawdle  time.Duration
	behind  bool // more was due when the last round of it ended

	greeting
	liveness
	reach
	parted // how it ends

	number   uint32 // among those of the client id, where they are observed
	*account        // then
}

// greeting is what the two sides have agreed on: CONNECT, CONNACK, SUBSCRIBE and
// SUBACK.
type greeting struct {
	limits     Limits
	began      time.Time // dialled
	asked      time.Time // SUBSCRIBE was sent
	up         time.Time // online since
	handshake  time.Time // CONNACK or SUBACK is wanted by then
	expiry     uint32    // Session Expiry Interval of the CONNECT
	willDelay  uint32    // Will Delay Interval, likewise
	mayReceive int       // Receive Maximum, likewise
	inherited  int       // the first so many of session.received came on an earlier connection
	pending    uint16    // packet id of the SUBSCRIBE
	topics     uint16    // that it has
	needed     uint16    // of these, from the first, must be granted
	wants      byte      // the highest QoS it asks for
	granted    byte      // the lowest QoS of its subscriptions
	assured    byte      // the same of those that are needed
	unheard    bool      // one of them was refused
	clean      bool      // the CONNECT had Clean Start 1, or Clean Session 1
	anew       bool      // it had Clean Session 0, and the session is to be new all the same
	hasWill    bool      // and a Will Message
	refused    bool      // by the CONNACK
	connected  bool      // CONNACK received
	present    bool      // it had Session Present
	online     bool      // subscribed
}

// liveness is by what the two sides know that the other is there (3.1.2.10).
type liveness struct {
	grace     time.Duration // Keep Alive as the broker has it
	keepAlive time.Duration // the same, a little less
	pingDue   time.Time     // nothing was sent since, so a PINGREQ is
	sooner    time.Duration // than the Keep Alive has it that is
	pongBy    time.Time     // PINGRESP wanted by then; zero when none is
	asking    Moment        // since when one is
	unasked   bool          // what is being written was due at a time of its own
	idling    bool          // a slow consumer: a PINGRESP may be there, but is not read
}

// reach is what keeps packets from getting through.
type reach struct {
	stuck     bool // told to neither read nor write
	noNetwork bool // there is no network
	forgotten bool // the router knows nothing of it
	silent    bool // the observer knows that nothing gets through
	abandoned bool // left behind open: see halfOpen
	provoked  bool // something that is emulated may be why it ends
}

// parted is how a connection ends.
type parted struct {
	ending    Ending
	said      bool // DISCONNECT has been written
	overtaken bool // the broker ended it before we could
	confirmed bool // the broker has closed its side in answer
	saidAt    time.Duration
	last      *last // what is left to be read; nil: it has not come to that
}

// Limits are what the broker's CONNACK promised and forbade (section 3.2.2.3).
type Limits struct {
	ReceiveMaximum      int
	MaximumPacket       int // 0: none
	MaximumQoS          byte
	TopicAliasMaximum   uint16
	NoRetain            bool
	NoWildcards         bool
	NoShared            bool
	SessionExpiry       time.Duration
	ResponseInformation string
	ServerReference     string
}

func defaultLimits() Limits { return Limits{ReceiveMaximum: 65535, MaximumQoS: 2} }

// newLink returns a link that has begun now.
func newLink(conn net.Conn, buffers *transport.Buffers) *link {
	return &link{conn: conn, stream: transport.NewStream(conn, buffers),
		greeting: greeting{began: time.Now(), limits: defaultLimits()}, parted: parted{ending: EndingClosed}}
}

// drop closes the connection at once.
func (s *Session) drop() {
	l := s.link
	l.stream.Release()
	s.wrote(0)
	if !l.abandoned {
		transport.CloseNow(l.conn)
	}
}

// flush writes what has been encoded, in one write.
func (s *Session) flush() error {
	l := s.link
	if l.out == nil {
		return nil
	}
	if l.stuck {
		s.wrote(0)
		return nil
	}
	now := time.Now()
	// A deadline is moved only when half of it is gone: moving it costs about
	// as much as encoding a reply.
	if t := s.env.Timeout; l.writeBy.Sub(now) < t/2 {
		if s.env.Stopped() {
			t = min(t, time.Second) // as hasten says
		}
		l.writeBy = now.Add(t)
		if err := l.conn.SetWriteDeadline(l.writeBy); err != nil {
			return s.fail("writing to", err)
		}
	}
	n, err := l.stream.Write(l.out.packets)
	s.wrote(n)
	if err != nil {
		return s.fail("writing to", err)
	}
	if w, knows := l.stream.(transport.Waiter); !knows || w.Waited() {
		s.noteStall(now, knows)
	}
	s.spoke(now) // due is left alone: doDue looks again
	l.unasked = false
	if l.account != nil {
		l.wrote = s.env.Clock.At(now)
	}
	return nil
}

// longWrite is how long a write takes at the most that does not wait for the other side,
// where the connection itself does not say whether it did: in memory, and where faults
// are above it.
const longWrite = time.Millisecond

// noteStall tells the handler of a write that began at a moment and had to wait until the
// other side, or the network, took more; or that only took long, where it is not certain.
func (s *Session) noteStall(began time.Time, certain bool) {
	h, ok := s.handler.(Stalled)
	if now := time.Now(); ok && s.link.online && (certain || now.Sub(began) > longWrite) {
		h.Stalled(began, now)
	}
}

// buffer returns what the next packet is appended to.
func (s *Session) buffer() *[]byte {
	if s.link.out == nil {
		s.link.out = s.env.newBatch()
	}
	return &s.link.out.packets
}

// post appends a packet to what the next flush writes.
func (s *Session) post(p packets.Packet) {
	b := s.buffer()
	*b = wire.Append(*b, p, s.version())
}

// postAck is post for the four acknowledgements.
func (s *Session) postAck(typ byte, id uint16, code byte) {
	b := s.buffer()
	*b = wire.AppendAck(*b, typ, wire.Ack{PacketID: id, Code: code}, s.version())
}
