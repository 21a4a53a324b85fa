package broker

import (
	"math/bits"
	"slices"
	"strings"
	"unsafe"
)

// slot is the number of an item in a slab, from 1. 0 is none.
type slot uint32

// slab keeps items of one size without an allocation for each, and without pointers to
// them: an item is named by its slot, which takes half of a pointer and nothing of the
// collector's time. Slots that are free are given again, and a chunk in which all are is
// let go of. The zero value with its width set is empty.
type slab[T any] struct {
	width  int      // of an item, in elements
	chunks [][]T    // of perChunk items each; nil: let go of
	taken  []uint64 // of each chunk, a bit for each item
	places []int32  // of each chunk, where it stands in open; -1: nowhere
	open   []uint32 // chunks with a free slot
	gaps   []uint32 // chunks that were let go of
}

const (
	perChunk = 64
	full     = 1<<perChunk - 1 // taken, where all are
)

// get returns the elements of an item, which are good until it is freed.
func (s *slab[T]) get(n slot) []T {
	n--
	at := int(n%perChunk) * s.width
	return s.chunks[n/perChunk][at : at+s.width]
}

// take returns an item that nobody has, all zero.
func (s *slab[T]) take() slot {
	if len(s.open) == 0 {
		s.grow()
	}
	last := len(s.open) - 1
	i := s.open[last]
	at := bits.TrailingZeros64(^s.taken[i])
	if s.taken[i] |= 1 << at; s.taken[i] == full {
		s.open, s.places[i] = s.open[:last], -1
	}
	return slot(i*perChunk+uint32(at)) + 1
}

// free gives an item back.
func (s *slab[T]) free(n slot) {
	clear(s.get(n))
	i, at := uint32((n-1)/perChunk), (n-1)%perChunk
	if s.taken[i] == full {
		s.places[i] = int32(len(s.open))
		s.open = append(s.open, i)
	}
	if s.taken[i] &^= 1 << at; s.taken[i] > 0 {
		return
	}
	last := len(s.open) - 1
	other := s.open[last]
	s.open[s.places[i]], s.places[other] = other, s.places[i]
	s.open = s.open[:last]
	s.chunks[i] = nil
	if s.gaps = append(s.gaps, i); len(s.gaps) == len(s.chunks) {
		*s = slab[T]{width: s.width}
	}
}

func (s *slab[T]) grow() {
	i := uint32(len(s.chunks))
	if last := len(s.gaps) - 1; last >= 0 {
		i, s.gaps = s.gaps[last], s.gaps[:last]
	} else {
		s.chunks, s.taken, s.places = append(s.chunks, nil), append(s.taken, 0), append(s.places, 0)
	}
	s.chunks[i] = make([]T, perChunk*s.width)
	s.places[i] = int32(len(s.open))
	s.open = append(s.open, i)
}

// texts keep short texts in slabs by their length, each behind a byte that says it, and
// long ones by themselves.
type texts struct {
	short [len(widths)]slab[byte]
	long  slab[string]
}

// widths are those that short texts have in memory.
var widths = [...]int{4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256}

// longText is what the class of a long text is, in the lowest classBits of its slot.
const (
	longText  = len(widths)
	classBits = 5
)

func (x *texts) init() {
	for class, width := range widths {
		x.short[class].width = width
	}
	x.long.width = 1
}

// class says where a text of n bytes is kept.
func class(n int) int {
	i, _ := slices.BinarySearch(widths[:], n+1)
	return i
}

func (x *texts) put(text string) slot {
	i := class(len(text))
	if i == longText {
		n := x.long.take()
		x.long.get(n)[0] = strings.Clone(text)
		return n<<classBits | slot(i)
	}
	n := x.short[i].take()
	b := x.short[i].get(n)
	b[0] = byte(len(text))
	copy(b[1:], text)
	return n<<classBits | slot(i)
}

// get returns a text, which is good until it is freed.
func (x *texts) get(n slot) string {
	i := int(n & (1<<classBits - 1))
	if n >>= classBits; i == longText {
		return x.long.get(n)[0]
	}
	b := x.short[i].get(n)
	return unsafe.String(&b[1], int(b[0]))
}

func (x *texts) free(n slot) {
	i := int(n & (1<<classBits - 1))
	if n >>= classBits; i == longText {
		x.long.free(n)
		return
	}
	x.short[i].free(n)
}

// textCost is what a text of n bytes takes in memory.
func textCost(n int) int {
	if i := class(n); i < longText {
		return widths[i]
	}
	return 16 + text(n)
}
