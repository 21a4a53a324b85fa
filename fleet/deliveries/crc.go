package deliveries

import (
	"encoding/binary"
	"hash/crc32"
)

// crcTables are for CRC-32C eight bytes at a time.
var crcTables = func() (t [8]crc32.Table) {
	t[0] = *crc32.MakeTable(crc32.Castagnoli)
	for i := 1; i < len(t); i++ {
		for b := range t[i] {
			t[i][b] = t[0][t[i-1][b]&0xff] ^ t[i-1][b]>>8
		}
	}
	return t
}()

// PayloadSum is a checksum of a payload, never 0.
func PayloadSum(payload []byte) uint32 { return max(1, crc(0, payload)) }

// crc is crc32.Update with Castagnoli's polynomial. That one calls by way of a
// variable, so that what it is given moves to the heap: the topic of every message
// of a device, say, which has its room on the stack.
func crc(sum uint32, b []byte) uint32 {
	t := &crcTables
	sum = ^sum
	for ; len(b) >= 8; b = b[8:] {
		sum ^= binary.LittleEndian.Uint32(b)
		sum = t[7][sum&0xff] ^ t[6][sum>>8&0xff] ^ t[5][sum>>16&0xff] ^ t[4][sum>>24] ^
			t[3][b[4]] ^ t[2][b[5]] ^ t[1][b[6]] ^ t[0][b[7]]
	}
	for _, c := range b {
		sum = t[0][byte(sum)^c] ^ sum>>8
	}
	return ^sum
}
