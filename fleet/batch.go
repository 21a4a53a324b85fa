package fleet

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
	trace  trace
}

// newBatch returns an empty batch.
func (f *Fleet) newBatch() *batch {
	if b, ok := f.batches.Get().(*batch); ok {
		return b
	}
	return &batch{packets: make([]byte, 0, 512)}
}

// mostBills are those of the largest batch that is kept for the next packets.
const mostBills = 1024

// bill notes what the last packet of the batch is. id is that of a message in the
// outbox, or 0.
func (s *session) bill(kind metrics.MessageKind, period metrics.Period, id uint16, qos byte, t trace) {
	if kind == metrics.NoMessage && id == 0 {
		return
	}
	b := s.link.out
	b.bills = append(b.bills, bill{int32(len(b.packets)), id, kind, period, t})
	if t.on() {
		s.fleet.deliveries.Sent(t.of(s), qos, period == metrics.InMeasure)
	}
}

// wrote takes the batch as done with: so many bytes of it have been written. What
// is not among them is not sent; with QoS 1 or 2 it may be sent later still.
func (s *session) wrote(n int) {
	b := s.link.out
	if b == nil {
		return
	}
	s.link.out = nil
	for i := range b.bills {
		m := &b.bills[i]
		sent := int(m.end) <= n
		if m.trace.on() && !sent {
			s.fleet.deliveries.NotSent(m.trace.of(s))
		}
		switch {
		case m.id != 0 && sent:
			s.out.written(m.id)
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
		s.fleet.batches.Put(b)
	}
}

// settleBooks counts what the session will not send any more, as the run ends.
func (s *session) settleBooks() {
	s.abandon()
	if a, ok := s.actor.(sender); ok {
		a.ended()
	}
}

// abandon takes leave of what the session still held, because it has ended or the
// run has: of each message either it was never sent, or it is not known whether it
// arrived.
func (s *session) abandon() {
	for i := range s.out.messages {
		m := &s.out.messages[i]
		switch {
		case m.released:
		case m.written:
			if m.trace.on() && m.broke {
				s.fleet.deliveries.Unacknowledged(m.trace.of(s))
			}
			s.counts().Messages.Add(m.period, m.kind, metrics.Unacknowledged)
		default:
			s.counts().Messages.Add(m.period, m.kind, metrics.Abandoned)
		}
	}
	n := s.out.forget(s.fleet)
	if s.crew.devices {
		s.counts().Abandoned.Add(int64(n))
	}
}

// period returns the part of the run that a moment of the fleet's clock is in.
func (f *Fleet) period(at time.Duration) metrics.Period {
	zero := f.zero.Load()
	switch {
	case !f.scenario.Measured():
		return metrics.InMeasure
	case zero == nil:
		return metrics.InConnect
	}
	p := &f.scenario.Phases
	switch at -= zero.Sub(f.epoch); {
	case at < -p.WarmUp:
		return metrics.InConnect
	case at < 0:
		return metrics.InWarmUp
	case at < p.Measure:
		return metrics.InMeasure
	}
	return metrics.InDrain
}

// periodNow is period for this moment.
func (f *Fleet) periodNow() metrics.Period { return f.period(f.now()) }
