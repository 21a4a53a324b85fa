package fleettest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/fleettest"
	"homefleet/fleet/metrics"
)

const small = `
title = "Small load"
seed  = 3
[phases]
warm_up = "1s"
measure = "10s"
drain   = "2s"
[[device]]
kind  = "light"
count = 3
[[controller]]
name      = "phones"
count     = 2
attribute = "power"
rate      = "10/s"
timeout   = "1s"
[expect]
"requests.lost" = "== 0"
`

// A test gets the verdict of a run that measures, the figures it rests on, and the
// page.
func TestResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, small)
		res := home.Result()
		if err := res.Err(); err != nil || res.Verdict != metrics.VerdictPass {
			t.Errorf("the verdict is %q: %v; want a pass", res.Verdict, err)
		}
		if got := res.Totals; got.Planned != 100 || got.Answered != 100 {
			t.Errorf("%d requests were planned and %d answered; want 100", got.Planned, got.Answered)
		}
		if res.Measured != metrics.Span(10*time.Second) || res.Scenario.Title != "Small load" || !res.Broker.Embedded || res.Ran != 0 {
			t.Errorf("it is of %v of %q, embedded: %v, ran: %v", res.Measured, res.Scenario.Title, res.Broker.Embedded, res.Ran)
		}
		file := filepath.Join(t.TempDir(), "run.html")
		home.WriteReport(file)
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"<!DOCTYPE html>", "Small load", "Pass", "requests.lost"} {
			if !strings.Contains(string(page), want) {
				t.Errorf("the page has no %q", want)
			}
		}
	})
}

// What is not answered is no pass, and a run that is stopped is interrupted.
func TestResultThatIsNoPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, small)
		home.Stop()
		res := home.Result()
		if res.Verdict != metrics.VerdictInterrupted || res.Err() == nil || !res.Interrupted {
			t.Errorf("stopped: the verdict is %q, %v; want %q", res.Verdict, res.Err(), metrics.VerdictInterrupted)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, strings.Replace(small, `"== 0"`, `"== 7"`, 1))
		err := home.Result().Err()
		if err == nil || err.Error() != "an expectation does not hold: requests.lost is 0; want == 7" {
			t.Errorf("Err() = %v; want that requests.lost is not 7", err)
		}
	})
}

// A run without a measurement has a result of the same sort.
func TestResultWithoutAMeasurement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, oneLight)
		home.Device("lamp").Command("power", "ON")
		time.Sleep(time.Minute)
		res := home.Result()
		if err := res.Err(); err != nil || res.Verdict != metrics.VerdictRan || res.Interrupted {
			t.Errorf("the verdict is %q, interrupted: %v, %v; want %q", res.Verdict, res.Interrupted, err, metrics.VerdictRan)
		}
		if res.Ran < metrics.Span(time.Minute) || res.Measured != 0 || res.Devices.Seen != 1 || res.Counts["devices.commands"] != 1 {
			t.Errorf("it ran for %v and measured %v, %d devices were up, %d commands came; want 1m0s, 0s, 1, 1",
				res.Ran, res.Measured, res.Devices.Seen, res.Counts["devices.commands"])
		}
		home.WriteReport(filepath.Join(t.TempDir(), "run.html"))
	})
}
