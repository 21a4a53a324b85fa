package fleet

import (
	"errors"
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// maximumPacketSize is what a device lets the broker send: room for a Response
// Topic and Correlation Data of 65,535 bytes each and a good deal of payload,
// but for nothing that would only fill memory.
const maximumPacketSize = 256 << 10

// link is one network connection of a session and what is true while it lasts.
type link struct {
	conn   net.Conn
	reader *reader
	framer wire.Framer
	out    *[]byte // encoded packets, written together before the next wait; nil when there are none
	limits limits

	began     time.Time // dialled
	up        time.Time // online since
	handshake time.Time // CONNACK or SUBACK is wanted by then
	due       time.Time // the earliest of all that is to be done; zero never
	keepAlive time.Duration
	pingDue   time.Time // nothing was sent since, so a PINGREQ is
	pongBy    time.Time // PINGRESP wanted by then; zero when none is
	modelDue  time.Time // the model wants to be stepped; zero never
	writeBy   time.Time // the write deadline that conn has
	pending   uint16    // packet id of the SUBSCRIBE

	connected bool // CONNACK received
	online    bool // subscribed
	stuck     bool // told to neither read nor write
}

// limits are what the broker's CONNACK promised and forbade (section 3.2.2.3).
type limits struct {
	receiveMaximum  int
	maximumPacket   int // 0: none
	maximumQoS      byte
	topicAliasMax   uint16
	noRetain        bool
	noWildcards     bool
	sessionExpiry   time.Duration
	responseInfo    string
	serverReference string
}

func defaultLimits() limits { return limits{receiveMaximum: 65535, maximumQoS: 2} }

// drop closes the connection at once.
func (l *link) drop(f *Fleet) {
	l.reader.release()
	f.giveBack(l.out)
	l.out = nil
	_ = l.conn.Close() // it ends either way
}

// flush writes what has been encoded, in one write.
func (s *session) flush() error {
	l := s.link
	if l.out == nil {
		return nil
	}
	now := time.Now()
	// A deadline is moved only when half of it is gone: moving it costs about
	// as much as encoding a reply.
	if t := s.fleet.scenario.Connect.Timeout; l.writeBy.Sub(now) < t/2 {
		l.writeBy = now.Add(t)
		if err := l.conn.SetWriteDeadline(l.writeBy); err != nil {
			return s.fail("writing", err)
		}
	}
	_, err := l.conn.Write(*l.out)
	s.fleet.giveBack(l.out)
	l.out = nil
	if err != nil {
		return s.fail("writing", err)
	}
	if l.keepAlive > 0 {
		l.pingDue = now.Add(l.keepAlive) // due is left alone: doDue looks again
	}
	return nil
}

// buffer returns what the next packet is appended to.
func (s *session) buffer() *[]byte {
	if s.link.out == nil {
		s.link.out = s.fleet.borrow()
	}
	return s.link.out
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
	f, g := s.fleet, s.spec.Group
	c := &f.scenario.Connect
	vars := s.spec.Vars(f.run)
	p := wire.Connect{
		Version:           wire.V5,
		ClientID:          s.clientID,
		CleanStart:        !s.resume,
		KeepAlive:         uint16(c.KeepAlive / time.Second),
		SessionExpiry:     expirySeconds(c.SessionExpiry),
		ReceiveMaximum:    c.ReceiveMaximum,
		MaximumPacketSize: maximumPacketSize,
	}
	if f.scenario.Broker.Username != "" {
		p.HasUser, p.Username = true, f.scenario.Broker.Username.Expand(vars)
	}
	if pw := f.scenario.Broker.Password; pw != (scenarios.Secret{}) {
		if f.secret == nil {
			return s.fail("connecting", errors.New("the scenario names a password, but nothing here can read it"))
		}
		secret, err := f.secret(pw, vars)
		if err != nil {
			return s.fail("reading the password", err)
		}
		p.HasPass, p.Password = true, secret
	}
	if !g.Will.Off {
		p.Will = s.will(vars)
	}
	b := s.buffer()
	*b = wire.AppendConnect(*b, &p)
	return nil
}

// will fills in the templates of the Will Message.
func (s *session) will(vars scenarios.Vars) *wire.Will {
	w := &s.spec.Group.Will
	p := &wire.Will{
		Topic:   []byte(w.Topic.Expand(vars)),
		Payload: []byte(w.Payload.Expand(vars)),
		QoS:     s.willQoS,
		Retain:  s.willKeep,
		Delay:   uint32(w.Delay / time.Second),
	}
	present := func(t scenarios.Template) []byte {
		if t == "" {
			return nil
		}
		return []byte(t.Expand(vars))
	}
	p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
	p.Props.ContentType = present(w.ContentType)
	p.Props.ResponseTopic = present(w.ResponseTopic)
	p.Props.CorrelationData = present(w.CorrelationData)
	if w.MessageExpiry > 0 {
		p.Props.HasMessageExpiry, p.Props.MessageExpiry = true, uint32(w.MessageExpiry/time.Second)
	}
	for _, u := range w.UserProperties {
		p.Props.User = wire.AppendUserProperty(p.Props.User, u.Key, u.Value.Expand(vars))
	}
	return p
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
		return s.fail("connecting", &RefusedError{Code: wire.UnsupportedVersion, Reason: "the broker speaks MQTT 3.1.1 only; devices need MQTT 5"})
	}
	packet, err := wire.Decode(frame, wire.V5)
	if err != nil {
		return s.broke(err)
	}
	ack := packet.(*packets.Connack)
	p := ack.Properties
	if ack.ReasonCode >= 0x80 {
		f.counts.Refused.Add(ack.ReasonCode)
		if ack.ReasonCode == wire.QoSNotSupported || ack.ReasonCode == wire.RetainNotSupported {
			if s.tameWill(ack.ReasonCode, p.MaximumQOS) {
				return s.fail("connecting", errTamed)
			}
		}
		return s.fail("connecting", &RefusedError{Code: ack.ReasonCode, Reason: p.ReasonString, ServerReference: p.ServerReference})
	}
	if ack.SessionPresent && !s.resume {
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: "Session Present after Clean Start"}) // 3.2.2-2
	}
	if ack.SessionPresent && !s.wasUp && !f.scenario.Connect.Resume {
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: "Session Present, but there is no session"}) // 3.2.2-4
	}
	l.connected = true
	f.counts.Connects.Add(1)
	l.takeLimits(&f.scenario.Connect, p)
	if p.AssignedClientID != "" {
		s.clientID = p.AssignedClientID
	}
	s.resume = l.limits.sessionExpiry > 0
	if ack.SessionPresent {
		f.counts.Resumes.Add(1)
		// goOnline sends again what was not acknowledged
	} else {
		f.counts.Abandoned.Add(int64(s.out.forget(f)))
		s.received = nil
		s.subscribed = false
	}
	if s.subscribed {
		return s.goOnline()
	}
	return s.subscribe()
}

// takeLimits notes what the broker allows.
func (l *link) takeLimits(c *scenarios.Connect, p *packets.Properties) {
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
	l.limits.responseInfo = p.ResponseInfo
	l.limits.serverReference = p.ServerReference
	l.limits.sessionExpiry = c.SessionExpiry
	if p.SessionExpiryInterval != nil {
		l.limits.sessionExpiry = time.Duration(*p.SessionExpiryInterval) * time.Second
	}
	l.keepAlive = c.KeepAlive
	if p.ServerKeepAlive != nil {
		l.keepAlive = time.Duration(*p.ServerKeepAlive) * time.Second
	}
	// Some time before the Keep Alive is over, so that a busy machine is not
	// late: the broker waits for 1.5 times the Keep Alive (3.1.2-22), and half
	// of that margin is kept.
	l.keepAlive -= l.keepAlive / 10
}

// tameWill lowers what the broker will not have in a Will Message. It is false
// when there is nothing to lower.
func (s *session) tameWill(code byte, maximumQoS *byte) bool {
	switch {
	case s.spec.Group.Will.Off:
		return false
	case code == wire.RetainNotSupported && s.willKeep:
		s.willKeep = false
	case code == wire.QoSNotSupported && s.willQoS > 0:
		lower := s.willQoS - 1
		if maximumQoS != nil {
			lower = min(lower, *maximumQoS)
		}
		s.willQoS = lower
	default:
		return false
	}
	return true
}

// subscribe asks for the device's commands, and for answers to its Will. Where
// the broker has no wildcards, each attribute is asked for by name.
func (s *session) subscribe() error {
	l, g := s.link, s.spec.Group
	handling := byte(packets.RetainDoNotSend) // rule 3: no ghost switching
	if g.AcceptRetained {
		handling = packets.RetainSendOnSubscribe
	}
	base := "cmnd/" + s.spec.ID + "/"
	l.pending = s.out.id()
	sub := &packets.Subscribe{PacketID: l.pending, Properties: &packets.Properties{}}
	add := func(topic string) {
		sub.Subscriptions = append(sub.Subscriptions, packets.SubOptions{Topic: topic, QoS: max(1, g.QoS), RetainHandling: handling})
	}
	if l.limits.noWildcards {
		for _, a := range g.Kind.Attributes {
			add(base + a.Name)
		}
	} else {
		add(base + "#")
	}
	if !g.Will.Off && g.Will.ResponseTopic != "" {
		add(g.Will.ResponseTopic.Expand(s.spec.Vars(s.fleet.run)))
	}
	s.post(sub)
	l.handshake = time.Now().Add(s.fleet.scenario.Connect.Timeout)
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
	for i, code := range ack.Reasons {
		if code < 0x80 {
			continue
		}
		s.fleet.counts.SubsRefused.Add(code)
		if i == 0 { // its commands: without them a device is of no use
			return s.fail("subscribing", &RefusedError{Code: code, Reason: ack.Properties.ReasonString, Packet: "SUBACK"})
		}
	}
	s.subscribed = true
	return s.goOnline()
}

// goOnline says that the device is there and starts its routine.
func (s *session) goOnline() error {
	l := s.link
	now := time.Now()
	l.online, l.up, l.handshake = true, now, time.Time{}
	s.step(now)
	s.announce("Online")
	if s.spec.Group.Retain {
		s.publishStates(^devices.Changes(0), -1)
	}
	s.out.pump(s)
	s.startRoutine(now)
	s.fleet.online(s)
	return nil
}
