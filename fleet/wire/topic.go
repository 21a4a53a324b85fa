package wire

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// ValidString reports whether s may stand as a UTF-8 Encoded String: at most
// 65,535 bytes of valid UTF-8 without U+0000 (section 1.5.4).
func ValidString[T string | []byte](s T) bool {
	switch s := any(s).(type) {
	case string:
		return len(s) <= 65535 && strings.IndexByte(s, 0) < 0 && utf8.ValidString(s)
	case []byte:
		return len(s) <= 65535 && bytes.IndexByte(s, 0) < 0 && utf8.Valid(s)
	}
	return false
}

// ValidTopicName reports whether s may be published to: at least one character
// and no wildcard (section 4.7.3).
func ValidTopicName[T string | []byte](s T) bool {
	return len(s) > 0 && ValidString(s) && !hasWildcard(s)
}

func hasWildcard[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] == '+' || s[i] == '#' {
			return true
		}
	}
	return false
}

// ValidTopicFilter reports whether s may be subscribed to: wildcards stand
// alone in their level, and # only in the last one (section 4.7.1). For a
// shared subscription ($share/NAME/FILTER, section 4.8.2) the name is not
// empty and has no wildcard, and the rest is a valid filter itself.
func ValidTopicFilter(s string) bool {
	if len(s) == 0 || !ValidString(s) {
		return false
	}
	if _, filter, shared := SplitShared(s); shared {
		return filter != "" && validFilterLevels(filter)
	}
	if s == "$share" || strings.HasPrefix(s, "$share/") {
		return false
	}
	return validFilterLevels(s)
}

func validFilterLevels(s string) bool {
	for {
		level, rest, more := strings.Cut(s, "/")
		if strings.ContainsAny(level, "+#") && len(level) > 1 {
			return false
		}
		if level == "#" && more {
			return false
		}
		if !more {
			return true
		}
		s = rest
	}
}

// SplitShared splits a shared subscription's filter into its share name and the
// filter beneath it. ok is false when s is no (valid) shared subscription.
func SplitShared(s string) (name, filter string, ok bool) {
	rest, ok := strings.CutPrefix(s, "$share/")
	if !ok {
		return "", "", false
	}
	name, filter, ok = strings.Cut(rest, "/")
	if !ok || name == "" || filter == "" || strings.ContainsAny(name, "+#") {
		return "", "", false
	}
	return name, filter, true
}

// Match reports whether a topic name matches a filter (section 4.7). Filters
// that start with a wildcard do not match topics that start with $ (4.7.2-1).
func Match(filter, topic string) bool {
	if filter == "" || topic == "" {
		return false
	}
	if topic[0] == '$' && (filter[0] == '+' || filter[0] == '#') {
		return false
	}
	for {
		f, frest, fmore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		t, trest, tmore := strings.Cut(topic, "/")
		if f != "+" && f != t {
			return false
		}
		switch {
		case !fmore && !tmore:
			return true
		case fmore && !tmore:
			return frest == "#" // the parent level matches too (4.7.1.2)
		case !fmore:
			return false
		}
		filter, topic = frest, trest
	}
}
