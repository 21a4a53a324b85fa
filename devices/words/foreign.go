package words

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text that came from elsewhere (a network, a file, a name) may command the
// terminal it is shown on, reorder the line it stands in, or end it. These
// functions are the one place where it becomes printable: letters, marks,
// numbers, punctuation, symbols and the plain space pass, as [unicode.IsPrint]
// has it; controls (C0, DEL and C1), line and paragraph separators, bidirectional
// and other format characters, and bytes that are no UTF-8 are escaped.

// Printable returns foreign text that stands by itself: as it is if it is
// harmless, otherwise quoted as Go quotes it.
func Printable(s string) string {
	if harmless(s, "") {
		return s
	}
	return strconv.Quote(s)
}

// Plain returns foreign text in the middle of other text, on one line: each
// character that is not harmless stands as its escape, such as \x1b, \n or
// \u202e, without quotation marks.
func Plain(s string) string { return plain(s, "") }

// PlainLines is Plain for text of several lines: newlines and tabs stay.
func PlainLines(s string) string { return plain(s, "\n\t") }

// PlainJSON returns a JSON text, which is valid, with every character that is
// not harmless escaped as \u and four digits: to a parser it is the same text.
func PlainJSON(text []byte) []byte {
	var out []byte // nil as long as nothing had to be escaped
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if passes(r, n, "\n\t\r") {
			if out != nil {
				out = append(out, text[i:i+n]...)
			}
			i += n
			continue
		}
		if out == nil {
			out = append(make([]byte, 0, len(text)+64), text[:i]...)
		}
		out = appendJSONEscape(out, r)
		i += n
	}
	if out == nil {
		return text
	}
	return out
}

// appendJSONEscape appends a character as JSON escapes it: beyond U+FFFF as a
// pair of surrogates (RFC 8259, section 7).
func appendJSONEscape(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	units := []rune{r}
	if r > 0xFFFF {
		units = []rune{0xD800 + (r-0x10000)>>10, 0xDC00 + (r-0x10000)&0x3FF}
	}
	for _, u := range units {
		dst = append(dst, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
	}
	return dst
}

// passes reports whether a character, which takes n bytes, is harmless or one of
// those that are let through besides.
func passes(r rune, n int, also string) bool {
	if r == utf8.RuneError && n <= 1 {
		return false // a byte that is no UTF-8
	}
	if unicode.IsPrint(r) {
		return true
	}
	for _, a := range also {
		if r == a {
			return true
		}
	}
	return false
}

// harmless reports whether all of a text is.
func harmless(s, also string) bool {
	for i := 0; i < len(s); {
		if ' ' <= s[i] && s[i] <= '~' { // most of most texts
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !passes(r, n, also) {
			return false
		}
		i += n
	}
	return true
}

func plain(s, also string) string {
	if harmless(s, also) {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if passes(r, n, also) {
			b = append(b, s[i:i+n]...)
		} else {
			quoted := strconv.Quote(s[i : i+n])
			b = append(b, quoted[1:len(quoted)-1]...)
		}
		i += n
	}
	return string(b)
}

// Short cuts text that is to be quoted in a message to a bearable length.
func Short(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	runes := []rune(text[:min(len(text), 4*most)])
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-3]) + "..."
}

// Mask returns text of one line, character for character: a "?" stands in the
// place of each that is not harmless, tabs aside, so that what is drawn below the
// line still points at the right place.
func Mask(s string) string {
	if harmless(s, "\t") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if passes(r, n, "\t") {
			b = append(b, s[i:i+n]...)
		} else {
			b = append(b, '?')
		}
		i += n
	}
	return string(b)
}

// PlainScreen is PlainLines for what goes to a screen. Where that has colours,
// the sequences that choose colour and weight pass as well, and no others.
func PlainScreen(s string, colours bool) string {
	if !colours || !strings.Contains(s, "\x1b[") {
		return PlainLines(s)
	}
	var b strings.Builder
	for s != "" {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			break
		}
		end := i + 2
		for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == ';') {
			end++
		}
		if end < len(s) && s[end] == 'm' {
			b.WriteString(PlainLines(s[:i]) + s[i:end+1])
			s = s[end+1:]
			continue
		}
		b.WriteString(PlainLines(s[:i+1]))
		s = s[i+1:]
	}
	b.WriteString(PlainLines(s))
	return b.String()
}
