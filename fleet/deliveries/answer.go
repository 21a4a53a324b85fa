package deliveries

import "homefleet/fleet/wire"

// ChecksumKey names the User Property of an answer to a measured request: see
// [AnswerStamp]. It is the last of the answer's User Properties.
const ChecksumKey = "checksum"

// AnswerStamp is what an answer to a measured request carries in the User Property
// `checksum`: "9f86d081 121 1c291ca3". First comes the checksum of the request as it
// came to the device, then at which QoS it came, the lowest QoS that the device's
// subscriptions were granted (0 before the broker has said), and at which QoS the answer
// goes; last a checksum of the answer, which also covers what stands before it. Before
// that one an answer of several messages says which of them it is, in two digits, and
// whether another follows: "9f86d081 121 01+ 1c291ca3", and "02." is the last. So
// whoever asked knows whether the broker altered the request on its way there, or the
// answer on its way back, and whether messages of it are missing. The checksums are those of [Stamp].
type AnswerStamp struct {
	Request    uint32 // RequestSum of the request as it came
	RequestQoS byte   // 0 to 2, as the two that follow
	Granted    byte
	QoS        byte
	Part       byte // of an answer of several messages, from 1 to 99; 0: it is the only one
	More       bool // then: another follows
}

// stampSize is how long the value of the User Property is, and partSize how much longer
// that of a part.
const (
	stampSize = 8 + 1 + 3 + 1 + 8
	partSize  = 1 + 2 + 1
)

// Append appends the value of the User Property `checksum` of an answer that is
// complete but for it. There is no allocation if dst has room.
func (s AnswerStamp) Append(dst []byte, answer *wire.Publish) []byte {
	start := len(dst)
	dst = appendHex(dst, s.Request)
	dst = append(dst, ' ', '0'+s.RequestQoS, '0'+s.Granted, '0'+s.QoS)
	if s.Part > 0 {
		part, end := min(s.Part, 99), byte('.')
		if s.More {
			end = '+'
		}
		dst = append(dst, ' ', '0'+part/10, '0'+part%10, end)
	}
	return appendHex(append(dst, ' '), answerSum(answer, answer.Props.User, dst[start:]))
}

// ParseAnswerStamp reads the stamp of an answer, if it has one. It is not whole where
// the stamp, the payload, or a property that a broker must hand on is not what the
// device sent. Nothing is allocated, and nothing is kept.
func ParseAnswerStamp(p *wire.Publish) (s AnswerStamp, whole, has bool) {
	value, has := p.Props.UserProperty(ChecksumKey)
	if !has {
		return AnswerStamp{}, false, false
	}
	s, whole = readAnswerStamp(p, value)
	return s, whole, true
}

func readAnswerStamp(p *wire.Publish, value []byte) (s AnswerStamp, whole bool) {
	size := len(value)
	if size != stampSize && size != stampSize+partSize || value[size-9] != ' ' {
		return AnswerStamp{}, false
	}
	// Nothing may stand behind it: their order is kept (3.3.2-18).
	property := 1 + 2 + len(ChecksumKey) + 2 + size
	before := len(p.Props.User) - property
	if before < 0 || string(p.Props.User[before+property-size:]) != string(value) {
		return AnswerStamp{}, false
	}
	sum, ok := parseHex(value[size-8:])
	request, ok1 := parseHex(value[:8])
	digits := value[9:12]
	for _, d := range digits {
		ok = ok && d >= '0' && d <= '2'
	}
	if !ok || !ok1 || sum != answerSum(p, p.Props.User[:before], value[:size-9]) {
		return AnswerStamp{}, false
	}
	s = AnswerStamp{Request: request, RequestQoS: digits[0] - '0', Granted: digits[1] - '0', QoS: digits[2] - '0'}
	if size > stampSize { // as whole as its checksum is
		s.Part, s.More = 10*(value[stampSize-8]-'0')+value[stampSize-7]-'0', value[stampSize-6] == '+'
	}
	return s, true
}

// answerSum is that of an answer with the User Properties before its stamp, and with
// what the stamp says. Its topic and Correlation Data are not in it: whoever asked
// knows them, and tells what is wrong with them apart.
func answerSum(p *wire.Publish, user, said []byte) uint32 {
	return crc(sumOf(p, nil, nil, user), said)
}

// RequestSum returns the checksum of what a broker must hand on of a request. Its
// Correlation Data has a checksum of its own.
func RequestSum(p *wire.Publish) uint32 { return sumOf(p, p.Topic, nil, p.Props.User) }

// sumOf is the checksum of a message with a topic, Correlation Data and User
// Properties; nil is none.
func sumOf(p *wire.Publish, topic, correlation, user []byte) uint32 {
	return crc(content(p, topic, correlation), user)
}
