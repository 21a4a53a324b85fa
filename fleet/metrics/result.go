package metrics

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"homefleet/devices/words"
)

// ResultVersion is the version of the result documents that this package
// writes. Within a version names and meanings stay and new ones may come.
const ResultVersion = 1

// MaxResult is the size, in bytes, of the largest document that is read: 256 MiB.
const MaxResult = 256 << 20

// Result is what is known of a run in the end, as one JSON document. The
// caller fills in what it is about; [Result.Fill] adds what was measured, and
// [Result.Judge] the verdict. All times are from the start of measuring.
type Result struct {
	Version int    `json:"homefleet_result"` // [ResultVersion]
	Tool    string `json:"tool"`             // the version of homefleet

	Scenario ScenarioFacts `json:"scenario"`
	Size     string        `json:"size,omitempty"`   // which of the scenario's sizes; absent: it has but one
	Seed     uint64        `json:"seed,string"`      // text, since many readers of JSON lose digits beyond 2^53
	Run      string        `json:"run"`              // {run} in the scenario's templates
	Shards   []string      `json:"shards,omitempty"` // the parts of the fleet that this result is of ("1/3"); empty: all of it
	Kinds    []KindFacts   `json:"kinds,omitempty"`  // the devices, in the order of the scenario
	Broker   BrokerFacts   `json:"broker"`
	Load     LoadFacts     `json:"load"`
	Hosts    []HostFacts   `json:"hosts,omitempty"` // one a shard

	Starts      []Start    `json:"starts,omitempty"`      // how shards began together, where they did
	Started     time.Time  `json:"started"`               // of the measuring, by the wall clock
	WarmUp      Span       `json:"warm_up"`               // before it
	Duration    Span       `json:"duration,omitempty"`    // as planned; 0: until stopped
	Ran         Span       `json:"ran,omitempty"`         // how long a run lasted that measures nothing; 0: it measures
	ReadyIn     Span       `json:"ready_in,omitempty"`    // until every device had been online; 0: not all were
	Interrupted bool       `json:"interrupted,omitempty"` // ended before its planned end by a signal
	Aborted     string     `json:"aborted,omitempty"`     // why it ended early, or measured nothing
	Phases      []Phase    `json:"phases,omitempty"`
	Incidents   []Incident `json:"incidents"`
	// IncidentsLeftOut is how many more there were, after those.
	IncidentsLeftOut int `json:"incidents_left_out,omitempty"`

	Attended             bool           `json:"attended,omitempty"` // somebody intervened
	Interventions        []Intervention `json:"interventions,omitempty"`
	InterventionsLeftOut int            `json:"interventions_left_out,omitempty"`

	Verdict   Verdict   `json:"verdict"`
	Sentences []string  `json:"sentences"`         // why
	Remarks   []string  `json:"remarks,omitempty"` // what else should be known, such as Nagle's algorithm at the broker
	Generator Generator `json:"generator"`

	Expectations []Expected `json:"expectations"`
	Without      []string   `json:"without,omitempty"` // implied expectations that the scenario does without

	Snapshot // what was measured

	WarmUpLedger Totals                      `json:"warm_up_ledger"`
	Reasons      map[string]map[string]int64 `json:"reasons,omitempty"` // by where they came ("connections refused" …) and the reason code's name
}

// Brief returns the result as far as it is soon written, for whoever asks again and again:
// without time line and recoveries, and of distributions the figures alone. What it writes
// cannot be decoded as a result.
func (r *Result) Brief() *Result {
	b := *r
	b.TimeLine, b.Recoveries, b.Series = nil, nil, make(Distributions, len(r.Series))
	for s, h := range r.Series {
		figures := *h
		figures.brief = true
		b.Series[s] = &figures
	}
	return &b
}

// ScenarioFacts says which scenario was run.
type ScenarioFacts struct {
	Name   string `json:"name"`
	Title  string `json:"title,omitempty"`
	Digest string `json:"sha256"`
}

// KindFacts says how many devices of a kind there are.
type KindFacts struct {
	Kind    string `json:"kind"`
	Devices int    `json:"devices"`
}

// AddKind counts devices of a kind.
func (r *Result) AddKind(kind string, devices int) {
	i := slices.IndexFunc(r.Kinds, func(k KindFacts) bool { return k.Kind == kind })
	if i < 0 {
		r.Kinds = append(r.Kinds, KindFacts{kind, devices})
		return
	}
	r.Kinds[i].Devices += devices
}

// BrokerFacts says which broker was measured.
type BrokerFacts struct {
	URL      string            `json:"url"`
	Embedded bool              `json:"embedded"`
	Name     string            `json:"name,omitempty"`    // what is known of make, version and settings
	Connack  map[string]string `json:"connack,omitempty"` // the limits in its CONNACK by the standard's names
	// Addresses are all that shards had, where they had several: nobody knows whether they
	// are of one broker.
	Addresses []string `json:"addresses,omitempty"`
	// Process is what its process used, where that is on this machine and was named.
	Process *ProcessFacts `json:"process,omitempty"`
}

// ProcessFacts says what a process used while it was measured.
type ProcessFacts struct {
	PID     int     `json:"pid"`
	CPU     float64 `json:"cpu_seconds"` // user and system
	Over    Span    `json:"over"`        // in this time
	RSS     int64   `json:"rss_bytes"`   // resident at its end
	MostRSS int64   `json:"most_rss_bytes"`
}

// Text is what it used, in words: CPU, and memory.
func (p *ProcessFacts) Text() (cpu, memory string) {
	cpu = fmt.Sprintf("%.2f s", p.CPU)
	if p.Over > 0 {
		cpu += fmt.Sprintf(" in %s (%.0f %% of a core)", words.Span(time.Duration(p.Over)), 100*p.CPU/time.Duration(p.Over).Seconds())
	}
	return cpu, fmt.Sprintf("%s resident, at most %s", words.Bytes(p.RSS), words.Bytes(p.MostRSS))
}

// LoadFacts says what was sent.
type LoadFacts struct {
	Arrival     []string `json:"arrival"`           // one a controller group: "phones: open, constant 500/s"
	QoS         []int    `json:"qos,omitempty"`     // those in use
	Payload     int      `json:"payload_bytes"`     // of a request; of the largest if they differ
	Correlation int      `json:"correlation_bytes"` // of Correlation Data
	Timeout     Span     `json:"timeout"`
	Late        Span     `json:"late_window"`
}

// HostFacts says on what the generator ran.
type HostFacts struct {
	Cores      int    `json:"cores"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Go         string `json:"go"`
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Memory     int64  `json:"memory_bytes,omitempty"` // of the machine; 0: not known
}

// Phase is a part of a run: connect, warm-up, a stage of measuring, drain.
type Phase struct {
	Name string `json:"name"`
	From Span   `json:"from"` // negative before the measuring
	To   Span   `json:"to"`
}

// Incident is something that was done to the fleet or seen to happen.
type Incident struct {
	At   Span   `json:"at"`
	To   Span   `json:"to,omitempty"` // 0: it has no length
	Text string `json:"text"`
}

// Fill adds what was measured. bound is for [JudgeGenerator].
func (r *Result) Fill(s *Snapshot, expect []Expectation, bound time.Duration) {
	r.Version = ResultVersion
	r.Snapshot = *s
	r.Expectations = make([]Expected, len(expect))
	for i := range expect {
		r.Expectations[i] = expect[i].Evaluate(&r.Snapshot)
	}
	r.Generator = JudgeGenerator(&r.Snapshot, bound)
	r.settleGenerator()
}

// Check returns an error if a sum does not hold, or nil.
func (r *Result) Check() error {
	var errs []error
	if err := r.Totals.Check(); err != nil {
		errs = append(errs, err)
	}
	if err := r.WarmUpLedger.Check(); err != nil {
		errs = append(errs, fmt.Errorf("of the warm-up: %w", err))
	}
	if n := r.Totals.Outstanding + r.WarmUpLedger.Outstanding; n != 0 {
		errs = append(errs, fmt.Errorf("%s still outstanding in a run that is over", words.Plural(n, "request is", "requests are")))
	}
	want := func(metric Metric, n int64) {
		if n != 0 && r.Series[Series{Metric: metric}].Count() != n {
			errs = append(errs, fmt.Errorf("the histogram of %s does not hold %s", metric, words.Plural(n, "sample", "samples")))
		}
	}
	want(ScheduleDelay, r.Totals.Sent)
	want(HoldBack, r.Totals.Held)
	want(ServiceTime, r.Totals.Answered+r.Totals.Late)
	want(ResponseTime, r.Totals.Answered+r.Totals.Late)
	if err := r.checkUnanswered(); err != nil {
		errs = append(errs, err)
	}
	if r.TimeLine != nil {
		var sum Outcomes
		for i := range r.TimeLine.Points {
			sum.Add(r.TimeLine.Points[i].Outcomes)
		}
		if all, _ := r.Outcomes(Label{}); sum != all {
			errs = append(errs, fmt.Errorf("the time line adds up to %s; the ledger has %s", sum.text(), all.text()))
		}
	}
	errs = append(errs, checkDeliveries(r.Deliveries)...)
	if r.Audit != nil {
		errs = append(errs, r.Audit.Check())
	}
	for i := range r.Recoveries {
		errs = append(errs, r.Recoveries[i].Check())
	}
	return errors.Join(errs...)
}
