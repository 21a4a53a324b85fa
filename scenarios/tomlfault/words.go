package tomlfault

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/devices/words"
)

// DidYouMean returns a hint that names the nearest of the known words, or "" if
// none is near.
func DidYouMean(word string, known []string) string {
	if near, ok := words.Nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// Join lists words for people: `"a", "b" or "c"`.
func Join(list []string) string {
	quoted := slices.Clone(list)
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
func Short(text string) string { return words.Short(text) }
