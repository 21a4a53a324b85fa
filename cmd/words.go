package cmd

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"homefleet/devices/words"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// plural returns a number and its noun: "1 light", "1,000 lights".
func plural[N int | int64 | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	switch {
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ie"
	case strings.HasSuffix(noun, "ch"):
		noun += "e"
	}
	return words.Grouped(int64(n)) + " " + noun + "s"
}

// shortTime returns a time that passes while one looks, in whole seconds.
func shortTime(d time.Duration) string { return words.Duration(d.Truncate(time.Second)) }

// setting returns a duration that somebody chose, as a scenario writes it.
func setting(d time.Duration) string {
	if d >= scenarios.SessionNeverExpires {
		return "never"
	}
	return tomlfault.FormatDuration(d)
}

// jsonSpan returns a duration for a JSON document: the unit is in the value, as
// everywhere, and is always milliseconds below a second and seconds above.
func jsonSpan(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(float64(d.Microseconds())/1e3, 'f', -1, 64) + "ms"
	}
	return strconv.FormatFloat(float64(d.Milliseconds())/1e3, 'f', -1, 64) + "s"
}

// readable returns bytes that came from elsewhere as one line of text: as they
// are if that is harmless on a terminal, otherwise quoted.
func readable(b []byte) string {
	if len(b) == 0 {
		return `""`
	}
	if !utf8.Valid(b) {
		return "0x" + fmt.Sprintf("%x", b)
	}
	return words.Printable(string(b))
}

// rows lays out words and their values in two columns.
type rows struct {
	names, values []string
}

func (r *rows) add(name, format string, args ...any) {
	r.names = append(r.names, name)
	r.values = append(r.values, fmt.Sprintf(format, args...))
}

// text returns the rows, indented, the names in one column and dimmed.
func (r *rows) text(indent string, p paint) string {
	width := 0
	for _, n := range r.names {
		width = max(width, utf8.RuneCountInString(n))
	}
	var b strings.Builder
	for i, n := range r.names {
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(n)+2)
		if r.values[i] == "" {
			pad = ""
		}
		// The lines of a value of several stand below each other.
		value := strings.ReplaceAll(r.values[i], "\n", "\n"+indent+strings.Repeat(" ", width+2))
		fmt.Fprintf(&b, "%s%s%s%s\n", indent, p.dim(n), pad, value)
	}
	return b.String()
}

// printable returns one line of text that came from elsewhere, harmless on a
// terminal.
func printable(s string) string { return words.Printable(s) }

// longReadable is readable for what may be 65,535 bytes long.
func longReadable(b []byte) string {
	const most = 64
	if len(b) <= most {
		return readable(b)
	}
	return fmt.Sprintf("%s… (%s)", readable(b[:most:most]), plural(len(b), "byte"))
}

// payloadWords shows a payload: text as it stands, also of several lines, and
// anything else quoted or in hex.
func payloadWords(b []byte) string {
	text := strings.TrimSuffix(string(b), "\n")
	switch {
	case len(b) == 0:
		return "(empty)"
	case words.PlainLines(text) != text:
		return longReadable(b)
	}
	return text
}

// textOrHex returns bytes for a JSON document: as text if they are UTF-8.
func textOrHex(b []byte) (text *string, digits string) {
	switch {
	case b == nil:
		return nil, ""
	case utf8.Valid(b):
		return new(string(b)), ""
	}
	return nil, hex.EncodeToString(b)
}

// randomHex returns n random bytes in hex.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// didYouMean is the hint for a word that is not known: the one that was most
// likely meant, or all there are. what names them.
func didYouMean(word string, known []string, what string) string {
	if near, ok := words.Nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return what + ": " + strings.Join(known, ", ")
}
