package metrics

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// compareWithList checks every figure of a histogram against the exact list of
// its samples, of which those that are NoAnswer had no duration.
func compareWithList(t testing.TB, name string, h *Histogram, list []time.Duration, precision float64) {
	t.Helper()
	list = slices.Clone(list)
	clamped, unanswered := int64(0), 0
	slices.Sort(list)
	for len(list) > unanswered && list[len(list)-1-unanswered] == NoAnswer {
		unanswered++
	}
	all := list
	list = list[:len(list)-unanswered]
	for i, d := range list {
		if d < 0 || d > time.Hour {
			clamped++
			list[i] = min(max(d, 0), time.Hour)
		}
	}
	slices.Sort(list)
	if h.Count() != int64(len(list)) || h.Clamped() != clamped || h.Unanswered() != int64(unanswered) {
		t.Errorf("%s: %d samples, %d clamped, %d unanswered; want %d, %d and %d", name, h.Count(), h.Clamped(), h.Unanswered(), len(list), clamped, unanswered)
		return
	}
	for _, p := range append(Percentiles(), 1, 10, 25, 75, 100) {
		if len(all) == 0 {
			break
		}
		want, got := all[ceilRank(p, len(all))-1], h.Percentile(p)
		if slack := time.Duration(precision*float64(want)) + time.Microsecond; (got-want).Abs() > slack || (got == NoAnswer) != (want == NoAnswer) {
			t.Errorf("%s: percentile %v = %v; want %v to %v", name, p, got, want, slack)
		}
	}
	if len(list) == 0 {
		return
	}
	sum := 0.0
	for _, d := range list {
		sum += float64(d)
	}
	if h.Min() != list[0] || h.Max() != list[len(list)-1] || math.Abs(float64(h.Mean())-sum/float64(len(list))) > 2 {
		t.Errorf("%s: min %v mean %v max %v; want %v %v %v", name, h.Min(), h.Mean(), h.Max(),
			list[0], time.Duration(sum/float64(len(list))), list[len(list)-1])
	}
	for _, d := range []time.Duration{0, list[len(list)/2], list[len(list)-1], time.Hour} {
		slack := time.Duration(precision*float64(d)) + time.Microsecond
		above := func(d time.Duration) int64 {
			i, _ := slices.BinarySearch(list, d+1)
			return int64(len(list) - i)
		}
		if got, least, most := h.Above(d), above(d+slack), above(d-slack); got < least || got > most {
			t.Errorf("%s: %d samples above %v; want %d to %d", name, got, d, least, most)
		}
	}
}

// ceilRank is p percent of n, rounded up, in whole numbers.
func ceilRank(p float64, n int) int {
	parts := int(math.Round(p * 10_000))
	return max((parts*n+999_999)/1_000_000, 1)
}

func samples(rng *rand.Rand, n int) []time.Duration {
	list := make([]time.Duration, n)
	for i := range list {
		switch rng.IntN(50) {
		case 0:
			list[i] = time.Duration(rng.Int64N(int64(2*time.Hour))) - time.Minute
		case 1:
			list[i] = time.Duration(rng.IntN(3000)) // below and around 1 µs
		default:
			list[i] = time.Duration(math.Exp(rng.NormFloat64()*2) * float64(5*ms))
		}
	}
	return list
}

func TestHistogramAgainstList(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 2, 99, 1000, denseFrom - 1, denseFrom, denseFrom + 1, 15_000} {
		list := samples(rng, n)
		var whole Histogram
		coarse, parts := newCoarse(), [3]Histogram{}
		for i, d := range list {
			whole.Record(d)
			coarse.Record(d)
			parts[min(i%5, 2)].Record(d)
		}
		compareWithList(t, fmt.Sprintf("%d samples", n), &whole, list, 0.001)
		compareWithList(t, fmt.Sprintf("%d samples, coarse", n), coarse, list, 0.01)
		var merged Histogram
		for i := range parts {
			merged.Merge(&parts[i])
		}
		merged.Merge(nil)
		compareWithList(t, fmt.Sprintf("%d samples, merged", n), &merged, list, 0.001)
		if merged.Mean() != whole.Mean() || merged.sum() != whole.sum() {
			t.Errorf("%d samples: the sum is %s after merging; want %s", n, merged.sum(), whole.sum())
		}
		clone := whole.Clone()
		clone.Record(time.Hour)
		if whole.Count() != int64(n) {
			t.Errorf("%d samples: recording into a clone changed the original", n)
		}
		for _, h := range []*Histogram{&whole, coarse} {
			b, err := json.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			var back Histogram
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatalf("%d samples: %v", n, err)
			}
			compareWithList(t, fmt.Sprintf("%d samples, read back", n), &back, list, math.Pow10(-max(h.digits, 2)))
			if again, _ := json.Marshal(&back); string(again) != string(b) {
				t.Errorf("%d samples: written again as\n%s\nwant\n%s", n, again, b)
			}
		}
	}
}

// Merging in any order and grouping gives the same document.
func TestHistogramMergeIsAssociative(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	parts := make([]*Histogram, 6)
	for i := range parts {
		parts[i] = new(Histogram)
		for _, d := range samples(rng, []int{0, 10, 3_000, 300, denseFrom - 1, 5}[i]) {
			parts[i].Record(d)
		}
	}
	document := func(order []int) string {
		left, right := new(Histogram), new(Histogram)
		for i, k := range order {
			if i < 3 {
				left.Merge(parts[k])
			} else {
				right.Merge(parts[k])
			}
		}
		left.Merge(right)
		b, err := json.Marshal(left)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	want := document([]int{0, 1, 2, 3, 4, 5})
	for range 5 {
		if order := rng.Perm(6); document(order) != want {
			t.Errorf("merged in the order %v the document is another one", order)
		}
	}
}

func TestAbove(t *testing.T) {
	var h Histogram
	for _, d := range []time.Duration{0, time.Microsecond, ms, ms, 2 * ms, 3 * time.Hour} {
		h.Record(d)
	}
	for _, tt := range []struct {
		d    time.Duration
		want int64
	}{{-1, 6}, {0, 6}, {time.Microsecond, 4}, {ms - time.Microsecond, 4}, {ms, 2}, {2 * ms, 1}, {time.Hour, 0}} {
		if got := h.Above(tt.d); got != tt.want {
			t.Errorf("Above(%v) = %d; want %d", tt.d, got, tt.want)
		}
	}
}

// The sum does not overflow where 64 bits of nanoseconds would.
func TestHistogramOfCenturies(t *testing.T) {
	h := new(Histogram)
	for range 1000 {
		h.Record(time.Hour)
	}
	for range 20 {
		h.Merge(h.Clone())
	}
	h.Record(time.Hour)
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back Histogram
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if h.Mean() != time.Hour || back.Mean() != time.Hour || back.Count() != 1000<<20+1 {
		t.Errorf("mean %v, read back %v of %d samples; want 1h of %d", h.Mean(), back.Mean(), back.Count(), 1000<<20+1)
	}
	if got, want := h.sum(), "3774873603600.000000000"; got != want {
		t.Errorf("sum = %s; want %s", got, want)
	}
}

func TestFewAndNeeded(t *testing.T) {
	for _, tt := range []struct {
		p    float64
		want int64
	}{{50, 200}, {90, 1000}, {95, 2000}, {99, 10_000}, {99.9, 100_000}, {99.99, 1_000_000}, {100, math.MaxInt64}} {
		if got := Needed(tt.p); got != tt.want {
			t.Errorf("Needed(%v) = %d; want %d", tt.p, got, tt.want)
		}
		if tt.want < 20_000 {
			var h Histogram
			for range tt.want - 1 {
				h.Record(ms)
			}
			if !h.Few(tt.p) {
				t.Errorf("Few(%v) with %d samples = false; want true", tt.p, tt.want-1)
			}
			if h.Record(ms); h.Few(tt.p) {
				t.Errorf("Few(%v) with %d samples = true; want false", tt.p, tt.want)
			}
		}
	}
}

func TestCurve(t *testing.T) {
	var h Histogram
	if got := h.Curve(4); got != nil {
		t.Errorf("the curve of nothing = %v; want nil", got)
	}
	for i := range 20_000 {
		h.Record(time.Duration(i) * time.Microsecond)
	}
	curve := h.Curve(2)
	if first, last := curve[0], curve[len(curve)-1]; first.Percentile != 0 || last.Percentile != 100 || last.Value != h.Max() {
		t.Errorf("the curve goes from %v to %v; want 0 to 100 and %v", first, last, h.Max())
	}
	for i := 1; i < len(curve); i++ {
		if curve[i].Percentile <= curve[i-1].Percentile || curve[i].Value < curve[i-1].Value {
			t.Errorf("the curve falls from %v to %v", curve[i-1], curve[i])
		}
		if p := curve[i].Percentile; p < 100 && (100-p)/100*20_000 < enoughAbove {
			t.Errorf("the curve shows %v of 20,000 samples", p)
		}
	}
}

// Other tools must be able to read the distribution.
func TestHistogramIsV2(t *testing.T) {
	var h Histogram
	for i := range 1000 {
		h.Record(time.Duration(i+1) * ms)
	}
	b, err := json.Marshal(&h)
	if err != nil {
		t.Fatal(err)
	}
	var j struct{ HDR string }
	if err := json.Unmarshal(b, &j); err != nil {
		t.Fatal(err)
	}
	other, err := hdr.Decode([]byte(j.HDR))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := other.ValueAtPercentile(50), int64(500_000); math.Abs(float64(got-want)) > 500 {
		t.Errorf("the median read by the library itself = %d; want %d µs", got, want)
	}
}

func TestHistogramRefuses(t *testing.T) {
	encode := func(h *hdr.PackedHistogram) string {
		b, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	one := hdr.NewPacked(lowestMicros, highestMicros, 3)
	_ = one.RecordValue(1000)
	wide := hdr.NewPacked(1, 1<<50, 3)
	_ = wide.RecordValue(1000)
	precise := hdr.NewPacked(lowestMicros, highestMicros, 5)
	_ = precise.RecordValue(1000)
	good := `{"count":1,"min":"1ms","mean":"1ms","max":"1ms","sum":"0.001000000","hdr":"` + encode(one) + `"}`
	if err := new(Histogram).UnmarshalJSON([]byte(good)); err != nil {
		t.Fatalf("%s: %v; want nil", good, err)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"no distribution", `{"count":1}`, "reading a histogram: encoded histogram too short: got 0 bytes, need at least 8"},
		{"no base64", `{"count":1,"hdr":"!"}`, "reading a histogram: illegal base64 data at input byte 0"},
		{"another range", `{"count":1,"hdr":"` + encode(wide) + `"}`, "a histogram has the range 1 to 1125899906842624 with 3 digits; want 1 to 3600000000 (microseconds) with 2 or 3"},
		{"another precision", `{"count":1,"hdr":"` + encode(precise) + `"}`, "a histogram has the range 1 to 3600000000 with 5 digits; want 1 to 3600000000 (microseconds) with 2 or 3"},
		{"another count", `{"count":2,"hdr":"` + encode(one) + `"}`, "a histogram says it has 2 samples and holds 1"},
		{"no sum", `{"count":1,"hdr":"` + encode(one) + `"}`, `a histogram has the sum ""; want seconds with nine decimals`},
		{"a sum that does not fit", `{"count":1,"min":"1ms","max":"1ms","sum":"9.000000000","hdr":"` + encode(one) + `"}`, "the figures of a histogram do not fit each other: min 1ms, mean 0s, max 1ms, 1 samples"},
		{"min above max", `{"count":1,"min":"2ms","max":"1ms","sum":"0.001500000","hdr":"` + encode(one) + `"}`, "the figures of a histogram do not fit each other: min 2ms, mean 0s, max 1ms, 1 samples"},
		{"no duration", `{"count":1,"min":"x"}`, `"x" is no duration; want one such as "1.5s"`},
	} {
		var h Histogram
		if err := h.UnmarshalJSON([]byte(tt.text)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v; want %s", tt.name, err, tt.want)
		}
	}
}
