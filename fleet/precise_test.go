package fleet

import (
	"context"
	"net"
	"runtime"
	"testing"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// Controllers go by the alarm where the scenario does not want it otherwise: all leave,
// none before its moment. How late they are is for a machine that does nothing else, and
// so for .ci/bench.
func TestPrecisePacing(t *testing.T) {
	t.Parallel()
	// A watcher and the sessions of the audit are timed as well, but send on no plan.
	const watched = "[[watcher]]\n[[incident]]\nkind = \"offline\"\ntarget = { id = \"light-1\" }\nfor = \"50ms\"\n[audit]\nwait = \"1s\"\n"
	for _, pacing := range []scenarios.Pacing{"", scenarios.Precise, scenarios.Thrifty} {
		b, err := broker.New(broker.Config{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		sc := scenarioOf(t, "[phases]\nmeasure = \"200ms\"\n[[device]]\nkind = \"light\"\ncount = 4\n[[controller]]\nname = \"phone\"\ncount = 3\nattribute = \"power\"\nrate = \"500/s\"\ntarget = { id = \"light-2\" }\n"+watched)
		sc.Phases.Pacing = pacing
		f, err := New(sc, Options{Dial: func(ctx context.Context) (net.Conn, error) { return b.Dial(ctx) }, Precise: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Run(t.Context()); err != nil {
			t.Fatalf("Run() = %v", err)
		}
		b.Close()
		snap := f.Snapshot()
		delay := snap.Series[metrics.Series{Metric: metrics.ScheduleDelay}]
		if snap.Totals.Answered != 100 || delay.Clamped() > 0 {
			t.Errorf("%q: %d answered, %d left before their moment; want 100 and none", pacing, snap.Totals.Answered, delay.Clamped())
		}
		if want := runtime.GOOS == "linux" && pacing != scenarios.Thrifty; (f.env.Alarm != nil) != want {
			t.Errorf("%q: there is an alarm: %t; want %t", pacing, f.env.Alarm != nil, want)
		} else if want && !f.env.Alarm.Rang() {
			t.Errorf("%q: the alarm never rang", pacing)
		}
	}
}
