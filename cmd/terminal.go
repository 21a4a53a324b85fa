package cmd

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/charmbracelet/x/term"

	"homefleet/devices/words"
)

// Stream is where a command writes. Colour, width and a line that is drawn anew
// are decided for each stream by itself: one may be a terminal and the other a
// file.
type Stream struct {
	io.Writer
	Terminal bool
	Columns  func() int // of a terminal; nil or 0: unknown
	Rows     func() int // likewise
}

// fileStream describes an open file.
func fileStream(f *os.File) Stream {
	s := Stream{Writer: f, Terminal: term.IsTerminal(f.Fd())}
	if s.Terminal {
		size := func() (width, height int) {
			width, height, err := term.GetSize(f.Fd())
			if err != nil {
				return 0, 0
			}
			return width, height
		}
		s.Columns = func() int { width, _ := size(); return width }
		s.Rows = func() int { _, height := size(); return height }
	}
	return s
}

// errOutClosed is that nobody reads what is written to stdout any more, as
// behind `| head -1`.
var errOutClosed = errors.New("nobody reads stdout any more")

// outClosed reports whether an error is no more than that. Who closes stdout
// wants no more of it: the exit code and the files are as they would be.
func outClosed(err error) bool { return errors.Is(err, errOutClosed) }

// outWriter is stdout.
type outWriter struct{ io.Writer }

func (w outWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		err = errOutClosed
	}
	return n, err
}

// columns returns the width to lay text out for.
func (s Stream) columns() int {
	const usual = 80
	if s.Columns == nil {
		return usual
	}
	if n := s.Columns(); n > 0 {
		return n
	}
	return usual
}

// rows returns how many lines there is room for.
func (s Stream) rows() int {
	const usual = 24
	if s.Rows == nil {
		return usual
	}
	if n := s.Rows(); n > 0 {
		return n
	}
	return usual
}

// paint colours text, or leaves it as it is. It uses the sixteen colours that
// every terminal has and its owner has chosen.
type paint struct{ on bool }

func (p paint) code(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p paint) bold(s string) string   { return p.code("1", s) }
func (p paint) dim(s string) string    { return p.code("2", s) }
func (p paint) red(s string) string    { return p.code("1;31", s) }
func (p paint) green(s string) string  { return p.code("32", s) }
func (p paint) yellow(s string) string { return p.code("33", s) }
func (p paint) cyan(s string) string   { return p.code("36", s) }

// painter gives each part of a text, as another package names them, the looks it
// has here; a part without any stays as it is.
func painter[Part comparable](looks map[Part]func(string) string) func(Part, string) string {
	return func(part Part, text string) string {
		if look, ok := looks[part]; ok {
			return look(text)
		}
		return text
	}
}

// outPaint and errPaint colour what goes to the two streams.
func (a *app) outPaint() paint { return paint{a.colours(a.Stdout)} }
func (a *app) errPaint() paint { return paint{a.colours(a.Stderr)} }

func (a *app) colours(s Stream) bool {
	if !s.Terminal || a.noColor {
		return false
	}
	v, _ := a.LookupEnv("NO_COLOR")
	return v == ""
}

// shellQuote returns a word as a POSIX shell reads it back.
func shellQuote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	if words.Plain(word) != word {
		// What a terminal would obey is written as its escape, which most shells read.
		quoted := strings.ReplaceAll(strconv.Quote(word), `\"`, `"`)
		return "$'" + strings.ReplaceAll(quoted[1:len(quoted)-1], "'", `\'`) + "'"
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
