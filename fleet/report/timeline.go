package report

import (
	"fmt"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// timeLine is the section of a run over its time.
type timeLine struct {
	Interval  string
	Charts    []chart
	Failed    bool   // some request was not answered in time
	Hidden    string // where percentiles are not drawn, and why
	Incidents []numbered
	Later     []numbered // those beyond what one looks at
	Beyond    string     // that there were more, of which nothing was kept
	Columns   []string
	Rows      [][]string // the same as a table
	Devices   bool

	Idle bool // there are no requests, and nothing is said of them
}

// numbered is an incident with its number in the chart.
type numbered struct{ Number, At, Text string }

// failures are the ends of a request that are drawn as bars, from below.
var failures = []struct {
	class, name string
	of          func(*metrics.Outcomes) int64
}{
	{"lost", "lost", func(o *metrics.Outcomes) int64 { return o.Lost }},
	{"late", "late", func(o *metrics.Outcomes) int64 { return o.Late }},
	{"refused", "refused", func(o *metrics.Outcomes) int64 { return o.Refused }},
	{"unsent", "not sent", func(o *metrics.Outcomes) int64 { return o.NotSent }},
}

// linePercentiles are the percentiles that the time line draws.
var linePercentiles = []struct {
	p     float64
	class string
}{{50, "p50"}, {90, "p90"}, {99, "p99"}}

// tablePercentiles are those of tables in which a distribution has one row of
// many.
func tablePercentiles() []float64 { return []float64{50, 90, 95, 99} }

// newTimeLine returns nil if there is nothing to show: without requests, that is
// a time line in which no device came or went and nothing happened. Where there
// is no time line, it has the incidents alone.
func newTimeLine(r *metrics.Result) *timeLine {
	t := &timeLine{Idle: idle(r) != ""}
	none := r.TimeLine == nil || len(r.TimeLine.Points) == 0 || r.TimeLine.Interval <= 0
	if len(r.Incidents) == 0 && (none || t.Idle && !devicesMoved(r)) {
		return nil
	}
	for i, in := range r.Incidents {
		t.Incidents = append(t.Incidents, numbered{fmt.Sprint(i + 1), incidentSpan(in.At, in.To), incidentText(r, in)})
	}
	if n := int64(r.IncidentsLeftOut); n > 0 {
		t.Beyond = words.Plural(n, "more incident", "more incidents") + " came after these; only the first are listed."
	}
	if len(t.Incidents) > mostText {
		t.Incidents, t.Later = t.Incidents[:mostText], t.Incidents[mostText:]
	}
	if none {
		return t
	}
	t.Interval = span(r.TimeLine.Interval)
	t.Devices = t.Idle || devicesMoved(r)
	var sum metrics.Outcomes
	for i := range r.TimeLine.Points {
		sum.Add(r.TimeLine.Points[i].Outcomes)
	}
	keys := lineKeys{}
	for _, f := range failures {
		if f.of(&sum) > 0 {
			keys.failures = append(keys.failures, key{f.class, "box", f.name})
			t.Failed = true
		}
	}
	for _, l := range layouts() {
		points, interval := group(r.TimeLine, l.intervals)
		keys.times, t.Hidden = timeKeys(points)
		if t.Idle {
			t.Hidden = ""
		}
		t.Charts = append(t.Charts, drawTimeLine(r, t, keys, l, points, interval))
		if l.class == "wide" {
			t.table(points, interval)
		}
	}
	return t
}

// devicesMoved reports whether the devices online are worth a panel.
func devicesMoved(r *metrics.Result) bool {
	for _, p := range r.TimeLine.Points {
		if p.Online != nil && *p.Online != int64(r.Devices.Total) {
			return true
		}
	}
	return false
}

// lineKeys are the keys of the panels.
type lineKeys struct{ failures, times []key }

// timeKeys returns the keys of the response times, and says what is missing.
func timeKeys(points []metrics.Point) (keys []key, missing string) {
	for _, lp := range linePercentiles {
		drawn := false
		for _, p := range points {
			v := p.Response.Percentile(lp.p)
			drawn = drawn || p.Response.Total() > 0 && v != metrics.NoAnswer
			if v == metrics.NoAnswer {
				missing = "A percentile has no line where so many requests of an interval had no answer that there is no such time; minimum and maximum are of the answers."
			}
		}
		if drawn {
			keys = append(keys, key{lp.class, "line", words.Percentile(lp.p)})
		}
	}
	return append(keys, key{"max", "line", "slowest answer"}, key{"range", "box", "minimum to maximum"}), missing
}

// group merges neighbours until there are at most most intervals.
func group(t *metrics.TimeLine, most int) ([]metrics.Point, time.Duration) {
	size := (len(t.Points) + most - 1) / most
	interval := time.Duration(t.Interval)
	if size <= 1 {
		return t.Points, interval
	}
	var points []metrics.Point
	for i := 0; i < len(t.Points); i += size {
		var p metrics.Point
		for j := i; j < min(i+size, len(t.Points)); j++ {
			q := &t.Points[j]
			p.Outcomes.Add(q.Outcomes)
			p.Received += q.Received
			if q.Online != nil {
				p.Online = q.Online
			}
			if q.Response.Total() > 0 {
				if p.Response == nil {
					p.Response = q.Response.Clone()
				} else {
					p.Response.Merge(q.Response)
				}
			}
		}
		p.At = t.Points[i].At
		points = append(points, p)
	}
	return points, interval * time.Duration(size)
}

// table lists the intervals of the wide drawing.
func (t *timeLine) table(points []metrics.Point, interval time.Duration) {
	t.Interval = clock(interval)
	if t.Idle {
		t.Columns = []string{"From", "Online"}
		for i, p := range points {
			online := none
			if p.Online != nil {
				online = words.Grouped(*p.Online)
			}
			t.Rows = append(t.Rows, []string{clock(time.Duration(i) * interval), online})
		}
		return
	}
	t.Columns = []string{"From", "Planned", "Sent", "Answers", "Lost", "Late", "Refused", "Not sent"}
	for _, p := range tablePercentiles() {
		t.Columns = append(t.Columns, words.Percentile(p))
	}
	t.Columns = append(t.Columns, "Max")
	if t.Devices {
		t.Columns = append(t.Columns, "Online")
	}
	for i := range points {
		p := &points[i]
		row := []string{
			clock(time.Duration(i) * interval), words.Grouped(p.Planned), words.Grouped(p.Sent), words.Grouped(p.Received),
			words.Grouped(p.Lost), words.Grouped(p.Late), words.Grouped(p.Refused), words.Grouped(p.NotSent),
		}
		for _, pc := range tablePercentiles() {
			row = append(row, percentile(p.Response, pc).Value)
		}
		row = append(row, maximum(p.Response).Value)
		if t.Devices {
			if p.Online != nil {
				row = append(row, words.Grouped(*p.Online))
			} else {
				row = append(row, none)
			}
		}
		t.Rows = append(t.Rows, row)
	}
}

// describeTimeLine says in words what the drawing shows.
func describeTimeLine(r *metrics.Result, t *timeLine) string {
	if t.Idle {
		return fmt.Sprintf("The devices online over %s of measuring. %sThe table below has the same figures.", span(r.Measured), t.marked())
	}
	text := fmt.Sprintf("Over %s of measuring, %s were planned and %s answered in time; ",
		span(r.Measured), words.Plural(r.Totals.Planned, "request was", "requests were"), words.Grouped(r.Totals.Answered))
	if n := r.Totals.Late + r.Totals.Lost + r.Totals.Refused + r.Totals.NotSent.Total(); n > 0 {
		text += words.Grouped(n) + " were late, lost, refused or not sent. "
	} else {
		text += "none was late, lost, refused or not sent. "
	}
	return text + t.marked() + "The table below has the same figures."
}

func (t *timeLine) marked() string {
	if t.Incidents == nil {
		return ""
	}
	return words.Plural(int64(len(t.Incidents)+len(t.Later)), "incident is", "incidents are") + " marked by number. "
}
