package broker

import (
	"encoding/binary"
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
// long ones by themselves. The shortest are in their reference.
type texts struct {
	short [len(widths)]slab[byte]
	long  slab[string]
}

// textRef is where a text is: its class, in the lowest classBits, and its slot; or inPlace,
// its length, and the text.
type textRef [4]byte

// widths are those that short texts have in memory.
var widths = [...]int{8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256}

const (
	longText  = len(widths) // the class of long texts
	classBits = 5
	inPlace   = 1<<classBits - 1 // the class of those of mostInPlace bytes
)

// mostInPlace is how many bytes a text has that needs no memory of its own.
const mostInPlace = len(textRef{}) - 1

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

func (x *texts) put(text string) (ref textRef) {
	if n := len(text); n <= mostInPlace {
		ref[0] = byte(inPlace | n<<classBits)
		copy(ref[1:], text)
		return ref
	}
	i := class(len(text))
	var n slot
	if i == longText {
		n = x.long.take()
		x.long.get(n)[0] = strings.Clone(text)
	} else {
		n = x.short[i].take()
		b := x.short[i].get(n)
		b[0] = byte(len(text))
		copy(b[1:], text)
	}
	binary.LittleEndian.PutUint32(ref[:], uint32(n)<<classBits|uint32(i))
	return ref
}

// at returns the class and the slot of a text that is not in place.
func (r *textRef) at() (class int, n slot) {
	v := binary.LittleEndian.Uint32(r[:])
	return int(v & (1<<classBits - 1)), slot(v >> classBits)
}

// get returns a text, which is good until it is freed or its reference changes.
func (x *texts) get(ref *textRef) string {
	if ref[0]&inPlace == inPlace {
		return unsafe.String(&ref[1], int(ref[0]>>classBits))
	}
	i, n := ref.at()
	if i == longText {
		return x.long.get(n)[0]
	}
	b := x.short[i].get(n)
	return unsafe.String(&b[1], int(b[0]))
}

func (x *texts) free(ref *textRef) {
	switch i, n := ref.at(); i {
	case inPlace:
	case longText:
		x.long.free(n)
	default:
		x.short[i].free(n)
	}
}

// textCost is what a text of n bytes takes in memory.
func textCost(n int) int {
	switch i := class(n); {
	case n <= mostInPlace:
		return 0
	case i < longText:
		return widths[i]
	}
	return 16 + text(n)
}
