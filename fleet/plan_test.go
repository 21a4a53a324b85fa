package fleet

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"homefleet/fleet/client"
	"homefleet/fleet/load"
)

// The same scenario and seed give the same plan, whatever GOMAXPROCS is, and
// another seed gives another.
func TestPlanIsAFunctionOfTheSeed(t *testing.T) {
	plan := func(seed int) string {
		sc := scenarioOf(t, fmt.Sprintf(`
seed = %d
[phases]
warm_up = "1s"
measure = "10s"
[[device]]
kind = "light"
count = 50
[[controller]]
name = "steady"
count = 3
rate = "100/s"
attribute = "power"
payloads = ["ON", "OFF"]
[[controller]]
name = "random"
count = 4
arrival = "poisson"
rate = "50/s"
attribute = "power"
`, seed))
		b, err := json.Marshal(load.PlanOf(sc))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	one := plan(7)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if got := plan(7); got != one {
		t.Errorf("two plans of one seed differ:\n%s\n%s", one, got)
	}
	if plan(8) == one {
		t.Error("two seeds give one plan")
	}
	var p load.Plan
	if err := json.Unmarshal([]byte(one), &p); err != nil {
		t.Fatal(err)
	}
	if p.Groups[0].Requests != 1100 {
		t.Errorf("%d requests at 100/s in 11 s; want 1100", p.Groups[0].Requests)
	}
	if n := p.Groups[1].Requests; n < 450 || n > 650 {
		t.Errorf("%d requests at a mean of 50/s in 11 s; want about 550", n)
	}
}

// Who runs into a wall is told which one it is, and what to do.
func TestWallsNamed(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", errno)}
	}
	tests := []struct {
		name string
		err  client.DeviceError
		want string // in the text
	}{
		{"file descriptors", client.DeviceError{Doing: "connecting to", Err: dial(syscall.EMFILE)}, "ulimit -n"},
		{"ports", client.DeviceError{Doing: "connecting to", Err: dial(syscall.EADDRNOTAVAIL)}, "--source-addr"},
		{"the broker's sessions", client.DeviceError{Doing: "connecting to", Err: &client.RefusedError{Code: 0x97}}, "limit of connections or sessions"},
		{"the broker's rate", client.DeviceError{Doing: "connecting to", Err: &client.RefusedError{Code: 0x9F}}, "`rate` in [connect]"},
		{"the broker's connections", client.DeviceError{Doing: client.WaitingForConnack, Err: io.EOF}, "max_connections"},
		{"none", client.DeviceError{Doing: "connecting to", Err: dial(syscall.ECONNREFUSED)}, "connection refused"},
		{"a DISCONNECT is no wall of a CONNECT", client.DeviceError{Err: &client.RefusedError{Code: 0x97, Packet: "DISCONNECT"}}, "quota exceeded (0x97)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.err.Device, tt.err.Broker = "lamp", "mqtt://broker"
			if got := tt.err.Error(); !strings.Contains(got, tt.want) {
				t.Errorf("Error() = %q; want %q in it", got, tt.want)
			}
		})
	}
	closed := client.DeviceError{Device: "lamp", Broker: "mqtt://broker", Err: io.EOF}
	if got := closed.Error(); strings.Contains(got, ";") {
		t.Errorf("Error() = %q of a connection that was up; want no wall named", got)
	}
}
