package fleet

import (
	"fmt"
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/audit"
	"homefleet/fleet/faults"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// maximumPacket returns what every client of the scenario lets the broker send:
// room for a topic, a Response Topic and Correlation Data of 65,535 bytes each and
// for the largest payload there is to be, at least 64 KiB, but for nothing that
// would only fill memory.
func maximumPacket(sc *scenarios.Scenario) int {
	payload := 64 << 10
	for i := range sc.Controllers {
		c := &sc.Controllers[i]
		payload = max(payload, c.PayloadSize)
		for _, p := range c.Payloads {
			payload = max(payload, len(p))
		}
	}
	return 192<<10 + payload
}

// allAtOnce is as large a Receive Maximum as there is (3.1.2.11.3). It is what a
// broker is to take an absent one for, but Mosquitto then goes by its own
// max_inflight_messages, 20.
const allAtOnce = 65535

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

// sendConnect sends the CONNECT.
func (s *session) sendConnect() error {
	c := &s.fleet.scenario.Connect
	p := wire.Connect{
		Version:           wire.V5,
		ClientID:          s.clientID,
		CleanStart:        !s.resume,
		KeepAlive:         uint16(c.KeepAlive / time.Second),
		SessionExpiry:     expirySeconds(c.SessionExpiry),
		ReceiveMaximum:    c.ReceiveMaximum,
		MaximumPacketSize: uint32(s.fleet.maximumPacket),
	}
	if err := s.actor.greet(&p); err != nil {
		return s.fail("connecting to", err)
	}
	s.link.clean, s.link.expiry, s.link.mayReceive = p.CleanStart, p.SessionExpiry, int(p.ReceiveMaximum)
	if p.ReceiveMaximum == 0 {
		s.link.mayReceive = 65535 // 3.1.2.11.3
	}
	b := s.buffer()
	*b = wire.AppendConnect(*b, &p)
	if s.link.account != nil {
		s.link.askedAt = s.fleet.now()
	}
	if p.Will != nil {
		s.bill(metrics.WillMessage, s.fleet.periodNow(), 0, 0, trace{})
	}
	s.asked()
	return nil
}

func expirySeconds(d time.Duration) uint32 {
	if d >= scenarios.SessionNeverExpires {
		return 0xFFFFFFFF
	}
	return uint32(d / time.Second)
}

// connack takes the broker's answer to CONNECT.
func (s *session) connack(frame wire.Frame) error {
	f, l := s.fleet, s.link
	if frame.Type() != packets.CONNACK {
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: "the first packet is a " + wire.TypeName(frame.Type()) + "; want CONNACK"})
	}
	if body := frame.Body(); len(body) == 2 && frame.Flags() == 0 {
		// The form of MQTT 3.1.1, which has no properties.
		s.counts().Refused.Add(wire.UnsupportedVersion)
		l.refused = true
		return s.fail("connecting to", &RefusedError{Code: wire.UnsupportedVersion, Old: true})
	}
	packet, err := wire.Decode(frame, wire.V5)
	if err != nil {
		return s.broke(err)
	}
	ack := packet.(*packets.Connack)
	p := ack.Properties
	if ack.ReasonCode >= 0x80 {
		l.refused = true
		if ack.ReasonCode == wire.QoSNotSupported || ack.ReasonCode == wire.RetainNotSupported {
			if w, ok := s.actor.(willed); ok && w.tameWill(ack.ReasonCode, p.MaximumQOS) {
				return s.fail("connecting to", errTamed) // no failure: the limit is only told of here
			}
		}
		s.counts().Refused.Add(ack.ReasonCode)
		return s.fail("connecting to", &RefusedError{Code: ack.ReasonCode, Reason: p.ReasonString, ServerReference: p.ServerReference})
	}
	if ack.ReasonCode != wire.Success { // 3.2.2.2 has no other below 0x80
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: fmt.Sprintf("a CONNACK with reason code 0x%02X", ack.ReasonCode)})
	}
	if ack.SessionPresent && l.clean { // 3.2.2-2, -4
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: "Session Present, but there is no session"})
	}
	l.connected = true
	s.counts().Connects.Add(1)
	s.record(metrics.ConnectConnack, l.began, time.Since(l.began))
	l.takeLimits(f.scenario.Connect.KeepAlive, p)
	f.noteLimits(p)
	if l.account != nil {
		l.heard, l.arrives = l.askedAt, max(l.arrives, l.askedAt)
	}
	s.accepted(ack)
	if p.AssignedClientID != "" {
		s.clientID = p.AssignedClientID
	}
	s.resume, l.present = l.limits.sessionExpiry > 0, ack.SessionPresent
	if ack.SessionPresent {
		s.counts().Resumes.Add(1)
	} else {
		s.abandon()
		s.received = nil
		s.subscribed = false
	}
	if s.subscribed {
		return s.goOnline()
	}
	return s.subscribe()
}

// takeLimits notes what the broker allows.
func (l *link) takeLimits(keepAlive time.Duration, p *packets.Properties) {
	if p.ReceiveMaximum != nil {
		l.limits.receiveMaximum = int(*p.ReceiveMaximum)
	}
	if p.MaximumPacketSize != nil {
		l.limits.maximumPacket = int(*p.MaximumPacketSize)
	}
	if p.MaximumQOS != nil {
		l.limits.maximumQoS = *p.MaximumQOS
	}
	if p.TopicAliasMaximum != nil {
		l.limits.topicAliasMax = *p.TopicAliasMaximum
	}
	l.limits.noRetain = p.RetainAvailable != nil && *p.RetainAvailable == 0
	l.limits.noWildcards = p.WildcardSubAvailable != nil && *p.WildcardSubAvailable == 0
	l.limits.noShared = p.SharedSubAvailable != nil && *p.SharedSubAvailable == 0
	l.limits.responseInfo = p.ResponseInfo
	l.limits.serverReference = p.ServerReference
	l.limits.sessionExpiry = time.Duration(l.expiry) * time.Second
	if p.SessionExpiryInterval != nil {
		l.limits.sessionExpiry = time.Duration(*p.SessionExpiryInterval) * time.Second
	}
	l.keepAlive = keepAlive
	if p.ServerKeepAlive != nil {
		l.keepAlive = time.Duration(*p.ServerKeepAlive) * time.Second
	}
	l.grace = l.keepAlive
	// Some time before the Keep Alive is over, so that a busy machine is not
	// late: the broker waits for 1.5 times the Keep Alive (3.1.2-22), and half
	// of that margin is kept.
	l.keepAlive -= l.keepAlive / 10
}

// subscribe asks for the actor's topics.
func (s *session) subscribe() error {
	l := s.link
	l.pending = s.out.id()
	topics, err := s.actor.topics()
	if err != nil {
		s.part(wire.Success)
		return s.fail("subscribing at", err)
	}
	packet := wire.Append(nil, &packets.Subscribe{PacketID: l.pending, Properties: &packets.Properties{}, Subscriptions: topics}, wire.V5)
	if most := l.limits.maximumPacket; most > 0 && len(packet) > most { // 3.1.2-24
		s.part(wire.Success)
		return s.fail("subscribing at", &UnfitError{fmt.Sprintf("the SUBSCRIBE has %d bytes, and the broker takes %d", len(packet), most)})
	}
	b := s.buffer()
	*b = append(*b, packet...)
	l.topics, l.wants = uint16(len(topics)), 0
	for i := range topics {
		l.wants = max(l.wants, topics[i].QoS)
	}
	l.asked = time.Now()
	l.handshake = l.asked.Add(s.fleet.scenario.Connect.Timeout)
	l.due = l.handshake
	return nil
}

// suback takes the answer to SUBSCRIBE.
func (s *session) suback(frame wire.Frame) error {
	packet, err := wire.Decode(frame, wire.V5)
	if err != nil {
		return s.broke(err)
	}
	ack := packet.(*packets.Suback)
	if s.link.online || ack.PacketID != s.link.pending {
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: "a SUBACK that answers nothing"})
	}
	if want := int(s.link.topics); len(ack.Reasons) != want { // 3.9.3-1
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: fmt.Sprintf("a SUBACK with %d reason codes; want %d", len(ack.Reasons), want)})
	}
	s.link.granted = 2
	for i, code := range ack.Reasons {
		if code < s.link.wants {
			s.lowered(code)
		}
		if code < 0x80 {
			s.link.granted = min(s.link.granted, code)
			continue
		}
		s.link.unheard = true
		s.counts().SubsRefused.Add(code)
		if s.mustHave(i) { // a device without its commands is of no use, nor a controller without its answers
			s.part(wire.Success) // it leaves alive, so there is to be no Will
			return s.fail("subscribing at", &RefusedError{Code: code, Reason: ack.Properties.ReasonString, Packet: "SUBACK"})
		}
	}
	s.subscribed = true
	s.record(metrics.ConnectSuback, s.link.asked, time.Since(s.link.asked))
	return s.goOnline()
}

// lowered notes that the broker grants a subscription a lower QoS than was asked
// for, which it may (3.8.4-8), but which changes what a run shows: said once where
// something is sent at more.
func (s *session) lowered(granted byte) {
	f := s.fleet
	s.counts().SubsLowered.Add(1)
	wants := s.link.wants
	if s.crew.devices {
		wants = f.commandQoS
	}
	if granted < wants && !s.isWitness() && f.saidLowered.CompareAndSwap(false, true) {
		f.log.Warn("the broker grants subscriptions a lower QoS than asked for: what it delivers comes at that",
			"first", s.name, "asked", s.link.wants, "granted", granted)
	}
}

// goOnline begins the actor's routine, and the session's own.
func (s *session) goOnline() error {
	l := s.link
	now := time.Now()
	l.online, l.up, l.handshake = true, now, time.Time{}
	s.spoke(now)
	s.refit()
	s.out.pump(s)
	s.actor.up(now)
	s.crew.online(s)
	s.fleet.tried(s)
	l.due = s.nextDue()
	return nil
}

// mustHave reports whether the session is of no use without a subscription; all are
// without their first.
func (s *session) mustHave(subscription int) bool {
	if d, ok := s.actor.(demanding); ok {
		return d.needs(subscription)
	}
	return subscription == 0
}
