package report

import (
	"math"
	"strconv"
	"strings"
)

// chart is a drawing as parts.html writes it: plain values, so that every text
// is escaped by the template. Colours and line styles are classes of the style
// sheet.
type chart struct {
	ID            string // unique on the page
	Class         string // "wide" or "narrow"
	Width, Height int
	Title, Desc   string
	Bands         []band
	Grid          []rule
	Paths         []path
	Bars          []bar
	Marks         []mark
	Keys          []chartKey
	Dots          []dot
	Labels        []label
	Hits          []hit
}

// band shades a part of the time axis: a phase or an incident.
type band struct{ Class, X, Y, W, H string }

// rule is a straight line.
type rule struct{ Class, X1, Y1, X2, Y2 string }

// path is a line or an area.
type path struct{ Class, D string }

// bar is one part of a stacked bar.
type bar struct{ Class, X, Y, W, H string }

// mark is a numbered moment.
type mark struct{ X, Y1, Y2, Left, Width, Number string }

// dot is a single value, drawn round or as a diamond.
type dot struct{ Class, X, Y string }

// label is a text; Anchor is "start", "middle" or "end".
type label struct{ Class, X, Y, Anchor, Text string }

// hit is a part of the page that tells its figures under the pointer.
type hit struct{ X, Y, W, H, Text string }

// num writes a coordinate to a tenth, which is finer than any screen.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	s := strconv.FormatFloat(v, 'f', 1, 64)
	s = strings.TrimSuffix(s, ".0")
	if s == "-0" {
		return "0"
	}
	return s
}

// pen draws a path.
type pen struct {
	b    strings.Builder
	down bool
	y    float64
}

// step draws a level from x0 to x1, joined to what was drawn before.
func (p *pen) step(x0, x1, y float64) {
	if p.down {
		if num(y) != num(p.y) {
			p.b.WriteString("V" + num(y))
		}
	} else {
		p.b.WriteString("M" + num(x0) + " " + num(y))
	}
	p.b.WriteString("H" + num(x1))
	p.down, p.y = true, y
}

// to draws a straight line.
func (p *pen) to(x, y float64) {
	if p.down {
		p.b.WriteString("L")
	} else {
		p.b.WriteString("M")
	}
	p.b.WriteString(num(x) + " " + num(y))
	p.down = true
}

// lift leaves a gap.
func (p *pen) lift() { p.down = false }

func (p *pen) String() string { return p.b.String() }

// layout is the size of a chart for one kind of screen.
type layout struct {
	class       string
	width       float64
	left, right float64 // of the plot
	timeGap     float64 // least between ticks of time
	intervals   int     // most that are told apart
	gap         float64 // below a panel
}

// layouts are the two drawings of each chart: text in a drawing shrinks with
// it, so a phone has one of its own.
func layouts() []layout {
	return []layout{
		{class: "wide", width: 1000, left: 64, right: 988, timeGap: 80, intervals: 300, gap: 28},
		{class: "narrow", width: 360, left: 48, right: 354, timeGap: 56, intervals: 120, gap: 26},
	}
}

// axisY adds the lines and texts of an axis at the left.
func (c *chart) axisY(l layout, ticks []tick) {
	for _, t := range ticks {
		class := "grid"
		if t.Minor {
			class = "grid minor"
		}
		c.Grid = append(c.Grid, rule{class, num(l.left), num(t.At), num(l.right), num(t.At)})
		if t.Label != "" {
			c.Labels = append(c.Labels, label{"tick", num(l.left - 8), num(t.At + 4), "end", t.Label})
		}
	}
}

// axisX adds the ticks and texts of an axis below a panel.
func (c *chart) axisX(l layout, ticks []tick, y float64) {
	for i, t := range ticks {
		anchor := "middle"
		if t.At > l.right-14 {
			anchor = "end"
		}
		if i == 0 && t.At <= l.left {
			anchor = "start"
		}
		c.Grid = append(c.Grid, rule{"axis", num(t.At), num(y), num(t.At), num(y + 4)})
		c.Labels = append(c.Labels, label{"tick", num(t.At), num(y + 17), anchor, t.Label})
	}
}

// heading adds the text above a panel, whose top is y, and the keys of its
// lines: beside it where there is room, else below. It returns where the panel
// may begin.
func (c *chart) heading(l layout, y float64, text string, keys []key) float64 {
	const (
		line             = 18
		bold, plain      = 8.4, 6.9 // widths of a letter, about
		swatch, distance = 28, 18
	)
	y += 12
	c.Labels = append(c.Labels, label{"panel", "0", num(y), "start", text})
	x, from := float64(len(text))*bold+distance, 0.0
	if l.class == "wide" {
		from = x
	} else if len(keys) > 0 {
		x, y = 0, y+line
	}
	for _, k := range keys {
		width := swatch + float64(len(k.Text))*plain
		if x > from && x+width > l.width {
			x, y = from, y+line
		}
		c.Keys = append(c.Keys, chartKey{k, num(x), num(y)})
		x += width + distance
	}
	return y + 12
}

// chartKey is a key at its place.
type chartKey struct {
	key
	X, Y string
}

// key is one entry of a legend.
type key struct {
	Class string // of the line or bar
	Shape string // "line" or "box"
	Text  string
}
