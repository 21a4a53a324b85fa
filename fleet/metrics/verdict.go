package metrics

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
)

// Verdict is the result in a word.
type Verdict string

// The verdicts, the gravest first: a result has the first that is true of it. A
// run of which nothing is expected but what is implied has no pass to give: it
// was stopped, or it ran as planned, or something went wrong of which nothing was
// expected.
const (
	VerdictBroken      Verdict = "broken: sums do not hold" // this tool is at fault
	VerdictInterrupted Verdict = "interrupted"              // before the planned end
	VerdictStopped     Verdict = "stopped"                  // the same, and nothing was expected; or an endless run before all devices were up
	VerdictSaturated   Verdict = "generator saturated"      // a failed expectation may be its fault, and a passed one luck
	VerdictFail        Verdict = "fail"                     // an expectation does not hold or could not be decided, or the run failed
	VerdictFaults      Verdict = "ran with faults"          // nothing was expected, and something was lost, doubled, altered or the like
	VerdictRan         Verdict = "ran as planned"           // nothing was expected
	VerdictPass        Verdict = "pass"
)

// Good reports whether nothing is amiss: a pass, or a run as planned.
func (v Verdict) Good() bool { return v == VerdictPass || v == VerdictRan }

// Judge sets verdict and sentences from all that is in the result.
func (r *Result) Judge() {
	r.Verdict, r.Sentences = VerdictPass, nil
	say := func(v Verdict, sentence string) {
		if r.Verdict == VerdictPass || severity(v) < severity(r.Verdict) {
			r.Verdict = v
		}
		r.Sentences = append(r.Sentences, sentence)
	}
	if err := r.Check(); err != nil {
		say(VerdictBroken, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if r.Interrupted {
		text := r.Interruption()
		if own, _ := r.Expected(); len(own) == 0 {
			say(VerdictStopped, text)
		} else {
			say(VerdictInterrupted, text)
		}
	}
	late := r.Generator.Saturated
	if late && !r.unconnected() {
		say(VerdictSaturated, r.Generator.Sentence)
		late = false
	}
	switch {
	case r.Aborted == "":
	case r.Ran > 0, r.Duration > 0 && r.Measured >= r.Duration:
		say(VerdictFail, r.Aborted) // it lasted as long as it was to
	default:
		say(VerdictFail, "the run was ended early: "+r.Aborted)
	}
	for _, x := range r.Expectations {
		if x.Status != Pass && !(r.Generator.Saturated && x.Metric == generatorMetric && x.Status == Fail) {
			say(VerdictFail, x.Sentence)
		}
	}
	switch {
	case late && r.Verdict == VerdictPass:
		say(VerdictSaturated, r.Generator.Sentence)
	case late:
		r.Sentences = append(r.Sentences, r.Generator.Sentence)
	}
	if r.Verdict != VerdictPass {
		return
	}
	own, implied := r.Expected()
	switch d := r.Devices; {
	case r.Ran > 0 && d.Seen < d.Total: // whoever stopped it did so before that was a failure
		r.Verdict, r.Sentences = VerdictStopped, []string{fmt.Sprintf("nothing was to be measured; %s of %s never came up",
			words.Grouped(int64(d.Total-d.Seen)), words.Plural(int64(d.Total), "device", "devices"))}
	case r.Ran > 0:
		r.Verdict, r.Sentences = VerdictRan, []string{"nothing was to be measured, and nothing went wrong"}
	case len(own) == 0 && len(implied) == 0:
		r.Verdict, r.Sentences = VerdictRan, []string{"nothing was expected, and nothing went wrong with the measuring"}
	case len(own) == 0:
		r.Verdict, r.Sentences = VerdictRan, []string{"nothing was expected but what is implied, and that holds"}
	case len(own) == 1:
		r.Sentences = []string{"the one expectation holds"}
	default:
		r.Sentences = []string{fmt.Sprintf("all %d expectations hold", len(own))}
	}
	switch wrong := r.faults(); {
	case wrong == "":
	case r.Verdict == VerdictRan:
		r.Verdict, r.Sentences = VerdictFaults, []string{wrong, nothingExpected(len(implied))}
		if r.Ran > 0 {
			r.Sentences[1] = "nothing was to be measured"
		}
	default:
		r.Sentences = append(r.Sentences, "beside what is expected: "+wrong)
	}
}

// nothingExpected says so, of a scenario that expects nothing of its own.
func nothingExpected(implied int) string {
	if implied > 0 {
		return "nothing was expected but what is implied, and that holds"
	}
	return "nothing was expected"
}

// Interruption says when the run was interrupted, if it was.
func (r *Result) Interruption() string {
	text := "the run was interrupted before the measuring began"
	switch {
	case len(r.Shards) > 1: // which differ in how long they measured
		text = "one of the shards was interrupted, or more of them"
	case r.Ran > 0:
		text = fmt.Sprintf("the run was interrupted after %v", time.Duration(r.Ran).Round(time.Millisecond))
	case r.Measured > 0:
		text = fmt.Sprintf("the run was interrupted after %v of measuring", time.Duration(r.Measured).Round(time.Millisecond))
	}
	if r.Duration > 0 {
		text += fmt.Sprintf("; %v were planned", time.Duration(r.Duration))
	}
	return text
}

// unconnected reports whether more requests were not sent for want of a connection
// than the generator was late with or dropped: then a failure is the broker's first,
// and what the generator was late with may be what the broker's absence cost it.
func (r *Result) unconnected() bool {
	g := &r.Generator
	return r.Totals.NotSent.NotConnected > g.Behind+g.Dropped
}

func severity(v Verdict) int {
	return slices.Index([]Verdict{VerdictBroken, VerdictInterrupted, VerdictStopped, VerdictSaturated, VerdictFail, VerdictFaults, VerdictRan, VerdictPass}, v)
}

// endedBy reports whether an expectation ends a run that does not keep it.
func endedBy(x Expected) bool { return x.Abort && x.Status == Fail }

// EndedBy is the sentence of the expectation that ended the run early.
func (r *Result) EndedBy() string {
	if i := slices.IndexFunc(r.Expectations, endedBy); i >= 0 {
		return r.Expectations[i].Sentence
	}
	return "for a reason that is not known"
}

// Failed reports whether an expectation does not hold.
func (r *Result) Failed() bool {
	return slices.ContainsFunc(r.Expectations, func(x Expected) bool { return x.Status == Fail })
}

// VerdictError is a verdict that is not a good one, in a sentence.
type VerdictError struct {
	Verdict Verdict
	Run     bool // the run itself is at fault: nothing was measured, or nobody answered
	Text    string
}

func (e *VerdictError) Error() string { return e.Text }

// Err returns a [*VerdictError] that says in a sentence what the verdict is, and the
// first of why; nil if it is a good one.
func (r *Result) Err() error {
	e := &VerdictError{Verdict: r.Verdict}
	switch r.Verdict {
	case VerdictPass, VerdictRan, VerdictFaults:
		return nil
	case VerdictBroken:
		e.Text = "the sums do not hold, so nothing in the result can be relied on"
		return e
	case VerdictInterrupted, VerdictStopped:
		if !r.Interrupted {
			return nil // an endless run ends so
		}
		e.Text = "the run was interrupted"
		return e
	case VerdictSaturated:
		e.Text = "the generator is saturated, which is no pass: " + r.Generator.Sentence
		return e
	}
	if r.Aborted != "" && !slices.ContainsFunc(r.Expectations, endedBy) {
		e.Run, e.Text = true, r.Aborted
		return e
	}
	if x := r.NoAnswers(); x != nil {
		e.Run, e.Text = true, "no answer came: "+x.Sentence
		return e
	}
	e.Text = r.shortfall()
	return e
}

// shortfall sums up which expectations do not hold or could not be decided.
func (r *Result) shortfall() string {
	var failures, undecided []string
	for _, x := range r.Expectations {
		switch x.Status {
		case Pass:
		case Fail:
			failures = append(failures, x.Sentence)
		default:
			undecided = append(undecided, x.Sentence)
		}
	}
	slices.Sort(failures)
	n := int64(len(r.Expectations))
	if own, _ := r.Expected(); !slices.ContainsFunc(r.Expectations, func(x Expected) bool { return x.Implied && x.Status != Pass }) {
		n = int64(len(own))
	}
	all := words.Plural(n, "expectation", "expectations")
	switch failed, open := len(failures), len(undecided); {
	case failed == 0 && open > 0:
		return words.Plural(int64(open), "expectation", "expectations") + " could not be decided: " + undecided[0]
	case failed == 0:
		return "the run failed: " + strings.Join(r.Sentences, "; ")
	case open > 0:
		return fmt.Sprintf("%d of %s failed, and %d could not be decided: %s", failed, all, open, failures[0])
	case failed == 1:
		return "an expectation does not hold: " + failures[0]
	default:
		return fmt.Sprintf("%d of %s do not hold", failed, all)
	}
}
