package metrics

import (
	"math"
	"time"
)

// NoAnswer is a percentile that is no time: so many events had no answer that it
// falls among them. It is greater than every duration that is recorded.
const NoAnswer = time.Duration(math.MaxInt64)

// enoughAbove is how many samples lie above a percentile that is not said to
// rest on few: with fewer it says little about the broker and much about luck.
const enoughAbove = 100

// Rank returns which of n values in ascending order, counted from 1, is
// percentile p, by the rule of the nearest rank: the least that p percent of the
// values do not exceed. That is p percent of n, rounded up, as the HdrHistogram
// tools do, and at least 1. n must be above 0.
func Rank(p float64, n int64) int64 {
	// 99.9 is stored as a little more than that, and of 1,000 would be the 1,000th.
	below := math.Nextafter(min(p, 100), math.Inf(-1))
	rank := math.Ceil(below / 100 * float64(n))
	if !(rank >= 1) {
		return 1
	}
	if rank >= float64(n) {
		return n
	}
	return int64(rank)
}

// Percentile returns the value that p percent of all events do not exceed, by
// [Rank], to 0.1 % (1 % in a time line) and never above the greatest; 0 if there
// is no event. All events are the durations and what had none; if the percentile
// falls among these, there is no such time, and it is [NoAnswer]. It answers
// whatever the number of events: [Histogram.Interval] says what that is worth.
func (h *Histogram) Percentile(p float64) time.Duration {
	if h.Total() == 0 {
		return 0
	}
	return h.atRank(Rank(p, h.Total()))
}

// atRank returns the value with a rank from 1 to [Histogram.Total].
func (h *Histogram) atRank(rank int64) time.Duration {
	if rank > h.count {
		return NoAnswer
	}
	// The library rounds rank = percentile * count / 100 to the nearest.
	exact := 100 * float64(rank) / float64(h.count)
	var micros int64
	if h.dense != nil {
		micros = h.dense.ValueAtPercentile(exact)
	} else {
		micros = h.packed().ValueAtPercentile(exact)
	}
	return min(max(time.Duration(micros)*time.Microsecond, h.least), h.most)
}

// Interval returns the 95 % interval of percentile p: in 95 of 100 runs alike it
// has in it what the percentile would be of endlessly many events. It is free of
// any assumption on how the durations are distributed, since its ends are
// themselves events, whose ranks follow from the binomial distribution; but it
// takes them for independent of each other, which in one run they hardly are. low
// is 0, and high [NoAnswer], where there are too few events for such an end, or
// it falls among those without a duration. Both are 0 if there is no event.
func (h *Histogram) Interval(p float64) (low, high time.Duration) {
	n := h.Total()
	if n == 0 {
		return 0, 0
	}
	from, to := RankInterval(p, n)
	if from >= 1 {
		low = h.atRank(from)
	}
	if to > n {
		return low, NoAnswer
	}
	return low, h.atRank(to)
}

// tail is what may lie beyond either end of a 95 % interval.
const tail = 0.025

// RankInterval returns between which of n values in ascending order, counted
// from 1 and both included, percentile p of what they were drawn from lies with a
// probability of 95 %: at most 2.5 % lie beyond either end. from is 0, or to n+1,
// where there are too few for such an end. n must be above 0.
//
// Of n values, as many as a binomially distributed number B are below the
// percentile. So from is the greatest rank with P(B < from) <= 2.5 %, and to the
// least with P(B >= to) <= 2.5 %.
func RankInterval(p float64, n int64) (from, to int64) {
	q := p / 100
	mean, sigma := float64(n)*q, math.Sqrt(float64(n)*q*(1-q))
	const manySigma = 500 // from here on the normal distribution has the same ranks, to one or two
	if sigma > manySigma {
		const z = 1.959964
		const half = 0.5 // of a rank, between what is counted and what is continuous
		return int64(math.Floor(mean - z*sigma + half)), int64(math.Ceil(mean + z*sigma + half))
	}
	// Beyond ten standard deviations and some there is nothing to add up.
	first := max(0, int64(mean-10*sigma)-10)
	last := min(n, int64(mean+10*sigma)+10)
	below := 0.0 // P(B < k)
	to = n + 1
	for k, just := first, binomial(first, n, q); k <= last; k++ { // just is P(B = k)
		if below <= tail {
			from = k
		}
		below += just
		if q < 1 {
			just *= q / (1 - q) * float64(n-k) / float64(k+1)
		} else {
			just = binomial(k+1, n, q)
		}
		if 1-below <= tail { // P(B >= k+1)
			to = k + 1
			break
		}
	}
	return from, to
}

// binomial is the probability of k of n with a chance of q each.
func binomial(k, n int64, q float64) float64 {
	if q <= 0 || q >= 1 {
		if (q <= 0) == (k == 0) && (q >= 1) == (k == n) {
			return 1
		}
		return 0
	}
	gamma := func(x int64) float64 {
		v, _ := math.Lgamma(float64(x + 1))
		return v
	}
	return math.Exp(gamma(n) - gamma(k) - gamma(n-k) + float64(k)*math.Log(q) + float64(n-k)*math.Log1p(-q))
}

// usualWidth is how much greater or less than a percentile the ends of its
// interval may be without a mark.
const usualWidth = 1.5

// Wide reports whether the interval of percentile p reaches beyond one and a half
// times its value, or below two thirds of it, so that it is only a hint. A
// percentile that is no time is certain enough if the interval's lower end is
// none either.
func (h *Histogram) Wide(p float64) bool {
	if h.Total() == 0 {
		return false
	}
	v := h.Percentile(p)
	low, high := h.Interval(p)
	if v == NoAnswer {
		return low != NoAnswer
	}
	return high == NoAnswer || float64(high) > usualWidth*float64(v) || float64(low)*usualWidth < float64(v)
}

// Few reports whether percentile p rests on few events: fewer than 100 lie
// above it.
func (h *Histogram) Few(p float64) bool { return h.Total() < Needed(p) }

// Needed returns how many events it takes until 100 lie above percentile p, in
// steps of a hundredth: 200 for 50, 10,000 for 99, 1,000,000 for 99.99. No number
// is enough for 100.
func Needed(p float64) int64 {
	above := 10_000 - int64(math.Round(p*100))
	if above <= 0 {
		return math.MaxInt64
	}
	return (enoughAbove*10_000 + above - 1) / above
}

// CurvePoint is one point of a percentile curve: share percent of the events do
// not exceed the value.
type CurvePoint struct {
	Percentile float64
	Value      time.Duration
}

// Curve returns the percentile curve for a plot whose axis is 1/(1-p): some
// steps for each halving of what lies above. It ends where fewer than 100 events
// lie above or had no answer, and with the greatest duration at the share of
// events that had one: at 100 if all had. It is empty if there is no duration.
func (h *Histogram) Curve(steps int) []CurvePoint {
	if h.Count() == 0 {
		return nil
	}
	steps = max(steps, 1)
	var points []CurvePoint
	for i := 0; ; i++ {
		above := math.Exp2(-float64(i) / float64(steps)) // 1, …, 1/2, …, 1/4, …
		if above*float64(h.Total()) < enoughAbove || above < 1e-6 {
			break
		}
		p := 100 * (1 - above)
		v := h.Percentile(p)
		if v == NoAnswer {
			break
		}
		points = append(points, CurvePoint{p, v})
	}
	return append(points, CurvePoint{100 * float64(h.count) / float64(h.Total()), h.most})
}
