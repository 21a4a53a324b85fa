package tomlfault

import (
	"fmt"
	"strconv"
	"strings"

	"homefleet/devices/words"
)

// Part is a part of a rendered fault, for whoever gives each its colour.
type Part int

// The parts of a rendering.
const (
	Location Part = iota // file:line:col
	ErrorWord
	WarningWord
	Message
	Gutter // line number and bar before the source
	Source
	Carets
	HintWord
	Hint
	Count
)

// Painter returns text as it is to be shown; it may add escape sequences and
// must not change the words. A nil Painter shows text as it is.
type Painter func(p Part, text string) string

// maxShown is how many faults one rendering shows: a file of another kind
// altogether has one on every line, and the first hundred tell.
const maxShown = 100

// maxSource is how many characters of a source line are shown: more would wrap
// on a terminal and the carets would be nowhere near their token.
const maxSource = 110

// Render returns the faults as text for people, one after another, each with
// its source line, carets under the token and a hint, and a count at the end:
//
//	flat.toml:3:1: error: unknown key "sed"
//	  3 | sed = 7
//	    | ^^^
//	hint: did you mean "seed"?
//	1 error
//
// The text ends with a newline, or is empty if there are no faults. Control
// characters of the source are shown as "?", so that no file can command the
// terminal.
func (fs Faults) Render(paint Painter) string {
	if len(fs) == 0 {
		return ""
	}
	if paint == nil {
		paint = func(_ Part, text string) string { return text }
	}
	var b strings.Builder
	for i, f := range fs {
		if i == maxShown {
			fmt.Fprintf(&b, "%s\n", paint(Count, fmt.Sprintf("... and %d more", len(fs)-i)))
			break
		}
		f.render(&b, paint)
	}
	b.WriteString(paint(Count, fs.count()))
	b.WriteByte('\n')
	return b.String()
}

// Text returns one fault on one line, without source and hint:
// "flat.toml:3:1: error: unknown key ...".
func (f Fault) Text() string {
	return f.where() + ": " + string(f.Severity) + ": " + f.what()
}

func (f Fault) where() string {
	if f.Line == 0 {
		return printable(f.File)
	}
	return fmt.Sprintf("%s:%d:%d", printable(f.File), f.Line, f.Col)
}

// what is the message; where no line says which key is meant, the path does.
func (f Fault) what() string {
	if f.Line == 0 && f.Path != "" {
		return printable(f.Path + ": " + f.Message)
	}
	return printable(f.Message)
}

func (f Fault) render(b *strings.Builder, paint Painter) {
	word := ErrorWord
	if f.Severity == Warning {
		word = WarningWord
	}
	fmt.Fprintf(b, "%s: %s: %s\n", paint(Location, f.where()), paint(word, string(f.Severity)), paint(Message, f.what()))
	if f.Line > 0 {
		source, col, width := window(f.Source, f.Col-1, f.Width)
		number := strconv.Itoa(f.Line)
		fmt.Fprintf(b, "%s %s\n", paint(Gutter, "  "+number+" |"), paint(Source, source))
		fmt.Fprintf(b, "%s %s%s\n", paint(Gutter, "  "+strings.Repeat(" ", len(number))+" |"),
			padding(source, col), paint(Carets, strings.Repeat("^", max(width, 1))))
	}
	if f.Hint != "" {
		fmt.Fprintf(b, "%s %s\n", paint(HintWord, "hint:"), paint(Hint, printable(f.Hint)))
	}
}

// count is the closing line: "2 errors, 1 warning".
func (fs Faults) count() string {
	errs := len(fs.Errors())
	var parts []string
	if errs > 0 {
		parts = append(parts, words.Plural(int64(errs), "error", "errors"))
	}
	if warnings := len(fs) - errs; warnings > 0 {
		parts = append(parts, words.Plural(int64(warnings), "warning", "warnings"))
	}
	return strings.Join(parts, ", ")
}

// window returns the part of a source line that is shown, and where in it the
// token is. col counts from 0, in characters as width does.
func window(source string, col, width int) (string, int, int) {
	runes := []rune(printable(source))
	col = min(max(col, 0), len(runes))
	from, to := 0, len(runes)
	if len(runes) > maxSource {
		if col > maxSource/2 {
			from = min(col-maxSource/4, len(runes)-maxSource)
		}
		to = min(from+maxSource, len(runes))
	}
	shown := string(runes[from:to])
	width = max(min(width, to-col), 1)
	col -= from
	if from > 0 {
		shown = "..." + shown
		col += 3
	}
	if to < len(runes) {
		shown += "..."
	}
	return shown, col, width
}

// padding is blank space as wide as the first col characters of source: a tab
// stays a tab, because nobody knows how wide the terminal makes it.
func padding(source string, col int) string {
	var b strings.Builder
	for _, r := range source {
		if col == 0 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
		col--
	}
	return b.String()
}

// printable replaces what a terminal might obey, one character for one.
func printable(s string) string { return words.Mask(s) }
