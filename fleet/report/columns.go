package report

import (
	"strings"
	"unicode"

	"homefleet/devices/words"
)

// clean makes foreign text one line that is harmless.
func clean(s string) string {
	return words.Plain(strings.NewReplacer("\n", " ", "\t", " ").Replace(s))
}

// width is how many columns a text takes: two for the wide scripts, none for
// marks that stand over another letter.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xa960 && r <= 0xa97f, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f000 && r <= 0x1faff, r >= 0x20000:
		return 2
	}
	return 1
}

// pad fills a text up at its right.
func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(columns-width(s), 0))
}

// lead fills a text up at its left.
func lead(s string, columns int) string {
	return strings.Repeat(" ", max(columns-width(s), 0)) + s
}

// clip cuts a text that is too wide.
func clip(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	n := 0
	for i, r := range s {
		if n += runeWidth(r); n > columns-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// wrap breaks a text between words so that no line is wider than columns; a
// word that is wider by itself is cut.
func wrap(s string, columns int) []string {
	columns = max(columns, 4)
	var lines []string
	line, used := "", 0
	for word := range strings.FieldsSeq(s) {
		if n := width(word); used > 0 && used+1+n <= columns {
			line, used = line+" "+word, used+1+n
			continue
		}
		if used > 0 {
			lines = append(lines, line)
		}
		line, used = "", 0
		for _, r := range word {
			if used+runeWidth(r) > columns {
				lines = append(lines, line)
				line, used = "", 0
			}
			line, used = line+string(r), used+runeWidth(r)
		}
	}
	if used > 0 || lines == nil {
		lines = append(lines, line)
	}
	return lines
}

func first(lines []string) string { return lines[0] }

func rest(lines []string) []string { return lines[1:] }

// columnWidths are the columns that each column of cells takes.
func columnWidths(cells [][]string) []int {
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, c := range line {
			widths[i] = max(widths[i], width(c))
		}
	}
	return widths
}

// tableLine lays figures out under one another, two columns apart.
func tableLine(cells []string, widths []int) string {
	var b strings.Builder
	for i, c := range cells {
		b.WriteString("  " + lead(c, widths[i]))
	}
	return b.String()
}
