package scenarios

import (
	"fmt"
	"strings"
	"testing"
)

// A value whose unit is written as people write it is answered with the right one, and what
// is suggested is always taken.
func TestUnitHints(t *testing.T) {
	for _, tt := range []struct{ key, value, want string }{
		{"telemetry", "30 s", "30s"}, {"telemetry", "30 sec", "30s"}, {"telemetry", "1 min", "1m"}, {"telemetry", "5 minutes", "5m"},
		{"telemetry", "2 Hours", "2h"}, {"telemetry", "500 milliseconds", "500ms"}, {"telemetry", "1 fortnight", ""}, {"telemetry", "soon", ""},
		{"rate", "5 per second", "5/s"}, {"rate", "5 /s", "5/s"}, {"rate", "30 per minute", "30/min"}, {"telemetry", "2 days", "2d"}, {"rate", "10/s .. 100/s", ""},
	} {
		table := "[[device]]\nkind = \"light\"\n%s = %q\n"
		if tt.key == "rate" {
			table = "[connect]\n%s = %q\n[[device]]\nkind = \"light\"\n"
		}
		load := func(value string) Faults {
			_, faults := Load("t.toml", fmt.Appendf(nil, table, tt.key, value))
			return faults
		}
		faults := load(tt.value)
		if len(faults) != 1 {
			t.Errorf("%s = %q: %v; want one error", tt.key, tt.value, faults)
			continue
		}
		_, meant, _ := strings.Cut(faults[0].Hint, "did you mean \"")
		meant, _, _ = strings.Cut(meant, "\"")
		if meant != tt.want {
			t.Errorf("%s = %q: %q is suggested; want %q", tt.key, tt.value, meant, tt.want)
		}
		if meant != "" && load(meant).Err() != nil {
			t.Errorf("%s = %q, which is suggested for %q, is refused", tt.key, meant, tt.value)
		}
	}
}
