// Package words puts numbers, durations, foreign text and mistyped names the way people
// read them. It knows nothing of what they are about.
package words

import (
	"cmp"
	"slices"
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

// Closest returns up to n of the known words that are most like a word, the likest first: those
// that have the longest stretch of three letters or more in common with it, and of these
// those the fewest edits away. It is for a word of which nobody can tell what it was meant
// to be, from a list too long to show.
func Closest(word string, known []string, n int) []string {
	low := strings.ToLower(word[:min(len(word), 64)])
	type like struct {
		word          string
		common, edits int
	}
	all := make([]like, 0, len(known))
	for _, k := range known {
		l := like{word: k, edits: edits(low, strings.ToLower(k[:min(len(k), 64)]))}
		if c := common(low, strings.ToLower(k)); c >= 3 {
			l.common = c
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b like) int { return cmp.Or(b.common-a.common, a.edits-b.edits) })
	var out []string
	for _, l := range all[:min(n, len(all))] {
		out = append(out, l.word)
	}
	return out
}

// common is the length of the longest stretch that two words have in common.
func common(a, b string) (longest int) {
	for i := range a {
		for longest < len(a)-i && strings.Contains(b, a[i:i+longest+1]) {
			longest++
		}
	}
	return longest
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
