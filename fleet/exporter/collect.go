package exporter

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"homefleet/fleet/metrics"
)

// collector turns a snapshot into metrics. It describes none of them in
// advance, because which there are depends on the run.
type collector struct {
	source func() *metrics.Snapshot
	info   Info
}

// Describe sends nothing: the collector is unchecked.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect takes one snapshot and sends what is in it.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	e := emitter{ch: ch, started: c.info.Started}
	e.gauge("homefleet_run_info", "What is run: always 1.", 1,
		"version", c.info.Version, "scenario", c.info.Scenario, "run", c.info.Run, "broker", c.info.Broker)
	if c.info.Counts != nil {
		e.refusals(c.info.Counts)
	}
	s := c.source()
	if s == nil {
		return
	}
	e.gauge("homefleet_measured_seconds", "Length of the measuring so far, without warm-up and drain.", s.Measured.Seconds())
	e.requests(&s.Totals)
	e.answers(&s.Totals)
	e.labels(s.ByLabel)
	e.devices(&s.Devices)
	e.counts(s.CountTotals())
	e.deliveries(s.Deliveries)
	e.audit(s.Audit)
	e.recoveries(s.Recoveries)
	for series, h := range s.Series.InOrder() {
		e.histogram(series, h)
	}
}

// outcome is one end that a planned request can have.
type outcome struct {
	name string
	n    int64
}

const outcomeHelp = "Requests that are decided, by what became of them: each planned one ends in exactly one outcome."

func (e *emitter) requests(t *metrics.Totals) {
	e.counter("homefleet_requests_planned_total", "Requests that were to be sent.", t.Planned)
	e.counter("homefleet_requests_sent_total", "Requests that were sent.", t.Sent)
	for _, o := range outcomesOf(t.Answered, t.Late, t.Lost, t.Refused, t.NotSent.Total(), t.Interrupted) {
		e.counter("homefleet_requests_total", outcomeHelp, o.n, "outcome", o.name)
	}
	e.counter("homefleet_requests_sent_away_total", "Requests to a device that was away when they were sent.", t.SentAway)
	e.counter("homefleet_requests_lost_away_total", "Of these, the lost ones: the broker did not keep them.", t.LostAway)
	e.gauge("homefleet_requests_outstanding", "Requests that are sent and not decided yet.", float64(t.Outstanding))
	e.counter("homefleet_requests_held_total", "Requests that flow control held back before they were sent.", t.Held)
	e.counter("homefleet_requests_held_by_connection_total", "Of these, those that the connection held back: it took no more.", t.HeldByConn)
	e.gauge("homefleet_requests_longest_queue", "Most requests that flow control held back at a time in one controller.", float64(t.LongestQueue))
	e.gauge("homefleet_requests_longest_wait_seconds", "The longest that flow control held a request back.", time.Duration(t.LongestWait).Seconds())
	for _, o := range []outcome{
		{metrics.NoRoom.String(), t.NotSent.NoRoom}, {metrics.NotConnected.String(), t.NotSent.NotConnected},
		{metrics.TooLarge.String(), t.NotSent.TooLarge}, {metrics.GeneratorLate.String(), t.NotSent.GeneratorLate},
		{metrics.LedgerFull.String(), t.NotSent.LedgerFull}, {metrics.Paused.String(), t.NotSent.Paused},
	} {
		e.counter("homefleet_requests_not_sent_total", "Planned requests that were not sent, by cause.", o.n, "cause", o.name)
	}
	for _, reason := range slices.Sorted(maps.Keys(t.RefusedBy)) {
		e.counter("homefleet_requests_refused_total", "Requests that the broker refused in PUBACK or PUBREC, by reason code.",
			t.RefusedBy[reason], "reason", reason)
	}
	e.counter("homefleet_requests_without_subscribers_total",
		"Requests that the broker had nobody to give to (reason code 0x10).", t.NoSubscribers)
}

func outcomesOf(answered, late, lost, refused, notSent, interrupted int64) []outcome {
	return []outcome{{"answered", answered}, {"late", late}, {"lost", lost}, {"refused", refused}, {"not_sent", notSent}, {"interrupted", interrupted}}
}

func (e *emitter) answers(t *metrics.Totals) {
	e.counter("homefleet_answers_total", "Single answers that belong to a request.", t.Answers)
	e.counter("homefleet_error_answers_total", "Of the answers, those with a User Property error.", t.ErrorAnswers)
	for _, o := range []outcome{
		{"unknown", t.ByTopic.Unknown}, {"own", t.ByTopic.Own}, {"others", t.ByTopic.Others},
		{"earlier", t.ByTopic.Earlier}, {"nobodys", t.ByTopic.Nobodys},
	} {
		e.counter("homefleet_answers_by_topic_total", "Answers that were matched by their topic alone, by whose they were.", o.n, "whose", o.name)
	}
	for _, o := range []outcome{
		{"duplicate", t.Duplicates}, {"misrouted", t.Misrouted.Total()}, {"corrupted", t.Corrupted.Total()},
		{"unknown", t.Unknown.Total()}, {"after_refusal", t.AfterRefusal}, {"altered_request", t.AlteredRequests},
	} {
		e.counter("homefleet_stray_answers_total", "Answers that complete no request, by what is wrong with them.", o.n, "fault", o.name)
	}
	for _, o := range []outcome{
		{"other_qos", t.OtherQoS.Answers}, {"request_other_qos", t.OtherQoS.Requests}, {"other_retain", t.OtherRetain}, {"unchecked", t.Unchecked}, {"part", t.Parts}, {"missing_part", t.MissingParts}, {"unnumbered_part", t.UnnumberedParts},
	} {
		e.counter("homefleet_odd_answers_total", "Of the answers, those with something odd, by what that is.", o.n, "oddity", o.name)
	}
}

// labels sends the outcomes by kind, stage and controller group under names of
// their own, so that a sum over homefleet_requests_total counts nothing twice.
func (e *emitter) labels(all []metrics.LabelOutcomes) {
	for _, l := range all {
		dim := l.Label.Dimension.String()
		for _, o := range outcomesOf(l.Answered, l.Late, l.Lost, l.Refused, l.NotSent, l.Interrupted) {
			e.counter("homefleet_requests_by_"+dim+"_total", "Requests that are decided, by "+dim+" and what became of them.",
				o.n, dim, l.Label.Name, "outcome", o.name)
		}
	}
}

func (e *emitter) devices(d *metrics.Devices) {
	const help = "Devices by state; the states add up to all of them."
	e.gauge("homefleet_devices", help, float64(d.Online), "state", "online")
	e.gauge("homefleet_devices", help, float64(max(d.Total-d.Online-d.GaveUp, 0)), "state", "offline")
	e.gauge("homefleet_devices", help, float64(d.GaveUp), "state", "gave_up")
	e.gauge("homefleet_devices_seen", "Devices that were online at least once.", float64(d.Seen))
}

// messageTypes are the counts that are shown as homefleet_messages_total.
var messageTypes = map[string][2]string{
	"devices.commands": {"received", "command"},
	"devices.replies":  {"sent", "reply"},
	"state.sent":       {"sent", "state"},
	"telemetry.sent":   {"sent", "telemetry"},
}

// counts sends the fleet's counts under the names that expectations use, so
// that "connections.lost" is homefleet_connections_lost_total.
func (e *emitter) counts(all map[string]int64) {
	help := make(map[string]string)
	for _, info := range metrics.Catalogue() {
		help[info.Name] = info.Help
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if m, ok := messageTypes[name]; ok {
			e.counter("homefleet_messages_total", "Application messages of the devices, by direction and type.",
				all[name], "direction", m[0], "type", m[1])
			continue
		}
		e.counter("homefleet_"+identifier(name)+"_total", sentence(help[name], name), all[name])
	}
}

// refusals sends the reason codes, which a snapshot does not have.
func (e *emitter) refusals(c *metrics.Counts) {
	for _, of := range []struct {
		packet string
		codes  *metrics.Reasons
	}{
		{"CONNACK", &c.Refused}, {"SUBACK", &c.SubsRefused}, {"PUBACK", &c.PublishRefused}, {"DISCONNECT", &c.Disconnected},
	} {
		byName := of.codes.ByName()
		for _, reason := range slices.Sorted(maps.Keys(byName)) {
			e.counter("homefleet_reason_codes_total",
				"Reason codes from the broker that refused a device or ended its connection, by packet (PUBACK stands for PUBREC and PUBCOMP too).",
				byName[reason], "packet", of.packet, "reason", reason)
		}
	}
}

// identifier makes a part of a metric's name of a count's name.
func identifier(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
}

// sentence makes help of a phrase.
func sentence(phrase, name string) string {
	if phrase == "" {
		phrase = "the count " + name
	}
	return strings.ToUpper(phrase[:1]) + phrase[1:] + "."
}
