package metrics

// CountsByName returns a fleet's counts under the names that expectations and
// results use, zeros included.
func CountsByName(c *Counts) map[string]int64 {
	m := make(map[string]int64, len(countTable))
	for i := range countTable {
		m[countTable[i].name] = countTable[i].of(c)
	}
	return m
}

// countTable names the counts of a fleet. All of them only grow.
var countTable = []struct {
	name, help string
	of         func(*Counts) int64
}{
	{"connect.tried", "connections tried", func(c *Counts) int64 { return c.Dials.Load() }},
	{"connect.failed", "connections that could not be opened, broke before CONNACK or were refused in it", func(c *Counts) int64 {
		return c.DialFailures.Load() + c.HandshakeFailures.Load() + c.Refused.Total()
	}},
	{"connect.refused", "connections refused in CONNACK", func(c *Counts) int64 { return c.Refused.Total() }},
	{"connect.succeeded", "connections accepted in CONNACK", func(c *Counts) int64 { return c.Connects.Load() }},
	{"connect.resumed", "connections accepted with Session Present", func(c *Counts) int64 { return c.Resumes.Load() }},
	{"connections.lost", "connections that ended without our will", func(c *Counts) int64 { return c.Lost.Load() }},
	{"connections.disconnected", "DISCONNECTs from the broker", func(c *Counts) int64 { return c.Disconnected.Total() }},
	{"connections.timed_out", "handshakes and PINGRESPs that did not come in time", func(c *Counts) int64 { return c.TimedOut.Load() }},
	{"connections.bad_packets", "malformed packets and protocol errors of the broker", func(c *Counts) int64 { return c.BadPackets.Load() }},
	{"subscriptions.refused", "SUBACKs with a reason code of 0x80 or more", func(c *Counts) int64 { return c.SubsRefused.Total() }},
	{"devices.commands", "commands that devices received", func(c *Counts) int64 { return c.Requests.Load() }},
	{"devices.replies", "replies that devices sent", func(c *Counts) int64 { return c.Replies.Load() }},
	{"devices.error_replies", "replies with a User Property error that devices sent", func(c *Counts) int64 { return c.ErrorReplies.Load() }},
	{"devices.bad_topics", "Response Topics that devices refused", func(c *Counts) int64 { return c.BadTopics.Load() }},
	{"devices.ghost_commands", "retained commands that devices ignored", func(c *Counts) int64 { return c.GhostCommands.Load() }},
	{"devices.duplicates", "QoS 2 messages that devices received again and did not act on", func(c *Counts) int64 { return c.Duplicates.Load() }},
	{"devices.dropped", "messages for which a device's queue had no room", func(c *Counts) int64 { return c.Dropped.Load() }},
	{"devices.abandoned", "QoS 1 and 2 messages whose session ended before the acknowledgement", func(c *Counts) int64 { return c.Abandoned.Load() }},
	{"devices.too_large", "messages over the broker's Maximum Packet Size", func(c *Counts) int64 { return c.TooLarge.Load() }},
	{"devices.refused", "device messages refused in PUBACK, PUBREC or PUBCOMP", func(c *Counts) int64 { return c.PublishRefused.Total() }},
	{"devices.resent", "PUBLISH and PUBREL sent again after a resume", func(c *Counts) int64 { return c.Resent.Load() }},
	{"state.sent", "state messages that devices sent", func(c *Counts) int64 { return c.StateMessages.Load() }},
	{"telemetry.sent", "telemetry messages that devices sent", func(c *Counts) int64 { return c.Telemetry.Load() }},
	{"wills.answered", "answers to a device's own Will that it found", func(c *Counts) int64 { return c.WillsSeen.Load() }},
	{"wills.unanswered", "times that a device was back on its session and found no answer to its Will, though that was due", func(c *Counts) int64 { return c.WillsUnseen.Load() }},
	{"misbehaved.dropped", "answers that misbehaving devices did not send", misdeed(AnswerDropped)},
	{"misbehaved.duplicated", "answers that misbehaving devices sent twice", misdeed(AnswerDuplicated)},
	{"misbehaved.wrong_correlation", "answers that misbehaving devices sent with other Correlation Data", misdeed(AnswerWrongCorrelation)},
	{"misbehaved.no_correlation", "answers that misbehaving devices sent without Correlation Data", misdeed(AnswerNoCorrelation)},
	{"misbehaved.wrong_topic", "answers that misbehaving devices sent to another topic", misdeed(AnswerWrongTopic)},
	{"misbehaved.errors", "commands that misbehaving devices answered with an error for no reason", misdeed(AnswerError)},
	{"misbehaved.reordered", "answers that misbehaving devices held until a later one had gone", misdeed(AnswerReordered)},
	{"misbehaved.late", "answers that misbehaving devices held back", misdeed(AnswerLate)},
	{"misbehaved.acks_withheld", "PUBACKs and PUBRECs that misbehaving devices did not send", misdeed(AckWithheld)},
	{"misbehaved.flood", "telemetry messages that misbehaving devices sent beside the regular ones", misdeed(TelemetryFlood)},
}
