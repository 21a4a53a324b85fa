package broker

import (
	"runtime"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// buffer returns the buffer to append to. The caller holds c.mu.
func (c *conn) buffer() []byte {
	if c.out == nil {
		c.lent = c.b.writes.Get().(*[]byte)
		c.out = (*c.lent)[:0]
	}
	return c.out
}

// wake starts the writer, unless there is one. The caller holds c.mu.
func (c *conn) wake() {
	if c.writing || c.corked || c.failed || len(c.out) == 0 {
		return
	}
	c.writing = true
	c.startWriter()
}

// startWriter starts the writer, which is the caller's to do. The count of
// goroutines cannot be zero: whoever calls is counted himself.
func (c *conn) startWriter() {
	c.b.running.Add(1)
	go c.write()
}

// cork keeps the writer from starting until uncork, so that the answers to all
// packets of one read leave together.
func (c *conn) cork() {
	c.mu.Lock()
	c.corked = true
	c.mu.Unlock()
}

func (c *conn) uncork() {
	c.mu.Lock()
	c.corked = false
	c.wake()
	c.mu.Unlock()
}

// keepBuffer is the largest buffer that is used again.
const keepBuffer = 64 << 10

// write writes until the buffer is empty. There is one writer at a time.
func (c *conn) write() {
	defer c.b.running.Done()
	for {
		c.mu.Lock()
		buf, lent, taken := c.out, c.lent, c.outTaken
		c.out, c.lent, c.outTaken = nil, nil, 0
		if len(buf) == 0 || c.failed {
			c.writing = false
			closing := c.closing
			if closing {
				c.writing = true // for good
			}
			c.mu.Unlock()
			c.written(taken)
			if closing {
				c.finished()
			}
			return
		}
		c.inWrite = len(buf)
		sent := c.packets
		c.packets = 0
		c.mu.Unlock()

		n, err := c.stream.Write(buf)
		c.b.count.bytesOut.Add(uint64(n))
		c.b.count.packetsOut.Add(uint64(sent))
		if cap(buf) <= keepBuffer {
			*lent = buf
			c.b.writes.Put(lent)
		}
		c.written(taken)
		c.mu.Lock()
		c.inWrite = 0
		c.failed = err != nil
		c.mu.Unlock()
		if err != nil {
			// The reader finds the connection closed and ends it.
			_ = c.nc.Close()
			continue
		}
		if c.s != nil {
			c.s.unstall()
		}
		if n >= highWater/2 { // there may be more, for each of many
			runtime.Gosched()
		}
	}
}

// unstall goes on with what pump left because the client did not read.
func (s *session) unstall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil && s.stalled {
		s.pump()
	}
}

// send appends a packet other than a PUBLISH. The answers to a client that
// sends without ever reading end its connection.
func (c *conn) send(packet []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.failed {
		return
	}
	if len(packet) > c.maxPacket { // 3.1.2-24; only a SUBACK or UNSUBACK can be
		c.b.running.Go(func() { c.depart(departure{code: wire.PacketTooLarge, linger: true}) })
		return
	}
	if !c.fit(len(packet), false) {
		c.overflow()
		return
	}
	c.out = append(c.out, packet...)
	c.packets++
	c.bound()
	c.wake()
}

// ack appends an acknowledgement.
func (c *conn) ack(typ byte, id uint16, code byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.failed {
		return
	}
	if !c.fit(mostAck, false) {
		c.overflow()
		return
	}
	c.out = wire.AppendAck(c.out, typ, wire.Ack{PacketID: id, Code: code}, c.version)
	c.packets++
	c.bound()
	c.wake()
}

// mostAck is how long an acknowledgement without properties can be.
const mostAck = 6

// bound ends a connection whose answers pile up. The caller holds c.mu.
func (c *conn) bound() {
	if len(c.out)+c.inWrite > c.b.limits.MaximumQueuedBytes+highWater {
		c.overflow()
	}
}

// overflow ends a connection that there is no room for. The caller holds c.mu.
func (c *conn) overflow() {
	if c.overran {
		return
	}
	c.overran = true
	c.b.count.overrun.Add(1)
	c.b.running.Go(func() { c.depart(departure{code: wire.QuotaExceeded, err: errOverrun}) })
}

// What became of a PUBLISH.
type sent int

const (
	sendDone    sent = iota
	sendDropped      // too large for the client, or too much waits for it: done with
	sendStalled      // not now
)

// publish appends a PUBLISH. The message is o.m or, at QoS 0, one that need not
// be kept.
func (c *conn) publish(m *message, o *outgoing, again bool, now time.Duration) sent {
	p := wire.Publish{
		Topic: m.topic, Payload: m.payload,
		PacketID: o.id, QoS: o.qos, Dup: again, Retain: o.retain,
	}
	if m.props != nil {
		p.Props = *m.props
		if p.Props.HasMessageExpiry {
			p.Props.MessageExpiry = m.remaining(now)
		}
	}
	p.Props.SubscriptionIDs = o.identifiers()
	n := &c.b.count
	if wire.PublishSize(&p, c.version) > c.maxPacket { // 3.1.2-25
		n.tooLarge.Add(1)
		return sendDropped
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.failed || len(c.out)+c.inWrite >= highWater {
		return sendStalled
	}
	// What is in a queue already leaves it: there is highWater of it at most.
	if !c.fit(wire.PublishSize(&p, c.version)+aliasSize, o.qos > 0) {
		n.slow.Add(1)
		return sendDropped
	}
	c.alias(&p)
	c.out = wire.AppendPublish(c.out, &p, c.version)
	c.packets++
	n.messagesOut.Add(1)
	c.wake()
	return sendDone
}

// mostAliases and mostGiven, in bytes as they are charged, bound the Topic Aliases of the
// broker to one client: the topics that come first have them, which for a subscriber
// of few is all of them.
const (
	mostAliases = 64
	mostGiven   = 2 << 10
)

// aliasSize is what a Topic Alias adds to a packet.
const aliasSize = 4

// alias puts a Topic Alias beside or in the place of the topic, for clients that
// take any (3.3.2.3.4). They hold for the connection, so what is sent again on
// another one has its topic again. The caller holds c.mu and sends p next.
func (c *conn) alias(p *wire.Publish) {
	if c.mayGive == 0 {
		return
	}
	if a, ok := c.given[string(p.Topic)]; ok {
		if len(p.Topic) > 3 { // else it would make the packet larger
			p.Topic, p.Props.TopicAlias, p.Props.HasTopicAlias = nil, a, true
		}
		return
	}
	cost := costAlias + text(len(p.Topic))
	if len(c.given) == c.mayGive || c.givenBytes+cost > mostGiven {
		return
	}
	a := uint16(len(c.given) + 1)
	p.Props.TopicAlias, p.Props.HasTopicAlias = a, true
	if wire.PublishSize(p, c.version) > c.maxPacket || !c.b.memory.take(&c.s.owner, cost) {
		p.Props.TopicAlias, p.Props.HasTopicAlias = 0, false
		return
	}
	if c.given == nil {
		c.given = make(map[string]uint16)
	}
	c.given[string(p.Topic)] = a
	c.givenBytes += cost
}

// appendDisconnect appends the DISCONNECT of a broker to a version 5 client.
// Reason String and User Properties are never sent, so Request Problem
// Information (3.1.2-29) needs no further thought.
func (c *conn) appendDisconnect(dst []byte, code byte) []byte {
	p := &packets.Disconnect{ReasonCode: code}
	if ref := c.b.config.ServerReference; ref != "" && (code == wire.UseAnotherServer || code == wire.ServerMoved) {
		p.Properties = &packets.Properties{ServerReference: ref}
		if b := wire.Append(dst, p, c.version); len(b)-len(dst) <= c.maxPacket { // 3.1.2-24
			return b
		}
		p.Properties = nil
	}
	return wire.Append(dst, p, c.version)
}
