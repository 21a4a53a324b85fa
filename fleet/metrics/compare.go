package metrics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices/words"
)

// Comparison is how a result differs from an earlier one.
type Comparison struct {
	Deltas  []Delta  `json:"deltas"`
	Remarks []string `json:"remarks,omitempty"` // why the two may not be comparable at all
}

// Delta is the difference in one figure.
type Delta struct {
	Name     string  `json:"name"` // as in expectations
	Unit     Unit    `json:"unit"` // values are in seconds, percent, events a second
	Before   float64 `json:"before"`
	After    float64 `json:"after"`
	Noise    float64 `json:"noise"`  // what a difference may be by how the figure varies within the runs; 0 if it could not be told
	Method   string  `json:"method"` // how the noise was told: "intervals", "counts", "ranks" or ""
	Verdict  Change  `json:"verdict"`
	Sentence string  `json:"sentence"`

	// Of a percentile that is no time, since so many requests had no answer: the
	// value is what they exceeded.
	NoBefore bool `json:"no_before,omitempty"`
	NoAfter  bool `json:"no_after,omitempty"`

	single float64 // of a share: the noise if each of the whole is by itself
}

// Change is what a difference means.
type Change string

const (
	Within     Change = "within noise"
	Better     Change = "better"
	Worse      Change = "worse"
	Different  Change = "different"   // more than noise, and neither is better
	CannotTell Change = "cannot tell" // noise is not known, or for times: it and the usual difference between runs disagree
)

// How noise is told from change. Every estimate is a standard error times
// sigmas: with the ten batches of a run that is the 99 % quantile of Student's
// t for the difference of two.
const (
	sigmas      = 3
	batches     = 10 // a run is cut into as many,
	leastBatch  = 5  // or into fewer, down to these
	batchAbove  = 10 // for this many samples above a percentile in each
	resolution  = 0.01
	many        = 10  // from here on a factor says more than a share
	usual       = 1.5 // times of two runs of the same may differ by this factor
	methodLine  = "intervals"
	methodCount = "counts"
	methodRank  = "ranks"
)

// Compare compares a result with an earlier one, figure by figure, and says of
// each difference whether it is within noise. Neither result is changed.
//
//   - Response times and rates ("intervals"): each run's time line is cut into
//     ten batches of consecutive intervals (down to five if it is short or a
//     percentile would have fewer than ten samples above it in a batch), and
//     the figure is worked out in each. The spread between the batches of a run
//     is its noise: the noise of the difference is 3 sqrt(sa²/na + sb²/nb), and
//     no less than 1 %, to which a time line is exact. Batches keep what hangs
//     together in time together; a load that changes on purpose, as in stages,
//     makes the noise larger than it is.
//   - Shares ("counts"): as for two binomial counts, 3 sqrt(p (1-p) (1/na+1/nb))
//     with the common share p, or the spread between the batches, whichever is
//     larger, since losses come in bursts. Where one of the results has none at
//     all, the burst itself is the difference, and the counts alone decide.
//   - Percentiles of which there is no time line ("ranks"): the values three
//     standard errors of the rank, sqrt(n p (1-p)), below and above. This takes
//     the samples for independent, which makes the noise smaller than it is.
//
// All this is noise within a run. One run of each says nothing of how runs of
// the same differ, and times do so by more: by where memory and goroutines came
// to lie, by what else the machine does. A time is therefore better or worse
// only if the difference is more than the noise and more than a factor of 1.5
// either way, and within noise only if it is neither. If it is the one and not
// the other it cannot be told: a third more than in another run may be chance
// however even both runs were, and a time that is six times as long is no noise
// just because stalls make it swing by as much. The factor is a rule of thumb:
// equal runs of 11 to 15 s on a busy machine of two cores differed by up to 1.4
// in what varied little within them. Who must know of smaller differences
// repeats both runs in turn.
//
// A percentile is compared only where both results have 100 samples above it.
// Of a maximum nothing can be told, nor of how long a recovery took: each is one
// sample.
func Compare(before, after *Result) Comparison {
	c := Comparison{Remarks: incomparable(before, after)}
	a, b := &before.Snapshot, &after.Snapshot
	for _, t := range timedTable {
		series := Series{Metric: t.metric}
		ha, hb := a.Series[series], b.Series[series]
		if ha.Count() == 0 || hb.Count() == 0 {
			continue
		}
		name := t.metric.String() + "."
		for _, p := range Percentiles() {
			if ha.Few(p) || hb.Few(p) {
				continue
			}
			d := Delta{Name: name + words.Percentile(p), Unit: UnitTime, Before: ha.Percentile(p).Seconds(), After: hb.Percentile(p).Seconds()}
			if ha.Percentile(p) == NoAnswer || hb.Percentile(p) == NoAnswer {
				c.unanswered(d, ha, hb, p)
				continue
			}
			if t.metric == ResponseTime {
				of := func(t tick) (float64, bool) {
					v := t.response.Percentile(p)
					return v.Seconds(), v != NoAnswer && float64(t.response.Total())*(100-p)/100 >= batchAbove
				}
				d.byLine(a, b, of)
			} else if na, nb := rankNoise(ha, p), rankNoise(hb, p); !math.IsInf(na+nb, 0) {
				d.noise(methodRank, math.Hypot(na, nb))
			}
			c.add(d, -1)
		}
		mean := Delta{Name: name + "mean", Unit: UnitTime, Before: ha.Mean().Seconds(), After: hb.Mean().Seconds()}
		if t.metric == ResponseTime {
			mean.byLine(a, b, func(t tick) (float64, bool) { return t.response.Mean().Seconds(), t.response.Count() >= batchAbove })
		}
		c.add(mean, -1)
		if ha.Unanswered()+hb.Unanswered() > 0 {
			continue // what had no answer is slower than the slowest answer
		}
		c.add(Delta{Name: name + "max", Unit: UnitTime, Before: ha.Max().Seconds(), After: hb.Max().Seconds()}, -1)
	}
	c.rates(a, b)
	c.shares(a, b)
	c.recoveries(a, b)
	return c
}

// unanswered adds a percentile that is no time in one of the results or in both,
// since so many requests had no answer. It has changed if the intervals of both
// say so too.
func (c *Comparison) unanswered(d Delta, a, b *Histogram, p float64) {
	text := func(h *Histogram) string {
		if h.Percentile(p) == NoAnswer {
			return "> " + d.text(h.Bound().Seconds())
		}
		return d.text(h.Percentile(p).Seconds())
	}
	certain := func(none, some *Histogram) bool {
		low, _ := none.Interval(p)
		_, high := some.Interval(p)
		return low == NoAnswer && high != NoAnswer
	}
	noA, noB := a.Percentile(p) == NoAnswer, b.Percentile(p) == NoAnswer
	change, why := fmt.Sprintf("went from %s to %s", text(a), text(b)), ""
	switch {
	case noA && noB:
		d.Verdict, change, why = CannotTell, "is no time in either: "+text(a)+" and "+text(b), ", since so many requests had no answer"
	case noB && certain(b, a):
		d.Verdict, why = Worse, ", worse: so many requests had no answer that there is no such time"
	case noA && certain(a, b):
		d.Verdict, why = Better, ", better: before, so many requests had no answer that there was no such time"
	default:
		d.Verdict, why = CannotTell, ", which cannot be told from chance: about as many requests had no answer as may for there to be such a time"
	}
	for _, x := range []struct {
		h    *Histogram
		v    *float64
		none *bool
	}{{a, &d.Before, &d.NoBefore}, {b, &d.After, &d.NoAfter}} {
		if x.h.Percentile(p) == NoAnswer {
			*x.v, *x.none = x.h.Bound().Seconds(), true
		}
	}
	d.Method = methodRank
	d.Sentence = d.Name + " " + change + why
	c.Deltas = append(c.Deltas, d)
}

// rates adds the figures of events a second.
func (c *Comparison) rates(a, b *Snapshot) {
	for _, f := range []struct {
		name   string
		of     func(*Outcomes) int64
		better float64
	}{
		{"requests.rate", sentOf, 0},
		{"answers.rate", func(o *Outcomes) int64 { return o.Answered }, 1},
	} {
		oa, okA := a.Outcomes(Label{})
		ob, okB := b.Outcomes(Label{})
		if !okA || !okB || a.Measured <= 0 || b.Measured <= 0 {
			continue
		}
		d := Delta{
			Name: f.name, Unit: UnitRate,
			Before: float64(f.of(&oa)) / a.Measured.Seconds(), After: float64(f.of(&ob)) / b.Measured.Seconds(),
		}
		d.byLine(a, b, func(t tick) (float64, bool) { return float64(f.of(&t.Outcomes)) / t.seconds, true })
		c.add(d, f.better)
	}
}

// shares adds the figures that are parts of a whole; less of each is better,
// but for the devices that came back.
func (c *Comparison) shares(a, b *Snapshot) {
	for i := range figureTable {
		f := &figureTable[i]
		if !slices.Contains([]string{
			"requests.failed", "requests.late", "requests.lost", "requests.refused", "requests.not_sent",
			"answers.errors", "answers.duplicate", "answers.missing_parts", "answers.misrouted", "answers.corrupted", "answers.unknown", "answers.mistaken", "answers.of_others",
			"wills.early", "wills.late", "wills.missing", "wills.duplicate", "wills.unexpected", "wills.altered",
			"retained.stale", "retained.missing", "retained.wrong", "devices.recovered",
			"delivery.altered", "delivery.lost", "delivery.duplicate", "delivery.reordered", "delivery.other_qos",
		}, f.Name) {
			continue
		}
		better := -1.0
		if f.Name == "devices.recovered" {
			better = 1
		}
		pa, na, okA := f.value(a, Label{})
		pb, nb, okB := f.value(b, Label{})
		if !okA || !okB || na == 0 || nb == 0 {
			continue
		}
		d := Delta{Name: f.Name, Unit: UnitShare, Before: share(pa, na), After: share(pb, nb)}
		common := min((pa+pb)/(na+nb), 1) // answers beside the requests may be more than these
		d.noise(methodCount, sigmas*100*math.Sqrt(common*(1-common)*(1/na+1/nb)))
		if f.Labels && pa > 0 && pb > 0 { // the time line knows it
			spread := Delta{Unit: UnitShare}
			spread.byLine(a, b, func(t tick) (float64, bool) {
				all, _ := t.snapshot().Outcomes(Label{})
				v, whole, ok := f.value(t.snapshot(), Label{})
				return share(v, whole), ok && all.Planned > 0 && whole > 0
			})
			d.single, d.Noise = d.Noise, max(d.Noise, spread.Noise)
		}
		c.add(d, better)
	}
}

// recoveries adds how long it took devices to be back, where all recoveries got
// there in both results. Each is the longest of a few times, so nothing is known
// of its noise.
func (c *Comparison) recoveries(a, b *Snapshot) {
	for i := range figureTable {
		f := &figureTable[i]
		if f.Unit != UnitTime {
			continue
		}
		before, _, okA := f.value(a, Label{})
		after, _, okB := f.value(b, Label{})
		if okA && okB && !math.IsInf(before, 1) && !math.IsInf(after, 1) {
			c.add(Delta{Name: f.Name, Unit: UnitTime, Before: before / float64(time.Second), After: after / float64(time.Second)}, -1)
		}
	}
}

// add works out what a difference means. better is 1 if more is better, -1 if
// less is, 0 if neither.
func (c *Comparison) add(d Delta, better float64) {
	diff := d.After - d.Before
	beyond := math.Abs(diff) > d.Noise
	alike := max(d.Before, d.After) <= usual*min(d.Before, d.After) // as runs of the same may be
	switch {
	case d.Method == "" && diff != 0, d.Unit == UnitTime && beyond == alike, !beyond && d.bursts(alike):
		d.Verdict = CannotTell
	case !beyond:
		d.Verdict = Within
	case better == 0:
		d.Verdict = Different
	case diff*better > 0:
		d.Verdict = Better
	default:
		d.Verdict = Worse
	}
	change := ""
	switch {
	case diff == 0:
		change = "is the same: " + d.text(d.After)
	case d.Before == 0:
		change = "went from 0 to " + d.text(d.After)
	case d.After >= many*d.Before:
		change = fmt.Sprintf("went from %s to %s (× %.0f)", d.text(d.Before), d.text(d.After), d.After/d.Before)
	default:
		change = fmt.Sprintf("went from %s to %s (%+.1f%%)", d.text(d.Before), d.text(d.After), 100*diff/d.Before)
	}
	why := ""
	switch d.Verdict {
	case CannotTell:
		switch {
		case strings.HasSuffix(d.Name, ".max"):
			why = "; a maximum is one sample, so nothing follows from it"
		case d.Method == "":
			why = "; whether that is noise cannot be told: there is too little to tell it from"
		case d.Unit == UnitShare:
			why = fmt.Sprintf(", which cannot be told from chance: it is more than chance for each by itself (%s), but they came in bursts, so that the share varies by more within the runs (%s)", d.text(d.single), d.text(d.Noise))
		case beyond:
			why = fmt.Sprintf(", which cannot be told from chance: it is more than noise within the runs (%s), but two runs of the same may differ by a factor of %v", d.text(d.Noise), usual)
		default:
			why = fmt.Sprintf(", which cannot be told from chance: it is much, but the figure varies by as much within the runs (%s)", d.text(d.Noise))
		}
	case Within:
		if diff != 0 {
			why = ", within noise (" + d.text(d.Noise) + ")"
		}
	default:
		why = fmt.Sprintf(", %s and more than noise (%s)", d.Verdict, d.text(d.Noise))
		if d.Verdict == Different {
			why = ", more than noise (" + d.text(d.Noise) + ")"
		}
	}
	d.Sentence = d.Name + " " + change + why
	c.Deltas = append(c.Deltas, d)
}

// bursts reports whether a difference that is within what the figure varies by
// in the runs is more than that of runs that go evenly: the one variation may be
// the other's reason.
func (d *Delta) bursts(alike bool) bool {
	switch d.Unit {
	case UnitShare:
		return d.single > 0 && math.Abs(d.After-d.Before) > d.single
	case UnitRate:
		return !alike
	}
	return false
}

// text is a value of the delta for people.
func (d *Delta) text(v float64) string {
	switch d.Unit {
	case UnitTime:
		return time.Duration(v * float64(time.Second)).Round(time.Microsecond).String()
	case UnitRate:
		return words.Number(v, 2) + "/s"
	}
	return words.Percent(v, 4)
}

// incomparable lists what makes two results hard to compare.
func incomparable(a, b *Result) []string {
	var remarks []string
	differ := func(what, x, y string) {
		if x != y {
			remarks = append(remarks, fmt.Sprintf("%s differ: %s and %s", what, cmp.Or(x, "none"), cmp.Or(y, "none")))
		}
	}
	short := func(s ScenarioFacts) string { return fmt.Sprintf("%s (%.12s)", s.Name, s.Digest) }
	if a.Scenario.Digest != b.Scenario.Digest {
		differ("the scenarios", short(a.Scenario), short(b.Scenario))
	}
	differ("the arrival models", strings.Join(a.Load.Arrival, "; "), strings.Join(b.Load.Arrival, "; "))
	differ("the qualities of service", numbers(a.Load.QoS), numbers(b.Load.QoS))
	differ("the payload sizes", fmt.Sprint(a.Load.Payload), fmt.Sprint(b.Load.Payload))
	differ("the planned durations", a.Duration.String(), b.Duration.String())
	differ("the warm-ups", a.WarmUp.String(), b.WarmUp.String())
	differ("the hosts", hosts(a), hosts(b))
	for _, r := range []struct {
		name string
		*Result
	}{{"earlier", a}, {"later", b}} {
		if v := r.Verdict; v == VerdictBroken || v == VerdictInterrupted || v == VerdictSaturated {
			remarks = append(remarks, fmt.Sprintf("the %s result is marked %q", r.name, v))
		}
	}
	return append(remarks, attendance(a, b)...)
}

// numbers lists them in words: "0, 1".
func numbers(all []int) string {
	var list []string
	for _, n := range all {
		list = append(list, strconv.Itoa(n))
	}
	return strings.Join(list, ", ")
}

func hosts(r *Result) string {
	var list []string
	for _, h := range r.Hosts {
		list = append(list, fmt.Sprintf("%d cores, GOMAXPROCS %d, %s, %s/%s", h.Cores, h.GOMAXPROCS, h.Go, h.OS, h.Arch))
	}
	return strings.Join(list, "; ")
}
