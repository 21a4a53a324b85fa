// Package words puts numbers, durations, foreign text and mistyped names the way people
// read them. It knows nothing of what they are about.
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

// Duration is a time that somebody chose, as a scenario writes it: "1h30m", "45s",
// "250ms". It is exact, and without the zero units that its String appends: "5m" for
// "5m0s".
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
