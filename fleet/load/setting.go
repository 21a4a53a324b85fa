package load

import "time"

// Setting is what somebody has made of the load of a group, in the place of what the
// scenario has. The zero value, with a Factor of 1, is the scenario's own load.
type Setting struct {
	Paused bool
	Rate   float64 // slots of the group a second; 0: the scenario's rates, Factor times
	Factor float64
	Burst  int           // slots at once; 0: as in the scenario
	Every  time.Duration // from burst to burst; 0: likewise
	Anchor time.Duration // then, when one of these bursts is
}

// changed returns the pace that goes on as it is until a moment, and from then on as plan,
// the scenario's own, with a setting: slots before that keep their moments, and their
// numbers go on.
func (p *pace) changed(at time.Duration, plan *pace, s Setting) *pace {
	out := &pace{begin: p.begin, end: p.end}
	begin := p.begin
	for _, l := range p.legs {
		if begin >= at {
			break
		}
		end := begin + l.length
		out.add(l.part(0, min(l.length, at-begin)))
		begin = end
	}
	begin = plan.begin
	for _, l := range plan.legs {
		end := begin + l.length
		if end > at {
			from := max(at-begin, 0)
			out.add(s.applied(l.part(from, l.length), begin+from))
		}
		begin = end
	}
	return out
}

// add appends a leg, or makes the last one longer that it goes on with.
func (p *pace) add(l leg) {
	if n := len(p.legs); n > 0 && p.legs[n-1].goesOn(&l) {
		p.legs[n-1].length += l.length
		return
	}
	p.legs = append(p.legs, l)
}

// goesOn reports whether a leg goes on with another as if they were one.
func (l *leg) goesOn(with *leg) bool {
	if l.paused != with.paused || l.stage != with.stage || l.burst != with.burst {
		return false
	}
	if l.burst > 0 {
		return l.every == with.every && (with.first-(l.first-l.length)%l.every)%l.every == 0 && with.first < l.every
	}
	return l.from == l.to && with.from == with.to && l.from == with.from
}

// part is a part of a leg, from one moment to another of it.
func (l leg) part(from, to time.Duration) leg {
	out := l
	out.length = to - from
	if l.burst > 0 {
		if out.first = l.first - from; out.first < 0 {
			out.first = (l.every - (-out.first)%l.every) % l.every
		}
		return out
	}
	if l.length > 0 {
		rate := func(at time.Duration) float64 { return l.from + (l.to-l.from)*at.Seconds()/l.length.Seconds() }
		if from > 0 {
			out.from = rate(from)
		}
		if to < l.length {
			out.to = rate(to)
		}
	}
	return out
}

// applied is a leg of the scenario, which begins at a moment, with the setting.
func (s *Setting) applied(l leg, begin time.Duration) leg {
	l.paused = s.Paused
	switch {
	case l.burst > 0:
		if s.Burst > 0 {
			l.burst = s.Burst
		}
		if s.Every > 0 {
			l.every = s.Every
			if l.first = s.Anchor - begin; l.first < 0 {
				l.first = (l.every - (-l.first)%l.every) % l.every
			}
		}
	case s.Rate > 0:
		l.from, l.to = s.Rate, s.Rate
	default:
		l.from, l.to = l.from*s.Factor, l.to*s.Factor
	}
	return l
}
