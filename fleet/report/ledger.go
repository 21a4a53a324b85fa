package report

import (
	"maps"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// ledger is the account of all requests, with its sums written out.
type ledger struct {
	Sums   []sum
	Blocks []facts
	Holds  bool
	Fault  string // what does not hold
	WarmUp string
}

// sum is an equation that a reader can check.
type sum struct {
	Holds bool
	Whole pair
	Parts []pair
}

func newSum(name string, whole int64, parts ...namedCount) sum {
	s := sum{Whole: pair{Name: name, Value: words.Grouped(whole)}}
	total := int64(0)
	for _, p := range parts {
		s.Parts = append(s.Parts, pair{Name: p.name, Value: words.Grouped(p.n)})
		total += p.n
	}
	s.Holds = total == whole
	return s
}

// uncontrolled reports whether there was nobody to send requests.
func uncontrolled(r *metrics.Result) bool {
	return len(r.Load.Arrival) == 0 && r.Totals.Equal(metrics.Totals{}) && r.WarmUpLedger.Equal(metrics.Totals{})
}

// idle says why there are no requests to tell of, or "". Nobody then needs to
// read of each outcome that it is nought.
func idle(r *metrics.Result) string {
	switch {
	case uncontrolled(r):
		return "the scenario has no controllers, so no request was planned"
	case r.Measured <= 0 && r.Totals.Equal(metrics.Totals{}):
		return "the run ended before the measuring began, so no request counts"
	}
	return ""
}

// namedCount is a count with its name and perhaps what it means.
type namedCount struct {
	name string
	n    int64
	help string
}

// sums are the equations of a ledger. What is outstanding is left out where
// there is none, which is always so when a run is over.
func sums(t *metrics.Totals) []sum {
	sent := []namedCount{{"answered", t.Answered, ""}, {"late", t.Late, ""}, {"lost", t.Lost, ""}, {"refused", t.Refused, ""}}
	if t.Interrupted != 0 {
		sent = append(sent, namedCount{"interrupted", t.Interrupted, ""})
	}
	if t.Outstanding != 0 {
		sent = append(sent, namedCount{"outstanding", t.Outstanding, ""})
	}
	all := []sum{
		newSum("planned", t.Planned, namedCount{"sent", t.Sent, ""}, namedCount{"not sent", t.NotSent.Total(), ""}),
		newSum("sent", t.Sent, sent...),
	}
	if t.NotSent.Total() > 0 {
		all = append(all, newSum("not sent", t.NotSent.Total(), nonZero(causes(t))...))
	}
	if len(t.RefusedBy) > 0 {
		var parts []namedCount
		for _, reason := range slices.Sorted(maps.Keys(t.RefusedBy)) {
			parts = append(parts, namedCount{reason, t.RefusedBy[reason], ""})
		}
		all = append(all, newSum("refused", t.Refused, parts...))
	}
	return all
}

func causes(t *metrics.Totals) []namedCount {
	return []namedCount{
		{metrics.NoRoom.String(), t.NotSent.NoRoom, "the broker left no room"},
		{metrics.NotConnected.String(), t.NotSent.NotConnected, "the controller had no connection"},
		{metrics.TooLarge.String(), t.NotSent.TooLarge, "over the broker's Maximum Packet Size"},
		{metrics.GeneratorLate.String(), t.NotSent.GeneratorLate, "the generator's own fault"},
		{metrics.LedgerFull.String(), t.NotSent.LedgerFull, "too many were outstanding"},
		{metrics.Paused.String(), t.NotSent.Paused, "by hand"},
	}
}

// astray are the answers that completed no request.
func astray(t *metrics.Totals) []namedCount {
	return []namedCount{
		{"duplicate", t.Duplicates, "one more than was expected"},
		{"misrouted (topic)", t.Misrouted.Topic, "not on the topic or from the device that was asked"},
		{"misrouted (controller)", t.Misrouted.Controller, "with the id of another controller"},
		{"corrupted (missing)", t.Corrupted.Missing, "no Correlation Data"},
		{"corrupted (length)", t.Corrupted.Length, "Correlation Data of another length"},
		{"corrupted (altered)", t.Corrupted.Checksum, "Correlation Data that fails its checksum"},
		{"corrupted (content)", t.Corrupted.Content, "with another payload or property than the device sent"},
		{"to altered requests", t.AlteredRequests, "which came to the device with another topic, payload or property"},
		{"unknown (other run)", t.Unknown.Run, "of another run"},
		{"unknown (never sent)", t.Unknown.NeverSent, "to a request that was never sent"},
		{"unknown (forgotten)", t.Unknown.Forgotten, "later than time-out and late window"},
		{"after refusal", t.AfterRefusal, "to requests that the broker had refused"},
	}
}

// partsText says that answers had several messages, and what is known of them; "" where
// none had.
func partsText(t *metrics.Totals) string {
	switch {
	case t.Parts+t.MissingParts == 0 && t.UnnumberedParts > 0:
		return "answers in parts: " + words.Plural(t.UnnumberedParts, "further message", "further messages") + "; whether any is missing nobody knows, as they do not say which they are"
	case t.Parts+t.MissingParts == 0:
		return ""
	case t.MissingParts == 0:
		return "answers in parts: " + words.Plural(t.Parts, "further message", "further messages") + ", which are no duplicates; none is missing"
	}
	return "answers in parts: " + words.Plural(t.Parts, "further message", "further messages") + ", which are no duplicates; at least " + words.Grouped(t.MissingParts) + " missing"
}

// byTopicText says how answers were matched that had no Correlation Data, and whose they
// were; "" where there are none.
func byTopicText(b *metrics.ByTopic) string {
	if b.Total() == 0 {
		return ""
	}
	text := "matched by topic: " + words.Grouped(b.Total()) + " of the answers"
	switch {
	case b.Known() == 0:
		return text + "; whose they were is not known"
	case b.Mistaken() == 0:
		text += ", all of them rightly"
	default:
		text += ", of which the requester took wrongly " + words.Grouped(b.Mistaken())
		var parts []string
		for _, c := range nonZero([]namedCount{{"another requester's", b.Others, ""}, {"to another request of its own", b.Earlier, ""}, {"nobody's", b.Nobodys, ""}}) {
			parts = append(parts, c.name+" "+words.Grouped(c.n))
		}
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	if b.Unknown > 0 {
		text += "; whose " + words.Grouped(b.Unknown) + " were is not known"
	}
	return text
}

// details are figures about single answers and lost requests.
func details(t *metrics.Totals) []namedCount {
	return []namedCount{
		{"answers received", t.Answers, "that belong to a request"},
		{"matched by topic", t.ByTopic.Total(), "taken for the answer to a request by their topic alone: MQTT 3.1.1 has no Correlation Data"},
		{"of these, whose is not known", t.ByTopic.Unknown, "any of them may be the answer to another request"},
		{"of these, another requester's", t.ByTopic.Others, "the answer to its request"},
		{"of these, to another request", t.ByTopic.Earlier, "of the same requester"},
		{"of these, nobody's", t.ByTopic.Nobodys, "a state that changed, or another run's answer"},
		{"error answers", t.ErrorAnswers, "of these, with a User Property error"},
		{"with another QoS", t.OtherQoS.Answers, "than the lower of what they were sent with and what was granted (3.8.4)"},
		{"to requests with another QoS", t.OtherQoS.Requests, "likewise, at the device"},
		{"with RETAIN 1", t.OtherRetain, "which no answer is to have (3.3.1-12)"},
		{"without a checksum", t.Unchecked, "nobody knows whether they were altered"},
		{"missing answers", t.MissingAnswers, "that lost requests still waited for"},
		{"further parts", t.Parts, "messages of answers that have several, beyond the first of each"},
		{"missing parts", t.MissingParts, "of such messages, as the others say; at least so many"},
		{"unnumbered parts", t.UnnumberedParts, "such messages that do not say which they are"},
		{"sent to devices away", t.SentAway, "at that moment"},
		{"lost to devices away", t.LostAway, "of these: the broker did not keep them"},
		{"held back", t.Held, "by flow control: Receive Maximum, max_outstanding, a connection that took no more"},
		{"of these, by the connection", t.HeldByConn, "it took no more, so that a write had to wait"},
		{"most held back", t.LongestQueue, "at a time in one controller"},
		{"lost with some answers", t.Partial, "of several that were expected"},
		{"lost as the run ended", t.Unfinished, "before their time-out"},
		{"not acknowledged", t.Unacknowledged, "no PUBACK, or no PUBREC and PUBCOMP, in their time-out, at QoS 1 or 2"},
		{"nobody subscribed", t.NoSubscribers, "PUBACK or PUBREC with 0x10"},
		{"stray refusals", t.StrayRefusals, "of requests that were not outstanding"},
	}
}

// heldBack says what flow control held back, or "".
func heldBack(t *metrics.Totals) string {
	if t.LongestQueue == 0 {
		return ""
	}
	by := ""
	if t.HeldByConn > 0 {
		by = ", " + words.Grouped(t.HeldByConn) + " of them by the connection, which took no more"
	}
	return "held back by flow control: " + words.Grouped(t.Held) + " of the sent" + by + "; most at a time in one controller " +
		words.Grouped(t.LongestQueue) + ", for at most " + words.Span(time.Duration(t.LongestWait))
}

func nonZero(all []namedCount) []namedCount {
	return slices.DeleteFunc(all, func(c namedCount) bool { return c.n == 0 })
}

func newLedger(r *metrics.Result) ledger {
	l := ledger{Sums: sums(&r.Totals), Holds: true}
	if err := r.Check(); err != nil {
		l.Holds, l.Fault = false, capital(err.Error())
	}
	block := func(heading string, all []namedCount) {
		f := facts{Heading: heading}
		var zero []string
		for _, c := range all {
			if c.n == 0 {
				zero = append(zero, c.name)
			} else {
				f.Pairs = append(f.Pairs, pair{c.name, words.Grouped(c.n), c.help})
			}
		}
		f.Zero = strings.Join(zero, ", ")
		l.Blocks = append(l.Blocks, f)
	}
	block("Answers beside the requests", astray(&r.Totals))
	block("Single answers", details(&r.Totals))
	if r.Totals.NotSent.Total() > 0 {
		block("Not sent, by cause", causes(&r.Totals))
	}
	if w := &r.WarmUpLedger; w.Planned > 0 {
		l.WarmUp = "The warm-up is not in these figures: " + words.Plural(w.Planned, "request", "requests") + " planned, " +
			words.Grouped(w.Sent) + " sent, " + words.Grouped(w.Answered) + " answered in time."
	}
	return l
}
