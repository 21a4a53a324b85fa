package transport

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// FrameError is that a WebSocket's client does not keep to the rules of RFC 6455, to
// MQTT's (6.0.0-1), or to ours on how much it may ask for.
type FrameError struct {
	Status uint16 // of the closing frame (RFC 6455 7.4.1)
	Text   string
}

func (e *FrameError) Error() string { return "WebSocket: " + e.Text }

// Statuses of closing frames (RFC 6455 7.4.1).
const (
	statusNormal      = 1000
	statusGoingAway   = 1001
	statusProtocol    = 1002
	statusUnsupported = 1003 // a text message, here
	statusNone        = 1005 // a closing frame had none; never sent
	StatusPolicy      = 1008 // more pings and pongs than a client may send
)

// Opcodes of frames (RFC 6455 5.2).
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// mostControl is how long the payload of a control frame may be (RFC 6455 5.5).
const mostControl = 125

// mostControls is how many control frames a client may send in a second: pings, which cost
// an answer each, and pongs. Clients that are well send one in some seconds.
const mostControls = 100

// frames follows what a client sends, and takes the frames away around it. The zero value
// is at the beginning. It answers to nobody: what is to be sent, its user sends.
type frames struct {
	head    [14]byte // of the frame, as far as it has come
	have    uint8    // bytes of it
	opcode  byte     // of the frame whose payload is coming
	final   bool     // it ends its message
	begun   bool     // a message has begun and not ended
	inside  bool     // of a payload
	ended   bool     // nothing counts any more
	turn    uint8    // of the mask
	count   uint8    // control frames in this second
	second  time.Duration
	left    uint64 // of the payload
	control []byte // payload of a control frame, as far as it has come
	status  uint16 // of the closing frame that is to be sent; 0: statusNormal
}

// take takes the payloads of binary messages out of what was read, to where it was read,
// and appends to answers the frames that are to be sent back. now is any clock's. An error,
// io.EOF for a client that closes, ends it: whatever comes after is thrown away.
func (f *frames) take(b, answers []byte, now time.Duration) (payload, reply []byte, err error) {
	n := 0
	for i := 0; i < len(b) && !f.ended; {
		if !f.inside {
			f.head[f.have] = b[i]
			f.have++
			i++
			if int(f.have) < f.length() {
				continue
			}
			err = f.begin(now)
		} else {
			part := b[i : i+int(min(f.left, uint64(len(b)-i)))]
			i += len(part)
			f.left -= uint64(len(part))
			f.unmask(part)
			if f.opcode >= opClose {
				f.control = append(f.control, part...)
			} else {
				n += copy(b[n:], part)
			}
		}
		if err == nil && f.inside && f.left == 0 {
			answers, err = f.end(answers)
		}
		if err != nil {
			f.ended = true
		}
	}
	return b[:n], answers, err
}

// length is how long the head of the frame is, as far as that is known.
func (f *frames) length() int {
	const mask = 4
	switch {
	case f.have < 2 || f.head[1]&0x80 == 0: // which is a fault
		return 2
	case f.head[1]&0x7f == 126:
		return 2 + 2 + mask
	case f.head[1]&0x7f == 127:
		return 2 + 8 + mask
	}
	return 2 + mask
}

// begin looks at a head that is whole.
func (f *frames) begin(now time.Duration) error {
	f.opcode, f.final = f.head[0]&0x0f, f.head[0]&0x80 != 0
	switch f.left = uint64(f.head[1] & 0x7f); f.left {
	case 126:
		f.left = uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		f.left = binary.BigEndian.Uint64(f.head[2:])
	}
	switch {
	case f.head[1]&0x80 == 0:
		return f.fault(statusProtocol, "a frame that is not masked") // RFC 6455 5.1
	case f.head[0]&0x70 != 0:
		return f.fault(statusProtocol, "a frame with a reserved bit set") // RFC 6455 5.2
	case f.left>>63 != 0:
		return f.fault(statusProtocol, "a frame of 2^63 bytes or more") // RFC 6455 5.2
	case f.opcode >= opClose && (!f.final || f.left > mostControl):
		return f.fault(statusProtocol, "a control frame in fragments, or of more than 125 bytes") // RFC 6455 5.5
	}
	switch f.opcode {
	case opContinuation, opBinary:
		if f.begun != (f.opcode == opContinuation) {
			return f.fault(statusProtocol, "fragments of messages in no order") // RFC 6455 5.4
		}
		f.begun = !f.final
	case opText:
		return f.fault(statusUnsupported, "a text message; MQTT wants binary ones") // 6.0.0-1
	case opClose, opPing, opPong:
	default:
		return f.fault(statusProtocol, fmt.Sprintf("a frame of the unknown kind %d", f.opcode)) // RFC 6455 5.2
	}
	if f.opcode >= opClose {
		if now-f.second >= time.Second {
			f.second, f.count = now, 0
		}
		if f.count++; f.count > mostControls {
			return f.fault(StatusPolicy, fmt.Sprintf("more than %d pings and pongs in a second", mostControls))
		}
	}
	copy(f.head[:4], f.head[f.length()-4:]) // the mask
	f.have, f.turn, f.inside = 0, 0, true
	return nil
}

// fault ends the connection.
func (f *frames) fault(status uint16, text string) error {
	f.status = status
	return &FrameError{status, text}
}

// unmask takes the mask from a part of a payload (RFC 6455 5.3).
func (f *frames) unmask(b []byte) {
	var mask [8]byte
	for i := range mask {
		mask[i] = f.head[(int(f.turn)+i)%4]
	}
	f.turn = uint8(int(f.turn)+len(b)) % 4
	word := binary.LittleEndian.Uint64(mask[:])
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= mask[i]
	}
}

// end is the end of a frame.
func (f *frames) end(answers []byte) ([]byte, error) {
	f.inside = false
	payload := f.control
	f.control = nil
	switch f.opcode {
	case opPing:
		answers = append(appendHead(answers, opPong, len(payload)), payload...) // RFC 6455 5.5.3
	case opClose:
		status := uint16(statusNone)
		if len(payload) >= 2 {
			status = binary.BigEndian.Uint16(payload)
			f.status = status // which is to be sent back (RFC 6455 5.5.1)
		}
		switch {
		case len(payload) == 1 || !mayClose(status):
			return answers, f.fault(statusProtocol, "a closing frame without a status that there is")
		case status == statusNormal || status == statusGoingAway || status == statusNone:
			return answers, io.EOF
		}
		return answers, fmt.Errorf("WebSocket: the client closed it with status %d", status)
	}
	return answers, nil
}

// mayClose reports whether a closing frame may have a status, or may have had none (RFC 6455
// 7.4).
func mayClose(status uint16) bool {
	switch status {
	case 1004, 1006:
		return false
	}
	return status >= 1000 && status <= 1014 || status >= 3000 && status <= 4999
}

// appendHead appends the head of a frame of a server, which does not mask.
func appendHead(b []byte, opcode byte, n int) []byte {
	b = append(b, 0x80|opcode)
	switch {
	case n <= mostControl:
		return append(b, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
}
