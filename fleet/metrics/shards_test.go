package metrics

import (
	"slices"
	"strings"
	"testing"
)

func TestMissingShards(t *testing.T) {
	for _, tt := range []struct {
		given   string
		missing string
		of      int
		fault   string
		words   string
	}{
		{"", "", 0, "", ""},
		{"1/1", "", 1, "", "shard 1 of 1"},
		{"2/4", "1/4 3/4 4/4", 4, "", "shard 2 of 4"},
		{"2/2 1/2", "", 2, "", "all 2 shards"},
		{"1/3 3/3", "2/3", 3, "", "shards 1/3, 3/3"},
		{"1/2 2/3", "", 0, "shard 2/3 does not go with 1/2: the run is in 2 parts or in 3", "shards 1/2, 2/3"},
		{"east west", "", 0, "", "shards east, west"},
		{"east", "", 0, "", "shard east"},
	} {
		given := strings.Fields(tt.given)
		missing, of, err := MissingShards(given)
		fault := ""
		if err != nil {
			fault = err.Error()
		}
		if !slices.Equal(missing, strings.Fields(tt.missing)) || of != tt.of || fault != tt.fault {
			t.Errorf("MissingShards(%q) = %q, %d, %q; want %q, %d, %q", given, missing, of, fault, tt.missing, tt.of, tt.fault)
		}
		if got := ShardText(given); got != tt.words {
			t.Errorf("ShardText(%q) = %q; want %q", given, got, tt.words)
		}
	}
}
