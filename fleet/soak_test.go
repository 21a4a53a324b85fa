package fleet

import (
	"flag"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/broker"
)

// soakOutages is N of [TestOutagesLeaveNothingBehind]; with HOMEFLEET_FULL=1 it is 5,000, and 500
// under the race detector, which has nothing to say of the heap.
var soakOutages = flag.Int64("soak.outages", Some[int64](40, allOutages()), "compare the heap after so many outages and after ten times as many")

func allOutages() int64 {
	if RaceDetector {
		return 500
	}
	return 5000
}

// Devices that come and go, requests, Wills and messages to watchers leave nothing
// behind: after ten times as many outages the heap holds what it held. What is
// settled is in the sums, and let go. Histograms are counted apart: each grows towards
// a fixed size. By the first look there are as many recoveries as are kept.
func TestOutagesLeaveNothingBehind(t *testing.T) {
	n, most := *soakOutages, 128<<10
	if n < 1000 || RaceDetector {
		most = 1 << 20 // what is kept of recoveries still grows; the detector's pools forget at random
	}
	length := time.Duration(10*n) * 3 * time.Second // at most, for each outage
	sc := scenarioOf(t, fmt.Sprintf(`
seed = 1
[connect]
session_expiry = "1h"
keep_alive = "60s"
backoff_min = "100ms"
backoff_max = "1s"
[phases]
measure = %q
[[device]]
kind = "light"
count = 6
qos = 1
telemetry = "20s"
[device.will]
response_topic = "will/seen/{id}"
correlation_data = "{id}"
[[device]]
kind = "plug"
count = 6
telemetry = "20s"
[[watcher]]
answers = true
[[watcher]]
name = "shared"
count = 2
share = "all"
topics = ["tele/+/state", "state/#"]
[[controller]]
attribute = "power"
payloads = ["ON", "OFF"]
rate = "6/min"
qos = 1
timeout = "1s"
[[incident]]
kind = "offline"
for = "500ms"
every = "2s"
target = { share = "10%%" }
[[incident]]
kind = "flapping"
for = %q
up = "20s"
down = "5s"
target = { share = "10%%" }
[[incident]]
kind = "router-reboot"
at = "30s"
for = "3s"
every = "30s"
target = { share = "30%%" }
[[incident]]
kind = "offline"
name = "stuck"
way = "silence"
at = "40s"
for = "10s"
every = "1m"
target = { share = "20%%" }
`, length.String(), length.String()))
	synctest.Test(t, func(t *testing.T) {
		b, err := broker.New(broker.Config{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		f, err := New(sc, Options{Dial: b.Dial, Embedded: true, BrokerControl: b})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- f.Run(t.Context()) }()
		// after returns what is live beside the histograms, and these, after so many
		// outages.
		after := func(outages int64) (live, histograms int) {
			for f.Progress().Audit.Wills.Outages < outages {
				if f.Phase() == Ended {
					t.Fatalf("the run ended with %d outages; want %d", f.Progress().Audit.Wills.Outages, outages)
				}
				time.Sleep(10 * time.Second)
			}
			runtime.GC()
			runtime.GC() // what a pool let go in the first is gone in the second
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			histograms = f.recorder.Bytes()
			return int(m.HeapAlloc) - histograms, histograms
		}
		early, some := after(n)
		late, more := after(10 * n)
		t.Logf("after %d outages %d bytes and %d of histograms, after %d %d and %d", n, early, some, 10*n, late, more)
		if late > early+most {
			t.Errorf("the heap has grown from %d to %d bytes between %d and %d outages; want at most %d more", early, late, n, 10*n, most)
		}
		f.Stop()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v; want nil", err)
		}
	})
}
