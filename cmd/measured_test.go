package cmd

import (
	"testing"

	"homefleet/fleet/metrics"
)

// TestVerdictError checks that the error of a run counts as its summary does,
// and has the exit code of the gravest.
func TestVerdictError(t *testing.T) {
	pass := metrics.Expected{Status: metrics.Pass, Sentence: "lost is 0"}
	fail := metrics.Expected{Status: metrics.Fail, Sentence: "late is 2; want 0"}
	few := metrics.Expected{Status: metrics.NoData, Sentence: "p99 has no value"}
	none := metrics.Expected{Status: metrics.NoData, Sentence: "p50 has no value"}
	ends := metrics.Expected{Status: metrics.Fail, Sentence: "online is 1; want 2", Abort: true}
	for _, c := range []struct {
		name    string
		all     []metrics.Expected
		aborted string
		want    string
		code    int
	}{
		{"one failed", []metrics.Expected{pass, fail}, "", "an expectation does not hold: late is 2; want 0", exitExpectation},
		{"two failed", []metrics.Expected{pass, fail, fail}, "", "2 of 3 expectations do not hold", exitExpectation},
		{"one failed and one undecided", []metrics.Expected{pass, fail, few}, "",
			"1 of 3 expectations failed, and 1 could not be decided: late is 2; want 0", exitExpectation},
		{"two undecided", []metrics.Expected{pass, few, none}, "", "2 expectations could not be decided: p99 has no value", exitExpectation},
		{"ended by an expectation", []metrics.Expected{pass, ends}, ends.Sentence, "an expectation does not hold: online is 1; want 2", exitExpectation},
		{"ended otherwise", []metrics.Expected{pass, none}, "no controller came up", "no controller came up", exitFailed},
		{"ended without expectations", nil, "no device is left", "no device is left", exitFailed},
	} {
		res := &metrics.Result{Expectations: c.all, Aborted: c.aborted, Verdict: metrics.VerdictFail}
		err := verdictError(res)
		if err == nil || err.Error() != c.want || exitCode(err) != c.code {
			t.Errorf("%s: verdictError() = %v, exit code %d; want %q, %d", c.name, err, exitCode(err), c.want, c.code)
		}
	}
}
