package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowP is the two-sided p of the Mann-Whitney U test by its definition: the
// share of all ways to share the values out in which U is as far from its mean
// as it is, or farther.
func slowP(a, b []float64) float64 {
	all := slices.Concat(a, b)
	u := func(inB func(int) bool) float64 {
		n := 0.0
		for i, y := range all {
			for j, x := range all {
				if inB(i) && !inB(j) {
					switch {
					case y > x:
						n++
					case y == x:
						n += 0.5
					}
				}
			}
		}
		return math.Abs(n - float64(len(a)*len(b))/2)
	}
	observed := u(func(i int) bool { return i >= len(a) })
	far, ways := 0, 0
	for set := range 1 << len(all) {
		n := 0
		for i := range all {
			n += set >> i & 1
		}
		if n != len(b) {
			continue
		}
		ways++
		if u(func(i int) bool { return set>>i&1 == 1 }) >= observed-1e-9 {
			far++
		}
	}
	return float64(far) / float64(ways)
}

func TestRankTestIsExact(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name string
		a, b []float64
		want float64 // 0: by definition alone
	}{
		{"apart", []float64{1, 2, 3}, []float64{4, 5, 6}, 0.1},
		{"apart the other way", []float64{4, 5, 6, 7}, []float64{0, 1, 2}, 2.0 / 35},
		{"alike", []float64{1, 4, 5, 8}, []float64{2, 3, 6, 7}, 1},
		{"all the same", []float64{0, 0, 0}, []float64{0, 0, 0, 0}, 1},
		{"one loss", []float64{0, 0, 0, 0}, []float64{0, 0, 0, 1}, 1},
		{"ties", []float64{1, 1, 2, 2, 3}, []float64{2, 3, 3, 4, 4}, 0},
		{"more ties", []float64{0, 0, 0, 0, 2}, []float64{0, 1, 1, 2}, 0},
		{"never", []float64{1, 2, 3, 4}, []float64{inf, inf, inf, inf}, 2.0 / 70},
		{"never in some", []float64{1, 2, inf}, []float64{3, inf, inf, inf}, 0},
	} {
		got := newRankSums(c.a, c.b).observed()
		if want := slowP(c.a, c.b); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: p of %v and %v = %v; by definition it is %v", c.name, c.a, c.b, got, want)
		}
		if c.want != 0 && math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: p of %v and %v = %v; want %v", c.name, c.a, c.b, got, c.want)
		}
	}
	random := rand.New(rand.NewPCG(7, 7))
	for range 60 {
		a, b := make([]float64, 1+random.IntN(6)), make([]float64, 1+random.IntN(6))
		for i := range a {
			a[i] = float64(random.IntN(6))
		}
		for i := range b {
			b[i] = float64(random.IntN(7))
		}
		if got, want := newRankSums(a, b).observed(), slowP(a, b); math.Abs(got-want) > 1e-12 {
			t.Errorf("p of %v and %v = %v; by definition it is %v", a, b, got, want)
		}
	}
}

// Tables of the test print how large U may be at a level of 5 %, two-sided.
func TestRankTestCriticalValues(t *testing.T) {
	for _, c := range []struct{ n, u int }{{5, 2}, {8, 13}, {10, 23}, {20, 127}} {
		r := apart(c.n, c.n)
		mean := c.n * c.n
		if at, above := r.p[mean-2*c.u], r.p[mean-2*(c.u+1)]; at > 0.05 || above <= 0.05 {
			t.Errorf("of %d and %d values p(U = %d) = %v and p(U = %d) = %v; want the first up to 0.05 and the second above", c.n, c.n, c.u, at, c.u+1, above)
		}
	}
}

// Beyond a hundred runs the normal distribution takes over; there the two must
// nearly agree.
func TestRankTestApproximation(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float64, some(30, 40)), make([]float64, some(35, 60))
	for i := range a {
		a[i] = float64(random.IntN(30))
	}
	for i := range b {
		b[i] = float64(random.IntN(30)) + 4
	}
	exact := newRankSums(a, b)
	near := &rankSums{ranks: exact.ranks, second: exact.second, p: make([]float64, len(exact.p))}
	near.approximate()
	for d := 0; d < len(exact.p) && exact.p[d] > 1e-4; d += 2 {
		if e, n := exact.p[d], near.p[d]; math.Abs(e-n) > 0.03*e+0.002 {
			t.Errorf("at %d the exact p is %v and the normal one %v", d, e, n)
		}
	}
	if p := newRankSums(make([]float64, 80), slices.Repeat([]float64{1}, 80)).observed(); p > 1e-20 {
		t.Errorf("of 80 zeros and 80 ones p = %v; want next to nothing", p)
	}
}

func TestMedianOf(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		sorted            []float64
		median, low, high float64
		ok                bool
	}{
		{[]float64{3}, 3, 0, 0, false},
		{[]float64{1, 2, 3, 4, 5}, 3, 0, 0, false}, // 93.75 % is too little
		{[]float64{1, 2, 3, 4, 5, 6}, 3.5, 1, 6, true},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, 5, 2, 8, true},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 5.5, 2, 9, true},
		{[]float64{1, 1, 1, inf, inf, inf}, inf, 1, inf, true},
		{[]float64{inf, inf}, inf, 0, 0, false},
	} {
		median, low, high, ok := medianOf(c.sorted)
		if median != c.median || low != c.low || high != c.high || ok != c.ok {
			t.Errorf("medianOf(%v) = %v, %v, %v, %v; want %v, %v, %v, %v", c.sorted, median, low, high, ok, c.median, c.low, c.high, c.ok)
		}
	}
	// 95 of 100 such intervals have the median of all runs in them.
	random := rand.New(rand.NewPCG(3, 4))
	in := 0
	for range 2000 {
		values := make([]float64, 10)
		for i := range values {
			values[i] = random.ExpFloat64() // the median is ln 2
		}
		slices.Sort(values)
		if _, low, high, _ := medianOf(values); low <= math.Ln2 && math.Ln2 <= high {
			in++
		}
	}
	if in < 1900 { // 97.9 % is what the binomial distribution says
		t.Errorf("the median is in %d of 2,000 intervals; want 95 %%", in)
	}
}

func TestShift(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	in, pairs, ten := 0, 1000, apart(10, 10)
	for range pairs {
		a, b := make([]float64, 10), make([]float64, 10)
		for i := range a {
			a[i], b[i] = random.NormFloat64(), random.NormFloat64()+1
		}
		if low, high, ok := shift(a, b, ten); ok && low <= 1 && 1 <= high {
			in++
		}
	}
	if share := float64(in) / float64(pairs); share < 0.935 || share > 0.98 { // 95.7 % by the distribution of U
		t.Errorf("the shift is in %.3f of the intervals; want some 95 %%", share)
	}
	if _, _, ok := shift([]float64{1, 2, 3}, []float64{4, 5, 6}, apart(3, 3)); ok {
		t.Error("shift of three and three runs has an interval; want none: even the ends are within chance")
	}
	if _, _, ok := shift([]float64{1, 2, 3, 4, 5, 6}, []float64{4, 5, 6, 7, 8, math.Inf(1)}, apart(6, 6)); ok {
		t.Error("shift with a time that never came has an interval; want none")
	}
}

// Of two equal figures that are different in the same runs, the adjusted p is
// that of one; of figures that have nothing to do with each other it is larger;
// figures that are the same in all runs cost nothing.
func TestAdjustedForTheNumberOfFigures(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	a, b := make([]float64, 8), make([]float64, 8)
	for i := range a {
		a[i], b[i] = random.NormFloat64(), random.NormFloat64()+1.5
	}
	one := newRankSums(a, b)
	same := newRankSums(make([]float64, 8), make([]float64, 8))
	alone, _ := adjust([]*rankSums{one})
	twice, _ := adjust([]*rankSums{one, one, same, same, same})
	if math.Abs(alone[0]-one.observed()) > 1e-12 {
		t.Errorf("of one figure the adjusted p is %v; want p, %v", alone[0], one.observed())
	}
	if twice[0] != alone[0] || twice[1] != alone[0] || twice[2] != 1 {
		t.Errorf("of a figure twice and some without difference the adjusted p are %v; want %v twice, and 1", twice, alone[0])
	}
	figures := []*rankSums{one}
	for range 9 {
		x, y := make([]float64, 8), make([]float64, 8)
		for i := range x {
			x[i], y[i] = random.NormFloat64(), random.NormFloat64()
		}
		figures = append(figures, newRankSums(x, y))
	}
	ten, least := adjust(figures)
	if p := one.observed(); ten[0] < 5*p || ten[0] > 10*p*1.01 {
		t.Errorf("of ten figures the adjusted p is %v; want some ten times p, %v, and no more", ten[0], p)
	}
	if p := leastP(8, 8); least < 5*p || least > 10*p {
		t.Errorf("the least adjusted p of ten figures is %v; want some ten times %v", least, p)
	}
}
