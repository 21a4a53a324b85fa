package api

import "encoding/json"

// What GET /v1/events sends. Each event has a type, as `event:` says, and its data is JSON:
//
//	hello         who speaks, and what is kept: a [Hello], first on every stream
//	exchange      a command and its answer: an [Exchange]
//	refusal       likewise, of a command that the device refused or ignored
//	presence      a device has come online or gone offline: a [PresenceChange]
//	incident      one is planned, has begun or is over: an [Incident]
//	will          what became of a Will Message: a [Will], again as it changes
//	intervention  somebody did something to the run: an [Intervention]
//	phase         the run is in another phase: a [PhaseChange]
//	tick          the latest point of the history: a [Tick]; with tick=true alone
//	map           what devices are like at a glance, where it changed: a [MapChange]; with map= alone
//	device        all that a device says of itself, where it changed: a [Device]; with watch= alone
//	report        the report of the run: a [Report]; with report=true alone
//	gap           events were left out: a [Gap]
//	end           the run is over, and so is the stream: an [End]
//
// Those with an `id:` are kept for a while: a stream that is asked for with the header
// Last-Event-ID begins behind that event.

// Hello is the first event of a stream.
type Hello struct {
	Moment
	Homefleet string   `json:"homefleet" doc:"the version"`
	Run       string   `json:"run"`
	Scenario  string   `json:"scenario"`
	Phase     string   `json:"phase"`
	Devices   Presence `json:"devices"`
	Types     []string `json:"types" doc:"of the events that come"`
	Most      int      `json:"most" doc:"exchanges and refusals in a second, together; those beyond are counted"`
	Kept      Kept     `json:"kept"`
}

// Kept says how much is kept for those who take up where they were.
type Kept struct {
	Events int    `json:"events"`
	Bytes  int    `json:"bytes"`
	For    string `json:"for" doc:"so long after a viewer has gone"`
}

// Moment is when something happened.
type Moment struct {
	At   string `json:"at" doc:"from the start of measuring or, where nothing is measured, of the run"`
	Time string `json:"time" doc:"by the wall clock, in UTC"`
}

// Exchange is a command to a device, and what the device said because of it.
type Exchange struct {
	Moment
	Number   uint64    `json:"number" doc:"of the run's exchanges that were looked at"`
	ID       string    `json:"id" doc:"the device"`
	Kind     string    `json:"kind"`
	Home     string    `json:"home,omitempty"`
	Outcome  string    `json:"outcome" enum:"obeyed,answered,error,refused,ignored,dropped,held,unsent" doc:"obeyed: carried out, with nothing to answer; error: answered, that it was not carried out; refused: not carried out, and nobody was told; ignored: it was retained; dropped: carried out, and the answer is held back for good; held: for a while, and the exchange comes again, with the same number; unsent: the answer could not be sent"`
	Why      string    `json:"why,omitempty" doc:"why it did not go as usual"`
	Took     string    `json:"took" doc:"from the arrival of the command until the device had said all of it"`
	Request  Message   `json:"request"`
	Response *Message  `json:"response,omitempty" doc:"the first answer"`
	More     []Message `json:"more,omitempty" doc:"further answers"`
	Also     []Message `json:"also,omitempty" doc:"what others hear of it, such as the new state"`
}

// Journal is the latest exchanges of a device.
type Journal struct {
	ID        string     `json:"id"`
	Since     string     `json:"since" doc:"they are kept from this moment on"`
	Missed    int        `json:"missed" doc:"that are kept no more: 64 are, and 32 KiB of them"`
	Exchanges []Exchange `json:"exchanges" doc:"oldest first"`
}

// Exchanges are the latest of several devices.
type Exchanges struct {
	Exchanges []Exchange `json:"exchanges" doc:"oldest first"`
	Devices   int        `json:"devices" doc:"whose journals were read"`
}

// PresenceChange says that a device has come online or gone offline.
type PresenceChange struct {
	Moment
	ID     string   `json:"id"`
	Kind   string   `json:"kind"`
	Home   string   `json:"home,omitempty"`
	Online bool     `json:"online"`
	Way    string   `json:"way,omitempty" doc:"how it went, if it was told to"`
	HeldBy []string `json:"held_by,omitempty" doc:"what keeps it off"`
	Why    string   `json:"why,omitempty" doc:"its connection ended by itself"`
}

// PhaseChange says in which phase the run is now.
type PhaseChange struct {
	Moment
	Phase string `json:"phase"`
}

// Gap says that events were left out.
type Gap struct {
	Events   int    `json:"events,omitempty" doc:"that this stream was too slow for"`
	AtMost   int    `json:"at_most,omitempty" doc:"likewise, while nobody took this stream: of these some may not have been meant for it"`
	NotShown int    `json:"not_shown,omitempty" doc:"exchanges and refusals beyond so many in a second"`
	Text     string `json:"text" doc:"in a sentence"`
}

// Report is the report of a run that is over: a page that needs nothing else. With it
// comes what could be asked for before, and soon can be no more.
type Report struct {
	Name   string          `json:"name" doc:"of a file for it"`
	HTML   string          `json:"html"`
	Result json.RawMessage `json:"result" doc:"as homefleet run --json prints it"`
	Wills  *Wills          `json:"wills,omitempty" doc:"what became of Will Messages, where they are audited"`

	History []HistoryPoint `json:"history" doc:"the last of the run, 60 points at most"`
}

// End says that the run is over.
type End struct {
	Moment
	Phase   string   `json:"phase"`
	Verdict string   `json:"verdict,omitempty" doc:"as in the result, where the run measures, or where something was amiss"`
	Why     []string `json:"why,omitempty"`
}

// Map is what all devices are like at a glance.
type Map struct {
	Devices int    `json:"devices"`
	Looks   string `json:"looks" doc:"base64 of a word of 4 bytes for each device, the lowest byte first, in the order of their numbers. From the lowest bit on: 3 bits presence (0 never online, 1 online, 2 kept off, 3 no network, 4 lost, 5 silent, 6 given up, 7 removed), 1 slow, 1 misbehaves, 3 Will (0 none, 1 pending, 2 on time, 3 early or unexpected, 4 late, 5 missing, 6 unwatched, 7 not due), 1 on or heating, 7 level (brightness; of a thermostat its target in half degrees), 8 colour (3 red, 3 green, 2 blue), 4 commands modulo 16"`
}

// MapChange is what has changed on the map.
type MapChange struct {
	Devices int    `json:"devices" doc:"that have changed"`
	Changed string `json:"changed" doc:"base64 of 7 bytes for each: its number in 3, the lowest first, and its look in 4, as in a Map"`
}
