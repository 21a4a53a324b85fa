package report

import (
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// timeDrawing is what the panels of one drawing share.
type timeDrawing struct {
	*chart
	keys     lineKeys
	l        layout
	x        linear
	points   []metrics.Point
	interval time.Duration
	top      float64
}

func drawTimeLine(r *metrics.Result, t *timeLine, keys lineKeys, l layout, points []metrics.Point, interval time.Duration) chart {
	c := chart{
		ID: "time-" + l.class, Class: l.class, Width: int(l.width),
		Title: "The run over time",
		Desc:  describeTimeLine(r, t),
	}
	whole := (time.Duration(len(points)) * interval).Seconds()
	if end := time.Duration(r.Measured).Seconds(); end > whole-interval.Seconds() && end < whole {
		whole = end // the last interval is not full
	}
	d := timeDrawing{&c, keys, l, linear{whole, l.left, l.right}, points, interval, 4}
	d.shade(r)
	if r.Incidents != nil {
		d.top += 8 // for the marks
	}
	first := d.top
	if r.Incidents != nil {
		d.top += 22 // for the names
	}
	bottom := d.top
	if !t.Idle {
		d.rates(time.Duration(r.Measured))
		if t.Failed {
			d.failures()
		}
		bottom = d.times()
	}
	if t.Devices {
		bottom = d.devices(r)
	}
	c.axisX(l, timeTicks(d.x, l.timeGap), bottom)
	for i := range c.Bands { // of the phases
		c.Bands[i].Y, c.Bands[i].H = num(first), num(bottom-first)
	}
	d.incidents(r.Incidents, first, bottom)
	for i := range points {
		x0, x1 := d.ends(i)
		c.Hits = append(c.Hits, hit{num(x0), num(first), num(x1 - x0), num(bottom - first), d.tell(i, t.Idle)})
	}
	c.Height = int(bottom + 24)
	return c
}

// ends returns where an interval begins and ends.
func (d *timeDrawing) ends(i int) (from, to float64) {
	from = (time.Duration(i) * d.interval).Seconds()
	return d.x.at(min(from, d.x.most)), d.x.at(min(from+d.interval.Seconds(), d.x.most))
}

// panel reserves room under a heading, and returns where it begins and ends.
func (d *timeDrawing) panel(title string, height float64, keys ...key) (top, bottom float64) {
	top = d.heading(d.l, d.top, title, keys)
	bottom = top + height
	d.top = bottom + d.l.gap
	return top, bottom
}

// shade marks every other phase of the measuring and names those there is room
// for.
func (d *timeDrawing) shade(r *metrics.Result) {
	var within []metrics.Phase
	for _, p := range r.Phases {
		if p.To > 0 && time.Duration(p.From).Seconds() < d.x.most && p.To > p.From {
			within = append(within, p)
		}
	}
	if len(within) < 2 {
		return
	}
	for i, p := range within {
		x0 := d.x.at(max(time.Duration(p.From).Seconds(), 0))
		x1 := d.x.at(min(time.Duration(p.To).Seconds(), d.x.most))
		if i%2 == 0 {
			d.Bands = append(d.Bands, band{Class: "phase-band", X: num(x0), W: num(x1 - x0)})
		}
		name := p.Name
		const letter = 6.6 // at the size of these texts
		if room := int((x1 - x0 - 6) / letter); len([]rune(name)) > room {
			if room < 3 {
				continue
			}
			name = string([]rune(name)[:room-1]) + "…"
		}
		d.Labels = append(d.Labels, label{"phase", num((x0 + x1) / 2), num(d.top + 10), "middle", name})
	}
	d.top += 18
}

// rates draws what was planned and what came back.
func (d *timeDrawing) rates(measured time.Duration) {
	top, bottom := d.panel("Requests and answers a second", 130,
		key{"planned", "line", "requests planned"}, key{"received", "line", "answers that arrived"})
	most := 0.0
	for i := range d.points {
		most = max(most, d.rate(i, d.points[i].Planned), d.rate(i, d.points[i].Received))
	}
	most, step := niceMost(most)
	y := linear{most, bottom, top}
	d.axisY(d.l, numberTicks(y, step))
	var plan, got pen
	for i, p := range d.points {
		x0, x1 := d.ends(i)
		if time.Duration(i)*d.interval < measured || p.Planned > 0 { // there is no plan for the draining
			plan.step(x0, x1, y.at(d.rate(i, p.Planned)))
		}
		got.step(x0, x1, y.at(d.rate(i, p.Received)))
	}
	_, end := d.ends(len(d.points) - 1)
	d.Paths = append(d.Paths,
		path{"fill received", "M" + num(d.l.left) + " " + num(bottom) + "L" + strings.TrimPrefix(got.String(), "M") + "V" + num(bottom) + "Z"},
		path{"line received", got.String()}, path{"line planned", plan.String()})
	d.Grid = append(d.Grid, rule{"axis", num(d.l.left), num(bottom), num(end), num(bottom)})
}

// rate is a number of an interval as events a second; the last interval may be
// shorter.
func (d *timeDrawing) rate(i int, n int64) float64 {
	seconds := min(d.interval.Seconds(), d.x.most-(time.Duration(i)*d.interval).Seconds())
	if seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
}

// failures draws the requests that were not answered in time.
func (d *timeDrawing) failures() {
	top, bottom := d.panel("Requests not answered in time, each interval", 64, d.keys.failures...)
	most := int64(0)
	for _, p := range d.points {
		n := int64(0)
		for _, f := range failures {
			n += f.of(&p.Outcomes)
		}
		most = max(most, n)
	}
	limit, _ := niceMost(float64(most))
	y := linear{limit, bottom, top}
	d.axisY(d.l, wholeTicks(y))
	for i, p := range d.points {
		x0, x1 := d.ends(i)
		gap := min((x1-x0)*0.15, 1)
		sum := int64(0)
		for _, f := range failures {
			n := f.of(&p.Outcomes)
			if n <= 0 {
				continue
			}
			const least = 1.5 // so that a single one is seen
			from, to := y.at(float64(sum)), y.at(float64(sum+n))
			to = min(to, from-least)
			d.Bars = append(d.Bars, bar{f.class, num(x0 + gap), num(to), num(max(x1-x0-2*gap, 0.8)), num(from - to)})
			sum += n
		}
	}
	d.Grid = append(d.Grid, rule{"axis", num(d.l.left), num(bottom), num(d.l.right), num(bottom)})
}

// times draws the response times on a logarithmic axis.
func (d *timeDrawing) times() (bottom float64) {
	top, bottom := d.panel("Response time, each interval", 190, d.keys.times...)
	least, most := time.Duration(0), time.Duration(0)
	for _, p := range d.points {
		if p.Response.Count() == 0 {
			continue
		}
		if least == 0 || p.Response.Min() < least {
			least = p.Response.Min()
		}
		most = max(most, p.Response.Max())
	}
	if most == 0 {
		d.Labels = append(d.Labels, label{"empty", num((d.l.left + d.l.right) / 2), num((top + bottom) / 2), "middle", "nothing was answered"})
		d.Grid = append(d.Grid, rule{"axis", num(d.l.left), num(bottom), num(d.l.right), num(bottom)})
		return bottom
	}
	y := newLog(least, most, bottom, top)
	d.axisY(d.l, y.ticks())
	lines := make([]pen, len(linePercentiles))
	var maxima pen
	for i, p := range d.points {
		x0, x1 := d.ends(i)
		h := p.Response
		if h.Count() == 0 {
			maxima.lift()
		} else {
			high, low := y.at(h.Max()), y.at(h.Min())
			maxima.step(x0, x1, high)
			d.Bars = append(d.Bars, bar{"range", num(x0), num(high), num(x1 - x0), num(max(low-high, 0.5))})
		}
		for k, lp := range linePercentiles {
			if v := h.Percentile(lp.p); h.Total() > 0 && v != metrics.NoAnswer {
				lines[k].step(x0, x1, y.at(v))
			} else {
				lines[k].lift()
			}
		}
	}
	d.Paths = append(d.Paths, path{"line max", maxima.String()})
	for k, lp := range linePercentiles {
		if s := lines[k].String(); s != "" {
			d.Paths = append(d.Paths, path{"line " + lp.class, s})
		}
	}
	return bottom
}

// devices draws how many devices were online.
func (d *timeDrawing) devices(r *metrics.Result) (bottom float64) {
	top, bottom := d.panel("Devices online", 64)
	most := float64(r.Devices.Total)
	for _, p := range d.points {
		if p.Online != nil {
			most = max(most, float64(*p.Online))
		}
	}
	limit, _ := niceMost(most)
	y := linear{limit, bottom, top}
	d.axisY(d.l, wholeTicks(y))
	var line pen
	for i, p := range d.points {
		if p.Online == nil {
			line.lift()
			continue
		}
		x0, x1 := d.ends(i)
		line.step(x0, x1, y.at(float64(*p.Online)))
	}
	d.Paths = append(d.Paths, path{"line online", line.String()})
	d.Grid = append(d.Grid, rule{"axis", num(d.l.left), num(bottom), num(d.l.right), num(bottom)})
	return bottom
}

// tell is an interval in words, for the pointer.
func (d *timeDrawing) tell(i int, idle bool) string {
	p := &d.points[i]
	from := time.Duration(i) * d.interval
	interval := clock(from) + " to " + clock(from+d.interval) + ": "
	if idle {
		if p.Online == nil {
			return interval + none
		}
		return interval + "online " + words.Grouped(*p.Online)
	}
	parts := []string{interval + "planned " + words.Grouped(p.Planned), words.Plural(p.Received, "answer", "answers")}
	for _, f := range failures {
		if n := f.of(&p.Outcomes); n > 0 {
			parts = append(parts, f.name+" "+words.Grouped(n))
		}
	}
	for _, lp := range linePercentiles {
		if p.Response.Total() > 0 {
			parts = append(parts, words.Percentile(lp.p)+" "+percentile(p.Response, lp.p).Value)
		}
	}
	if p.Response.Total() > 0 {
		parts = append(parts, "max "+maximum(p.Response).Value)
	}
	if p.Online != nil {
		parts = append(parts, "online "+words.Grouped(*p.Online))
	}
	return strings.Join(parts, " · ")
}
