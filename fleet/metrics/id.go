package metrics

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// IDSize is the size in bytes of the Correlation Data of a load request without
// padding, and ShortIDSize the least that it can be, for devices that take no more.
// MaxIDSize is what MQTT allows Binary Data to have (section 1.5.6).
const (
	ShortIDSize = 16
	IDSize      = 24
	MaxIDSize   = 65535
)

// ID is what the Correlation Data of a load request says. On the wire it is big
// endian: Run (8 bytes), Controller (4), Seq (8), a CRC-32C of all the other
// bytes (4), then padding. It is binary on purpose: 0x00 and 0xff occur in it,
// and a broker or device that treats Correlation Data as text alters it.
//
// In fewer than [IDSize] bytes it is the last bytes of each: of Run 4, of Controller 3,
// of Seq 5, and then the checksum and the padding. See [ID.In].
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
func clampIDSize(size int) int {
	if size < ShortIDSize {
		return IDSize
	}
	return min(size, MaxIDSize)
}

// parts returns how many bytes each part of an id of a size has, but for the checksum.
func idParts(size int) (run, controller, seq int) {
	if clampIDSize(size) < IDSize {
		return 4, 3, 5
	}
	return 8, 4, 8
}

// In returns what an id of a size says: all of it, or what there is room for.
func (id ID) In(size int) ID {
	run, controller, seq := idParts(size)
	return ID{id.Run & (1<<(8*run) - 1), id.Controller & uint32(1<<(8*controller)-1), id.Seq & (1<<(8*seq) - 1)}
}

// appendBytes appends the last n bytes of a number.
func appendBytes(dst []byte, x uint64, n int) []byte {
	for n--; n >= 0; n-- {
		dst = append(dst, byte(x>>(8*n)))
	}
	return dst
}

// readBytes reads a number from n bytes.
func readBytes(b []byte, n int) (x uint64) {
	for _, c := range b[:n] {
		x = x<<8 | uint64(c)
	}
	return x
}

// Append appends the id in size bytes. A size below [ShortIDSize] is taken as [IDSize],
// and one above [MaxIDSize] as that. The padding differs from request to
// request, so that no compression on the way makes it cheaper than it looks.
// There is no allocation if dst has room.
func (id ID) Append(dst []byte, size int) []byte {
	start := len(dst)
	run, controller, seq := idParts(size)
	dst = appendBytes(dst, id.Run, run)
	dst = appendBytes(dst, uint64(id.Controller), controller)
	dst = appendBytes(dst, id.Seq, seq)
	sum := len(dst) - start
	dst = append(dst, 0, 0, 0, 0)
	// xorshift64*: good enough to look random, and it needs no state. Its state
	// must not be zero.
	x := id.Run ^ id.Seq<<1 ^ uint64(id.Controller)<<33 | 1
	for pad := clampIDSize(size) - sum - 4; pad > 0; pad -= 8 {
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
	binary.BigEndian.PutUint32(dst[start+sum:], checksum(dst[start:], sum))
	return dst
}

// checksum is the CRC-32C of an id on the wire without the checksum itself, which stands
// at a place.
func checksum(b []byte, at int) uint32 {
	sum := crc32.Update(0, castagnoli, b[:at])
	return crc32.Update(sum, castagnoli, b[at+4:])
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
	run, controller, seq := idParts(size)
	sum := run + controller + seq
	if binary.BigEndian.Uint32(b[sum:]) != checksum(b, sum) {
		return ID{}, ErrIDChecksum
	}
	return ID{
		Run:        readBytes(b, run),
		Controller: uint32(readBytes(b[run:], controller)),
		Seq:        readBytes(b[run+controller:], seq),
	}, nil
}

// IsID reports whether Correlation Data is whole and of the form of an [ID] of some
// run: whoever sent it measures. Nothing is allocated, and b is not kept.
func IsID(b []byte) bool {
	_, err := ParseID(b, len(b))
	return err == nil
}
