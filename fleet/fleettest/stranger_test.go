package fleettest_test

import (
	"testing"

	"homefleet/fleet"
	"homefleet/fleet/fleettest"
)

// A stranger's end-to-end test: the program under test is to switch a light off
// when it comes back from a power cut. Here the test itself plays the program.
func TestStranger(t *testing.T) {
	home := fleettest.Start(t, `
[[device]]
kind = "light"
id   = "porch"
`, fleettest.OnTCP()) // home.URL is what the program under test connects to

	porch := home.Device("porch")
	if got := porch.Command("power", "ON"); got != "ON" {
		t.Errorf("power ON answers %q; want ON", got)
	}
	porch.Die(fleet.Cut)
	porch.Return()
	porch.Command("power", "OFF")
	porch.WaitState("power", "OFF")
}
