package devices

import (
	"math"
	"strconv"
	"time"
)

// thermostat is a controller, its heater, its sensor and the room around them.
//
// It measures and decides at the points of a grid of simulated time, which
// starts at a moment of its own within the first sampling period, and once at
// the start. A command that matters to the decision has it decide again at
// once, on the last measurement. Between these moments the drive of the heater
// is constant, and the room is a function of the state at the last of them and
// of the time since: nothing depends on where a Step begins or ends.
//
// The heater switches on the measurement as it is; only what is reported is
// rounded to the sensor's resolution.
type thermostat struct {
	p    *thermoParams
	seed uint64
	now  time.Duration // since midnight of the first day
	at   time.Duration // moment of the state below; not after now
	x    plant

	next     time.Duration // moment of the next sample; after now
	sample   float32       // last measurement, C
	sum      float32       // integral part of the duty
	shown    int16         // last measurement as reported, tenths of a degree
	told     int16         // what was reported last by itself, likewise
	inCycle  uint16        // samples since the cycle began
	onFor    uint16        // samples of the cycle the heater is on
	target   int8          // half degrees
	mode     uint8
	lastMode uint8 // that ON returns to, never off
	window   uint8 // 0 closed, 1 open
	heating  bool
}

func newThermostat(p *thermoParams, seed uint64, start time.Duration) *thermostat {
	t := &thermostat{
		p: p, seed: seed, now: start, at: start,
		target: p.target, mode: p.mode, lastMode: p.mode,
	}
	if t.lastMode == modeOff {
		t.lastMode = modeHeat
	}
	t.x.temp = p.initial + p.spread*(2*uniform(seed, streamRoom, 0)-1)
	t.x.sensed = t.x.temp
	t.next = start + 1 + spread(seed, streamTick, 0, p.sampling)
	t.measure()
	t.told = t.shown
	if p.pi {
		t.inCycle = uint16(hash(seed, streamCycle, 0) % uint64(p.cycle))
		t.onFor = t.share()
	}
	t.drive(t.decide())
	return t
}

func (t *thermostat) Kind() *Kind { return &thermostatKind }

// room is the room with the window as it is.
func (t *thermostat) room() *room { return &t.p.rooms[t.window] }

// watts is what the heater is driven with.
func (t *thermostat) watts() float64 {
	if t.heating {
		return t.p.watts
	}
	return 0
}

// state is the plant at the present moment.
func (t *thermostat) state() plant {
	if t.at == t.now {
		return t.x
	}
	r := t.room()
	return r.after(t.x, t.watts(), r.decays(t.now-t.at), t.p.outdoor.angle(t.at), t.p.outdoor.angle(t.now))
}

// settle makes the present moment the one of the state, which has to be done
// before anything that drives the plant is changed.
func (t *thermostat) settle() { t.x, t.at = t.state(), t.now }

// drive switches the heater. It reports whether that changed anything.
func (t *thermostat) drive(on bool) bool {
	if on == t.heating {
		return false
	}
	t.settle()
	t.heating = on
	if math.IsInf(t.room().heaterRate, 1) {
		t.x.heat = t.watts() // without lag there is no moment in between
	}
	return true
}

// minSensed and maxSensed are the ends of the sensor's range in C. Rooms that
// a scenario makes absurdly hot read as the end.
const minSensed, maxSensed = -100, 1000

// measure takes a sample of the sensor at the moment of the state.
func (t *thermostat) measure() {
	s := t.x.sensed
	if t.p.sigma > 0 {
		s += t.p.sigma * gauss(t.seed, streamSensor, uint64(t.at))
	}
	s = min(max(s, minSensed), maxSensed)
	t.sample = float32(s)
	t.shown = int16(math.Round(10 * t.p.resolution * math.Round(s/t.p.resolution)))
}

// setpoint is what it regulates to, in C; in mode off the frost guard.
func (t *thermostat) setpoint() float64 {
	switch {
	case t.mode == modeOff:
		return t.p.frost
	case t.mode == modeAuto && t.isNight():
		return max(float64(t.target)/2-t.p.setback, minTarget)
	}
	return float64(t.target) / 2
}

func (t *thermostat) isNight() bool {
	h := t.at % day
	if t.p.nightFrom <= t.p.nightTo {
		return t.p.nightFrom <= h && h < t.p.nightTo
	}
	return t.p.nightFrom <= h || h < t.p.nightTo
}

// limits are the temperatures at which the two-point controller switches the
// heater on and off.
func (t *thermostat) limits() (on, off float64) {
	if t.mode == modeOff {
		return t.p.frost, t.p.frost + 2*t.p.hysteresis
	}
	set := t.setpoint()
	return set - t.p.hysteresis, set + t.p.hysteresis
}

// decide says whether the heater has to be on after the last measurement.
func (t *thermostat) decide() bool {
	if t.p.pi && t.mode != modeOff {
		return t.inCycle < t.onFor
	}
	on, off := t.limits()
	switch s := float64(t.sample); {
	case s <= on:
		return true
	case s >= off:
		return false
	}
	return t.heating
}

// share is how many samples of a cycle the heater is to be on: proportional to
// the error, plus the integral part.
func (t *thermostat) share() uint16 {
	e := t.setpoint() - float64(t.sample)
	duty := min(max(t.p.proportional*e+float64(t.sum), 0), 1)
	return uint16(math.Round(duty * float64(t.p.cycle)))
}

// regulate is the part of a sample that control "pi" adds: the integral grows
// only within the band, so that a long way up does not wind it up, and the
// share of a cycle is fixed at its beginning.
func (t *thermostat) regulate() {
	if t.mode == modeOff {
		return
	}
	if e := t.setpoint() - float64(t.sample); math.Abs(e*t.p.proportional) < 1 {
		t.sum = float32(min(max(float64(t.sum)+t.p.integral*e, 0), 1))
	}
	if t.inCycle++; t.inCycle >= t.p.cycle {
		t.inCycle = 0
		t.onFor = t.share()
	}
}

// maxSamples bounds the samples one Step goes through: 50 days at the default
// of 10 s, worked off in some hundredths of a second.
const maxSamples = 50 * 8640

// Step lets time pass. Of a span with more than maxSamples samples it leaves
// out whole days, over which the room stays as it is.
func (t *thermostat) Step(dt time.Duration) Changes {
	if dt <= 0 {
		return 0
	}
	end := later(t.now, dt)
	if over := (end-t.now)/t.p.sampling - maxSamples; over > 0 {
		leap := over*t.p.sampling/day*day + day
		t.now, t.at, t.next = t.now+leap, t.at+leap, t.next+leap
	}
	var c Changes
	if t.next <= end {
		from := t.p.outdoor.angle(t.at)
		for t.next <= end {
			r, to := t.room(), t.p.outdoor.angle(t.next)
			e := r.whole
			if t.next-t.at != t.p.sampling {
				e = r.decays(t.next - t.at)
			}
			t.x = r.after(t.x, t.watts(), e, from, to)
			t.at, t.now, t.next, from = t.next, t.next, t.next+t.p.sampling, to
			c |= t.tick()
		}
	}
	t.now = end
	return c
}

// tick measures and decides at a point of the grid.
func (t *thermostat) tick() Changes {
	t.measure()
	if t.p.pi {
		t.regulate()
	}
	var c Changes
	if t.drive(t.decide()) {
		c |= 1 << thermoAction
	}
	if d := t.shown - t.told; d >= t.p.report || d <= -t.p.report {
		t.told = t.shown
		c |= 1 << thermoTemperature
	}
	return c
}

// maxWait bounds Next: the outdoor temperature moves by about a degree an hour.
const maxWait = time.Hour

// Next is the first sample at which a switch or a report of the temperature is
// plausible: the distance to go less two sigma, over the fastest that the
// sensor can move. It is an hour at the most.
func (t *thermostat) Next() time.Duration {
	first := t.next - t.now
	var gap float64 // K
	wait := maxWait
	slope := t.room().slope(t.x, t.watts(), t.p.outdoor.at(t.at))
	if t.p.pi && t.mode != modeOff {
		rest := t.p.cycle - t.inCycle
		if t.heating && t.onFor < t.p.cycle {
			rest = t.onFor - t.inCycle
		}
		wait = first + time.Duration(max(rest, 1)-1)*t.p.sampling
		gap = math.Inf(1)
	} else if on, off := t.limits(); t.heating {
		gap = off - t.x.sensed
	} else {
		gap = t.x.sensed - on
	}
	gap = min(gap, t.p.reportInK-math.Abs(t.x.sensed-float64(t.told)/10)) - t.p.sigmaMargin
	if gap <= 0 {
		wait = 0
	} else if ahead := gap / slope; ahead < wait.Seconds() {
		wait = time.Duration(ahead*float64(time.Second)) - (t.now - t.at)
	}
	if t.mode == modeAuto {
		wait = min(wait, timeOfDay(t.p.nightFrom-t.at)+t.at-t.now, timeOfDay(t.p.nightTo-t.at)+t.at-t.now)
	}
	if wait <= first {
		return first
	}
	// Nothing happens between two samples.
	return first + (wait-first+t.p.sampling-1)/t.p.sampling*t.p.sampling
}

func (t *thermostat) action() string {
	switch {
	case t.heating:
		return "heating"
	case t.mode == modeOff:
		return "off"
	}
	return "idle"
}

func (t *thermostat) windowWord() string {
	if t.window == 1 {
		return "open"
	}
	return "closed"
}

func (t *thermostat) AppendValue(dst []byte, attr int) []byte {
	switch attr {
	case thermoMode:
		return append(dst, modeNames[t.mode]...)
	case thermoTarget:
		return strconv.AppendFloat(dst, float64(t.target)/2, 'f', 1, 64)
	case thermoTemperature:
		return appendFixed(dst, float64(t.shown)/10, 1)
	case thermoAction:
		return append(dst, t.action()...)
	case thermoPower:
		return append(dst, powerWord(t.mode != modeOff)...)
	case thermoWindow:
		return append(dst, t.windowWord()...)
	}
	return dst
}

func (t *thermostat) AppendTelemetry(dst []byte) []byte {
	dst = append(dst, '{')
	dst = appendTextMember(dst, "power", powerWord(t.mode != modeOff))
	dst = appendTextMember(dst, "mode", modeNames[t.mode])
	dst = t.AppendValue(appendName(dst, "target"), thermoTarget)
	all := t.readings()
	for i := range thermostatReadings[:2] {
		dst = appendReading(dst, &thermostatReadings[i], all[i])
	}
	dst = appendTextMember(dst, "action", t.action())
	dst = appendTextMember(dst, "window", t.windowWord())
	for i := range thermostatReadings[2:] {
		dst = appendReading(dst, &thermostatReadings[2+i], all[2+i])
	}
	return append(dst, '}')
}

// readings are the values of thermostatReadings.
func (t *thermostat) readings() [len(thermostatReadings)]float64 {
	return [...]float64{t.setpoint(), float64(t.shown) / 10, t.state().heat, t.p.outdoor.at(t.now)}
}

// AppendReadings implements [Measures].
func (t *thermostat) AppendReadings(dst []float64) []float64 {
	all := t.readings()
	return append(dst, all[:]...)
}
