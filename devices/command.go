package devices

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// trim cuts ASCII white space from both ends.
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

// equalFold reports whether b is s without regard to ASCII case. Unlike
// bytes.EqualFold it takes no other letter for an ASCII one (the Kelvin sign
// for k).
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// maxDigits is how many digits a number may have. That many make an integer
// below 2^53, so that a single division gives the nearest float64.
const maxDigits = 15

// parseNumber reads an optional sign, digits and an optional fraction: no
// exponent, no hexadecimal, no underscore, no NaN, no infinity. Signed says
// whether there was a sign, which makes a command a relative one.
func parseNumber(b []byte) (f float64, signed, ok bool) {
	negative := false
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		negative, signed = b[0] == '-', true
		b = b[1:]
	}
	if len(b) == 0 || len(b) > maxDigits+1 || b[0] == '.' || b[len(b)-1] == '.' {
		return 0, false, false
	}
	mantissa, scale, digits, point := int64(0), 1.0, 0, false
	for _, c := range b {
		switch {
		case c == '.' && !point:
			point = true
		case '0' <= c && c <= '9':
			if digits++; digits > maxDigits {
				return 0, false, false
			}
			mantissa = mantissa*10 + int64(c-'0')
			if point {
				scale *= 10
			}
		default:
			return 0, false, false
		}
	}
	f = float64(mantissa) / scale
	if negative {
		f = -f
	}
	return f, signed, true
}

// parsePower reads ON, OFF or TOGGLE in any of their spellings; now is what
// TOGGLE turns around.
func parsePower(b []byte, now bool) (on, ok bool) {
	switch {
	case equalFold(b, "on"), equalFold(b, "true"), equalFold(b, "1"):
		return true, true
	case equalFold(b, "off"), equalFold(b, "false"), equalFold(b, "0"):
		return false, true
	case equalFold(b, "toggle"), equalFold(b, "2"):
		return !now, true
	}
	return false, false
}

// wantsPower is Attribute.Wants of every power attribute.
const wantsPower = "ON, OFF or TOGGLE (or 1, 0, 2, true, false)"

func powerWord(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

// startCommand does what every Do begins with: it finds the attribute and
// trims the payload. Done is true when nothing is left to do, which is so for
// a query and for an error.
func startCommand(k *Kind, attr int, payload []byte) (value []byte, done bool, err error) {
	if attr < 0 || attr >= len(k.Attributes) {
		return nil, true, fmt.Errorf("%s: no attribute %d; want 0 to %d", k.Name, attr, len(k.Attributes)-1)
	}
	value = trim(payload)
	if len(value) == 0 {
		return nil, true, nil
	}
	if k.Attributes[attr].ReadOnly {
		return nil, true, refuse(k, attr, value, "cannot be set")
	}
	return value, false, nil
}

// refuse says that a command was not understood: attribute, payload, what was
// wrong with it, what was wanted.
func refuse(k *Kind, attr int, value []byte, wrong string) error {
	a := &k.Attributes[attr]
	return fmt.Errorf("%s: %s %s; want %s", a.Name, quote(value), wrong, a.Wants)
}

const (
	notANumber    = "is not a plain decimal number"
	notWhole      = "is not a whole number"
	outOfRange    = "is out of range"
	notUnderstood = "is not understood"
)

// maxQuoted bounds the payload text in an error, in bytes, quotes included.
const maxQuoted = 40

// quote returns untrusted text as a short quoted ASCII string; what was cut is
// told by its length.
func quote(b []byte) string {
	out := make([]byte, 0, maxQuoted+24)
	out = append(out, '"')
	var buf [16]byte
	for i := 0; i < len(b); {
		// A rune is quoted with its quotes, which are then left out.
		_, n := utf8.DecodeRune(b[i:])
		q := strconv.AppendQuoteToASCII(buf[:0], string(b[i:i+n]))
		q = q[1 : len(q)-1]
		if len(out)+len(q)+len(`"...`) > maxQuoted {
			out = append(out, `"...`...)
			return string(fmt.Appendf(out, " (%d bytes)", len(b)))
		}
		out = append(out, q...)
		i += n
	}
	return string(append(out, '"'))
}

// isWhole reports whether f has no fraction.
func isWhole(f float64) bool { return f == math.Trunc(f) }

// appendFixed appends f with so many decimals, and never a minus zero, which
// JSON readers and people both stumble over.
func appendFixed(dst []byte, f float64, decimals int) []byte {
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', decimals, 64)
	if dst[from] == '-' {
		for _, c := range dst[from+1:] {
			if c != '0' && c != '.' {
				return dst
			}
		}
		dst = append(dst[:from], dst[from+1:]...)
	}
	return dst
}

// The append functions below write members of a JSON object. Names and texts
// are the package's own words, which need no escaping.

func appendTextMember(dst []byte, name, text string) []byte {
	dst = appendName(dst, name)
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

func appendNumberMember(dst []byte, name string, f float64, decimals int) []byte {
	return appendFixed(appendName(dst, name), f, decimals)
}

func appendName(dst []byte, name string) []byte {
	if len(dst) > 0 && dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}
