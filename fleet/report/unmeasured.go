package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// tellingCounts are the counts that a run without a measurement is told by, in words;
// always is that they are shown though they are zero.
var tellingCounts = []struct {
	words  string
	always bool
	name   string // in the catalogue
}{
	{"connects", true, "connect.succeeded"},
	{"sessions resumed", false, "connect.resumed"},
	{"connections failed", false, "connect.failed"},
	{"connections lost", false, "connections.lost"},
	{"time-outs", false, "connections.timed_out"},
	{"protocol errors", false, "connections.bad_packets"},
	{"subscriptions at a lower qos", false, "subscriptions.lowered"},
	{"requests", true, "devices.commands"},
	{"replies", true, "devices.replies"},
	{"error replies", false, "devices.error_replies"},
	{"bad response topics", false, "devices.bad_topics"},
	{"retained commands ignored", false, "devices.ghost_commands"},
	{"duplicates", false, "devices.duplicates"},
	{"state messages", true, "state.sent"},
	{"wills given with a connect", false, "wills.sent"},
	{"telemetry messages", true, "telemetry.sent"},
}

// unmeasured writes what there is to tell of a run that measured nothing: how long it
// lasted, whether the devices came up, and what they counted.
func (w *writer) unmeasured(r *metrics.Result) {
	w.heading(ranText(r))
	all := []row{{"devices", []string{kindsText(r), readyText(r)}}}
	totals := r.CountTotals()
	for _, c := range tellingCounts {
		n := totals[c.name]
		delete(totals, c.name)
		if n != 0 || c.always {
			all = append(all, row{c.words, []string{words.Grouped(n)}})
		}
	}
	for _, info := range metrics.Catalogue() {
		switch group, _, _ := strings.Cut(info.Name, "."); group {
		case "connect", "connections", "subscriptions": // the others are parts of those above
		case "misbehaved": // see misbehavior
		default:
			if n := totals[info.Name]; n != 0 {
				all = append(all, row{strings.NewReplacer(".", " ", "_", " ").Replace(info.Name), []string{words.Grouped(n)}})
			}
		}
	}
	w.rows(all)
}

// ranText is how long a run lasted that measured nothing, and what ended it.
func ranText(r *metrics.Result) string {
	text := "ran " + words.Span(time.Duration(r.Ran))
	switch {
	case r.Aborted != "":
		return text + ", failed"
	case r.Interrupted || r.Duration == 0:
		return text + ", stopped"
	}
	return text + ", as long as planned"
}

// kindsText is "1 light", or "10: 4 lights, 6 plugs".
func kindsText(r *metrics.Result) string {
	parts := make([]string, len(r.Kinds))
	for i, k := range r.Kinds {
		parts[i] = words.Plural(int64(k.Devices), clean(k.Kind), clean(k.Kind)+"s")
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return strings.TrimSuffix(words.Grouped(int64(r.Devices.Total))+": "+strings.Join(parts, ", "), ": ")
}

// readyText says how many of the devices were up, and how soon all were.
func readyText(r *metrics.Result) string {
	switch d := r.Devices; {
	case d.Seen == 0:
		return "none was up"
	case d.Seen < d.Total:
		return fmt.Sprintf("%s of %s were up", words.Grouped(int64(d.Seen)), words.Grouped(int64(d.Total)))
	case r.ReadyIn > 0:
		return "all up in " + words.Span(time.Duration(r.ReadyIn))
	}
	return "all up"
}

// byCount returns names, the most frequent first.
func byCount(m map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
	})
}
