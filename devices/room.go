package devices

import (
	"math"
	"time"
)

// room is the thermal model for one position of the window: one resistance,
// one capacity, a heater with lag, a sensor with lag, and an outdoor
// temperature that follows a sine through the day:
//
//	C dT/dt   = Q + Qint - (T - Tout)/R
//	dQ/dt     = (drive - Q)/heaterLag
//	dS/dt     = (T - S)/sensorLag
//	Tout(t)   = mean + swing cos(2 pi (t - peak)/24h)
//
// While the drive stays the same the solution is a sum of three exponentials
// and a sine. The coefficients that do not depend on the state are worked out
// once; a room does not change afterwards.
type room struct {
	resistance, capacity float64 // K/W, J/K
	internal             float64 // Qint, W

	base float64 // temperature the unheated room tends to on average, C

	// Rates of decay in 1/s. A lag of zero is an infinite rate.
	roomRate, heaterRate, sensorRate float64

	heaterGain           float64 // K of the heater's exponential per W not yet arrived
	heaterShare          float64 // of the heater's and the room's exponential,
	roomShare            float64 // how much of it the sensor shows
	roomWave, sensorWave wave    // forced by the sine

	whole decays // of one sampling period
}

// wave is a sine of the day as its cosine and sine parts.
type wave struct{ cos, sin float64 }

func (w wave) times(v wave) float64 { return w.cos*v.cos + w.sin*v.sin }

// decays are exp(-rate*dt) of the three exponentials.
type decays struct{ room, heater, sensor float64 }

// plant is the state of a room.
type plant struct {
	temp   float64 // T, C
	heat   float64 // Q, W
	sensed float64 // S, C
}

type roomParams struct {
	resistance, capacity, internal float64
	heaterLag, sensorLag           time.Duration
	outdoor                        outdoor
	period                         time.Duration
}

// outdoor is the temperature outside over the day.
type outdoor struct {
	mean, swing float64 // C, K
	peak        time.Duration
}

const dayRate = 2 * math.Pi / 86400 // radians a second

// angle returns where in the wave of the day a moment is.
func (o outdoor) angle(t time.Duration) wave {
	s, c := math.Sincos(dayRate * (t%day - o.peak).Seconds())
	return wave{c, s}
}

func (o outdoor) at(t time.Duration) float64 { return o.mean + o.swing*o.angle(t).cos }

// newRooms returns the room with the window closed and with it open, when the
// resistance is divided by the factor.
func newRooms(p roomParams, factor float64) [2]room {
	closed := 1 / (p.resistance * p.capacity)
	open := closed * factor
	// Exponentials with the same rate have another solution. Two that close
	// are kept apart by a thousandth, which no thermostat could tell.
	heater := apart(rate(p.heaterLag), closed, open)
	sensor := apart(rate(p.sensorLag), closed, open, heater)
	return [2]room{
		newRoom(p, p.resistance, closed, heater, sensor),
		newRoom(p, p.resistance/factor, open, heater, sensor),
	}
}

func rate(lag time.Duration) float64 { return 1 / lag.Seconds() } // +Inf for 0

func apart(r float64, others ...float64) float64 {
	for again := true; again; {
		again = false
		for _, o := range others {
			if !math.IsInf(r, 1) && math.Abs(r/o-1) < 1e-3 {
				r, again = o*1.0011, true
			}
		}
	}
	return r
}

func newRoom(p roomParams, resistance, a, b, s float64) room {
	r := room{
		resistance: resistance, capacity: p.capacity, internal: p.internal,
		base:     p.outdoor.mean + resistance*p.internal,
		roomRate: a, heaterRate: b, sensorRate: s,
		heaterShare: 1, roomShare: 1,
	}
	if !math.IsInf(b, 1) {
		r.heaterGain = 1 / (p.capacity * (a - b))
	}
	// Response of first-order lags to the sine: swing * a/(a+iw) * s/(s+iw).
	h := complex(p.outdoor.swing, 0) * complex(a, 0) / complex(a, dayRate)
	r.roomWave = wave{real(h), -imag(h)}
	if !math.IsInf(s, 1) {
		h *= complex(s, 0) / complex(s, dayRate)
		r.roomShare = s / (s - a)
		if !math.IsInf(b, 1) {
			r.heaterShare = s / (s - b)
		}
	}
	r.sensorWave = wave{real(h), -imag(h)}
	r.whole = r.decays(p.period)
	return r
}

func (r *room) decays(dt time.Duration) decays {
	t := dt.Seconds()
	if t == 0 {
		return decays{1, 1, 1} // not exp(-Inf*0)
	}
	return decays{math.Exp(-r.roomRate * t), math.Exp(-r.heaterRate * t), math.Exp(-r.sensorRate * t)}
}

// after returns the state after a time over which the drive (in W) was
// constant, given the decays over that time and the waves at its two ends.
func (r *room) after(x plant, drive float64, e decays, from, to wave) plant {
	rest := r.base + r.resistance*drive // where it all tends to, the sine apart
	missing := x.heat - drive
	heater := missing * r.heaterGain
	walls := x.temp - rest - r.roomWave.times(from) - heater
	sensor := x.sensed - rest - r.sensorWave.times(from) - heater*r.heaterShare - walls*r.roomShare
	return plant{
		temp:   rest + r.roomWave.times(to) + heater*e.heater + walls*e.room,
		heat:   drive + missing*e.heater,
		sensed: rest + r.sensorWave.times(to) + heater*r.heaterShare*e.heater + walls*r.roomShare*e.room + sensor*e.sensor,
	}
}

// slope bounds how fast the sensed temperature can move from here, in K/s.
func (r *room) slope(x plant, drive, outside float64) float64 {
	loss := (x.temp - outside) / r.resistance
	fastest := max(math.Abs(x.heat+r.internal-loss), math.Abs(drive+r.internal-loss)) / r.capacity
	if !math.IsInf(r.sensorRate, 1) {
		fastest = max(fastest, math.Abs(x.temp-x.sensed)*r.sensorRate)
	}
	return fastest
}
