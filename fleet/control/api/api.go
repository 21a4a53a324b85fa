// Package api is what goes over the wire between a running fleet and who controls it:
// the bodies of replies, problems and events, and a client. It imports nothing of
// homefleet's, so that a program of another module can use it, and does nothing by itself.
//
// Times are texts with a unit, such as "1.5ms"; moments count from the start of
// measuring or, where nothing is measured, from the start of the run. Within /v1 names
// and meanings stay, and new ones may come.
package api

import "encoding/json"

// Status is what there is to know of a run at a glance.
type Status struct {
	Homefleet     string     `json:"homefleet" doc:"the version"`
	Run           string     `json:"run,omitempty" doc:"the ID of the run"`
	Scenario      string     `json:"scenario,omitempty" doc:"the scenario's name"`
	Title         string     `json:"title,omitempty" doc:"the scenario's title"`
	Seed          string     `json:"seed,omitempty" doc:"what every random choice follows from"`
	Phase         string     `json:"phase" doc:"connect, warm-up, measure, drain, run or ended; of a broker alone: run"`
	Uptime        string     `json:"uptime" doc:"since the start"`
	Devices       Presence   `json:"devices"`
	Brokers       []string   `json:"brokers" doc:"URLs of the broker, the first for MQTT over TCP"`
	Simulated     *Simulated `json:"simulated,omitempty" doc:"the time in the homes; absent: there are none"`
	Abilities     []string   `json:"abilities" doc:"what can be done here: devices, incidents, load, broker-outage, wills, stop"`
	Interventions int        `json:"interventions" doc:"how often somebody has intervened"`
	Viewers       int        `json:"viewers" doc:"streams of events, now"`
	SlowViewers   int        `json:"slow_viewers" doc:"that were ended because nobody took what they had"`
}

// Simulated is the time by which devices heat, fade and draw power. MQTT keeps to real time.
type Simulated struct {
	Start  string  `json:"start" doc:"the time of day at the start, since midnight"`
	Factor float64 `json:"factor" doc:"simulated seconds per real second"`
}

// Presence counts devices.
type Presence struct {
	Total  int `json:"total"`
	Online int `json:"online" doc:"connected and subscribed, now"`
	Seen   int `json:"seen" doc:"that have been online"`
	GaveUp int `json:"gave_up" doc:"that the broker refused for good"`

	NotPresent int `json:"not_present,omitempty" doc:"beside them: that are not there until somebody revives them"`
}

// Health says that the process answers.
type Health struct {
	Status    string `json:"status" enum:"ok"`
	Homefleet string `json:"homefleet" doc:"the version"`
	Uptime    string `json:"uptime"`
}

// Ready says whether everybody is up.
type Ready struct {
	Ready   bool   `json:"ready"`
	Online  int    `json:"online"`
	Devices int    `json:"devices"`
	Phase   string `json:"phase"`
	Why     string `json:"why,omitempty" doc:"why not, if not"`
}

// Devices is a page of devices.
type Devices struct {
	Devices []DeviceLine `json:"devices"`
	Total   int          `json:"total" doc:"how many there are in all that match"`
	Next    string       `json:"next,omitempty" doc:"the cursor of the next page; absent: this is the last"`
}

// DeviceLine is a device as a list has it. It is read without waking the device.
type DeviceLine struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Home   string `json:"home,omitempty"`
	Number int    `json:"number" doc:"of the scenario's devices, from 0"`
	Online bool   `json:"online"`
	Absent bool   `json:"not_present,omitempty" doc:"it is not there until somebody revives it"`
}

// Device is all that one device says of itself.
type Device struct {
	DeviceLine
	ClientID   string            `json:"client_id"`
	MQTT       string            `json:"mqtt" enum:"5,3.1.1" doc:"the version that it speaks"`
	Values     map[string]string `json:"values" doc:"by attribute, in the words of homefleet's own face"`
	Telemetry  json.RawMessage   `json:"telemetry" doc:"as homefleet's own face reports it"`
	HeldBy     []string          `json:"held_by" doc:"what keeps it off or without a network: hand, or incident and its number"`
	Slow       []string          `json:"slow" doc:"what makes its connection slow, likewise"`
	Misbehaves map[string]string `json:"misbehaves,omitempty" doc:"what it does wrong, by the keys of [device.misbehave]"`
	Will       *Will             `json:"will,omitempty" doc:"what became of its latest Will Message, where they are audited"`
	LastWords  *LastWords        `json:"will_message,omitempty" doc:"the Will Message that it leaves with the broker; absent: it has none"`
}

// LastWords is a Will Message as a device leaves it with the broker.
type LastWords struct {
	Message
	Delay uint32 `json:"will_delay,omitempty" doc:"the Will Delay Interval, in seconds"`
}

// Homes says which devices belong together, for all devices in few words: they are told in
// the order of their numbers, and a stretch of them by its pattern.
type Homes struct {
	Devices   int       `json:"devices"`
	Homes     []string  `json:"homes" doc:"names, in the order in which they first come; \"\" is that of those that have none"`
	Stretches []Stretch `json:"stretches" doc:"of devices, one behind the other, from number 0 on"`
}

// Stretch is a number of homes that follow each other in the list of homes, each with as
// many devices of a kind.
type Stretch struct {
	Kind  string `json:"kind"`
	First int    `json:"first" doc:"its first home, as a place in the list"`
	Homes int    `json:"homes" doc:"how many"`
	Each  int    `json:"each" doc:"devices in each of them"`
}

// Will is an outage of a device and what became of its Will Message.
type Will struct {
	ID       string `json:"id"`
	Way      string `json:"way" doc:"how it went offline"`
	Verdict  string `json:"verdict" enum:"pending,not-due,on-time,early,late,missing,unwatched,unexpected"`
	Due      bool   `json:"due" doc:"a Will is or was due"`
	DueFrom  string `json:"due_from,omitempty" doc:"between this moment and the next it is due"`
	DueTo    string `json:"due_to,omitempty"`
	Seen     int    `json:"seen" doc:"how many came"`
	SeenAt   string `json:"seen_at,omitempty"`
	Altered  bool   `json:"altered,omitempty" doc:"it was not as the device had made it"`
	Answered bool   `json:"answered,omitempty" doc:"somebody has answered it"`
	Learned  bool   `json:"learned,omitempty" doc:"the device has found that answer"`
}

// Wills are the latest outages of devices.
type Wills struct {
	Wills   []Will      `json:"wills" doc:"1,000 at most"`
	LeftOut int         `json:"left_out,omitempty" doc:"so many more match"`
	Counts  []WillCount `json:"counts" doc:"how many match, by way and verdict; those left out are among them"`
}

// WillCount counts outages.
type WillCount struct {
	Way     string `json:"way"`
	Verdict string `json:"verdict"`
	Count   int    `json:"count"`
}

// Property is a User Property.
type Property struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Message is a PUBLISH. Correlation Data is in hexadecimal.
type Message struct {
	Topic           string     `json:"topic"`
	Payload         string     `json:"payload" doc:"as text; bytes that are none stand as U+FFFD"`
	Bytes           int        `json:"bytes" doc:"of the payload, of which no more than 4,096 are shown"`
	QoS             byte       `json:"qos"`
	Retain          bool       `json:"retain,omitempty"`
	Duplicate       bool       `json:"dup,omitempty" doc:"it was sent again"`
	ResponseTopic   string     `json:"response_topic,omitempty"`
	CorrelationData string     `json:"correlation_data,omitempty" doc:"in hexadecimal"`
	ContentType     string     `json:"content_type,omitempty"`
	PayloadFormat   *byte      `json:"payload_format,omitempty" doc:"1: the payload is text"`
	MessageExpiry   *uint32    `json:"message_expiry,omitempty" doc:"seconds"`
	Properties      []Property `json:"user_properties,omitempty"`
	Cut             bool       `json:"cut,omitempty" doc:"something of it is left out, since it is long"`
}

// CommandReply is what a device answered.
type CommandReply struct {
	Intervention int      `json:"intervention"`
	ID           string   `json:"id"`
	Value        string   `json:"value" doc:"the attribute's value afterwards"`
	Error        string   `json:"error,omitempty" doc:"what the device said against it"`
	RoundTrip    string   `json:"round_trip,omitempty" doc:"from PUBLISH to answer; absent by hand"`
	Request      *Message `json:"request,omitempty"`
	Response     *Message `json:"response,omitempty"`
}

// Bulk is what became of an action on a selection.
type Bulk struct {
	Intervention int       `json:"intervention,omitempty" doc:"its number; absent: it was tried out only"`
	Selected     int       `json:"selected"`
	Done         int       `json:"done"`
	Already      int       `json:"already" doc:"for whom there was nothing to do"`
	Refused      []Refusal `json:"refused" doc:"20 at most"`
	RefusedCount int       `json:"refused_count"`
	Took         string    `json:"took"`
	DryRun       bool      `json:"dry_run,omitempty"`
	IDs          []string  `json:"ids,omitempty" doc:"of a dry run: whom it would affect, 20 at most"`
}

// Refusal is a device with which it could not be done.
type Refusal struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

// WaitReply is what became of waiting.
type WaitReply struct {
	Met      bool      `json:"met"`
	After    string    `json:"after" doc:"how long it took"`
	Selected int       `json:"selected"`
	Matching int       `json:"matching" doc:"for how many it held, last"`
	Nearest  []Nearest `json:"nearest" doc:"of those for which it did not hold, 5 at most: how they are"`
}

// Nearest is a device that is not as it was to be.
type Nearest struct {
	ID     string            `json:"id"`
	Online bool              `json:"online"`
	Values map[string]string `json:"values,omitempty" doc:"those that were asked for"`
	Will   string            `json:"will,omitempty" doc:"the verdict, if that was asked for"`
}

// Incident is one time that an incident happens.
type Incident struct {
	Number   int        `json:"number"`
	Name     string     `json:"name"`
	Kind     string     `json:"kind"`
	State    string     `json:"state" enum:"planned,running,over"`
	From     string     `json:"from"`
	To       string     `json:"to"`
	Devices  int        `json:"devices" doc:"whom it affects"`
	Text     string     `json:"text" doc:"in a sentence"`
	ByHand   bool       `json:"by_hand" doc:"somebody asked for it; it is not of the scenario"`
	Ended    bool       `json:"ended_early,omitempty"`
	Recovery []Recovery `json:"recovery,omitempty" doc:"one a group of devices, where recovery is followed, once it is over"`
}

// Recovery is how devices come back from an incident.
type Recovery struct {
	Group     string `json:"group"`
	Affected  int64  `json:"affected"`
	Online    int64  `json:"online" doc:"are connected again"`
	Answering *int64 `json:"answering,omitempty" doc:"answer again; absent: nobody asks them"`
	AllOnline string `json:"all_online,omitempty" doc:"how long after the end all were"`
}

// Incidents are those that have begun.
type Incidents struct {
	Incidents []Incident `json:"incidents" doc:"the last 200, oldest first"`
}

// Struck is an incident that somebody asked for.
type Struck struct {
	Intervention int      `json:"intervention,omitempty"`
	Incident     Incident `json:"incident"`
	DryRun       bool     `json:"dry_run,omitempty"`
}

// Load is what the controllers send.
type Load struct {
	Intervention int         `json:"intervention,omitempty"`
	From         string      `json:"from,omitempty" doc:"when a change holds, from the start of measuring"`
	Changed      int         `json:"changed" doc:"how many groups send otherwise from then on"`
	DryRun       bool        `json:"dry_run,omitempty"`
	Groups       []LoadGroup `json:"groups"`
}

// LoadGroup is what a group of controllers sends.
type LoadGroup struct {
	Group       string   `json:"group"`
	Controllers int      `json:"controllers" doc:"how many there are"`
	Arrival     string   `json:"arrival" enum:"constant,poisson,bursts,closed"`
	Scenario    string   `json:"scenario" doc:"its load by the scenario, in words"`
	Paused      bool     `json:"paused"`
	Rate        string   `json:"rate,omitempty" doc:"that is planned for now; absent: it sends bursts, or waits for answers"`
	Factor      float64  `json:"factor,omitempty" doc:"how many times the scenario's rates it is; absent: it has a rate of its own, or none"`
	Burst       int      `json:"burst,omitempty" doc:"requests at once"`
	Every       string   `json:"every,omitempty" doc:"from one burst to the next"`
	Requests    Requests `json:"requests"`
}

// Requests is what became of the requests of the measuring.
type Requests struct {
	Planned  int64 `json:"planned"`
	Sent     int64 `json:"sent"`
	Answered int64 `json:"answered"`
	Late     int64 `json:"late"`
	Lost     int64 `json:"lost"`
	Refused  int64 `json:"refused"`
	NotSent  int64 `json:"not_sent"`
	Paused   int64 `json:"paused" doc:"of the not sent: somebody had paused the load"`

	Interrupted int64 `json:"interrupted,omitempty" doc:"of those sent: they waited for an answer when the run was stopped"`
}

// Since is what became of requests since an earlier look.
func (r *Requests) Since(before *Requests) Requests {
	return Requests{r.Planned - before.Planned, r.Sent - before.Sent, r.Answered - before.Answered, r.Late - before.Late,
		r.Lost - before.Lost, r.Refused - before.Refused, r.NotSent - before.NotSent, r.Paused - before.Paused, r.Interrupted - before.Interrupted}
}

// Intervention is something that somebody did to a run.
type Intervention struct {
	N        int             `json:"n"`
	At       string          `json:"at"`
	Op       string          `json:"op"`
	Request  json.RawMessage `json:"request,omitempty"`
	Selected int             `json:"selected"`
	Done     int             `json:"done"`
}

// Interventions are those so far.
type Interventions struct {
	Interventions []Intervention `json:"interventions"`
	LeftOut       int            `json:"left_out,omitempty" doc:"so many more, beyond 10,000"`
}

// Kinds are the kinds of device that there are in this run.
type Kinds struct {
	Kinds []Kind `json:"kinds"`
}

// Kind is a kind of device.
type Kind struct {
	Kind       string      `json:"kind"`
	Doc        string      `json:"doc"`
	Devices    int         `json:"devices" doc:"how many there are"`
	Attributes []Attribute `json:"attributes"`
}

// Attribute is something that can be commanded.
type Attribute struct {
	Name    string `json:"name"`
	Doc     string `json:"doc"`
	Accepts string `json:"accepts" doc:"what its payload may be"`
}

// Stopping says that the run is ending.
type Stopping struct {
	Intervention int    `json:"intervention,omitempty"`
	Phase        string `json:"phase"`
}

// Problem is what went wrong with a request (RFC 9457).
type Problem struct {
	Type   string  `json:"type" doc:"/problems/ and a word; its page says what it means"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail" doc:"what was wrong, and what was wanted"`
	Hint   string  `json:"hint,omitempty" doc:"what to do about it, such as the nearest right word"`
	Errors []Fault `json:"errors,omitempty" doc:"each fault of the body"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// Fault is one thing that is wrong with a body.
type Fault struct {
	Pointer string `json:"pointer" doc:"where, as a JSON Pointer (RFC 6901)"`
	Detail  string `json:"detail"`
	Hint    string `json:"hint,omitempty"`
}
