package cmd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// outcomes says what became of the requests so far.
func (r *running) outcomes(t *metrics.Totals) []piece {
	p := r.errPaint()
	pieces := []piece{{words.Grouped(t.Sent) + " sent", nil}, {words.Grouped(t.Answered) + " answered", nil}}
	for _, x := range []struct {
		n    int64
		what string
	}{{t.Late, "late"}, {t.Lost, "lost"}, {t.Refused, "refused"}, {t.NotSent.Total(), "not sent"}} {
		one := piece{words.Grouped(x.n) + " " + x.what, p.dim}
		if x.n > 0 {
			one.paint = p.red
		}
		pieces = append(pieces, one)
	}
	return spaced(pieces)
}

// timesSoFar is a distribution so far.
func timesSoFar(h *metrics.Histogram) []piece {
	if h.Total() == 0 {
		return nil
	}
	var pieces []piece
	add := func(name string, p float64) {
		text := "> " + words.Span(h.Bound())
		if d := h.Percentile(p); d != metrics.NoAnswer {
			text = words.Span(d)
		}
		pieces = append(pieces, piece{name + " " + text, nil})
	}
	for _, p := range []float64{50, 90, 95, 99, 99.9} {
		if p < 99.9 || !h.Few(p) { // there is one line
			add(fmt.Sprintf("p%v", p), p)
		}
	}
	add("max", 100)
	return spaced(pieces)
}

// errorsSoFar names what went wrong so far, by reason.
func (r *running) errorsSoFar(t *metrics.Totals) []piece {
	p, c := r.errPaint(), r.fleet.Counts()
	var pieces []piece
	add := func(n int64, what string) {
		if n > 0 {
			pieces = append(pieces, piece{words.Grouped(n) + " " + what, p.red})
		}
	}
	count := func(n int64, noun, what string) {
		if n > 0 {
			pieces = append(pieces, piece{plural(n, noun) + what, p.red})
		}
	}
	count(c.Lost.Load(), "connection", " lost")
	count(c.ConnectFailed(), "connection", " failed")
	byReason := func(what string, m map[string]int64) {
		for _, reason := range slices.Sorted(maps.Keys(m)) {
			add(m[reason], what+": "+printable(reason))
		}
	}
	byReason("connections refused", c.Refused.ByName())
	byReason("subscriptions refused", c.SubsRefused.ByName())
	byReason("disconnected", c.Disconnected.ByName())
	byReason("requests refused", t.RefusedBy)
	for _, cause := range []struct {
		n    int64
		what metrics.Cause
	}{
		{t.NotSent.NotConnected, metrics.NotConnected}, {t.NotSent.NoRoom, metrics.NoRoom}, {t.NotSent.TooLarge, metrics.TooLarge},
		{t.NotSent.GeneratorLate, metrics.GeneratorLate}, {t.NotSent.LedgerFull, metrics.LedgerFull}, {t.NotSent.Paused, metrics.Paused},
	} {
		add(cause.n, "not sent: "+cause.what.String())
	}
	count(t.ErrorAnswers, "error answer", "")
	count(t.Duplicates, "duplicate", "")
	add(t.Misrouted.Total(), "misrouted")
	add(t.Corrupted.Total(), "corrupted")
	add(t.ByTopic.Mistaken(), "mistaken")
	add(t.AlteredRequests, "to altered requests")
	add(t.OtherQoS.Total(), "at another QoS")
	add(t.MissingParts, "parts missing")
	add(t.OtherRetain, "retained")
	count(t.Unknown.Total(), "unknown answer", "")
	return spaced(pieces)
}

// fitting leaves out what there is none of where the whole would be too wide.
func (r *running) fitting(pieces []piece) []piece {
	width := 12 // of the name before them
	for _, p := range pieces {
		width += utf8.RuneCountInString(p.text)
	}
	if width < r.Stderr.columns() {
		return pieces
	}
	return slices.DeleteFunc(pieces, func(p piece) bool { return strings.HasPrefix(strings.TrimSpace(p.text), "0 ") })
}

// spaced puts two spaces between pieces.
func spaced(pieces []piece) []piece {
	for i := 1; i < len(pieces); i++ {
		pieces[i].text = "  " + pieces[i].text
	}
	return pieces
}

// plainPieces is the text of pieces, with commas between them.
func plainPieces(pieces []piece) string {
	words := make([]string, len(pieces))
	for i, p := range pieces {
		words[i] = strings.TrimSpace(p.text)
	}
	return strings.Join(words, ", ")
}

// pad fills text up with spaces.
func pad(text string, width int) string { return fmt.Sprintf("%-*s", width, text) }
