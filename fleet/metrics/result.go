package metrics

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
	Broker   BrokerFacts   `json:"broker"`
	Load     LoadFacts     `json:"load"`
	Hosts    []HostFacts   `json:"hosts,omitempty"` // one a shard

	Started     time.Time  `json:"started"`               // of the measuring, by the wall clock
	WarmUp      Span       `json:"warm_up"`               // before it
	Duration    Span       `json:"duration,omitempty"`    // as planned; 0: until stopped
	Measured    Span       `json:"measured"`              // as it came to be
	Interrupted bool       `json:"interrupted,omitempty"` // ended before its planned end by a signal
	Aborted     string     `json:"aborted,omitempty"`     // why it ended early, or measured nothing
	Phases      []Phase    `json:"phases,omitempty"`
	Incidents   []Incident `json:"incidents"`
	// IncidentsLeftOut is how many more there were, after those.
	IncidentsLeftOut int `json:"incidents_left_out,omitempty"`

	Verdict   Verdict   `json:"verdict"`
	Sentences []string  `json:"sentences"`         // why
	Remarks   []string  `json:"remarks,omitempty"` // what else should be known, such as Nagle's algorithm at the broker
	Generator Generator `json:"generator"`

	Expectations []Expected                  `json:"expectations"`
	Without      []string                    `json:"without,omitempty"` // implied expectations that the scenario does without
	Devices      Devices                     `json:"devices"`
	Counts       map[string]int64            `json:"counts"`                    // by name: see [CountsByName]
	CountsApart  map[string]map[string]int64 `json:"counts_by_phase,omitempty"` // of messages before and after the measuring: by phase ("connect", "warm-up", "drain") and name
	Reasons      map[string]map[string]int64 `json:"reasons,omitempty"`         // by where they came ("connections refused" …) and the reason code's name
	Ledger       Totals                      `json:"ledger"`
	WarmUpLedger Totals                      `json:"warm_up_ledger"`
	ByLabel      []LabelResult               `json:"by_label,omitempty"`
	Series       []SeriesResult              `json:"series"`
	TimeLine     *TimeLine                   `json:"time_line,omitempty"`

	Deliveries []Delivery `json:"deliveries,omitempty"` // of states and telemetry to watchers, by group and QoS
	Audit      *Audit     `json:"audit,omitempty"`      // of Will Messages; nil: there was none
	Recoveries []Recovery `json:"recoveries,omitempty"` // one for each time that an incident happened, and group of devices
	// RecoveriesLeftOut are sums of further ones, from which everybody was back as soon
	// or sooner; nil: there are none.
	RecoveriesLeftOut *RecoverySums `json:"recoveries_left_out,omitempty"`
}

// ScenarioFacts says which scenario was run.
type ScenarioFacts struct {
	Name   string `json:"name"`
	Title  string `json:"title,omitempty"`
	Digest string `json:"sha256"`
}

// BrokerFacts says which broker was measured.
type BrokerFacts struct {
	URL      string            `json:"url"`
	Embedded bool              `json:"embedded"`
	Name     string            `json:"name,omitempty"`    // what is known of make, version and settings
	Connack  map[string]string `json:"connack,omitempty"` // the limits in its CONNACK by the standard's names
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

// LabelResult is what became of the requests of one label.
type LabelResult struct {
	By   string `json:"by"` // "kind", "stage" or "controller"
	Name string `json:"name"`
	Outcomes
}

// SeriesResult is one distribution.
type SeriesResult struct {
	Metric    string     `json:"metric"`
	By        string     `json:"by,omitempty"` // "kind", "stage" or "controller"; "": of all
	Name      string     `json:"name,omitempty"`
	Histogram *Histogram `json:"histogram"`
	Over      string     `json:"over,omitempty"` // of what it is the distribution, for people
}

// Verdict is the result in a word.
type Verdict string

// The verdicts, the gravest first: a result has the first that is true of it. A
// run of which nothing is expected but what is implied has no pass to give: it
// was stopped, or it ran as planned.
const (
	VerdictBroken      Verdict = "broken: sums do not hold" // this tool is at fault
	VerdictInterrupted Verdict = "interrupted"              // before the planned end
	VerdictStopped     Verdict = "stopped"                  // the same, and nothing was expected
	VerdictSaturated   Verdict = "generator saturated"      // a failed expectation may be its fault, and a passed one luck
	VerdictFail        Verdict = "fail"                     // an expectation does not hold or could not be decided, or the run failed
	VerdictRan         Verdict = "ran as planned"           // nothing was expected
	VerdictPass        Verdict = "pass"
)

// Good reports whether nothing is amiss: a pass, or a run as planned.
func (v Verdict) Good() bool { return v == VerdictPass || v == VerdictRan }

// Fill adds what was measured. bound is for [JudgeGenerator].
func (r *Result) Fill(s *Snapshot, expect []Expectation, bound time.Duration) {
	r.Version = ResultVersion
	r.Measured = Span(s.Measured)
	r.Devices, r.Counts, r.CountsApart, r.Ledger, r.TimeLine = s.Devices, s.Counts, s.Apart, s.Totals, s.TimeLine
	r.Audit, r.Recoveries, r.RecoveriesLeftOut = s.Audit, s.Recoveries, s.RecoveriesLeftOut
	r.Deliveries = s.Deliveries
	r.ByLabel, r.Series = nil, nil
	for _, b := range s.ByLabel {
		r.ByLabel = append(r.ByLabel, LabelResult{b.Label.Dimension.String(), b.Label.Name, b.Outcomes})
	}
	for w, h := range s.Series {
		r.Series = append(r.Series, SeriesResult{w.Metric.String(), w.Label.Dimension.String(), w.Label.Name, h, w.Metric.Over()})
	}
	slices.SortFunc(r.Series, compareSeries)
	r.Expectations = make([]Expected, len(expect))
	for i := range expect {
		r.Expectations[i] = expect[i].Evaluate(s)
	}
	r.Generator = JudgeGenerator(s, bound)
	r.settleGenerator()
}

// compareSeries orders series by metric, then by label, those of all first.
func compareSeries(a, b SeriesResult) int {
	place := func(s SeriesResult) int {
		return slices.Index(metricNames[:], s.Metric)*int(dimensionCount) + slices.Index(dimensionNames[:], s.By)
	}
	if d := place(a) - place(b); d != 0 {
		return d
	}
	return strings.Compare(a.Name, b.Name)
}

// Snapshot returns what was measured as a snapshot, for expectations and
// comparisons. It shares the histograms. Series that this version does not
// know are left out.
func (r *Result) Snapshot() *Snapshot {
	s := &Snapshot{
		Measured: time.Duration(r.Measured), Totals: r.Ledger.Clone(), Series: make(map[Series]*Histogram),
		TimeLine: r.TimeLine, Devices: r.Devices, Counts: r.Counts, Apart: r.CountsApart, Audit: r.Audit, Recoveries: r.Recoveries, RecoveriesLeftOut: r.RecoveriesLeftOut,
	}
	s.Deliveries = r.Deliveries
	for _, b := range r.ByLabel {
		if d := slices.Index(dimensionNames[:], b.By); d > int(All) {
			s.ByLabel = append(s.ByLabel, LabelOutcomes{Label{Dimension(d), b.Name}, b.Outcomes})
		}
	}
	for _, h := range r.Series {
		m, d := slices.Index(metricNames[:], h.Metric), slices.Index(dimensionNames[:], h.By)
		if m >= 0 && d >= 0 {
			s.Series[Series{Metric(m), Label{Dimension(d), h.Name}}] = h.Histogram
		}
	}
	return s
}

// Check returns an error if a sum does not hold, or nil.
func (r *Result) Check() error {
	var errs []error
	if err := r.Ledger.Check(); err != nil {
		errs = append(errs, err)
	}
	if err := r.WarmUpLedger.Check(); err != nil {
		errs = append(errs, fmt.Errorf("of the warm-up: %w", err))
	}
	if n := r.Ledger.Outstanding + r.WarmUpLedger.Outstanding; n != 0 {
		errs = append(errs, fmt.Errorf("%s still outstanding in a run that is over", words.Plural(n, "request is", "requests are")))
	}
	want := func(metric string, n int64) {
		for _, s := range r.Series {
			if s.Metric == metric && s.By == "" && s.Histogram.Count() == n {
				return
			}
		}
		if n != 0 {
			errs = append(errs, fmt.Errorf("the histogram of %s does not hold %s", metric, words.Plural(n, "sample", "samples")))
		}
	}
	want(ScheduleDelay.String(), r.Ledger.Sent)
	want(HoldBack.String(), r.Ledger.Held)
	want(ServiceTime.String(), r.Ledger.Answered+r.Ledger.Late)
	want(ResponseTime.String(), r.Ledger.Answered+r.Ledger.Late)
	if err := r.checkUnanswered(); err != nil {
		errs = append(errs, err)
	}
	if r.TimeLine != nil {
		var sum Outcomes
		for i := range r.TimeLine.Points {
			sum.Add(r.TimeLine.Points[i].Outcomes)
		}
		if all, _ := (&Snapshot{Totals: r.Ledger}).Outcomes(Label{}); sum != all {
			errs = append(errs, fmt.Errorf("the time line adds up to %+v, the ledger to %+v", sum, all))
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

// Judge sets verdict and sentences from all that is in the result.
func (r *Result) Judge() {
	r.Verdict, r.Sentences = VerdictPass, nil
	say := func(v Verdict, sentence string) {
		if r.Verdict == VerdictPass || severity(v) < severity(r.Verdict) {
			r.Verdict = v
		}
		r.Sentences = append(r.Sentences, sentence)
	}
	if err := r.Check(); err != nil {
		say(VerdictBroken, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if r.Interrupted {
		text := "the run was interrupted before the measuring began"
		if r.Measured > 0 {
			text = fmt.Sprintf("the run was interrupted after %v of measuring", time.Duration(r.Measured).Round(time.Millisecond))
		}
		if r.Duration > 0 {
			text += fmt.Sprintf("; %v were planned", time.Duration(r.Duration))
		}
		if own, _ := r.Expected(); len(own) == 0 {
			say(VerdictStopped, text)
		} else {
			say(VerdictInterrupted, text)
		}
	}
	late := r.Generator.Saturated
	if late && !r.unconnected() {
		say(VerdictSaturated, r.Generator.Sentence)
		late = false
	}
	switch {
	case r.Aborted == "":
	case r.Duration > 0 && r.Measured >= r.Duration:
		say(VerdictFail, r.Aborted) // it lasted as long as it was to
	default:
		say(VerdictFail, "the run was ended early: "+r.Aborted)
	}
	for _, x := range r.Expectations {
		if x.Status != Pass && !(r.Generator.Saturated && x.Metric == generatorMetric && x.Status == Fail) {
			say(VerdictFail, x.Sentence)
		}
	}
	switch {
	case late && r.Verdict == VerdictPass:
		say(VerdictSaturated, r.Generator.Sentence)
	case late:
		r.Sentences = append(r.Sentences, r.Generator.Sentence)
	}
	if r.Verdict != VerdictPass {
		return
	}
	own, implied := r.Expected()
	switch {
	case len(own) == 0 && len(implied) == 0:
		r.Verdict, r.Sentences = VerdictRan, []string{"nothing was expected, and nothing went wrong with the measuring"}
	case len(own) == 0:
		r.Verdict, r.Sentences = VerdictRan, []string{"nothing was expected but what is implied, and that holds"}
	case len(own) == 1:
		r.Sentences = []string{"the one expectation holds"}
	default:
		r.Sentences = []string{fmt.Sprintf("all %d expectations hold", len(own))}
	}
}

// unconnected reports whether more requests were not sent for want of a connection
// than the generator was late with or dropped: then a failure is the broker's first,
// and what the generator was late with may be what the broker's absence cost it.
func (r *Result) unconnected() bool {
	g := &r.Generator
	return r.Ledger.NotSent.NotConnected > g.Behind+g.Dropped
}

func severity(v Verdict) int {
	return slices.Index([]Verdict{VerdictBroken, VerdictInterrupted, VerdictStopped, VerdictSaturated, VerdictFail, VerdictRan, VerdictPass}, v)
}
