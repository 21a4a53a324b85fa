package cmd

import (
	"strings"
	"testing"

	"homefleet/scenarios"
)

// Controllers that command devices that are not there are told of before the run, with how
// many; those that command others are not.
func TestCommandsToAbsentDevicesAreForeseen(t *testing.T) {
	const src = `
[[device]]
kind = "light"
count = 3
id = "lamp-{n}"
[[device]]
kind = "plug"
id = "boxed"
present = false
[[controller]]
name = "phones"
attribute = "power"
rate = "10/s"
TARGET
[phases]
measure = "30s"
[expect]
"requests.answered" = ">= 10%"
`
	for target, want := range map[string]string{
		"": "the controllers phones command 4 devices, of which 1 is not present", `target = { id = "lamp-*" }`: "",
	} {
		sc, faults := scenarios.Load("test.toml", []byte(strings.Replace(src, "TARGET", target, 1)))
		if faults.Err() != nil {
			t.Fatal(faults)
		}
		p := planWarningsOf(sc)
		if got := strings.Join(p.lines, "\n"); want == "" && strings.Contains(got, "not present") || !strings.Contains(got, want) {
			t.Errorf("with %q is foreseen %q; want %q", target, got, want)
		}
	}
}
