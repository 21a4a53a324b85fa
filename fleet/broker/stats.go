package broker

import "sync/atomic"

// Stats are figures of a broker. Those from Connects on only ever grow.
type Stats struct {
	Connections   int // open, whether their CONNECT has come or not
	Clients       int // connected: CONNACK 0 was sent
	Sessions      int // with those of clients that are away
	Subscriptions int
	Retained      int // retained messages; some may have expired
	RetainedBytes int
	Memory        int // bytes that clients make the broker keep, see Limits.TotalMemory
	Stored        int // messages that are retained, or wait for somebody, each once; the broker's own count
	StoredBytes   int // of their topics, payloads and properties
	MostClients   int // that were connected at a time

	Connects uint64 // CONNECTs answered with CONNACK 0
	Refused  uint64 // connections refused, by CONNACK or otherwise
	Resumed  uint64 // of Connects: those with Session Present 1
	Expired  uint64 // sessions, of clients that were away for longer than they may be

	MessagesIn  uint64 // PUBLISH received and accepted
	MessagesOut uint64 // PUBLISH sent, retransmissions too
	BytesIn     uint64
	BytesOut    uint64
	PacketsIn   uint64 // of any kind
	PacketsOut  uint64

	DroppedSlow     uint64 // QoS 0: the client does not read fast enough
	DroppedAway     uint64 // QoS 0: the client is not connected
	DroppedFull     uint64 // QoS 1 and 2: the session's queue is full
	DroppedExpired  uint64 // while they waited for a client
	DroppedTooLarge uint64 // over the client's Maximum Packet Size
	DroppedRefused  uint64 // not accepted from the publisher: not authorized, over a bound

	WillsPublished uint64
	WillsCancelled uint64 // the session was resumed within the Will Delay

	KeepAliveTimeouts uint64
	TakenOver         uint64 // connections ended by another with the same Client Identifier
	Overrun           uint64 // connections ended because too much waited for the client
	ProtocolErrors    uint64 // connections ended because of what the client sent
}

type counters struct {
	connects, refused, resumed                            atomic.Uint64
	messagesIn, messagesOut, bytesIn, bytesOut            atomic.Uint64
	packetsIn, packetsOut, sessionsExpired                atomic.Uint64
	slow, away, full, expired, tooLarge, rejected         atomic.Uint64
	willsPublished, willsCancelled                        atomic.Uint64
	keepAliveTimeouts, takenOver, overrun, protocolErrors atomic.Uint64
}

// Stats returns the present figures. It may be called at any time, also after
// Close.
func (b *Broker) Stats() Stats {
	n := &b.count
	s := Stats{
		Connects: n.connects.Load(), Refused: n.refused.Load(), Resumed: n.resumed.Load(),
		MessagesIn: n.messagesIn.Load(), MessagesOut: n.messagesOut.Load(),
		BytesIn: n.bytesIn.Load(), BytesOut: n.bytesOut.Load(), PacketsIn: n.packetsIn.Load(), PacketsOut: n.packetsOut.Load(),
		Expired: n.sessionsExpired.Load(), Stored: int(b.memory.messages.Load()), StoredBytes: int(b.memory.bytes.Load()),
		DroppedSlow: n.slow.Load(), DroppedAway: n.away.Load(), DroppedFull: n.full.Load(),
		DroppedExpired: n.expired.Load(), DroppedTooLarge: n.tooLarge.Load(), DroppedRefused: n.rejected.Load(),
		WillsPublished: n.willsPublished.Load(), WillsCancelled: n.willsCancelled.Load(),
		KeepAliveTimeouts: n.keepAliveTimeouts.Load(), TakenOver: n.takenOver.Load(),
		Overrun: n.overrun.Load(), ProtocolErrors: n.protocolErrors.Load(),
		Memory:        int(b.memory.used.Load()),
		Subscriptions: int(b.topics.subscriptions.Load()),
	}
	b.mu.Lock()
	s.Connections, s.Clients, s.MostClients, s.Sessions = len(b.conns), b.clients, b.mostClients, b.sessions.len()
	b.mu.Unlock()
	b.topics.mu.RLock()
	s.Retained, s.RetainedBytes = b.topics.retained.count, b.topics.retained.bytes
	b.topics.mu.RUnlock()
	return s
}
