package metrics

import "slices"

// Metric is something of which the durations are recorded.
type Metric uint8

// The metrics. The first four are of whole requests: of one that expects
// several answers, service and response end with the last of them, and
// AnswerTime is of each single one. Of each request
//
//	ResponseTime = HoldBack + ScheduleDelay + ServiceTime
//
// where HoldBack is 0, and no sample, for those that nothing held back.
const (
	ScheduleDelay   Metric = iota // planned moment to sending, less HoldBack: the generator's own fault
	HoldBack                      // of that time, while flow control let nothing leave
	ServiceTime                   // sending to answer
	ResponseTime                  // planned moment to answer: what a user waits
	AnswerTime                    // planned moment to each answer, of requests that expect several
	ConnectDial                   // TCP, TLS and WebSocket
	ConnectConnack                // CONNECT sent to CONNACK
	ConnectSuback                 // SUBSCRIBE sent to SUBACK
	TelemetryPuback               // telemetry PUBLISH sent to PUBACK
	StateDelivery                 // state PUBLISH sent to its arrival at a watcher
	WillDelay                     // moment at which a Will was due to its arrival at the auditor
	metricCount
)

var metricNames = [metricCount]string{
	"schedule", "holdback", "service", "response", "answer",
	"connect.dial", "connect.connack", "connect.suback",
	"telemetry.puback", "state.delivery", "wills.delay",
}

// String returns the metric's name, as in results and expectations.
func (m Metric) String() string {
	if m < metricCount {
		return metricNames[m]
	}
	return "unknown"
}

// MarshalText writes the name.
func (m Metric) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// Metrics returns all of them, in order.
func Metrics() []Metric {
	all := make([]Metric, metricCount)
	for i := range all {
		all[i] = Metric(i)
	}
	return all
}

// Dimension is that by which figures are told apart. There are no
// combinations: a figure is of all requests, or of one kind, or of one stage,
// or of one controller group; deliveries are of all, or of one group of watchers.
// Only what is by phase is of another time than the measuring.
type Dimension uint8

const (
	All Dimension = iota
	ByKind
	ByStage
	ByController
	ByPhase   // connect, warm-up or drain
	ByWatcher // of deliveries alone
	dimensionCount
)

var dimensionNames = [dimensionCount]string{"", "kind", "stage", "controller", "phase", "watcher"}

// String returns the dimension's name as in "response.p99{kind=light}", or "".
func (d Dimension) String() string {
	if d < dimensionCount {
		return dimensionNames[d]
	}
	return "unknown"
}

// MarshalText writes the name.
func (d Dimension) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a name. One that is not known is taken for no dimension that
// there is: see [Snapshot.forget].
func (d *Dimension) UnmarshalText(b []byte) error {
	*d = dimensionCount
	if i := slices.Index(dimensionNames[:], string(b)); i >= 0 {
		*d = Dimension(i)
	}
	return nil
}

// Label says of what a figure is: the zero value means of all.
type Label struct {
	Dimension Dimension `json:"by"` // "kind", "stage" …
	Name      string    `json:"name"`
}

// String returns "{kind=light}", or "" for all.
func (l Label) String() string {
	if l.Dimension == All {
		return ""
	}
	return "{" + l.Dimension.String() + "=" + l.Name + "}"
}

// Series is one distribution of a run.
type Series struct {
	Metric Metric
	Label  Label
}

// String returns "response{kind=light}".
func (s Series) String() string { return s.Metric.String() + s.Label.String() }

// LabelNames are the device kinds, stages, and groups of controllers and watchers
// that a run tells apart: at most 255 of each, what is beyond is not told apart.
type LabelNames struct {
	Kinds, Stages, Controllers, Watchers []string
}

// Labels is what one request or event is of, as places in [LabelNames] counted
// from 1; 0 means none.
type Labels struct {
	Kind       uint8 `json:"kind,omitempty"`
	Stage      uint8 `json:"stage,omitempty"`
	Controller uint8 `json:"controller,omitempty"`
}

// Labels returns the labels with these names. What is empty or not among the
// names is none.
func (n *LabelNames) Labels(kind, stage, controller string) Labels {
	return Labels{place(n.Kinds, kind), place(n.Stages, stage), place(n.Controllers, controller)}
}

func place(names []string, name string) uint8 {
	i := slices.Index(names, name)
	if i < 0 || i >= maxLabels || name == "" {
		return 0
	}
	return uint8(i + 1)
}

const maxLabels = 255

// of returns the names of a dimension.
func (n *LabelNames) of(d Dimension) []string {
	var names []string
	switch d {
	case ByKind:
		names = n.Kinds
	case ByStage:
		names = n.Stages
	case ByController:
		names = n.Controllers
	case ByPhase:
		names = periodNames[InConnect:]
	case ByWatcher:
		names = n.Watchers
	}
	return names[:min(len(names), maxLabels)]
}

// in returns the place in a dimension.
func (l Labels) in(d Dimension) int {
	switch d {
	case ByKind:
		return int(l.Kind)
	case ByStage:
		return int(l.Stage)
	case ByController:
		return int(l.Controller)
	}
	return 0
}
