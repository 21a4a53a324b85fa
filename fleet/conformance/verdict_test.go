package conformance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// named is the result of a statement.
func named(t *testing.T, name string, status Status) Result {
	t.Helper()
	for _, s := range Statements() {
		if s.Name() == name {
			return Result{Statement: s, Status: status}
		}
	}
	t.Fatalf("there is no statement %q", name)
	return Result{}
}

// The verdict names the cause first, tells what must from what should be, and is none where
// nothing was judged, or not all.
func TestVerdict(t *testing.T) {
	const (
		must   = "3.1.2-8 the Will after RST"
		should = "3.1.4-3 the DISCONNECT of a take-over says 0x8E"
		basic  = "3.8.4-8 a subscription works from the SUBACK on"
		fine   = "3.12.4-1 PINGREQ is answered"
	)
	echo := named(t, must, NotDecided)
	echo.EchoOf = basic
	of := func(all ...Result) []Result { return all }
	for _, tt := range []struct {
		name   string
		report Report
		want   string
	}{
		{"nothing", Report{}, "not decided: nothing could be judged"},
		{"nothing judged", Report{Results: of(named(t, must, NotSupported))}, "not decided: nothing could be judged"},
		{"all well", Report{Results: of(named(t, must, Conforms), named(t, should, Conforms), named(t, fine, NotDecided))}, "conforms: all of 2 statements that could be judged"},
		{"stopped", Report{Stopped: "the time for all checks was up", Results: of(named(t, must, Conforms), named(t, should, NotDecided))},
			"not decided: all of 1 statement conform so far; the time for all checks was up, and 1 of 2 were not judged"},
		{"stopped before anything", Report{Stopped: "the time for all checks was up", Results: of(named(t, must, NotDecided))},
			"not decided: nothing could be judged; the time for all checks was up, and 1 of 1 were not judged"},
		{"stopped, and something deviates", Report{Stopped: "the time for all checks was up", Results: of(named(t, must, Deviates), named(t, fine, Conforms), named(t, should, NotDecided))},
			"deviates in 1 of 2 statements; the time for all checks was up, and 1 of 3 were not judged"},
		{"what it must do", Report{Results: of(named(t, must, Deviates), named(t, fine, Conforms))}, "deviates in 1 of 2 statements"},
		{"what it should do", Report{Results: of(named(t, should, Deviates), named(t, fine, Conforms))},
			"conforms in all that is required; deviates in 1 of 2 statements, which the standard no more than recommends"},
		{"both", Report{Results: of(named(t, should, Deviates), named(t, must, Flaky), named(t, fine, Conforms))},
			"deviates in 2 of 3 statements (1 required, 1 no more than recommended)"},
		{"a cause and its echo", Report{Results: of(named(t, basic, Deviates), echo, named(t, fine, Conforms)), Early: 500 * time.Millisecond},
			"deviates in 1 of 2 statements: first of all a subscription works from the SUBACK on (3.8.4-8), because of which 1 other could not be judged; " +
				"a subscription works only some 333 ms after its SUBACK, so the checks waited for 500 ms each time"},
		{"keeps connections open", Report{Clings: true, Results: of(named(t, should, Deviates), named(t, fine, Conforms))},
			"conforms in all that is required; deviates in 1 of 2 statements, which the standard no more than recommends; " +
				"it closes no connection after a DISCONNECT, so the checks waited for that for no more than 300 ms each time"},
		{"gone", Report{Gone: "connection refused", Results: of(named(t, must, Deviates))},
			"not decided: the broker could not be reached any more after a while (connection refused); 1 statement was judged"},
	} {
		if got := tt.report.Verdict(); got != tt.want {
			t.Errorf("%s: Verdict() = %q; want %q", tt.name, got, tt.want)
		}
	}
}

// An examination that runs out of time is no pass, and says how much was judged; nor are its
// figures, of which it says why there are none.
func TestOutOfTime(t *testing.T) {
	t.Parallel()
	addr, _ := startEmbedded(t, broker.Config{Anonymous: true})
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	c := Config{Dial: dialer(addr), Run: "t", Figures: true}
	for _, s := range Statements() {
		if !s.Slow {
			c.Statements = append(c.Statements, s)
		}
	}
	c.Progress = func(done, _ int) {
		if done == 20 {
			stop(ErrBudget)
		}
	}
	report, err := Examine(ctx, c)
	if !errors.Is(err, ErrBudget) || report == nil {
		t.Fatalf("Examine = %v, %v; want a report, and %v", report, err, ErrBudget)
	}
	verdict := report.Verdict()
	if !strings.HasPrefix(verdict, "not decided: all of ") || !strings.Contains(verdict, "; the time for all checks was up, and ") || report.Judged() == len(report.Results) {
		t.Errorf("Verdict() = %q, %d of %d judged; want none, since not all were", verdict, report.Judged(), len(report.Results))
	}
	for _, f := range report.Figures {
		if f.Samples == 0 && f.Why == "" {
			t.Errorf("%s has no samples, and does not say why", f.Name)
		}
	}
}
