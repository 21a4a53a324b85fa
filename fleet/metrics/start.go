package metrics

import (
	"fmt"
	"time"

	"homefleet/devices/words"
)

// Start is how a shard began at the moment that all had agreed on.
type Start struct {
	Shard     string `json:"shard"`
	Host      string `json:"host"`
	Offset    Span   `json:"offset"`     // of the collector's clock from that of the shard's machine
	RoundTrip Span   `json:"round_trip"` // in which that was found: it is wrong by half of it at most
	Late      Span   `json:"late"`       // from the agreed moment, by the shard's clock, to when it went on
}

// startedAgain is how late a shard goes on that was not there at the beginning.
const startedAgain = Span(time.Second)

// Apart returns how far apart the shards began that were there, and how well that is known: the
// clocks of two machines are compared by way of the collector's, each with half a round trip of
// uncertainty.
func Apart(all []Start) (apart, known time.Duration) {
	first, last, trip, second := Span(0), Span(0), Span(0), Span(0)
	n := 0
	for _, s := range all {
		if s.Late >= startedAgain {
			continue
		}
		if n++; n == 1 {
			first, last = s.Late, s.Late
		}
		first, last = min(first, s.Late), max(last, s.Late)
		if s.RoundTrip > trip {
			trip, second = s.RoundTrip, trip
		} else {
			second = max(second, s.RoundTrip)
		}
	}
	return time.Duration(last - first), time.Duration(trip+second) / 2
}

// StartText says how the shards of a run began together; "" where they did not.
func StartText(all []Start) []string {
	if len(all) < 2 {
		return nil
	}
	var parts, late []string
	for _, s := range all {
		if s.Late >= startedAgain {
			late = append(late, fmt.Sprintf("shard %s was started again and went on %s later", words.Printable(s.Shard), words.Span(time.Duration(s.Late))))
		}
	}
	if n := len(all) - len(late); n > 1 {
		apart, known := Apart(all)
		parts = append(parts, fmt.Sprintf("%d shards began within %s of each other", n, words.Span(apart)), "known to "+words.Span(known))
	}
	return append(parts, late...)
}
