package deliveries

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"

	"homefleet/fleet/wire"
)

// Stamp is what a one-way message carries in the User Property `sequence`:
// "12.3.45 9f86d081 1c291ca3". The first three numbers are the device, which of
// its topics it is, and how many messages were made on that topic before. Then
// comes the checksum of the content, and one of the stamp itself, which also
// covers the User Property `sent`. Both are CRC-32C: they find every change of up
// to three bits, every burst of up to 32 bits, and all but one in 4 billion of the
// rest.
type Stamp struct {
	Device  int // 0 to 2^31-1
	Slot    int // 0 to 2^31-1
	Seq     uint32
	Content uint32
}

// ErrStamp says that a stamp is not one that [Stamp.Append] made.
var ErrStamp = errors.New("the sequence was altered: its checksum does not fit")

// Append appends the value of the User Property `sequence` of a message that has
// the given User Property `sent`. There is no allocation if dst has room.
func (s Stamp) Append(dst, sent []byte) []byte {
	start := len(dst)
	dst = strconv.AppendUint(dst, uint64(s.Device), 10)
	dst = append(dst, '.')
	dst = strconv.AppendUint(dst, uint64(s.Slot), 10)
	dst = append(dst, '.')
	dst = strconv.AppendUint(dst, uint64(s.Seq), 10)
	dst = appendHex(append(dst, ' '), s.Content)
	sum := crc(crc(0, sent), dst[start:])
	return appendHex(append(dst, ' '), sum)
}

const hexDigits = "0123456789abcdef"

func appendHex(dst []byte, n uint32) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[n>>shift&15])
	}
	return dst
}

// ParseStamp reads the value of a User Property `sequence` that stood beside a
// User Property `sent`. Nothing is allocated and nothing is kept. The error is
// [ErrStamp].
func ParseStamp(value, sent []byte) (Stamp, error) {
	const tail = 1 + 8
	n := len(value) - tail
	if n < tail+len("0.0.0") || value[n] != ' ' || value[n-tail] != ' ' {
		return Stamp{}, ErrStamp
	}
	sum, ok := parseHex(value[n+1:])
	if !ok || sum != crc(crc(0, sent), value[:n]) {
		return Stamp{}, ErrStamp
	}
	content, ok := parseHex(value[n-8 : n])
	rest := value[:n-tail]
	device, ok1 := number(&rest, math.MaxInt32)
	slot, ok2 := number(&rest, math.MaxInt32)
	seq, ok3 := number(&rest, math.MaxUint32)
	if !ok || !ok1 || !ok2 || !ok3 || rest != nil {
		return Stamp{}, ErrStamp
	}
	return Stamp{Device: int(device), Slot: int(slot), Seq: uint32(seq), Content: content}, nil
}

// number reads a number up to a point, or to the end, and leaves what is behind;
// nil behind the end. It has no needless zeros.
func number(b *[]byte, most uint64) (n uint64, ok bool) {
	for i, c := range *b {
		switch {
		case c == '.' && i > 0:
			*b = (*b)[i+1:]
			return n, true
		case c < '0' || c > '9' || i > 0 && n == 0:
			return 0, false
		}
		if n = n*10 + uint64(c-'0'); n > most {
			return 0, false
		}
	}
	ok = len(*b) > 0
	*b = nil
	return n, ok
}

func parseHex(b []byte) (n uint32, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | uint32(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint32(c-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// IsAltered reports whether a message has a checksum that does not fit it: as one of a
// sequence, or one that was stamped as answers are.
func IsAltered(p *wire.Publish) bool {
	if _, whole, has := ParseAnswerStamp(p); has && !whole {
		return true
	}
	value, has := p.Props.UserProperty(SequenceKey)
	if !has {
		return false
	}
	sent, _ := p.Props.UserProperty(SentKey)
	s, err := ParseStamp(value, sent)
	return err != nil || s.Content != Content(p)
}

// Content returns the checksum of what a broker must hand on unaltered: topic and
// payload, and the Payload Format Indicator (3.3.2-4), Response Topic (3.3.2-15),
// Correlation Data (3.3.2-16), Content Type (3.3.2-20), and the User Properties in
// their order (3.3.2-17, 3.3.2-18), but for the one that has this checksum, of which
// only the place counts. Nothing is allocated.
func Content(p *wire.Publish) uint32 {
	_, before, behind := p.Props.CutUserProperty(SequenceKey)
	sum := crc(content(p, p.Topic, p.Props.CorrelationData), before)
	if len(behind) == 0 {
		return sum
	}
	return crc(^sum, behind) // which no stamp has, since it is the last
}

// content is the checksum of a message but for its User Properties.
func content(p *wire.Publish, topic, correlation []byte) uint32 {
	format := byte(0xff)
	if p.Props.HasPayloadFormat {
		format = p.Props.PayloadFormat
	}
	if p.Props.HasMessageExpiry { // how much is left of it may change (3.3.2-6), but not that there is any
		format ^= 0x40
	}
	sum := crc(0, p.Payload)
	for _, part := range [...][]byte{topic, p.Props.ContentType, p.Props.ResponseTopic, correlation} {
		// With the length, so that nothing moves from one to the next unseen; -1
		// is what is not there.
		n := len(part)
		if part == nil {
			n = -1
		}
		var length [5]byte
		binary.BigEndian.PutUint32(length[:], uint32(n))
		length[4] = format
		sum = crc(crc(sum, length[:]), part)
	}
	return sum
}
