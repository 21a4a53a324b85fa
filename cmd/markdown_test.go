package cmd

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"homefleet/scenarios"
)

func TestMarkdownText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"# A `title`\n\nOne [link](x.md)\nand **two**.\n", "A title\n\nOne link and two.\n"},
		{"At most\n100,000 of them.\n", "At most 100,000 of them.\n"},
		{"1. one\n2. two\n", "1. one\n2. two\n"},
		{"- one\n- two\n", "- one\n- two\n"},
		{"<!-- keys: x -->\n| key | goes with | form | default | meaning |\n|---|---|---|---|---|\n" +
			"| `a` |  | text | none | what it is |\n| `bc` | `x` | rate | `\"1/s\"` | how many |\n<!-- end -->\n",
			"  a   text\n      what it is\n  bc  goes with x; rate; default \"1/s\"\n      how many\n"},
		{"- " + strings.Repeat("word ", 20), "- " + strings.TrimSpace(strings.Repeat("word ", 17)) + "\n  word word word\n"},
		{"*some* (*words*), state.*, telemetry.* and 2 * 3\n", "some (words), state.*, telemetry.* and 2 * 3\n"},
		{"| what | n | met |\n|---|---|---|\n| " + strings.Repeat("long ", 16) + "| 7.60 | yes |\n| short | 12 | |\n",
			"  what" + strings.Repeat(" ", 73) + "n     met\n  " + strings.TrimSpace(strings.Repeat("long ", 15)) + "   7.60  yes\n  long\n  short" + strings.Repeat(" ", 72) + "12\n"},
		{"```toml\n[a]\n\nb = 1 # x\n```\n", "    [a]\n\n    b = 1 # x\n"},
		{strings.Repeat("word ", 30), strings.TrimSpace(strings.Repeat("word ", 17)) + "\n" + strings.TrimSpace(strings.Repeat("word ", 13)) + "\n"},
	} {
		if got := markdownText(tt.in, paint{}); got != tt.want {
			t.Errorf("markdownText(%q) = %q; want %q", tt.in, got, tt.want)
		}
	}
}

// TestHelpHasEveryWord checks that what help prints of the reference leaves none of
// its words out.
func TestHelpHasEveryWord(t *testing.T) {
	mark := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	got := strings.FieldsFunc(markdownText(scenarios.Reference(), paint{}), mark)
	for i, line := range strings.Split(scenarios.Reference(), "\n") {
		if strings.HasPrefix(line, "<!--") || strings.Contains(line, "](") || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "```") || strings.HasPrefix(line, "<a ") ||
			strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| `") {
			continue
		}
		for word := range strings.FieldsFuncSeq(line, mark) {
			if word != "none" && !slices.Contains(got, word) {
				t.Errorf("help has no %q of line %d, %s", word, i+1, line)
			}
		}
	}
}
