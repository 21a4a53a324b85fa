package faces

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// object walks the members of a JSON object. It allocates nothing.
type object struct{ rest []byte }

// parseObject returns a walk over an object; ok is false where b is not one JSON
// object and white space.
func parseObject(b []byte) (o object, ok bool) {
	b = trim(b)
	if len(b) < 2 || b[0] != '{' || !json.Valid(b) {
		return o, false
	}
	return object{b[1 : len(b)-1]}, true
}

// next returns the next member: its key as it is written between the quotes, and its
// value as it is written.
func (o *object) next() (key, value []byte, ok bool) {
	b := trimLeft(o.rest, ',')
	if len(b) == 0 {
		return nil, nil, false
	}
	n := valueLength(b) // of the key, a string
	key = b[1 : n-1]
	b = trimLeft(b[n:], ':')
	n = valueLength(b)
	value, o.rest = trim(b[:n]), b[n:]
	return key, value, true
}

// trimLeft cuts white space and one kind of punctuation.
func trimLeft(b []byte, mark byte) []byte {
	for len(b) > 0 && (isSpace(b[0]) || b[0] == mark) {
		b = b[1:]
	}
	return b
}

// trim cuts white space from both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// valueLength is how long the value is with which valid JSON begins.
func valueLength(b []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			if quoted = !quoted; !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case depth == 0 && c == ',':
			return i
		}
	}
	return len(b)
}

// jsonNumber reads a value that is a number.
func jsonNumber(value []byte) (float64, bool) {
	if len(value) == 0 || value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(value), 64)
	return f, err == nil
}

// jsonWord returns a value that is a string, as it is written between the quotes.
func jsonWord(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	return value[1 : len(value)-1], true
}

// writer appends JSON, with its members in the order in which they are written.
type writer struct{ b []byte }

// open begins an object or an array.
func (w *writer) open(bracket byte) { w.comma(); w.b = append(w.b, bracket) }

// close ends one.
func (w *writer) close(bracket byte) { w.b = append(w.b, bracket) }

func (w *writer) comma() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':':
		default:
			w.b = append(w.b, ',')
		}
	}
}

// key begins a member of an object.
func (w *writer) key(name string) {
	w.comma()
	w.b = append(appendQuoted(w.b, name), ':')
}

// text is a member that is a string.
func (w *writer) text(name, value string) {
	w.key(name)
	w.b = appendQuoted(w.b, value)
}

// join is a member that is a string in parts.
func (w *writer) join(name string, parts ...string) {
	w.key(name)
	w.b = append(w.b, '"')
	for _, p := range parts {
		w.b = appendEscaped(w.b, p)
	}
	w.b = append(w.b, '"')
}

// texts is a member that is an array of strings.
func (w *writer) texts(name string, values ...string) {
	w.key(name)
	w.b = append(w.b, '[')
	for _, v := range values {
		w.comma()
		w.b = appendQuoted(w.b, v)
	}
	w.b = append(w.b, ']')
}

// number is a member that is a number with so many decimals, without a minus zero.
func (w *writer) number(name string, f float64, decimals int) {
	w.key(name)
	w.b = appendFixed(w.b, f, decimals)
}

// integer is a member that is a whole number.
func (w *writer) integer(name string, n int) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, int64(n), 10)
}

// flag is a member that is true or false.
func (w *writer) flag(name string, on bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, on)
}

// null is a member that is null.
func (w *writer) null(name string) {
	w.key(name)
	w.b = append(w.b, "null"...)
}

// appendFixed appends a number with so many decimals, and never a minus zero.
func appendFixed(dst []byte, f float64, decimals int) []byte {
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', decimals, 64)
	if dst[from] != '-' {
		return dst
	}
	for _, c := range dst[from+1:] {
		if c != '0' && c != '.' {
			return dst
		}
	}
	return append(dst[:from], dst[from+1:]...)
}

func appendQuoted(dst []byte, s string) []byte {
	return append(appendEscaped(append(dst, '"'), s), '"')
}

// appendEscaped appends text as it stands between the quotes of JSON (RFC 8259,
// section 7).
func appendEscaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', upperHex[r>>4], upperHex[r&15])
		case r == utf8.RuneError && n == 1:
			dst = append(dst, "�"...)
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return dst
}
