package cmd

import (
	"context"
	"log/slog"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/log"
	"github.com/muesli/termenv"

	"homefleet/devices/words"
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
	return slog.New(plainLog{l})
}

// plainLog makes foreign text in log entries printable, so that no client id
// splits an entry or commands the terminal.
type plainLog struct{ slog.Handler }

// Handle implements slog.Handler.
func (h plainLog) Handle(ctx context.Context, r slog.Record) error {
	plain := slog.NewRecord(r.Time, r.Level, words.Plain(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		plain.AddAttrs(plainAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, plain)
}

// WithAttrs implements slog.Handler.
func (h plainLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	plain := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		plain[i] = plainAttr(a)
	}
	return plainLog{h.Handler.WithAttrs(plain)}
}

// WithGroup implements slog.Handler.
func (h plainLog) WithGroup(name string) slog.Handler {
	return plainLog{h.Handler.WithGroup(words.Plain(name))}
}

func plainAttr(a slog.Attr) slog.Attr {
	a.Key = words.Plain(a.Key)
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString, slog.KindAny: // errors, slices of texts and their like
		a.Value = slog.StringValue(words.Plain(v.String()))
	case slog.KindGroup:
		var group []slog.Attr
		for _, g := range v.Group() {
			group = append(group, plainAttr(g))
		}
		a.Value = slog.GroupValue(group...)
	}
	return a
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
