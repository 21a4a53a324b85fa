package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"homefleet/fleet/metrics"
)

// A run in which somebody took a hand says so wherever its result is shown, and so does a
// comparison of it with one in which nobody did.
func TestAttendedIsSaidEverywhere(t *testing.T) {
	alone, attended := tiny(), *tiny()
	attended.Attended = true
	attended.Interventions = []metrics.Intervention{
		{N: 1, Op: "kill", By: "control", Request: json.RawMessage(`{"select": {"all": true}}`), Selected: 3, Done: 3},
		{N: 2, Op: "stop", By: "control"},
	}
	const words = "somebody intervened 2 times while it ran"
	written := func(write func(b *bytes.Buffer) error) string {
		t.Helper()
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for name, write := range map[string]func(*bytes.Buffer, *metrics.Result) error{
		"text":  func(b *bytes.Buffer, r *metrics.Result) error { return Text(b, r, TextOptions{Width: 100}) },
		"HTML":  func(b *bytes.Buffer, r *metrics.Result) error { return HTML(b, r) },
		"JUnit": func(b *bytes.Buffer, r *metrics.Result) error { return JUnit(b, r) },
	} {
		if got := written(func(b *bytes.Buffer) error { return write(b, &attended) }); !strings.Contains(got, words) {
			t.Errorf("%s of an attended run does not say %q", name, words)
		}
		if got := written(func(b *bytes.Buffer) error { return write(b, alone) }); strings.Contains(got, "times while it ran") {
			t.Errorf("%s of a run that nobody attended says otherwise", name)
		}
	}
	again := attended
	again.Interventions = []metrics.Intervention{attended.Interventions[0], attended.Interventions[1]}
	again.Interventions[0].Request = json.RawMessage(`{"select":{"all":true}}`) // as a result in memory has it
	other := attended
	other.Interventions = attended.Interventions[:1]
	for _, tt := range []struct {
		name          string
		before, after *metrics.Result
		want          string // "": nothing is said
	}{
		{"before", &attended, alone, "the earlier run was attended and the later was not: " + words},
		{"after", alone, &attended, "the later run was attended and the earlier was not: " + words},
		{"a replay", &attended, &again, ""},
		{"two ways", &attended, &other, "what was done to the runs differs, or cannot be told: 2 and 1 interventions"},
		{"nobody", alone, alone, ""},
	} {
		c := metrics.Compare(tt.before, tt.after)
		text := written(func(b *bytes.Buffer) error {
			return CompareText(b, c, tt.before, tt.after, TextOptions{Width: 200})
		})
		html := written(func(b *bytes.Buffer) error { return Compare(b, c, tt.before, tt.after) })
		for form, got := range map[string]string{"text": text, "HTML": html} {
			said := strings.Contains(got, "was attended and") || strings.Contains(got, "what was done to the runs") || strings.Contains(got, "What was done to the runs")
			if want := tt.want; want == "" && said || want != "" && !strings.Contains(strings.ToLower(got), want) {
				t.Errorf("%s, %s: want %q in\n%s", tt.name, form, want, got)
			}
		}
	}
}
