package metrics

import (
	"fmt"
	"strconv"
	"strings"

	"homefleet/devices/words"
)

// parseShard reads "2/4", the second of four parts of a run; ok is false for a name of
// another tool's.
func parseShard(text string) (k, n int, ok bool) {
	first, second, _ := strings.Cut(text, "/")
	k, errK := strconv.Atoi(first)
	n, errN := strconv.Atoi(second)
	return k, n, errK == nil && errN == nil && k >= 1 && k <= n && fmt.Sprintf("%d/%d", k, n) == text
}

// mostParts bounds the parts of a run that are looked for.
const mostParts = 1000

// MissingShards returns which shards of a run are not among those given, and how
// many it has. There are none where nothing is a shard, or not by our names. The
// error is of shards of which the run cannot have both.
func MissingShards(shards []string) (missing []string, of int, err error) {
	given := make(map[string]bool)
	for _, text := range shards {
		_, n, ok := parseShard(text)
		switch {
		case !ok || n > mostParts:
			return nil, 0, nil
		case of != 0 && n != of:
			return nil, 0, fmt.Errorf("shard %s does not go with %s: the run is in %d parts or in %d", text, shards[0], of, n)
		}
		of, given[text] = n, true
	}
	for k := 1; k <= of; k++ {
		if s := fmt.Sprintf("%d/%d", k, of); !given[s] {
			missing = append(missing, s)
		}
	}
	return missing, of, nil
}

// ShardText names the parts of a run that a result is of: "shard 2 of 4", or "" if
// it is of a run in one piece.
func ShardText(shards []string) string {
	missing, of, err := MissingShards(shards)
	switch {
	case len(shards) == 0:
		return ""
	case of > 1 && len(missing) == 0 && err == nil:
		return fmt.Sprintf("all %d shards", of)
	case len(shards) == 1:
		return "shard " + words.Printable(strings.Replace(shards[0], "/", " of ", 1))
	}
	return "shards " + words.Printable(strings.Join(shards, ", "))
}
