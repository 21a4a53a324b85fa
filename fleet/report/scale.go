package report

import (
	"math"
	"strconv"
	"time"

	"homefleet/devices/words"
)

// tick is a place on an axis with its text.
type tick struct {
	At    float64
	Label string
	Minor bool // a line without a text
}

// linear maps 0 to most onto a range of the page.
type linear struct {
	most     float64
	from, to float64
}

func (l linear) at(v float64) float64 {
	if l.most <= 0 {
		return l.from
	}
	return l.from + (l.to-l.from)*v/l.most
}

// niceMost returns a round number that is not below v, and the step that
// divides it into three to five.
func niceMost(v float64) (most, step float64) {
	if v <= 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 1, 1
	}
	ten := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, f := range []struct{ most, step float64 }{{1, 0.25}, {1.5, 0.5}, {2, 0.5}, {3, 1}, {4, 1}, {5, 1}, {6, 2}, {8, 2}, {10, 2.5}} {
		if f.most*ten >= v*(1-1e-9) {
			return f.most * ten, f.step * ten
		}
	}
	return 10 * ten, 2.5 * ten
}

// wholeTicks are the ticks of an axis of what is counted: its ends, and the
// middle if that is a whole number.
func wholeTicks(l linear) []tick {
	if half := l.most / 2; half == math.Trunc(half) {
		return numberTicks(l, half)
	}
	return numberTicks(l, l.most)
}

// numberTicks are the ticks of a linear axis of numbers.
func numberTicks(l linear, step float64) []tick {
	var ticks []tick
	for i := 0; float64(i)*step <= l.most*(1+1e-9); i++ {
		v := float64(i) * step
		label := strconv.FormatFloat(math.Round(v*1e9)/1e9, 'f', -1, 64) // tenths do not add up exactly
		switch {
		case v >= 1e3 && v < 1e4 && v == math.Trunc(v):
			label = words.Grouped(int64(v))
		case v >= 1e6:
			label = strconv.FormatFloat(v/1e6, 'f', -1, 64) + "M"
		case v >= 1e4:
			label = strconv.FormatFloat(v/1e3, 'f', -1, 64) + "k"
		}
		ticks = append(ticks, tick{At: l.at(v), Label: label})
	}
	return ticks
}

// timeTicks are the ticks of an axis of a run's time, about gap apart.
func timeTicks(l linear, gap float64) []tick {
	total := time.Duration(l.most * float64(time.Second))
	want := l.most * gap / math.Max(math.Abs(l.to-l.from), 1) // seconds
	step := 24 * time.Hour
	for _, s := range []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if s.Seconds() >= want {
			step = s
			break
		}
	}
	for total/step > mostTicks {
		step *= 2
	}
	var ticks []tick
	for i := range total/step + 1 { // counted, since the last step may be beyond what a Duration holds
		d := i * step
		ticks = append(ticks, tick{At: l.at(d.Seconds()), Label: clock(d)})
	}
	return ticks
}

const mostTicks = 40

// logarithmic maps durations onto a range of the page.
type logarithmic struct {
	low, high float64 // powers of ten of seconds
	from, to  float64
}

// newLog returns a scale around two durations whose ends are 1, 2 or 5 times a
// power of ten.
func newLog(least, most time.Duration, from, to float64) logarithmic {
	const shortest = time.Microsecond
	low, high := math.Log10(max(least, shortest).Seconds()), math.Log10(max(most, shortest).Seconds())
	decade, end := math.Floor(low+1e-9), math.Ceil(high-1e-9)
	l := logarithmic{decade, end, from, to}
	for _, f := range []float64{2, 5} {
		if at := decade + math.Log10(f); at <= low+1e-9 {
			l.low = at
		}
	}
	for _, f := range []float64{5, 2} {
		if at := end - 1 + math.Log10(f); at >= high-1e-9 {
			l.high = at
		}
	}
	// At least a decade, so that there is something to read the line against.
	if l.high-l.low < 1 {
		l.low, l.high = decade, max(end, decade+1)
	}
	return l
}

func (l logarithmic) at(d time.Duration) float64 {
	v := math.Log10(max(d, 1).Seconds())
	v = math.Min(math.Max(v, l.low), l.high)
	return l.from + (l.to-l.from)*(v-l.low)/(l.high-l.low)
}

// ticks are the decades, and between them 2 and 5 if there are few.
func (l logarithmic) ticks() []tick {
	var ticks []tick
	add := func(d time.Duration, t tick) {
		v := math.Log10(d.Seconds())
		if v >= l.low-1e-9 && v <= l.high+1e-9 {
			if v <= l.low+1e-9 || v >= l.high-1e-9 {
				t.Label, t.Minor = round(d), false // the ends always have a text
			}
			t.At = l.at(d)
			ticks = append(ticks, t)
		}
	}
	for e := int(math.Floor(l.low + 1e-9)); e <= int(math.Ceil(l.high-1e-9)); e++ {
		ten := time.Duration(math.Pow10(e + 9)) // in nanoseconds, so that no decade is a fraction
		add(ten, tick{Label: round(ten)})
		for _, d := range []time.Duration{2 * ten, 5 * ten} {
			v := math.Log10(d.Seconds())
			if l.high-l.low <= 4 || math.Abs(v-l.low) < 1e-9 || math.Abs(v-l.high) < 1e-9 {
				add(d, tick{Minor: true})
			}
		}
	}
	return ticks
}

// round is 1, 2 or 5 times a power of ten of a second.
func round(d time.Duration) string {
	switch {
	case d >= time.Second:
		return words.Grouped(int64(d/time.Second)) + " s"
	case d >= time.Millisecond:
		return strconv.FormatInt(int64(d/time.Millisecond), 10) + " ms"
	}
	return strconv.FormatInt(int64(d/time.Microsecond), 10) + " µs"
}
