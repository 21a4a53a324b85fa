package metrics

import "slices"

// impliedTable is what is expected of every run that sends requests, whatever its
// scenario says, since without it the rest says nothing: that the load was sent,
// that the broker acknowledged what it had to, that somebody answered, and that the
// generator was not the bottleneck.
var impliedTable = []struct {
	metric, want string
	also         string // a metric whose expectation says the same, or otherwise
}{
	{notSentMetric, "< 1%", ""},
	{unacknowledgedMetric, "< 1%", ""},
	{answersMetric, "> 0", "requests.answered"},
	{generatorMetric, "< 1%", ""},
}

const (
	notSentMetric        = "requests.not_sent"
	unacknowledgedMetric = "requests.unacknowledged"
	answersMetric        = "answers.received"
	generatorMetric      = "generator.late"
)

// ImpliedMetrics returns the metrics of the expectations that are implied.
func ImpliedMetrics() []string {
	var all []string
	for _, t := range impliedTable {
		all = append(all, t.metric)
	}
	return all
}

// Implied returns the expectations that are implied where requests are sent: all
// but those of which the scenario says something else, by an expectation of its
// own of the whole of the metric, or does without. Acknowledgements are where any are
// sent at QoS 1 or 2.
func Implied(own []Expectation, without []string, acknowledged bool) []Expectation {
	var all []Expectation
	for _, t := range impliedTable {
		if t.metric == unacknowledgedMetric && !acknowledged {
			continue
		}
		says := func(e Expectation) bool { return e.Metric() == t.metric || e.Metric() == t.also }
		if slices.Contains(without, t.metric) || slices.ContainsFunc(own, says) {
			continue
		}
		e, faults := ParseExpectation(t.metric, t.want, nil)
		if faults != nil {
			panic(faults[0]) // the table is wrong
		}
		e.Implied = true
		all = append(all, e)
	}
	return all
}

// Expected divides the result's expectations into those of the scenario and those
// that are implied.
func (r *Result) Expected() (own, implied []Expected) {
	for _, x := range r.Expectations {
		if x.Implied {
			implied = append(implied, x)
		} else {
			own = append(own, x)
		}
	}
	return own, implied
}

// NoAnswers returns the expectation that somebody answers if it does not hold, so
// that the run has measured nothing; or nil.
func (r *Result) NoAnswers() *Expected {
	i := slices.IndexFunc(r.Expectations, func(x Expected) bool {
		return x.Implied && x.Metric == answersMetric && x.Status == Fail
	})
	if i < 0 {
		return nil
	}
	return &r.Expectations[i]
}

// settleGenerator has the generator be saturated if it did not keep to its plan
// as far as is expected of it. Where nothing is, it is as it found itself; where
// the scenario does without, it counts for nothing.
func (r *Result) settleGenerator() {
	g := &r.Generator
	i := slices.IndexFunc(r.Expectations, func(x Expected) bool { return x.Metric == generatorMetric })
	switch {
	case i < 0 && slices.Contains(r.Without, generatorMetric):
		g.Saturated = false
	case i < 0 || r.Expectations[i].Status == NoData:
	case r.Expectations[i].Status == Fail && !g.Saturated:
		g.Saturated, g.Sentence = true, "the generator did not keep to its plan as far as is expected: "+r.Expectations[i].Sentence
	case r.Expectations[i].Status == Pass && g.Saturated:
		g.Saturated, g.Sentence = false, "the generator kept to its plan as far as is expected: "+r.Expectations[i].Sentence
	}
}

// graceOfGenerator is how many requests the generator may have been late with, or
// dropped, without that counting as a share: a single pause in a short run.
const graceOfGenerator = 10

// generatorLate is how many planned requests the generator was too late with, or
// dropped for reasons of its own.
func generatorLate(s *Snapshot, _ Label) (v, whole float64, ok bool) {
	g := JudgeGenerator(s, 0)
	n, planned := g.Behind+g.Dropped, s.Totals.Planned-s.Totals.NotSent.Paused
	if n < graceOfGenerator && 2*n <= planned {
		n = 0
	}
	return float64(n), float64(planned), planned > 0
}
