package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"

	"homefleet/fleet"
	"homefleet/fleet/events"
)

// A fleet that can be controlled holds four bytes more for each device, and for each that may
// still be added, and some tens of KiB in all; one that cannot holds nothing.
func TestControlCostsFourBytesADevice(t *testing.T) {
	const fixed = 64 << 10
	n := fleet.Some(5_000, 20_000)
	held := func(o fleet.Options) int {
		o.Dial = func(context.Context) (net.Conn, error) { return nil, errors.New("nobody is there") }
		least := 1 << 40
		for range 3 { // what else the process does meanwhile only adds to it
			before := int(liveHeap())
			f := fleetWith(t, fmt.Sprintf("[[device]]\nkind = \"light\"\ncount = %d\n", n), o)
			least = min(least, int(liveHeap())-before)
			runtime.KeepAlive(f)
		}
		return least
	}
	without := held(fleet.Options{})
	with := held(fleet.Options{Events: events.New("test"), Journals: true})
	t.Logf("%d devices: %d bytes without control, %d more with it, %.2f a device", n, without, with-without, float64(with-without)/float64(n))
	if most := 4*(n+fleet.MostAdded) + fixed; with-without > most {
		t.Errorf("control costs %d bytes of heap for %d devices; want at most %d", with-without, n, most)
	}
}
