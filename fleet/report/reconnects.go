package report

import (
	"fmt"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// reconnectDrawing is the shape of a reconnect: attempts to connect, and the devices
// that are back, of one or several groups over one another.
type reconnectDrawing struct {
	*chart
	l      layout
	x      linear
	groups []*metrics.Recovery
}

// drawReconnects draws recoveries of one incident, of all of which the reconnects are known by interval.
func drawReconnects(groups []*metrics.Recovery, l layout, id string) chart {
	c := chart{
		ID: id + "-" + l.class, Class: l.class, Width: int(l.width),
		Title: "Reconnects after " + groups[0].Incident, Desc: describeReconnects(groups),
	}
	whole := 0.0
	for _, r := range groups {
		whole = max(whole, float64(len(r.Reconnects.Attempts))*seconds(r.Reconnects.Interval))
	}
	d := reconnectDrawing{&c, l, linear{whole, l.left, l.right}, groups}
	first, bottom := d.attempts(4)
	_, bottom = d.back(bottom + l.gap)
	c.axisX(l, timeTicks(d.x, l.timeGap), bottom)
	c.Labels = append(c.Labels, label{"tick", num(l.right), num(bottom + 33), "end", "after the incident's end"})
	places := min(l.intervals, metrics.ReconnectIntervals)
	width := (l.right - l.left) / float64(places)
	for i := range places {
		from, to := whole*float64(i)/float64(places), whole*float64(i+1)/float64(places)
		c.Hits = append(c.Hits, hit{num(l.left + float64(i)*width), num(first), num(width), num(bottom - first), d.tell(from, to)})
	}
	c.Height = int(bottom + 40)
	return c
}

func seconds(s metrics.Span) float64 { return time.Duration(s).Seconds() }

// name is what tells a group from the others.
func (d *reconnectDrawing) name(r *metrics.Recovery) string {
	if g := groupOf(r); g != "" {
		return g
	}
	return "all devices"
}

// class is the style of a group's lines.
func (d *reconnectDrawing) class(i int) string { return fmt.Sprintf("g%d", i+1) }

// keys are the legend; one group alone needs none.
func (d *reconnectDrawing) keys() []key {
	if len(d.groups) == 1 {
		return nil
	}
	var keys []key
	for i, r := range d.groups {
		keys = append(keys, key{d.class(i), "line", clip(clean(d.name(r)), 24)})
	}
	return keys
}

// attempts draws attempts to connect as a rate, since groups may have intervals
// of different lengths.
func (d *reconnectDrawing) attempts(from float64) (top, bottom float64) {
	top = d.heading(d.l, from, "Attempts to connect a second", d.keys())
	bottom = top + 110
	most := 0.0
	for _, r := range d.groups {
		for _, n := range r.Reconnects.Attempts {
			most = max(most, float64(n)/seconds(r.Reconnects.Interval))
		}
	}
	limit, step := niceMost(most)
	y := linear{limit, bottom, top}
	d.axisY(d.l, numberTicks(y, step))
	for i, r := range d.groups {
		var line pen
		interval := seconds(r.Reconnects.Interval)
		for k, n := range r.Reconnects.Attempts {
			line.step(d.x.at(float64(k)*interval), d.x.at(float64(k+1)*interval), y.at(float64(n)/interval))
		}
		if i == 0 {
			d.Paths = append(d.Paths, path{"fill " + d.class(i),
				"M" + num(d.l.left) + " " + num(bottom) + "L" + strings.TrimPrefix(line.String(), "M") + "V" + num(bottom) + "Z"})
		}
		d.Paths = append(d.Paths, path{"line " + d.class(i), line.String()})
	}
	d.Grid = append(d.Grid, rule{"axis", num(d.l.left), num(bottom), num(d.l.right), num(bottom)})
	return top, bottom
}

// back draws the share of the devices that are back, with dots where 50, 99 and
// 100 % are.
func (d *reconnectDrawing) back(from float64) (top, bottom float64) {
	top = d.heading(d.l, from, "Devices that are back", nil)
	bottom = top + 110
	y := linear{100, bottom, top}
	var ticks []tick
	for _, p := range []float64{0, 25, 50, 75, 100} {
		ticks = append(ticks, tick{At: y.at(p), Label: fmt.Sprintf("%v%%", p)})
	}
	d.axisY(d.l, ticks)
	for i, r := range d.groups {
		var line pen
		line.to(d.l.left, bottom)
		sum := int64(0)
		for k, n := range r.Reconnects.Online {
			sum += n
			line.to(d.x.at(float64(k+1)*seconds(r.Reconnects.Interval)), y.at(share(sum, r.Affected)))
		}
		line.to(d.l.right, y.at(share(sum, r.Affected))) // there it stays
		d.Paths = append(d.Paths, path{"line " + d.class(i), line.String()})
		for k, at := range []*metrics.Span{r.Online.Half, r.Online.Most, r.Online.All} {
			if at != nil && seconds(*at) <= d.x.most {
				d.Dots = append(d.Dots, dot{d.class(i), num(d.x.at(seconds(*at))), num(y.at([]float64{50, 99, 100}[k]))})
			}
		}
	}
	d.Grid = append(d.Grid, rule{"axis", num(d.l.left), num(bottom), num(d.l.right), num(bottom)})
	return top, bottom
}

// share is part of whole in percent, at most 100.
func share(part, whole int64) float64 { return min(100*float64(part)/float64(whole), 100) }

// tell is a stretch of time in words, for the pointer. An interval is told of
// where it begins.
func (d *reconnectDrawing) tell(from, to float64) string {
	parts := []string{clock(time.Duration(from*1e9).Round(10*time.Millisecond)) + " to " + clock(time.Duration(to*1e9).Round(10*time.Millisecond))}
	for _, r := range d.groups {
		attempts, back := int64(0), int64(0)
		for k, n := range r.Reconnects.Attempts {
			at := float64(k) * seconds(r.Reconnects.Interval)
			if at >= to {
				break
			}
			back += r.Reconnects.Online[k]
			if at >= from {
				attempts += n
			}
		}
		parts = append(parts, fmt.Sprintf("%s: %s, %s back", d.name(r), words.Plural(attempts, "attempt", "attempts"), words.Share(back, r.Affected)))
	}
	return strings.Join(parts, " · ")
}

// describeReconnects says in words what the drawing shows.
func describeReconnects(groups []*metrics.Recovery) string {
	var parts []string
	for _, r := range groups {
		text := fmt.Sprintf("%s of %s came back with %s to connect", words.Grouped(r.Online.Count), words.Plural(r.Affected, "device", "devices"), words.Plural(r.Attempts, "attempt", "attempts"))
		if g := groupOf(r); g != "" {
			text = g + ": " + text
		}
		if r.Online.All != nil {
			text += ", the last after " + words.Span(time.Duration(*r.Online.All))
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ") + ". The table above has the same figures."
}
