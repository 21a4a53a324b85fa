package report

import (
	"fmt"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// cell is a figure, and what more there is to say of it: its interval, or why
// there is none.
type cell struct{ Value, Why string }

// None reports whether there is no figure.
func (c cell) None() bool { return c.Value == none }

// wide marks a percentile whose interval is wide.
const wide = "~"

const wideHelp = "its 95% interval is wide, beyond 1.5 times or two thirds of it"

// percentile is the value of p, marked where its interval is wide, and the
// interval.
func percentile(h *metrics.Histogram, p float64) cell {
	if h.Total() == 0 {
		return cell{none, "no samples"}
	}
	c := cell{moreThan(h, h.Percentile(p)), interval(h, p)}
	if h.Wide(p) {
		c.Value = wide + c.Value
	}
	return c
}

// maximum is the slowest of what percentiles are over.
func maximum(h *metrics.Histogram) cell {
	if h.Total() == 0 {
		return cell{none, "no samples"}
	}
	return cell{Value: moreThan(h, h.Percentile(100))}
}

// moreThan is a percentile, or what it exceeds if it is no time.
func moreThan(h *metrics.Histogram, d time.Duration) string {
	if d != metrics.NoAnswer {
		return words.Span(d)
	}
	text := words.Span(h.Bound())
	if number, unit, ok := strings.Cut(text, " "); ok && strings.Contains(number, ".") {
		text = strings.TrimRight(strings.TrimRight(number, "0"), ".") + " " + unit
	}
	return "> " + text
}

// interval is the 95% interval of a percentile, as far as it has ends.
func interval(h *metrics.Histogram, p float64) string {
	low, high := h.Interval(p)
	switch {
	case low == metrics.NoAnswer:
		return moreThan(h, low)
	case high == metrics.NoAnswer && low == 0:
		return "too few to tell"
	case high == metrics.NoAnswer:
		return "from " + words.Span(low)
	case low == 0:
		return "to " + words.Span(high)
	}
	return words.Span(low) + " to " + words.Span(high)
}

// overText says over what the times of requests are taken.
const overText = "response is over the planned requests, service the answered, schedule the sent"

// unansweredText says how many of what percentiles are over had no answer, or "".
func unansweredText(name string, h *metrics.Histogram) string {
	n, of := h.Unanswered(), h.Total()
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %s of %s (%s) had no answer and count as slower than every answer", name, words.Grouped(n), words.Grouped(of), words.Share(n, of))
}
