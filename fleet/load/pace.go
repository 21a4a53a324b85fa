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
	legs  []leg         // none: the group is closed
	end   time.Duration // no slot is due at or after it
}

// leg is a part of the load with an evenly moving rate, or with bursts.
type leg struct {
	length   time.Duration
	from, to float64       // slots a second
	burst    int           // slots at once; 0: the rate rules
	first    time.Duration // when the first burst is, from the beginning of the leg
	every    time.Duration // from burst to burst
	stage    int           // index of the stage, or -1
	paused   bool          // its slots are not sent
}

// newPace returns the pace of a group in a run with these phases. Time 0 is the
// start of measuring. A group that is closed has no rate.
func newPace(c *scenarios.Controllers, p *scenarios.Phases) *pace {
	out := &pace{begin: -p.WarmUp, end: p.Measure}
	all := leg{length: p.WarmUp + p.Measure, stage: -1}
	switch {
	case c.Arrival == scenarios.Closed:
		out.legs = []leg{all}
		return out
	case c.Arrival == scenarios.Bursts:
		all.burst, all.every = c.Burst, c.Every
		out.legs = []leg{all}
		return out
	}
	rate := c.Rate
	if rate == 0 {
		rate = c.RatePerController * float64(c.Count)
	}
	legs := c.Stages
	if len(legs) == 0 {
		all.from, all.to = rate, rate
		out.legs = []leg{all}
		return out
	}
	if p.WarmUp > 0 {
		first := legs[0].From
		if first == 0 {
			first = legs[0].To
		}
		out.legs = append(out.legs, leg{length: p.WarmUp, from: first, to: first, stage: -1})
	}
	for i, s := range legs {
		out.legs = append(out.legs, leg{length: s.For, from: s.From, to: s.To, stage: i})
	}
	return out
}

// at returns when the n-th slot (from 0; fractions are for arrivals that are not
// evenly spaced) is due, and the leg it belongs to, or false when the load is
// over by then.
func (p *pace) at(n float64) (due time.Duration, of *leg, ok bool) {
	due = p.begin
	for i := range p.legs {
		l := &p.legs[i]
		slots := l.slots()
		if n < slots {
			due += l.when(n)
			return due, l, due < p.end
		}
		n -= slots
		due += l.length
	}
	return 0, nil, false
}

// slots returns how many slots there are in the leg.
func (l *leg) slots() float64 {
	if l.burst == 0 {
		return (l.from + l.to) / 2 * l.length.Seconds()
	}
	if l.first >= l.length {
		return 0
	}
	return float64((l.length-l.first-1)/l.every+1) * float64(l.burst)
}

// when returns how long after the beginning of the leg n slots have come. Of a rate it is
// the root of the quadratic above, in the form that loses no digits when the rate
// hardly moves.
func (l *leg) when(n float64) time.Duration {
	if l.burst > 0 {
		return l.first + time.Duration(n/float64(l.burst))*l.every
	}
	seconds := l.length.Seconds()
	slope := (l.to - l.from) / seconds
	root := math.Sqrt(max(l.from*l.from+2*slope*n, 0))
	if l.from+root == 0 {
		return 0
	}
	return time.Duration(min(2*n/(l.from+root), seconds) * float64(time.Second))
}

// awake returns the moment itself or, where it is in a pause, the end of that.
func (p *pace) awake(at time.Duration) time.Duration {
	begin := p.begin
	for i := range p.legs {
		l := &p.legs[i]
		if begin += l.length; at < begin && l.paused {
			at = begin
		}
	}
	return at
}

// peak is the highest rate of the pace, in slots a second; a burst counts as if
// spread over a second.
func (p *pace) peak() float64 {
	top := 0.0
	for _, l := range p.legs {
		if l.burst > 0 {
			top = max(top, float64(l.burst)*max(1, float64(time.Second)/float64(l.every)))
		}
		top = max(top, l.from, l.to)
	}
	return top
}
