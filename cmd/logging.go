package cmd

import (
	"log/slog"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/log"
	"github.com/muesli/termenv"
)

// logger returns the logger of fleets and brokers: stderr, one line an event,
// with -v the debug level, with -q warnings and errors only.
//
// The screen it writes to is no *os.File, and the colour profile is set before
// anything is drawn: charmbracelet/log would otherwise ask the terminal for its
// colours and wait ten seconds for one that does not answer.
func (a *app) logger() *slog.Logger {
	level := log.InfoLevel
	switch {
	case a.quiet:
		level = log.WarnLevel
	case a.verbose:
		level = log.DebugLevel
	}
	l := log.NewWithOptions(a.screen, log.Options{Level: level, ReportTimestamp: true, TimeFormat: "15:04:05"})
	profile := termenv.Ascii
	if a.errPaint().on {
		profile = termenv.ANSI
	}
	l.SetColorProfile(profile)
	l.SetStyles(logStyles())
	return slog.New(l)
}

// logStyles makes levels as wide as each other, and keeps the colours to the
// sixteen that the owner of the terminal has chosen.
func logStyles() *log.Styles {
	s := log.DefaultStyles()
	level := func(word, colour string) lipgloss.Style {
		style := lipgloss.NewStyle().SetString(word)
		if colour != "" {
			style = style.Foreground(lipgloss.Color(colour))
		}
		return style
	}
	s.Timestamp = lipgloss.NewStyle().Faint(true)
	s.Levels = map[log.Level]lipgloss.Style{
		log.DebugLevel: level("debug", "4"),
		log.InfoLevel:  level("info ", "2"),
		log.WarnLevel:  level("warn ", "3"),
		log.ErrorLevel: level("error", "1"),
		log.FatalLevel: level("fatal", "1"),
	}
	return s
}
