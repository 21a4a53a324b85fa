package client

import (
	"time"

	"homefleet/fleet/metrics"
)

// batch is packets that are written to a connection together, and which of them
// are messages that are counted.
type batch struct {
	packets []byte
	bills   []bill
}

// bill says what the packet is that ends at a place of a batch. A message counts
// as sent when its packet has been written, not before.
type bill struct {
	end    int32
	id     uint16 // its packet id in the outbox, if it waits there for an acknowledgement
	kind   metrics.MessageKind
	period metrics.Period
	trace  Trace
}

// mostBills are those of the largest batch that is kept for the next packets.
const mostBills = 1024

// bill notes what the last packet of the batch is. id is that of a message in the
// outbox, or 0.
func (s *Session) bill(kind metrics.MessageKind, period metrics.Period, id uint16, qos byte, t Trace) {
	if kind == metrics.NoMessage && id == 0 {
		return
	}
	b := s.link.out
	b.bills = append(b.bills, bill{int32(len(b.packets)), id, kind, period, t})
	s.follow(t, TraceSent, qos, period == metrics.InMeasure)
}

// wrote takes the batch as done with: so many bytes of it have been written. What
// is not among them is not sent; with QoS 1 or 2 it may be sent later still.
func (s *Session) wrote(n int) {
	b := s.link.out
	if b == nil {
		return
	}
	s.link.out = nil
	var now time.Duration
	for i := range b.bills {
		m := &b.bills[i]
		sent := int(m.end) <= n
		if !sent {
			s.follow(m.trace, TraceNotSent, 0, false)
		}
		switch {
		case m.id != 0 && sent:
			if now == 0 {
				now = s.env.now()
			}
			s.out.written(m.id, now)
			s.counts().Messages.Add(m.period, m.kind, metrics.Sent)
		case m.id != 0: // it stays in the outbox
		case sent:
			s.counts().Messages.Add(m.period, m.kind, metrics.Sent)
		default:
			s.counts().Messages.Add(m.period, m.kind, metrics.Offline)
		}
	}
	if cap(b.packets) <= mostKept && cap(b.bills) <= mostBills {
		b.packets, b.bills = b.packets[:0], b.bills[:0]
		s.env.batches.Put(b)
	}
}

// settleBooks counts what the session will not send any more, as the run ends.
func (s *Session) settleBooks() {
	s.writeOff()
	if h, ok := s.handler.(Ended); ok {
		h.Ended()
	}
}

// writeOff takes leave of what the session still held, because it has ended or the
// run has: of each message either it was never sent, or it is not known whether it
// arrived.
func (s *Session) writeOff() {
	for i := range s.out.messages {
		m := &s.out.messages[i]
		if m.overdue {
			s.counts().MissingAcks.Add(1)
		}
		switch {
		case m.released:
		case m.written:
			if m.broke {
				s.follow(m.trace, TraceUnacknowledged, 0, false)
			}
			s.counts().Messages.Add(m.period, m.kind, metrics.Unacknowledged)
		default:
			s.counts().Messages.Add(m.period, m.kind, metrics.Abandoned)
		}
	}
	s.received.forget(s.counts())
	n := s.out.forget(s.env)
	if s.profile.Cohort.Devices {
		s.counts().Abandoned.Add(int64(n))
	}
}
