package cmd

import (
	"fmt"
	"strings"
	"time"

	"homefleet/scenarios"
)

// underWay is which incidents of a scenario are under way.
type underWay struct {
	known   bool
	all     []scenarios.Occurrence // in the order in which they begin
	devices map[int]int            // how many the occurrence of an index strikes, as far as it was asked
}

// words names the incidents of a moment from the start of measuring, with the
// devices that they struck and how long they last yet: "power-cut: 45 devices,
// 12s left". It is "" when there are none.
func (w *underWay) words(sc *scenarios.Scenario, at time.Duration) string {
	if !w.known {
		w.known, w.all, w.devices = true, sc.Occurrences(sc.Phases.Measure), make(map[int]int)
	}
	const most = 3
	var now []string
	more := 0
	for i, o := range w.all {
		if o.From > at {
			break
		}
		in := &sc.Incidents[o.Incident]
		end := o.To + in.Spread
		if at >= end {
			continue
		}
		if len(now) == most {
			more++
			continue
		}
		n, ok := w.devices[i]
		if !ok {
			n = len(sc.Affected(o))
			w.devices[i] = n
		}
		if n == 0 {
			continue
		}
		left := (end - at + time.Second - 1).Truncate(time.Second)
		now = append(now, fmt.Sprintf("%s: %s, %s left", printable(in.Name), plural(n, "device"), shortTime(left)))
	}
	if more > 0 {
		now = append(now, fmt.Sprintf("%d more", more))
	}
	return strings.Join(now, "   ")
}
