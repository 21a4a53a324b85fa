package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Devices that are offline in the end, and that nothing of the scenario keeps so, are no
// run as planned, whether they never came up or went and did not return.
func TestStragglers(t *testing.T) {
	const lamps = "[phases]\nconnect = \"2s\"\nmeasure = \"20s\"\n[[device]]\nkind = \"light\"\ncount = 10\nid = \"lamp-{n:2}\"\n"
	const offline = "[[incident]]\nkind = \"offline\"\nat = \"2s\"\ntarget = { id = \"lamp-1*\" }\n"
	busy := func(from, to string) func(broker.ConnectInfo) byte {
		return func(c broker.ConnectInfo) byte {
			if c.ClientID >= from && c.ClientID <= to {
				return wire.ServerBusy
			}
			return 0
		}
	}
	for _, tt := range []struct {
		name, toml string
		admit      func(broker.ConnectInfo) byte
		want       metrics.Verdict
		offline    int
		says       string
	}{
		{"all are there", lamps, nil, metrics.VerdictRan, 0, ""},
		{"three never come up", lamps, busy("lamp-02", "lamp-04"), metrics.VerdictFaults, 3, "3 of 10 devices were offline in the end, and nothing kept them so (30%)"},
		{"it is expected that all are", lamps + "[expect]\n\"devices.online\" = \"== 100%\"\n", busy("lamp-02", "lamp-04"), metrics.VerdictFail, 3, ""},
		{"something else is expected", lamps + "[expect]\n\"connect.succeeded\" = \"> 3\"\n", busy("lamp-02", "lamp-04"), metrics.VerdictPass, 3, "3 of 10 devices were offline in the end"},
		{"away as the scenario wants it", lamps + offline + "for = \"1h\"\n", nil, metrics.VerdictRan, 0, ""},
		{"away for a while", lamps + offline + "for = \"5s\"\n", nil, metrics.VerdictRan, 0, ""},
		{"not there yet", lamps + "[[device]]\nkind = \"light\"\nid = \"new\"\npresent = false\n", nil, metrics.VerdictRan, 0, ""},
		{"refused for good", lamps, func(c broker.ConnectInfo) byte {
			if c.ClientID == "lamp-02" {
				return wire.NotAuthorized
			}
			return 0
		}, metrics.VerdictFaults, 0, "1 of 10 devices gave up (10%)"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, err := broker.New(broker.Config{Anonymous: true, Admit: tt.admit})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			fl := fleetOf(t, tt.toml, b.Dial)
			if err := fl.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			res, err := fl.Result()
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprint(res.Sentences)
			if res.Verdict != tt.want || res.Devices.Offline != tt.offline || !strings.Contains(text, tt.says) {
				t.Errorf("%s: %q, %d offline, %s; want %q, %d, %q", tt.name, res.Verdict, res.Devices.Offline, text, tt.want, tt.offline, tt.says)
			}
		})
	}
}
