package broker

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// connect handles the first packet of a connection.
func (c *conn) connect(f wire.Frame) (departure, bool) {
	b := c.b
	refuse := func(err error) (departure, bool) { return departure{err: err, linger: true}, true }
	// What a client has been told is in the counts, so it is counted before.
	if f.Type() != packets.CONNECT { // 3.1.0-1
		b.count.refused.Add(1)
		return refuse(protocolError("a " + wire.TypeName(f.Type()) + " before the CONNECT"))
	}
	p, err := b.parseConnect(f)
	if err == nil {
		err = b.admissible(p)
	}
	c.maxPacket = math.MaxInt
	if p != nil && p.MaximumPacketSize > 0 {
		c.maxPacket = int(min(p.MaximumPacketSize, math.MaxInt32))
	}
	if err != nil {
		b.count.refused.Add(1)
		c.refuseParsed(p, err)
		return refuse(err)
	}
	c.version = p.Version
	c.receiveMaximum = 65535
	c.mayGive = min(int(p.TopicAliasMaximum), mostAliases)
	if p.ReceiveMaximum > 0 {
		c.receiveMaximum = int(p.ReceiveMaximum)
	}
	code := c.admit(p)
	if code != wire.Success {
		b.count.refused.Add(1)
		c.connack(code, false, b.refusal(code))
		return refuse(&wire.Error{Code: code, Text: "CONNECT of " + strconv.Quote(p.ClientID) + " refused"})
	}
	return departure{}, false
}

// parseConnect is wire.ParseConnect, of one large packet at a time.
func (b *Broker) parseConnect(f wire.Frame) (*wire.Connect, error) {
	if len(f) >= largePacket {
		b.parsing.Lock()
		defer b.parsing.Unlock()
	}
	return wire.ParseConnect(f)
}

// foreign tells by the first bytes of a connection, of which a chunk has come now, that its
// client speaks something else: undecided is that a few more are wanted first. Each such
// protocol is logged once.
func (c *conn) foreign(chunk []byte) (undecided bool, err error) {
	first := chunk
	if begun := c.framer.Begun(); len(begun) > 0 {
		first = append(slices.Clip(begun), chunk[:min(len(chunk), transport.MostForeign)]...)
	}
	speaks := transport.Foreign(first)
	switch {
	case speaks != "":
	case first[0] != 0 && transport.MayBeForeign(first): // it is a server that begins HTTP/2 with 0
		c.framer.Hold(chunk)
		return true, nil
	default:
		return false, nil
	}
	b := c.b
	b.count.refused.Add(1)
	if _, said := b.foreign.LoadOrStore(speaks, true); !said {
		b.log.Warn("a client does not speak MQTT here, but "+speaks, "remote", remote(c.nc))
	}
	return false, &wire.Error{Code: wire.MalformedPacket, Text: "no MQTT, but " + speaks}
}

// admissible checks what is well-formed but not served.
func (b *Broker) admissible(p *wire.Connect) error {
	l := &b.limits
	switch {
	case p.AuthMethod != "":
		return &wire.Error{Code: wire.BadAuthMethod, Text: "an Authentication Method, which are not supported"} // 4.12.0-1
	case p.ClientID == "" && p.Version == wire.V31, p.ClientID == "" && p.Version == wire.V311 && !p.CleanStart:
		return &wire.Error{Code: wire.ClientIDNotValid, Text: "an empty Client Identifier for a lasting session"} // 3.1.1: 3.1.3-8
	}
	w := p.Will
	switch {
	case w == nil:
	case w.QoS > l.maximumQoS:
		return &wire.Error{Code: wire.QoSNotSupported, Text: "a Will QoS over the Maximum QoS"} // 3.2.2-12
	case w.Retain && l.NoRetain:
		return &wire.Error{Code: wire.RetainNotSupported, Text: "a Will to be retained, which is not supported"} // 3.2.2-13
	case levels(w.Topic) > maxLevels:
		return &wire.Error{Code: wire.TopicNameInvalid, Text: "a Will Topic of too many levels"}
	case b.badResponseTopic(&w.Props):
		return protocolError("a Will's Response Topic that is empty or has a wildcard") // 3.3.2-14
	}
	return nil
}

// badResponseTopic reports whether a Response Topic is empty or has a wildcard
// (4.7.3-1, 3.3.2-14).
func (b *Broker) badResponseTopic(p *wire.Properties) bool {
	return p.ResponseTopic != nil && !b.limits.AnyResponseTopic && !wire.ValidTopicName(p.ResponseTopic)
}

// refuseParsed answers a CONNECT that is not in order with a CONNACK, as far as
// it is known which form the client understands (3.1.4-1, -2).
func (c *conn) refuseParsed(p *wire.Connect, err error) {
	e, ok := err.(*wire.Error)
	if p == nil || !ok {
		return
	}
	switch {
	case p.Version >= wire.V5:
		c.version = wire.V5
	case e.Code == wire.MalformedPacket || e.Code == wire.ProtocolError:
		return // 3.1.1 closes without a word
	default:
		c.version = wire.V311
	}
	c.connack(e.Code, false, nil)
}

// refuseUnread answers a CONNECT that is not taken in because it is too large with
// CONNACK 0x95, if it is one of version 5, and reports whether it did. Of other
// first packets, nobody has said what protocol they are.
func (c *conn) refuseUnread(b []byte, err error) bool {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || e.Code != wire.PacketTooLarge {
		return false
	}
	i := bytes.Index(b[:min(len(b), 12)], []byte("\x00\x04MQTT\x05")) // behind at most five bytes
	if i < 0 || b[0] != packets.CONNECT<<4 {
		return false
	}
	c.version, c.maxPacket = wire.V5, math.MaxInt
	c.connack(wire.PacketTooLarge, false, nil)
	return true
}

// refusal gives the properties of a CONNACK that refuses.
func (b *Broker) refusal(code byte) []byte {
	if code != wire.UseAnotherServer && code != wire.ServerMoved {
		return nil
	}
	return appendText(nil, packets.PropServerReference, b.config.ServerReference) // 4.11
}

// connack appends the CONNACK. The client's Maximum Packet Size holds for it too
// (3.1.2-24): one that refuses goes without its properties then, or not at all.
func (c *conn) connack(code byte, present bool, props []byte) {
	b := appendConnack(make([]byte, 0, 128), c.version, code, present, props)
	if len(b) > c.maxPacket {
		b = appendConnack(b[:0], c.version, code, present, nil)
	}
	if len(b) > c.maxPacket {
		return
	}
	c.send(b)
	c.mu.Lock()
	c.connacked = code == wire.Success
	c.mu.Unlock()
}

// admit lets a client in whose CONNECT is in order, or returns why not.
func (c *conn) admit(p *wire.Connect) byte {
	b := c.b
	l := &b.limits
	u, code := b.authenticate(p, c.nc)
	if code != wire.Success {
		return code
	}
	c.user = u
	if u == nil && len(b.users) > 0 {
		c.user = b.nobody
	}
	assigned := ""
	if p.ClientID == "" {
		assigned = b.newClientID()
		p.ClientID = assigned
	} else if code := b.mayBe(u, p.ClientID); code != wire.Success {
		return code
	}
	c.access = u.access(p.ClientID)
	if w := p.Will; w != nil && (reserved(w.Topic) || !c.access.mayPublish(w.Topic) || !c.mayAnswerTo(w.Props.ResponseTopic)) {
		return wire.NotAuthorized
	}
	if b.config.Admit != nil {
		code := b.config.Admit(ConnectInfo{
			Number: b.asked.Add(1), ClientID: p.ClientID, Username: p.Username,
			Remote: remote(c.nc), Version: byte(p.Version),
		})
		if code != wire.Success {
			return max(code, wire.UnspecifiedError)
		}
	}
	expiry := p.SessionExpiry
	if p.Version != wire.V5 && !p.CleanStart {
		expiry = never // 3.1.1 knows no expiry
	}
	expiry = min(expiry, l.maxSessionExpiry)
	c.connectExpiry = p.SessionExpiry
	keepAlive := p.KeepAlive
	props := make([]byte, 0, 96)
	if p.Version == wire.V5 {
		props = append(props, b.declared...)
		if expiry != p.SessionExpiry {
			props = appendUint32(append(props, packets.PropSessionExpiryInterval), expiry)
		}
		if k := l.ServerKeepAlive; k > 0 && (keepAlive == 0 || keepAlive > k) {
			keepAlive = k
			props = appendUint16(append(props, packets.PropServerKeepAlive), k) // 3.1.2-21
		}
		props = appendText(props, packets.PropAssignedClientID, assigned) // 3.1.3-7, 3.2.2-16
		if p.RequestResponseInfo && c.access != nil {
			props = appendText(props, packets.PropResponseInfo, c.access.responseInfo) // 3.1.2-28
		}
	}
	if len(appendConnack(make([]byte, 0, 128), p.Version, wire.Success, false, props)) > c.maxPacket {
		return wire.PacketTooLarge // while nothing has happened to the session yet
	}

	s, present, code := b.attach(c, p, expiry)
	if code != wire.Success {
		return code
	}
	defer s.mu.Unlock()
	present = present && p.Version != wire.V31 // which has no such flag
	b.count.connects.Add(1)
	c.cork() // what waited for the client leaves with the CONNACK
	c.connack(wire.Success, present, props)
	c.setLimit(time.Duration(keepAlive) * 1500 * time.Millisecond) // 3.1.2-22
	s.resume(c)
	c.uncork()
	return wire.Success
}

// newClientID returns a Client Identifier that no session has.
func (b *Broker) newClientID() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		b.assigned++
		id := "auto-" + strconv.FormatUint(b.assigned, 10)
		if b.sessions.get(id) == nil {
			return id
		}
	}
}
