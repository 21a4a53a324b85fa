package metrics

import "sync/atomic"

// Period is the part of a run that a message belongs to: that in which it was
// made. Everything of a run that is not measured belongs to InMeasure.
type Period uint8

const (
	InMeasure Period = iota
	InConnect
	InWarmUp
	InDrain
	periodCount
)

var periodNames = [periodCount]string{"measure", "connect", "warm-up", "drain"}

// String returns the period's name, as phases are called in results.
func (p Period) String() string {
	if p < periodCount {
		return periodNames[p]
	}
	return "unknown"
}

// MessageKind says what a message is of that is no request.
type MessageKind uint8

const (
	NoMessage    MessageKind = iota // one that is not counted here
	Reply                           // an answer of a device without an error
	ErrorReply                      // one with a User Property error
	State                           // state/<id>/<attribute>
	Telemetry                       // tele/<id>/state
	Announcement                    // tele/<id>/lwt, as the device itself says it
	WillMessage                     // the Will of a device, which goes with its CONNECT
	WillAnswer                      // what a watcher answers to a Will
	messageKindCount
)

// Fate is what became of a message. One that was made is sent, or is not for one
// of the reasons that follow, or still waits in its session. Those sent with
// QoS 1 or 2 may also be Unacknowledged or Rejected.
type Fate uint8

const (
	// Sent is written to the connection, the whole packet. What is sent again on a
	// later connection of the session is not counted twice.
	Sent Fate = iota
	// OverSize is larger than the broker's Maximum Packet Size (3.1.2-24).
	OverSize
	// QueueFull is one for which the session's queue had no room.
	QueueFull
	// Offline was due without a connection, or its connection ended before the
	// packet was written whole.
	Offline
	// Skipped was due while its device was connected, but busy until the next one
	// was due: the generator's own fault.
	Skipped
	// Abandoned waited in the queue when the session or the run ended.
	Abandoned
	// Unacknowledged was sent, and session or run ended before PUBACK or PUBREC.
	Unacknowledged
	// Rejected was sent and acknowledged with a reason code of 0x80 or more.
	Rejected
	fateCount
)

// Messages counts messages by period, kind and fate. It may be used from any
// goroutine; the zero value is empty.
type Messages [periodCount][messageKindCount][fateCount]atomic.Int64

// Add counts one. NoMessage is not counted.
func (m *Messages) Add(p Period, k MessageKind, f Fate) {
	if k != NoMessage {
		m[p][k][f].Add(1)
	}
}

// In returns how many there were in a period.
func (m *Messages) In(p Period, k MessageKind, f Fate) int64 { return m[p][k][f].Load() }

// Total returns how many of some kinds there were in the whole run.
func (m *Messages) Total(f Fate, kinds ...MessageKind) (n int64) {
	for p := range m {
		for _, k := range kinds {
			n += m[p][k][f].Load()
		}
	}
	return n
}

// ByPeriod is a count for each part of a run. It may be used from any goroutine.
type ByPeriod [periodCount]atomic.Int64

// Add counts some.
func (c *ByPeriod) Add(p Period, n int64) { c[p].Add(n) }

// In returns the count of a part.
func (c *ByPeriod) In(p Period) int64 { return c[p].Load() }

// Load returns the count of the whole run.
func (c *ByPeriod) Load() (n int64) {
	for p := range c {
		n += c[p].Load()
	}
	return n
}

// messageCounts are the counts of messages: what is said of the kinds, and the
// names and meanings of the fates of each.
func messageCounts() []countEntry {
	all := []countEntry{
		{name: "devices.replies", help: "replies that devices sent", in: func(c *Counts, p Period) int64 {
			return c.Messages.In(p, Reply, Sent) + c.Messages.In(p, ErrorReply, Sent)
		}},
		{name: "devices.error_replies", help: "replies with a User Property error that devices sent", in: fateOf(Sent, ErrorReply)},
	}
	for _, k := range []struct {
		name, what string
		kinds      []MessageKind
	}{
		{"replies", "replies of devices", []MessageKind{Reply, ErrorReply}},
		{"state", "state messages of devices", []MessageKind{State}},
		{"telemetry", "telemetry messages of devices", []MessageKind{Telemetry}},
		{"announcements", "announcements of availability, by the devices themselves", []MessageKind{Announcement}},
		{"will_answers", "answers of watchers to Wills", []MessageKind{WillAnswer}},
	} {
		for fate, f := range [fateCount]struct{ name, what string }{
			Sent:           {"sent", "written to a connection"},
			OverSize:       {"too_large", "not sent: over the broker's Maximum Packet Size"},
			QueueFull:      {"no_room", "not sent: the queue had no room"},
			Offline:        {"not_connected", "not sent: there was no connection, or it ended first"},
			Skipped:        {"generator_late", "not sent: the generator did not get round to them"},
			Abandoned:      {"abandoned", "not sent: session or run ended while they waited"},
			Unacknowledged: {"unacknowledged", "sent, and no PUBACK or PUBREC came until session or run ended"},
			Rejected:       {"refused", "sent, and refused in PUBACK or PUBREC"},
		} {
			if k.name == "replies" && Fate(fate) == Sent || k.name != "telemetry" && Fate(fate) == Skipped {
				continue // that is devices.replies; and telemetry alone comes by the clock
			}
			all = append(all, countEntry{name: k.name + "." + f.name, help: k.what + ", " + f.what, in: fateOf(Fate(fate), k.kinds...)})
		}
	}
	return append(all, countEntry{name: "wills.sent", help: "Wills that went with a CONNECT", in: fateOf(Sent, WillMessage)})
}

func fateOf(f Fate, kinds ...MessageKind) func(*Counts, Period) int64 {
	return func(c *Counts, p Period) (n int64) {
		for _, k := range kinds {
			n += c.Messages.In(p, k, f)
		}
		return n
	}
}
