package client

import (
	"fmt"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// AllAtOnce is as large a Receive Maximum as there is (3.1.2.11.3). It is what a
// broker is to take an absent one for, but Mosquitto then goes by its own
// max_inflight_messages, 20.
const AllAtOnce = 65535

// sendConnect sends the CONNECT.
func (s *Session) sendConnect() error {
	e, l := s.env, s.link
	p := wire.Connect{
		Version:           wire.V5,
		ClientID:          s.clientID,
		CleanStart:        !s.resume,
		KeepAlive:         uint16(e.KeepAlive / time.Second),
		SessionExpiry:     e.SessionExpiry,
		ReceiveMaximum:    e.ReceiveMaximum,
		MaximumPacketSize: uint32(e.MaximumPacket),
	}
	if err := s.handler.FillConnect(&p); err != nil {
		return s.fail("connecting to", err)
	}
	s.asVanishing(&p)
	if s.V311() {
		s.asV311(&p)
	}
	l.clean, l.expiry, l.mayReceive = p.CleanStart, p.SessionExpiry, int(p.ReceiveMaximum)
	if p.ReceiveMaximum == 0 {
		l.mayReceive = AllAtOnce // 3.1.2.11.3
	}
	if p.Will != nil {
		l.hasWill, l.willDelay = true, p.Will.Delay
	}
	b := s.buffer()
	*b = wire.AppendConnect(*b, &p)
	if l.account != nil {
		l.askedAt = e.now()
	}
	if l.hasWill {
		s.bill(metrics.WillMessage, e.Period(e.now()), 0, 0, Trace{})
	}
	s.asks()
	return nil
}

// takingConnack is what a session does that has a CONNACK, right or wrong: who answers
// speaks MQTT, and is not merely on the wrong port.
const takingConnack = "taking the CONNACK of"

// connack takes the broker's answer to CONNECT.
func (s *Session) connack(frame wire.Frame) error {
	l := s.link
	if frame.Type() == packets.AUTH { // without an Authentication Method in the CONNECT (4.12.0-1)
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: noAuth})
	}
	if frame.Type() != packets.CONNACK {
		return s.broke(&wire.Error{Code: wire.ProtocolError, Text: "the first packet is a " + wire.TypeName(frame.Type()) + "; want CONNACK"})
	}
	take := s.connackV5
	if s.V311() {
		take = s.connackV311
	}
	ack, err := take(frame)
	if err != nil {
		return err
	}
	p := ack.Properties
	if ack.SessionPresent && l.clean { // 3.2.2-2, -4; 3.1.1: 3.2.2-1
		return s.brokeIn(takingConnack, &wire.Error{Code: wire.ProtocolError, Text: "Session Present, but there is no session"})
	}
	l.connected = true
	s.counts().Connects.Add(1)
	s.record(metrics.ConnectConnack, l.began, time.Since(l.began))
	l.takeLimits(s.env.KeepAlive, p)
	if !s.V311() { // whose CONNACK says nothing of limits
		s.env.Welcomed(p)
	}
	if l.account != nil {
		l.heard, l.arrives = l.askedAt, max(l.arrives, l.askedAt)
	}
	s.accepted(ack.SessionPresent)
	if s.vanishing {
		s.part(wire.Success)
		return ErrStopping
	}
	if err, renews := s.renews(ack.SessionPresent); renews {
		return err
	}
	if p.AssignedClientID != "" {
		s.clientID = p.AssignedClientID
	}
	s.resume, l.present = l.limits.SessionExpiry > 0, ack.SessionPresent
	if ack.SessionPresent {
		s.counts().Resumes.Add(1)
		l.inherited = len(s.received)
		s.received.resumed(s.env.now())
	} else {
		s.writeOff()
		s.subscribed = false
	}
	if s.subscribed {
		return s.goOnline()
	}
	return s.subscribe()
}

// connackV5 reads the answer to CONNECT. A refusal is an error.
func (s *Session) connackV5(frame wire.Frame) (*packets.Connack, error) {
	l := s.link
	if body := frame.Body(); len(body) == 2 && frame.Flags() == 0 {
		// The form of MQTT 3.1.1, which has no properties.
		s.counts().Refused.Add(wire.UnsupportedVersion)
		l.refused = true
		return nil, s.fail("connecting to", &RefusedError{Code: wire.UnsupportedVersion, Old: true})
	}
	packet, err := wire.Decode(frame, wire.V5)
	if err != nil {
		return nil, s.brokeIn(takingConnack, err)
	}
	ack := packet.(*packets.Connack)
	p := ack.Properties
	if ack.ReasonCode >= 0x80 {
		l.refused = true
		if ack.ReasonCode == wire.QoSNotSupported || ack.ReasonCode == wire.RetainNotSupported {
			if h, ok := s.handler.(LowersWill); ok && h.LowerWill(ack.ReasonCode, p.MaximumQOS) {
				return nil, s.fail("connecting to", errWillLowered) // no failure: the limit is only told of here
			}
		}
		s.counts().Refused.Add(ack.ReasonCode)
		return nil, s.fail("connecting to", &RefusedError{Code: ack.ReasonCode, Reason: p.ReasonString, ServerReference: p.ServerReference})
	}
	if ack.ReasonCode != wire.Success { // 3.2.2.2 has no other below 0x80
		return nil, s.brokeIn(takingConnack, &wire.Error{Code: wire.ProtocolError, Text: fmt.Sprintf("a CONNACK with reason code 0x%02X", ack.ReasonCode)})
	}
	return ack, nil
}

// takeLimits notes what the broker allows.
func (l *link) takeLimits(keepAlive time.Duration, p *packets.Properties) {
	if p.ReceiveMaximum != nil {
		l.limits.ReceiveMaximum = int(*p.ReceiveMaximum)
	}
	if p.MaximumPacketSize != nil {
		l.limits.MaximumPacket = int(*p.MaximumPacketSize)
	}
	if p.MaximumQOS != nil {
		l.limits.MaximumQoS = *p.MaximumQOS
	}
	if p.TopicAliasMaximum != nil {
		l.limits.TopicAliasMaximum = *p.TopicAliasMaximum
	}
	l.limits.NoRetain = p.RetainAvailable != nil && *p.RetainAvailable == 0
	l.limits.NoWildcards = p.WildcardSubAvailable != nil && *p.WildcardSubAvailable == 0
	l.limits.NoShared = p.SharedSubAvailable != nil && *p.SharedSubAvailable == 0
	l.limits.ResponseInformation = p.ResponseInfo
	l.limits.ServerReference = p.ServerReference
	l.limits.SessionExpiry = time.Duration(l.expiry) * time.Second
	if p.SessionExpiryInterval != nil {
		l.limits.SessionExpiry = time.Duration(*p.SessionExpiryInterval) * time.Second
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

// subscribe asks for what the handler wants to receive.
func (s *Session) subscribe() error {
	l := s.link
	topics, needed, err := s.handler.Subscriptions()
	if err != nil {
		s.part(wire.Success)
		return s.fail("subscribing at", err)
	}
	if len(topics) == 0 { // 3.8.3-2: there is no SUBSCRIBE without a filter
		s.subscribed = true
		return s.goOnline()
	}
	l.pending = s.out.id()
	packet := wire.Append(nil, &packets.Subscribe{PacketID: l.pending, Properties: &packets.Properties{}, Subscriptions: topics}, s.version())
	if most := l.limits.MaximumPacket; most > 0 && len(packet) > most { // 3.1.2-24
		s.part(wire.Success)
		return s.fail("subscribing at", &UnfitError{fmt.Sprintf("the SUBSCRIBE has %d bytes, and the broker takes %d", len(packet), most)})
	}
	b := s.buffer()
	*b = append(*b, packet...)
	l.topics, l.needed, l.wants = uint16(len(topics)), uint16(needed), 0
	for i := range topics {
		l.wants = max(l.wants, topics[i].QoS)
	}
	l.asked = time.Now()
	l.handshake = l.asked.Add(s.env.Timeout)
	l.due = l.handshake
	return nil
}

// suback takes the answer to SUBSCRIBE.
func (s *Session) suback(frame wire.Frame) error {
	packet, err := wire.Decode(frame, s.version())
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
	s.link.granted, s.link.assured = 2, 2
	for i, code := range ack.Reasons {
		if !wire.HasReason(packets.SUBACK, code) {
			s.counts().BadPackets.Add(1) // 3.9.3-2
		}
		if code < s.link.wants {
			s.lowered(code)
		}
		if code < 0x80 {
			s.link.granted = min(s.link.granted, code)
			if i < int(s.link.needed) {
				s.link.assured = min(s.link.assured, code)
			}
			continue
		}
		s.link.unheard = true
		s.counts().SubsRefused.Add(code)
		if i < int(s.link.needed) { // a device without its commands is of no use, nor a controller without its answers
			s.part(wire.Success) // it leaves alive, so there is to be no Will
			refused := &RefusedError{Code: code, Packet: "SUBACK", V311: s.V311()}
			if ack.Properties != nil {
				refused.Reason = ack.Properties.ReasonString
			}
			return s.fail("subscribing at", refused)
		}
		s.unheard(i, code)
	}
	s.subscribed = true
	s.record(metrics.ConnectSuback, s.link.asked, time.Since(s.link.asked))
	return s.goOnline()
}

// unheard says that the broker refused one of the subscriptions without which its owner can
// be (3.9.3).
func (s *Session) unheard(i int, code byte) {
	refused := RefusedError{Code: code, Packet: "SUBACK", V311: s.V311()}
	if topics, _, err := s.handler.Subscriptions(); err == nil && i < len(topics) {
		s.env.Faults.mention(refused.Error(), s.name, "topic", topics[i].Topic)
	}
}

// lowered notes that the broker grants a subscription a lower QoS than was asked
// for, which it may (3.8.4-8), but which changes what a run shows.
func (s *Session) lowered(granted byte) {
	s.counts().SubsLowered.Add(1)
	if tell := s.profile.Cohort.Lowered; tell != nil {
		tell(s.name, s.link.wants, granted)
	}
}

// goOnline begins the handler's routine, and the session's own.
func (s *Session) goOnline() error {
	l := s.link
	now := time.Now()
	l.online, l.up, l.handshake = true, now, time.Time{}
	s.spoke(now)
	s.refit()
	s.out.pump(s)
	s.up.Store(true)
	l.next = s.env.Clock.Moment(s.handler.Online(now))
	s.profile.Cohort.online(&s.standing, s.name)
	s.hasTried()
	l.due = s.nextDue()
	return nil
}
