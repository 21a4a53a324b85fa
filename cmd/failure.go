package cmd

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/metrics"
)

// failure says why nothing could be measured, whatever was expected: nil is that
// something was. t is what became of the requests.
func (r *running) failure(res *metrics.Result, stopped bool, err error) error {
	t := &res.Ledger
	up, others := r.fleet.Presence(), r.fleet.Controllers()
	switch {
	case err != nil:
		return failed(brokerHint(err, r.sc.Broker.URL), "%w", err)
	case stopped:
		return nil
	case up.Devices > 0 && up.Seen == 0:
		return r.nobody("device", up, r.fleet.Refusal())
	case others.Devices > 0 && others.Seen == 0:
		return r.nobody("controller", others, r.fleet.OtherRefusal())
	case t.Planned > 0 && t.Sent == 0 && t.NotSent.NoRoom == t.NotSent.Total() &&
		slices.ContainsFunc(res.Expectations, func(x metrics.Expected) bool { return x.Status == metrics.Fail }):
		return nil // the broker took what the warm-up sent and no more: that is judged
	case t.Planned > 0 && t.Sent == 0:
		text := "none of the " + words.Grouped(t.Planned) + " planned requests was sent"
		if t.Planned == 1 {
			text = "the one planned request was not sent"
		}
		if n := &t.NotSent; n.TooLarge == n.Total() && n.TooLarge > 0 {
			text += ": too large for the broker's Maximum Packet Size"
		}
		return failed("", "%s", text)
	case res.NoAnswers() != nil && res.Measured >= res.Duration:
		return failed("are the devices there, and may they publish to the Response Topics? An expectation of answers.received or requests.answered says what else may be",
			"no answer came to any of %s", plural(int(t.Sent), "request"))
	}
	return nil
}

// nobody is the error of a run in which nobody of a sort came up; refusal is the
// first for which one of them gave up.
func (r *running) nobody(what string, all fleet.Presence, refusal error) error {
	if all.GaveUp == all.Devices && refusal != nil {
		return failed(brokerHint(refusal, r.sc.Broker.URL), "no %s came up: %w", what, refusal)
	}
	return r.nobodyWithin(what, r.sc.Phases.Connect)
}

// nobodyWithin names the first fault beside, which the others probably had too.
func (r *running) nobodyWithin(what string, within time.Duration) error {
	fault := r.fleet.FirstFault()
	if fault == nil {
		return failed("", "no %s came up within %s", what, setting(within))
	}
	return failed(brokerHint(fault, r.sc.Broker.URL), "no %s came up within %s; the first fault: %w", what, setting(within), fault)
}

// verdictError is the verdict of a result as the end of a command: nil is a
// pass.
func verdictError(res *metrics.Result) error {
	switch res.Verdict {
	case metrics.VerdictPass, metrics.VerdictRan:
		return nil
	case metrics.VerdictBroken:
		return failed("this is a fault of homefleet, please report it", "the sums do not hold, so nothing in the result can be relied on")
	case metrics.VerdictInterrupted, metrics.VerdictStopped:
		return interrupted()
	case metrics.VerdictSaturated:
		return &exitError{code: exitExpectation, err: fmt.Errorf("the generator is saturated, which is no pass: %s", res.Generator.Sentence),
			hint: "was the machine busy with something else? If not: a lower rate, fewer devices, or further machines"}
	}
	var failures, undecided []string
	for _, x := range res.Expectations {
		switch x.Status {
		case metrics.Pass:
		case metrics.Fail:
			failures = append(failures, x.Sentence)
		default:
			undecided = append(undecided, x.Sentence)
		}
	}
	if res.Aborted != "" && !slices.ContainsFunc(res.Expectations, endedBy) {
		return failed("", "%s", res.Aborted)
	}
	if x := res.NoAnswers(); x != nil {
		return failed("", "no answer came: %s", x.Sentence)
	}
	slices.Sort(failures)
	e := &exitError{code: exitExpectation}
	all := len(res.Expectations)
	if own, _ := res.Expected(); !slices.ContainsFunc(res.Expectations, func(x metrics.Expected) bool { return x.Implied && x.Status != metrics.Pass }) {
		all = len(own)
	}
	switch n := len(failures); {
	case n == 0 && len(undecided) > 0:
		e.err = fmt.Errorf("%s could not be decided: %s", plural(len(undecided), "expectation"), undecided[0])
	case n == 0:
		e.err = fmt.Errorf("the run failed: %s", strings.Join(res.Sentences, "; "))
	case len(undecided) > 0:
		e.err = fmt.Errorf("%d of %s failed, and %d could not be decided: %s", n, plural(all, "expectation"), len(undecided), failures[0])
	case n == 1:
		e.err = fmt.Errorf("an expectation does not hold: %s", failures[0])
	default:
		e.err = fmt.Errorf("%d of %s do not hold", n, plural(all, "expectation"))
	}
	return e
}

// endedBy reports whether an expectation ends a run that does not keep it.
func endedBy(x metrics.Expected) bool { return x.Abort && x.Status == metrics.Fail }
