package metrics

import (
	"fmt"
	"slices"
	"time"
)

// Rejudge judges a result that was read by what is in it, as [MergeResults] does:
// the generator and the expectations by the figures, and the verdict by all of it.
// A file says what it likes; who reads one does not take its word. It returns
// where the document said otherwise, for people. A document of an earlier version
// may do so honestly, where the rules have changed since.
func (r *Result) Rejudge() (otherwise []string) {
	verdict, saturated, said := r.Verdict, r.Generator.Saturated, r.Expectations
	s := &r.Snapshot
	r.Generator = JudgeGenerator(s, time.Duration(r.Generator.Bound))
	r.Expectations = make([]Expected, len(said))
	for i, x := range said {
		y := again(s, []*Result{{Expectations: said[i : i+1]}})[0]
		r.Expectations[i] = y
		if y.Status != x.Status {
			otherwise = append(otherwise, fmt.Sprintf("the document says %q of %s %s; by its figures it is %q: %s", x.Status, x.Metric, x.Want, y.Status, y.Sentence))
		}
	}
	for _, e := range r.unsaid() {
		y := e.Evaluate(s)
		r.Expectations = append(r.Expectations, y)
		if y.Status != Pass {
			otherwise = append(otherwise, fmt.Sprintf("the document leaves out what is implied: %s %s; by its figures it is %q: %s", y.Metric, y.Want, y.Status, y.Sentence))
		}
	}
	r.settleGenerator()
	r.Judge()
	if saturated != r.Generator.Saturated {
		otherwise = append(otherwise, "the document says otherwise of the generator than its figures: "+r.Generator.Sentence)
	}
	if verdict != r.Verdict {
		otherwise = append(otherwise, fmt.Sprintf("the document's verdict is %q; by what is in it, it is %q", verdict, r.Verdict))
	}
	return otherwise
}

// unsaid are the expectations that are implied and that a result leaves out, of a run that
// was to send requests.
func (r *Result) unsaid() []Expectation {
	if r.Totals.Planned == 0 || r.Ran > 0 {
		return nil
	}
	var own []Expectation
	for _, x := range r.Expectations {
		if e, faults := ParseExpectation(x.Metric, x.Want, nil); faults == nil {
			own = append(own, e)
		}
	}
	acknowledged := slices.ContainsFunc(r.Load.QoS, func(qos int) bool { return qos > 0 })
	return Implied(own, r.Without, acknowledged)
}
