package report

import (
	"fmt"
	"slices"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// recovery is the section of how devices came back.
type recovery struct {
	Caption string
	Blocks  []recoveryBlock
	Figures []reconnectFigure
}

// recoveryBlock is one recovery of a group.
type recoveryBlock struct {
	Title, Facts string
	Rows         []recoveryRow
}

// recoveryRow is one of the two times of a recovery.
type recoveryRow struct {
	What, Back string
	Times      [3]back
}

// reconnectFigure is the drawing of an incident.
type reconnectFigure struct {
	Title, At string
	Charts    []chart
}

// How much of a run with many incidents is shown.
const (
	mostRecoveries = 200
	mostFigures    = 12
	mostGroups     = 6 // in a drawing: there are as many styles of line
)

// newRecovery returns nil if there was nothing to recover from.
func newRecovery(r *metrics.Result) *recovery {
	if len(r.Recoveries) == 0 {
		return nil
	}
	p := &recovery{Caption: "How long it took until so many of the devices were there"}
	rows := gravest(r.Recoveries, mostRecoveries)
	if n := moreRecoveries(r, len(rows)); n > 0 {
		p.Caption += fmt.Sprintf("; %s from which devices came back as fast or faster", words.Plural(n, "more recovery", "more recoveries"))
	}
	for _, x := range rows {
		p.add(x)
	}
	p.figures(gravest(r.Recoveries, mostFigures), r.Recoveries)
	return p
}

func (p *recovery) add(x *metrics.Recovery) {
	b := recoveryBlock{Title: x.Incident, Facts: incidentSpan(x.At, x.To) + " · " + attemptsText(x)}
	if g := groupOf(x); g != "" {
		b.Title += " · " + g
	}
	for i, t := range timesOf(x) {
		b.Rows = append(b.Rows, recoveryRow{timeNames[i], backText(x, t), backs(x, t)})
	}
	p.Blocks = append(p.Blocks, b)
}

// leastIntervals is how many intervals a drawing of reconnects takes: with
// fewer there is no shape, and the table says more.
const leastIntervals = 4

// figures draws the recoveries whose reconnects are known by interval, those of one incident
// in one drawing so that groups can be compared.
func (p *recovery) figures(gravest []*metrics.Recovery, all []metrics.Recovery) {
	drawn := make(map[string]bool)
	for _, x := range gravest {
		name := fmt.Sprint(x.At, " ", x.Incident)
		if drawn[name] {
			continue
		}
		drawn[name] = true
		var groups []*metrics.Recovery
		for i := range all {
			y := &all[i]
			if y.At == x.At && y.Incident == x.Incident && y.Reconnects != nil && len(y.Reconnects.Attempts) > 0 && y.Affected > 0 && len(groups) < mostGroups {
				groups = append(groups, y)
			}
		}
		if !slices.ContainsFunc(groups, func(r *metrics.Recovery) bool { return len(r.Reconnects.Attempts) >= leastIntervals }) {
			continue
		}
		f := reconnectFigure{Title: x.Incident, At: incidentSpan(x.At, x.To)}
		for _, l := range layouts() {
			f.Charts = append(f.Charts, drawReconnects(groups, l, fmt.Sprintf("herd-%d", len(p.Figures)+1)))
		}
		p.Figures = append(p.Figures, f)
	}
}
