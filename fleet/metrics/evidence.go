package metrics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"homefleet/devices/words"
)

// No data is no pass: where a figure is nought because nobody looked, or because
// there was nothing to look at, it is no figure. What stands here says of each
// metric when that is so, and how much of what there was to judge was judged.

// evidence is what a figure rests on.
type evidence struct {
	looked int64  // how many things were looked at; 0: it is no figure
	none   string // why nothing was
	note   string // how many of all were, where that is not all
}

// evidenceOf returns what a figure of a snapshot rests on; ok is false of one that
// rests on the run itself.
func evidenceOf(metric string, s *Snapshot, l Label) (e evidence, ok bool) {
	t := &s.Totals
	o, _ := s.Outcomes(l)
	switch metric {
	case "requests.late", "requests.lost", "requests.refused", "requests.interrupted", "requests.sent_away", "requests.partial", "requests.no_subscribers", "requests.held", "requests.held_by_connection", "requests.to_acknowledge", answersMetric:
		return evidence{o.Sent, "no request was sent" + forLabel(l), ""}, true
	case "requests.sent", notSentMetric, "requests.failed":
		if o.Paused > 0 {
			return evidence{o.wanted(), "every planned request was paused" + forLabel(l), ""}, true
		}
	case unacknowledgedMetric:
		return evidence{t.ToAcknowledge, "no request was sent at QoS 1 or 2", ""}, true
	case "requests.lost_away":
		return evidence{t.SentAway, "no request was sent to a device that was away", ""}, true
	case "answers.errors": // a User Property, which MQTT 3.1.1 has not
		return evidence{t.Answers - min(t.ByTopic.Own+t.ByTopic.Unknown, t.Answers), noneByID(t), ""}, true
	case "answers.by_topic":
		return evidence{t.Answers, "there was no answer", ""}, true
	case "answers.mistaken", "answers.of_others":
		return evidenceOfByTopic(t), true
	case "answers.unchecked", "answers.parts":
		return evidence{t.byID(), noneByID(t), ""}, true
	case "answers.corrupted", "answers.other_qos", "requests.altered":
		return evidenceOfChecksums(metric, t), true
	case "answers.missing_parts":
		return evidence{t.Parts + t.MissingParts, "no answer had several messages that say which they are", ""}, true
	case "answers.duplicate", "answers.misrouted", "answers.unknown", "answers.other_retain":
		n := t.byID() + t.Duplicates + t.Misrouted.Total() + t.Corrupted.Total() + t.Unknown.Total() + t.AfterRefusal + t.AlteredRequests
		return evidence{n, noneByID(t), ""}, true
	}
	switch family, _, _ := strings.Cut(metric, "."); {
	case family == "wills" && s.Audit != nil:
		return evidenceOfWills(metric, &s.Audit.Wills)
	case family == "delivery":
		sum, _ := s.deliveries(l)
		return evidenceOfDeliveries(metric, &sum)
	}
	return evidence{}, false
}

// evidenceOfChecksums is what is known of whether answers, or their requests, are what
// was sent: of those with a checksum. That Correlation Data is wrong shows by itself.
func evidenceOfChecksums(metric string, t *Totals) evidence {
	n := t.byID() - t.Unchecked + t.Corrupted.Content + t.AlteredRequests
	if metric == "answers.corrupted" {
		n += t.Corrupted.Total() - t.Corrupted.Content
	}
	e := evidence{n, noneByID(t), judgedOf(n, n+t.Unchecked)}
	if t.Unchecked > 0 {
		e.none = "no answer had a checksum"
	}
	return e
}

// noneByID says why there is no answer of which more is known than that it came.
func noneByID(t *Totals) string {
	if t.ByTopic.Total() > 0 {
		return "the answers were matched by their topic, as MQTT 3.1.1 has no properties"
	}
	return "there was no answer"
}

// evidenceOfDeliveries is the same of one-way messages. Those that did not come
// count only where a watcher was there for them, and the broker had them.
func evidenceOfDeliveries(metric string, t *DeliveryTotals) (e evidence, ok bool) {
	decided := t.Sent - t.Outstanding
	e = evidence{t.Expected(), "no state or telemetry was sent to a watcher", judgedOf(t.Expected(), decided)}
	switch metric {
	case "delivery.sent", "delivery.expected":
		return evidence{}, false // that so many were sent, or judged, is a fact
	case "delivery.refused", "delivery.unconfirmed", "delivery.unwatched", "delivery.unfinished":
		return evidence{t.Sent, e.none, ""}, true
	case "delivery.strays":
		e.looked += t.Strays() + t.FromStore // which tell of a watcher, too
	}
	if decided > 0 {
		e.none = fmt.Sprintf("none of %s to watchers was judged: %s", words.Plural(decided, "message", "messages"), t.unjudgedBy())
	}
	return e, true
}

// unjudgedBy says why messages were not judged, such as "unwatched 20, refused 3".
func (t *DeliveryTotals) unjudgedBy() string {
	var parts []string
	for _, p := range []struct {
		name string
		n    int64
	}{{"refused", t.Refused}, {"unconfirmed", t.Unconfirmed}, {"unwatched", t.Unwatched}, {"unfinished", t.Unfinished}} {
		if p.n > 0 {
			parts = append(parts, p.name+" "+words.Grouped(p.n))
		}
	}
	return strings.Join(parts, ", ")
}

// evidenceOfWills is the same of Wills. What the outages were, the devices know;
// of Wills that came or did not, only those count that the auditor was there for.
func evidenceOfWills(metric string, t *WillTotals) (e evidence, ok bool) {
	const none = "no Will was due"
	switch metric {
	case "wills.on_time", "wills.early", "wills.late", "wills.missing":
		if t.Due == 0 {
			if t.MaybeDue > 0 {
				return evidence{0, "no Will came, and nobody knows whether one was due", ""}, true
			}
			return evidence{0, none, ""}, true
		}
		return evidence{t.Judged(), words.Plural(t.Due, "Will was due and was not", "Wills were due and none was") + " judged: the auditor was away, or the run ended",
			judgedWills(t)}, true
	case "wills.duplicate", "wills.altered":
		return evidence{t.Messages, "no Will came", ""}, true
	case "wills.messages", "wills.unexpected":
		if t.Outages == 0 {
			return evidence{t.Messages, "no device went offline", ""}, true
		}
		return evidence{t.Watched() + t.Messages, "the auditor was away during all of " + words.Plural(t.Outages, "outage", "outages"),
			judgedOf(t.Watched(), t.Outages)}, true
	case "wills.unwatched", "wills.consumed":
		return evidence{t.Due, none, ""}, true
	case "wills.learned":
		return evidence{t.Consumed, "no Will was answered", ""}, true
	}
	return evidence{}, false
}

// countBase is of which counts a count of the fleet is a part: it says nothing
// where these are all nought.
var countBase = map[string]struct {
	of   []string
	none string
}{
	"connect.failed":          {[]string{"connect.tried"}, "no connection was tried"},
	"connect.unexplained":     {[]string{"connect.tried"}, "no connection was tried"},
	"connect.refused":         {[]string{"connect.tried"}, "no connection was tried"},
	"connections.lost":        {[]string{"connect.succeeded"}, "no connection was accepted"},
	"connections.unexplained": {[]string{"connect.succeeded"}, "no connection was accepted"},
	"connections.timed_out":   {[]string{"connect.tried"}, "no connection was tried"},
	"connections.bad_packets": {[]string{"connect.tried"}, "no connection was tried"},
	"acks.missing":            {[]string{"connect.succeeded"}, "no connection was accepted"},
	"subscriptions.refused":   {[]string{"connect.succeeded"}, "no connection was accepted"},
	"subscriptions.lowered":   {[]string{"connect.succeeded"}, "no connection was accepted"},
	"devices.error_replies":   {[]string{"devices.commands"}, "no device received a command"},
	"devices.bad_topics":      {[]string{"devices.commands"}, "no device received a command"},
	"devices.duplicates":      {[]string{"devices.commands"}, "no device received a command"},
	"wills.answered":          {[]string{"wills.answered", "wills.unanswered"}, "no device was back on its session after its Will was due"},
	"wills.unanswered":        {[]string{"wills.answered", "wills.unanswered"}, "no device was back on its session after its Will was due"},
	"wills.answers_altered":   {[]string{"wills.answered", "wills.answers_altered"}, "no answer to a Will came to a device"},
	"wills.answers_doubled":   {[]string{"wills.answered", "wills.answers_doubled"}, "no answer to a Will came to a device"},
}

// mishaps are what can become of a message but being sent.
var mishaps = []string{"too_large", "no_room", "not_connected", "abandoned", "unacknowledged", "refused", "generator_late"}

// baseless says why a count of the fleet says nothing, or "".
func baseless(name string, counts map[string]int64) string {
	base, ok := countBase[name]
	if family, fate, _ := strings.Cut(name, "."); !ok && slices.Contains(mishaps, fate) {
		base.of = []string{family + ".sent"}
		if _, known := counts[base.of[0]]; !known {
			base.of[0] = "devices.replies" // as those of replies are called
		}
		for _, fate := range mishaps {
			if _, known := counts[family+"."+fate]; known {
				base.of = append(base.of, family+"."+fate)
			}
		}
		ok = len(base.of) > 1
		base.none = "there was no such message"
	}
	if !ok {
		return ""
	}
	for _, of := range base.of {
		if n, known := counts[of]; n > 0 || !known {
			return ""
		}
	}
	return base.none
}

// judgedWills says of how many outages a Will was judged, if not of all after which one was
// due, or may have been.
func judgedWills(t *WillTotals) string {
	note := judgedOf(t.Judged(), t.Due)
	if t.MaybeDue == 0 {
		return note
	}
	return cmp.Or(note, words.Grouped(t.Judged())+" judged") + "; of " + words.Grouped(t.MaybeDue) + " more nobody knows whether one was due"
}

// judgedOf says how much was judged, if it was not all.
func judgedOf(judged, of int64) string {
	if judged >= of {
		return ""
	}
	return words.Grouped(judged) + " of " + words.Grouped(of) + " judged"
}
