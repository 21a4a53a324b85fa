package load

import (
	"math"
	"time"

	"homefleet/scenarios"
)

// pace says when the requests of a group are due. It is a pure function: it
// knows no clock and no count, so the same slot is always due at the same time,
// whoever asks and however late.
//
// The rate moves evenly from one value to another within each leg, so the number
// of slots up to a time u into a leg is
//
//	n(u) = from*u + (to-from)/(2*length) * u²
//
// and slot k is due when n reaches k.
type pace struct {
	begin time.Duration // of the first leg; negative while warming up
	legs  []leg
	burst int           // slots at once; 0: legs rule
	every time.Duration // from burst to burst
	end   time.Duration // no slot is due at or after it
}

// leg is a part of the load with an evenly moving rate.
type leg struct {
	length   time.Duration
	from, to float64 // slots a second
	stage    int     // index of the stage, or -1
}

// newPace returns the pace of a group in a run with these phases. Time 0 is the
// start of measuring. A group that is closed has no pace.
func newPace(c *scenarios.Controllers, p *scenarios.Phases) pace {
	out := pace{begin: -p.WarmUp, end: p.Measure}
	if c.Arrival == scenarios.Bursts {
		out.burst, out.every = c.Burst, c.Every
		return out
	}
	rate := c.Rate
	if rate == 0 {
		rate = c.RatePerController * float64(c.Count)
	}
	legs := c.Stages
	if len(legs) == 0 {
		out.legs = []leg{{p.WarmUp + p.Measure, rate, rate, -1}}
		return out
	}
	if p.WarmUp > 0 {
		first := legs[0].From
		if first == 0 {
			first = legs[0].To
		}
		out.legs = append(out.legs, leg{p.WarmUp, first, first, -1})
	}
	for i, s := range legs {
		out.legs = append(out.legs, leg{s.For, s.From, s.To, i})
	}
	return out
}

// at returns when the n-th slot (from 0; fractions are for arrivals that are not
// evenly spaced) is due, and the stage it belongs to, or false when the load is
// over by then.
func (p *pace) at(n float64) (due time.Duration, stage int, ok bool) {
	if p.burst > 0 {
		k := math.Floor(n / float64(p.burst))
		if k*float64(p.every) > float64(p.end-p.begin) {
			return 0, -1, false
		}
		due = p.begin + time.Duration(k)*p.every
		return due, -1, due < p.end
	}
	due = p.begin
	for _, l := range p.legs {
		seconds := l.length.Seconds()
		slots := (l.from + l.to) / 2 * seconds
		if n < slots {
			due += time.Duration(l.when(n, seconds) * float64(time.Second))
			return due, l.stage, due < p.end
		}
		n -= slots
		due += l.length
	}
	return 0, -1, false
}

// when returns the seconds into the leg at which n slots have come. It is the
// root of the quadratic above, in the form that loses no digits when the rate
// hardly moves.
func (l leg) when(n, seconds float64) float64 {
	slope := (l.to - l.from) / seconds
	root := math.Sqrt(max(l.from*l.from+2*slope*n, 0))
	if l.from+root == 0 {
		return 0
	}
	return min(2*n/(l.from+root), seconds)
}
