// Package outside is a test as another module has it: of homefleet it knows the kit
// for tests alone.
package outside

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"homefleet/fleet/fleettest"
)

// A test gets the verdict of a run and writes its page.
func TestHome(t *testing.T) {
	home := fleettest.Start(t, `
title = "A home under load"
[[device]]
kind  = "light"
count = 3
[phases]
measure = "2s"
[[controller]]
name      = "phones"
attribute = "power"
rate      = "20/s"
[expect]
"requests.lost" = "== 0"
`)
	res := home.Result()
	if err := res.Err(); err != nil {
		t.Errorf("the verdict is %q: %v; want a pass", res.Verdict, err)
	}
	if res.Totals.Planned != 40 || res.Totals.Answered != 40 {
		t.Errorf("%d of %d requests were answered; want 40 of 40", res.Totals.Answered, res.Totals.Planned)
	}
	page := filepath.Join(t.TempDir(), "run.html")
	home.WriteReport(page)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "A home under load") || !strings.Contains(string(text), "requests.lost") {
		t.Errorf("the page of %d bytes is not of the run", len(text))
	}
}
