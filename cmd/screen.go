package cmd

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"homefleet/devices/words"
)

// screen is stderr. On a terminal it keeps a few lines at the bottom that say
// how things stand, and everything that is written scrolls by above them. Its
// methods may be called from any goroutine.
type screen struct {
	mu     sync.Mutex
	stream Stream
	drawn  []string // the lines as they are there
	widths []int    // of each, in characters
}

// Write implements io.Writer for whole lines.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := words.PlainScreen(string(b), s.stream.Terminal)
	if s.drawn == nil {
		if _, err := io.WriteString(s.stream, text); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	// One write, so that the terminal never shows the states between.
	joined := append([]byte(s.erase()), text...)
	joined = append(joined, strings.Join(s.drawn, "\n")...)
	if _, err := s.stream.Write(joined); err != nil {
		return 0, err
	}
	return len(b), nil
}

const (
	clearLine  = "\r\x1b[K"
	restOfLine = "\x1b[K"
	clearDown  = "\r\x1b[J"
)

// erase takes the lines away, the cursor being at the end of the last.
func (s *screen) erase() string {
	if len(s.drawn) == 1 && s.rows() == 1 {
		return clearLine
	}
	return up(s.rows()-1) + clearDown
}

// rows is how many rows the drawn lines take, which are more where the terminal
// has become narrower since.
func (s *screen) rows() int {
	rows, columns := 0, s.stream.columns()
	for _, w := range s.widths {
		rows += max(1, (w+columns-1)/columns)
	}
	return rows
}

func up(rows int) string {
	if rows < 1 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA", rows)
}

// Status draws one line at the bottom; "" takes away what is there.
func (s *screen) Status(text string, p paint) {
	if text == "" {
		s.Block(nil)
		return
	}
	s.Block([]statusLine{{{text, p.dim}}})
}

// statusLine is one line at the bottom, in pieces that look different.
type statusLine []piece

type piece struct {
	text  string
	paint func(string) string // nil: as it is
}

// Block draws the lines at the bottom anew; none takes them away. On what is no
// terminal it does nothing.
func (s *screen) Block(lines []statusLine) {
	if !s.stream.Terminal {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// The last column stays free: some terminals wrap when it is written.
	columns := s.stream.columns() - 1
	drawn, widths := make([]string, len(lines)), make([]int, len(lines))
	for i, l := range lines {
		drawn[i], widths[i] = l.render(columns)
	}
	var out string
	switch {
	case len(drawn) == 0 && s.drawn == nil || slices.Equal(drawn, s.drawn):
		return
	case len(drawn) == 0:
		out, drawn = s.erase(), nil
	case len(drawn) == len(s.drawn) && s.rows() == len(s.drawn):
		// Over what is there, without a moment in which nothing is.
		out = up(len(drawn)-1) + "\r" + strings.Join(drawn, restOfLine+"\n") + restOfLine
	case s.drawn == nil:
		out = clearLine + strings.Join(drawn, "\n")
	default:
		out = s.erase() + strings.Join(drawn, "\n")
	}
	s.drawn, s.widths = drawn, widths
	_, _ = io.WriteString(s.stream, out) // a lost status line is no fault
}

// render returns the line as it is drawn in so many columns, and how many it
// takes.
func (l statusLine) render(columns int) (text string, width int) {
	var b strings.Builder
	for i, p := range l {
		room := columns - width
		whole := words.Plain(p.text)
		text := clip(whole, room)
		if i < len(l)-1 && utf8.RuneCountInString(text) == room {
			// There is more, but no room to say so in the next piece.
			text = clip(whole+" ", room)
		}
		n := utf8.RuneCountInString(text)
		if p.paint != nil {
			text = p.paint(text)
		}
		b.WriteString(text)
		if width += n; width >= columns {
			break
		}
	}
	return b.String(), width
}

// clip cuts text to a number of characters.
func clip(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	if most < 1 {
		return ""
	}
	runes := []rune(text)
	return strings.TrimRight(string(runes[:most-1]), " ") + "…"
}
