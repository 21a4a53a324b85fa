package cmd

import (
	"encoding/json"
	"strings"
	"testing"

	"homefleet/fleet/metrics"
)

// The documents of comparisons have, beside what the reference has of the figures, the
// files.
func TestReferenceHasTheDocumentsOfReport(t *testing.T) {
	for heading, document := range map[string]any{"### `report A.json B.json`": comparisonDocument{}, "### `report --compare`": runsDocument{}} {
		b, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatal(err)
		}
		_, section, ok := strings.Cut(metrics.Reference, heading+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		for name := range fields {
			if !ok || !strings.Contains(section, "`"+name+"`") {
				t.Errorf("the reference has no %q under %q", name, heading)
			}
		}
	}
}
