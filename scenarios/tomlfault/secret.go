package tomlfault

import (
	"cmp"
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

// value matches the value of a key: in quotation marks of either kind, or bare.
const value = `["']?[ \t]*=[ \t]*(?:"+((?:[^"\\\n]|\\.)*)|'+([^'\n]*)|([^"'\s][^,}\s#]*))`

// These match what is not to be shown: the value of a key that is called password,
// token or the like, however it is spelled (password_env and password_file, which
// hold no password, have an underscore); what stands in an address before its @;
// its query; and a password that was taken for the name of a variable.
var (
	hiddenValue = regexp.MustCompile(`(?i)\b(?:pas[a-z]*|secret|token|api[_-]?key|credentials?)` + value)
	hiddenUser  = regexp.MustCompile(`(?i)(?:://|\burl["']?[ \t]*=[ \t]*["'](?:[a-z+]*://)?)([^"'\n]*)@`)
	hiddenQuery = regexp.MustCompile(`(?i)://[^"'\s?#]*[?#]([^"'\s]+)`)
	hiddenName  = regexp.MustCompile(`(?i)\bpas[a-z]*_env` + value)
)

// secrets finds what of a text is not to be shown, in its order.
func secrets(text string) []secret {
	var all []secret
	for _, h := range []*regexp.Regexp{hiddenValue, hiddenUser, hiddenQuery, hiddenName} {
		for _, m := range h.FindAllStringSubmatchIndex(text, -1) {
			for group := 1; group < len(m)/2; group++ {
				start, end := m[2*group], m[2*group+1]
				if start < end && (h != hiddenName || !EnvName(text[start:end])) {
					all = append(all, secret{span{start, end}, group == 3 || h == hiddenQuery})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b secret) int { return cmp.Compare(a.start, b.start) })
	return all
}

// envName matches what is called as people call the variable that a password is
// in: capitals, digits, underscores and the places of a template, with a word in
// it that says what it is for.
var envName = regexp.MustCompile(`^(?:[A-Z0-9]+_+)*(?:PASS|PASSWORD|PASSWD|PASSPHRASE|PW|PWD)(?:_+(?:[A-Z0-9]+|\{[a-z]+(?::[0-9]+)?\}))*$`)

// EnvName reports whether the name of an environment variable that is to hold a
// password may be shown: anything else may be the password itself, which somebody
// put there by mistake.
func EnvName(name string) bool { return envName.MatchString(name) }

// structure matches what a TOML file has at least one of: a table, or a key with
// a value.
var structure = regexp.MustCompile(`(?m)^\s*(?:\[\[?\s*[\w"'-]|[\w."'-]+(?:[ \t]*=[ \t]*(?:["'\[{]|(?:true|false|[+-]?[0-9][0-9_.:TZ+-]*)[ \t]*(?:#.*)?\r?$)|[ \t]+=|[ \t]*=[ \t]+\S))`)

// structured reports whether a text looks like TOML at all. What does not may be
// a file of another kind, such as one with a password in it, of which nothing is
// shown.
func structured(text string) bool { return structure.MatchString(text) }

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
