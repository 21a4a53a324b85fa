package cmd

import (
	"errors"

	"homefleet/fleet/metrics"
)

// verdictError is the verdict of a result as the end of a command: nil is a
// pass.
func verdictError(res *metrics.Result) error {
	e, ok := errors.AsType[*metrics.VerdictError](res.Err())
	switch {
	case !ok:
		return nil
	case e.Verdict == metrics.VerdictBroken:
		return failed("this is a fault of homefleet, please report it", "%w", e)
	case e.Verdict == metrics.VerdictInterrupted || e.Verdict == metrics.VerdictStopped:
		return interrupted()
	case e.Verdict == metrics.VerdictSaturated:
		return &exitError{code: exitExpectation, err: e,
			hint: "was the machine busy with something else? If not: a lower rate, fewer devices, or further machines"}
	case e.Run:
		return failed("", "%w", e)
	}
	return &exitError{code: exitExpectation, err: e}
}
