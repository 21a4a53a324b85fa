package metrics

import (
	"math"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
)

// Unit is what the values of a metric are measured in.
type Unit uint8

const (
	UnitCount Unit = iota // whole numbers
	UnitTime              // durations
	UnitShare             // percent
	UnitRate              // events a second
)

func (u Unit) String() string {
	return [...]string{"count", "time", "share", "rate"}[u&3]
}

// MarshalText writes the unit's name.
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// MetricInfo describes one metric that an expectation may be about.
type MetricInfo struct {
	Name   string
	Unit   Unit
	Of     string // a count's whole: the expectation may be a share of it; "" if there is none
	Labels bool   // may be of one kind, stage or controller group; deliveries, of one group of watchers
	Help   string // a phrase
}

// Catalogue returns every metric, in the order in which help should show them.
// The statistics of the timed metrics are spelled out.
func Catalogue() []MetricInfo {
	var all []MetricInfo
	for i := range figureTable {
		all = append(all, figureTable[i].MetricInfo)
	}
	for _, t := range timedTable {
		for _, st := range statistics() {
			info := MetricInfo{Name: t.metric.String() + "." + st.name, Unit: UnitTime, Labels: true, Help: st.help + " of " + t.help + ", over " + t.over}
			if st.name == "count" {
				info.Unit, info.Help = UnitCount, "number of samples of "+t.help
			}
			all = append(all, info)
		}
	}
	for i := range countTable {
		all = append(all, MetricInfo{Name: countTable[i].name, Unit: UnitCount, Help: countTable[i].help})
	}
	return all
}

// CatalogueText returns the catalogue for people: one line a metric, with the
// statistics of the timed ones gathered.
func CatalogueText() string {
	var b strings.Builder
	column := 0 // the widest name rules
	for i := range figureTable {
		column = max(column, len(figureTable[i].Name))
	}
	for i := range countTable {
		column = max(column, len(countTable[i].name))
	}
	row := func(name string, u Unit, help string) {
		b.WriteString("  " + name + strings.Repeat(" ", column-len(name)+2) + u.String())
		b.WriteString(strings.Repeat(" ", 7-len(u.String())) + help + "\n")
	}
	for i := range figureTable {
		row(figureTable[i].Name, figureTable[i].Unit, figureTable[i].Help)
	}
	for _, t := range timedTable {
		row(t.metric.String()+".*", UnitTime, t.help+", over "+t.over)
	}
	var stats []string
	for _, st := range statistics() {
		stats = append(stats, st.name)
	}
	b.WriteString("  where * is one of " + strings.Join(stats, " ") + "\n")
	for i := range countTable {
		row(countTable[i].name, UnitCount, countTable[i].help)
	}
	b.WriteString("  Counts of messages (state.*, telemetry.*, replies.* and the like) and the times from\n" +
		"  connect.dial to state.delivery are of the measuring: they belong to the phase in which\n" +
		"  they were sent. Of another phase they are with {phase=connect}, {phase=warm-up} or\n" +
		"  {phase=drain}. The other counts are of the whole run.\n")
	return b.String()
}

// Over says of what the distribution of a metric is: "sent requests".
func (m Metric) Over() string {
	for _, t := range timedTable {
		if t.metric == m {
			return t.over
		}
	}
	return ""
}

// timedTable says of what the timed metrics are.
var timedTable = []struct {
	metric Metric
	help   string
	over   string // of what the distribution is
}{
	{ResponseTime, "the time from a request's planned moment to its (last) answer", "planned requests: what has no answer is slower than every answer"},
	{ServiceTime, "the time from a request's sending to its (last) answer", "answered requests, late ones too"},
	{ScheduleDelay, "the time from a request's planned moment to its sending, less what flow control held it back: the generator's own delay", "sent requests"},
	{HoldBack, "the time that flow control (Receive Maximum, max_outstanding, a connection that took no more) held a request back", "requests that were held back"},
	{AnswerTime, "the time from a request's planned moment to each answer, where several are expected", "expected answers: one that is missing is slower than all"},
	{ConnectDial, "the time to open a connection (TCP, TLS, WebSocket)", "connections that were opened"},
	{ConnectConnack, "the time from CONNECT to CONNACK", "connections that were accepted"},
	{ConnectSuback, "the time from SUBSCRIBE to SUBACK", "subscriptions that were granted"},
	{TelemetryPuback, "the time from a telemetry PUBLISH to its PUBACK", "acknowledged messages"},
	{StateDelivery, "the time from a state PUBLISH to its arrival at a watcher", "messages that arrived, at each watcher"},
	{WillDelay, "the time from the moment a Will was due to its arrival at the auditor", "Wills that came"},
}

// statistic is a figure of a histogram.
type statistic struct {
	name, help string
	percentile float64 // 0: none
}

func statistics() []statistic {
	var all []statistic
	for _, p := range Percentiles() {
		name := words.Percentile(p)
		all = append(all, statistic{name, name[1:] + "th percentile", p})
	}
	return append(all,
		statistic{"max", "maximum", 0}, statistic{"mean", "mean", 0},
		statistic{"min", "minimum", 0}, statistic{"count", "", 0})
}

// figure is an entry of the catalogue that has its value from a snapshot. ok
// is false when there is nothing to take it from.
type figure struct {
	MetricInfo
	grows bool // never falls while a run lasts, and is known before its end
	value func(s *Snapshot, l Label) (v, whole float64, ok bool)
}

// figureTable is the catalogue but for the timed metrics and the fleet's
// counts.
var figureTable = slices.Concat(runFigures, deliveryFigures())

var runFigures = []figure{
	{MetricInfo{"requests.planned", UnitCount, "", true, "requests that were to be sent"}, true,
		ofLabel(func(o *Outcomes) int64 { return o.Planned }, nil)},
	{MetricInfo{"requests.sent", UnitCount, "requests.planned", true, "requests that were sent"}, true,
		ofLabel(func(o *Outcomes) int64 { return o.Sent }, plannedOf)},
	{MetricInfo{"requests.answered", UnitCount, "requests.sent", true, "requests that were answered in time"}, true,
		ofLabel(func(o *Outcomes) int64 { return o.Answered }, sentOf)},
	{MetricInfo{"requests.late", UnitCount, "requests.sent", true, "requests that were answered after their time-out"}, true,
		ofLabel(func(o *Outcomes) int64 { return o.Late }, sentOf)},
	{MetricInfo{"requests.lost", UnitCount, "requests.sent", true, "requests that were not (or not fully) answered"}, true,
		ofLabel(func(o *Outcomes) int64 { return o.Lost }, sentOf)},
	{MetricInfo{"requests.refused", UnitCount, "requests.sent", true, "requests that the broker refused in PUBACK or PUBREC"}, true,
		ofLabel(func(o *Outcomes) int64 { return o.Refused }, sentOf)},
	{MetricInfo{"requests.interrupted", UnitCount, "requests.sent", true, "requests in flight when the run was stopped before its end: neither answered nor lost"}, true,
		ofLabel(func(o *Outcomes) int64 { return o.Interrupted }, sentOf)},
	{MetricInfo{"requests.not_sent", UnitCount, "requests.planned", true, "planned requests that were not sent, but for those that somebody paused"}, true,
		ofLabel((*Outcomes).unsent, plannedOf)},
	{MetricInfo{"requests.paused", UnitCount, "", true, "planned requests that were not sent because somebody had paused the load: they are left out of all shares of the planned, and of response times"}, true,
		ofLabel(func(o *Outcomes) int64 { return o.Paused }, nil)},
	{MetricInfo{"requests.failed", UnitCount, "requests.planned", true, "late, lost, refused and not sent ones together"}, true,
		ofLabel(func(o *Outcomes) int64 { return o.Late + o.Lost + o.Refused + o.unsent() }, plannedOf)},
	{MetricInfo{"requests.sent_away", UnitCount, "requests.sent", false, "requests to a device that was away when they were sent"}, true,
		ofTotals(func(t *Totals) int64 { return t.SentAway })},
	{MetricInfo{"requests.lost_away", UnitCount, "requests.sent", false, "of these, the lost ones: the broker did not keep them"}, true,
		ofTotals(func(t *Totals) int64 { return t.LostAway })},
	{MetricInfo{"requests.held", UnitCount, "requests.sent", false, "requests that flow control held back before they were sent"}, true,
		ofTotals(func(t *Totals) int64 { return t.Held })},
	{MetricInfo{"requests.held_by_connection", UnitCount, "requests.sent", false, "of these, those that the connection held back: it took no more, so that a write had to wait"}, true,
		ofTotals(func(t *Totals) int64 { return t.HeldByConn })},
	{MetricInfo{"requests.longest_queue", UnitCount, "", false, "most requests that flow control held back at a time in one controller"}, true,
		func(s *Snapshot, _ Label) (float64, float64, bool) {
			return float64(s.Totals.LongestQueue), 0, s.Totals.Planned > 0
		}},
	{MetricInfo{"requests.longest_wait", UnitTime, "", false, "the longest that a request was held back by flow control, sent in the end or not"}, true,
		func(s *Snapshot, _ Label) (float64, float64, bool) {
			return float64(s.Totals.LongestWait), 0, s.Totals.Planned > 0
		}},
	{MetricInfo{"requests.partial", UnitCount, "requests.sent", false, "lost requests of which some answers came"}, true,
		ofTotals(func(t *Totals) int64 { return t.Partial })},
	{MetricInfo{"requests.altered", UnitCount, "requests.sent", false, "answers that say that their request came to the device altered: topic, payload or a property"}, true,
		ofTotals(func(t *Totals) int64 { return t.AlteredRequests })},
	{MetricInfo{"requests.to_acknowledge", UnitCount, "requests.sent", false, "requests sent at QoS 1 or 2"}, true,
		ofTotals(func(t *Totals) int64 { return t.ToAcknowledge })},
	{MetricInfo{unacknowledgedMetric, UnitCount, "requests.to_acknowledge", false, "of these, those whose PUBACK, or PUBREC and PUBCOMP, did not come in their time-out, though the connection lasted"}, false,
		func(s *Snapshot, _ Label) (float64, float64, bool) {
			return float64(s.Totals.Unacknowledged), float64(s.Totals.ToAcknowledge), s.Totals.Planned > 0
		}},
	{MetricInfo{"requests.no_subscribers", UnitCount, "requests.sent", false, "requests that the broker had nobody to give to (0x10)"}, true,
		ofTotals(func(t *Totals) int64 { return t.NoSubscribers })},
	{MetricInfo{"requests.rate", UnitRate, "", false, "requests sent a second, over the time measured"}, false,
		ofTime(func(t *Totals) int64 { return t.Sent })},
	{MetricInfo{"answers.rate", UnitRate, "", false, "requests answered in time a second, over the time measured"}, false,
		ofTime(func(t *Totals) int64 { return t.Answered })},
	{MetricInfo{"answers.received", UnitCount, "", false, "single answers that belong to a request"}, true,
		ofTotals(func(t *Totals) int64 { return t.Answers })},
	{MetricInfo{"answers.errors", UnitCount, "answers.received", false, "of these, with a User Property error"}, true,
		func(s *Snapshot, _ Label) (float64, float64, bool) {
			return float64(s.Totals.ErrorAnswers), float64(s.Totals.Answers), s.Totals.Answers > 0
		}},
	{MetricInfo{"answers.duplicate", UnitCount, "requests.sent", false, "answers beyond those expected"}, true,
		ofTotals(func(t *Totals) int64 { return t.Duplicates })},
	{MetricInfo{"answers.parts", UnitCount, "", false, "messages of answers that have several, beyond the first of each"}, true,
		ofTotals(func(t *Totals) int64 { return t.Parts + t.UnnumberedParts })},
	{MetricInfo{"answers.missing_parts", UnitCount, "", false, "of such messages, those that had not come by twice the time-out, as the others say; at least so many"}, true,
		ofTotals(func(t *Totals) int64 { return t.MissingParts })},
	{MetricInfo{"answers.misrouted", UnitCount, "requests.sent", false, "answers for another controller, or to a wrong topic; from another device where the controller has identify"}, true,
		ofTotals(func(t *Totals) int64 { return t.Misrouted.Total() })},
	{MetricInfo{"answers.corrupted", UnitCount, "requests.sent", false, "answers that came altered: their Correlation Data, or missing; their payload or a property"}, true,
		ofTotals(func(t *Totals) int64 { return t.Corrupted.Total() })},
	{MetricInfo{"answers.other_qos", UnitCount, "requests.sent", false, "answers that came, or whose request came to the device, with another QoS than it was to"}, true,
		ofTotals(func(t *Totals) int64 { return t.OtherQoS.Total() })},
	{MetricInfo{"answers.other_retain", UnitCount, "requests.sent", false, "answers that came with RETAIN 1, which none is to (3.3.1-12)"}, true,
		ofTotals(func(t *Totals) int64 { return t.OtherRetain })},
	{MetricInfo{"answers.unchecked", UnitCount, "answers.received", false, "answers without a checksum: nobody knows whether the broker altered them, or their requests"}, true,
		func(s *Snapshot, _ Label) (float64, float64, bool) {
			return float64(s.Totals.Unchecked), float64(s.Totals.Answers), s.Totals.Answers > 0
		}},
	{MetricInfo{"answers.unknown", UnitCount, "requests.sent", false, "answers of another run, or to requests never sent or forgotten"}, true,
		ofTotals(func(t *Totals) int64 { return t.Unknown.Total() })},
	{MetricInfo{"answers.by_topic", UnitCount, "", false, "answers that requesters of MQTT 3.1.1 took for those to their requests, by the topic alone"}, true,
		ofTotals(func(t *Totals) int64 { return t.ByTopic.Total() })},
	{MetricInfo{"answers.mistaken", UnitCount, "answers.by_topic", false, "of these, the answers to other requests, or to none; known where the controller has identify"}, true,
		ofByTopic((*ByTopic).Mistaken)},
	{MetricInfo{"answers.of_others", UnitCount, "answers.by_topic", false, "of those, the answers to requests of other requesters"}, true,
		ofByTopic(func(b *ByTopic) int64 { return b.Others })},
	{MetricInfo{generatorMetric, UnitCount, "requests.planned", false, "requests that the generator sent more than 10 ms late or dropped for reasons of its own; fewer than ten in a run do not count unless they are half of it"}, false,
		generatorLate},
	{MetricInfo{"devices.online", UnitCount, "devices.total", false, "devices online as the measuring ends"}, false,
		ofDevices(func(d *Devices) int { return d.Online })},
	{MetricInfo{"devices.seen", UnitCount, "devices.total", false, "devices that were online at least once"}, false,
		ofDevices(func(d *Devices) int { return d.Seen })},
	{MetricInfo{"devices.gave_up", UnitCount, "devices.total", false, "devices that the broker refused for good"}, true,
		ofDevices(func(d *Devices) int { return d.GaveUp })},
	{MetricInfo{"devices.offline", UnitCount, "devices.total", false, "devices that were offline as the run ended, though neither an incident nor somebody kept them so, nor had they given up"}, false,
		ofDevices(func(d *Devices) int { return d.Offline })},

	{MetricInfo{"wills.outages", UnitCount, "", false, "connections of devices that ended or fell silent"}, true,
		ofWills(outagesOf, nil)},
	{MetricInfo{"wills.due", UnitCount, "wills.outages", false, "outages that a Will was to follow by the rules of MQTT 5"}, true,
		ofWills(dueOf, outagesOf)},
	{MetricInfo{"wills.on_time", UnitCount, "wills.due", false, "Wills that came when due, within the slack of the broker"}, true,
		ofWills(func(t *WillTotals) int64 { return t.OnTime }, dueOf)},
	{MetricInfo{"wills.early", UnitCount, "wills.due", false, "Wills that came before they were due"}, true,
		ofWills(func(t *WillTotals) int64 { return t.Early }, dueOf)},
	{MetricInfo{"wills.late", UnitCount, "wills.due", false, "Wills that came after they were due"}, true,
		ofWills(func(t *WillTotals) int64 { return t.Late }, dueOf)},
	{MetricInfo{"wills.missing", UnitCount, "wills.due", false, "Wills that were due and did not come"}, false,
		ofWills(func(t *WillTotals) int64 { return t.Missing }, dueOf)},
	{MetricInfo{"wills.unwatched", UnitCount, "wills.due", false, "Wills that could not be judged: the auditor was away, or the run ended"}, true,
		ofWills(func(t *WillTotals) int64 { return t.Unwatched }, dueOf)},
	{MetricInfo{"wills.messages", UnitCount, "", false, "Wills that came, due or not"}, true,
		ofWills(messagesOf, nil)},
	{MetricInfo{"wills.duplicate", UnitCount, "wills.messages", false, "Wills beyond the first of an outage"}, true,
		ofWills(func(t *WillTotals) int64 { return t.Duplicate }, messagesOf)},
	{MetricInfo{"wills.unexpected", UnitCount, "wills.messages", false, "Wills that were not due"}, true,
		ofWills(func(t *WillTotals) int64 { return t.Unexpected }, messagesOf)},
	{MetricInfo{"wills.altered", UnitCount, "wills.messages", false, "Wills with another payload, property, QoS or retain flag than the device's"}, true,
		ofWills(func(t *WillTotals) int64 { return t.Altered }, messagesOf)},
	{MetricInfo{"wills.consumed", UnitCount, "wills.due", false, "outages whose Will a watcher answered"}, true,
		ofWills(func(t *WillTotals) int64 { return t.Consumed }, dueOf)},
	{MetricInfo{"wills.learned", UnitCount, "wills.due", false, "of the consumed, those whose answer the device found when it was back"}, true,
		ofWills(func(t *WillTotals) int64 { return t.Learned }, dueOf)},
	{MetricInfo{"retained.checked", UnitCount, "", false, "topics whose retained message was compared with the device's state in the end"}, false,
		ofRetained(func(t *RetainedTotals) int64 { return t.Checked })},
	{MetricInfo{"retained.stale", UnitCount, "retained.checked", false, "topics with an older retained message"}, false,
		ofRetained(func(t *RetainedTotals) int64 { return t.Stale })},
	{MetricInfo{"retained.missing", UnitCount, "retained.checked", false, "topics without a retained message"}, false,
		ofRetained(func(t *RetainedTotals) int64 { return t.Missing })},
	{MetricInfo{"retained.wrong", UnitCount, "retained.checked", false, "topics with another retained message, not known to be older"}, false,
		ofRetained(func(t *RetainedTotals) int64 { return t.Wrong })},
	{MetricInfo{"recovery.half", UnitTime, "", false, "the longest time from an incident's end until 50% of its devices were back"}, true,
		recoveryParts["recovery.half"].worst},
	{MetricInfo{"recovery.most", UnitTime, "", false, "the same until 99%"}, true,
		recoveryParts["recovery.most"].worst},
	{MetricInfo{"recovery.all", UnitTime, "", false, "the same until all"}, true,
		recoveryParts["recovery.all"].worst},
	{MetricInfo{"recovery.answering.half", UnitTime, "", false, "the longest time from an incident's end until 50% of its devices answered"}, true,
		recoveryParts["recovery.answering.half"].worst},
	{MetricInfo{"recovery.answering.most", UnitTime, "", false, "the same until 99%"}, true,
		recoveryParts["recovery.answering.most"].worst},
	{MetricInfo{"recovery.answering.all", UnitTime, "", false, "the same until all"}, true,
		recoveryParts["recovery.answering.all"].worst},
	{MetricInfo{"devices.recovered", UnitCount, "devices.affected", false, "devices that came back after an incident, counted for each"}, false,
		ofRecoveries(func(r *Recovery) int64 { return r.Online.Count }, affectedOf)},
	{MetricInfo{"devices.affected", UnitCount, "", false, "devices that an incident befell, counted for each"}, true,
		ofRecoveries(affectedOf, nil)},
	{MetricInfo{"reconnect.attempts", UnitCount, "", false, "attempts to connect from the beginning of incidents until all devices were back"}, true,
		ofRecoveries(func(r *Recovery) int64 { return r.Attempts }, nil)},
}

func plannedOf(o *Outcomes) int64 { return o.wanted() }
func sentOf(o *Outcomes) int64    { return o.Sent }

func ofLabel(part, whole func(*Outcomes) int64) func(*Snapshot, Label) (float64, float64, bool) {
	return func(s *Snapshot, l Label) (float64, float64, bool) {
		o, ok := s.Outcomes(l)
		if whole == nil {
			return float64(part(&o)), 0, ok
		}
		return float64(part(&o)), float64(whole(&o)), ok
	}
}

func ofTotals(part func(*Totals) int64) func(*Snapshot, Label) (float64, float64, bool) {
	return func(s *Snapshot, _ Label) (float64, float64, bool) {
		return float64(part(&s.Totals)), float64(s.Totals.Sent), s.Totals.Planned > 0
	}
}

func ofTime(part func(*Totals) int64) func(*Snapshot, Label) (float64, float64, bool) {
	return func(s *Snapshot, _ Label) (float64, float64, bool) {
		return float64(part(&s.Totals)) / s.Measured.Seconds(), 0, s.Totals.Planned > 0 && s.Measured > 0
	}
}

func ofDevices(part func(*Devices) int) func(*Snapshot, Label) (float64, float64, bool) {
	return func(s *Snapshot, _ Label) (float64, float64, bool) {
		return float64(part(&s.Devices)), float64(s.Devices.Total), s.Devices.Total > 0
	}
}

// timedValue is a statistic of a histogram with at least one event: +Inf if
// there is no such time, since too many events had none. Mean and least are of
// the durations, if there are any.
func timedValue(h *Histogram, st statistic) float64 {
	var d time.Duration
	switch st.name {
	case "max":
		d = h.Percentile(100)
	case "mean":
		d = h.Mean()
	case "min":
		d = h.Min()
	case "count":
		return float64(h.Count())
	default:
		d = h.Percentile(st.percentile)
	}
	if d == NoAnswer {
		return math.Inf(1)
	}
	return float64(d)
}

// share is part of whole in percent.
func share(part, whole float64) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return 100 * part / whole
}
