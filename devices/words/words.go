// Package words puts numbers, durations and mistyped names the way people read
// them. It knows nothing of what they are about.
package words

import (
	"strconv"
	"strings"
	"time"
)

// Grouped is n with a comma between thousands: "-1,234,567".
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural is "1 answer", "2,000 answers".
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Grouped(n) + " " + many
}

// Duration writes a duration without the zero units that its String appends:
// "5m" for "5m0s".
func Duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Nearest returns the known word that was most likely meant by word: the one
// the fewest single-byte edits away (a swap of two neighbours is one), if
// that is no more than a third of the word, and not all of it. Case does not
// count. ok is false if nothing is near enough.
func Nearest(word string, known []string) (nearest string, ok bool) {
	const longest = 64 // nobody mistypes more, and the table below is square
	if word == "" || len(word) > longest {
		return "", false
	}
	low := strings.ToLower(word)
	best := min(max(len(word)/3, 1), len(word)-1) + 1
	for _, k := range known {
		if len(k) > longest {
			continue
		}
		if d := edits(low, strings.ToLower(k)); d < best {
			best, nearest = d, k
		}
	}
	return nearest, nearest != ""
}

// edits is the number of insertions, deletions, replacements and swaps of
// neighbours between a and b (optimal string alignment).
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// Rate is events a second: "500/s", "0.5/s".
func Rate(v float64) string {
	switch {
	case v >= 99.5:
		return Grouped(int64(v+0.5)) + "/s"
	case v >= 10 || v == float64(int(v)):
		return strconv.FormatFloat(v, 'f', 0, 64) + "/s"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + "/s"
}

// Span is a duration as people say it, to three digits or so: "0.8 ms", "12 ms",
// "1.2 s", "3m20s".
func Span(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return decimals(d.Seconds()*1e3, 1) + " ms"
	case d < time.Second:
		return decimals(d.Seconds()*1e3, 0) + " ms"
	case d < time.Minute:
		return decimals(d.Seconds(), 1) + " s"
	}
	return d.Round(time.Second).String()
}

func decimals(v float64, n int) string { return strconv.FormatFloat(v, 'f', n, 64) }
