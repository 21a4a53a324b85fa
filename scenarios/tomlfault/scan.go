package tomlfault

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// span is a stretch of the text: bytes start to end-1.
type span struct{ start, end int }

// node is what the scanner knows of one key, table or array element: where it
// is. The values are the parser's affair.
type node struct {
	key   span // the name, where it was first mentioned
	val   span // the value; of a table with a header, the header
	kids  map[string]*node
	order []string // of kids, as in the file
	items []*node  // elements of an array
	over  string   // of what comes from an overlay: how its path begins
}

// repeat is a key that was set twice.
type repeat struct {
	again, first span
}

// The scanner refuses what no person writes but what costs the parser memory
// or stack out of all proportion to the file: it keeps the full path of every
// key as text, and it recurses.
const (
	maxDepth = 16  // arrays, inline tables and parts of a dotted key
	maxPath  = 512 // bytes of all the names that lead to a key
)

// scan finds where every key and value of a TOML text is. The TOML library
// tells neither, once a file is in order. scan expects a text that the library
// accepts; of any other it finds what it can, so that a syntax fault may be
// explained, and it never fails.
func scan(text string) *scanner {
	sc := &scanner{s: text, root: new(node), excess: -1}
	table, path := sc.root, 0
	for {
		sc.blank()
		if sc.i >= len(sc.s) || sc.excess >= 0 {
			return sc
		}
		before := sc.i
		if sc.s[sc.i] == '[' {
			table, path = sc.header()
		} else {
			sc.pair(table, path, 0)
		}
		if sc.i == before { // not TOML
			sc.i++
		}
	}
}

type scanner struct {
	s       string
	i       int
	root    *node
	repeats []repeat
	bare    []span // values that are not in quotes
	excess  int    // where the text exceeds maxDepth or maxPath; -1: nowhere
}

// part is one name of a dotted key.
type part struct {
	name string
	at   span
}

// blank skips white space, newlines and comments.
func (sc *scanner) blank() {
	for sc.i < len(sc.s) {
		switch sc.s[sc.i] {
		case ' ', '\t', '\r', '\n':
			sc.i++
		case '#':
			sc.line()
		default:
			return
		}
	}
}

// spaces skips white space within a line.
func (sc *scanner) spaces() {
	for sc.i < len(sc.s) && (sc.s[sc.i] == ' ' || sc.s[sc.i] == '\t') {
		sc.i++
	}
}

// line skips to the end of the line.
func (sc *scanner) line() {
	if n := strings.IndexByte(sc.s[sc.i:], '\n'); n >= 0 {
		sc.i += n
	} else {
		sc.i = len(sc.s)
	}
}

func (sc *scanner) at(prefix string) bool { return strings.HasPrefix(sc.s[sc.i:], prefix) }

// header reads "[a.b]" or "[[a.b]]" and returns the table it opens and the
// length of its path.
func (sc *scanner) header() (*node, int) {
	start, closing := sc.i, "]"
	if sc.at("[[") {
		closing = "]]"
	}
	sc.i += len(closing)
	parts, path := sc.key(0)
	if sc.spaces(); sc.at(closing) {
		sc.i += len(closing)
	} else { // not TOML
		sc.line()
	}
	whole := span{start, sc.i}
	t := sc.root
	for i, p := range parts {
		kid, old := t.kids[p.name]
		last := i == len(parts)-1
		if !old {
			kid = t.add(p.name, &node{key: p.at, val: p.at})
		}
		switch {
		case last && closing == "]]":
			if !old {
				kid.val = whole
			}
			item := &node{key: p.at, val: whole}
			kid.items = append(kid.items, item)
			kid = item
		case last:
			if kid.val == kid.key || !old {
				kid.val = whole
			} else {
				sc.repeats = append(sc.repeats, repeat{whole, kid.val})
			}
		case len(kid.items) > 0:
			kid = kid.items[len(kid.items)-1]
		}
		t = kid
	}
	return t, path
}

// pair reads "key = value" into table t.
func (sc *scanner) pair(t *node, path, depth int) {
	parts, path := sc.key(path)
	sc.spaces()
	if !sc.at("=") || sc.excess >= 0 {
		sc.line() // not TOML
		return
	}
	sc.i++
	sc.spaces()
	n := sc.value(path, depth)
	last := len(parts) - 1
	for _, p := range parts[:last] {
		kid, ok := t.kids[p.name]
		if !ok {
			kid = t.add(p.name, &node{key: p.at, val: p.at})
		}
		t = kid
	}
	n.key = parts[last].at
	if old, ok := t.kids[parts[last].name]; ok {
		sc.repeats = append(sc.repeats, repeat{n.key, old.key})
		return
	}
	t.add(parts[last].name, n)
}

// add makes kid the last key of n.
func (n *node) add(name string, kid *node) *node {
	if n.kids == nil {
		n.kids = make(map[string]*node)
	}
	n.kids[name] = kid
	n.order = append(n.order, name)
	return kid
}

// key reads a dotted key, at least one part of it, and returns the length of
// its path, to which path has led.
func (sc *scanner) key(path int) ([]part, int) {
	var parts []part
	for {
		sc.spaces()
		start := sc.i
		name := sc.name()
		parts = append(parts, part{name, span{start, sc.i}})
		path += len(name)
		if (len(parts) > maxDepth || path > maxPath) && sc.excess < 0 {
			sc.excess = start
		}
		if sc.spaces(); !sc.at(".") || sc.excess >= 0 {
			return parts, path
		}
		sc.i++
	}
}

// name reads one part of a key: bare or in quotes.
func (sc *scanner) name() string {
	if sc.at(`"`) || sc.at(`'`) {
		start := sc.i
		sc.quoted(sc.s[start : start+1])
		raw := strings.TrimSuffix(sc.s[start+1:sc.i], sc.s[start:start+1])
		if sc.s[start] == '\'' {
			return raw
		}
		return unescape(raw)
	}
	start := sc.i
	for sc.i < len(sc.s) && isBare(sc.s[sc.i]) {
		sc.i++
	}
	return sc.s[start:sc.i]
}

func isBare(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// value reads one value of any type.
func (sc *scanner) value(path, depth int) *node {
	n := &node{val: span{sc.i, sc.i}}
	if depth > maxDepth && sc.excess < 0 {
		sc.excess = sc.i
	}
	switch {
	case sc.i >= len(sc.s) || sc.excess >= 0:
	case sc.at(`"""`), sc.at(`'''`):
		sc.quoted(sc.s[sc.i : sc.i+3])
	case sc.at(`"`), sc.at(`'`):
		sc.quoted(sc.s[sc.i : sc.i+1])
	case sc.at("["):
		sc.list(']', func() { n.items = append(n.items, sc.value(path, depth+1)) })
		for _, item := range n.items {
			item.key = item.val
		}
	case sc.at("{"):
		sc.list('}', func() { sc.pair(n, path, depth+1) })
	default:
		// A date may hold a space, so that only what follows a value ends it.
		if k := strings.IndexAny(sc.s[sc.i:], ",]}#\n"); k >= 0 {
			sc.i += k
		} else {
			sc.i = len(sc.s)
		}
		n.val.end = n.val.start + len(strings.TrimRight(sc.s[n.val.start:sc.i], " \t\r"))
		sc.bare = append(sc.bare, n.val)
		return n
	}
	n.val.end = sc.i
	return n
}

// list reads the elements of an array or inline table up to its end.
func (sc *scanner) list(end byte, element func()) {
	sc.i++
	for {
		sc.blank()
		if sc.i >= len(sc.s) || sc.excess >= 0 {
			return
		}
		switch sc.s[sc.i] {
		case end:
			sc.i++
			return
		case ',':
			sc.i++
			continue
		}
		before := sc.i
		if element(); sc.i == before { // not TOML
			return
		}
	}
}

// quoted skips a string; quote is one or three of its quotation marks. A string
// on one line ends with the line, should its closing mark be missing.
func (sc *scanner) quoted(quote string) {
	sc.i += len(quote)
	for sc.i < len(sc.s) {
		switch c := sc.s[sc.i]; {
		case c == '\\' && quote[0] == '"':
			sc.i = min(sc.i+2, len(sc.s))
		case c == '\n' && len(quote) == 1:
			return
		case sc.at(quote):
			sc.i += len(quote)
			// One or two marks may stand before the closing three.
			for range 2 {
				if len(quote) == 3 && sc.at(quote[:1]) {
					sc.i++
				}
			}
			return
		default:
			sc.i++
		}
	}
}

// unescape resolves the escape sequences of a quoted key. What is not one stays
// as it is: the parser has refused such a text.
func unescape(raw string) string {
	if !strings.Contains(raw, `\`) {
		return raw
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}
	plain := map[byte]byte{'b': '\b', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r', 'e': 0x1b, '"': '"', '\\': '\\'}
	var b []byte
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			b = append(b, raw[i])
			continue
		}
		i++
		if c, ok := plain[raw[i]]; ok {
			b = append(b, c)
			continue
		}
		n := digits[raw[i]]
		if code, err := strconv.ParseUint(raw[i+1:min(i+1+n, len(raw))], 16, 32); n > 0 && err == nil {
			b = utf8.AppendRune(b, rune(code))
			i += n
			continue
		}
		b = append(b, '\\', raw[i])
	}
	return string(b)
}
