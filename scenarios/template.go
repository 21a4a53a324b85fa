package scenarios

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"homefleet/devices/faces"
	"homefleet/devices/words"
	"homefleet/scenarios/tomlfault"
)

// Template is text with places for what differs from device to device:
// {id}, {n}, {n:4} (zero-padded to a width), {h}, {h:2} (the number of the
// home), {home}, {kind}, {mac}, {mac:6} (its last digits), {mac-lower}, {seed} and {run}; "{{" and
// "}}" stand for the braces themselves. A Template in a checked scenario is valid.
type Template string

// Vars are the values a template's places are filled with. Run tells one run
// from another and is known only once the fleet starts.
type Vars struct {
	ID   string
	N    int
	H    int // number of the home
	Home string
	Kind string
	Seed uint64
	Run  string

	Number int // of the device in the whole scenario, from 0, from which {mac} follows

	Values *Values // of a report; nil: it is about none

	// Rows is the file that the device is from, and Row its row there, from 0; nil: none.
	Rows *Rows
	Row  int
}

// Login returns the User Name and the password that the device's row has; has is false where
// there are none.
func (v *Vars) Login() (user, password string, has bool) {
	if v.Rows == nil {
		return "", "", false
	}
	return v.Rows.login(v.Row)
}

// given is what the device has for a place, or if that is not known yet, its row.
func (v *Vars) given(own, column string) string {
	if own == "" && v.Rows != nil {
		own, _ = v.Rows.cell(v.Row, column)
	}
	return own
}

// Expand returns the text with every place filled in. What is not a valid place
// stays as it is.
func (t Template) Expand(v Vars) string {
	if !strings.ContainsAny(string(t), "{}") {
		return string(t)
	}
	return string(t.Append(nil, v))
}

// size is how many bytes Expand returns. It makes no room for them.
func (t Template) size(v Vars) int {
	n := 0
	var one []byte
	for s := string(t); s != ""; {
		tok := nextToken(s)
		one = Template(s[:tok.size]).Append(one[:0], v)
		n += len(one)
		s = s[tok.size:]
	}
	return n
}

// Append appends what Expand returns.
func (t Template) Append(dst []byte, v Vars) []byte {
	for s := string(t); s != ""; {
		tok := nextToken(s)
		switch {
		case tok.fault != nil || tok.name == "":
			dst = append(dst, tok.text...)
		case tok.name == "id":
			dst = append(dst, v.given(v.ID, columnID)...)
		case tok.name == "n":
			dst = appendPadded(dst, v.N, tok.width)
		case tok.name == "h":
			dst = appendPadded(dst, v.H, tok.width)
		case tok.name == "home":
			dst = append(dst, v.given(v.Home, columnHome)...)
		case tok.name == "kind":
			dst = append(dst, v.Kind...)
		case tok.name == "mac":
			dst = appendMAC(dst, v, tok.width)
		case tok.name == "mac-lower":
			at := len(dst)
			dst = appendMAC(dst, v, 0)
			copy(dst[at:], bytes.ToLower(dst[at:]))
		case tok.name == "seed":
			dst = strconv.AppendUint(dst, v.Seed, 10)
		case tok.name == "run":
			dst = append(dst, v.Run...)
		default:
			dst = v.appendValue(dst, tok.name, s[:tok.size])
		}
		s = s[tok.size:]
	}
	return dst
}

// appendValue appends what a column has, or what a place of a report stands for; else the
// place as it is.
func (v *Vars) appendValue(dst []byte, name, place string) []byte {
	if v.Rows != nil {
		if cell, ok := v.Rows.cell(v.Row, name); ok {
			return append(dst, cell...)
		}
	}
	if v.Values != nil {
		if dst, ok := v.Values.append(dst, name); ok {
			return dst
		}
	}
	return append(dst, place...)
}

func appendPadded(dst []byte, n, width int) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], int64(n), 10)
	for range width - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// appendMAC appends the last digits of a device's MAC; width 0 is all of them.
func appendMAC(dst []byte, v Vars, width int) []byte {
	var room [12]byte
	mac := (&faces.Who{Number: uint64(v.Number), Seed: v.Seed}).AppendMAC(room[:0])
	if width > 0 && width < len(mac) {
		mac = mac[len(mac)-width:]
	}
	return append(dst, mac...)
}

// The places of the templates. An id says who the device is in every run, so
// that it cannot rest on the run.
var (
	homePlaces   = []string{"n", "h", "kind", "seed"}
	idPlaces     = []string{"n", "h", "home", "kind", "seed"}
	devicePlaces = []string{"id", "n", "h", "home", "kind", "mac", "mac-lower", "seed", "run"}
)

// numbered reports whether a place takes a width.
func numbered(name string) bool { return name == "n" || name == "h" || name == "mac" }

// Has reports whether the template has the place.
func (t Template) Has(name string) bool {
	for s := string(t); s != ""; {
		tok := nextToken(s)
		if tok.fault == nil && tok.name == name {
			return true
		}
		s = s[tok.size:]
	}
	return false
}

// Fixed reports whether the template has no place at all.
func (t Template) Fixed() bool {
	for s := string(t); s != ""; {
		tok := nextToken(s)
		if tok.name != "" {
			return false
		}
		s = s[tok.size:]
	}
	return true
}

// templateFault is what is wrong with a template, and where in it.
type templateFault struct {
	offset, width int
	message, hint string
}

// check returns the first thing that is wrong with the template, if it may hold
// the given places and no others.
func (t Template) check(places []string) *templateFault { return t.checkWith(places, nil) }

// checkWith is check where the columns of a file are places, too.
func (t Template) checkWith(places []string, rows *Rows) *templateFault {
	for s := string(t); s != ""; {
		tok := nextToken(s)
		f := tok.fault
		if f == nil && tok.name != "" && !slices.Contains(places, tok.name) && !rows.has(tok.name) {
			f = &templateFault{width: tok.size}
			if rows.column(tok.name) >= 0 {
				f.message, f.hint = "{"+tok.name+"} is a secret, which no template has", "devices use it as their password by themselves"
			} else if rows != nil {
				f.message = fmt.Sprintf("unknown place {%s}", tomlfault.Short(tok.name))
				f.hint = "places: " + braced(places) + ", and the columns of " + rows.name
			} else if slices.Contains(devicePlaces, tok.name) {
				f.message = fmt.Sprintf("{%s} cannot be used here", tok.name)
				f.hint = "places: " + braced(places)
			} else {
				f.message = fmt.Sprintf("unknown place {%s}", tomlfault.Short(tok.name))
				f.hint = "places: " + braced(places)
				if near, ok := words.Nearest(tok.name, places); ok {
					f.hint = fmt.Sprintf("did you mean {%s}?", near)
				}
			}
		}
		if f == nil && tok.width > 0 && !numbered(tok.name) {
			f = &templateFault{width: tok.size, message: fmt.Sprintf("{%s} takes no width; {n}, {h} and {mac} do", tok.name)}
		}
		if f != nil {
			f.offset += len(t) - len(s)
			return f
		}
		s = s[tok.size:]
	}
	return nil
}

func braced(places []string) string {
	return "{" + strings.Join(places, "}, {") + "}"
}

// token is the next piece of a template: text as it is, or a place.
type token struct {
	text  string // what it stands for, of text
	name  string // of a place
	width int    // of a place; 0: none
	size  int    // bytes of the template it takes up, at least 1
	fault *templateFault
}

// maxWidth is the most digits a number is padded to.
const maxWidth = 20

// nextToken reads one token from the start of s, which is not empty.
func nextToken(s string) token {
	switch {
	case strings.HasPrefix(s, "{{"), strings.HasPrefix(s, "}}"):
		return token{text: s[:1], size: 2}
	case s[0] == '}':
		return token{text: s[:1], size: 1, fault: &templateFault{
			width: 1, message: `"}" without a "{" before it`, hint: `a brace itself is written "}}"`,
		}}
	case s[0] != '{':
		n := strings.IndexAny(s, "{}")
		if n < 0 {
			n = len(s)
		}
		return token{text: s[:n], size: n}
	}
	end := strings.IndexAny(s[1:], "{}") + 1
	if end <= 0 || s[end] != '}' {
		return token{text: s[:1], size: 1, fault: &templateFault{
			width: 1, message: `"{" without a "}" after it`, hint: `a brace itself is written "{{"`,
		}}
	}
	tok := token{text: s[:end+1], size: end + 1}
	name, width, hasWidth := strings.Cut(s[1:end], ":")
	if tok.name = name; name == "" {
		tok.name = "?" // "{}" and "{:3}" are places all the same
		tok.fault = &templateFault{width: tok.size, message: "a place without a name", hint: `a brace itself is written "{{"`}
	}
	if !hasWidth || tok.fault != nil {
		return tok
	}
	n, err := strconv.ParseUint(width, 10, 8)
	switch {
	case !numbered(name) && slices.Contains(devicePlaces, name):
		tok.fault = &templateFault{width: tok.size, message: fmt.Sprintf("{%s} takes no width; {n}, {h} and {mac} do", name)}
	case err != nil || n < 1 || n > maxWidth || width[0] == '0':
		tok.fault = &templateFault{
			width:   tok.size,
			message: fmt.Sprintf("bad width %q; want 1 to %d, as in {n:3}", tomlfault.Short(width), maxWidth),
		}
	}
	tok.width = int(n)
	return tok
}
