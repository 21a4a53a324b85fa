package report

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// none stands for a figure that there is not.
const none = "–"

// clock is a time that was planned, or a moment of a run: exact to the millisecond.
func clock(d time.Duration) string {
	text, negative := strings.CutPrefix(words.Duration(d.Round(time.Millisecond)), "-")
	if negative {
		return "−" + text
	}
	return text
}

// span is clock for a span of a result.
func span(s metrics.Span) string { return clock(time.Duration(s)) }

// rateOver is n in a time, or none if there was no time.
func rateOver(n int64, d metrics.Span) string {
	if d <= 0 {
		return none
	}
	return words.Rate(float64(n) / time.Duration(d).Seconds())
}

// capital makes the first letter of a sentence a capital, unless it begins with
// the name of a metric ("requests.lost is 3").
func capital(s string) string {
	if first, _, _ := strings.Cut(s, " "); strings.Contains(strings.TrimRight(first, "."), ".") {
		return s
	}
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}
