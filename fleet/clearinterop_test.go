package fleet_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"homefleet/fleet"
	"homefleet/scenarios"
)

// On Mosquitto, with MQTT 3.1.1 as well: what was retained is gone.
func TestClearInterop(t *testing.T) {
	t.Parallel()
	for _, version := range []scenarios.MQTT{scenarios.MQTT5, scenarios.MQTT311} {
		t.Run(string(version), func(t *testing.T) {
			t.Parallel()
			host, port := startMosquitto(t)
			data, _ := scenarios.ReadShipped("home-assistant")
			sc, faults := scenarios.Load("home-assistant", data)
			if err := faults.Err(); err != nil {
				t.Fatal(err)
			}
			sc.Broker.MQTT = version
			o := fleet.Options{BrokerName: "Mosquitto", Dial: func(ctx context.Context) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("%s:%d", host, port))
			}}
			f, err := fleet.New(sc, o)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- f.Run(ctx) }()
			<-f.Ready()
			stop()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			kept := func() (n int) {
				for range client(t, "mosquitto_sub", host, port, "-t", "#", "--retained-only", "-W", "1", "-F", "%t") {
					n++
				}
				return n
			}
			if n := kept(); n < sc.Count() {
				t.Fatalf("%d topics are kept; want some of each device", n)
			}
			done, err := fleet.Clear(t.Context(), sc, o, fleet.Clearing{})
			if err != nil || len(done.Left) > 0 || len(done.Held) < sc.Count() {
				t.Errorf("Clear() emptied %d that held something, left %q, %v", len(done.Held), done.Left, err)
			}
			if n := kept(); n > 0 {
				t.Errorf("%d topics are kept after Clear(); want none", n)
			}
		})
	}
}
