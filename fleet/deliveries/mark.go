package deliveries

import "encoding/binary"

// Mark is how a requester without Correlation Data tells whose answer it is that it
// gets, where the scenario wants that told (identify): white space at the end of a
// payload, in which the number of the request is written. Devices pass over it, as over
// all white space, and end their answer on the state topic with the same.
//
// It is an instrument of the measuring, and no requester of MQTT 3.1.1 has it: what it
// takes for its answer goes by the topic alone.
type Mark struct {
	Run        uint16 // the last bits of the run's
	Controller uint32 // of which 24 bits count
	Seq        uint32 // the last bits of the request's number
}

const (
	markBytes = 9
	// markSize is how many bytes a mark is long: a line feed, and a space for each bit
	// that is 0 and a tab for each that is 1.
	markSize = 1 + 8*markBytes
)

// Append appends the mark to a payload.
func (m Mark) Append(dst []byte) []byte {
	var b [markBytes]byte
	binary.BigEndian.PutUint16(b[:], m.Run)
	binary.BigEndian.PutUint32(b[1:], m.Controller&0xffffff|uint32(b[1])<<24)
	binary.BigEndian.PutUint32(b[5:], m.Seq)
	return appendBlank(append(dst, '\n'), b[:])
}

// CutMark returns a payload without its mark, and the mark, which both point into it.
// The mark is nil where there is none.
func CutMark(payload []byte) (rest, mark []byte) { return cutBlank(payload, '\n', markSize) }

// ReadMark reads the mark of a payload. It is false where there is none.
func ReadMark(payload []byte) (m Mark, ok bool) {
	_, blank := CutMark(payload)
	if blank == nil {
		return m, false
	}
	var b [markBytes]byte
	readBlank(b[:], blank[1:])
	return Mark{
		Run:        binary.BigEndian.Uint16(b[:]),
		Controller: binary.BigEndian.Uint32(b[1:]) & 0xffffff,
		Seq:        binary.BigEndian.Uint32(b[5:]),
	}, true
}
