package broker

import (
	"math"
	"testing"
	"time"
)

// 2.2.1-4: the next Packet Identifier is one that is not in use, also where all others are,
// and finding it takes no time to speak of.
func TestLastFreeID(t *testing.T) {
	s := &session{state: new(state)}
	const free = 30_000
	for id := 1; id <= math.MaxUint16; id++ {
		switch {
		case id == free:
		case id%3 == 0:
			s.released = append(s.released, release{id: uint16(id)})
		case id%3 == 1:
			s.redo.push(outgoing{id: uint16(id)})
		default:
			s.unacked.push(outgoing{id: uint16(id)})
		}
	}
	began := time.Now()
	for _, last := range []uint16{0, free - 1, free, math.MaxUint16} {
		s.lastID = last
		if got := s.freeID(); got != free {
			t.Errorf("behind %d, freeID() = %d; want %d", last, got, free)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("four times take %v; want some milliseconds", took)
	}
}

// Where a session has subscribed at more moments than it can tell, those of the last one
// are told to be later than they were: some messages come twice then, and none is lost.
func TestMoments(t *testing.T) {
	q := new(feeds)
	var all accounts
	o := new(owner)
	for i := range uint64(math.MaxUint16 + 10) {
		if i%2 == 1 {
			q.moment(i, &all, o) // again
		}
		if at := q.moment(i, &all, o); q.moments[at-1] != i || int(at) != min(int(i)+1, math.MaxUint16) {
			t.Fatalf("moment(%d) = %d, which stands for %d; want %d and itself", i, at, q.moments[at-1], min(i+1, math.MaxUint16))
		}
	}
	if got := o.used.Load(); got != costMoment*math.MaxUint16 {
		t.Errorf("%d bytes are charged; want %d", got, costMoment*math.MaxUint16)
	}
}
