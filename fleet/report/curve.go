package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// curves is the section of the three times of a request.
type curves struct {
	Charts []chart
	Rows   []timingRow
}

// timingRow is one distribution in a table.
type timingRow struct {
	Name, Help string
	Over       string // of what it is the distribution
	Samples    string
	Cells      []cell
	Missing    string // how many had no answer
}

// curveLines are the distributions of a request's time, in the order in which
// they are drawn. The service time is a thin line over the response time, since
// the two are often the same.
var curveLines = []struct {
	metric            metrics.Metric
	class, name, help string
}{
	{metrics.ResponseTime, "response", "Response time", "planned moment to answer: what a user waits"},
	{metrics.ServiceTime, "service", "Service time", "sending to answer"},
	{metrics.ScheduleDelay, "schedule", "Schedule delay", "planned moment to sending, less the hold-back: the generator's own"},
}

// shownPercentiles are the columns of every table of times.
func shownPercentiles() []float64 { return []float64{50, 90, 95, 99, 99.9} }

// stepsCurve is how many points a curve has for each halving of what lies
// above.
const stepsCurve = 8

func newCurves(s *metrics.Snapshot) *curves {
	c := &curves{}
	for _, l := range curveLines {
		h := s.Series[metrics.Series{Metric: l.metric}]
		if h.Total() == 0 {
			continue
		}
		c.Rows = append(c.Rows, newTimingRow(l.name, l.help, l.metric, h))
	}
	if c.Rows == nil {
		return nil
	}
	for _, l := range layouts() {
		c.Charts = append(c.Charts, drawCurves(s, l))
	}
	return c
}

func newTimingRow(name, help string, m metrics.Metric, h *metrics.Histogram) timingRow {
	row := timingRow{Name: name, Help: help, Over: m.Over(), Samples: words.Grouped(h.Total())}
	for _, p := range shownPercentiles() {
		row.Cells = append(row.Cells, percentile(h, p))
	}
	mean := cell{none, "none was answered"}
	switch {
	case h.Count() > 0 && h.Unanswered() > 0:
		mean = cell{words.Span(h.Mean()), "of " + words.Grouped(h.Count()) + " answered"}
	case h.Count() > 0:
		mean = cell{Value: words.Span(h.Mean())}
	}
	row.Cells = append(row.Cells, maximum(h), mean)
	row.Missing = unansweredText(name, h)
	return row
}

// decades is the place of a percentile on an axis of 1/(1-p).
func decades(p float64) float64 { return math.Log10(100 / (100 - p)) }

func drawCurves(s *metrics.Snapshot, l layout) chart {
	c := chart{
		ID: "curve-" + l.class, Class: l.class, Width: int(l.width),
		Title: "How the times of requests are distributed",
		Desc:  "For each percentile, the time that so many percent of the requests did not exceed. The table below has the main figures.",
	}
	right := l.right - 60 // room for the maxima
	least, most, reach := time.Duration(math.MaxInt64), time.Duration(0), 1.0
	points := make([][]metrics.CurvePoint, len(curveLines))
	var keys []key
	for i, cl := range curveLines {
		points[i] = s.Series[metrics.Series{Metric: cl.metric}].Curve(stepsCurve)
		if len(points[i]) > 0 {
			keys = append(keys, key{cl.class, "line", strings.ToLower(cl.name)})
		}
		for _, p := range points[i] {
			least, most = min(least, p.Value), max(most, p.Value)
			if p.Percentile < 100 {
				reach = max(reach, decades(p.Percentile))
			}
		}
	}
	top := c.heading(l, 4, "Time not exceeded by so many percent", keys)
	bottom := top + 250
	x, y := linear{reach, l.left, right}, newLog(least, most, bottom, top)
	c.axisY(l, y.ticks())
	var ticks []tick
	for _, p := range []float64{0, 50, 90, 99, 99.9, 99.99, 99.999} {
		at := x.at(decades(p))
		if at > right+1 || p == 50 && at < l.left+48 {
			continue
		}
		ticks = append(ticks, tick{At: at, Label: fmt.Sprintf("%v%%", p)})
		c.Grid = append(c.Grid, rule{"grid", num(at), num(top), num(at), num(bottom)})
	}
	last := l.right - 8
	ticks = append(ticks, tick{At: last, Label: "max"})
	c.axisX(l, ticks, bottom)
	c.Grid = append(c.Grid, rule{"axis", num(l.left), num(bottom), num(l.right), num(bottom)})
	for i, cl := range curveLines {
		if len(points[i]) == 0 {
			continue
		}
		var line, tail pen
		fromX, fromY := l.left, bottom
		for _, p := range points[i] {
			if p.Percentile < 100 {
				fromX, fromY = x.at(decades(p.Percentile)), y.at(p.Value)
				line.to(fromX, fromY)
				continue
			}
			at := y.at(p.Value)
			if line.down {
				tail.to(fromX, fromY)
				tail.to(last, at)
				c.Paths = append(c.Paths, path{"line tail " + cl.class, tail.String()})
			}
			c.Dots = append(c.Dots, dot{cl.class, num(last), num(at)})
		}
		if line.down {
			c.Paths = append(c.Paths, path{"line " + cl.class, line.String()})
		}
	}
	c.curveHits(s, l, x, top, bottom, right)
	c.Height = int(bottom + 24)
	return c
}

// curveHits tells the figures at places along the axis.
func (c *chart) curveHits(s *metrics.Snapshot, l layout, x linear, top, bottom, right float64) {
	const places = 40
	width := (right - l.left) / places
	for i := range places {
		from := l.left + float64(i)*width
		d := (float64(i) + 0.5) / places * x.most
		p := 100 - 100*math.Pow(10, -d)
		// As many digits as the axis tells apart.
		var text strings.Builder
		fmt.Fprintf(&text, "%.*f%%", max(0, int(d))+1, p)
		found := false
		for k := range curveLines {
			h := s.Series[metrics.Series{Metric: curveLines[k].metric}]
			if h.Total() > 0 {
				text.WriteString(" · " + strings.ToLower(curveLines[k].name) + " " + percentile(h, p).Value)
				found = true
			}
		}
		if found {
			c.Hits = append(c.Hits, hit{num(from), num(top), num(width), num(bottom - top), text.String()})
		}
	}
}

// timingTable is a table of distributions under a caption.
type timingTable struct {
	Caption string
	Rows    []timingRow
}

// Wide says what the mark of a wide interval means.
func (timingTable) Wide() string { return wideHelp }

// Table is the curves' main figures.
func (c *curves) Table() timingTable { return timingTable{"The times of requests", c.Rows} }
