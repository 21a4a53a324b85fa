package metrics

import "math/bits"

// Bytes returns what the ledger's ring takes in memory.
func (l *Ledger) Bytes() int {
	return len(l.ring)*requestSize + len(l.gave)*8 + len(l.parts)*2 + len(l.heard)*8
}

func (l *Ledger) at(seq uint64) *request { return &l.ring[seq&uint64(len(l.ring)-1)] }

// grow doubles the ring, to no more than the capacity needs.
func (l *Ledger) grow() {
	bigger := make([]request, max(firstRing, 2*len(l.ring)))
	if most := 1 << bits.Len64(l.capacity-1); len(bigger) > most {
		bigger = bigger[:most]
	}
	more, parts := make([]uint64, uint64(len(bigger))*l.words), make([]parts, uint64(len(bigger))*l.members)
	sums := make([]heard, uint64(len(bigger))*min(l.members, 1))
	for seq := l.tail; seq != l.head; seq++ {
		at := seq & uint64(len(bigger)-1)
		bigger[at] = *l.at(seq)
		copy(more[at*l.words:], l.gaveTo(seq))
		copy(parts[at*l.members:], l.partsOf(seq))
		copy(sums[at*min(l.members, 1):], l.heardOf(seq))
	}
	l.ring, l.gave, l.parts, l.heard = bigger, more, parts, sums
}
