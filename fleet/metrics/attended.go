package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"homefleet/devices/words"
)

// InterventionCount is how often somebody intervened in the run.
func (r *Result) InterventionCount() int { return len(r.Interventions) + r.InterventionsLeftOut }

// AttendedText says in words that somebody intervened; "": nobody did.
func (r *Result) AttendedText() string {
	switch n := r.InterventionCount(); {
	case n > 0:
		return "somebody intervened " + words.Plural(int64(n), "time", "times") + " while it ran"
	case r.Attended:
		return "somebody intervened while it ran"
	}
	return ""
}

// attendance is what sets two results apart by what somebody did to their runs, in a sentence
// if there is anything.
func attendance(a, b *Result) []string {
	earlier, later := a.AttendedText(), b.AttendedText()
	switch {
	case earlier == "" && later == "":
		return nil
	case later == "":
		return []string{"the earlier run was attended and the later was not: " + earlier}
	case earlier == "":
		return []string{"the later run was attended and the earlier was not: " + later}
	case !slices.EqualFunc(a.Interventions, b.Interventions, sameDeed) || a.InterventionsLeftOut+b.InterventionsLeftOut > 0:
		return []string{fmt.Sprintf("what was done to the runs differs, or cannot be told: %d and %d interventions", a.InterventionCount(), b.InterventionCount())}
	}
	return nil
}

// sameDeed reports whether two interventions are the same thing done, as after --replay.
func sameDeed(a, b Intervention) bool {
	return a.Op == b.Op && compacted(a.Request) == compacted(b.Request) && a.Selected == b.Selected && a.Done == b.Done
}

// compacted is a JSON text without the spaces that a file has and the API's request may not.
func compacted(text json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return string(text)
	}
	return b.String()
}
