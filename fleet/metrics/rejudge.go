package metrics

import (
	"fmt"
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
