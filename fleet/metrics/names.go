package metrics

import (
	"slices"
	"strings"
)

// CountsByName returns a fleet's counts under the names that expectations and
// results use, zeros included. Those of messages are of the measuring, the others
// of the whole run.
func CountsByName(c *Counts) map[string]int64 {
	m := make(map[string]int64, len(countTable))
	for i := range countTable {
		m[countTable[i].name] = countTable[i].value(c, InMeasure)
	}
	return m
}

// CountsApart returns the counts of messages that belong to other parts of the run
// than the measuring, by period and name; those that are zero are left out, and it
// is nil when all are.
func CountsApart(c *Counts) map[string]map[string]int64 {
	var all map[string]map[string]int64
	for p := InConnect; p < periodCount; p++ {
		for i := range countTable {
			e := &countTable[i]
			if e.in == nil || e.in(c, p) == 0 {
				continue
			}
			if all == nil {
				all = make(map[string]map[string]int64)
			}
			if all[p.String()] == nil {
				all[p.String()] = make(map[string]int64)
			}
			all[p.String()][e.name] = e.in(c, p)
		}
	}
	return all
}

// CountTotals is CountsByName for the whole run.
func CountTotals(c *Counts) map[string]int64 {
	s := Snapshot{Counts: CountsByName(c), CountsApart: CountsApart(c)}
	return s.CountTotals()
}

// countEntry is a count of a fleet by name. It only grows.
type countEntry struct {
	name, help string
	of         func(*Counts) int64         // of the whole run; nil if there is in
	in         func(*Counts, Period) int64 // of one part of it
}

func (e *countEntry) value(c *Counts, p Period) int64 {
	if e.in != nil {
		return e.in(c, p)
	}
	return e.of(c)
}

// countTable names the counts of a fleet.
var countTable = slices.Concat(runCounts, messageCounts())

// runCounts are those of the whole run, and of the commands.
var runCounts = []countEntry{
	{name: "connect.tried", help: "connections tried", of: func(c *Counts) int64 { return c.Dials.Load() }},
	{name: "connect.failed", help: "connections that could not be opened, broke before CONNACK or were refused in it", of: (*Counts).ConnectFailed},
	{name: "connect.refused", help: "connections refused in CONNACK", of: func(c *Counts) int64 { return c.Refused.Total() }},
	{name: "connect.unexplained", help: "of those that failed, the ones that nothing of the scenario explains: no incident, no slow or misbehaving client, nobody who intervened", of: func(c *Counts) int64 { return c.FailedUnexplained.Load() }},
	{name: "connect.succeeded", help: "connections accepted in CONNACK", of: func(c *Counts) int64 { return c.Connects.Load() }},
	{name: "connect.resumed", help: "connections accepted with Session Present", of: func(c *Counts) int64 { return c.Resumes.Load() }},
	{name: "connections.lost", help: "connections that ended without our will", of: func(c *Counts) int64 { return c.Lost.Load() }},
	{name: "connections.unexplained", help: "of these, the ones that nothing of the scenario explains: no incident, no slow or misbehaving client, nobody who intervened", of: func(c *Counts) int64 { return c.LostUnexplained.Load() }},
	{name: "connections.disconnected", help: "DISCONNECTs from the broker", of: func(c *Counts) int64 { return c.Disconnected.Total() }},
	{name: "connections.timed_out", help: "handshakes and PINGRESPs that did not come in time", of: func(c *Counts) int64 { return c.TimedOut.Load() }},
	{name: "connections.bad_packets", help: "malformed packets and protocol errors of the broker", of: func(c *Counts) int64 { return c.BadPackets.Load() }},
	{name: "subscriptions.refused", help: "SUBACKs with a reason code of 0x80 or more", of: func(c *Counts) int64 { return c.SubsRefused.Total() }},
	{name: "subscriptions.lowered", help: "subscriptions that were granted at a lower QoS than was asked for", of: func(c *Counts) int64 { return c.SubsLowered.Load() }},
	{name: "acks.stray", help: "PUBACKs, PUBRECs and PUBCOMPs that acknowledge nothing: of a Packet Identifier that is not in use, or once more", of: func(c *Counts) int64 { return c.StrayAcks.Load() }},
	{name: "acks.missing", help: "PUBACKs, PUBRECs, PUBRELs and PUBCOMPs that had not come a second and more after what they answer, on a connection that held until it was ended in order", of: func(c *Counts) int64 { return c.MissingAcks.Load() }},
	{name: "acks.no_subscribers", help: "PUBACKs and PUBRECs with 0x10: the broker had nobody to give the message to", of: func(c *Counts) int64 { return c.NoSubscribers.Load() }},
	{name: "devices.commands", help: "commands that devices received", in: func(c *Counts, p Period) int64 { return c.Requests.In(p) }},
	{name: "devices.bad_topics", help: "Response Topics that devices refused", of: func(c *Counts) int64 { return c.BadTopics.Load() }},
	{name: "devices.rejected", help: "connections that devices ended because of a request that their product takes for a protocol error", of: func(c *Counts) int64 { return c.Rejected.Load() }},
	{name: "devices.ghost_commands", help: "retained commands that devices ignored", of: func(c *Counts) int64 { return c.GhostCommands.Load() }},
	{name: "devices.duplicates", help: "QoS 2 messages that devices received again and did not act on", of: func(c *Counts) int64 { return c.Duplicates.Load() }},
	{name: "devices.dropped", help: "messages for which a device's queue had no room", of: func(c *Counts) int64 { return c.Dropped.Load() }},
	{name: "devices.abandoned", help: "QoS 1 and 2 messages of devices whose session, or the run, ended before the acknowledgement", of: func(c *Counts) int64 { return c.Abandoned.Load() }},
	{name: "devices.too_large", help: "messages over the broker's Maximum Packet Size", of: func(c *Counts) int64 { return c.TooLarge.Load() }},
	{name: "devices.unfit", help: "messages of devices that were not sent again after a resume, because the broker's limits had changed", of: func(c *Counts) int64 { return c.Unfit.Load() }},
	{name: "devices.refused", help: "device messages refused in PUBACK, PUBREC or PUBCOMP", of: func(c *Counts) int64 { return c.PublishRefused.Total() }},
	{name: "devices.resent", help: "PUBLISH and PUBREL sent again after a resume", of: func(c *Counts) int64 { return c.Resent.Load() }},
	{name: "wills.answered", help: "Wills of a device of which it found that they were answered", of: func(c *Counts) int64 { return c.WillsSeen.Load() }},
	{name: "wills.answers_altered", help: "answers to Wills that came to the device with another payload, topic or property than the watcher gave them: they count as none", of: func(c *Counts) int64 { return c.WillAnswersAltered.Load() }},
	{name: "wills.answers_doubled", help: "answers to Wills that came to the device once more, other than again after its connection had ended, which is allowed at QoS 1", of: func(c *Counts) int64 { return c.WillAnswersDoubled.Load() }},
	{name: "wills.unanswered", help: "times that a device was back on its session and found no answer to its Will, though that was due", of: func(c *Counts) int64 { return c.WillsUnseen.Load() }},
	{name: "devices.faults_on_request", help: "requests that said what was to become of their answer, with a User Property homefleet-fault", of: func(c *Counts) int64 { return c.FaultsOnRequest.Load() }},
	{name: "misbehaved.dropped", help: "answers that misbehaving devices did not send", of: misbehavior(AnswerDropped)},
	{name: "misbehaved.duplicated", help: "answers that misbehaving devices sent twice", of: misbehavior(AnswerDuplicated)},
	{name: "misbehaved.wrong_correlation", help: "answers that misbehaving devices sent with other Correlation Data", of: misbehavior(AnswerWrongCorrelation)},
	{name: "misbehaved.no_correlation", help: "answers that misbehaving devices sent without Correlation Data", of: misbehavior(AnswerNoCorrelation)},
	{name: "misbehaved.wrong_topic", help: "answers that misbehaving devices sent to another topic", of: misbehavior(AnswerWrongTopic)},
	{name: "misbehaved.errors", help: "commands that misbehaving devices answered with an error for no reason", of: misbehavior(AnswerError)},
	{name: "misbehaved.reordered", help: "answers that misbehaving devices held until a later one had gone", of: misbehavior(AnswerReordered)},
	{name: "misbehaved.late", help: "answers that misbehaving devices held back", of: misbehavior(AnswerLate)},
	{name: "misbehaved.acks_withheld", help: "PUBACKs and PUBRECs that misbehaving devices did not send", of: misbehavior(AckWithheld)},
	{name: "misbehaved.flood", help: "telemetry messages that misbehaving devices sent beside the regular ones", of: misbehavior(TelemetryFlood)},
}

// OfMessages reports whether a count is one of messages, which are told apart by
// phase.
func OfMessages(name string) bool {
	return slices.ContainsFunc(countTable, func(e countEntry) bool { return e.name == name && e.in != nil })
}

// OtherPhases are the phases beside the measuring, in order.
func OtherPhases() []string { return slices.Clone(periodNames[InConnect:]) }

// phased reports whether a metric may be of one phase beside the measuring:
// connect, warm-up or drain.
func phased(name string) bool {
	if OfMessages(name) {
		return true
	}
	for _, m := range []Metric{ConnectDial, ConnectConnack, ConnectSuback, TelemetryPuback, StateDelivery} {
		if strings.HasPrefix(name, m.String()+".") {
			return true
		}
	}
	return false
}
