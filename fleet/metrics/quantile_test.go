package metrics

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Ranks as the HdrHistogram tools have them: rounded up, and 99.9 % of 1,000 is
// the 999th although no number in the machine is 99.9.
func TestRank(t *testing.T) {
	for _, tt := range []struct {
		p    float64
		n    int64
		want int64
	}{
		{50, 1, 1}, {50, 2, 1}, {50, 3, 2}, {50, 4, 2}, {50, 5, 3}, {90, 10, 9}, {90, 11, 10}, {95, 20, 19}, {95, 21, 20},
		{99, 100, 99}, {99, 101, 100}, {99, 150, 149}, {99.9, 1000, 999}, {99.9, 1001, 1000}, {99.99, 10_000, 9999},
		{99.99, 9999, 9999}, {0, 7, 1}, {100, 7, 7}, {101, 7, 7}, {-1, 7, 1}, {99.9, 1_000_000_000, 999_000_000}, {0.1, 1000, 1},
		{0.1, 1001, 2}, {14, 50, 7}, {57, 100, 57}, {29, 100, 29},
	} {
		if got := Rank(tt.p, tt.n); got != tt.want {
			t.Errorf("Rank(%v, %d) = %d; want %d", tt.p, tt.n, got, tt.want)
		}
	}
	// Against whole numbers, in hundredths of a percent.
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		p, n := rng.Int64N(10_001), 1+rng.Int64N(1<<rng.IntN(40)+1)
		want := min(max((p*n+9999)/10_000, 1), n)
		if got := Rank(float64(p)/100, n); got != want {
			t.Fatalf("Rank(%v, %d) = %d; want %d", float64(p)/100, n, got, want)
		}
	}
}

// chances returns P(B < k) for k from 0 to n+1 where B is binomial, in fractions.
func chances(n int64, num, den int64) []*big.Rat {
	q := big.NewRat(num, den)
	not := new(big.Rat).Sub(big.NewRat(1, 1), q)
	power := func(x *big.Rat, k int64) *big.Rat {
		e := big.NewInt(k)
		return new(big.Rat).SetFrac(new(big.Int).Exp(x.Num(), e, nil), new(big.Int).Exp(x.Denom(), e, nil))
	}
	below := []*big.Rat{new(big.Rat)}
	for k := int64(0); k <= n; k++ {
		c := new(big.Rat).SetInt(new(big.Int).Binomial(n, k))
		c.Mul(c, power(q, k))
		c.Mul(c, power(not, n-k))
		below = append(below, c.Add(c, below[k]))
	}
	return below
}

// The interval's ranks against sums of binomial chances in whole fractions.
func TestRankInterval(t *testing.T) {
	tail := big.NewRat(25, 1000)
	for _, n := range some([]int64{1, 2, 5, 6, 10, 28, 29, 30, 99}, []int64{1, 2, 5, 6, 10, 28, 29, 30, 99, 150, 371}) {
		for _, p := range []int64{5000, 9000, 9500, 9900, 9990, 9999} { // hundredths of a percent
			below := chances(n, p, 10_000)
			from, to := int64(0), n+1
			for k := int64(1); k <= n; k++ {
				if below[k].Cmp(tail) <= 0 {
					from = k
				}
				if rest := new(big.Rat).Sub(big.NewRat(1, 1), below[k]); rest.Cmp(tail) <= 0 {
					to = min(to, k)
				}
			}
			if f, g := RankInterval(float64(p)/100, n); f != from || g != to {
				t.Errorf("RankInterval(%v, %d) = %d, %d; want %d, %d", float64(p)/100, n, f, g, from, to)
			}
		}
	}
	// Known from tables of the sign test: the median of 6 lies within all six
	// values, of 10 between the 2nd and the 9th, of 20 the 6th and the 15th.
	for _, tt := range [][3]int64{{5, 0, 6}, {6, 1, 6}, {10, 2, 9}, {20, 6, 15}, {100, 40, 61}} {
		if f, g := RankInterval(50, tt[0]); f != tt[1] || g != tt[2] {
			t.Errorf("RankInterval(50, %d) = %d, %d; want %d, %d", tt[0], f, g, tt[1], tt[2])
		}
	}
}

// Where the normal distribution takes over, the ranks go on as they were, to one.
func TestRankIntervalOfMany(t *testing.T) {
	for _, p := range []float64{50, 90, 95, 99, 99.9} {
		q := p / 100
		last := int64(500 * 500 / (q * (1 - q)))
		f0, g0 := RankInterval(p, last-1000)
		f1, g1 := RankInterval(p, last+1000)
		drift := int64(2000*q) + 1
		if d := f1 - f0 - drift; d < -4 || d > 4 {
			t.Errorf("the lower rank of percentile %v goes from %d to %d as the sums end", p, f0, f1)
		}
		if d := g1 - g0 - drift; d < -4 || d > 4 {
			t.Errorf("the upper rank of percentile %v goes from %d to %d as the sums end", p, g0, g1)
		}
	}
}

// What an interval promises: of many samples of a known distribution at least 95
// of 100 have the true percentile between its ends. The ends are conservative:
// nearly all of fewest samples do.
func TestIntervalCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	runs := some(150, 800)
	for _, tt := range []struct {
		n int
		p float64
	}{{10, 50}, {150, 50}, {150, 90}, {150, 95}, {1500, 99}, {40, 99}} {
		within := 0
		for range runs {
			var h Histogram
			for range tt.n { // evenly from 0 to 1 s, so that percentile p is p/100 s
				h.Record(time.Duration(rng.Int64N(int64(time.Second))))
			}
			low, high := h.Interval(tt.p)
			truth := time.Duration(tt.p / 100 * float64(time.Second))
			if low <= truth && truth <= high {
				within++
			}
		}
		if share := float64(within) / float64(runs); share < 0.93 {
			t.Errorf("of %d samples, percentile %v lies within its interval in %.3f of the runs; want 0.95", tt.n, tt.p, share)
		}
	}
}

// Whatever is left unanswered, percentiles are those of the plain list with the
// unanswered at its end, in one histogram or merged of parts, as it is or read
// back from JSON.
func TestPercentilesOverThePlan(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for round := range 60 {
		n, missing := rng.IntN(1<<rng.IntN(13)+1), rng.IntN(1<<rng.IntN(12)+1)
		parts := [3]Histogram{}
		var list []time.Duration
		for range n {
			d := time.Duration(rng.ExpFloat64() * float64(20*ms))
			list = append(list, d)
			parts[rng.IntN(3)].Record(d)
		}
		for range missing {
			list = append(list, NoAnswer)
			parts[rng.IntN(3)].RecordUnanswered(1, time.Duration(1+rng.IntN(5))*time.Second)
		}
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		var whole Histogram
		for i := range parts {
			whole.Merge(parts[i].Clone())
		}
		compareWithList(t, "merged", &whole, list, 0.001)
		text, err := whole.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var back Histogram
		if err := back.UnmarshalJSON(text); err != nil {
			t.Fatal(err)
		}
		compareWithList(t, "read back", &back, list, 0.001)
		if back.Bound() != whole.Bound() {
			t.Errorf("round %d: read back, the bound is %v; want %v", round, back.Bound(), whole.Bound())
		}
		// One more without an answer never makes a percentile less.
		before := Percentiles()
		for i, p := range before {
			was := whole.Percentile(p)
			more := whole.Clone()
			more.RecordUnanswered(1, 0)
			if now := more.Percentile(p); now < was {
				t.Errorf("percentile %v of %d and %d goes from %v to %v with one more that is not answered", before[i], n, missing, was, now)
			}
		}
		slices.Sort(list)
		for _, p := range Percentiles() {
			if len(list) == 0 {
				continue
			}
			low, high := whole.Interval(p)
			from, to := RankInterval(p, int64(len(list)))
			wantLow, wantHigh := time.Duration(0), NoAnswer
			if from > 0 {
				wantLow = list[from-1]
			}
			if to <= int64(len(list)) {
				wantHigh = list[to-1]
			}
			for _, end := range []struct{ got, want time.Duration }{{low, wantLow}, {high, wantHigh}} {
				if (end.got-end.want).Abs() > end.want/1000+time.Microsecond || (end.got == NoAnswer) != (end.want == NoAnswer) {
					t.Errorf("Interval(%v) of %d and %d = %v, %v; want %v, %v", p, n, missing, low, high, wantLow, wantHigh)
				}
			}
		}
	}
}

func TestWide(t *testing.T) {
	even := func(n, unanswered int) *Histogram {
		var h Histogram
		for i := range n {
			h.Record(time.Duration(i+1) * 100 * time.Microsecond)
		}
		h.RecordUnanswered(int64(unanswered), time.Second)
		return &h
	}
	for _, tt := range []struct {
		n, unanswered int
		p             float64
		want          bool
	}{
		{0, 0, 50, false}, {1, 0, 50, true}, {10, 0, 50, true}, {150, 0, 50, false}, {150, 0, 90, false}, {150, 0, 99, true},
		{1500, 0, 99, false}, {1500, 0, 99.9, true}, {100_000, 0, 99.9, false},
		{1000, 500, 90, false}, // no time, and certainly none
		{1000, 110, 90, true},  // none, by chance
		{1000, 0, 90, false}, {1000, 60, 90, false},
	} {
		if got := even(tt.n, tt.unanswered).Wide(tt.p); got != tt.want {
			t.Errorf("Wide(%v) of %d answers and %d without = %v; want %v", tt.p, tt.n, tt.unanswered, got, tt.want)
		}
	}
}
