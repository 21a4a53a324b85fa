package broker

import (
	"bytes"
	"strings"
)

// scan compares a topic with a filter as a step of going through all topics in
// their order. Either the topic matches; or next is the least text, after the
// topic, from which on one can match again; or next is nil and none can.
// The text is appended to buf.
func scan(buf, topic []byte, filter string) (match bool, next []byte) {
	if topic[0] == '$' && (filter[0] == '+' || filter[0] == '#') { // 4.7.2-1
		return false, append(buf, '$'+1)
	}
	plus := 0 // the end of the last level so far that a + matched, if it is not 0
	seen := false
	for at := 0; ; {
		level, rest, more := strings.Cut(filter, "/")
		if level == "#" {
			return true, nil
		}
		name := topic[at:]
		i := bytes.IndexByte(name, '/')
		if i >= 0 {
			name = name[:i]
		}
		end := at + len(name)
		switch {
		case level == "+":
			plus, seen = end, true
		case level != string(name):
			// Those that begin as this one lie before it or behind it.
			want := append(append(buf, topic[:at]...), level...)
			if more && rest != "#" {
				want = append(want, '/')
			}
			if bytes.Compare(want, topic) > 0 {
				return false, want
			}
			if more && rest == "#" {
				// The level itself lies before, what is beneath it may not.
				if want = append(want, '/'); bytes.Compare(want, topic) > 0 {
					return false, want
				}
			}
			return false, beyond(buf, topic, plus, seen)
		}
		switch {
		case !more && i < 0:
			return true, nil
		case !more: // the topic goes on
			return false, beyond(buf, topic, plus, seen)
		case i < 0 && rest == "#":
			return true, nil
		case i < 0 && level == "+": // what is beneath it comes later, others may before
			return false, append(append(buf, topic...), 0)
		case i < 0:
			return false, append(append(buf, topic...), '/')
		}
		at, filter = end+1, rest
	}
}

// beyond is the text behind all topics that are a topic up to a level, or are
// beneath that.
func beyond(buf, topic []byte, end int, ok bool) []byte {
	if !ok {
		return nil
	}
	return append(append(buf, topic[:end]...), '/'+1)
}
