package cmd

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

const markdownWidth = 88 // characters of a line

// markdownText returns Markdown as a terminal has it: headings in bold, paragraphs
// wrapped, examples indented, and of a table each row as a name with what is said
// of it. It knows what our own documents are written with.
func markdownText(text string, p paint) string {
	var b strings.Builder
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		line := lines[i]
		block := func(belongs func(string) bool) []string {
			from := i
			for i < len(lines) && belongs(lines[i]) {
				i++
			}
			return lines[from:i]
		}
		switch {
		case strings.HasPrefix(line, "```"):
			i++
			for _, l := range block(func(l string) bool { return !strings.HasPrefix(l, "```") }) {
				b.WriteString(strings.TrimRight("    "+l, " ") + "\n")
			}
			i++
		case strings.HasPrefix(line, "|"):
			b.WriteString(tableText(block(func(l string) bool { return strings.HasPrefix(l, "|") }), p))
		case strings.HasPrefix(line, "#"):
			b.WriteString(p.bold(inline(strings.TrimLeft(line, "# "))) + "\n")
			i++
		case strings.HasPrefix(line, "<!--"), line == "" && strings.HasSuffix("\n"+b.String(), "\n\n"):
			i++
		case line == "":
			b.WriteString("\n")
			i++
		default:
			i++
			paragraph := append([]string{line}, block(func(l string) bool { return l != "" && !begins.MatchString(l) })...)
			b.WriteString(strings.Join(wrap(inline(strings.Join(paragraph, " ")), markdownWidth), "\n") + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// tableText returns a table: of each row its first cell, and the others beside it,
// the last in lines of its own.
func tableText(lines []string, p paint) string {
	heads := cells(lines[0])
	var rs rows
	for _, line := range lines[min(2, len(lines)):] {
		var facts []string
		row := cells(line)
		for i := 1; i < len(row)-1; i++ {
			switch head := heads[min(i, len(heads)-1)]; {
			case row[i] == "" || row[i] == "none" && head == "default":
			case head == "default" && row[i] != "required", strings.HasPrefix(row[i], "\"") && head != "form":
				facts = append(facts, head+" "+row[i])
			case head == "goes with" && !strings.Contains(row[i], "with ") && !strings.HasPrefix(row[i], "at "):
				facts = append(facts, head+" "+row[i])
			default:
				facts = append(facts, row[i])
			}
		}
		value := wrap(strings.Join(facts, "; "), markdownWidth-22)
		if len(facts) == 0 {
			value = nil
		}
		if len(row) > 1 {
			value = append(value, wrap(row[len(row)-1], markdownWidth-22)...)
		}
		rs.add(row[0], "%s", strings.Join(value, "\n"))
	}
	return rs.text("  ", p)
}

func cells(line string) []string {
	all := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
	for i, c := range all {
		all[i] = inline(strings.TrimSpace(c))
	}
	return all
}

var (
	begins = regexp.MustCompile("^([|#<]|```|[-*] |[0-9]+\\. )") // something other than more of a paragraph
	link   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	anchor = regexp.MustCompile(`<a [^>]*></a>`)
)

// inline returns a text without its marks.
func inline(s string) string {
	s = anchor.ReplaceAllString(link.ReplaceAllString(s, "$1"), "")
	return strings.NewReplacer("`", "", "**", "", `\*`, "*").Replace(s)
}

// wrap breaks a text into lines of at most so many characters, if its words let
// it.
func wrap(text string, width int) []string {
	var all []string
	line, length := "", 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case line == "":
			line, length = word, n
		case length+1+n > width:
			all = append(all, line)
			line, length = word, n
		default:
			line, length = line+" "+word, length+1+n
		}
	}
	return append(all, line)
}
