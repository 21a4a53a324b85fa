package deliveries

import (
	"cmp"
	"slices"
)

// stream is one topic of one device: what was sent on it, in the order of its
// sequence, and what came of it to each account. The stripe of its device
// guards it.
type stream struct {
	topic    match
	sent     uint32 // all sequences below it have been sent, but for the odd ones
	asked    uint32 // what it was when [Ledger.Overdue] was asked last
	segments []segment
	odd      []oddity  // by sequence
	receipts []receipt // of all accounts of all groups in topic; nil: nothing came yet
	cut      bool      // the connection of what was sent last has ended
	blurred  bool      // there was more to note than there is room for: nothing is called lost
}

// segment is a run of messages of a stream that were sent in the same
// circumstances. It ends where the next begins.
type segment struct {
	from     uint32
	epoch    uint32 // which watchers there were
	qos      byte   // as published
	measured bool
	cut      bool // begins on another connection than the one before ended on
}

// oddity is what is to be known of a single message.
type oddity struct {
	seq  uint32
	what trait
}

type trait uint8

const (
	unsent  trait = 1 << iota // not on the wire (any more, or yet)
	resent                    // on the wire more than once
	refused                   // acknowledged with 0x80 or more
	unacked                   // given up without an acknowledgement
)

// Bounds of what is kept of one stream.
const (
	// manySegments is when what is missing on connections long gone is given up, so
	// that a device which comes and goes for days takes no more than in its first hour.
	manySegments = 64
	// mostSegments and mostOddities are for watchers that are far behind.
	mostSegments = 512
	mostOddities = 1024
)

// at returns the segment that a sequence is in; there is one.
func (s *stream) at(seq uint32) int {
	// Mostly it is the last.
	i := len(s.segments) - 1
	for i > 0 && s.segments[i].from > seq {
		i--
	}
	return i
}

// end returns the first sequence behind a segment.
func (s *stream) end(segment int) uint32 {
	if segment+1 < len(s.segments) {
		return s.segments[segment+1].from
	}
	return s.sent
}

// extend notes that a sequence is sent next. It reports whether there are many
// segments now, which may be some too many.
func (s *stream) extend(seq, epoch uint32, qos byte, measured bool) (many bool) {
	n := len(s.segments)
	if n > 0 {
		last := &s.segments[n-1]
		same := last.qos == qos && last.measured == measured && (!measured || last.epoch == epoch && !s.cut)
		if same {
			s.cut = false
			return false
		}
		if n == cap(s.segments) || n >= mostSegments {
			s.prune()
			n = len(s.segments)
		}
		if n >= mostSegments {
			// What differs is told apart no longer, but for what is measured.
			s.blurred = true
			if last = &s.segments[n-1]; last.measured == measured && last.qos == qos {
				return false
			}
		}
	}
	s.segments = append(s.segments, segment{seq, epoch, qos, measured, s.cut})
	s.cut = false
	return len(s.segments)%manySegments == 0
}

// settled returns the sequence below which everything is decided.
func (s *stream) settled() uint32 {
	if s.receipts == nil {
		return 0
	}
	floor := s.sent
	for i := range s.receipts {
		floor = min(floor, s.receipts[i].floor)
	}
	return floor
}

// prune drops what is known of messages of which everything is decided.
func (s *stream) prune() {
	floor, i := s.settled(), 0
	for i+1 < len(s.segments) && s.segments[i+1].from <= floor {
		i++
	}
	s.segments = slices.Delete(s.segments, 0, i)
	i, _ = s.oddity(floor)
	s.odd = slices.Delete(s.odd, 0, i)
}

// trait returns what is odd about a message; 0 is nothing.
func (s *stream) trait(seq uint32) trait {
	if len(s.odd) == 0 {
		return 0
	}
	if i, ok := s.oddity(seq); ok {
		return s.odd[i].what
	}
	return 0
}

func (s *stream) oddity(seq uint32) (int, bool) {
	return slices.BinarySearchFunc(s.odd, seq, func(o oddity, seq uint32) int { return cmp.Compare(o.seq, seq) })
}

// mark adds and removes what is odd about a message.
func (s *stream) mark(seq uint32, add, remove trait) {
	i, ok := s.oddity(seq)
	switch {
	case ok:
		s.odd[i].what = s.odd[i].what&^remove | add
		if s.odd[i].what == 0 {
			s.odd = slices.Delete(s.odd, i, i+1)
		}
	case add == 0:
	default:
		if len(s.odd) == cap(s.odd) || len(s.odd) >= mostOddities {
			s.prune()
			i, _ = s.oddity(seq)
		}
		if len(s.odd) >= mostOddities {
			s.blurred = true
			return
		}
		s.odd = slices.Insert(s.odd, i, oddity{seq, add})
	}
}
