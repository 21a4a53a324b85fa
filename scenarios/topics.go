package scenarios

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"homefleet/devices/words"
	"homefleet/scenarios/tomlfault"
)

// maxString is the length in bytes of the longest UTF-8 Encoded String and of
// the longest Binary Data in MQTT (MQTT 5.0 sections 1.5.4 and 1.5.6).
const maxString = 65535

// maxID is the length in bytes of the longest device id. MQTT would let it be
// longer; a scenario of a million devices would not fit in memory.
const maxID = 1024

// textFault returns what MQTT forbids about a text (section 1.5.4), or "".
func textFault(s string) string {
	switch {
	case len(s) > maxString:
		return fmt.Sprintf("has %d bytes; MQTT allows %d", len(s), maxString)
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case strings.ContainsRune(s, 0):
		return "has U+0000, which MQTT forbids in text"
	}
	return ""
}

// topicFault returns what is wrong with a text as a Topic Name (section 4.7),
// or "".
func topicFault(s string) string {
	switch {
	case s == "":
		return "is empty; want a topic name"
	case strings.ContainsAny(s, "+#"):
		return "has a wildcard; want a topic name, without + and #"
	}
	return textFault(s)
}

// filterFault returns what is wrong with a text as a Topic Filter (section
// 4.7.1), or "".
func filterFault(s string) string {
	if s == "" {
		return "is empty; want a topic filter"
	}
	levels := strings.Split(s, "/")
	for i, level := range levels {
		switch {
		case strings.Contains(level, "#") && (level != "#" || i < len(levels)-1):
			return "has a # that is not the whole last level"
		case strings.Contains(level, "+") && level != "+":
			return "has a + that is not a whole level"
		}
	}
	return textFault(s)
}

// idFault returns why a text cannot name a device, or "". An id is one level of
// its topics, a client identifier and a word on a command line.
func idFault(s string) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > maxID:
		return fmt.Sprintf("has %d bytes; want at most %d", len(s), maxID)
	case !utf8.ValidString(s):
		return "is not UTF-8"
	}
	for _, r := range s {
		switch {
		case r == '/':
			return `has "/", which separates topic levels`
		case r == '+' || r == '#':
			return fmt.Sprintf("has %q, a wildcard of topic filters", r)
		case unicode.IsSpace(r):
			return "has a space"
		case !unicode.IsPrint(r):
			return fmt.Sprintf("has the control character %U", r)
		}
	}
	return ""
}

// rules finds what is wrong with the values of one table.
type rules struct {
	doc     *tomlfault.Document
	path    string
	samples []Vars // of devices for which templates are tried out
	noHomes bool   // of a group whose devices have no number of a home
	rows    *Rows  // that the devices are from, whose columns are places of templates; nil: of none
}

// beneath returns the rules of a table in this one.
func (r rules) beneath(key string) rules {
	r.path = r.at(key)
	return r
}

func (r rules) at(key string) string {
	if r.path == "" || key == "" {
		return r.path + key
	}
	return r.path + "." + key
}

func (r rules) errorf(key, hint, format string, args ...any) {
	r.doc.Errorf(tomlfault.Place{Path: r.at(key)}, hint, format, args...)
}

func (r rules) warnf(key, hint, format string, args ...any) {
	r.doc.Warnf(tomlfault.Place{Path: r.at(key)}, hint, format, args...)
}

// ok reports that no error was found at any of the keys so far.
func (r rules) ok(keys ...string) bool {
	for _, key := range keys {
		if !r.doc.OK(r.at(key)) {
			return false
		}
	}
	return true
}

// template checks the form of a template. With samples given, it checks what
// the template expands to for these devices as well.
func (r rules) template(key string, t Template, places []string, fault func(string) string, samples ...Vars) bool {
	if f := t.checkWith(places, r.rows); f != nil {
		r.doc.Errorf(tomlfault.Place{Path: r.at(key), Offset: f.offset, Width: f.width}, f.hint, "%s: %s", last(key), f.message)
		return false
	}
	for _, v := range samples {
		if n := t.size(v); n > maxExpanded {
			r.errorf(key, "", "%s has %s with its places filled in; MQTT allows %s", last(key), words.Plural(int64(n), "byte", "bytes"), words.Grouped(maxString))
			return false
		}
		text := t.Expand(v)
		if problem := fault(text); problem != "" {
			shown := fmt.Sprintf("%q", tomlfault.Short(text))
			if !t.Fixed() && v.ID != "" {
				shown += " of " + tomlfault.Short(v.ID)
			}
			if v.Rows != nil {
				shown += " (" + v.Rows.Where(v.Row) + ")"
			}
			r.errorf(key, "", "%s: %s %s", last(key), shown, problem)
			return false
		}
	}
	return true
}

// maxExpanded is how long a template may become before it is filled in at all, to
// say more closely what is wrong with it.
const maxExpanded = 1 << 20

// last is the key itself of a dotted path.
func last(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }
