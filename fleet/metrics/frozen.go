package metrics

import (
	"encoding/binary"
	"iter"
	"math/bits"
)

// freeze makes a histogram of 2 digits, as those of a time line are, as small as it can be
// made: two bytes a bucket that is not empty, or three. It is as good as before, but what
// is recorded or merged into it has it thaw first.
func (h *Histogram) freeze() {
	if h == nil || h.sparse == nil || h.digits != coarseDigits {
		return
	}
	room := make([]byte, 0, 512)
	last := uint64(0)
	for micros, n := range h.sparse.ForEachBucket {
		at := coarseBucket(uint64(micros))
		room = binary.AppendUvarint(binary.AppendUvarint(room, at-last), uint64(n))
		last = at
	}
	h.frozen = append(make([]byte, 0, len(room)), room...)
	h.sparse = nil
}

// frozenBuckets yields the buckets of a frozen histogram, as the least of their values, and
// their counts.
func frozenBuckets(frozen []byte) iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) {
		at := uint64(0)
		for len(frozen) > 0 {
			step, a := binary.Uvarint(frozen)
			n, b := binary.Uvarint(frozen[a:])
			at, frozen = at+step, frozen[a+b:]
			if !yield(int64(coarseValue(at)), int64(n)) {
				return
			}
		}
	}
}

// A bucket of a histogram of 2 digits has all values that agree in their first 8 bits, and
// a number, so that the next bucket has the next.
const (
	coarseBits = 8
	coarseHalf = 1 << (coarseBits - 1)
)

func coarseBucket(v uint64) uint64 {
	shift := max(bits.Len64(v)-coarseBits, 0)
	return uint64(shift)*coarseHalf + v>>shift
}

func coarseValue(bucket uint64) uint64 {
	if bucket < 2*coarseHalf {
		return bucket
	}
	shift := bucket/coarseHalf - 1
	return (bucket - shift*coarseHalf) << shift
}
