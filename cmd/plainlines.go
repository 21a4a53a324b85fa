package cmd

import (
	"fmt"
	"io"
	"time"
)

// plainLines tells progress in lines, where no terminal draws it anew. What has
// not changed since the last line is told again at ever longer intervals only,
// so that a log is not full of it.
type plainLines struct {
	at   time.Time     // of the last look at what there is to tell, or of the start
	told time.Time     // of the last line
	last string        // what it said
	wait time.Duration // after it, until the same may be told again
}

// turn reports whether it is time to look again.
func (l *plainLines) turn(now time.Time, every time.Duration) bool { return now.Sub(l.at) >= every }

// say writes a line, unless it is the last one again and too early for that.
func (l *plainLines) say(w io.Writer, now time.Time, text string) {
	switch {
	case text != l.last:
		l.wait = 2 * now.Sub(l.at)
	case now.Sub(l.told) < l.wait:
		l.at = now
		return
	default:
		l.wait *= 2
	}
	l.at, l.told, l.last = now, now, text
	fmt.Fprintf(w, "%s\n", text)
}
