package zigbee2mqtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A JSON value is nil, a bool, a float64, a string, a list or an *object. The order of
// an object's members is kept, because commands are carried out in it.
type (
	list   = []any
	object struct {
		keys   []string
		values list
	}
)

// deepest is how deep values may be nested. Nothing that a device understands is
// deeper than three.
const deepest = 64

var errNested = errors.New("nested too deep")

// parse reads exactly one JSON value.
func parse(data []byte) (any, error) {
	if !json.Valid(data) {
		return nil, errors.New("not JSON")
	}
	r := reader{data: data}
	return r.value(deepest)
}

// reader reads values of text that is known to be JSON.
type reader struct {
	data []byte
	at   int
}

// next skips white space and returns the byte that follows, which stays unread.
func (r *reader) next() byte {
	for {
		switch c := r.data[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
}

func (r *reader) value(depth int) (any, error) {
	switch r.next() {
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case '"':
		return r.text(), nil
	case 't':
		r.at += len("true")
		return true, nil
	case 'f':
		r.at += len("false")
		return false, nil
	case 'n':
		r.at += len("null")
		return nil, nil
	}
	begin := r.at
	for r.at < len(r.data) && bytes.IndexByte([]byte("+-.0123456789eE"), r.data[r.at]) >= 0 {
		r.at++
	}
	f, _ := strconv.ParseFloat(string(r.data[begin:r.at]), 64) // beyond the range it is infinite, as in JavaScript
	return f, nil
}

func (r *reader) list(depth int) (any, error) {
	if depth == 0 {
		return nil, errNested
	}
	r.at++
	l := list{}
	for r.next() != ']' {
		if r.data[r.at] == ',' {
			r.at++
		}
		v, err := r.value(depth - 1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	r.at++
	return l, nil
}

func (r *reader) object(depth int) (any, error) {
	if depth == 0 {
		return nil, errNested
	}
	r.at++
	o := &object{}
	var where map[string]int // with many members a lookup by scanning would be quadratic
	for r.next() != '}' {
		if r.data[r.at] == ',' {
			r.at++
			r.next()
		}
		key := r.text()
		r.next()
		r.at++ // the colon
		v, err := r.value(depth - 1)
		if err != nil {
			return nil, err
		}
		i, again := where[key]
		if where == nil {
			i = slices.Index(o.keys, key)
			again = i >= 0
		}
		if again {
			o.values[i] = v // the last one counts
			continue
		}
		o.keys, o.values = append(o.keys, key), append(o.values, v)
		switch {
		case where != nil:
			where[key] = len(o.keys) - 1
		case len(o.keys) == 16:
			where = make(map[string]int)
			for i, key := range o.keys {
				where[key] = i
			}
		}
	}
	r.at++
	return o, nil
}

// text reads a string.
func (r *reader) text() string {
	begin := r.at
	for r.at++; r.data[r.at] != '"'; r.at++ {
		if r.data[r.at] == '\\' {
			r.at++
		}
	}
	r.at++
	quoted := r.data[begin:r.at]
	if bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // it is valid
	return s
}

// get returns a member; ok is false if there is none.
func (o *object) get(key string) (v any, ok bool) {
	if o == nil {
		return nil, false
	}
	if i := slices.Index(o.keys, key); i >= 0 {
		return o.values[i], true
	}
	return nil, false
}

// set adds a member or replaces it.
func (o *object) set(key string, v any) {
	if i := slices.Index(o.keys, key); i >= 0 {
		o.values[i] = v
		return
	}
	o.keys, o.values = append(o.keys, key), append(o.values, v)
}

// members makes an object of names and values in turn.
func members(pairs ...any) *object {
	o := &object{}
	for i := 0; i < len(pairs); i += 2 {
		o.keys, o.values = append(o.keys, pairs[i].(string)), append(o.values, pairs[i+1])
	}
	return o
}

// sorted appends a value with the members of all objects in the order of their names,
// which is how Zigbee2MQTT publishes.
func sorted(dst []byte, v any) []byte { return appendValue(dst, v, true) }

// plain appends a value in its own order, as its error messages show commands.
func plain(dst []byte, v any) []byte { return appendValue(dst, v, false) }

func appendValue(dst []byte, v any, sort bool) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case float64:
		return appendNumber(dst, v)
	case string:
		return appendString(dst, v)
	case list:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, e, sort)
		}
		return append(dst, ']')
	case *object:
		var room [16]int
		order := room[:0]
		for i := range v.keys {
			order = append(order, i)
		}
		if sort {
			slices.SortFunc(order, func(a, b int) int { return strings.Compare(v.keys[a], v.keys[b]) })
		}
		dst = append(dst, '{')
		for i, at := range order {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, v.keys[at]), ':')
			dst = appendValue(dst, v.values[at], sort)
		}
		return append(dst, '}')
	}
	panic("zigbee2mqtt: not a JSON value")
}

// appendNumber writes a number as JavaScript does.
func appendNumber(dst []byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(dst, "null"...)
	}
	if a := math.Abs(f); a >= 1e21 || a > 0 && a < 1e-6 {
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	}
	if f == 0 {
		return append(dst, '0')
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r >= ' ' && r < utf8.RuneSelf && r != '"' && r != '\\':
			dst = append(dst, byte(r))
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
