package scenarios

import (
	"time"

	"homefleet/devices"
)

// Controllers is a group of requesters that send commands to devices and
// account for every answer. Each has a connection and a Response Topic of its
// own, and is subscribed to it before it sends.
//
// As elsewhere, a field that is zero takes its default in [Scenario.Check]. A
// field that does not go with the arrival model is zero in a checked scenario.
type Controllers struct {
	Name     string   // default "controllers-1", by place in the file; one topic level
	Count    int      // 1 to 1,000,000; default 1; with Pair as many as there are targets
	ClientID Template // default "{id}", which is Name-N with N from 1, or Name if there is but one; places {id}, {n}, {seed} and {run}

	Target    Target
	Pair      bool     // controller 1 commands the first target alone, 2 the second, ...; else each request is for a target that the seed draws
	Attribute string   // such as "power"; every targeted kind has it
	Payloads  []string // in turn; "" is a query; default a query
	// PayloadSize pads each payload with spaces, which devices pass over, to at
	// least so many bytes; at most 16 MiB.
	PayloadSize     int
	CorrelationSize int // of the Correlation Data; default 24 bytes, or what the devices take if that is less; 16 to 65,535
	QoS             byte
	Retain          bool          // of the requests: the broker keeps each as the latest on its topic
	MessageExpiry   time.Duration // of the requests, whole seconds; 0: absent
	UserProperties  []Property    // of the requests, in the order of the file; places are those of ClientID
	MQTT            MQTT          // "": that of Broker; see [Scenario.Speaks]
	Timeout         time.Duration // an answer after it is late; 1ms to 1h; default 5s

	Arrival Arrival // default Constant
	// Rate is for the whole group, RatePerController for each of it, in requests
	// a second; one of them is 0. Both are 0 with Stages, Bursts and Closed.
	Rate, RatePerController float64
	Stages                  []Stage       // one after the other; only for Constant and Poisson
	Burst                   int           // Bursts: requests at once, of the whole group
	Every                   time.Duration // Bursts: from the start of one to the start of the next; at least 1ms
	Think                   time.Duration // Closed: from an answer to the next request
	InFlight                int           // Closed: unanswered requests of each controller at a time; default 1
	MaxOutstanding          int           // open: unanswered requests of each controller at a time; a slot that finds no room waits; default 10000

	// Group sends one message to the topic of a group's attribute for all devices of that
	// group (see Group.Groups) and collects an answer of each; "" commands
	// devices one by one. There is no Target then.
	Group string
	// ShareReplies has the controllers share one Response Topic by a shared
	// subscription.
	ShareReplies bool
	// Identify has each request ask, by a User Property, which device answers, so
	// that an answer of another is known for one; default with Group.
	Identify bool

	// In a shard: how many of the group are in the parts before it, how many it
	// has in all, and, if they are not in a row, the places of those here.
	before, of int
	places     []int
}

// Arrival says when requests are due.
type Arrival string

// The arrival models. All but Closed are open: requests leave on a plan,
// whatever the answers do.
const (
	Constant Arrival = "constant" // evenly spaced over the group
	Poisson  Arrival = "poisson"  // exponential gaps
	Bursts   Arrival = "bursts"   // Burst at once, Every so often
	Closed   Arrival = "closed"   // the next request waits for an answer
)

// Stage is a part of the measuring with a rate of its own. The first begins
// with the measuring; in warm-up the rate is the one that it begins with, or, if
// that is 0, ends with. When the last is over, nothing more is sent.
type Stage struct {
	Name     string        // default "stage-1" ...
	For      time.Duration // > 0
	From, To float64       // requests a second of the whole group; the rate moves evenly from one to the other
}

// Target says which devices are commanded. Everything set must hold. Devices
// without the attribute are passed over, unless Kind is set, so that the zero
// value is all devices that have it.
type Target struct {
	Kind *devices.Kind // nil: any
	ID   string        // a pattern where * stands for any run of characters; "": any
	Home string        // likewise
	// Share, 0 to 1, is how many of those, more or less: each is drawn by the
	// seed and its number alone, so that a device stays in when others join, and
	// when the share grows. 0: all.
	Share float64
}

// Watchers is a group of subscribers that receive what devices publish and, if
// the messages are stamped, measure how long that took.
type Watchers struct {
	Name     string   // default "watchers-1"; no name that controllers have
	Count    int      // 1 to 1,000,000; default 1
	ClientID Template // default "{id}"; as for controllers
	Topics   []string // topic filters; default what devices report by themselves, with Answers those of [Scenario.WillFilters]
	MQTT     MQTT     // "": that of Broker; see [Scenario.Speaks]
	QoS      byte     // asked for; default 0, with Answers 1
	Share    string   // name of a shared subscription that the group has together; "": each gets all
	// Slow is how long each message takes a watcher to handle: a slow consumer.
	Slow time.Duration
	// Answers has the watcher consume Will Messages: it answers each message that
	// has a Response Topic there, with its Correlation Data.
	Answers bool

	before, of int // in a shard, as for controllers

	filled bool
}

// Phases are the parts of a measured run. Devices and controllers connect,
// requests are sent in warm-up and measure alike but only the latter are
// recorded, and answers are waited for in drain. They are zero in a checked
// scenario that measures nothing; see [Scenario.Measured].
type Phases struct {
	Connect time.Duration // at most; whoever is not up then is a straggler; default 30s
	WaitFor float64       // 0..1: the share of devices that must be up before warm-up begins; default 1; None: nobody is waited for
	WarmUp  time.Duration // default 0
	Measure time.Duration // default: the longest sum of stages, else 30s, and at least 10s more than the incidents take; those without end, the first time
	Drain   time.Duration // at most, until everything is answered and delivered; default: the longest time-out of the controllers, and 5 s with watchers; None: 0

	// Pacing says by what the moments of requests are kept; "" is Precise.
	Pacing Pacing

	filled bool
}

// Pacing says by what the moments of requests are kept.
type Pacing string

const (
	// Precise is a timer of the kernel's, to some tens of microseconds. It costs
	// some 40 µs of CPU a moment, and is used where moments are not too dense.
	Precise Pacing = "precise"
	// Thrifty is the timers of Go's runtime, which are up to a millisecond late.
	Thrifty Pacing = "thrifty"
)
