package metrics

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// IDSize is the size in bytes of the Correlation Data of a load request without
// padding. MaxIDSize is what MQTT allows Binary Data to have (section 1.5.6).
const (
	IDSize    = 24
	MaxIDSize = 65535
)

// ID is what the Correlation Data of a load request says. On the wire it is big
// endian: Run (8 bytes), Controller (4), Seq (8), a CRC-32C of all the other
// bytes (4), then padding. It is binary on purpose: 0x00 and 0xff occur in it,
// and a broker or device that treats Correlation Data as text alters it.
type ID struct {
	Run        uint64 // different from run to run, and from shard to shard of one
	Controller uint32 // unique within these
	Seq        uint64 // counts a controller's requests from 0
}

// Why Correlation Data is no [ID]. A CRC-32C finds every change of up to three
// bits, every burst of up to 32 bits, and all but one in 4 billion of the rest.
var (
	ErrIDMissing  = errors.New("there is no Correlation Data")
	ErrIDLength   = errors.New("the Correlation Data has another length than was sent")
	ErrIDChecksum = errors.New("the Correlation Data was altered: its checksum does not fit")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// clampIDSize is the size that is used where size was asked for.
func clampIDSize(size int) int { return min(max(size, IDSize), MaxIDSize) }

// Append appends the id in size bytes; a size below [IDSize] or above
// [MaxIDSize] is taken as that bound. The padding differs from request to
// request, so that no compression on the way makes it cheaper than it looks.
// There is no allocation if dst has room.
func (id ID) Append(dst []byte, size int) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, id.Run)
	dst = binary.BigEndian.AppendUint32(dst, id.Controller)
	dst = binary.BigEndian.AppendUint64(dst, id.Seq)
	dst = append(dst, 0, 0, 0, 0)
	// xorshift64*: good enough to look random, and it needs no state. Its state
	// must not be zero.
	x := id.Run ^ id.Seq<<1 ^ uint64(id.Controller)<<33 | 1
	for pad := clampIDSize(size) - IDSize; pad > 0; pad -= 8 {
		x ^= x >> 12
		x ^= x << 25
		x ^= x >> 27
		word := x * 0x2545F4914F6CDD1D
		if pad >= 8 {
			dst = binary.BigEndian.AppendUint64(dst, word)
			continue
		}
		for range pad {
			dst = append(dst, byte(word))
			word >>= 8
		}
	}
	binary.BigEndian.PutUint32(dst[start+IDSize-4:], checksum(dst[start:]))
	return dst
}

// checksum is the CRC-32C of an id on the wire without the checksum itself.
func checksum(b []byte) uint32 {
	sum := crc32.Update(0, castagnoli, b[:IDSize-4])
	return crc32.Update(sum, castagnoli, b[IDSize:])
}

// ParseID reads Correlation Data that was made by [ID.Append] with the same
// size; b is nil if the message had none. The error is one of [ErrIDMissing],
// [ErrIDLength] and [ErrIDChecksum]. Nothing is allocated, and b is not kept.
func ParseID(b []byte, size int) (ID, error) {
	if b == nil {
		return ID{}, ErrIDMissing
	}
	if len(b) != clampIDSize(size) {
		return ID{}, ErrIDLength
	}
	if binary.BigEndian.Uint32(b[IDSize-4:]) != checksum(b) {
		return ID{}, ErrIDChecksum
	}
	return ID{
		Run:        binary.BigEndian.Uint64(b),
		Controller: binary.BigEndian.Uint32(b[8:]),
		Seq:        binary.BigEndian.Uint64(b[12:]),
	}, nil
}

// IsID reports whether Correlation Data is whole and of the form of an [ID] of some
// run: whoever sent it measures. Nothing is allocated, and b is not kept.
func IsID(b []byte) bool {
	_, err := ParseID(b, len(b))
	return err == nil
}
