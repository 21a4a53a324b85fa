package cmd

import (
	"testing"

	"homefleet/scenarios"
)

// Of the shipped scenarios nothing is foreseen: each has something to judge, and enough
// of it.
func TestNothingForeseenOfTheShipped(t *testing.T) {
	for _, info := range scenarios.Shipped() {
		src, _ := scenarios.ReadShipped(info.Name)
		for _, size := range info.Sizes[:min(2, len(info.Sizes))] { // the largest takes its time
			sc, faults := scenarios.LoadSize(info.Name, src, size)
			if sc == nil {
				t.Fatal(faults)
			}
			if p := planWarningsOf(sc); len(p.lines) > 0 {
				t.Errorf("of %s in size %q is foreseen: %q; want nothing", info.Name, size, p.lines)
			}
		}
	}
}
