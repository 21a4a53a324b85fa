package scenarios

import "time"

// Incident is something that happens to a part of the fleet while it is
// measured: once, every so often or by chance. Several may be under way at a
// time, also on the same device; it is back when the last of them lets go.
//
// As elsewhere, a field that is zero takes its default in [Scenario.Check], and
// a field that does not go with the kind is zero in a checked scenario. When,
// and how often, an incident happens is what [Scenario.Occurrences] says, and
// whom it befalls, [Scenario.Affected].
type Incident struct {
	Name   string // default: the kind, with a number if it is not alone ("power-cut-2"); one word, no other incident's
	Kind   IncidentKind
	Target Target // whom it befalls; the zero value is every device. Not for BrokerOutage

	At time.Duration // from the start of measuring, 0 to a year
	// Clock is a time of day, since midnight, by the simulated clock, which shows the
	// scenario's Start as the measuring begins; nil: At says when. At follows from it, and
	// so does Every if it is 0: once a simulated day.
	Clock *time.Duration
	// Days are those of the week on which it is, with Clock and without Every; 0: every day.
	// The simulated clock is in the week of Start.
	Days   Days
	For    time.Duration // how long it lasts, above 0 to a year; see the kinds
	Every  time.Duration // from the start of one to the start of the next, at least For and Spread together; 0: it happens once
	Times  int           // with Every or Clock: how often at most, 1 to 100,000; 0: as often as it is over before the measuring ends
	Chance float64       // above 0 to 1: of each time that it happens; default 1. Drawn from the seed

	// Spread is the time over which the devices are struck, each at its own
	// moment that the seed draws, and over which they are let go, likewise; 0:
	// all at once. Not for BrokerOutage and FirmwareRoll.
	Spread time.Duration

	// Way is how the devices go: Cut by default of Offline and Flapping, Unplugged
	// of PowerCut, Orderly of FirmwareRoll. The other kinds have none: they leave
	// the devices running.
	Way OfflineMode

	// How they come back. Return is WithBackoff by default of RouterReboot and
	// WiFiLoss, AtOnce of the kinds that have a Way; the others have none. Session
	// is Clean by default of FirmwareRoll, Same of the others that have a Return
	// and, for the second client, of IDFight. Rename, of the kinds that have a Way
	// but for Flapping, is under another client id, so that the old session is
	// nobody's any more.
	Return  Return
	Session SessionChoice
	Rename  bool

	Up, Down time.Duration // Flapping: how long they are there and away in turn, at least 1ms; means, drawn from half to one and a half of it; default 10s and 5s
	Batch    float64       // FirmwareRoll: the share that is away at a time, above 0 to 1; default 0.1

	// SlowLink, by toxiproxy's names; each direction has them, and one of Latency,
	// Bandwidth and Slice is there.
	Latency, Jitter time.Duration // to an hour; the jitter is no larger than the latency
	Bandwidth       int64         // bytes a second; 0: no bound
	Slice           int           // bytes of each piece that is written on, on average, to 16 MiB; 0: not sliced
	SliceDelay      time.Duration // between the pieces, to an hour

	weekly rhythm // which follows from Days
}

// IncidentKind says what happens.
type IncidentKind string

// The kinds of incident.
const (
	// Offline takes the devices off in the given Way for the given time.
	Offline IncidentKind = "offline"
	// PowerCut takes the devices off without a word, not even a FIN: Unplugged.
	// When power is back they start and connect, those of a Spread one by one.
	PowerCut IncidentKind = "power-cut"
	// RouterReboot leaves the devices running without a network: nothing passes,
	// connecting fails at once, and when the router is back it knows none of the
	// old connections (RST).
	RouterReboot IncidentKind = "router-reboot"
	// WiFiLoss leaves the devices running without a network: nothing passes; when
	// it is back in time, connections go on where they stopped.
	WiFiLoss IncidentKind = "wifi-loss"
	// FirmwareRoll restarts the devices in batches that together take the given
	// time: each leaves in an orderly way and comes back with a clean session.
	FirmwareRoll IncidentKind = "firmware-roll"
	// Flapping has the devices come and go by themselves for the given time.
	Flapping IncidentKind = "flapping"
	// BrokerOutage takes the embedded broker away: all connections end without a
	// DISCONNECT, none is taken, and sessions outlive it.
	BrokerOutage IncidentKind = "broker-outage"
	// IDFight has a second client use the device's client id for the given time;
	// both connect again whenever they are thrown off (0x8E).
	IDFight IncidentKind = "id-fight"
	// SlowLink makes the device's own connection slow.
	SlowLink IncidentKind = "slow-link"
)
