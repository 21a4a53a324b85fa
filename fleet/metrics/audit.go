package metrics

// Audit is what became of the Will Messages of a run, by the rules of MQTT 5
// (sections 3.1.2.5, 3.1.3.2.2 and 3.14.2.1), as an auditor at the broker saw it.
type Audit struct {
	Slack Slack       `json:"slack"`
	Wills WillTotals  `json:"wills"` // of all ways together
	Ways  []WayTotals `json:"ways"`  // in the order of reports; those that did not occur are left out; they add up to Wills
	// Answerable is whether the devices' Wills have a Response Topic, so that a
	// watcher could answer them.
	Answerable bool `json:"answerable,omitempty"`
	// Tested are the parts of a Will that the Wills seen put to the test: they had
	// them, so that a broker that loses or changes them would have been found out.
	// Untested are the others of [WillParts]. Both are in that order.
	Tested   []string `json:"tested,omitempty"`
	Untested []string `json:"untested,omitempty"`
	// Retained is what the broker held in the end; nil if nobody looked.
	Retained *RetainedTotals `json:"retained,omitempty"`
}

// WillParts are what of a Will can be lost or altered (sections 3.1.3.2 and
// 3.3.2.3), in the order of reports.
var WillParts = [...]string{"payload", "QoS", "retain", "Payload Format", "Message Expiry", "Content Type",
	"Response Topic", "Correlation Data", "User Properties", "order of User Properties", "Will Delay"}

// SetTested says which of [WillParts] were put to the test, by their places.
func (a *Audit) SetTested(was func(part int) bool) {
	a.Tested, a.Untested = nil, nil
	for i, name := range WillParts {
		if was(i) {
			a.Tested = append(a.Tested, name)
		} else {
			a.Untested = append(a.Untested, name)
		}
	}
}

// Slack is what a Will may be off by and still count as on time.
type Slack struct {
	Broker  string `json:"broker"`  // why these figures: "the embedded broker", "mosquitto version 2.0.11", "as the scenario says" …
	Early   Span   `json:"early"`   // before it is due
	Late    Span   `json:"late"`    // after it is due, where the connection was closed
	Silence Span   `json:"silence"` // after it is due, where the Keep Alive ran out
}

// WillTotals count outages of devices and the Wills that followed. In the end
//
//	Outages   = Due + NotDue
//	Due       = OnTime + Early + Late + Missing + Unwatched
//	Unwatched = AuditorAway + RunEnded + BrokerGone
//	Messages  = OnTime + Early + Late + Duplicate + Unexpected
type WillTotals struct {
	Outages    int64 `json:"outages"`    // connections of a device that ended or fell silent
	Due        int64 `json:"due"`        // of these, a Will was to follow
	NotDue     int64 `json:"not_due"`    // no Will was to follow: DISCONNECT 0x00, resumed within the Will Delay Interval, no Will
	OnTime     int64 `json:"on_time"`    // Wills that came when due, within the slack
	Early      int64 `json:"early"`      // that came before
	Late       int64 `json:"late"`       // that came after
	Missing    int64 `json:"missing"`    // that did not come
	Unwatched  int64 `json:"unwatched"`  // not judged, for one of the next three reasons
	Messages   int64 `json:"messages"`   // Wills that came
	Duplicate  int64 `json:"duplicate"`  // beyond the first
	Unexpected int64 `json:"unexpected"` // that were not due
	Altered    int64 `json:"altered"`    // of all that came, with another payload, property, QoS or retain flag than the device's
	Consumed   int64 `json:"consumed"`   // outages whose Will a watcher answered
	Learned    int64 `json:"learned"`    // of these, the device found the answer when it was back

	// Why Wills that were due were not judged.
	AuditorAway int64 `json:"witness_away"` // the auditor had no connection just then, or none yet, or never one
	RunEnded    int64 `json:"run_ended"`    // the run was over before the Will had to come
	BrokerGone  int64 `json:"broker_gone"`  // the broker went away, or lost its sessions
	// Of NotDue, those during which the auditor was away: whether a Will came all
	// the same, nobody knows.
	NotDueUnwatched int64 `json:"not_due_unwatched"`
	// Of NotDue, those after which no Will came, and one may have been due or not: the
	// device was back within the slack of the broker, or its DISCONNECT may not have
	// arrived.
	MaybeDue int64 `json:"maybe_due"`
}

// WayTotals are the totals of one way to go offline, or of Wills of devices that
// had not gone at all, which are unexpected.
type WayTotals struct {
	Way string `json:"way"` // "orderly", "with-will", "cut" …; [NotGone]; each once
	WillTotals
}

// EndOfRun is the way of those that went since the run ended.
const EndOfRun = "end of the run"

// NotGone is the way of those that did not go: Wills that came though their
// connection was up, or of connections that nobody knows.
const NotGone = "not gone"

// RetainedTotals compare what the broker retained in the end with what the
// devices know: Checked = Right + Stale + Missing + Wrong.
type RetainedTotals struct {
	Checked int64 `json:"checked"` // topics that were to be there
	Right   int64 `json:"right"`
	Stale   int64 `json:"stale"`   // an older value of the same topic
	Missing int64 `json:"missing"` // nothing
	Wrong   int64 `json:"wrong"`   // another value, not known to be older
}

// Recovery is how devices came back after an incident, each time that it
// happened. Of a run in shards there is one for each shard: the times of the
// whole fleet cannot be made of those of its parts.
type Recovery struct {
	Incident   string              `json:"incident"`            // its name
	Group      string              `json:"group,omitempty"`     // of the devices, where several are told apart
	Shard      string              `json:"shard,omitempty"`     // "1/3", where results were merged
	At         Span                `json:"at"`                  // its beginning
	To         Span                `json:"to"`                  // its end, from which the times count
	Affected   int64               `json:"affected"`            // devices
	Overlap    int64               `json:"overlap,omitempty"`   // of these, another incident struck as well before they were back: they are followed until all have let go of them
	Online     Times               `json:"online"`              // on a new connection, subscribed; or on the old one, once something asked after the incident was answered
	Answering  *Times              `json:"answering,omitempty"` // answered a query; nil: nobody asked
	Attempts   int64               `json:"attempts"`            // to connect, from the beginning of the incident until all were online
	Refused    map[string]int64    `json:"refused,omitempty"`   // of these, by why: a reason code's name, or "connection failed"
	Reconnects *ReconnectHistogram `json:"herd,omitempty"`      // nil where there was none, and where there are very many recoveries
}

// RecoverySums are sums over recoveries that stand in no list.
type RecoverySums struct {
	Count    int64 `json:"count"`    // recoveries
	Affected int64 `json:"affected"` // devices, counted for each
	Online   int64 `json:"online"`   // of these, those that came back
	Attempts int64 `json:"attempts"` // to connect
}

// Add adds a recovery.
func (s *RecoverySums) Add(r *Recovery) {
	s.Count++
	s.Affected += r.Affected
	s.Online += r.Online.Count
	s.Attempts += r.Attempts
}

// Times are how long it took until a part of the affected devices had been
// there, each for the first time after the incident's end; nil: it did not come
// to that. They are never negative, and all are nil if no device was affected.
type Times struct {
	Count int64 `json:"count"` // devices that came to be there; all of them have a time
	Half  *Span `json:"half"`  // 50 %, rounded up to a whole device
	Most  *Span `json:"most"`  // 99 %, likewise
	All   *Span `json:"all"`   // 100 %
}

// ReconnectIntervals is how many intervals a [ReconnectHistogram] has at most.
const ReconnectIntervals = 240

// ReconnectHistogram is the shape of a reconnect, from the end of the incident, in intervals
// of equal length: at most [ReconnectIntervals] of them, and as many in each list.
type ReconnectHistogram struct {
	Interval Span    `json:"interval"` // more than 0
	Attempts []int64 `json:"attempts"` // to connect, in each interval
	Online   []int64 `json:"online"`   // devices that came online in each for the first time; at most Affected together
}
