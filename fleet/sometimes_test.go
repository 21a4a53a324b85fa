package fleet_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// sometimes counts, over all seeds of chaos, what has to have happened in one of them: what
// never does is not tested, however green the rest.
type sometimes map[string]int64

// note adds what came of one seed.
func (s sometimes) note(sc *scenarios.Scenario, length time.Duration, snap *metrics.Snapshot) {
	for _, o := range sc.Occurrences(length) {
		s["incident "+string(sc.Incidents[o.Incident].Kind)]++
	}
	for _, w := range snap.Audit.Ways {
		s["way "+w.Way] += w.Outages + w.Messages
	}
	for name, n := range figuresByName(snap) {
		s[name] += n
	}
}

// figuresByName are the states of the ledger and the verdicts of the audit.
func figuresByName(snap *metrics.Snapshot) map[string]int64 {
	t, w := &snap.Totals, &snap.Audit.Wills
	return map[string]int64{
		"request answered": t.Answered, "request late": t.Late, "request lost": t.Lost, "request not sent: not connected": t.NotSent.NotConnected,
		"request sent to a device that was away": t.SentAway, "answer duplicate": t.Duplicates, "answer corrupted": t.Corrupted.Total(),
		"answer misrouted": t.Misrouted.Total(), "answer unknown": t.Unknown.Total(), "answer with an error": t.ErrorAnswers,
		"request refused": t.Refused, "request interrupted": t.Interrupted,
		"will on time": w.OnTime, "will not due": w.NotDue, "will unwatched": w.Unwatched, "will unwatched: auditor away": w.AuditorAway,
		"will unwatched: broker gone": w.BrokerGone, "will unwatched: run ended": w.RunEnded, "will maybe due": w.MaybeDue,
		"will not due, unwatched": w.NotDueUnwatched, "will consumed": w.Consumed, "will learned of": w.Learned,
	}
}

// wanted is what has to have been seen, by the counter's name.
func (s sometimes) wanted() (all []string) {
	for _, k := range chaosKinds {
		all = append(all, "incident "+string(k))
	}
	for _, w := range scenarios.OfflineModes() {
		all = append(all, "way "+string(w))
	}
	for _, w := range []string{"lost", "taken over"} {
		all = append(all, "way "+w)
	}
	for name := range figuresByName(&metrics.Snapshot{Audit: new(metrics.Audit)}) {
		if neverInChaos[name] == "" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// neverInChaos is what chaos at a broker that does right cannot bring about, and why.
var neverInChaos = map[string]string{
	"request refused":             "the broker has no users, so that it refuses nothing",
	"request interrupted":         "chaos comes to its end",
	"answer misrouted":            "neither the broker nor a device sends an answer to somebody else",
	"will unwatched: broker gone": "its outages cut connections and keep sessions: it neither says that it shuts down nor forgets",
	"will unwatched: run ended":   "there is calm before the end, so that no Will is open",
}

// manySeeds are enough that everything has to have happened.
const manySeeds = 10

// check fails where something never happened.
func (s sometimes) check(t *testing.T, seeds int) {
	t.Helper()
	var table strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&table, "\n%9d  %s", s[name], name)
	}
	t.Logf("over %d seeds:%s", seeds, table.String())
	if seeds < manySeeds {
		return
	}
	for _, name := range s.wanted() {
		if s[name] == 0 {
			t.Errorf("%q never happened in %d seeds from %d of %v h; want it tested", name, seeds, *chaosSeed, *chaosHours)
		}
	}
	for name, why := range neverInChaos {
		if s[name] != 0 {
			t.Errorf("%q happened %d times, but is listed as what never does: %s", name, s[name], why)
		}
	}
}
