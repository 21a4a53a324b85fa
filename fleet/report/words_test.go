package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

func TestClock(t *testing.T) {
	for in, want := range map[time.Duration]string{
		0: "0s", 1500 * time.Millisecond: "1.5s", time.Minute: "1m", 90 * time.Minute: "1h30m", -5 * time.Second: "−5s",
		26*time.Hour + time.Second: "26h0m1s", 63*time.Second + 921*time.Millisecond: "1m3.921s", 3921 * time.Millisecond: "3.921s",
		10 * time.Millisecond: "10ms", 100 * time.Millisecond: "100ms", 400 * time.Microsecond: "0s",
	} {
		if got := clock(in); got != want {
			t.Errorf("clock(%v) = %q; want %q", in, got, want)
		}
	}
}

func TestCapital(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "the run": "The run", "requests.lost is 3": "requests.lost is 3", "done.": "Done.", "é": "É", "\xff": "\xff", "5 of 6": "5 of 6",
	} {
		if got := capital(in); got != want {
			t.Errorf("capital(%q) = %q; want %q", in, got, want)
		}
	}
}

func TestNiceMost(t *testing.T) {
	for in, want := range map[float64]float64{0: 1, 1: 1, 7: 8, 501: 600, 1000: 1000, 1001: 1500, 0.3: 0.3, math.Inf(1): 1} {
		if got, step := niceMost(in); math.Abs(got-want) > 1e-9 || step <= 0 || step > got {
			t.Errorf("niceMost(%v) = %v, %v; want %v", in, got, step, want)
		}
	}
}

// What is counted has no fraction on its axis, and slow rates have an axis.
func TestNumberTicks(t *testing.T) {
	labels := func(ticks []tick) string {
		var all []string
		for _, k := range ticks {
			all = append(all, k.Label)
		}
		return strings.Join(all, " ")
	}
	for most, want := range map[float64]string{1: "0 1", 3: "0 3", 11: "0 15", 105: "0 75 150", 9000: "0 5,000 10k", 2_000_000: "0 1M 2M"} {
		limit, _ := niceMost(most)
		if got := labels(wholeTicks(linear{most: limit, to: 100})); got != want {
			t.Errorf("wholeTicks for %v = %q; want %q", most, got, want)
		}
	}
	for most, want := range map[float64]string{0.3: "0 0.1 0.2 0.3", 0.00002: "0 0.000005 0.00001 0.000015 0.00002", 1.5: "0 0.5 1 1.5", 20: "0 5 10 15 20"} {
		limit, step := niceMost(most)
		if got := labels(numberTicks(linear{most: limit, to: 100}, step)); got != want {
			t.Errorf("numberTicks for %v = %q; want %q", most, got, want)
		}
	}
}

// The axis must reach around the values, at least over a decade, and have texts
// at its decades.
func TestNewLog(t *testing.T) {
	for _, test := range []struct{ least, most time.Duration }{
		{time.Microsecond, time.Hour}, {time.Millisecond, time.Millisecond}, {900 * time.Microsecond, 2 * time.Second}, {0, 0},
		{3 * time.Millisecond, 4 * time.Millisecond},
	} {
		l := newLog(test.least, test.most, 100, 0)
		labels := 0
		for _, k := range l.ticks() {
			if k.At < -0.01 || k.At > 100.01 {
				t.Errorf("newLog(%v, %v): the tick %q lies at %v; want 0 to 100", test.least, test.most, k.Label, k.At)
			}
			if k.Label != "" {
				labels++
			}
		}
		low, high := math.Pow(10, l.low), math.Pow(10, l.high)
		if low > max(test.least, time.Microsecond).Seconds()*1.001 || high < test.most.Seconds()*0.999 || high/low < 9.99 || labels < 1 {
			t.Errorf("newLog(%v, %v) reaches from %v to %v s with %d texts", test.least, test.most, low, high, labels)
		}
	}
}

// A long run is drawn with fewer intervals, and nothing is lost in that.
func TestGroup(t *testing.T) {
	line := &metrics.TimeLine{Interval: metrics.Span(time.Second)}
	online := int64(3)
	for i := range 1000 {
		line.Points = append(line.Points, metrics.Point{
			At: metrics.Span(time.Duration(i) * time.Second), Outcomes: metrics.Outcomes{Planned: 2, Lost: 1}, Received: 1, Online: &online,
		})
	}
	points, interval := group(line, 300)
	var sum metrics.Outcomes
	for _, p := range points {
		sum.Add(p.Outcomes)
	}
	if len(points) != 250 || interval != 4*time.Second || sum.Planned != 2000 || sum.Lost != 1000 || *points[249].Online != 3 {
		t.Errorf("group(1000 intervals, 300) = %d of %v, %+v; want 250 of 4s with all requests", len(points), interval, sum)
	}
	if line.Points[0].Planned != 2 {
		t.Errorf("group changed what it was given: %+v", line.Points[0])
	}
}
