package devices

import (
	"math"
	"time"
)

// load is what hangs on a plug: its draw as a function of simulated time and
// of a key, which is random per device. A load knows nothing of the relay: its
// own clock runs on while it is cut off.
type load interface {
	// at returns the active power in W and the power factor at a moment.
	at(key uint64, t time.Duration) (watts, factor float64)

	// joules is the exact integral of the power over a span within one day.
	joules(key uint64, from, to time.Duration) float64

	// peak bounds the power, in W.
	peak() float64
}

// phase is a part of a program: one power throughout, or pulses of it with a
// rest in between.
type phase struct {
	length        time.Duration
	watts, factor float64

	pulse, rest             time.Duration // rest 0: no pulses
	restWatts, restFactor   float64
	start                   time.Duration // within the program
	joulesBefore, perPeriod float64       // energy up to the start, and of a pulse with its rest
}

func (p *phase) at(x time.Duration) (watts, factor float64) {
	if p.rest > 0 && x%(p.pulse+p.rest) >= p.pulse {
		return p.restWatts, p.restFactor
	}
	return p.watts, p.factor
}

func (p *phase) joules(x time.Duration) float64 {
	if p.rest == 0 {
		return p.watts * x.Seconds()
	}
	period := p.pulse + p.rest
	part := x % period
	return float64(x/period)*p.perPeriod + p.watts*min(part, p.pulse).Seconds() + p.restWatts*max(part-p.pulse, 0).Seconds()
}

// program is a load that repeats its phases for ever. It begins at its first
// moment after midnight plus a random time.
type program struct {
	phases []phase
	period time.Duration
	total  float64 // J in a period
	most   float64 // W

	first  time.Duration
	random time.Duration // the start is uniform in [first, first+random)
}

// newProgram lines up the phases, which together are the period.
func newProgram(first, random time.Duration, phases ...phase) *program {
	p := &program{phases: phases, first: first, random: random}
	for i := range p.phases {
		f := &p.phases[i]
		f.start, f.joulesBefore = p.period, p.total
		f.perPeriod = f.watts*f.pulse.Seconds() + f.restWatts*f.rest.Seconds()
		p.period += f.length
		p.total += f.joules(f.length)
		p.most = max(p.most, f.watts, f.restWatts)
	}
	return p
}

// constant is a program that never changes.
func constant(watts, factor float64) *program {
	return newProgram(0, 0, phase{length: day, watts: watts, factor: factor})
}

// place returns how many periods lie before a moment and where in its period
// it is. The count may be negative.
func (p *program) place(key uint64, t time.Duration) (n int64, x time.Duration) {
	t -= p.first
	if p.random > 0 {
		t -= time.Duration(key % uint64(p.random))
	}
	n, x = int64(t/p.period), t%p.period
	if x < 0 {
		n, x = n-1, x+p.period
	}
	return n, x
}

func (p *program) phase(x time.Duration) *phase {
	i := len(p.phases) - 1
	for i > 0 && p.phases[i].start > x {
		i--
	}
	return &p.phases[i]
}

func (p *program) at(key uint64, t time.Duration) (watts, factor float64) {
	_, x := p.place(key, t)
	f := p.phase(x)
	return f.at(x - f.start)
}

func (p *program) joules(key uint64, from, to time.Duration) float64 {
	n0, x0 := p.place(key, from)
	n1, x1 := p.place(key, to)
	return float64(n1-n0)*p.total + p.upTo(x1) - p.upTo(x0)
}

func (p *program) upTo(x time.Duration) float64 {
	f := p.phase(x)
	return f.joulesBefore + f.joules(x-f.start)
}

func (p *program) peak() float64 { return p.most }

// bursts is a load that is used a number of times a day: each day from 6 to 22
// o'clock is cut into as many parts as there are bursts, and each burst has
// its random place within its part.
type bursts struct {
	watts, factor float64
	length        time.Duration
	fewest, most  uint64 // a day
}

const burstsFrom, burstsTo = 6 * time.Hour, 22 * time.Hour

// count is the number of bursts on the day of a moment.
func (b *bursts) count(key uint64, t time.Duration) uint64 {
	return b.fewest + hash(key, 0, uint64(t/day))%(b.most-b.fewest+1)
}

// begin is the moment the i-th of n bursts begins on the day of a moment.
func (b *bursts) begin(key uint64, t time.Duration, i, n uint64) time.Duration {
	part := (burstsTo - burstsFrom) / time.Duration(n)
	return t/day*day + burstsFrom + time.Duration(i)*part + spread(key, 1+i, uint64(t/day), part-b.length)
}

func (b *bursts) at(key uint64, t time.Duration) (watts, factor float64) {
	n := b.count(key, t)
	for i := range n {
		if s := b.begin(key, t, i, n); s <= t && t < s+b.length {
			return b.watts, b.factor
		}
	}
	return 0, 0
}

func (b *bursts) joules(key uint64, from, to time.Duration) float64 {
	var on time.Duration
	n := b.count(key, from)
	for i := range n {
		s := b.begin(key, from, i, n)
		on += max(0, min(to, s+b.length)-max(from, s))
	}
	return b.watts * on.Seconds()
}

func (b *bursts) peak() float64 { return b.watts }

// cycling is a heater behind a thermostat: in each cycle it is on for as long
// as the room loses heat, (target - Tout)/(R*watts) of the cycle.
type cycling struct {
	watts, factor float64
	cycle         time.Duration
	target        float64 // C
	resistance    float64 // K/W
	outdoor       outdoor
}

// place returns the begin of the cycle of a moment. The first begins before
// midnight of the first day.
func (c *cycling) place(key uint64, t time.Duration) time.Duration {
	offset := time.Duration(key % uint64(c.cycle))
	return (t+offset)/c.cycle*c.cycle - offset
}

// onFor is how long the heater is on in the cycle that begins at a moment.
func (c *cycling) onFor(begin time.Duration) time.Duration {
	if c.watts == 0 {
		return 0
	}
	duty := (c.target - c.outdoor.at(begin)) / (c.resistance * c.watts)
	return time.Duration(math.Round(min(max(duty, 0), 1) * float64(c.cycle)))
}

func (c *cycling) at(key uint64, t time.Duration) (watts, factor float64) {
	if begin := c.place(key, t); t-begin < c.onFor(begin) {
		return c.watts, c.factor
	}
	return 0, 0
}

func (c *cycling) joules(key uint64, from, to time.Duration) float64 {
	var on time.Duration
	for begin := c.place(key, from); begin < to; begin += c.cycle {
		on += max(0, min(to, begin+c.onFor(begin))-max(from, begin))
	}
	return c.watts * on.Seconds()
}

func (c *cycling) peak() float64 { return c.watts }
