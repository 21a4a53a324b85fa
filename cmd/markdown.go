package cmd

import (
	"regexp"
	"slices"
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
			item := bullet.FindString(line) // what stands below it is indented as far
			lines := wrap(inline(strings.Join(paragraph, " ")), markdownWidth-len(item))
			b.WriteString(strings.Join(lines, "\n"+strings.Repeat(" ", len(item))) + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// tableText returns a table. Of what is described, keys and fields, each row is its
// first cell and the others beside it, the last in lines of its own.
func tableText(lines []string, p paint) string {
	heads := cells(lines[0])
	if heads[0] != "key" && heads[0] != "field" {
		return gridText(lines, p)
	}
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

// gridText returns a table in columns, those narrowed that are the widest.
func gridText(lines []string, p paint) string {
	var table [][]string
	var widths []int
	for i, line := range lines {
		if i == 1 { // the rule below the heads
			continue
		}
		row := cells(line)
		for k, c := range row {
			if k == len(widths) {
				widths = append(widths, 0)
			}
			widths[k] = max(widths[k], utf8.RuneCountInString(c))
		}
		table = append(table, row)
	}
	for total(widths) > markdownWidth {
		widths[slices.Index(widths, slices.Max(widths))]--
	}
	var b strings.Builder
	for i, row := range table {
		height := 1
		parts := make([][]string, len(row))
		for k, c := range row {
			parts[k] = wrap(c, widths[k])
			height = max(height, len(parts[k]))
		}
		for y := range height {
			var line strings.Builder
			for k := range row {
				text := ""
				if y < len(parts[k]) {
					text = parts[k][y]
				}
				line.WriteString("  " + text + strings.Repeat(" ", max(widths[k]-utf8.RuneCountInString(text), 0)))
			}
			text := strings.TrimRight(line.String(), " ")
			if i == 0 {
				text = p.dim(text)
			}
			b.WriteString(text + "\n")
		}
	}
	return b.String()
}

// total is what columns take, two apart and two from the edge.
func total(widths []int) (n int) {
	for _, w := range widths {
		n += w + 2
	}
	return n
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
	bullet = regexp.MustCompile(`^([-*]|[0-9]+\.) `)
	marked = regexp.MustCompile(`(^|[\s(])\*([^*\s](?:[^*]*[^*\s])?)\*`) // emphasis, and no "state.*"
	link   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	anchor = regexp.MustCompile(`<a [^>]*></a>`)
)

// inline returns a text without its marks.
func inline(s string) string {
	s = anchor.ReplaceAllString(link.ReplaceAllString(s, "$1"), "")
	s = marked.ReplaceAllString(strings.ReplaceAll(s, "**", ""), "$1$2")
	return strings.NewReplacer("`", "", `\*`, "*").Replace(s)
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
