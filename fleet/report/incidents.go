package report

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"homefleet/fleet/metrics"
)

// incidents shades when something happened and marks its beginning with its
// number, and with its name where there is room.
func (d *timeDrawing) incidents(all []metrics.Incident, top, bottom float64) {
	const (
		letter, most = 6.6, 60 // at the size of these texts
		apart        = 20      // of marks
	)
	places := make([]float64, len(all)) // of the marks; those that are off the drawing are not a number
	for i, in := range all {
		places[i] = math.NaN()
		from, to := time.Duration(in.At).Seconds(), time.Duration(max(in.At, in.To)).Seconds()
		if to < 0 || from > d.x.most {
			continue
		}
		x0, x1 := d.x.at(max(from, 0)), d.x.at(min(to, d.x.most))
		places[i] = x0
		if x1 > x0 {
			d.Bands = append(d.Bands, band{"span", num(x0), num(top), num(x1 - x0), num(bottom - top)})
			d.Grid = append(d.Grid, rule{"incident", num(x0), num(top), num(x1), num(top)})
		}
	}
	for _, g := range marked(places, apart) {
		x, width := places[g.first], g.width()
		d.Marks = append(d.Marks, mark{num(x), num(top), num(bottom), num(x - width/2), num(width), g.text()})
		end := d.l.right
		for _, next := range places[g.last+1:] {
			if next > x && next < end {
				end = next - 9
			}
		}
		in := all[g.first]
		name, _, _ := strings.Cut(in.Text, ":")
		name = clean(cmp.Or(name, in.Text))
		if n := g.last - g.first; n > 0 {
			name += fmt.Sprintf(" and %d more", n)
		}
		if room := min(int((end-x-width/2-5)/letter), most); room >= len("slow …") {
			d.Labels = append(d.Labels, label{"phase", num(x + width/2 + 4), num(top + 13), "start", clip(name, room)})
		}
	}
}

// marking is a mark in the drawing: of one incident, or of several in a row that
// begin too close to each other to be told apart there. The list below has each.
type marking struct{ first, last int }

func (g marking) text() string {
	if g.first == g.last {
		return fmt.Sprint(g.first + 1)
	}
	return fmt.Sprintf("%d–%d", g.first+1, g.last+1)
}

// width is that of the mark, which is round for one.
func (g marking) width() float64 { return max(18, 6.6*float64(utf8.RuneCountInString(g.text()))+8) }

// marked finds the marks for incidents at places in order; those that are not a
// number are off the drawing.
func marked(places []float64, apart float64) (all []marking) {
	for i, x := range places {
		if math.IsNaN(x) {
			continue
		}
		if n := len(all); n > 0 {
			g := &all[n-1]
			if x-places[g.first] < max(apart, (g.width()+marking{i, i}.width())/2+2) {
				g.last = i
				continue
			}
		}
		all = append(all, marking{i, i})
	}
	return all
}
