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
	// The least of several: this machine may be busy with something else.
	took := time.Minute
	for try := 0; try < 5 && took > time.Second; try++ {
		began := time.Now()
		for _, last := range []uint16{0, free - 1, free, math.MaxUint16} {
			s.lastID = last
			if got := s.freeID(); got != free {
				t.Errorf("behind %d, freeID() = %d; want %d", last, got, free)
			}
		}
		took = min(took, time.Since(began))
	}
	if took > time.Second {
		t.Errorf("four times take %v; want some milliseconds", took)
	}
}
