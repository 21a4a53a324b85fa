package metrics

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	significance = 0.025  // an adjusted p up to it is a change
	exactRuns    = 100    // up to so many runs the distribution of rank sums is exact
	arrangements = 13_000 // of runs: up to so many, as of eight and eight, are all gone through; of more as many are drawn
	drawSeed     = 1      // so that the same results always give the same answer
)

// rankSums is one figure of two groups of runs as ranks, which are doubled so
// that those of ties, the mean of their places, are whole.
type rankSums struct {
	ranks  []int     // of the first group, then of the second
	second int       // runs in the second group
	p      []float64 // by how far the second group's sum of ranks is off its mean: see distribute
}

// newRankSums ranks the values of two groups. An infinite value is above every
// other and equal to itself.
func newRankSums(a, b []float64) *rankSums {
	all := slices.Concat(a, b)
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(all[i], all[j]) })
	r := &rankSums{ranks: make([]int, len(all)), second: len(b)}
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && all[order[j]] == all[order[i]] {
			j++
		}
		for _, at := range order[i:j] {
			r.ranks[at] = i + 1 + j // twice the mean of the places i+1 to j
		}
		i = j
	}
	r.distribute()
	return r
}

// off is how far a sum of second doubled ranks is from its mean.
func (r *rankSums) off(sum int) int {
	d := sum - r.second*(len(r.ranks)+1)
	return max(d, -d)
}

// observed is the two-sided p of the Mann-Whitney U test.
func (r *rankSums) observed() float64 {
	sum := 0
	for _, rank := range r.ranks[len(r.ranks)-r.second:] {
		sum += rank
	}
	return r.p[r.off(sum)]
}

// tied reports whether all values are the same, so that nothing can be told.
func (r *rankSums) tied() bool { return r.p[len(r.p)-1] == 1 }

// distribute fills in p: the share of all ways to share the runs out between
// two groups of these sizes in which the sum is as far off or farther. It is
// exact up to exactRuns runs, ties included, and beyond by the normal
// distribution with the variance that the ties leave and half a rank of
// correction.
func (r *rankSums) distribute() {
	n := len(r.ranks)
	sorted := slices.Sorted(slices.Values(r.ranks))
	least, most := 0, 0
	for i := range r.second {
		least += sorted[i]
		most += sorted[n-1-i]
	}
	r.p = make([]float64, max(r.off(least), r.off(most))+1)
	if n > exactRuns {
		r.approximate()
		return
	}
	// ways[k][s] is how many choices of k of the runs have the sum s: exact below
	// 2^53, to sixteen digits above.
	ways := make([][]float64, r.second+1)
	for k := range ways {
		ways[k] = make([]float64, most+1)
	}
	ways[0][0] = 1
	for i, rank := range r.ranks {
		for k := min(i+1, r.second); k > 0; k-- {
			for s := most; s >= rank; s-- {
				ways[k][s] += ways[k-1][s-rank]
			}
		}
	}
	total := 0.0
	for s, w := range ways[r.second] {
		if w > 0 {
			r.p[r.off(s)] += w
			total += w
		}
	}
	for d := len(r.p) - 1; d >= 0; d-- {
		if d+1 < len(r.p) {
			r.p[d] += r.p[d+1]
		}
	}
	for d := range r.p {
		r.p[d] /= total
	}
}

func (r *rankSums) approximate() {
	n, second := float64(len(r.ranks)), float64(r.second)
	square := 0.0
	for _, rank := range r.ranks {
		square += (float64(rank) - n - 1) * (float64(rank) - n - 1)
	}
	deviation := math.Sqrt(second * (n - second) / n * square / (n - 1))
	for d := range r.p {
		r.p[d] = 1
		if d > 1 {
			r.p[d] = math.Erfc((float64(d) - 1) / deviation / math.Sqrt2)
		}
	}
}

// leastP is the smallest p that groups of a and b runs can have: that of two
// groups that do not overlap.
func leastP(a, b int) float64 {
	p := 2.0
	for i := 1; i <= b; i++ {
		p *= float64(i) / float64(a+i)
	}
	return min(p, 1)
}

// adjust returns the p of each figure of the same runs, adjusted for how many
// figures there are, by the step-down method of Westfall and Young: the share of
// all ways to share the runs out in which this figure, or one whose p is no
// smaller, would look as different as it does. So the chance that any figure of
// two groups of equal runs has an adjusted p below a bound is no more than that
// bound, and figures that go together, as p90 and p95 do, cost as much as one.
// least is the same for two groups that do not overlap in a figure: what is
// not below the bound then cannot be at all.
func adjust(figures []*rankSums) (adjusted []float64, least float64) {
	adjusted = make([]float64, len(figures))
	observed := make([]float64, len(figures))
	var order []int
	for i, f := range figures {
		adjusted[i], observed[i] = 1, f.observed()
		if !f.tied() {
			order = append(order, i)
		}
	}
	if len(figures) == 0 {
		return adjusted, 1
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(observed[i], observed[j]) })
	second, runs := figures[0].second, len(figures[0].ranks)
	bound := leastP(runs-second, second)
	const rounding = 1 + 1e-9
	counts := make([]int, len(figures))
	apart, total := 0, 0
	sums := make([]int, len(figures))
	forArrangements(runs, second, func(chosen []int) {
		total++
		smallest := 1.0
		for _, i := range slices.Backward(order) {
			f := figures[i]
			sums[i] = 0
			for _, run := range chosen {
				sums[i] += f.ranks[run]
			}
			smallest = min(smallest, f.p[f.off(sums[i])])
			if smallest <= observed[i]*rounding {
				counts[i]++
			}
		}
		if smallest <= bound*rounding {
			apart++
		}
	})
	so := 0.0
	for _, i := range order {
		so = max(so, float64(counts[i])/float64(total), observed[i])
		adjusted[i] = so
	}
	return adjusted, max(bound, float64(apart)/float64(total))
}

// forArrangements calls f with the runs of the second group for every way to
// share runs out, or with the real one, which is that of the last runs, and as
// many as arrangements that are drawn. f must not keep what it is given.
func forArrangements(runs, second int, f func(chosen []int)) {
	ways := 2 / leastP(runs-second, second)
	if ways <= arrangements {
		chosen := make([]int, 0, second)
		var choose func(from int)
		choose = func(from int) {
			if len(chosen) == second {
				f(chosen)
				return
			}
			for run := from; run <= runs-(second-len(chosen)); run++ {
				chosen = append(chosen, run)
				choose(run + 1)
				chosen = chosen[:len(chosen)-1]
			}
		}
		choose(0)
		return
	}
	order := make([]int, runs)
	for i := range order {
		order[i] = i
	}
	f(order[runs-second:])
	random := rand.New(rand.NewPCG(drawSeed, 0))
	for range arrangements {
		for i := range second {
			j := i + random.IntN(runs-i)
			order[i], order[j] = order[j], order[i]
		}
		f(order[:second])
	}
}

// medianOf returns the median of the values, which are sorted, and the interval
// from one order statistic to another in which the median of all such runs lies
// with a chance of at least 95 %, whatever their distribution. ok is false for
// fewer than six values, of which even the least and the greatest do not do.
func medianOf(sorted []float64) (median, low, high float64, ok bool) {
	n := len(sorted)
	median = sorted[n/2]
	if n%2 == 0 {
		median = sorted[n/2-1]
		if upper := sorted[n/2]; upper != median {
			median += (upper - median) / 2
		}
	}
	// below is the chance that at most k of n values are below the median.
	term, below := math.Exp2(-float64(n)), 0.0
	place := 0 // how many values may be left out at each end
	for k := range n {
		if below += term; below > 0.025 {
			break
		}
		place = k + 1
		term *= float64(n-k) / float64(k+1)
	}
	if place == 0 {
		return median, 0, 0, false
	}
	return median, sorted[place-1], sorted[n-place], true
}

// apart is the distribution of rank sums of two groups without ties.
func apart(a, b int) *rankSums {
	places := make([]float64, a+b)
	for i := range places {
		places[i] = float64(i)
	}
	return newRankSums(places[:a], places[a:])
}

// shift returns the interval in which the values of b are greater than those of
// a with a chance of 95 %: that of Hodges and Lehmann, of all differences
// between two values, from the test's own distribution, which is that of
// [apart] with as many values. ok is false if there are too few values or one is
// infinite.
func shift(a, b []float64, r *rankSums) (low, high float64, ok bool) {
	out := 0 // how many differences may be left out at each end
	mean := len(a) * len(b)
	for u := 0; 2*u < mean && r.p[mean-2*u] <= 0.05; u++ {
		out = u + 1
	}
	if out == 0 || math.IsInf(slices.Max(a), 1) || math.IsInf(slices.Max(b), 1) {
		return 0, 0, false
	}
	differences := make([]float64, 0, mean)
	for _, y := range b {
		for _, x := range a {
			differences = append(differences, y-x)
		}
	}
	slices.Sort(differences)
	return differences[out-1], differences[mean-out], true
}
