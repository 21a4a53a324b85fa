package cmd

import (
	"bytes"
	"strings"
	"testing"
)

// A variable that would be read if it were spelled right is told of, and no other; nor is
// any value shown.
func TestVariables(t *testing.T) {
	for _, tt := range []struct{ set, want string }{
		{"HOMEFLEET_BROKR=mqtt://u:secret1@h", "the environment has HOMEFLEET_BROKR, which is no variable of homefleet: did you mean HOMEFLEET_BROKER?"},
		{"HOMEFLEET_XYZZY_PLUGH=secret1", "HOMEFLEET_XYZZY_PLUGH, which is no variable of homefleet: nothing reads it"},
		{"HOMEFLEET_\x1b[2J=secret1", `HOMEFLEET_`},
		{"HOMEFLEET_BROKER=mqtt://h", ""},
		{"HOMEFLEET_CONNECT_RATE=1/s", ""},
		{"HOMEFLEET_SCENARIO=bedroom", ""},
		{"HOMEFLEET_PASSWORD=secret1", ""},
		{"HOMEFLEET_CONTROL_TOKEN=secret1", ""},
		{"HOMEFLEET_TEST_X=1", ""},
		{"MYHOMEFLEET_BROKR=1", ""},
		{"HOMEFLEET=1", ""},
	} {
		var stderr bytes.Buffer
		code := Run(t.Context(), Process{Args: []string{"version"}, Stderr: Stream{Writer: &stderr}, Environ: func() []string { return []string{"PATH=/bin", tt.set} }})
		got := stderr.String()
		if code != 0 || tt.want == "" && got != "" || !strings.Contains(got, tt.want) || strings.Contains(got, "secret1") || strings.Contains(got, "\x1b") {
			t.Errorf("%q: code %d, stderr %q; want code 0, %q, and no value", tt.set, code, got, tt.want)
		}
	}
}
