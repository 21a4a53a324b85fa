package fleet

import (
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/audit"
	"homefleet/fleet/faults"
	"homefleet/fleet/wire"
)

// link is one network connection of a session and what is true while it lasts.
type link struct {
	conn   net.Conn
	reader *reader
	framer wire.Framer
	out    *batch // packets that are written together before the next wait; nil when there are none
	limits limits

	began     time.Time // dialled
	asked     time.Time // SUBSCRIBE was sent
	up        time.Time // online since
	refused   bool      // by the CONNACK
	handshake time.Time // CONNACK or SUBACK is wanted by then
	due       time.Time // the earliest of all that is to be done; zero never
	keepAlive time.Duration
	pingDue   time.Time     // nothing was sent since, so a PINGREQ is
	sooner    time.Duration // than the Keep Alive has it that is
	pongBy    time.Time     // PINGRESP wanted by then; zero when none is
	asking    moment        // since when one is
	unasked   bool          // what is being written was due at a time of its own
	writeBy   time.Time     // the write deadline that conn has
	arrived   time.Time     // when what is being handled was read; only for a timed crew
	pending   uint16        // packet id of the SUBSCRIBE
	topics    uint16        // that it has
	wants     byte          // the highest QoS it asks for

	*account               // what the audit wants to know; nil where there is none
	grace    time.Duration // Keep Alive as the broker has it
	number   uint32        // among the connections of this device, where they are audited
	ending   audit.Ending  // how it was ended

	granted    byte          // the lowest QoS of its subscriptions
	unheard    bool          // one of them was refused
	clean      bool          // the CONNECT had Clean Start 1
	expiry     uint32        // and this Session Expiry Interval
	mayReceive int           // and this Receive Maximum
	dawdle     time.Duration // not to be read for so long; a slow consumer
	idling     bool          // dawdling: a PINGRESP may be there, but is not read
	behind     bool          // more was due when the last round of it ended
	connected  bool          // CONNACK received
	online     bool          // subscribed
	stuck      bool          // told to neither read nor write
	dark       bool          // there is no network
	forgotten  bool          // the router knows nothing of it
	silent     bool          // the audit knows that nothing gets through
	haunts     bool          // left behind open: see ghost
	present    bool          // CONNACK had Session Present
	parted     bool          // DISCONNECT has been written
	overtaken  bool          // the broker ended it before we could
	confirmed  bool          // the broker has closed its side in answer
}

// account is what the audit wants to know of a connection. Moments are on the
// fleet's clock.
type account struct {
	askedAt time.Duration  // CONNECT was sent
	heard   time.Duration  // the broker still had the connection then
	pinged  time.Duration  // the PINGREQ was made that is answered next
	wrote   time.Duration  // something was written last
	arrives time.Duration  // what was written then has reached the broker, as far as is known; only with faults
	endFrom time.Duration  // the closing began
	way     string         // how it was ended, as reports call that
	quiet   time.Time      // nothing has reached the broker since, if it is silent
	parting *time.Duration // Session Expiry Interval of the DISCONNECT
}

// limits are what the broker's CONNACK promised and forbade (section 3.2.2.3).
type limits struct {
	receiveMaximum  int
	maximumPacket   int // 0: none
	maximumQoS      byte
	topicAliasMax   uint16
	noRetain        bool
	noWildcards     bool
	noShared        bool
	sessionExpiry   time.Duration
	responseInfo    string
	serverReference string
}

func defaultLimits() limits { return limits{receiveMaximum: 65535, maximumQoS: 2} }

// drop closes the connection at once.
func (s *session) drop() {
	l := s.link
	l.reader.release()
	s.wrote(0)
	if !l.haunts {
		closeNow(l.conn)
	}
}

// heardNow notes that something was read. What came by way of faults says
// nothing of when it was sent; an answer tells that the question was taken.
func (l *link) heardNow(f *Fleet) {
	if _, slow := l.conn.(*faults.Conn); !slow && l.account != nil {
		l.heard = f.now()
	}
}

// live reports whether the actor can publish: a stuck one is connected still,
// but neither reads nor writes.
func (s *session) live() bool { return s.link != nil && s.link.online && !s.link.stuck }

// flush writes what has been encoded, in one write.
func (s *session) flush() error {
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
	if t := s.fleet.scenario.Connect.Timeout; l.writeBy.Sub(now) < t/2 {
		select {
		case <-s.fleet.stop:
			t = min(t, time.Second) // as hasten says
		default:
		}
		l.writeBy = now.Add(t)
		if err := l.conn.SetWriteDeadline(l.writeBy); err != nil {
			return s.fail("writing to", err)
		}
	}
	n, err := l.reader.write(l.out.packets)
	s.wrote(n)
	if err != nil {
		return s.fail("writing to", err)
	}
	s.spoke(now) // due is left alone: doDue looks again
	l.unasked = false
	if l.account != nil {
		l.wrote = now.Sub(s.fleet.epoch)
	}
	return nil
}

// buffer returns what the next packet is appended to.
func (s *session) buffer() *[]byte {
	if s.link.out == nil {
		s.link.out = s.fleet.newBatch()
	}
	return &s.link.out.packets
}

// post appends a packet to what the next flush writes.
func (s *session) post(p packets.Packet) {
	b := s.buffer()
	*b = wire.Append(*b, p, wire.V5)
}

// postAck is post for the four acknowledgements.
func (s *session) postAck(typ byte, id uint16, code byte) {
	b := s.buffer()
	*b = wire.AppendAck(*b, typ, wire.Ack{PacketID: id, Code: code}, wire.V5)
}
