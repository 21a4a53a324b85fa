package metrics

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
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

// Encode writes the document, indented, with a line break at its end.
func (r *Result) Encode(w io.Writer) error { return encode(w, r) }

// encode writes a document whose foreign text is harmless on a terminal, too.
func encode(w io.Writer, document any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(document)
	if err == nil {
		_, err = w.Write(words.PlainJSON(b.Bytes()))
	}
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// DecodeResult reads one document that [Result.Encode] wrote, of this version
// or an earlier one. Fields it does not know are skipped, so that later tools
// may add some; a later version is refused. What is read has been checked as
// far as reading it needs: counts are not negative, histograms are whole, the
// time line is in order, herds are of a size to draw. [Result.Check] tells more.
func DecodeResult(rd io.Reader) (*Result, error) {
	b, err := readDocument(rd)
	if err != nil {
		return nil, err
	}
	return decodeResult(b)
}

// readDocument reads all there is, up to a bound.
func readDocument(rd io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(rd, MaxResult+1))
	if err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	if len(b) > MaxResult {
		return nil, fmt.Errorf("reading a result: it is larger than %d MiB", MaxResult>>20)
	}
	return b, nil
}

func decodeResult(b []byte) (*Result, error) {
	var head struct {
		Version *int `json:"homefleet_result"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("reading a result: %w", plainJSON(err))
	}
	switch {
	case head.Version == nil:
		return nil, errors.New(`reading a result: this is no result of homefleet: it has no "homefleet_result"`)
	case *head.Version > ResultVersion:
		return nil, fmt.Errorf("reading a result: it has version %d, and this homefleet reads up to version %d: it takes a newer homefleet", *head.Version, ResultVersion)
	case *head.Version < 1:
		return nil, fmt.Errorf("reading a result: there is no version %d; want 1 to %d", *head.Version, ResultVersion)
	}
	r := new(Result)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("reading a result: %w", plainJSON(err))
	}
	if err := r.sound(); err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	r.fillUnanswered()
	return r, nil
}

// plainJSON says what was wrong in the words of the document.
func plainJSON(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		got := "a " + t.Value
		switch {
		case strings.HasPrefix(t.Value, "number "): // with the number, which is of the wrong kind or out of range
			got = "the " + t.Value
		case t.Value == "array" || t.Value == "object":
			got = "an " + t.Value
		}
		field := strings.NewReplacer(".Outcomes.", ".", ".DeliveryTotals.", ".", ".WillTotals.", ".").Replace(t.Field) // which the document does not have
		return fmt.Errorf("%s is %s; want %s", cmp.Or(field, "the document"), got, jsonName(t.Type))
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is no JSON document: byte %d: %w", s.Offset, err)
	}
	if strings.Contains(err.Error(), ",string struct tag") { // which only the seed has
		return errors.New("seed is no number in quotes")
	}
	return err
}

// jsonName is what a document has where a result has the type t.
func jsonName(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[Span]() {
		return `a duration such as "1.5s"`
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// sound checks what the rest of the package takes for granted.
func (r *Result) sound() error {
	for name, t := range map[string]*Totals{"ledger": &r.Ledger, "warm_up_ledger": &r.WarmUpLedger} {
		for _, n := range t.figures() {
			if *n < 0 || *n > maxCount {
				return fmt.Errorf("the %s has the count %d; want 0 to %d", name, *n, int64(maxCount))
			}
		}
		if t.LongestQueue < 0 || t.LongestQueue > maxCount || t.LongestWait < 0 {
			return fmt.Errorf("the %s has a longest queue of %d and a longest wait of %v; want 0 to %d, and no negative time", name, t.LongestQueue, t.LongestWait, int64(maxCount))
		}
		for reason, n := range t.RefusedBy {
			if n < 0 || n > maxCount {
				return fmt.Errorf("the %s has the count %d for %.40q; want 0 to %d", name, n, reason, int64(maxCount))
			}
		}
	}
	if d := r.Devices; min(d.Total, d.Online, d.Seen, d.GaveUp) < 0 || int64(max(d.Total, d.Online, d.Seen, d.GaveUp)) > maxCount {
		return fmt.Errorf("there are the devices %+v; want 0 to %d of each", d, int64(maxCount))
	}
	for name, n := range r.Counts {
		if err := soundCounts(n); err != nil {
			return fmt.Errorf("the counts: %.40q: %w", name, err)
		}
	}
	for phase, counts := range r.CountsApart {
		for name, n := range counts {
			if err := soundCounts(n); err != nil {
				return fmt.Errorf("the counts of %.40q: %.40q: %w", phase, name, err)
			}
		}
	}
	for where, counts := range r.Reasons {
		for name, n := range counts {
			if err := soundCounts(n); err != nil {
				return fmt.Errorf("the reasons of %.40q: %.40q: %w", where, name, err)
			}
		}
	}
	if r.Measured < 0 {
		return fmt.Errorf("it is of %v of measuring; want a time that is not negative", r.Measured)
	}
	for i := range r.ByLabel {
		if err := r.ByLabel[i].sound(); err != nil {
			return err
		}
	}
	for _, s := range r.Series {
		if s.Histogram == nil {
			return fmt.Errorf("the series %.40q has no histogram", s.Metric)
		}
		if s.Histogram.digits == coarseDigits {
			return fmt.Errorf("the series %.40q has %d digits; want %d", s.Metric, coarseDigits, fineDigits)
		}
	}
	if err := r.Audit.sound(); err != nil {
		return err
	}
	if err := soundDeliveries(r.Deliveries); err != nil {
		return err
	}
	if len(r.Recoveries) > maxRecoveries {
		return fmt.Errorf("there are %d recoveries; want at most %d", len(r.Recoveries), maxRecoveries)
	}
	for i := range r.Recoveries {
		if err := r.Recoveries[i].sound(); err != nil {
			return fmt.Errorf("recovery %d: %w", i, err)
		}
	}
	if m := r.RecoveriesLeftOut; m != nil {
		if err := soundCounts(m.Count, m.Affected, m.Online, m.Attempts); err != nil {
			return fmt.Errorf("the recoveries that are left out: %w", err)
		}
	}
	if err := soundCounts(int64(r.IncidentsLeftOut)); err != nil {
		return fmt.Errorf("the incidents that are left out: %w", err)
	}
	return r.TimeLine.sound()
}

func (o *Outcomes) sound() error {
	for _, n := range []int64{o.Planned, o.Sent, o.Answered, o.Late, o.Lost, o.Refused, o.NotSent, o.Interrupted} {
		if n < 0 || n > maxCount {
			return fmt.Errorf("there is the count %d; want 0 to %d", n, int64(maxCount))
		}
	}
	return nil
}

// maxPoints bounds a time line that is read.
const maxPoints = 100_000

func (t *TimeLine) sound() error {
	if t == nil {
		return nil
	}
	if t.Interval <= 0 || len(t.Points) > maxPoints || int64(t.Interval) > int64(1<<62)/maxPoints {
		return fmt.Errorf("the time line has %d intervals of %v", len(t.Points), t.Interval)
	}
	for i := range t.Points {
		p := &t.Points[i]
		if p.At != Span(i)*t.Interval {
			return fmt.Errorf("interval %d of the time line begins at %v; want %v", i, p.At, Span(i)*t.Interval)
		}
		if err := p.Outcomes.sound(); err != nil {
			return err
		}
		if p.Received < 0 || p.Received > maxCount || p.Online != nil && (*p.Online < 0 || *p.Online > maxCount) {
			return fmt.Errorf("interval %d of the time line has a count that is negative or too large", i)
		}
		if h := p.Response; h != nil && h.Count() > 0 && h.digits != coarseDigits {
			return fmt.Errorf("interval %d of the time line has a histogram of %d digits; want %d", i, h.digits, coarseDigits)
		}
	}
	return nil
}
