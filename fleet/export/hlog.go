package export

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"homefleet/fleet/metrics"
)

// HLog writes the distributions of results as a histogram log of HdrHistogram,
// format 1.3, which its log readers and processors take: one interval for each
// run and series, from the start of measuring on for as long as it lasted, with
// the series as its tag ("response", "service{kind=light}", without commas) and
// the histogram in the compressed V2 encoding. Values are microseconds; the
// greatest of an interval, which readers do not need, is in milliseconds.
// Intervals are in the order of time, as readers expect; runs of which it is not
// known when they began come first.
func HLog(w io.Writer, results []*metrics.Result) error {
	inOrder := slices.Clone(results)
	slices.SortStableFunc(inOrder, func(a, b *metrics.Result) int { return a.Started.Compare(b.Started) })
	base := time.Unix(0, 0)
	for _, r := range inOrder {
		if !r.Started.IsZero() {
			base = r.Started
			break
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "#[Logged by homefleet %s]\n", oneLine(cmp.Or(results[0].Tool, "(unknown)")))
	fmt.Fprintf(&b, "#[Histogram values are in microseconds]\n")
	fmt.Fprintf(&b, "#[Histogram log format version 1.3]\n")
	stamp := seconds(base.UnixNano())
	fmt.Fprintf(&b, "#[StartTime: %s (seconds since epoch), %s]\n", stamp, base.UTC().Format(time.UnixDate))
	fmt.Fprintf(&b, "#[BaseTime: %s (seconds since epoch)]\n", stamp)
	fmt.Fprintf(&b, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n")
	for _, r := range inOrder {
		from := time.Duration(0)
		if !r.Started.IsZero() {
			from = r.Started.Sub(base)
		}
		for s, h := range r.Series.InOrder() {
			if h.Count() == 0 {
				continue
			}
			text, err := h.Encode()
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "Tag=%s,%s,%s,%.3f,%s\n", tag(s), seconds(int64(from)), seconds(int64(r.Measured)),
				float64(h.Max())/float64(time.Millisecond), text)
		}
	}
	_, err := w.Write(b.Bytes())
	return writing("the histogram log", err)
}

// tag names a series: a tag ends at a comma.
func tag(s metrics.Series) string {
	return strings.Map(func(r rune) rune {
		if r == ',' || r == ' ' {
			return '_'
		}
		return r
	}, oneLine(s.String()))
}

// seconds is a number of nanoseconds in seconds, to the millisecond and never
// negative, which readers of the log could not read.
func seconds(nanos int64) string {
	millis := max(nanos, 0) / int64(time.Millisecond)
	return fmt.Sprintf("%d.%03d", millis/1000, millis%1000)
}
