package deliveries

import (
	"bytes"
	"strconv"
	"time"

	"homefleet/fleet/wire"
)

// The User Properties of a message that is stamped. Messages are only where somebody
// watches them.
const (
	// SentKey names the one that says when a message was made, in nanoseconds of the
	// fleet's own clock, and whose clock that is: "123456@run".
	SentKey = "sent"
	// SequenceKey names the one that says which message of its topic one is, and what
	// was in it: see [Stamp].
	SequenceKey = "sequence"
)

// AppendMoment appends a moment of the clock of a run: the value of SentKey.
func AppendMoment(dst []byte, made time.Duration, run string) []byte {
	dst = strconv.AppendInt(dst, int64(made), 10)
	return append(append(dst, '@'), run...)
}

// ParseMoment reads it. The run is a part of b.
func ParseMoment(b []byte) (made time.Duration, run []byte, ok bool) {
	number, run, found := bytes.Cut(b, []byte("@"))
	if !found || len(number) == 0 || len(number) > 19 {
		return 0, nil, false
	}
	for _, c := range number {
		if c < '0' || c > '9' {
			return 0, nil, false
		}
		made = made*10 + time.Duration(c-'0')
	}
	return made, run, made >= 0
}

// MadeAt reads when a message was made. That means nothing to a fleet of another run.
func MadeAt(p *wire.Publish) (made time.Duration, run string, ok bool) {
	value, _ := p.Props.UserProperty(SentKey)
	made, of, ok := ParseMoment(value)
	return made, string(of), ok
}
