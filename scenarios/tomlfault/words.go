package tomlfault

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest returns the known word that was most likely meant by word: the one
// the fewest single-character edits away (a swap of two neighbours is one), if
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
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	before, last, row := rows[0], rows[1], rows[2]
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

// DidYouMean returns a hint that names the nearest of the known words, or "" if
// none is near.
func DidYouMean(word string, known []string) string {
	if near, ok := Nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// Join lists words for people: `"a", "b" or "c"`.
func Join(words []string) string {
	quoted := slices.Clone(words)
	for i, w := range quoted {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
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
