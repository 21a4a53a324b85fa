package faces

// Who says which device it is that speaks.
type Who struct {
	ID     string
	Home   string
	Number uint64 // in the whole scenario, from 0, below 2^24
	Seed   uint64 // of the scenario
	Group  string // with [Requester]: all devices with this further name are meant, not one

	// Given says that the ID is what the product is called on its topics, in the place of a
	// name that follows from Number and Seed: of a device that somebody else runs.
	Given bool
}

// serialBits are those of a MAC that tell the devices of a scenario apart.
const serialBits = 24

// serial is a number below 2^24 that no other device of the scenario has: devices'
// numbers in an order of the seed's own. It is a Feistel network, whose rounds can be
// undone whatever they mix with, so that no two numbers become one.
func (w *Who) serial() uint32 {
	const half = serialBits / 2
	left, right := uint32(w.Number>>half)&(1<<half-1), uint32(w.Number)&(1<<half-1)
	for round := range uint64(4) {
		f := uint32(mix(w.Seed^round<<56^uint64(right))) & (1<<half - 1)
		left, right = right, left^f
	}
	return left<<half | right
}

// MAC is the device's hardware address: locally administered, the same for a seed, and
// no other device of the scenario has its last three bytes.
func (w *Who) MAC() [6]byte {
	upper := mix(w.Seed ^ 0x6d6163)
	n := w.serial()
	return [6]byte{byte(upper)&0xfc | 0x02, byte(upper >> 8), byte(upper >> 16), byte(n >> 16), byte(n >> 8), byte(n)}
}

// AppendMAC appends the MAC in twelve digits, the letters upper case.
func (w *Who) AppendMAC(dst []byte) []byte {
	m := w.MAC()
	return appendHex(dst, m[:], upperHex)
}

const upperHex = "0123456789ABCDEF"

func appendHex(dst, b []byte, digits string) []byte {
	for _, c := range b {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// mix spreads a number over all 64 bits (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
