package tomlfault

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// secret is a stretch of a text that nobody but its author should read. Faults
// are shown where others look on, such as in the log of a build.
type secret struct {
	span
	bare bool // it has no quotation marks, so that a message may repeat it
}

// hidden matches the value of a key that is called password, however it is
// spelled, and what stands in an address before its @. password_env and
// password_file, which hold no password, have an underscore.
var hidden = regexp.MustCompile(`(?i)\bpas[a-z]*["']?[ \t]*=[ \t]*(?:"+((?:[^"\\\n]|\\.)*)|'+([^'\n]*)|([^"'\s][^,}\s#]*))` +
	`|(?:://|\burl["']?[ \t]*=[ \t]*["'](?:[a-z+]*://)?)([^"'\n]*)@`)

// secrets finds what of a text is not to be shown.
func secrets(text string) []secret {
	var all []secret
	for _, m := range hidden.FindAllStringSubmatchIndex(text, -1) {
		for group := 1; group < len(m)/2; group++ {
			if start, end := m[2*group], m[2*group+1]; start < end {
				all = append(all, secret{span{start, end}, group == 3})
			}
		}
	}
	return all
}

// isSecret reports whether the byte at an offset is not to be shown.
func (d *Document) isSecret(offset int) bool {
	return slices.ContainsFunc(d.secrets, func(s secret) bool { return s.start <= offset && offset < s.end })
}

// hide puts an asterisk in the place of each secret character of a line, which
// stands in the document at a byte, and of what texts about it repeat.
func (d *Document) hide(line string, start int, about ...*string) string {
	var b strings.Builder
	done := 0 // of line
	for _, s := range d.secrets {
		from, to := max(s.start-start, done), min(s.end-start, len(line))
		if from >= to {
			continue
		}
		stars := strings.Repeat("*", utf8.RuneCountInString(line[from:to]))
		b.WriteString(line[done:from] + stars)
		if s.bare {
			for _, text := range about {
				*text = strings.ReplaceAll(*text, line[from:to], stars)
			}
		}
		done = to
	}
	return b.String() + line[done:]
}
