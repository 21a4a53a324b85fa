// Package scenarios reads the TOML files that describe a fleet and turns each
// into a checked [Scenario], or into a list of faults that each name their
// line. It connects to nothing, reads no environment and starts no goroutine.
//
// [Load] reads a file, [ReadShipped] gives the text of one that comes with the
// program, and [LoadUsers] reads who may connect to the embedded broker. A
// scenario is safe for concurrent use as long as nobody changes it.
package scenarios

import (
	"slices"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/fleet/metrics"
)

// Scenario is a checked description of a fleet. It is plain data: a Go test
// may also build one by hand and have it checked with [Scenario.Check], which
// fills in the defaults:
//
//	light, _ := devices.KindByName("light")
//	s := &scenarios.Scenario{Groups: []scenarios.Group{{Kind: light, Count: 3}}}
//	if err := s.Check(); err != nil { ... }
//
// A field that is zero takes its default. Where the default is not zero and
// zero means something, [None] says zero: KeepAlive: scenarios.None is no keep
// alive at all. In a checked scenario every field holds the value that counts.
type Scenario struct {
	Name     string        // file or shipped name, for messages
	Title    string        // one line for people
	Seed     uint64        // every random choice follows from it
	Duration time.Duration // 0: until stopped
	Time     float64       // simulated seconds per real second, 0.001 to 86400; default 1, real time
	Start    time.Duration // simulated time at the start, since the midnight before a Monday; default 08:00 of it; None is midnight

	// FaultsOnRequest lets a request say what is to become of its answer, with a User
	// Property homefleet-fault: a requester's own tests need no scenario for each case then.
	FaultsOnRequest bool

	Broker  Broker
	Connect Connect
	Groups  []Group

	// External are devices that somebody else runs and that the controllers command:
	// `[[target]]`. Nobody connects for them.
	External []Group

	// elsewhere are, in a shard, the devices of other shards that its controllers command
	// with one message each, together with its own.
	elsewhere []Group
	// answersOthers is that controllers of other shards command some of its devices.
	answersOthers bool

	// What is measured, if anything is. Then Duration is 0: the phases say how
	// long the run lasts.
	Controllers []Controllers
	Watchers    []Watchers
	Phases      Phases
	Incidents   []Incident
	Audit       Audit
	Expect      []metrics.Expectation // in the order of the file; see [metrics.ParseExpectation]
	Without     []string              // implied expectations, by metric, that the scenario does without; see [metrics.Implied]

	Size string // which of the file's sizes this is; "" if it has but one

	Digest string // SHA-256 of the source text and of the files of devices, but for passwords, in hex; "" when built by hand

	Part Shard // which part of the scenario this is; see [Scenario.Shard]

	added  *added   // while it runs; nil: nothing can be
	sizes  []string // of the file; nil if it has but one
	filled bool     // the defaults are in place: a zero means zero
}

// Expectations returns what is expected of a run: what the scenario says, and where
// requests are sent, what is implied.
func (s *Scenario) Expectations() []metrics.Expectation {
	all := slices.Clone(s.Expect)
	if len(s.Controllers) > 0 {
		acknowledged := slices.ContainsFunc(s.Controllers, func(c Controllers) bool { return c.QoS > 0 })
		all = append(all, metrics.Implied(s.Expect, s.Without, acknowledged)...)
	}
	return all
}

// Measured reports whether the run is a measurement in phases: there are
// controllers, watchers, incidents, devices that come in stages, an audit, phases or
// expectations.
func (s *Scenario) Measured() bool {
	return len(s.Controllers)+len(s.Watchers)+len(s.Incidents)+len(s.Expect) > 0 || s.Audit.On || s.Phases != Phases{} || s.staged()
}

// Trouble reports whether anything goes wrong by intent: there are incidents, or
// devices that misbehave.
func (s *Scenario) Trouble() bool {
	return len(s.Incidents) > 0 || slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Misbehave != nil })
}

// Sizes returns the sizes of the file, in its order, after [DefaultSize], which
// is the file as it stands; none if it has but one.
func (s *Scenario) Sizes() []string { return slices.Clone(s.sizes) }

// None stands for zero in a field whose zero means its default, up to
// [Scenario.Check], which puts a zero in its place.
const None = -1

// Broker says where the broker is and how devices introduce themselves.
type Broker struct {
	URL      string   // mqtt, mqtts, ws or wss; "": the embedded broker
	MQTT     MQTT     // that all speak who have none of their own; "": MQTT5
	Username Template // "": none
	Password Secret

	// URLs are several addresses, of brokers that are one to their clients; URL is the first of
	// them then. Spread says who is at which: default [ByDevice].
	URLs   []string
	Spread Spread

	// Headers are of the handshake of ws and wss; those of HeadersEnv have the values of
	// environment variables, whose names may name the device.
	Headers, HeadersEnv []Property

	CAFile     string   // PEM; "": the system's roots
	CertFile   Template // PEM client certificate; with KeyFile
	KeyFile    Template
	ServerName string // overrides the host name that is verified
	Insecure   bool   // accept any certificate
}

// Secret says where a password comes from, never what it is: a file's content
// (one trailing newline removed) or an environment variable. Both templates
// may name the device. The reader of the secret is the caller's (cmd).
type Secret struct {
	File Template
	Env  Template
}

// Connect says how devices connect and stay connected.
type Connect struct {
	Rate          float64       // connects per second for the whole fleet; 0: as fast as it goes
	Timeout       time.Duration // for dialling and for CONNACK and SUBACK each; default 10s
	KeepAlive     time.Duration // whole seconds, 0 (off) to 65535s; default 60s; None: off
	SessionExpiry time.Duration // whole seconds; 0: ends with the connection; SessionNeverExpires
	Resume        bool          // the first connect takes up the session an earlier run left (Clean Start 0), and the last leaves it; default false
	ClientID      Template      // default "{id}"; "" in a checked scenario: the broker assigns one

	Backoff        BackoffKind   // default full jitter
	BackoffMin     time.Duration // first ceiling, or the fixed delay of naive; default 1s
	BackoffMax     time.Duration // last ceiling; default 1m
	BackoffReset   time.Duration // connected this long, the back-off starts anew; default 30s; None: at once
	ReceiveMaximum uint16        // unacknowledged QoS 1 and 2 messages a device takes; default 32

	filled bool
}

// BackoffKind is how long a device waits before it connects again.
type BackoffKind string

// The kinds of back-off.
const (
	FullJitter BackoffKind = "full-jitter" // uniform in [0, min(max, min*2^n))
	Naive      BackoffKind = "naive"       // always BackoffMin: for herd scenarios
)

// SessionNeverExpires is the Session Expiry Interval 0xFFFFFFFF ("never").
const SessionNeverExpires = time.Duration(0xFFFFFFFF) * time.Second

// Group is a number of devices of one kind that differ in their number only.
//
// Devices belong to a home in one of two ways. Without Homes every device
// expands the Home template for itself: "flat-7" puts all of them in one flat,
// "flat-{n}" each in its own. With Homes the group is repeated: Count devices in
// each of that many homes, where {h} is the number of the home and {n} starts
// anew in each of them:
//
//	Homes: 40, Count: 10, Home: "flat-{h:2}", ID: "{home}-light-{n:2}"
//
// are 400 lights, flat-01-light-01 to flat-40-light-10.
type Group struct {
	Name  string // tells its devices apart in reports, one word; several groups may share it; "": none
	Kind  *devices.Kind
	Count int // devices; with Homes: in each home; default 1. See Total
	First int // number of the first device; default 1; None: 0

	// From is the file of Rows, for messages. With Rows there is a device for each row, in
	// one home each or none, First is 1, and the columns are places of the group's templates.
	// Those called id and home are ID and Home by default, and with user and password the
	// devices connect in the place of what [Broker] has.
	From string
	Rows *Rows

	ID   Template // default "{kind}-{n}"; with Homes "{home}-{kind}-{n}"
	Home Template // "": none; with Homes "home-{h}"

	Homes     int // 0: the group is not repeated
	FirstHome int // number of the first home; default 1; None: 0

	CertFile, KeyFile Template // of the devices, in the place of those of [Broker]; "": those

	Params map[string]any // checked parameters of the kind; absent: default

	Telemetry        time.Duration // 0: none
	TelemetryJitter  float64       // 0..1: each interval is drawn from interval*(1±jitter); default 0.1; None: exact
	TelemetryTopic   Template      // "": as the face has it; this and the next two are for homefleet's own face
	TelemetryPayload Template      // "": likewise; it has places for attributes and readings, too
	TelemetrySize    int           // bytes; a shorter payload is padded with spaces
	QoS              byte          // of state and telemetry messages; default 0
	Retain           bool          // state topics are retained
	MQTT             MQTT          // "": that of Broker; see [Scenario.Speaks]
	Absent           bool          // the devices are not there until somebody revives them: `present = false`
	Stages           []DeviceStage // how many of the devices are there while it is measured; none: all
	AcceptRetained   bool          // obey retained commands too; default false ("ghost switching")
	DeafAtFirst      bool          // but not those of a device's first connection; see [faces.Face]
	Attributes       []string      // of an External: those of its kind that it has; nil: all
	Groups           []string      // further names that the devices obey, as if it were their own; one topic level, no device's id

	Face     Face     // the dialect they speak; the zero value is homefleet's own
	Presence Presence // how they say that they are there; the zero value is as their Will and face have it

	Will Will

	// Backoff, BackoffMin and BackoffMax are the group's own, where they differ
	// from those of [Connect], which are the defaults; in a checked scenario they
	// always hold what counts.
	Backoff                BackoffKind
	BackoffMin, BackoffMax time.Duration

	Misbehave *Misbehavior // nil: they do as they should

	external  bool        // it is among the scenario's External
	elsewhere bool        // it is among the scenario's elsewhere
	ahead     int         // in a shard: by how much the number of each device is greater in the whole
	voice     faces.Voice // its face made up for it, when it was checked
	voiceErr  error       // why there is none
	inherited backoff     // what of its back-off is [Connect]'s
	filled    bool
}

// Total returns how many devices the group has in all its homes.
func (g *Group) Total() int { return g.Count * max(g.Homes, 1) }

// Will describes the Will Message. Unless a scenario says otherwise each device
// has one: that of its face, QoS 1, retained; with the native one "Offline" on the
// topic of its availability.
//
// In Go a Will without a Topic is that default with whatever else is set on top
// of it, so that the zero value is the default and
//
//	Will{ResponseTopic: "seen/{id}", Delay: 5 * time.Second}
//
// is such a Will, too. A Will with a Topic is taken as it stands,
// QoS 0 and not retained unless it says so.
type Will struct {
	Off             bool // no Will Message at all
	Topic           Template
	Payload         Template
	QoS             byte
	Retain          bool
	Delay           time.Duration // Will Delay Interval, whole seconds
	MessageExpiry   time.Duration // whole seconds; 0: absent
	ContentType     Template      // "": absent
	ResponseTopic   Template      // "": absent
	CorrelationData Template      // "": absent
	UserProperties  []Property    // in the order of the file
}

// Property is a User Property with a templated value.
type Property struct {
	Key   string
	Value Template
}

// Device is one device of a group, with everything that depends on its number.
type Device struct {
	Number int // in the scenario, from 0, as [Scenario.Device] takes it; of an External it is above those of all others
	Global int // the same, but where the scenario is a shard, in the whole: seeds and phases follow from it
	N      int // number within its group (or home, if the group has homes), as {n} shows it
	H      int // number of its home, as {h} shows it; 1 if the group has no homes
	Group  *Group
	ID     string
	Home   string

	seed uint64
}
