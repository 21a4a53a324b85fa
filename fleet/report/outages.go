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

// judgement is what a Will can turn out to be, beside on time.
type judgement struct {
	name  string
	of    func(*metrics.WillTotals) int64
	fault bool // of the broker
}

// judgements are in the order in which reports show them.
var judgements = []judgement{
	{"early", func(t *metrics.WillTotals) int64 { return t.Early }, true},
	{"late", func(t *metrics.WillTotals) int64 { return t.Late }, true},
	{"missing", func(t *metrics.WillTotals) int64 { return t.Missing }, true},
	{"duplicate", func(t *metrics.WillTotals) int64 { return t.Duplicate }, true},
	{"unexpected", func(t *metrics.WillTotals) int64 { return t.Unexpected }, true},
	{"altered", func(t *metrics.WillTotals) int64 { return t.Altered }, true},
	{"not judged", func(t *metrics.WillTotals) int64 { return t.Unwatched }, false},
}

// auditOf is the audit of a result, where there is anything to tell of it. A run that measures
// nothing may have been audited for who looked on: that nobody went offline is no news of it.
func auditOf(r *metrics.Result) *metrics.Audit {
	a := r.Audit
	gone := func(w metrics.WayTotals) bool { return w.Way != metrics.EndOfRun || w.Messages > 0 }
	if a != nil && r.Ran > 0 && !slices.ContainsFunc(a.Ways, gone) {
		return nil
	}
	return a
}

// wayRow is one way to go offline.
type wayRow struct {
	Name   string
	Totals metrics.WillTotals
	Bad    bool   // the broker did not do right
	Words  string // what became of the Wills
}

// wayRows are the ways of an audit, and all of them if there are several.
func wayRows(a *metrics.Audit) []wayRow {
	var rows []wayRow
	for i := range a.Ways {
		rows = append(rows, newWayRow(a.Ways[i].Way, a.Ways[i].WillTotals))
	}
	if len(rows) != 1 {
		rows = append(rows, newWayRow("all", a.Wills))
	}
	return rows
}

func newWayRow(name string, t metrics.WillTotals) wayRow {
	row := wayRow{Name: name, Totals: t}
	var parts []string
	for _, j := range judgements {
		if n := j.of(&t); n != 0 {
			parts = append(parts, words.Grouped(n)+" "+j.name)
			row.Bad = row.Bad || j.fault
		}
	}
	if parts != nil && t.OnTime > 0 {
		parts = append([]string{words.Grouped(t.OnTime) + " on time"}, parts...)
	}
	switch {
	case parts != nil:
		row.Words = strings.Join(parts, ", ")
	case t.Due > 0:
		row.Words = "all on time"
	case t.Outages > 0 && t.Watched() == 0:
		row.Words = "nobody could see"
	case t.MaybeDue > 0:
		row.Words = "none, perhaps due"
	case t.Outages > 0:
		row.Words = "none, as it should be"
	default:
		row.Words = "none"
	}
	return row
}

// wrongs is how many Wills were not as they should be.
func wrongs(t *metrics.WillTotals) int64 {
	sum := int64(0)
	for _, j := range judgements {
		if j.fault {
			sum += j.of(t)
		}
	}
	return sum
}

// unjudgedText says of how many Wills nothing is known, and why; "" if of none.
func unjudgedText(t *metrics.WillTotals) string {
	var parts []string
	for _, x := range []namedCount{
		{"the auditor was away", t.AuditorAway, ""}, {"the run ended before they were due", t.RunEnded, ""}, {"the broker went away", t.BrokerGone, ""},
	} {
		if x.n != 0 {
			parts = append(parts, words.Grouped(x.n)+" because "+x.name)
		}
	}
	var all []string
	if parts != nil {
		all = append(all, "not judged: "+strings.Join(parts, ", "))
	}
	if t.NotDueUnwatched > 0 {
		all = append(all, "whether a Will came after "+words.Plural(t.NotDueUnwatched, "outage", "outages")+" without one due, the auditor could not see")
	}
	if t.MaybeDue > 0 {
		all = append(all, "after "+words.Plural(t.MaybeDue, "outage", "outages")+" no Will came, and nobody knows whether one was due: the device was back within the slack of the broker, or its DISCONNECT may not have arrived")
	}
	return strings.Join(all, "; ")
}

// testedText says what of Wills was put to the test; "" if nobody noted that, or no
// Will was due.
func testedText(a *metrics.Audit) string {
	switch {
	case a.Wills.Due == 0 && a.Wills.Messages == 0, a.Tested == nil && a.Untested == nil:
		return ""
	case a.Tested == nil:
		return "no Will was seen, so that nothing of what Wills carry was put to the test"
	case a.Untested == nil:
		return "put to the test: all that a Will can carry"
	}
	return "put to the test: " + strings.Join(a.Tested, ", ") + "; not put to the test: " + strings.Join(a.Untested, ", ")
}

// slackText says by what measure Wills are on time.
func slackText(s metrics.Slack) string {
	text := fmt.Sprintf("on time means at most %s early and %s late, or %s after a silence", span(s.Early), span(s.Late), span(s.Silence))
	if s.Broker != "" {
		text += ": " + s.Broker
	}
	return text
}

// consumedText says whether watchers answered, or nothing where no Will can be
// answered.
func consumedText(a *metrics.Audit) string {
	if !a.Answerable && a.Wills.Consumed == 0 {
		return ""
	}
	if a.Wills.Consumed == 0 {
		return "no Will was answered by a watcher"
	}
	return fmt.Sprintf("%s answered by a watcher, of which %s learned by the device when it was back",
		words.Plural(a.Wills.Consumed, "Will was", "Wills were"), words.Plural(a.Wills.Learned, "was", "were"))
}

// retainedText says what was found of the retained messages.
func retainedText(t *metrics.RetainedTotals) (text string, bad bool) {
	switch {
	case t.Checked == 1 && t.Right == 1:
		return "the one retained message is as the device knows", false
	case t.Checked > 0 && t.Right == t.Checked:
		return fmt.Sprintf("of %s retained messages all are as the devices know", words.Grouped(t.Checked)), false
	}
	var parts []string
	for _, x := range []namedCount{{"right", t.Right, ""}, {"stale", t.Stale, ""}, {"missing", t.Missing, ""}, {"wrong", t.Wrong, ""}} {
		if x.n != 0 {
			parts = append(parts, words.Grouped(x.n)+" "+x.name)
		}
	}
	if parts == nil {
		return "no retained message was looked for", false
	}
	return fmt.Sprintf("of %s, %s", words.Plural(t.Checked, "retained message", "retained messages"), strings.Join(parts, ", ")), t.Checked != t.Right
}

// back is how long it took until a part of the devices was there.
type back struct {
	Text  string
	Never bool
}

// backs are the three times, for 50, 99 and 100 %.
func backs(r *metrics.Recovery, t *metrics.Times) [3]back {
	var all [3]back
	for i, at := range []*metrics.Span{t.Half, t.Most, t.All} {
		switch {
		case at != nil:
			all[i] = back{Text: words.Span(time.Duration(*at))}
		case r.Affected == 0:
			all[i] = back{Text: none}
		default:
			all[i] = back{metrics.Never, true}
		}
	}
	return all
}

// timeNames are what the times of [timesOf] are of.
var timeNames = [...]string{"online", "answering"}

// timesOf are the times of a recovery that somebody took.
func timesOf(r *metrics.Recovery) []*metrics.Times {
	if r.Answering == nil {
		return []*metrics.Times{&r.Online}
	}
	return []*metrics.Times{&r.Online, r.Answering}
}

// backText says how many devices came back.
func backText(r *metrics.Recovery, t *metrics.Times) string {
	if t.Count == r.Affected {
		return "all " + words.Grouped(t.Count)
	}
	return words.Grouped(t.Count) + " of " + words.Grouped(r.Affected)
}

// attemptsText says how often devices tried to connect, and why in vain.
func attemptsText(r *metrics.Recovery) string {
	text := "no connection was lost"
	if r.Attempts != 0 || r.Online.Count != r.Affected {
		text = words.Plural(r.Attempts, "attempt", "attempts") + " to connect"
		if s := refusedText(r.Refused); s != "" {
			text += "; in vain: " + s
		}
	}
	return text + overlapText(r)
}

// overlapText says how many devices another incident struck as well.
func overlapText(r *metrics.Recovery) string {
	switch {
	case r.Overlap == 0:
		return ""
	case r.Overlap == r.Affected && r.Affected == 1:
		return "; another incident struck the device as well, before it was back"
	case r.Overlap == r.Affected:
		return "; another incident struck all of them as well, before they were back"
	}
	return "; another incident struck " + words.Grouped(r.Overlap) + " of them as well, before they were back"
}

// gravest returns at most so many recoveries in the order of time: those that
// lack most devices, and of the others those that took longest.
func gravest(all []metrics.Recovery, most int) []*metrics.Recovery {
	rows := make([]*metrics.Recovery, 0, len(all))
	for i := range all {
		rows = append(rows, &all[i])
	}
	if len(rows) > most {
		took := func(r *metrics.Recovery) metrics.Span {
			if r.Online.All == nil {
				return 0
			}
			return *r.Online.All
		}
		slices.SortStableFunc(rows, func(a, b *metrics.Recovery) int {
			return cmp.Or(cmp.Compare(b.Affected-b.Online.Count, a.Affected-a.Online.Count), cmp.Compare(took(b), took(a)))
		})
		rows = rows[:most]
	}
	slices.SortStableFunc(rows, func(a, b *metrics.Recovery) int { return cmp.Compare(a.At, b.At) })
	return rows
}

// moreRecoveries is how many there were beside those that are shown.
func moreRecoveries(r *metrics.Result, shown int) int64 {
	n := int64(len(r.Recoveries) - shown)
	if r.RecoveriesLeftOut != nil {
		n += r.RecoveriesLeftOut.Count
	}
	return n
}

// groupOf is what tells a recovery from others of its incident, or "".
func groupOf(r *metrics.Recovery) string {
	var parts []string
	if r.Group != "" {
		parts = append(parts, r.Group)
	}
	if r.Shard != "" {
		parts = append(parts, "shard "+r.Shard)
	}
	return strings.Join(parts, ", ")
}

// incidentSpan says when an incident was, as a moment if it is as short as what
// a clock shows.
func incidentSpan(at, to metrics.Span) string {
	from, end := span(at), span(to)
	if to <= at || from == end {
		return from
	}
	return from + " to " + end
}

// incidentText says what happened, and whether the run was over before it was.
func incidentText(r *metrics.Result, in metrics.Incident) string {
	if r.Interrupted && in.To > r.Measured {
		return in.Text + " (the run was interrupted before its end)"
	}
	return in.Text
}

// refusedText lists why attempts to connect came to nothing, and how many, most
// first.
func refusedText(byReason map[string]int64) string {
	var parts []string
	for _, reason := range slices.SortedFunc(maps.Keys(byReason), func(a, b string) int {
		return cmp.Or(cmp.Compare(byReason[b], byReason[a]), strings.Compare(a, b))
	}) {
		parts = append(parts, words.Grouped(byReason[reason])+" "+reason)
	}
	return strings.Join(parts, ", ")
}
