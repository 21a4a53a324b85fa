package tomlfault

import (
	"encoding/json"
	"regexp"
	"strings"
)

// otherFormat says in a hint what a text that is no TOML may be: what other tools read.
// It repeats nothing of the text.
func otherFormat(text string) string {
	const instead = "; want TOML, in which a group of devices begins with [[device]]"
	switch {
	case strings.HasPrefix(strings.TrimSpace(text), "{") && json.Valid([]byte(text)):
		return "it is JSON" + instead
	case yamlLine.MatchString(text):
		return "it looks like YAML" + instead
	}
	return ""
}

// yamlLine is a mapping or a list of mappings, of which nothing is in a password.
var yamlLine = regexp.MustCompile(`(?m)^(- )?[A-Za-z_][A-Za-z_0-9-]*:([ \t].*)?\r?\n`)
