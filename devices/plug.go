package devices

import (
	"math"
	"time"
)

const joulesPerKWh = 3.6e6

// plug is a relay, a meter and what hangs on it.
//
// The meter holds the energy up to a moment, which is the last midnight or
// command that changed the draw; what came since is the integral of the load,
// which depends on nothing but the two moments.
type plug struct {
	p    *plugParams
	seed uint64
	now  time.Duration // since midnight of the first day
	at   time.Duration // moment of the energies below; on the day of now

	total, today, yesterday float64 // J

	load uint8
	on   bool
}

func newPlug(p *plugParams, seed uint64, start time.Duration) *plug {
	return &plug{p: p, seed: seed, now: start, at: start, load: p.load, on: p.on}
}

func (p *plug) Kind() *Kind { return &plugKind }

// key is what the random choices of the present load follow from.
func (p *plug) key() uint64 { return hash(p.seed, streamLoad+uint64(p.load), 0) }

// since is the energy from the moment of the meter to a later one, in J.
func (p *plug) since(to time.Duration) float64 {
	if !p.on || to == p.at {
		return 0
	}
	return max(p.p.loads[p.load].joules(p.key(), p.at, to), 0)
}

// settle brings the meter up to a moment of the same day, or its end.
func (p *plug) settle(to time.Duration) {
	e := p.since(to)
	p.total += e
	p.today += e
	p.at = to
}

// Step is exact over any span: it stops at each midnight only.
func (p *plug) Step(dt time.Duration) Changes {
	if dt <= 0 {
		return 0
	}
	before := p.reports()
	end := later(p.now, dt)
	for midnight := p.at/day*day + day; midnight <= end; midnight += day {
		p.settle(midnight)
		p.yesterday, p.today = p.today, 0
	}
	p.now = end
	if p.reports() != before {
		return 1 << plugEnergy
	}
	return 0
}

// reports counts how often the energy was worth a report up to now.
func (p *plug) reports() float64 { return math.Floor((p.total + p.since(p.now)) / p.p.step) }

// minWait keeps Next from asking for many short waits as the energy comes near
// to its next report.
const minWait = time.Minute

// Next is the time to the next report of the energy if the load drew its peak
// throughout, and a minute at least.
func (p *plug) Next() time.Duration {
	peak := p.p.loads[p.load].peak()
	if !p.on || peak == 0 {
		return Never
	}
	part := (p.total + p.since(p.now)) / p.p.step
	wait := (1 - (part - math.Floor(part))) * p.p.step / peak
	if wait > maxReportWait.Seconds() {
		return maxReportWait
	}
	return max(minWait, time.Duration(wait*float64(time.Second)))
}

// maxReportWait bounds Next of a load that draws next to nothing.
const maxReportWait = 30 * day

func (p *plug) Do(attr int, payload []byte) (Changes, error) {
	value, done, err := startCommand(&plugKind, attr, payload)
	if done {
		return 0, err
	}
	switch attr {
	case plugPower:
		on, ok := parsePower(value, p.on)
		if !ok {
			return 0, refuse(&plugKind, plugPower, value, notUnderstood)
		}
		if on != p.on {
			p.settle(p.now)
			p.on = on
			return 1 << plugPower, nil
		}
	case plugLoad:
		for i, name := range loadNames {
			if !equalFold(value, name) {
				continue
			}
			if uint8(i) == p.load {
				return 0, nil
			}
			p.settle(p.now)
			p.load = uint8(i)
			return 1 << plugLoad, nil
		}
		return 0, refuse(&plugKind, plugLoad, value, "is no load profile")
	case plugEnergy:
		if !equalFold(value, "reset") {
			return 0, refuse(&plugKind, plugEnergy, value, notUnderstood)
		}
		p.settle(p.now)
		old := p.total
		p.total, p.today, p.yesterday = 0, 0, 0
		if old >= 0.0005*joulesPerKWh { // it read as more than 0.000
			return 1 << plugEnergy, nil
		}
	}
	return 0, nil
}

// meter is what a plug measures at a moment. All is zero while the relay is
// open.
type meter struct {
	voltage, current          float64 // V, A
	power, apparent, reactive float64 // W, VA, var
	factor                    float64 // 0-1
}

func (p *plug) meter() meter {
	if !p.on {
		return meter{}
	}
	m := meter{voltage: p.MainsVoltage()}
	w, f := p.p.loads[p.load].at(p.key(), p.now)
	if w == 0 {
		return m
	}
	m.power, m.factor = w, f
	m.apparent = w / f
	m.current = m.apparent / m.voltage
	m.reactive = math.Sqrt(max(m.apparent*m.apparent-w*w, 0))
	if m.current < minCurrent || m.reactive < max(minReactive, minReactiveShare*m.apparent) {
		m.reactive = 0
	}
	return m
}

// Below these a meter shows no reactive power: amperes, var, and the share of
// the apparent power.
const (
	minCurrent       = 0.005
	minReactive      = 1.5
	minReactiveShare = 0.01
)

func (p *plug) AppendValue(dst []byte, attr int) []byte {
	switch attr {
	case plugPower:
		return append(dst, powerWord(p.on)...)
	case plugLoad:
		return append(dst, loadNames[p.load]...)
	case plugEnergy:
		return appendFixed(dst, (p.total+p.since(p.now))/joulesPerKWh, 3)
	case plugWatts:
		return appendFixed(dst, p.meter().power, 1)
	}
	return dst
}

func (p *plug) AppendTelemetry(dst []byte) []byte {
	dst = append(dst, '{')
	dst = appendTextMember(dst, "power", powerWord(p.on))
	dst = appendTextMember(dst, "load", loadNames[p.load])
	for i, v := range p.readings() {
		dst = appendReading(dst, &plugReadings[i], v)
	}
	return append(dst, '}')
}

// readings are the values of plugReadings.
func (p *plug) readings() [len(plugReadings)]float64 {
	m, e := p.meter(), p.since(p.now)
	return [...]float64{
		m.voltage, m.current, m.power, m.apparent, m.reactive, m.factor,
		(p.today + e) / joulesPerKWh, p.yesterday / joulesPerKWh, (p.total + e) / joulesPerKWh,
	}
}

// AppendReadings implements [Measures].
func (p *plug) AppendReadings(dst []float64) []float64 {
	all := p.readings()
	return append(dst, all[:]...)
}
