package cmd

import (
	"time"

	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// pulse turns totals that only grow into rates of the present.
type pulse struct {
	beats []beat // oldest first
}

type beat struct {
	at     time.Time
	totals metrics.Totals
}

// pulseWindow is what counts as the present, and pulseLeast what is too short to
// tell a rate from.
const (
	pulseWindow = 2 * time.Second
	pulseLeast  = 500 * time.Millisecond
)

// beat notes the totals at a moment.
func (p *pulse) beat(at time.Time, t metrics.Totals) {
	p.beats = append(p.beats, beat{at, t})
	for len(p.beats) > 2 && at.Sub(p.beats[1].at) >= pulseWindow {
		p.beats = p.beats[1:]
	}
}

// rates returns requests sent and answered a second of late, and over how long
// that is. It is 0 as long as it is too early to say.
func (p *pulse) rates() (sent, answered float64, over time.Duration) {
	if len(p.beats) < 2 {
		return 0, 0, 0
	}
	first, last := &p.beats[0], &p.beats[len(p.beats)-1]
	over = last.at.Sub(first.at)
	if over < pulseLeast {
		return 0, 0, 0
	}
	done := func(t *metrics.Totals) int64 { return t.Answered + t.Late }
	return float64(last.totals.Sent-first.totals.Sent) / over.Seconds(),
		float64(done(&last.totals)-done(&first.totals)) / over.Seconds(), over
}

// plannedRate returns the requests a second that a scenario plans for a moment
// from the start of measuring, of all groups. Bursts count as if spread out, and
// Poisson as on average. open is false if answers decide, since all groups are
// closed.
func plannedRate(sc *scenarios.Scenario, at time.Duration) (rate float64, open bool) {
	for i := range sc.Controllers {
		c := &sc.Controllers[i]
		switch {
		case c.Arrival == scenarios.Closed:
			continue
		case c.Arrival == scenarios.Bursts:
			rate += float64(c.Burst) / c.Every.Seconds()
		case len(c.Stages) == 0:
			rate += c.Rate + c.RatePerController*float64(c.Count)
		default:
			if s, into, ok := stageAt(c, at); ok {
				st := c.Stages[s]
				rate += st.From + (st.To-st.From)*into.Seconds()/st.For.Seconds()
			}
		}
		open = true
	}
	return rate, open
}

// stageAt returns the stage of a moment, and how far into it that is.
func stageAt(c *scenarios.Controllers, at time.Duration) (stage int, into time.Duration, ok bool) {
	at = max(at, 0)
	for i, s := range c.Stages {
		if at < s.For {
			return i, at, true
		}
		at -= s.For
	}
	return 0, 0, false
}
