package cmd

import (
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// screen is stderr. On a terminal it keeps one line at the bottom that says how
// things stand, and everything that is written scrolls by above it. Its methods
// may be called from any goroutine.
type screen struct {
	mu     sync.Mutex
	stream Stream
	status string // as drawn; "" is none
}

// Write implements io.Writer for whole lines.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status == "" {
		return s.stream.Write(b)
	}
	// One write, so that the terminal never shows the states between.
	joined := append([]byte(clearLine), b...)
	joined = append(joined, s.status...)
	if _, err := s.stream.Write(joined); err != nil {
		return 0, err
	}
	return len(b), nil
}

const clearLine = "\r\x1b[K"

// Status draws the bottom line anew; "" takes it away. On what is no terminal it
// does nothing.
func (s *screen) Status(text string, p paint) {
	if !s.stream.Terminal {
		return
	}
	// The last column stays free: some terminals wrap when it is written.
	text = clip(text, s.stream.columns()-1)
	if text != "" {
		text = p.dim(text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == s.status {
		return
	}
	s.status = text
	_, _ = io.WriteString(s.stream, clearLine+text) // a lost status line is no fault
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
