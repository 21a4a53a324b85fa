package deliveries

import (
	"encoding/binary"

	"homefleet/fleet/wire"
)

// A seal is for MQTT 3.1.1 what [AnswerStamp] is for MQTT 5: the same, as white space at
// the end of an answer to a marked request, behind the [Mark].
const (
	sealBytes = 4 + 1 + 4
	// sealSize is how many bytes a seal is long: a carriage return, and a space for each
	// bit that is 0 and a tab for each that is 1.
	sealSize = 1 + 8*sealBytes
)

// MarkedSum returns the checksum of a marked request: that of its topic and its payload
// without the mark.
func MarkedSum(topic, payload []byte) uint32 {
	return sumOf(&wire.Publish{Payload: payload}, topic, nil, nil)
}

// Seal appends the seal of an answer to a payload that is complete but for it.
func (s AnswerStamp) Seal(topic, payload []byte) []byte {
	var b [sealBytes]byte
	binary.BigEndian.PutUint32(b[:], s.Request)
	b[4] = s.RequestQoS<<4 | s.Granted<<2 | s.QoS
	binary.BigEndian.PutUint32(b[5:], crc(MarkedSum(topic, payload), b[:5]))
	return appendBlank(append(payload, '\r'), b[:])
}

// ReadSeal reads the seal of an answer, if it has one, and returns the payload without.
// It is not whole where the seal, the topic or the payload is not what the device sent.
// Nothing is allocated, and nothing is kept.
func ReadSeal(p *wire.Publish) (payload []byte, s AnswerStamp, whole, has bool) {
	payload, blank := cutBlank(p.Payload, '\r', sealSize)
	if blank == nil {
		return payload, s, false, false
	}
	var b [sealBytes]byte
	readBlank(b[:], blank[1:])
	if crc(MarkedSum(p.Topic, payload), b[:5]) != binary.BigEndian.Uint32(b[5:]) {
		return payload, s, false, true
	}
	return payload, AnswerStamp{Request: binary.BigEndian.Uint32(b[:]), RequestQoS: b[4] >> 4 & 3, Granted: b[4] >> 2 & 3, QoS: b[4] & 3}, true, true
}

// appendBlank appends bytes in white space, the highest bit first.
func appendBlank(dst, b []byte) []byte {
	for _, octet := range b {
		for bit := 7; bit >= 0; bit-- {
			dst = append(dst, " \t"[octet>>bit&1])
		}
	}
	return dst
}

// cutBlank cuts off the end of a payload that is of a size, begins with first, and is
// spaces and tabs else; nil if it is not.
func cutBlank(payload []byte, first byte, size int) (rest, blank []byte) {
	at := len(payload) - size
	if at < 0 || payload[at] != first {
		return payload, nil
	}
	for _, c := range payload[at+1:] {
		if c != ' ' && c != '\t' {
			return payload, nil
		}
	}
	return payload[:at:at], payload[at:]
}

// readBlank reads as many bytes in white space as there is room for.
func readBlank(dst, blank []byte) {
	for i, c := range blank {
		if c == '\t' {
			dst[i/8] |= 0x80 >> (i % 8)
		}
	}
}
