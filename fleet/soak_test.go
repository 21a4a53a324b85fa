package fleet_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/scenarios"
)

// A day of devices that come and go takes no more memory than its first hours:
// what is settled is in the sums, and let go.
func TestADayOfTroubleStaysAsItBegan(t *testing.T) {
	day, most := 24*time.Hour, uint64(128<<10)
	if fleet.RaceDetector {
		day, most = 2*time.Hour, 1<<20
	}
	sc, faults := scenarios.Load("soak.toml", []byte(`
seed = 1
[connect]
session_expiry = "1h"
keep_alive = "60s"
backoff_max = "2s"
[phases]
measure = "24h"
[[device]]
kind = "light"
count = 6
[device.will]
response_topic = "will/seen/{id}"
correlation_data = "{id}"
[[watcher]]
answers = true
[[controller]]
attribute = "power"
payloads = ["ON", "OFF"]
rate = "1/min"
timeout = "1s"
[[incident]]
kind = "flapping"
for = "24h"
up = "25s"
down = "10s"
target = { share = "50%" }
[[incident]]
kind = "router-reboot"
at = "30s"
for = "3s"
every = "2m"
target = { share = "30%" }
`))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b, err := broker.New(broker.Config{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		f, err := fleet.New(sc, fleet.Options{Dial: b.Dial, Embedded: true, Outage: b})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- f.Run(t.Context()) }()
		var early, late uint64
		time.Sleep(day / 4)
		early = liveBytes()
		outages := f.Snapshot().Audit.Wills.Outages
		time.Sleep(day * 7 / 10)
		late = liveBytes()
		more := f.Snapshot().Audit.Wills.Outages - outages
		t.Logf("%d bytes after a quarter of the day, %d near its end, %d outages later", early, late, more)
		if late > early+most {
			t.Errorf("the heap has grown from %d to %d bytes in %d outages; want at most %d more", early, late, more, most)
		}
		f.Stop()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v; want nil", err)
		}
	})
}

// liveBytes is what the heap holds that is still reachable.
func liveBytes() uint64 {
	runtime.GC()
	runtime.GC() // what a pool let go in the first is gone in the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
