package metrics

import (
	"math"
	"time"
)

func (d *Delta) noise(method string, noise float64) {
	d.Method, d.Noise = method, noise
}

// byLine tells the noise from the time lines; if they are too short, it cannot
// be told.
func (d *Delta) byLine(a, b *Snapshot, of func(tick) (float64, bool)) {
	va, okA := spread(a, of)
	vb, okB := spread(b, of)
	if !okA || !okB {
		return
	}
	least := resolution * max(math.Abs(d.Before), math.Abs(d.After))
	if d.Unit == UnitShare {
		least = 0
	}
	d.noise(methodLine, max(sigmas*math.Sqrt(va+vb), least))
}

// spread cuts a time line into batches and returns the variance of the mean of
// their figures.
func spread(s *Snapshot, of func(tick) (float64, bool)) (variance float64, ok bool) {
	if s.TimeLine == nil {
		return 0, false
	}
	whole := s.TimeLine.line()
	// The last interval is only partly within the measuring, unless it is full.
	full := min(len(whole.points), int(time.Duration(s.Measured)/whole.interval))
	points := whole.points[:full]
	for n := min(batches, len(points)); n >= leastBatch; n-- {
		size := len(points) / n
		values := make([]float64, 0, n)
		for i := range n {
			sum := tick{response: newCoarse(), seconds: (time.Duration(size) * whole.interval).Seconds()}
			for j := range size {
				sum.add(&points[i*size+j])
			}
			v, ok := of(sum)
			if !ok {
				break
			}
			values = append(values, v)
		}
		if len(values) < n {
			continue
		}
		mean, square := 0.0, 0.0
		for _, v := range values {
			mean += v / float64(n)
		}
		for _, v := range values {
			square += (v - mean) * (v - mean)
		}
		return square / float64(n-1) / float64(n), true
	}
	return 0, false
}

// snapshot is a batch as a snapshot, as far as outcomes go.
func (p *tick) snapshot() *Snapshot {
	return &Snapshot{Totals: Totals{
		Planned: p.Planned, Sent: p.Sent, Answered: p.Answered, Late: p.Late, Lost: p.Lost, Refused: p.Refused,
		NotSent: NotSent{NoRoom: p.NotSent},
	}}
}

// rankNoise is half the width of the interval in which a percentile lies; +Inf
// if it reaches into what had no answer.
func rankNoise(h *Histogram, p float64) float64 {
	w := 100 * sigmas * math.Sqrt(p/100*(1-p/100)/float64(h.Total()))
	high := h.Percentile(min(p+w, 100))
	if high == NoAnswer {
		return math.Inf(1)
	}
	return (high - h.Percentile(max(p-w, 0))).Seconds() / 2
}
