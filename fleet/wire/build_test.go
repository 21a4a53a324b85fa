package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// frame puts a fixed header in front of the parts of a packet.
func frame(first byte, parts ...string) Frame {
	body := strings.Join(parts, "")
	return append(appendUvarint([]byte{first}, len(body)), body...)
}

// str is a string or binary data with its length in front.
func str(s string) string { return string(appendString(nil, s)) }

// props is properties with their length in front.
func props(parts ...string) string {
	s := strings.Join(parts, "")
	return string(appendUvarint(nil, len(s))) + s
}

func user(key, value string) string { return "\x26" + str(key) + str(value) }

// parse decodes a frame with the function that is for its type.
func parse(f Frame, v Version) (any, error) {
	switch f.Type() {
	case packets.CONNECT:
		return ParseConnect(f)
	case packets.PUBLISH:
		return ParsePublish(f, v)
	case packets.PUBACK, packets.PUBREC, packets.PUBREL, packets.PUBCOMP:
		return ParseAck(f, v)
	}
	return Decode(f, v)
}

// wantCode checks that err is an *Error with that reason code; 0 is no error.
func wantCode(t *testing.T, what string, err error, code byte) {
	t.Helper()
	switch e, ok := errors.AsType[*Error](err); {
	case code == 0 && err == nil:
	case code == 0:
		t.Errorf("%s = %v; want no error", what, err)
	case err == nil:
		t.Errorf("%s = nil; want 0x%02X %s", what, code, ReasonName(code))
	case !ok || e.Code != code:
		t.Errorf("%s = %v; want 0x%02X %s", what, err, code, ReasonName(code))
	case e.Text == "":
		t.Errorf("%s has no text; want what was wrong", what)
	}
}

// strictCase is one packet and what becomes of it: 0 is accepted, all else the
// reason code of the refusal.
type strictCase struct {
	section string
	what    string
	frame   Frame
	code    byte
}

func runStrict(t *testing.T, v Version, cases []strictCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.section+" "+c.what, func(t *testing.T) {
			_, err := parse(c.frame, v)
			wantCode(t, fmt.Sprintf("parse(% x)", []byte(c.frame[:min(len(c.frame), 60)])), err, c.code)
		})
	}
}
