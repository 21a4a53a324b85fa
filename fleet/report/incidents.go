package report

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

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
	last := math.Inf(-1)
	for i, in := range all {
		x := places[i]
		if math.IsNaN(x) || math.Abs(x-last) < apart { // the list below has it
			continue
		}
		last = x
		d.Marks = append(d.Marks, mark{num(x), num(top), num(bottom), fmt.Sprint(i + 1)})
		end := d.l.right
		for _, next := range places {
			if next > x && next < end {
				end = next - 9
			}
		}
		name, _, _ := strings.Cut(in.Text, ":")
		if room := min(int((end-x-14)/letter), most); room >= len("slow …") {
			d.Labels = append(d.Labels, label{"phase", num(x + 13), num(top + 13), "start", clip(clean(cmp.Or(name, in.Text)), room)})
		}
	}
}
